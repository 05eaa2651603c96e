"""Phantoms: real objects added onto real background, so that what overlaps, and how much, is known.

The model, from which pixels and truth are drawn together, for images in which light adds up (fluorescence):

1. *Background.* A field is emptied: its objects, and the pixels around them that they light, are replaced by the level
   of the background around (`find_background`) with noise from other places of the same field. The rest stays.
2. *Objects.* Those that no other object and no border disturbs are cut out of all fields (`cutouts`): grey values above
   the background, with the soft rim that the optics give them and the noise they were taken with. Each is turned by a
   random multiple of 90 degrees and perhaps flipped.
3. *Places.* Two objects are put beside each other so that one covers the wanted share of the smaller one's area, in a
   direction drawn from all that do. Pairs, and objects alone, lie apart from each other by a few pixels at least.
4. *Image.* Background plus all that objects add, in the dtype of the field; what exceeds its range is cut off there, as
   a camera does.

Nothing of it knows of a method that will be measured. What it leaves out: objects that absorb light or push each other
aside, and objects that touched others in their field, which are not drawn. Where two overlap, the noise of two
exposures is added, which is what the sum of their light has (shot noise), but for the camera's own, counted twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from coverslip.core.errors import InputError
from coverslip.core.fields import ArrayFields, Fields
from coverslip.samples.cutting.cutouts import CutOut, cutouts, find_background

_GLOW = 8
"""So far around objects, in pixels, light of theirs is left that must not stay on an emptied field."""
_NEAR, _FAR = 2, 6
"""Smallest and largest distance between the masks of a pair that does not overlap; others keep at least the first."""
_TOLERANCE, _MOST = 0.02, 0.05
"""How far the overlap of a pair may be from what is wanted: where some place is that good, and at all."""
_TRIES = 2000


@dataclass(frozen=True)
class Phantom:
    """What is known of one phantom image.

    Parameters
    ----------
    objects : mapping of str to ndarray, shape (n,)
        One row per object: ``object`` (from 1), ``pair`` (from 1; 0 for an object alone), ``top_px`` and ``left_px``
        (where its crop begins), ``area_px``, ``overlap`` (share of the area of the smaller object of its pair that the
        other one covers), ``covered`` (share of its own area), ``field`` and ``label`` (what it was cut out of).
    masks : tuple of ndarray of bool, each (h, w)
        The whole mask of each object, also where the other one covers it.
    pixels : tuple of ndarray of float32, each (h, w)
        The grey values that each adds, its rim beyond the mask included. Whole numbers where the image has such.
    background : ndarray, shape (H, W)
        The image without objects, dtype as stored.
    labels : ndarray of int32, shape (H, W)
        Flat: where two overlap, the object that adds more light.
    """

    objects: Mapping[str, np.ndarray] = field(repr=False)
    masks: tuple[np.ndarray, ...] = field(repr=False)
    pixels: tuple[np.ndarray, ...] = field(repr=False)
    background: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        return len(self.masks)

    def places(self) -> list[tuple[slice, slice]]:
        """The rows and columns of the image that each object's crop fills."""
        corners = zip(self.objects["top_px"].tolist(), self.objects["left_px"].tolist(), strict=True)
        return [_box(corner, mask.shape) for corner, mask in zip(corners, self.masks, strict=True)]


@dataclass(frozen=True)
class Phantoms:
    """Phantom images and what is known of them.

    Parameters
    ----------
    fields : ArrayFields
        The images, with flat labels; the column ``background`` names the field each background is from.
    truth : tuple of Phantom
        One for each.
    """

    fields: ArrayFields
    truth: tuple[Phantom, ...] = field(repr=False)


def overlap_phantoms(
    fields: Fields,
    rows: Sequence[int] | np.ndarray,
    *,
    overlap: Sequence[float] | np.ndarray = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
    pairs: int = 20,
    singles: int = 0,
    size: tuple[int, int] = (520, 696),
    count: int | None = None,
    channel: int = 0,
    rim: int = 5,
    min_area: float = 100,
    seed: int = 0,
) -> Phantoms:
    """Make phantoms of overlapping objects.

    Parameters
    ----------
    fields : Fields
        Fluorescence, with masks.
    rows : sequence of int
        Which of them give objects and backgrounds.
    overlap : sequence of float
        Shares of the smaller object's area, each from 0 to below 1, which pairs have in turn. At 0 the masks lie side
        by side, 2 to 6 pixels apart. What came out is in the table; it is within 0.05.
    pairs, singles : int
        Pairs, and objects alone, in each image.
    size : (int, int)
        Height and width of the images. Smaller fields are continued by reflection.
    count : int, optional
        Number of images, whose backgrounds are of the rows in turn; default: one for each row.
    channel : int
        Which channel.
    rim : int
        Width of the soft edge of objects, pixels; see `coverslip.samples.cutting.cutouts.cutouts`.
    min_area : float
        Smaller objects are left out, pixels: their overlap moves in steps.
    seed : int
        The same seed gives the same images.

    Returns
    -------
    Phantoms
        Images with the truth about them.

    Raises
    ------
    InputError
        If an overlap is impossible, the fields hold too few objects, or the image has no room for so many.
    """
    levels = np.asarray(overlap, dtype=np.float64)
    if (pairs and not levels.size) or ((levels < 0) | (levels >= 1)).any():
        raise InputError(f"Overlaps are shares from 0 to below 1, not {list(overlap)}; give some such as 0, 0.3, 0.6.")
    rows = [int(row) for row in rows]
    if not rows or not fields.has_labels:
        raise InputError("Phantoms are made of fields with masks; name at least one.")
    pool: list[tuple[int, CutOut]] = []
    emptied = []
    for row in rows:
        pixels, labels = fields.pixels(row)[channel], fields.labels(row)
        level, free = find_background(pixels, labels, gap=_GLOW)
        cut = cutouts(pixels, labels, level, rim=rim)
        pool += [(row, one) for one in cut if np.count_nonzero(one.mask) >= min_area]
        emptied.append(_emptied(pixels, free, level, np.random.default_rng((seed, row)), fields.name(row)))
    if len(pool) < 2 and (pairs or singles):
        raise InputError(
            f"The fields hold {len(pool)} object(s) of {min_area:g} pixels or more that stand alone; add fields, or "
            "give a smaller rim= or min_area=."
        )
    images, truth = [], []
    for i in range(len(rows) if count is None else count):
        rng = np.random.default_rng((seed, len(fields), i))
        wanted = rng.permutation(np.resize(np.roll(levels, -i * pairs), pairs))
        background = _window(emptied[i % len(rows)], size, rng)
        groups = [_pair(pool, float(share), background.dtype, rng) for share in wanted]
        groups += [[_turned(pool, background.dtype, rng)] for _ in range(singles)]
        image, known = _composed(background, groups, rng)
        images.append(image)
        truth.append(known)
    names = [fields.name(rows[i % len(rows)]) for i in range(len(images))]
    made = ArrayFields(images, [known.labels for known in truth], {"background": names}, fields.channels[channel:][:1])
    return Phantoms(made, tuple(truth))


@dataclass(frozen=True)
class _Part:
    """An object on its way into a phantom."""

    pixels: np.ndarray
    mask: np.ndarray
    origin: tuple[int, int]
    corner: tuple[int, int] = (0, 0)
    overlap: float = 0
    covered: float = 0


def _emptied(
    pixels: np.ndarray, free: np.ndarray, level: np.ndarray, rng: np.random.Generator, name: str
) -> np.ndarray:
    """A field without objects: where they lit it, the level around and the noise of other places."""
    if free.mean() < 0.01:
        raise InputError(f"{name} has hardly any background between its objects; leave it out.")
    noise, image = pixels - level, np.where(free, pixels, level)
    holes = ~free
    while holes.any():
        shift = tuple(int(rng.integers(side)) for side in holes.shape)
        from_there = holes & np.roll(free, shift, (0, 1))
        image[from_there] += np.roll(noise, shift, (0, 1))[from_there]
        holes &= ~from_there
    return _stored(image, pixels.dtype)


def _stored(image: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if dtype.kind == "f":
        return image.astype(dtype)
    limits = np.iinfo(dtype)
    return np.rint(image).clip(limits.min, limits.max).astype(dtype)


def _window(image: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A random part of an image of a given size."""
    missing = [max(0, wanted - side) for wanted, side in zip(size, image.shape, strict=True)]
    image = np.pad(image, [(0, n) for n in missing], mode="symmetric")
    top, left = (int(rng.integers(side - wanted + 1)) for wanted, side in zip(size, image.shape, strict=True))
    return image[top : top + size[0], left : left + size[1]]


def _turned(pool: list[tuple[int, CutOut]], dtype: np.dtype, rng: np.random.Generator) -> _Part:
    """One of the objects, in one of eight positions."""
    row, cut = pool[int(rng.integers(len(pool)))]
    quarter, flip = int(rng.integers(4)), int(rng.integers(2))
    pixels, mask = (np.rot90(part[:, ::-1] if flip else part, quarter) for part in (cut.pixels, cut.mask))
    return _Part(np.rint(pixels) if dtype.kind in "iu" else pixels, mask, (row, cut.number))


def _pair(pool: list[tuple[int, CutOut]], share: float, dtype: np.dtype, rng: np.random.Generator) -> list[_Part]:
    """Two objects that overlap as wanted."""
    for _ in range(_TRIES):
        one, other = _turned(pool, dtype, rng), _turned(pool, dtype, rng)
        corners, found = _corners(one.mask, other.mask, share)
        if len(corners):
            chosen = int(rng.integers(len(corners)))
            corner, common = (int(corners[chosen, 0]), int(corners[chosen, 1])), found[chosen]
            areas = [np.count_nonzero(part.mask) for part in (one, other)]
            reached = common / min(areas)
            return [
                _Part(part.pixels, part.mask, part.origin, at, reached, common / area)
                for part, at, area in zip((one, other), ((0, 0), corner), areas, strict=True)
            ]
    raise InputError(f"No two objects were found of which one covers {share:.0%} of the other; ask for less overlap.")


def _corners(one: np.ndarray, other: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Where the second mask can begin, seen from the first, to share what is wanted; and how many pixels that is."""
    if share > 0:
        common = _common(one, other)
        off = np.abs(common / min(np.count_nonzero(one), np.count_nonzero(other)) - share)
        off[common == 0] = np.inf
        best = off.min()
        good = off <= (_TOLERANCE if best <= _TOLERANCE else min(best, _MOST))
        margin = 0
    else:
        from scipy import ndimage

        margin = _FAR
        distance = ndimage.distance_transform_edt(~np.pad(one, margin))
        common = _common(distance < _FAR, other)
        good = (_common(distance < _NEAR, other) == 0) & (common > 0)
        common = np.zeros_like(common)
    corners = np.argwhere(good) - (np.array(other.shape) - 1) - margin
    return corners, common[good]


def _common(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Pixels that two masks share for each place of the second; at ``[i, j]`` it begins at ``(i, j) - size + 1``."""
    from scipy.signal import correlate

    return np.rint(correlate(one.astype(np.float32), other.astype(np.float32), method="fft")).astype(np.int64)


def _composed(
    background: np.ndarray, groups: list[list[_Part]], rng: np.random.Generator
) -> tuple[np.ndarray, Phantom]:
    """Put pairs and objects alone at free places, and add them up."""
    total = background.astype(np.float64)
    taken = np.zeros(background.shape, bool)
    brightest = np.zeros(background.shape, np.float32)
    labels = np.zeros(background.shape, np.int32)
    rows: list[dict[str, float]] = []
    parts: list[_Part] = []
    pair = 0
    for group in groups:
        pair += len(group) == 2
        first = _free_place(taken, group, rng)
        for part in group:
            corner = part.corner[0] + first[0], part.corner[1] + first[1]
            place = _box(corner, part.mask.shape)
            parts.append(part)
            rows.append(
                {
                    "object": len(parts),
                    "pair": pair if len(group) == 2 else 0,
                    "top_px": corner[0],
                    "left_px": corner[1],
                    "area_px": int(np.count_nonzero(part.mask)),
                    "overlap": part.overlap,
                    "covered": part.covered,
                    "field": part.origin[0],
                    "label": part.origin[1],
                }
            )
            total[place] += part.pixels
            on_top = part.mask & ((labels[place] == 0) | (part.pixels > brightest[place]))
            labels[place][on_top] = len(parts)
            brightest[place][on_top] = part.pixels[on_top]
    names = ("object", "pair", "top_px", "left_px", "area_px", "overlap", "covered", "field", "label")
    table = {
        name: np.array([row[name] for row in rows], np.float64 if name in ("overlap", "covered") else np.int64)
        for name in names
    }
    masks, pixels = tuple(part.mask for part in parts), tuple(part.pixels for part in parts)
    return _stored(total, background.dtype), Phantom(table, masks, pixels, background, labels)


def _free_place(taken: np.ndarray, group: list[_Part], rng: np.random.Generator) -> tuple[int, int]:
    """Where the first of a group begins, so that all of it is in the image and apart from the others; it is taken."""
    from scipy import ndimage

    corners = np.array([part.corner for part in group])
    ends = corners + [part.mask.shape for part in group]
    low, high = corners.min(axis=0), ends.max(axis=0)
    shape = high - low
    union = np.zeros(shape, bool)
    for part in group:
        union[_box((part.corner[0] - low[0], part.corner[1] - low[1]), part.mask.shape)] |= part.mask
    free = np.array(taken.shape) - shape
    if (free >= 0).all():
        for corner in rng.integers(free + 1, size=(_TRIES, 2)):
            place = _box((int(corner[0]), int(corner[1])), union.shape)
            if not (taken[place] & union).any():
                around = ndimage.binary_dilation(np.pad(union, _NEAR), iterations=_NEAR)
                inside = [slice(max(0, _NEAR - c), _NEAR + n - c) for c, n in zip(corner, taken.shape, strict=True)]
                around = around[tuple(inside)]
                taken[_box((max(0, corner[0] - _NEAR), max(0, corner[1] - _NEAR)), around.shape)] |= around
                return int(corner[0] - low[0]), int(corner[1] - low[1])
    raise InputError(
        f"An image of {taken.shape[0]} x {taken.shape[1]} pixels has no room for so many objects; ask for fewer, or "
        "for a larger size=."
    )


def _box(corner: tuple[int, int], shape: tuple[int, ...]) -> tuple[slice, slice]:
    return slice(corner[0], corner[0] + shape[0]), slice(corner[1], corner[1] + shape[1])
