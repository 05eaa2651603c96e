"""What a fitted section model finds in images of any size, tile by tile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from coverslip.core import Detections, Fields, Fitted, InputError, Region
from coverslip.measure.detections.staging import LEAST_SHARE
from coverslip.methods.section.config import Config
from coverslip.methods.section.model import Detector, build
from coverslip.methods.section.scale import zoom_of
from coverslip.nn.boxes import View as Seen
from coverslip.nn.boxes import best_of_each, clipped, turned, turned_size, voted, without_doubles
from coverslip.nn.device import choose_device
from coverslip.nn.pieces import Piece, best_pieces, joined_pieces, pack, packed, unpacked
from coverslip.nn.tiles import SEAM, Tile, tiles
from coverslip.nn.weights import restored
from coverslip.samples.opening.channels import other_channels
from coverslip.samples.opening.exposure import Exposure
from coverslip.samples.opening.view import View

TILE = 512
"""Side of the tiles, pixels shown, without their margins."""
_LEAST_SCORE = 0.05
_NAMING = 300 << 20
"""Bytes for the boxes of a tile of 600 pixels, pooled and named by the widest head."""
_MULTIPLE = 32
_TURNS = {1: (0,), 2: (0, 2), 4: (0, 1, 2, 3)}
"""Quarter turns of so many directions."""

Found = dict[str, np.ndarray]


class Finder:
    """A fitted section model ready to find objects.

    Parameters
    ----------
    fitted : Fitted
        A fitted section model.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    rotations : {4, 2, 1}
        In how many directions each tile is looked at.
    threshold : float, optional
        Least score; default: what was best on the fields held out while fitting, else 0.5.
    least_votes : int, optional
        Least number of directions that find an object; default: half of them.
    least_share : float
        Share of the votes that a region's class needs.
    tile : int, optional
        Side of the tiles, pixels shown.
    """

    def __init__(
        self,
        fitted: Fitted,
        *,
        device: str = "auto",
        rotations: int = 4,
        threshold: float | None = None,
        least_votes: int | None = None,
        least_share: float = LEAST_SHARE,
        tile: int | None = None,
    ) -> None:
        if not isinstance(fitted.config, Config):
            raise InputError("This is no section model; fit one with coverslip fit section.")
        self.config, facts = fitted.config, fitted.facts
        self.classes = tuple(map(str, facts["classes"]))
        self.inputs, self.margin = int(facts["inputs"]), int(facts["margin"])
        self.size: float | None = facts.get("pixel_size")
        self.regions = self.config.target == "regions"
        if rotations not in _TURNS:
            raise InputError(f"Tiles are looked at in 1, 2 or 4 directions, not in {rotations}; choose --rotations 4.")
        # Outlines are not voted on: pieces of several tiles are.
        self.turns = (0,) if self.regions else _TURNS[rotations]
        known = facts.get("thresholds", {})
        self.threshold = float(known.get(str(len(self.turns)), 0.5)) if threshold is None else threshold
        self.least_votes = -(-len(self.turns) // 2) if least_votes is None else least_votes
        if self.least_votes > len(self.turns):
            raise InputError(f"{self.least_votes} votes were asked for, but there are {len(self.turns)} directions.")
        self.least_share = least_share
        self.tile = TILE if tile is None else tile
        # What naming a crowded tile takes, and its pixels as they are read, before they are shrunk.
        self.tile_bytes = _NAMING + round(12 * self.inputs * (self.tile / self.config.zoom) ** 2)
        self.device = choose_device(device)
        anchors = [float(side) for side in facts["anchors"]]

        def empty() -> Detector:
            return build(self.config, self.inputs, len(self.classes), anchors)

        self._network = restored(empty, fitted.weights, self.device)
        self._network.roi_heads.score_thresh = _LEAST_SCORE

    def view(self, fields: Fields, index: int) -> View:
        """How a field is shown: its grey values, and its zoom by the size of its pixels.

        Raises
        ------
        InputError
            If the field has other channels than those the model was fitted to.
        """
        if fields.count != self.inputs:
            raise InputError(other_channels(fields, index, self.inputs))
        exposure = Exposure.of(fields, index, self.config.percentiles)
        return View(exposure, zoom_of(fields, index, self.config.zoom, self.size))

    def tiles(self, fields: Fields, index: int, view: View) -> list[Tile]:
        """Tiles that cover a field, in pixels shown."""
        size = view.of(fields, index).size
        return tiles(Region(0, 0, *size), size, side=self.tile, margin=self.margin, multiple=_MULTIPLE)

    def find(self, fields: Fields, index: int, tile: Tile, view: View) -> Found:
        """What is in a tile, as arrays in pixels shown of the whole field.

        Cells are the tile's own if the middle of their box lies in its core. Those up to 8 pixels beside it are given
        too, because the middle may differ a little from tile to tile: see `coverslip.nn.boxes.without_doubles`. None
        is cut, for the margin is wider than cells. Of regions all pieces are given.
        """
        pixels, nowhere = view.of(fields, index).read(tile.window)
        if nowhere is not None and nowhere.all():
            pixels = pixels[:, :0]
        found = self._pieces(pixels) if self.regions else self._cells(pixels)
        corner = np.array([tile.window.x, tile.window.y] * 2)
        found["boxes"] = found["boxes"] + corner
        if self.regions:
            return found
        middle, core = (found["boxes"][:, :2] + found["boxes"][:, 2:]) / 2, tile.core
        first, last = np.array([core.x, core.y]), np.array([core.stop_x, core.stop_y])
        found["own"] = np.asarray(((middle >= first) & (middle < last)).all(axis=1))
        near = ((middle >= first - SEAM) & (middle < last + SEAM)).all(axis=1)
        return {name: array[near] for name, array in found.items()}

    def joined(self, fields: Fields, index: int, view: View, parts: Sequence[Mapping[str, np.ndarray]]) -> Detections:
        """What all tiles of a field found, as one: each object once, in pixels of the field."""
        return (self._joined_regions if self.regions else self._joined_cells)(fields, index, view, parts)

    def _joined_cells(
        self, fields: Fields, index: int, view: View, parts: Sequence[Mapping[str, np.ndarray]]
    ) -> Detections:
        together = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        tile = np.repeat(np.arange(len(parts)), [len(part["codes"]) for part in parts])
        kept = np.flatnonzero(without_doubles(together["boxes"], together["score"], tile, together["own"]))
        boxes = together["boxes"][kept]
        kept = kept[np.lexsort((boxes[:, 0].round(1), boxes[:, 1].round(1)))]
        found = {name: array[kept] for name, array in together.items()}
        columns = {"votes": found["votes"], "agreed": found["agreed"]} if len(self.turns) > 1 else {}
        return self._value(fields, index, found["boxes"] / view.zoom, found["codes"], found["score"], columns)

    def _joined_regions(
        self, fields: Fields, index: int, view: View, parts: Sequence[Mapping[str, np.ndarray]]
    ) -> Detections:
        pieces = [piece for number, part in enumerate(parts) for piece in unpacked(part, number)]
        windows = [tile.window for tile in self.tiles(fields, index, view)]
        whole = joined_pieces(pieces, windows, self.least_share)
        columns = {
            "share": np.array([each.share for each in whole]),
            "pieces": np.array([each.pieces for each in whole], int),
            "area_px": np.array([each.area for each in whole]) / view.zoom**2,
            **{f"vote_{name}": np.array([each.votes[k] for each in whole]) for k, name in enumerate(self.classes)},
        }
        outlines = tuple(tuple(ring / view.zoom for ring in each.rings) for each in whole)
        boxes = np.array([each.box for each in whole], np.float64).reshape(-1, 4) / view.zoom
        codes, score = np.array([each.code for each in whole], int), np.array([each.score for each in whole])
        return self._value(fields, index, boxes, codes, score, columns, outlines)

    def _value(
        self,
        fields: Fields,
        index: int,
        boxes: np.ndarray,
        codes: np.ndarray,
        score: np.ndarray,
        columns: Mapping[str, np.ndarray],
        outlines: Any = None,
    ) -> Detections:
        size = fields.size(index)
        return Detections(
            self.classes,
            clipped(boxes, size),
            codes.astype(np.intp),
            score.astype(np.float64),
            fields.name(index),
            size,
            fields.image(index).pixel_size,
            columns=columns,
            outlines=outlines,
        )

    def _cells(self, pixels: np.ndarray) -> Found:
        size = (pixels.shape[1], pixels.shape[2])
        views = [
            Seen(turned(f["boxes"], turned_size(size, k), -k), f["codes"], f["score"]) for k, f in self._seen(pixels)
        ]
        found = voted(views)
        kept = np.flatnonzero((found.score >= self.threshold) & (found.votes >= self.least_votes))
        kept = kept[best_of_each(found.boxes[kept], found.score[kept])]
        return {name: array[kept] for name, array in found._asdict().items()}

    def _pieces(self, pixels: np.ndarray) -> Found:
        ((_, found),) = self._seen(pixels) if pixels.size else ((0, _nothing()),)
        votes = found["score"][:, None] * np.eye(len(self.classes))[found["codes"]]
        pieces = [
            Piece(*pack(mask, box, pixels.shape[1:]), of_each)
            for mask, box, of_each in zip(found["masks"], found["boxes"], votes, strict=True)
        ]
        best = best_pieces([piece for piece in pieces if piece.mask.any()])
        return packed([piece for piece in best if piece.score >= self.threshold], len(self.classes))

    def _seen(self, pixels: np.ndarray) -> Iterator[tuple[int, Found]]:
        """What the network finds in each direction, in pixels of the turned window."""
        for turns in self.turns:
            if not pixels.size:
                yield turns, _nothing()
                continue
            view = np.rot90(pixels, turns, axes=(1, 2))
            height, width = view.shape[1:]
            padded = np.pad(view, [(0, 0), (0, -height % _MULTIPLE), (0, -width % _MULTIPLE)])
            batch = torch.from_numpy(np.ascontiguousarray(padded))[None].to(self.device)
            with torch.inference_mode():
                found = self._network(batch.contiguous(memory_format=torch.channels_last))[0]
            arrays = {name: value.cpu().numpy() for name, value in found.items()}
            boxes, codes, score = arrays["boxes"].astype(np.float64), arrays["labels"] - 1, arrays["scores"]
            boxes = clipped(boxes, (height, width))
            # Classes are one each: of two boxes of one object the surer one counts.
            kept = np.flatnonzero(((boxes[:, 2:] - boxes[:, :2]) >= 1).all(axis=1))
            if not self.regions:
                kept = kept[best_of_each(boxes[kept], score[kept])]
            seen = {"boxes": boxes[kept], "codes": codes[kept], "score": score[kept]}
            yield turns, {**seen, "masks": arrays["masks"][kept, 0]} if self.regions else seen


def _nothing() -> Found:
    return {
        "boxes": np.zeros((0, 4)),
        "codes": np.zeros(0, np.intp),
        "score": np.zeros(0),
        "masks": np.zeros((0, 28, 28)),
    }


def found_in(finder: Finder, fields: Fields, index: int) -> Detections:
    """All that is found in a field."""
    view = finder.view(fields, index)
    parts = [finder.find(fields, index, tile, view) for tile in finder.tiles(fields, index, view)]
    return finder.joined(fields, index, view, parts)
