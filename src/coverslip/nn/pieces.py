"""Pieces of regions that tiles saw, joined into whole regions whose class the pieces vote on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from coverslip.core import Region
from coverslip.core.near import Near

_SAME = 0.5
"""Overlap (IoU), within what two tiles both see, from which on two pieces are of one region."""
_INSIDE = 0.7
"""Share of the smaller of two masks of one tile that lies in the other, from which on they are of one region."""


@dataclass(frozen=True)
class Piece:
    """What one tile saw of a region.

    Parameters
    ----------
    mask : ndarray of bool, shape (h, w)
        Where it is, seen from its corner.
    y, x : int
        The corner.
    votes : ndarray, shape (K,)
        How sure it is of each class.
    tile : int
        Which tile saw it.
    """

    mask: np.ndarray
    y: int
    x: int
    votes: np.ndarray
    tile: int = 0

    @property
    def score(self) -> float:
        """How sure it is that there is a region, whatever its class."""
        return min(float(self.votes.sum()), 1.0)

    @property
    def region(self) -> Region:
        """The rectangle of the mask."""
        return Region(self.y, self.x, *self.mask.shape)

    @property
    def area(self) -> int:
        """Pixels."""
        return int(self.mask.sum())


@dataclass(frozen=True)
class Whole:
    """A region.

    Parameters
    ----------
    rings : tuple of ndarray, each (V, 2)
        Its outline, ``x, y``.
    box : tuple of float
        Left, top, right and bottom edge.
    area : int
        Pixels.
    code : int
        The class with most votes; -1 if its share is too small.
    share : float
        Of the votes, for that class.
    score : float
        Mean over its pieces of how sure they are of that class, weighted by their areas.
    votes : ndarray, shape (K,)
        Of each class: the sum over its pieces of how sure they are of it times area, divided by the area of the region.
    pieces : int
        How many tiles saw it.
    """

    rings: tuple[np.ndarray, ...]
    box: tuple[float, float, float, float]
    area: int
    code: int
    share: float
    score: float
    votes: np.ndarray
    pieces: int


def pack(chance: np.ndarray, box: np.ndarray, size: tuple[int, ...]) -> tuple[np.ndarray, int, int]:
    """A mask of few pixels put into its box: where its value, interpolated, is at least 0.5.

    Parameters
    ----------
    chance : ndarray, shape (m, m)
        As Mask R-CNN gives it.
    box : ndarray, shape (4,)
        In pixels of a window.
    size : tuple of int
        Height and width of the window.

    Returns
    -------
    mask : ndarray of bool, shape (h, w)
    y, x : int
        Its corner.
    """
    spans = []
    for first, last, length in ((box[1], box[3], size[0]), (box[0], box[2], size[1])):
        low, high = max(0, int(np.floor(first))), min(int(length), int(np.ceil(last)))
        at = (np.arange(low, max(high, low + 1)) + 0.5 - first) / max(last - first, 1e-6) * len(chance) - 0.5
        spans.append((low, np.clip(at, 0, len(chance) - 1)))
    (y, rows), (x, columns) = spans
    near, below = rows.astype(int), np.minimum(rows.astype(int) + 1, len(chance) - 1)
    down = chance[near] + (chance[below] - chance[near]) * (rows - near)[:, None]
    left, right = columns.astype(int), np.minimum(columns.astype(int) + 1, len(chance) - 1)
    values = down[:, left] + (down[:, right] - down[:, left]) * (columns - left)
    return values >= 0.5, y, x


def shared_area(one: Piece, other: Piece) -> int:
    """Pixels in both."""
    both = one.region.shared(other.region)
    return 0 if both is None else int((one.mask[both[0]] & other.mask[both[1]]).sum())


def best_pieces(pieces: Sequence[Piece]) -> list[Piece]:
    """Of pieces of one tile that lie in each other the surest; of equally sure ones the first.

    What the others say stays with it: a network that cannot tell two classes apart gives one region twice, so the
    piece that is kept votes for each class as surely as the surest of them.
    """
    kept: list[Piece] = []
    for piece in sorted(pieces, key=lambda each: -each.score):
        inside = (one for one in kept if shared_area(piece, one) >= _INSIDE * min(piece.area, one.area))
        if (one := next(inside, None)) is None:
            kept.append(replace(piece, votes=piece.votes.copy()))
        else:
            np.maximum(one.votes, piece.votes, out=one.votes)
    return kept


def packed(pieces: Sequence[Piece], classes: int) -> dict[str, np.ndarray]:
    """Pieces, of so many classes, as arrays, to be kept in a file; `unpacked` gives them back."""
    bits = [np.packbits(piece.mask) for piece in pieces]
    edges = [(p.x, p.y, p.x + p.mask.shape[1], p.y + p.mask.shape[0]) for p in pieces]
    return {
        "boxes": np.array(edges, np.int64).reshape(-1, 4),
        "votes": np.array([piece.votes for piece in pieces], np.float64).reshape(-1, classes),
        "bits": np.concatenate(bits) if bits else np.zeros(0, np.uint8),
    }


def unpacked(arrays: Mapping[str, np.ndarray], tile: int = 0) -> list[Piece]:
    """What `packed` was given."""
    found, at = [], 0
    for (x0, y0, x1, y1), votes in zip(arrays["boxes"], arrays["votes"], strict=True):
        shape = (int(y1 - y0), int(x1 - x0))
        length = -(-shape[0] * shape[1] // 8)
        mask = np.unpackbits(arrays["bits"][at : at + length], count=shape[0] * shape[1]).reshape(shape).astype(bool)
        found.append(Piece(mask, int(y0), int(x0), votes, tile))
        at += length
    return found


def joined_pieces(pieces: Sequence[Piece], windows: Sequence[Region], least_share: float) -> list[Whole]:
    """Whole regions.

    Two pieces of different tiles are of one region if, within what both tiles see, they overlap by at least half
    (IoU). The class of a region is that with most votes, where each piece votes for each class with how sure it is of
    it x area / area of the region, so that small pieces count little; of equally many the first. A region whose class
    has less than `least_share` of the votes has none: its pieces disagree, or are in doubt.

    Parameters
    ----------
    pieces : sequence of Piece
        In pixels of the whole image, with their tiles.
    windows : sequence of Region
        Of the tiles.
    least_share : float
        See above.

    Returns
    -------
    list of Whole
        From top to bottom.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    near: Near[int] = Near(max((max(piece.mask.shape) for piece in pieces), default=1))
    pairs = []
    for b, piece in enumerate(pieces):
        others = (a for a in near.around(piece.region) if pieces[a].tile != piece.tile)
        pairs += [(a, b) for a in others if _same(pieces[a], piece, windows)]
        near.add(piece.region, b)
    rows, columns = (np.array(side, int) for side in zip(*pairs, strict=True)) if pairs else (np.zeros(0, int),) * 2
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(pieces),) * 2)
    count, group = connected_components(graph, directed=False)
    wholes = [_whole([pieces[i] for i in np.flatnonzero(group == g).tolist()], least_share) for g in range(count)]
    return sorted(wholes, key=lambda whole: (round(whole.box[1]), round(whole.box[0])))


def _same(one: Piece, other: Piece, windows: Sequence[Region]) -> bool:
    if one.region.shared(other.region) is None:
        return False
    inside = shared_area(one, other)
    if not inside:
        return False
    seen = [_within(piece, windows[mate.tile]) for piece, mate in ((one, other), (other, one))]
    return inside >= _SAME * (sum(seen) - inside)


def _within(piece: Piece, window: Region) -> int:
    both = piece.region.shared(window)
    return 0 if both is None else int(piece.mask[both[0]].sum())


def _whole(pieces: Sequence[Piece], least_share: float) -> Whole:
    y, x = min(p.y for p in pieces), min(p.x for p in pieces)
    stop_y, stop_x = max(p.region.stop_y for p in pieces), max(p.region.stop_x for p in pieces)
    mask = np.zeros((stop_y - y, stop_x - x), bool)
    for piece in pieces:
        mask[replace(piece.region, y=piece.y - y, x=piece.x - x).slices] |= piece.mask
    area = int(mask.sum())
    each, areas = np.array([piece.votes for piece in pieces]), np.array([piece.area for piece in pieces])
    votes = areas @ each / area
    best = int(votes.argmax())
    share = float(votes[best] / votes.sum())
    score = float(np.average(each[:, best], weights=areas))
    code = best if share >= least_share else -1
    box = (float(x), float(y), float(stop_x), float(stop_y))
    return Whole(outline_of(mask, (y, x)), box, area, code, share, score, votes, len(pieces))


def outline_of(mask: np.ndarray, corner: tuple[int, int] = (0, 0)) -> tuple[np.ndarray, ...]:
    """The rings ``(V, 2)``, ``x, y``, of what is true in a mask whose corner lies at ``y, x``; straightened by up to
    half a pixel.
    """
    from skimage.measure import approximate_polygon, find_contours

    rings = find_contours(np.pad(mask, 1).astype(np.float32), 0.5)
    shift = np.array([corner[0] - 0.5, corner[1] - 0.5])
    straight = [approximate_polygon(ring, 0.3)[:-1] for ring in rings]
    return tuple((ring + shift)[:, ::-1] for ring in straight if len(ring) > 2)
