"""Samples as they could have been taken as well: turned, a little moved, lit and grainy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from coverslip.core import Samples
from coverslip.samples.opening.recipes import Recipe

_LOOKED_AT = 256
"""Samples that the range of each channel is taken from."""


def usual_change() -> Recipe:
    """What no representation of cells should mind: any orientation, a tenth less area, a tenth more or less light."""
    return Recipe(crop=0.9, aspect=1.1, brightness=0.1, contrast=0.1, blur=0.7, sharpen=1, noise=0.02, drop_channel=0)


class Views:
    """A view of each of some samples, in the dtype in which they are stored.

    Parameters
    ----------
    samples : Samples
        The samples.
    seed : int
        Other views for another seed; the same for the same, where the same rows are read together.
    recipe : Recipe, optional
        How a view is made; default: `usual_change`. Of each channel, the 0.1th to the 99.9th percentile is its 0 to 1.
    """

    def __init__(self, samples: Samples, seed: int = 0, recipe: Recipe | None = None) -> None:
        self._samples, self._seed, self._recipe = samples, seed, recipe or usual_change()
        some = samples.read(np.unique(np.linspace(0, len(samples) - 1, min(len(samples), _LOOKED_AT)).astype(int)))
        low, high = np.percentile(some.astype(np.float64), [0.1, 99.9], axis=(0, 2, 3))
        self._low = low[:, None, None].astype(np.float32)
        self._range = np.where(high > low, high - low, 1)[:, None, None].astype(np.float32)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every sample."""
        return self._samples.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """As stored in the files."""
        return self._samples.dtype

    @property
    def obs(self) -> Mapping[str, np.ndarray]:
        """One column per fact."""
        return self._samples.obs

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel names; empty where unknown."""
        return self._samples.channels

    def __len__(self) -> int:
        return len(self._samples)

    def read(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Views of some samples: ``(n, C, H, W)``, dtype as stored."""
        import torch

        rows = np.asarray(indices, dtype=np.intp)
        pixels = self._samples.read(rows)
        if not len(rows):
            return pixels
        seed = np.random.SeedSequence([self._seed, int(rows[0]), len(rows)]).generate_state(1, np.uint64)[0]
        generator = torch.Generator().manual_seed(int(seed >> 1))
        x = torch.from_numpy((pixels.astype(np.float32) - self._low) / self._range)
        viewed = self._recipe(x, generator).numpy() * self._range + self._low
        if self.dtype.kind not in "iu":
            return viewed.astype(self.dtype)
        limits = np.iinfo(self.dtype)
        return np.clip(np.rint(viewed.astype(np.float64)), limits.min, limits.max).astype(self.dtype)
