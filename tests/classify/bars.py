"""Images of a bar in one of three places, in noise: classes that are easy to learn."""

from __future__ import annotations

import numpy as np

from coverslip.core import ArraySamples

CLASSES = ("high", "low", "middle")


def bars(n: int, *, side: int = 16, channels: int = 1, seed: int = 0, shuffled: bool = False) -> ArraySamples:
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % 3
    pixels = rng.normal(300, 60, (n, channels, side, side))
    third = side // 3
    for i, place in enumerate((0, 2, 1)):
        pixels[codes == i, :, place * third : (place + 1) * third] += 900
    labels = np.array(CLASSES)[rng.permutation(codes) if shuffled else codes]
    return ArraySamples(pixels.clip(0).astype(np.uint16), {"label": labels, "image": np.arange(n).astype(str)})
