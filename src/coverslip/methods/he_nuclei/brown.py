"""Sections with a protein stained brown (immunohistochemistry with DAB): the brown is taken out, haematoxylin stays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from coverslip.core import Fields, NoDataRule
from coverslip.methods.he_nuclei.stain import RUIFROK, colours, density
from coverslip.samples.opening.changed import Changed

DAB = "DAB"

_STAINED = 0.2
"""Optical density of the colour that is weakened most, from which on a pixel counts as stained."""
_BROWN = 1.15
"""Brown weakens blue so many times as much as any other colour. Eosin and blood weaken green as much."""
_SHARE = 0.1
"""Of the stained pixels, from which on a section is one with DAB: of sections in H&E at most 0.006 were found to be."""


def holds_brown(parts: Sequence[np.ndarray]) -> bool:
    """Whether a section is stained with DAB, from parts of it ``(3, h, w)``, RGB in [0, 1]."""
    red, green, blue = np.concatenate([density(part).reshape(3, -1) for part in parts], axis=1)
    others = np.maximum(red, green)
    stained = np.maximum(others, blue) > _STAINED
    return bool(stained.any() and (blue > _BROWN * others)[stained].mean() > _SHARE)


class WithoutBrown(Changed):
    """Fields with the same pixels, less what DAB takes out of the light.

    Parameters
    ----------
    fields : Fields
        RGB.
    white : float
        Grey value of light that nothing took anything out of.
    """

    def __init__(self, fields: Fields, white: float) -> None:
        super().__init__(fields)
        self._white = white

    @property
    def nodata(self) -> NoDataRule:
        """As stored: what has no colour stays."""
        return self._fields.nodata

    def changed(self, pixels: np.ndarray) -> np.ndarray:
        """Without brown, dtype as stored."""
        left = self._white * colours(_without_dab(density(pixels / np.float32(self._white))))
        grey = (pixels == pixels[:1]).all(axis=0)  # what has no colour holds no stain: areas without an image stay
        left = np.where(grey, pixels, left)
        return (left if pixels.dtype.kind == "f" else np.rint(left)).astype(pixels.dtype)


def _without_dab(density: np.ndarray) -> np.ndarray:
    unit = RUIFROK / np.linalg.norm(RUIFROK, axis=1, keepdims=True)
    amount = np.tensordot(np.linalg.inv(unit)[:, 2].astype(np.float32), density, axes=1)
    brown = unit[2].astype(np.float32)[:, None, None] * np.maximum(amount, 0)
    return np.asarray(np.maximum(density - brown, 0))
