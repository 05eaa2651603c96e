"""Batches from memory where the samples fit, else from disk, read ahead while the network computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Protocol

import numpy as np

from coverslip.core import Samples, free_memory, resident_memory, track
from coverslip.train.ahead import made_ahead
from coverslip.train.batch import Batch
from coverslip.train.run import Run

_WORKING = 512 * 2**20
"""Bytes left to the network itself when `max_ram` says how much there is in all."""


class Batches(Protocol):
    """What the loop trains on."""

    @property
    def in_memory(self) -> bool:
        """Whether everything fitted into memory."""

    def batches(
        self, rows: Sequence[np.ndarray], seeds: Sequence[np.random.SeedSequence]
    ) -> Iterator[Batch[np.ndarray]]:
        """Yield one batch for each array of row numbers, in order.

        Whatever is random in a batch follows from its seed, so that a resumed fit sees the same batches.
        """


class Feed:
    """Batches of samples without targets, as float32 ready for the network.

    Samples stay in their stored dtype, in memory or on disk, and are scaled batch by batch: 16-bit images
    take half the memory of floats, and both ways give the same batches.

    Parameters
    ----------
    samples : Samples
        What to read.
    prepare : callable
        ``prepare(stored) -> float32``, usually a fitted normaliser's ``apply``; shapes ``(n, C, H, W)``.
    run : Run
        Gives ``max_ram``.
    """

    def __init__(self, samples: Samples, prepare: Callable[[np.ndarray], np.ndarray], run: Run) -> None:
        self.samples = samples
        self.prepare = prepare
        needed = len(samples) * prod(samples.shape) * samples.dtype.itemsize
        room = free_memory() // 2 if run.max_ram is None else run.max_ram - resident_memory() - _WORKING
        self._held = self._read_all() if needed <= room else None

    @property
    def in_memory(self) -> bool:
        """Whether the samples fitted into memory."""
        return self._held is not None

    def _read_all(self) -> np.ndarray:
        n = len(self.samples)
        held = np.empty((n, *self.samples.shape), dtype=self.samples.dtype)
        step = max(1, min(1024, n))
        for start in track(range(0, n, step), "Reading samples"):
            rows = np.arange(start, min(start + step, n))
            held[rows[0] : rows[-1] + 1] = self.samples.read(rows)
        return held

    def _batch(self, rows: np.ndarray) -> Batch[np.ndarray]:
        stored = self._held[rows] if self._held is not None else self.samples.read(rows)
        return Batch(np.ascontiguousarray(self.prepare(stored), dtype=np.float32), None, rows)

    def batches(
        self, rows: Sequence[np.ndarray], seeds: Sequence[np.random.SeedSequence] = ()
    ) -> Iterator[Batch[np.ndarray]]:
        """One batch for each array of row numbers, in order; nothing is random."""
        return map(self._batch, rows) if self.in_memory else made_ahead(self._batch, rows)
