"""The card of Kaizen."""

from coverslip.core.card import Card

CARD = Card(
    name="kaizen",
    result="decomposition",
    summary="An image explained by generated objects, which may overlap, until nothing is left to explain.",
    citation=(
        "Daniel Majoral López, Deep neural networks for microscopy images, PhD thesis, University of Tartu, 2026 "
        "(chapter 4); D. Majoral, M. Domnich, Kaizen: Decomposing cellular images with VQ-VAE, PLoS One 20(5), 2025; "
        "VQ-VAE: van den Oord et al., NeurIPS 2017."
    ),
    takes="Fields of any size, one channel in which light adds up, any dtype, with a label mask each for training.",
    gives="A Decomposition per field: objects with their whole masks, generated pixels and receipts, and flat labels.",
    notation={"beta": "commitment of the encoder to its codes (thesis, section 1.2.8)"},
    limits=(
        "Objects wider than a patch are cut off: choose the patch, or `scales`, for the widest.",
        "Light must add up: in transmitted light nothing is explained by adding objects.",
        "What looks like no training object is left unexplained; the report lists it.",
    ),
)
