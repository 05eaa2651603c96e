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
from dataclasses import dataclass, field, replace

import numpy as np

from coverslip.core import Fields, InputError, Region, layers_of, track
from coverslip.core.words import number_of
from coverslip.samples.cutting.cutouts import CutOut, cutouts, emptied, find_background, stored
from coverslip.samples.cutting.placing import NEAR, Part, corners_sharing, free_place

_GLOW = 8
"""So far around objects, in pixels, light of theirs is left that must not stay on an emptied field."""
_TRIES = 2000

_FACTS: dict[str, type] = {
    "object": int,
    "pair": int,
    "top_px": int,
    "left_px": int,
    "area_px": int,
    "overlap": float,
    "covered": float,
    "field": int,
    "label": int,
}
"""Columns of the table of objects."""


@dataclass(frozen=True)
class Phantom:
    """A phantom image and what is known of it.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Background and objects, dtype as the fields have it.
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
    field : int
        Which field the background is from.
    """

    image: np.ndarray = field(repr=False)
    objects: Mapping[str, np.ndarray] = field(repr=False)
    masks: tuple[np.ndarray, ...] = field(repr=False)
    pixels: tuple[np.ndarray, ...] = field(repr=False)
    background: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)
    field: int

    def __len__(self) -> int:
        return len(self.masks)

    def places(self) -> list[tuple[slice, slice]]:
        """The rows and columns of the image that each object's crop fills."""
        return [box.slices for box in self._boxes()]

    def layers(self) -> np.ndarray:
        """Label images that lose no overlap, ``(L, H, W)`` int32: objects in one layer share no pixel."""
        layer_of = layers_of(self._boxes(), self.masks)
        layers = np.zeros((layer_of.max(initial=0) + 1, *self.labels.shape), np.int32)
        for number, (layer, place, mask) in enumerate(zip(layer_of, self.places(), self.masks, strict=True), 1):
            layers[layer][place][mask] = number
        return layers

    def _boxes(self) -> list[Region]:
        corners = zip(self.objects["top_px"].tolist(), self.objects["left_px"].tolist(), strict=True)
        return [Region(*corner, *mask.shape) for corner, mask in zip(corners, self.masks, strict=True)]


def overlap_phantoms(
    fields: Fields,
    rows: Sequence[int] | np.ndarray,
    *,
    overlap: Sequence[float] | np.ndarray = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
    pairs: int = 20,
    singles: int = 0,
    size: tuple[int, int] | None = None,
    count: int | None = None,
    channel: int = 0,
    rim: int = 5,
    min_area: float = 100,
    seed: int = 0,
) -> list[Phantom]:
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
    size : (int, int), optional
        Height and width of the images; default: those of the field. Smaller fields are continued by reflection.
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
    list of Phantom
        Images with the truth about them.

    Raises
    ------
    InputError
        If an overlap is impossible, the fields hold too few objects or differ in dtype, or the image has no room for so
        many.
    """
    levels = checked_levels(overlap) if pairs else np.zeros(0)
    material = Material(fields, rows, channel=channel, rim=rim, min_area=min_area, seed=seed)
    made = []
    for i in range(len(material.rows) if count is None else count):
        rng = np.random.default_rng((seed, len(fields), i))
        shares = rng.permutation(np.resize(np.roll(levels, -i * pairs), pairs))
        made.append(material.phantom(i, shares, singles, size, rng))
    return made


def checked_levels(overlap: Sequence[float] | np.ndarray) -> np.ndarray:
    """The overlaps asked for, once they are known to be possible."""
    levels = np.asarray(overlap, dtype=np.float64)
    if not levels.size or not ((levels >= 0) & (levels < 1)).all():
        raise InputError(f"Overlaps are shares from 0 to below 1, not {list(overlap)}; give some such as 0, 0.3, 0.6.")
    return levels


class Material:
    """What phantoms are made of: objects cut out of fields, and the fields without any; see `overlap_phantoms`."""

    def __init__(
        self,
        fields: Fields,
        rows: Sequence[int] | np.ndarray,
        *,
        channel: int = 0,
        rim: int = 5,
        min_area: float = 100,
        seed: int = 0,
    ) -> None:
        self.rows = [int(row) for row in rows]
        if not self.rows or not fields.has_labels:
            raise InputError("Phantoms are made of fields with masks; name at least one.")
        self._said = f"of {min_area:g} pixels or more that stand alone"
        self._objects: list[tuple[int, CutOut]] = []
        self._emptied: list[np.ndarray] = []
        for row in track(self.rows, "Cutting out objects"):
            pixels, labels = fields.pixels(row)[channel], fields.labels(row)
            if self._emptied and pixels.dtype != self._emptied[0].dtype:
                raise InputError(
                    f"{fields.name(row)} is {pixels.dtype}, fields before it {self._emptied[0].dtype}: objects of both "
                    "do not go together; make phantoms of each by themselves."
                )
            level, free = find_background(pixels, labels, gap=_GLOW)
            cut = cutouts(pixels, labels, level, rim=rim)
            self._objects += [(row, one) for one in cut if np.count_nonzero(one.mask) >= min_area]
            self._emptied.append(emptied(pixels, free, level, np.random.default_rng((seed, row)), fields.name(row)))

    def phantom(
        self,
        number: int,
        shares: Sequence[float] | np.ndarray,
        singles: int,
        size: tuple[int, int] | None,
        rng: np.random.Generator,
    ) -> Phantom:
        """One image.

        Parameters
        ----------
        number : int
            Its number, from 0, which decides the field that the background is from.
        shares : sequence of float
            The overlap of each pair.
        singles, size
            As for `overlap_phantoms`.
        rng : numpy.random.Generator
            Decides the rest.
        """
        if len(self._objects) < 2 and (len(shares) or singles):
            raise InputError(
                f"The fields hold {number_of(len(self._objects), 'object')} {self._said}; add fields, or take smaller "
                "objects too."
            )
        at = number % len(self.rows)
        background = _window(self._emptied[at], size or self._emptied[at].shape, rng)
        groups = [self._pair(float(share), background.dtype, rng) for share in shares]
        groups += [[self._turned(background.dtype, rng)] for _ in range(singles)]
        return _composed(background, groups, self.rows[at], rng)

    def _turned(self, dtype: np.dtype, rng: np.random.Generator) -> Part:
        """One of the objects, in one of eight positions."""
        row, cut = self._objects[int(rng.integers(len(self._objects)))]
        quarter, flip = int(rng.integers(4)), int(rng.integers(2))
        pixels, mask = (np.rot90(part[:, ::-1] if flip else part, quarter) for part in (cut.pixels, cut.mask))
        return Part(np.rint(pixels) if dtype.kind in "iu" else pixels, mask, row, cut.number)

    def _pair(self, share: float, dtype: np.dtype, rng: np.random.Generator) -> list[Part]:
        """Two objects that overlap as wanted."""
        for _ in range(_TRIES):
            one, other = self._turned(dtype, rng), self._turned(dtype, rng)
            corners, found = corners_sharing(one.mask, other.mask, share)
            if len(corners):
                chosen = int(rng.integers(len(corners)))
                other = replace(other, top_px=int(corners[chosen, 0]), left_px=int(corners[chosen, 1]))
                smaller, common = min(one.area_px, other.area_px), found[chosen]
                return [replace(part, overlap=common / smaller, covered=common / part.area_px) for part in (one, other)]
        raise InputError(
            f"No two objects were found of which one covers {share:.0%} of the other; ask for less overlap."
        )


def _window(image: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A random part of an image of a given size."""
    missing = [max(0, wanted - side) for wanted, side in zip(size, image.shape, strict=True)]
    image = np.pad(image, [(0, n) for n in missing], mode="symmetric")
    top, left = (int(rng.integers(side - wanted + 1)) for wanted, side in zip(size, image.shape, strict=True))
    return image[top : top + size[0], left : left + size[1]]


def _composed(background: np.ndarray, groups: list[list[Part]], row: int, rng: np.random.Generator) -> Phantom:
    """Put pairs and objects alone at free places, and add them up."""
    taken = np.zeros([side + 2 * NEAR for side in background.shape], bool)  # with a margin, to keep off objects
    total = background.astype(np.float64)
    brightest = np.zeros(background.shape, np.float32)
    labels = np.zeros(background.shape, np.int32)
    parts: list[Part] = []
    pairs = 0
    for group in groups:
        pairs += len(group) == 2
        top, left = free_place(taken, group, rng)
        for part in group:
            part = replace(
                part,
                object=len(parts) + 1,
                pair=pairs if len(group) == 2 else 0,
                top_px=part.top_px + top,
                left_px=part.left_px + left,
            )
            parts.append(part)
            place = part.box.slices
            total[place] += part.pixels
            on_top = part.mask & ((labels[place] == 0) | (part.pixels > brightest[place]))
            labels[place][on_top] = part.object
            brightest[place][on_top] = part.pixels[on_top]
    table: dict[str, np.ndarray] = {
        name: np.array([getattr(part, name) for part in parts], dtype) for name, dtype in _FACTS.items()
    }
    masks, pixels = tuple(part.mask for part in parts), tuple(part.pixels for part in parts)
    return Phantom(stored(total, background.dtype), table, masks, pixels, background, labels, row)
