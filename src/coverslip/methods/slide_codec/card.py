"""The card of the learned codec of slides."""

from coverslip.core import Card

CARD = Card(
    name="slide_codec",
    takes="fields",
    gives="slide_store",
    summary="A learned codec of H&E slides: one network for all rates, real bits, any window without seams.",
    citation="",
    inputs="RGB images of 8 bits, (3, H, W), of any size; also whole slides.",
    outputs="A slide store: a Zarr group whose pyramid decodes chunk by chunk.",
)
