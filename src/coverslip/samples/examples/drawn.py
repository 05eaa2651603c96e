"""Fields of fluorescent nuclei, drawn by a stated model, so that every nucleus and its treatment are known."""

from __future__ import annotations

import numpy as np

UM_PER_PIXEL = 0.5
"""Of the drawn fields."""

_SIDE = 512
_APART = 6
"""Pixels between outlines: some nuclei touch after blurring, none overlap."""


def draw_nuclei(seed: int, *, treated: bool = False, count: int = 70) -> tuple[np.ndarray, np.ndarray]:
    """Draw one field.

    Nuclei are ellipses with a wavy border (radius 13 ± 2 pixels, 6.5 µm; treated: 17 ± 3 and a smoother texture), of
    uneven brightness (log-normal), with chromatin as filtered noise; on a sloping background, blurred by a Gaussian of
    1.2 pixels, with Poisson noise of 0.05 photons per grey value, and an offset of 200 grey values.

    Parameters
    ----------
    seed : int
        The same seed draws the same field.
    treated : bool
        Larger, smoother and dimmer nuclei.
    count : int
        How many are tried; those that do not fit are left out.

    Returns
    -------
    image : ndarray of uint16, shape (512, 512)
    labels : ndarray of int32, same shape
    """
    from scipy import ndimage

    rng = np.random.default_rng([seed, int(treated)])
    y, x = np.mgrid[:_SIDE, :_SIDE].astype(np.float32)
    labels = np.zeros((_SIDE, _SIDE), np.int32)
    light = np.zeros((_SIDE, _SIDE), np.float32)
    radius, spread, smooth = (17, 3.0, 5.0) if treated else (13, 2.0, 2.0)
    chromatin = ndimage.gaussian_filter(rng.normal(size=labels.shape), smooth)
    chromatin /= chromatin.std()
    number = 0
    for _ in range(count):
        centre = rng.uniform(0, _SIDE, 2)
        angle, size, long = rng.uniform(0, np.pi), max(rng.normal(radius, spread), 6), rng.uniform(1.0, 1.5)
        reach = int(1.7 * size) + _APART + 2
        top, left = (max(0, int(at) - reach) for at in centre)
        part = slice(top, int(centre[0]) + reach + 1), slice(left, int(centre[1]) + reach + 1)
        dy, dx = y[part] - centre[0], x[part] - centre[1]
        along = (dy * np.cos(angle) + dx * np.sin(angle)) / long
        across = dx * np.cos(angle) - dy * np.sin(angle)
        turn = np.arctan2(along, across)
        border = size * (1 + 0.06 * np.sin(3 * turn + rng.uniform(0, 6)) + 0.04 * np.sin(5 * turn + rng.uniform(0, 6)))
        apart = np.hypot(along, across) - border
        if (labels[part][apart < _APART] > 0).any():
            continue
        inside = apart < 0
        number += 1
        labels[part][inside] = number
        bright = rng.lognormal(7.6 - 0.4 * treated, 0.25)
        shade = 1 - 0.25 * np.exp(np.minimum(apart[inside], 0) / 3)
        light[part][inside] = bright * (1 + 0.12 * chromatin[part][inside]) * shade
    slope = 150 + 0.15 * x + 0.1 * y
    blurred = ndimage.gaussian_filter(light, 1.2) + slope
    image = rng.poisson(np.clip(blurred, 0, None) * 0.05) / 0.05 + 200 + rng.normal(0, 12, labels.shape)
    return np.clip(image, 0, 65535).astype(np.uint16), labels
