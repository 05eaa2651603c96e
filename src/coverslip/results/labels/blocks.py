"""Finding objects block by block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from coverslip.core import Fields, about
from coverslip.models.folder import Model
from coverslip.nn.tiles import Tile
from coverslip.results.labels.seen import Seen
from coverslip.samples.opening.view import View
from coverslip.work.crew import Trade
from coverslip.work.memory import Footprint

FOOTPRINT = Footprint(largest=2048, per_pixel=100)
"""Telling objects apart takes about so many bytes for each pixel."""


class Segmenter(Protocol):
    """What a method that gives labels exports under this name: a fitted model ready to segment."""

    margin: int
    """How far windows reach over their blocks, pixels: further than objects."""

    tile_bytes: int
    """Memory of this machine that the network takes at work."""

    @property
    def maps_kept(self) -> tuple[str, ...]:
        """Names of the maps that are kept beside labels, so that these can be refined; usually none."""

    def view(self, fields: Fields, index: int) -> View:
        """How a field of several blocks is shown; raises `InputError` if it does not fit the model."""

    def blocks(self, size: tuple[int, int], side: int) -> list[Tile]:
        """Blocks that cover an image of this height and width."""

    def objects(self, fields: Fields, index: int, block: Tile, view: View | None) -> Objects:
        """Objects of a block; the view is needless where that is the whole field."""


class Objects(Protocol):
    """What a segmenter finds in a block."""

    @property
    def labels(self) -> np.ndarray:
        """Objects from 1 without gaps, of the block's window."""

    @property
    def probability(self) -> np.ndarray:
        """Foreground probability, likewise."""

    @property
    def view(self) -> View:
        """How the field was shown."""

    @property
    def maps(self) -> np.ndarray | None:
        """Maps that objects were made from, ``(K, h, w)`` uint8, of the block's window; None where none are kept."""

    @property
    def noted(self) -> Mapping[str, Any]:
        """What is needed beside the maps to make the objects again, JSON-able."""

    @property
    def block(self) -> Tile:
        """Where they are: the block asked for, perhaps with a wider margin."""


@dataclass(frozen=True)
class Part:
    """A block to find objects in.

    Parameters
    ----------
    block : Tile
        Which part of the field.
    view : View or None
        Of the whole field; None: the block is the whole field, so that it can be found on the way.
    probability : bool
        Whether the foreground probability is wanted.
    maps : bool
        Whether the maps that objects are made from are.
    """

    block: Tile
    view: View | None
    probability: bool
    maps: bool = False


@dataclass(frozen=True)
class Found:
    """What a block holds.

    Parameters
    ----------
    labels : ndarray of unsigned int, shape of the block's window
        Objects, from 1 without gaps.
    probability : ndarray of uint8, shape of the block's core, or None
        Foreground probability, 255 for 1.
    block : Tile
        The block, perhaps with a wider margin than was asked for.
    seen : Seen
        How the model saw the field.
    nodata : tuple of float or None
        The grey values of areas of the field that hold no image.
    maps : ndarray of uint8, (K, *shape of the block's core), or None
        What the objects were made from.
    noted : mapping
        What is needed beside the maps to make them again.
    """

    labels: np.ndarray
    probability: np.ndarray | None
    block: Tile
    seen: Seen
    nodata: tuple[float, ...] | None = None
    maps: np.ndarray | None = None
    noted: Mapping[str, Any] = field(default_factory=dict)


def _make(model: Model, device: str, options: Mapping[str, Any]) -> Segmenter:
    made: Segmenter = model.implementation.Segmenter(model, device=device, **options)
    return made


def _find(segmenter: Segmenter, fields: Fields, rows: tuple[int, ...], part: Part) -> Found:
    """Find the objects of one block; a field that cannot be read or does not fit the model is named."""
    (index,) = rows
    with about(fields.name(index)):
        found = segmenter.objects(fields, index, part.block, part.view)
    compact = found.labels.astype(np.min_scalar_type(int(found.labels.max(initial=0))))
    chance = np.rint(found.probability[found.block.inside()] * 255).astype(np.uint8) if part.probability else None
    nodata = found.view.exposure.nodata
    nowhere, seen = None if nodata is None else nodata.value, Seen.of(found.view)
    if not part.maps or found.maps is None:
        return Found(compact, chance, found.block, seen, nowhere)
    return Found(compact, chance, found.block, seen, nowhere, found.maps[:, *found.block.inside()], found.noted)


TRADE = Trade(_make, _find)
"""A fitted model that finds objects, and what it does with a block."""
