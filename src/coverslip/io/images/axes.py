"""From the axes a file has to the axes an image has: a subset of ``TCZYX``, in that order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from coverslip.core import AXES, InputError, Window

_ALLOWED = f"use one letter of {AXES} for each dimension, each once, with Y and X among them"
_NAMES = {"I": "page", "Q": "page", "A": "angle", "P": "phase or position", "M": "mosaic tile", "R": "region"}


@dataclass(frozen=True)
class Arrangement:
    """How the dimensions of a file become the axes of an image.

    Parameters
    ----------
    axes : str
        The axes of the image: those longer than 1, and always ``Y`` and ``X``.
    shape : tuple of int
        Their lengths.
    order : tuple of int
        For each axis of the image, the dimension of the file it is.
    stored : int
        The number of dimensions in the file; those not in `order` have length 1.
    fixed : tuple of (int, int)
        Dimensions of which only one entry is meant, and which.
    """

    axes: str
    shape: tuple[int, ...]
    order: tuple[int, ...]
    stored: int
    fixed: tuple[tuple[int, int], ...] = ()

    def stored_window(self, window: Window) -> Window:
        """The window to read from the file for a window of the image."""
        slices = [slice(0, 1)] * self.stored
        for dimension, entry in self.fixed:
            slices[dimension] = slice(entry, entry + 1)
        for dimension, part in zip(self.order, window, strict=True):
            slices[dimension] = part
        return tuple(slices)

    def arrange(self, array: np.ndarray) -> np.ndarray:
        """Pixels as they lie in the file, as pixels of the image (a view)."""
        rest = [d for d in range(self.stored) if d not in self.order]
        moved = array.transpose(*rest, *self.order)
        return moved.reshape(moved.shape[len(rest) :])


def arrange(source: str, stored_axes: str, stored_shape: Sequence[int], axes: str | None = None) -> Arrangement:
    """Decide the axes of an image.

    Parameters
    ----------
    source : str
        The file, for messages.
    stored_axes : str
        One letter per dimension as the file says: ``T C Z Y X``, ``S`` for the samples of a colour image, any other
        letter for a dimension whose meaning the file does not say.
    stored_shape : sequence of int
        Lengths.
    axes : str, optional
        What the user says instead: one letter of ``TCZYXS`` for each dimension, in the order of the file;
        dimensions of length 1 may be left out. It wins over the file.

    Returns
    -------
    Arrangement
        Samples (``S``) are channels; dimensions of length 1 are dropped.

    Raises
    ------
    InputError
        If `axes` does not fit, or if the file leaves open what a dimension is.
    """
    shape = tuple(int(n) for n in stored_shape)
    if 0 in shape:
        raise InputError(f"{source} holds no pixels: its shape is {shape}; export the image again.")
    letters = stored_axes.upper() if axes is None else _said(source, stored_axes.upper(), shape, axes)
    kept = [d for d, (letter, n) in enumerate(zip(letters, shape, strict=True)) if n > 1 or letter in "YX"]
    found = ["C" if letters[d] == "S" else letters[d] for d in kept]
    for letter, dimension in zip(found, kept, strict=True):
        if letter not in AXES:
            raise InputError(_unclear(source, letters, shape, dimension))
    if len(set(found)) < len(found):
        raise InputError(
            f"{source} has axes '{letters}' of lengths {shape}, two of which are channels; "
            "save each channel as one grey image, or the colour image alone."
        )
    if not {"Y", "X"} <= set(found):
        raise InputError(f"{source} has axes '{letters}' without rows and columns; an image needs Y and X.")
    order = tuple(kept[found.index(a)] for a in AXES if a in found)
    return Arrangement("".join(a for a in AXES if a in found), tuple(shape[d] for d in order), order, len(shape))


def check_letters(axes: str, whose: str = "an image") -> str:
    """Axes as a user writes them, in capitals.

    Raises
    ------
    InputError
        If no image can have them.
    """
    said = axes.upper()
    if not set(said) <= set(AXES + "S") or len(set(said)) < len(said) or not {"Y", "X"} <= set(said):
        raise InputError(f"axes='{axes}' cannot be the axes of {whose}; {_ALLOWED}.")
    return said


def _said(source: str, stored: str, shape: tuple[int, ...], axes: str) -> str:
    said = check_letters(axes, f"{source}, whose shape is {shape}")
    if len(said) == len(shape):
        return said
    long = [d for d, n in enumerate(shape) if n > 1 or stored[d] in "YX"]
    if len(said) == len(long):
        named = dict(zip(long, said, strict=True))
        return "".join(named.get(d, "?") for d in range(len(shape)))
    raise InputError(
        f"axes='{axes}' names {len(said)} dimensions, but {source} has {len(shape)} of lengths {shape}; {_ALLOWED}."
    )


def _unclear(source: str, letters: str, shape: tuple[int, ...], dimension: int) -> str:
    what = _NAMES.get(letters[dimension], f"'{letters[dimension]}'")
    examples = []
    for guess in "CZT":
        said = "".join(guess if d == dimension else a for d, a in enumerate(letters) if shape[d] > 1 or a in "YX")
        if set(said) <= set(AXES + "S") and len(set(said)) == len(said):
            examples.append(f"axes='{said}'")
    hint = f" with {' or '.join(examples)}" if examples else " with axes=..., one letter of TCZYX per dimension"
    return (
        f"{source} has {shape[dimension]} entries along an axis ({what}) and does not say whether they are channels, "
        f"focal planes or time points; say so{hint}, or in the column 'axes' of a sheet, as coverslip samples make "
        "FOLDER --axes AXES writes it."
    )
