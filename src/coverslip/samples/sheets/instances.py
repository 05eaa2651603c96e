"""Whether a mask numbers its objects, or only says where objects are."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from coverslip.core import Fields, InputError

_SPECK = 0.25
"""A piece below this share of its object's largest piece is a speck left over from drawing, not another object."""

_MANY = 1.5
"""Pieces for each number of a mask, above which the numbers cannot stand for objects. Of 456 real masks none has."""

_ALONE = 6
"""Pieces of one number above which it stands for more than one object, whatever the others do."""

_REMEDY = "give every object a number of its own, 0 to the background (scikit-image: measure.label)"


def doubts_about(labels: np.ndarray, name: str) -> list[str]:
    """What speaks against a mask holding one number for each object.

    Parameters
    ----------
    labels : ndarray of int, shape (H, W)
        The mask.
    name : str
        What to call it.

    Returns
    -------
    list of str
        One sentence, or none. Objects are 8-connected; of an object in several pieces those count that are at least a
        quarter of its largest one.
    """
    found = _doubt(labels)
    return [f"The mask {name} {found}; {_REMEDY}."] if found else []


def doubtful_masks(fields: Fields) -> list[str]:
    """The same of all masks of fields, the first few of them in full."""
    found: list[str] = []
    for i in range(len(fields)):
        with suppress(InputError):  # who needs a mask that cannot be read says so
            found += doubts_about(fields.labels(i), f"of {fields.name(i)}")
    return shortened(found)


def shortened(sentences: Sequence[str], most: int = 3) -> list[str]:
    """The first sentences, and how many more there are."""
    rest = len(sentences) - most
    return [*sentences[:most], *([f"… and {rest} more of this kind."] if rest > 0 else [])]


def _doubt(labels: np.ndarray) -> str:
    from skimage.measure import label

    if not labels.any():
        return ""
    if labels.all():
        return f"has no 0, which is background: what has its smallest number, {labels.min()}, counts as an object too"
    pieces, count = label(labels, connectivity=2, return_num=True)
    sizes = np.bincount(pieces.ravel())[1:]
    number = np.zeros(count + 1, labels.dtype)
    number[pieces.ravel()] = labels.ravel()
    numbers, of = np.unique(number[1:], return_inverse=True)
    largest = np.zeros(len(numbers), sizes.dtype)
    np.maximum.at(largest, of, sizes)
    parts = np.bincount(of[sizes >= _SPECK * largest[of]])
    most = int(parts.argmax())
    if len(numbers) == 1 and (parts[0] > 1 or numbers[0] > 1):
        what = f"{parts[0]} pieces" if parts[0] > 1 else "one piece"
        return f"holds one number only, {numbers[0]} ({what}), so that it says where objects are, not which is which"
    if parts.sum() > _MANY * len(numbers) or parts[most] > _ALONE:
        return f"has {parts.sum()} pieces but {len(numbers)} numbers ({numbers[most]} lies in {parts[most]} places)"
    return ""
