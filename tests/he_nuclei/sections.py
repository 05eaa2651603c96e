"""Phantoms of stained sections: discs of haematoxylin on eosin, by the law of Beer and Lambert."""

from __future__ import annotations

import numpy as np

from coverslip.methods.he_nuclei.stain import RUIFROK, colours


def section(
    size: tuple[int, int] = (160, 192), radius: float = 9, *, seed: int = 0, stains: np.ndarray = RUIFROK
) -> tuple[np.ndarray, np.ndarray]:
    """An RGB image ``(3, H, W)`` uint8 and the labels of its nuclei, none of which touch."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]]
    labels = np.zeros(size, np.int32)
    step = round(2.9 * radius)
    for row in range(step // 2, size[0], step):
        for column in range(step // 2, size[1], step):
            if rng.random() < 0.7:
                at = np.array([row, column]) + rng.uniform(-0.1, 0.1, 2) * step
                labels[np.hypot(y - at[0], x - at[1]) < radius * rng.uniform(0.85, 1.1)] = labels.max() + 1
    unit = stains / np.linalg.norm(stains, axis=1, keepdims=True)
    amounts = np.stack([0.9 * (labels > 0) + rng.normal(0.05, 0.02, size), rng.normal(0.25, 0.03, size)])
    rgb = colours(np.tensordot(unit[:2].T, np.maximum(amounts, 0), axes=1).astype(np.float32))
    return np.rint(255 * rgb).astype(np.uint8), labels
