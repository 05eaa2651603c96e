"""Patches of fields, cut at random places and scales, with what a network should say of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from coverslip.core import Fields, Region, free_memory, resident_memory, track
from coverslip.samples.opening.exposure import Exposure
from coverslip.train.ahead import made_ahead
from coverslip.train.batch import Batch
from coverslip.train.run import Run

_WORKING = 1024 * 2**20
"""Bytes left to the network itself when `max_ram` says how much there is in all."""
_MARGIN = 32
"""Pixels around a patch that targets are computed on, so that objects cut by its edge keep their shape."""


class PatchFeed:
    """Batches of patches: the scaled pixels, and targets ``(n, K, patch, patch)`` from the same place.

    Fields stay in memory in their stored dtype as far as there is room; the others are read again for each patch.
    Both give the same batches.

    Parameters
    ----------
    fields : Fields
        With masks.
    rows : ndarray of int
        The fields that will be asked for.
    patch : int
        Side of a patch, pixels.
    targets : callable
        ``targets(labels) -> (K, H, W)`` float32, from labels ``(H, W)``.
    percentiles : tuple of float
        See `coverslip.samples.opening.exposure.Exposure`.
    zoom : float
        Largest factor by which a patch is enlarged or shrunk, at least 1.
    run : Run
        Gives ``max_ram``.
    numbered : callable, optional
        What masks are made labels by, int32, where not by `compact_labels`; pixels below 0 are of no object.
    """

    def __init__(
        self,
        fields: Fields,
        rows: np.ndarray,
        *,
        patch: int,
        targets: Callable[[np.ndarray], np.ndarray],
        percentiles: tuple[float, float],
        zoom: float,
        run: Run,
        numbered: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self.fields, self.patch, self.targets, self.zoom = fields, patch, targets, zoom
        self._numbered = numbered or compact_labels
        self._percentiles = percentiles
        room = free_memory() // 2 if run.max_ram is None else run.max_ram - resident_memory() - _WORKING
        self._held: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._exposures: dict[int, Exposure] = {}
        self.areas: list[np.ndarray] = []
        """Areas of the objects of each field, pixels."""
        for row in track([int(r) for r in rows], "Reading fields"):
            pixels, labels = fields.pixels(row), self._numbered(fields.labels(row))
            self._exposures[row] = Exposure.of(fields, row, percentiles, [(Region(0, 0, *labels.shape), pixels)])
            pixels = self._exposures[row].filled(pixels)
            self.areas.append(np.bincount(np.maximum(labels, 0).ravel())[1:])
            if (room := room - pixels.nbytes - labels.nbytes) > 0:
                self._held[row] = (pixels, labels)
        self._in_memory = len(self._held) == len(rows)

    @property
    def in_memory(self) -> bool:
        """Whether the fields fitted into memory."""
        return self._in_memory

    def batches(
        self, rows: Sequence[np.ndarray], seeds: Sequence[np.random.SeedSequence]
    ) -> Iterator[Batch[np.ndarray]]:
        """One batch for each array of row numbers, in order.

        A seed decides the places, scales and symmetries of its batch.
        """
        return made_ahead(self._batch, rows, seeds)

    def _batch(self, rows: np.ndarray, seed: np.random.SeedSequence) -> Batch[np.ndarray]:
        rng = np.random.default_rng(seed)
        made = np.stack([self._one(int(row), rng) for row in rows])
        # Laid out for the network here, ahead of it, and as one block: where pixels lie decides how sums round.
        made = np.moveaxis(np.ascontiguousarray(np.moveaxis(made, 1, -1)), -1, 1)
        return Batch(made[:, : self.fields.count], made[:, self.fields.count :], rows)

    def _one(self, row: int, rng: np.random.Generator) -> np.ndarray:
        """The scaled pixels and the targets of a patch, ``(C + K, patch, patch)``."""
        pixels, labels = self._held.get(row) or (
            self._exposures[row].filled(self.fields.pixels(row)),
            self._numbered(self.fields.labels(row)),
        )
        side = max(8, round(self.patch / self.zoom ** rng.uniform(-1, 1)))
        # The whole field is turned (as a view), so that directions in the targets follow the turned image.
        turns, flip, place = int(rng.integers(4)), bool(rng.integers(2)), rng.random(2)
        pixels, labels = (_at_least(_turned(array, turns, flip), side) for array in (pixels, labels))
        y, x = (int(at * (length - side + 1)) for at, length in zip(place, labels.shape, strict=True))
        image = self._exposures[row].apply(pixels[:, y : y + side, x : x + side])
        if side != self.patch:
            image = _resized(image, self.patch)
        (rows, above), (columns, left) = (
            _places(start, side, self.patch, length) for start, length in zip((y, x), labels.shape, strict=True)
        )
        targets = self.targets(labels[np.ix_(rows, columns)])
        return np.concatenate([image, targets[:, above : above + self.patch, left : left + self.patch]])


def compact_labels(labels: np.ndarray) -> np.ndarray:
    """The same objects numbered from 1 without gaps, as int32."""
    numbers, places = np.unique(labels, return_inverse=True)
    numbered = places.reshape(labels.shape).astype(np.int32)
    return numbered if numbers[0] == 0 else numbered + 1


def _turned(array: np.ndarray, turns: int, flip: bool) -> np.ndarray:
    turned = np.rot90(array, turns, axes=(-2, -1))
    return turned[..., ::-1] if flip else turned


def _at_least(array: np.ndarray, side: int) -> np.ndarray:
    """The array, continued by reflection below and to the right where it is smaller than `side`."""
    short = [(0, max(0, side - length)) for length in array.shape[-2:]]
    if not any(after for _, after in short):
        return array
    return np.pad(array, [(0, 0)] * (array.ndim - 2) + short, mode="symmetric")


def _places(start: int, side: int, patch: int, length: int) -> tuple[np.ndarray, int]:
    """Which rows of a field a patch and its margin come from, and where in them the patch begins."""
    at = np.arange(-_MARGIN, patch + _MARGIN)
    rows = np.floor(start + (at + 0.5) * side / patch).astype(np.intp)
    inside = (rows >= 0) & (rows < length)
    return rows[inside], int(_MARGIN - inside.argmax())


def _resized(image: np.ndarray, side: int) -> np.ndarray:
    import torch
    import torch.nn.functional as F

    pixels = torch.from_numpy(np.ascontiguousarray(image))[None]
    shrinking = image.shape[-1] > side
    scaled = F.interpolate(pixels, size=(side, side), mode="bilinear", antialias=shrinking, align_corners=False)
    return np.asarray(scaled[0].numpy())
