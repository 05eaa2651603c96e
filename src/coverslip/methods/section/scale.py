"""How large a field is shown, so that objects have the size they had in the fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from coverslip.core import Fields, InputError

_MOST = 16.0


def size_of(fields: Fields, index: int) -> float | None:
    """µm per pixel of a field, the geometric mean of both axes; None where it is not known."""
    size = fields.image(index).pixel_size
    return None if size is None else float(np.sqrt(size.y * size.x))


def reference(fields: Fields, rows: Sequence[int]) -> float | None:
    """The usual µm per pixel of some fields; None unless it is known of all."""
    sizes = [size_of(fields, row) for row in rows]
    known = [size for size in sizes if size is not None]
    return float(np.median(known)) if known and len(known) == len(sizes) else None


def zoom_of(fields: Fields, index: int, zoom: float, size: float | None) -> float:
    """Pixels shown per pixel of a field.

    Parameters
    ----------
    zoom : float
        Of fields with pixels of the usual size.
    size : float or None
        That size, µm; where it, or that of the field, is not known, the field is shown as the usual ones are.

    Raises
    ------
    InputError
        If the sizes are more than 16-fold apart: one of them is wrong.
    """
    own = size_of(fields, index)
    if own is None or size is None:
        return zoom
    if not 1 / _MOST < own / size < _MOST:
        raise InputError(
            f"{fields.name(index)}: its pixels are {own:g} µm, those of the fit {size:g} µm, which is too far apart; "
            "say --pixel-size where the file is wrong."
        )
    return zoom * own / size
