"""Code and decode fields in memory, to see what is lost and for how many bytes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coverslip.core import Fields, Fitted, track
from coverslip.methods.slide_codec.inference import Coder


@dataclass(frozen=True)
class Decoded:
    """What a field becomes.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (H, W, 3)
    bytes : int
        Of its streams, with their checksums.
    """

    pixels: np.ndarray
    bytes: int


def predict(fitted: Fitted, fields: Fields, *, device: str = "auto", level: int = 0) -> list[Decoded]:
    """Code and decode fields.

    Parameters
    ----------
    fitted : Fitted
        A fitted codec.
    fields : Fields
        RGB images of 8 bits.
    device : str
        Not used: what decodes is exact on the processor, and on nothing else.
    level : int
        Level of quality, from 0.

    Returns
    -------
    list of Decoded
        One for each field, each coded by itself as one tile.
    """
    coder = Coder(fitted, level)
    found = []
    for i in track(range(len(fields)), "Coding"):
        pixels = fields.pixels(i).transpose(1, 2, 0)
        found.append(Decoded(*coder.there_and_back(pixels)))
    return found
