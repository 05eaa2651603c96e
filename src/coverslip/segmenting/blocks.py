"""Finding objects block by block, and how large blocks may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from coverslip.core.errors import about
from coverslip.core.fields import Fields
from coverslip.nn.tiles import Tile
from coverslip.sample.exposure import Exposure
from coverslip.train.run import resident_memory

LARGEST = 2048
"""Side of blocks where memory allows, pixels, without their margins."""
_STEP = 256

_FIXED = 800 << 20
"""What Python and its libraries take, at least."""
_PER_PIXEL = 100
"""Bytes that telling objects apart takes for each pixel of a window."""


class Segmenter(Protocol):
    """What a method that gives labels exports under this name: a fitted model ready to segment."""

    margin: int
    """How far windows reach over their blocks, pixels: further than objects."""

    tile_bytes: int
    """Memory of this machine that the network takes at work."""

    def exposure(self, fields: Fields, index: int) -> Exposure:
        """How a field is scaled; raises `InputError` if it does not fit the model."""

    def blocks(self, size: tuple[int, int], side: int) -> list[Tile]:
        """Blocks that cover an image of this height and width."""

    def objects(self, fields: Fields, index: int, block: Tile, exposure: Exposure) -> tuple[np.ndarray, np.ndarray]:
        """Objects of a block, from 1 without gaps, and foreground probability, both of the block's window."""


@dataclass(frozen=True)
class Job:
    """A block to find objects in.

    Parameters
    ----------
    index : int
        Which field.
    block : Tile
        Which part of it.
    exposure : Exposure or None
        Of the whole field; None: the block is the whole field, so that it can be found on the way.
    """

    index: int
    block: Tile
    exposure: Exposure | None


@dataclass(frozen=True)
class Found:
    """What a block holds.

    Parameters
    ----------
    labels : ndarray of unsigned int, shape of the block's window
        Objects, from 1 without gaps.
    probability : ndarray of uint8, shape of the block's core, or None
        Foreground probability, 255 for 1.
    """

    labels: np.ndarray
    probability: np.ndarray | None


def find(segmenter: Segmenter, fields: Fields, job: Job, probability: bool) -> Found:
    """Find the objects of one block.

    Raises
    ------
    InputError
        Naming the field, if it cannot be read or does not fit the model.
    """
    with about(fields.name(job.index)):
        exposure = job.exposure or segmenter.exposure(fields, job.index)
        labels, chance = segmenter.objects(fields, job.index, job.block, exposure)
    compact = labels.astype(np.min_scalar_type(int(labels.max(initial=0))))
    return Found(compact, np.rint(chance[job.block.inside()] * 255).astype(np.uint8) if probability else None)


def side_for(memory: int | None, segmenter: Segmenter, blocks: int) -> int:
    """The side of blocks, without their margins, that stay within some memory.

    Parameters
    ----------
    memory : int or None
        Bytes that the process may take; None: as large as pays.
    segmenter : Segmenter
        Just made.
    blocks : int
        How many are worked on at once.

    Returns
    -------
    int
        0 if even the smallest is too large.
    """
    if memory is None:
        return LARGEST
    window = ((memory - _fixed()) / blocks - segmenter.tile_bytes) / _PER_PIXEL
    side = int(max(window, 0) ** 0.5) - 2 * segmenter.margin
    return min(max(side, 0) // _STEP * _STEP, LARGEST)


def needed(segmenter: Segmenter, blocks: int) -> int:
    """Bytes that the smallest blocks need."""
    return _fixed() + blocks * (segmenter.tile_bytes + _PER_PIXEL * (_STEP + 2 * segmenter.margin) ** 2)


def _fixed() -> int:
    return max(_FIXED, resident_memory())
