"""Batches of synthetic patches, as the network is shown them, in colours of many stains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from coverslip.methods.he_nuclei.config import Config
from coverslip.methods.he_nuclei.scenes import Scene
from coverslip.methods.he_nuclei.stain import colours
from coverslip.methods.he_nuclei.synthesis import Shape, patch_of
from coverslip.samples.opening.exposure import Exposure

_LOOKED_AT = 3000
"""Pixels of a field that its percentiles are taken from after its stains were changed."""
_UNSURE = 0.04
"""How far percentiles are off, as a share of the range: those of another part of a slide differ by so much."""


def batch_of(
    targets: Sequence[Scene],
    others: Sequence[Scene],
    shapes: Sequence[Shape],
    config: Config,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """A patch of each of some fields.

    Parameters
    ----------
    targets : sequence of Scene
        Fields that give the backgrounds, one for each patch.
    others : sequence of Scene
        Fields that nuclei may be cut out of, too.
    shapes : sequence of Shape
        Drawn nuclei to choose from.
    config : Config
        Settings.
    rng : numpy Generator
        Decides everything.

    Returns
    -------
    inputs : ndarray, shape (n, 3, patch, patch), float32
        Scaled as `coverslip.samples.opening.exposure.Exposure` does.
    targets : ndarray, shape (n, 3, patch, patch), float32
        See `coverslip.methods.he_nuclei.synthesis.targets_of`.
    """
    made = [_shown(target, others, shapes, config, rng) for target in targets]
    inputs, wanted = (np.stack(arrays) for arrays in zip(*made, strict=True))
    return inputs, wanted


def _shown(
    target: Scene, others: Sequence[Scene], shapes: Sequence[Shape], config: Config, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    drawn, wanted = patch_of(target, others, shapes, config, rng)
    mixing, offset = _other_stains(config.stain, rng)
    flat = target.density.reshape(3, -1)
    seen = _stained(flat[:, rng.integers(flat.shape[1], size=_LOOKED_AT)], mixing, offset)
    found = Exposure.of_pixels(seen, config.percentiles)
    low, high = rng.normal(0, _UNSURE, (2, 3)) * (found.high - found.low)
    off = Exposure((found.low + low).astype(np.float32), np.maximum(found.high + high, found.low + low + 0.02))
    return off.apply(_stained(drawn, mixing, offset)), wanted


def _other_stains(amount: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """How optical densities change: every colour by a factor, colours into each other, and a stain of the glass."""
    factor = np.exp(rng.normal(0, amount, (3, 1)) + rng.normal(0, amount))
    mixing = (np.eye(3) + rng.normal(0, amount / 4, (3, 3))) * factor
    offset = rng.uniform(0, amount / 2.5, 3) * (rng.random() < 0.5)
    return mixing.astype(np.float32), offset.astype(np.float32)


def _stained(found: np.ndarray, mixing: np.ndarray, offset: np.ndarray) -> np.ndarray:
    return colours(np.tensordot(mixing, found, axes=1) + offset.reshape(3, *[1] * (found.ndim - 1)))
