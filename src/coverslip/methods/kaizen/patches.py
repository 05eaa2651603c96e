"""Patches to train on: an object at the centre to be generated alone, or nothing there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from coverslip.core import Fields, track
from coverslip.methods.kaizen.config import Config
from coverslip.methods.kaizen.epochs import with_empty
from coverslip.methods.kaizen.inference import FITS, NEEDS
from coverslip.methods.kaizen.light import Light
from coverslip.methods.kaizen.search import BOX
from coverslip.samples.cutting.cutouts import CutOut, cutouts
from coverslip.train.ahead import made_ahead
from coverslip.train.batch import Batch
from coverslip.train.patches import compact_labels

_SHINE = 5
"""Objects laid over others shine so many pixels beyond their mask; a sharp edge would give them away."""
_RESIDUE = 0.2
_RIM = 4
"""Empty places up to so many pixels beside an object are asked for often: that is where doubts arise."""
_BRIGHT_SPOTS = 3.0
"""In units of the noise of an average over the box: what is brighter is proposed, labelled or not."""


class Field(NamedTuple):
    """A training field in memory.

    Parameters
    ----------
    light : ndarray of float32, shape (H, W)
        See `Light`.
    labels : ndarray of int32, shape (H, W)
        Objects from 1 without gaps.
    boxes : list of (slice, slice)
        Where each object lies.
    brightness : ndarray, shape (n,)
        Largest light of each object, averaged over the box that the search averages the error in.
    noise : float
        That of such an average where there is only background.
    empty : tuple of ndarray, each (n, 2)
        Places without an object: anywhere, beside objects, and bright ones.
    """

    light: np.ndarray
    labels: np.ndarray
    boxes: list[tuple[slice, slice]]
    brightness: np.ndarray
    noise: float
    empty: tuple[np.ndarray, ...]


class ObjectFeed:
    """Batches of patches ``(n, 1, P, P)``; targets ``(n, 2, P, P)`` are the mask and the square root of the light.

    Row numbers below `count` are objects; from there on they are fields, in each of which an empty place is meant.

    Parameters
    ----------
    fields : Fields
        With masks.
    rows : ndarray of int
        The fields to read.
    config : Config
        Settings.
    """

    in_memory = True

    def __init__(self, fields: Fields, rows: np.ndarray, config: Config) -> None:
        self.config = config
        self._fields: list[Field] = []
        self._pools: list[list[CutOut]] = []
        self.field_of: list[int] = []
        self.number_of: list[int] = []
        for place, row in enumerate(track([int(r) for r in rows], "Reading fields")):
            field = _field(fields, row)
            self._fields.append(field)
            self._pools.append(cutouts(field.light, field.labels, 0.0, rim=_SHINE))
            self.field_of += [place] * len(field.boxes)
            self.number_of += range(1, len(field.boxes) + 1)
        self.count = len(self.number_of)

    def rows(self, places: Sequence[int]) -> np.ndarray:
        """Row numbers of all objects of some fields, by their place in `rows`, and as many empty ones as wanted."""
        chosen = set(places)
        objects = np.array([i for i, at in enumerate(self.field_of) if at in chosen], np.intp)
        empty = self.count + np.resize(np.array(sorted(chosen), np.intp), with_empty(len(objects), self.config))
        return np.concatenate([objects, empty])

    @property
    def areas(self) -> np.ndarray:
        """Areas of all objects, pixels."""
        return np.concatenate([np.bincount(f.labels.ravel(), minlength=1)[1:] for f in self._fields])

    def faintest(self, places: Sequence[int]) -> tuple[float, float]:
        """Half the brightness that 99.5 % of the objects of some fields reach, and the same in units of the noise."""
        fields = [self._fields[place] for place in places]
        ways = ([f.brightness for f in fields], [f.brightness / f.noise for f in fields if f.noise])
        light, noise = (np.concatenate(found) if found else np.zeros(0) for found in ways)
        return _faint(light), _faint(noise)

    @property
    def sides(self) -> np.ndarray:
        """The longer side of the box around each object, pixels."""
        return np.array(
            [max(y.stop - y.start, x.stop - x.start) for field in self._fields for y, x in field.boxes], np.intp
        )

    def batches(
        self, rows: Sequence[np.ndarray], seeds: Sequence[np.random.SeedSequence]
    ) -> Iterator[Batch[np.ndarray]]:
        """One batch for each array of row numbers; a seed decides all that is random in it."""
        return made_ahead(self._batch, rows, seeds)

    def _batch(self, rows: np.ndarray, seed: np.random.SeedSequence) -> Batch[np.ndarray]:
        rng = np.random.default_rng(seed)
        made = np.stack([self._one(int(row), rng) for row in rows])
        return Batch(made[:, :1], made[:, 1:], rows)

    def _one(self, row: int, rng: np.random.Generator) -> np.ndarray:
        """What the generator sees, the mask and the square root of the light, ``(3, P, P)``."""
        empty = row >= self.count
        field = self._fields[row - self.count if empty else self.field_of[row]]
        number = 0 if empty else self.number_of[row]
        removed = rng.random() < self.config.removed
        gone = 0  # an object that is explained already, at the centre
        if not empty:
            point = _point_on(field, number, rng, centre=self.config.centre)
        elif removed and field.boxes:
            gone = int(rng.integers(len(field.boxes))) + 1
            point = _point_on(field, gone, rng, centre=self.config.centre)
        else:
            point = _empty_point(field, rng, hard=self.config.hard)
        zoom = self._zoom(field, number or gone, rng)
        side = self.config.patch + 1  # odd, so that the central pixel stays central when it is turned
        light = window(field.light, point, side, zoom)
        labels = window(field.labels, point, side, zoom, nearest=True)
        if removed:
            light = _remove(light, labels, number, gone, rng)
        mask = labels == number if number else np.zeros(labels.shape, bool)
        own = np.where(mask, light, 0)
        if number and rng.random() < self.config.overlap:
            added, other = self._laid_over(mask, rng)
            light = light + added
            if asks_for(other, mask):
                mask, own = other, np.where(other, added, 0)
        factor = self.config.exposure ** rng.uniform(-1, 1)
        noise = self.config.noise * rng.random() * rng.standard_normal(light.shape, np.float32)
        seen = np.sqrt(np.maximum(light * factor, 0)) + noise
        target = np.sqrt(np.maximum(own * factor, 0))
        turned = np.rot90(np.stack([seen, mask, target]), int(rng.integers(4)), (1, 2))
        flipped = turned[:, :, ::-1] if rng.integers(2) else turned
        return np.ascontiguousarray(flipped[:, :-1, :-1], np.float32)

    def _zoom(self, field: Field, number: int, rng: np.random.Generator) -> float:
        """Image pixels per patch pixel: of the scales at which the object fits into the patch, the smallest or next."""
        scales = sorted(self.config.scales)
        if len(scales) > 1 and number:
            y, x = field.boxes[number - 1]
            side = max(y.stop - y.start, x.stop - x.start) / self.config.patch
            first = next((i for i, scale in enumerate(scales) if side <= FITS * scale), len(scales) - 1)
            # Somewhat smaller objects are shown at a scale, too, than those that need it.
            next_too = first + 1 < len(scales) and side > NEEDS * scales[first]
            scales = scales[first : first + 1 + next_too]
        return float(scales[int(rng.integers(len(scales)))] * self.config.zoom ** rng.uniform(-1, 1))

    def _laid_over(self, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """The light of another object somewhere on this one, and its mask."""
        added, laid = np.zeros(mask.shape, np.float32), np.zeros(mask.shape, bool)
        pool = self._pools[int(rng.integers(len(self._pools)))]
        places = np.argwhere(mask)
        if not pool or not len(places):
            return added, laid
        other = pool[int(rng.integers(len(pool)))]
        pixels, shape = other.pixels, other.mask
        if rng.integers(2):
            pixels, shape = pixels.T, shape.T
        height, width = shape.shape
        at = places[int(rng.integers(len(places)))]
        # Its own box around that point, moved by up to half its size: overlaps of all degrees.
        top = int(at[0] - height / 2 + rng.uniform(-0.5, 0.5) * height)
        left = int(at[1] - width / 2 + rng.uniform(-0.5, 0.5) * width)
        rows, columns = _clip(top, height, mask.shape[0]), _clip(left, width, mask.shape[1])
        inside = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)
        added[rows, columns] = pixels[inside] * rng.uniform(0.6, 1.4)
        laid[rows, columns] = shape[inside]
        return added, laid


def window(
    array: np.ndarray, point: tuple[float, float], side: int, zoom: float = 1.0, *, nearest: bool = False
) -> np.ndarray:
    """A square of an image around a point, ``(side, side)``; 0 beyond the border.

    Parameters
    ----------
    array : ndarray, shape (H, W)
        The image, or labels.
    point : tuple of float
        Row and column that come to lie at ``side // 2``.
    side : int
        Pixels of the square.
    zoom : float
        Image pixels per pixel of the square.
    nearest : bool
        Take the nearest pixel, as for labels; else between pixels the values are interpolated linearly.
    """
    if zoom == 1:
        top, left = (round(at) - side // 2 for at in point)
        out = np.zeros((side, side), array.dtype)
        rows, columns = _clip(top, side, array.shape[0]), _clip(left, side, array.shape[1])
        out[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = array[rows, columns]
        return out
    steps = (np.arange(side) - side // 2) * zoom
    y, x = (at + steps for at in point)
    if not nearest and zoom > 1:  # a pixel of the square is the mean of those it stands for
        reach = int(np.ceil(side * zoom / 2 + 2))
        top, left = (round(at) - reach for at in point)
        part = window(array, point, 2 * reach)
        array, y, x = ndimage.gaussian_filter(part, 0.5 * np.sqrt(zoom**2 - 1)), y - top, x - left
    grid = np.stack(np.meshgrid(y, x, indexing="ij"))
    return np.asarray(ndimage.map_coordinates(array, grid, order=0 if nearest else 1, mode="constant"))


def asks_for(other: np.ndarray, mask: np.ndarray) -> bool:
    """Whether the central pixel, where two objects overlap, asks for the other: the one whose centroid is nearer."""
    middle = np.array(mask.shape) // 2
    if not other[tuple(middle)]:
        return False
    away = [np.abs(np.argwhere(one).mean(0) - middle).sum() for one in (other, mask)]
    return bool(away[0] < away[1])


def _field(fields: Fields, row: int) -> Field:
    labels = compact_labels(fields.labels(row))
    light_of = Light.of(fields, row)
    light, image = light_of.read_free(fields, row)
    away = ndimage.distance_transform_edt(labels == 0)
    free = (labels == 0) & image
    smooth = ndimage.uniform_filter(light, BOX)
    noise = light_of.background.noise / light_of.unit / BOX
    peaks = (smooth == ndimage.maximum_filter(smooth, 7)) & (smooth > _BRIGHT_SPOTS * noise) & (away > 1)
    empty = tuple(np.argwhere(where) for where in (free, free & (away <= _RIM), peaks))
    brightness = np.asarray(ndimage.maximum(smooth, labels, np.arange(1, labels.max() + 1)))
    return Field(light, labels, ndimage.find_objects(labels), brightness, noise, empty)


def _faint(brightness: np.ndarray) -> float:
    return round(max(float(np.percentile(brightness, 0.5)) / 2, 0.0), 4) if len(brightness) else 0.0


def _point_on(field: Field, number: int, rng: np.random.Generator, *, centre: bool) -> tuple[int, int]:
    """A pixel of an object: any, or one near its centroid, where points are moved to in the search."""
    rows, columns = field.boxes[number - 1]
    inside = np.argwhere(field.labels[rows, columns] == number)
    if centre and rng.integers(2):
        near = inside.mean(0) + rng.normal(0, 1, 2)
        y, x = inside[((inside - near) ** 2).sum(1).argmin()]
    else:
        y, x = inside[int(rng.integers(len(inside)))]
    return int(y) + rows.start, int(x) + columns.start


def _empty_point(field: Field, rng: np.random.Generator, *, hard: bool) -> tuple[int, int]:
    places = [points for points in (field.empty if hard else field.empty[:1]) if len(points)]
    if not places:  # all of the field is objects: look beyond its border
        return -1, -1
    points = places[int(rng.integers(len(places)))]
    y, x = points[int(rng.integers(len(points)))]
    return int(y), int(x)


def _remove(light: np.ndarray, labels: np.ndarray, number: int, gone: int, rng: np.random.Generator) -> np.ndarray:
    """Leave little of some neighbours, of either sign, as where they are explained already."""
    present = np.unique(labels)
    left = np.ones(int(labels.max()) + 1, np.float32)
    for other in present[(present > 0) & (present != number)]:
        if other == gone or rng.random() < 0.7:
            left[other] = rng.uniform(-_RESIDUE / 2, _RESIDUE)
    return light * left[labels]


def _clip(start: int, length: int, size: int) -> slice:
    return slice(min(max(start, 0), size), min(max(start + length, 0), size))
