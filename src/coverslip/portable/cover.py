"""The picture of a package: the example on the left, what the network finds in it on the right."""

from __future__ import annotations

from pathlib import Path

import numpy as np

_TINT = np.array([0.2, 0.73, 1.0])


def write_cover(grey: np.ndarray, foreground: np.ndarray, path: Path) -> None:
    """Write a PNG twice as wide as high.

    Parameters
    ----------
    grey : ndarray, shape (H, W)
        The example, 0 black, 1 bright.
    foreground : ndarray, shape (H, W)
        Probability of objects, shown in blue.
    path : Path
        The file.
    """
    from PIL import Image

    grey = np.clip(grey, 0, 1)[..., None].repeat(3, axis=2)
    share = 0.6 * np.clip(foreground, 0, 1)[..., None]
    both = np.concatenate([grey, grey * (1 - share) + _TINT * share], axis=1)
    # Sixteen shades of each are enough for a picture of this size and keep it small.
    Image.fromarray((both * 15).round().astype(np.uint8) * 17).resize((512, 256)).save(path, optimize=True)
