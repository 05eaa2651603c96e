"""How long an epoch is."""

from __future__ import annotations

import numpy as np


def times_covered(size: tuple[int, int], side: int) -> int:
    """How many squares of a side cover an image of a height and width, about; at least one."""
    return max(1, round(size[0] * size[1] / side**2))


def repeated(sizes: dict[int, tuple[int, int]], rows: np.ndarray, side: int) -> np.ndarray:
    """Rows of images, each as often as squares of a side cover it."""
    return np.repeat(rows, [times_covered(sizes[int(row)], side) for row in rows]) if len(rows) else rows


def steps_of(seen: int, batch: int, devices: int = 1) -> int:
    """Optimiser steps of an epoch that shows so many samples.

    A last batch that has not two samples for each device is too small for batch normalisation: its samples are left to
    another epoch.
    """
    steps = -(-seen // batch)
    return steps - 1 if steps > 1 and seen - (steps - 1) * batch < 2 * devices else steps
