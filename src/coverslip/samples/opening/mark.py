"""What tells samples from others that are as many and as large."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from coverslip.core import Embedding, Fields, Region, Samples
from coverslip.io.paths import PARTS
from coverslip.io.stamps import stamp_of
from coverslip.samples.opening.again import as_words
from coverslip.samples.sheets.splits import GROUPS

_LOOKED_AT = 16
"""Samples whose pixels are looked at."""

_SIDE = 64
"""Of a field, so many pixels from its middle, each way."""


def mark_of(samples: Any, *columns: str) -> str:
    """What tells samples from others that are as many and as large: a hash.

    Looked at are the names of all images and what the sheet says of each (class, group, split), the sizes of their
    files, and the pixels of some: enough for other images, other channels and other planes to be noticed, and cheap.

    Parameters
    ----------
    samples : Samples, Fields or Embedding
        Opened.
    *columns : str
        Further columns that count.
    """
    found = hashlib.sha256(str(len(samples)).encode())
    obs = {str(name): np.asarray(samples.obs[name]) for name in samples.obs}
    for name in sorted({"image", *PARTS, "label", "split", *GROUPS, *columns} & set(obs)):
        found.update("\n".join([name, *as_words(obs[name])]).encode())
    found.update(repr(_file_sizes(samples)).encode())
    some = np.linspace(0, len(samples) - 1, min(len(samples), _LOOKED_AT)).astype(int)
    if isinstance(samples, Embedding):
        found.update(np.ascontiguousarray(samples.latent).tobytes())
    elif isinstance(samples, Samples):
        found.update(np.ascontiguousarray(samples.read(some)).tobytes())
    elif isinstance(samples, Fields):
        for index in some.tolist():
            found.update(_middle(samples, index).tobytes())
    return found.hexdigest()


def _middle(fields: Fields, index: int) -> np.ndarray:
    """The middle of a field; two fields with different middles are different."""
    height, width = fields.size(index)
    top, left = max(0, (height - _SIDE) // 2), max(0, (width - _SIDE) // 2)
    return np.ascontiguousarray(fields.pixels(index, Region(top, left, min(_SIDE, height), min(_SIDE, width))))


def _file_sizes(samples: Any) -> list[int]:
    """Bytes of the files of a sheet, each once, in its order; of what is gone, 0."""
    sheet = getattr(samples, "sheet", None)
    files = () if sheet is None else dict.fromkeys(sheet.files("image", "mask", "source"))
    return [stamp_of(file).size for file in files]
