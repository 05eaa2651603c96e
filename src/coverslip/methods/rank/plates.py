"""Vectors measured from the controls of their plate, so that plates with another light or focus lie over each other."""

from __future__ import annotations

import numpy as np

from coverslip.methods.rank.rows import Rows

LEAST = 3
"""Controls that a plate must have; others are left as they are."""


def plate_shifts(
    vectors: np.ndarray, rows: Rows, low: str, zeros: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """How far the low controls of each plate and day lie from where they usually do.

    Parameters
    ----------
    vectors : ndarray, shape (N, D)
    rows : Rows
    low : str
        The class of the low controls.
    zeros : ndarray, shape (2, D), optional
        Where they usually lie on the last and on the first day, as the fit found; default: the mean over plates.

    Returns
    -------
    shifts : ndarray, shape (N, D)
        To be subtracted; 0 where a plate has too few controls.
    zeros : ndarray, shape (2, D)
    without : list of str
        The plates that have too few on the last day.
    """
    shifts = np.zeros(vectors.shape, dtype=np.float64)
    found = np.zeros((2, vectors.shape[1]))
    without = []
    control = rows.classes == low
    for i, day in enumerate((rows.last, ~rows.last)):
        centres = {}
        for plate in dict.fromkeys(rows.plates[day].tolist()):
            here = day & control & (rows.plates == plate)
            if here.sum() >= LEAST:
                centres[plate] = vectors[here].mean(0)
            elif i == 0:
                without.append(str(plate))
        if centres:
            found[i] = np.mean(list(centres.values()), axis=0) if zeros is None else zeros[i]
        for plate, own in centres.items():
            shifts[day & (rows.plates == plate)] = own - found[i]
    return shifts, found, without
