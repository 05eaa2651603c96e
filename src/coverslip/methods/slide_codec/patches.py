"""Patches of slides to learn from: cut at random, turned, zoomed, stained otherwise, some half on glass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F

from coverslip.core import Fields, InputError, Region
from coverslip.core.words import number_of
from coverslip.methods.slide_codec.config import LATENT_SIDE, Config
from coverslip.train.ahead import made_ahead
from coverslip.train.batch import Batch

_ZOOMED, _STAINED, _ON_GLASS = 0.5, 0.5, 0.1
"""Shares of the patches that are changed so."""
_STAIN = 0.15
"""Spread of the log of what the absorption of each colour is multiplied by."""


class PatchFeed:
    """Batches ``(n, 3, patch, patch)``, 0 to 1, drawn anew each time; 8-bit fields stay in memory.

    Raises
    ------
    InputError
        If fields are no RGB images of 8 bits, or are smaller than a patch.
    """

    def __init__(self, fields: Fields, rows: np.ndarray, config: Config) -> None:
        self._config = config
        self._held: dict[int, np.ndarray] = {}
        if fields.count != 3 or fields.dtype != np.uint8:
            raise InputError(
                f"The codec learns from RGB images of 8 bits, not from {number_of(fields.count, 'channel')} of "
                f"{fields.dtype}; give images of stained sections as they come from the scanner."
            )
        for row in rows.tolist():
            height, width = fields.size(row)
            if min(height, width) < config.patch:
                raise InputError(
                    f"{fields.name(row)} is {height} x {width} pixels, smaller than a patch of {config.patch}²."
                )
            self._held[row] = np.ascontiguousarray(fields.pixels(row))

    @property
    def in_memory(self) -> bool:
        return True

    def repeated(self, rows: np.ndarray) -> np.ndarray:
        """Rows, each as often as patches cover its field."""
        side = self._config.patch
        times = [max(1, round(self._held[row][0].size / side**2)) for row in rows.tolist()]
        return np.repeat(rows, times)

    def squares(self, rows: np.ndarray, seed: int, most: int = 40_000) -> torch.Tensor:
        """Squares ``(n, 3, 16, 16)`` from random places, 0 to 1, about equally many of each patch's worth."""
        rng = np.random.default_rng([seed, 5])
        found = []
        for row in rng.choice(self.repeated(rows), most):
            pixels = self._held[int(row)]
            y, x = (rng.integers(n - LATENT_SIDE + 1) for n in pixels.shape[1:])
            found.append(pixels[:, y : y + LATENT_SIDE, x : x + LATENT_SIDE])
        return torch.from_numpy(np.stack(found)).float() / 255

    def samples(self, rows: np.ndarray, seed: int, count: int = 20) -> Iterator[torch.Tensor]:
        """Batches as they are learned from, to measure ranges on."""
        rng = np.random.default_rng([seed, 6])
        chosen = [rng.choice(self.repeated(rows), self._config.batch) for _ in range(count)]
        for batch in self.batches(chosen, np.random.SeedSequence([seed, 6]).spawn(count)):
            yield torch.from_numpy(batch.inputs)

    def batches(
        self, rows: Sequence[np.ndarray], seeds: Sequence[np.random.SeedSequence]
    ) -> Iterator[Batch[np.ndarray]]:
        return made_ahead(self._batch, rows, seeds)

    def _batch(self, rows: np.ndarray, seed: np.random.SeedSequence) -> Batch[np.ndarray]:
        rng = np.random.default_rng(seed)
        return Batch(np.stack([self._patch(self._held[int(row)], rng) for row in rows]), None, rows)

    def _patch(self, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        side, cut = self._config.patch, self._config.patch
        if rng.random() < _ZOOMED:
            cut = round(side * self._config.zoom ** rng.uniform(-1, 1))
            cut = min(cut, *pixels.shape[1:])
        y, x = (rng.integers(n - cut + 1) for n in pixels.shape[1:])
        region = Region(int(y), int(x), cut, cut)
        patch = np.rot90(pixels[(slice(None), *region.slices)], int(rng.integers(4)), (1, 2))
        patch = patch[:, :, ::-1] if rng.random() < 0.5 else patch
        found = patch.astype(np.float32) / 255
        if cut != side:
            zoomed = F.interpolate(torch.from_numpy(found)[None], (side, side), mode="bilinear", antialias=True)
            found = zoomed[0].numpy()
        if rng.random() < _STAINED:
            # Absorption times a factor is the pixel to its power (Lambert and Beer).
            powers = np.exp(rng.normal(0, _STAIN, (3, 1, 1))).astype(np.float32)
            found = np.maximum(found, 1 / 255) ** powers
        if rng.random() < _ON_GLASS:
            found = _half_on_glass(found, rng)
        return np.ascontiguousarray(found, np.float32)


def _half_on_glass(patch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    side = patch.shape[1]
    angle, softness = rng.uniform(0, 2 * np.pi), rng.uniform(1, 6)
    y, x = np.mgrid[:side, :side] - side / 2
    edge = (y * np.sin(angle) + x * np.cos(angle) + rng.uniform(-side / 2, side / 2)) / softness
    share = (1 / (1 + np.exp(-np.clip(edge, -30, 30)))).astype(np.float32)
    colour = (rng.uniform(0.88, 0.97) + rng.normal(0, 0.01, (3, 1, 1))).clip(0, 1).astype(np.float32)
    return patch * (1 - share) + colour * share
