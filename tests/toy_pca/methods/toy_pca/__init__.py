"""A toy, for the tests: a method without training, without a seed, and without a network."""

import lazy_loader

from coverslip.core.card import Card

CARD = Card(
    name="toy_pca",
    summary="The principal components of the pixels.",
    takes="samples",
    gives="embedding",
    citation="Pearson. On lines and planes of closest fit to systems of points in space. 1901.",
    inputs="Images of one size, (N, C, H, W).",
    outputs="One vector per image, in units of the pixels.",
    measured=("With as many components as there are images, 100 % of the variance is kept.",),
    limits=("It is a toy.",),
)

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={"components": ["Config", "fit", "predict"]})
