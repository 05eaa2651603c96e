"""Latents to bytes and back: rounded, and entropy-coded with what the prior expects of them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.methods.slide_codec.exact import Prior
from coverslip.methods.slide_codec.freezing import LARGEST_LATENT, LATENT
from coverslip.methods.slide_codec.model import PHASES

_CHECK = 4
"""Bytes of the checksum before a stream."""
_FINER = 0.8824969025845955
"""One over the eighth root of e, by which the scale of a table differs from that of the next (`SHARPNESS`)."""
_EDGE_PRICE = 1.4
"""What the price of rounding is multiplied by at the border of a tile, where that is finer."""


class TileCoder:
    """Codes the latents of one tile, which nothing beside it is needed for.

    Parameters
    ----------
    weights : mapping of str to ndarray
        Of a frozen codec.
    level : int
        Level of quality.
    price : float
        Bits that a squared step is worth. A latent is rounded one step or two nearer to its mean where that saves more
        bits than it loses; with the default to the nearest always. Only encoding knows of it.
    border : int
        By how many tables the outermost positions, which fewer neighbours say what to expect of, have finer steps.
    """

    def __init__(self, weights: Mapping[str, np.ndarray], level: int, price: float = np.inf, border: int = 0) -> None:
        import constriction

        self._prior = Prior(weights, level)
        self._steps = weights["steps"][level].astype(np.float64)[:, None, None]
        self._reach = weights["tables.reach"].astype(np.int64)
        chances = _chances(weights)
        self._models = [constriction.stream.model.Categorical(part, perfect=False) for part in chances]
        self._bits = -np.log2(np.concatenate([part / part.sum() for part in chances]))
        self._middles = np.cumsum(2 * self._reach + 1) - self._reach - 1
        self.latent = len(self._steps)
        self._price, self._border = price, border

    def encode(self, latents: np.ndarray) -> tuple[bytes, np.ndarray]:
        """The stream of a tile, and the latents that it will become.

        Parameters
        ----------
        latents : ndarray of float, shape (latent, H, W)
            In steps of the middle level; H and W are even.

        Returns
        -------
        stream : bytes
            A checksum (CRC-32) and what it is of.
        decoded : ndarray of int16, shape (latent, H, W)
        """
        import constriction

        wanted = latents.astype(np.float64) * LATENT
        coder = constriction.stream.queue.RangeEncoder()

        def code(means: np.ndarray, tables: np.ndarray, edge: np.ndarray, own: Any) -> np.ndarray:
            found = self._rounded((wanted[own] - means) / self._steps_at(edge), tables, edge)
            for table, where in _groups(tables):
                symbols = found.ravel()[where] + self._reach[table]
                coder.encode(symbols.astype(np.int32), self._models[table])
            return found

        known = self._phases(latents.shape[1:], code)
        data = np.asarray(coder.get_compressed()).astype("<u4").tobytes()
        return zlib.crc32(data).to_bytes(_CHECK, "little") + data, known

    def decode(self, stream: bytes, size: tuple[int, int]) -> np.ndarray:
        """The latents ``(latent, H, W)`` of a stream, int16, whole numbers on their grid.

        Raises
        ------
        InputError
            If the stream is damaged.
        """
        import constriction

        data = stream[_CHECK:]
        if len(data) % 4 or zlib.crc32(data).to_bytes(_CHECK, "little") != stream[:_CHECK]:
            raise InputError("The checksum is not that of the bytes.")
        coder = constriction.stream.queue.RangeDecoder(np.frombuffer(data, "<u4").astype(np.uint32))

        def read(means: np.ndarray, tables: np.ndarray, edge: np.ndarray, own: Any) -> np.ndarray:
            found = np.zeros(tables.shape, np.int64)
            for table, where in _groups(tables):
                found.ravel()[where] = coder.decode(self._models[table], len(where)) - self._reach[table]
            return found

        return self._phases(size, read)

    def _steps_at(self, edge: np.ndarray) -> np.ndarray:
        """Steps ``(latent, H, W)``; products are always formed in the same order."""
        steps = self._steps
        for _ in range(self._border):
            steps = steps * np.where(edge, _FINER, 1.0)
        return steps

    def _rounded(self, rests: np.ndarray, tables: np.ndarray, edge: np.ndarray) -> np.ndarray:
        """Whole numbers of steps that what is left of latents is coded as."""
        reach = np.where(tables < 0, 0, self._reach[tables])
        found: np.ndarray = np.clip(np.rint(rests), -reach, reach).astype(np.int64)
        if np.isfinite(self._price):
            price = np.broadcast_to(self._price * np.where(edge, _EDGE_PRICE, 1.0), tables.shape)
            for _ in range(2):
                at = np.nonzero(found)
                more, rest, middle = found[at], rests[at], self._middles[tables[at]]
                less = more - np.sign(more)
                saved = self._bits[middle + more] - self._bits[middle + less]
                lost = price[at] * ((rest - less) ** 2 - (rest - more) ** 2)
                found[at] = np.where(saved > lost, less, more)
        return found

    def _phases(self, size: tuple[int, ...], rests_of: Any) -> np.ndarray:
        known = np.zeros((self.latent, *size))
        edges = np.full(size, self._border > 0)
        edges[1:-1, 1:-1] = False
        for phase, (row, column) in enumerate(PHASES):
            own = (slice(None), slice(row, None, 2), slice(column, None, 2))
            edge = edges[own[1:]]
            means, tables = self._prior(known, phase, self._border * edge)
            rests = rests_of(means, tables, edge, own)
            # One multiplication and one rounding: the same everywhere.
            known[own] = np.clip(np.rint(rests * self._steps_at(edge)) + means, -LARGEST_LATENT, LARGEST_LATENT)
        return known.astype(np.int16)


def _groups(tables: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Each table in use, and the places, flat, that use it."""
    flat = tables.ravel()
    order = np.argsort(flat, kind="stable")
    ordered = flat[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    for start, stop in zip(starts, np.r_[starts[1:], len(ordered)], strict=True):
        if ordered[start] >= 0:
            yield int(ordered[start]), order[start:stop]


def _chances(weights: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Of each table, those of the whole numbers from less its reach up to its reach."""
    ends = np.cumsum(2 * weights["tables.reach"].astype(np.int64) + 1)
    return np.split(weights["tables.chances"].astype(np.float64), ends[:-1])
