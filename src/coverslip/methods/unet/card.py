"""The card of the U-Net."""

from coverslip.core.card import Card

CARD = Card(
    name="unet",
    result="labels",
    summary="Nuclei and cells as objects, learned from few masks, from any number of channels or focal planes.",
    citation=(
        "Daniel Majoral López, Deep neural networks for microscopy images, PhD thesis, University of Tartu, 2026 "
        "(chapter 2); U-Net: Ronneberger et al., MICCAI 2015; distances that "
        "separate touching objects: Naylor et al., IEEE TMI 2019."
    ),
    takes="Fields of any size, (C, H, W), any channel count, any dtype, with a label mask each for training.",
    gives="A LabelMap per field: int32 objects, 0 background, and the foreground probability of each pixel.",
    measured=("0",),
    limits=("0",),
)
