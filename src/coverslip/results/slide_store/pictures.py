"""Squares before and after, side by side in a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

_GAP = 8


def write_pair(before: np.ndarray, after: np.ndarray, path: Path) -> None:
    """Write two squares ``(H, W, 3)`` of uint8 beside each other, the original to the left, as a PNG."""
    from PIL import Image

    gap = np.full((len(before), _GAP, 3), 255, np.uint8)
    Image.fromarray(np.concatenate([before, gap, after], 1)).save(path, "PNG")
