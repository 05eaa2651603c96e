"""Label images over their images: a picture, and the outlines as a picture of their own, so that a page can hide them.

Images of any size are shrunk while they are read, some rows at a time.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from coverslip.core import Image, InputError, Region
from coverslip.figures.colours import CATEGORIES, to_rgb
from coverslip.figures.encode import webp_uri
from coverslip.figures.thumbnails import Display, fit_display
from coverslip.io.images.opening import open_image

RIGHT, FALSE, MISSED = 1, 2, 3
"""Kinds of outlines: as they should be, wrongly found (or odd), and not found. 0 is not drawn."""

COLOURS = {RIGHT: "#33bbff", FALSE: "#ffb000", MISSED: "#ff2e88"}
"""Blue, amber and magenta: apart for colour-blind readers, and seldom the colour of a stain."""

CLASSES = {MISSED + 1 + i: colour for i, colour in enumerate(CATEGORIES)}
"""Further kinds of outlines, for objects of classes."""

SIDE = 1000
"""Pixels along the longer side of a picture, at most."""

_SMALL = 480
_ROWS = 512
_CHANNELS = 6

_GAMMA = 0.7
"""Dim stained objects are brightened by this exponent: what was missed is often dim."""


@dataclass(frozen=True)
class Look:
    """How pixels become colours.

    Parameters
    ----------
    display : Display
        Range and colour of each channel.
    stained : ndarray of bool, shape (C,)
        Channels whose background is dark, so that dim objects are brightened.
    """

    display: Display
    stained: np.ndarray

    def compose(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels ``(C, h, w)`` to colours ``(h, w, 3)`` in [0, 1]."""
        if self.display.rgb:
            return self.display.compose(pixels[None])[0]
        scaled = self.display.scale(pixels[None])
        scaled = np.where(self.stained[:, None, None], scaled**_GAMMA, scaled)
        whole = replace(self.display, low=np.zeros_like(self.display.low), high=np.ones_like(self.display.high))
        return whole.compose(scaled)[0]


@dataclass(frozen=True)
class Overlay:
    """A picture and the outlines that belong on it, both as data URIs.

    Parameters
    ----------
    picture : str
        The image, contrast-stretched, WebP.
    outlines : str
        Outlines on transparent ground, PNG; of the picture's proportions, twice as fine where that is small.
    small : str
        The same with few pixels, so that lines stay visible where the picture is shown small.
    width, height : int
        Of the picture, pixels.
    look : Look or None
        How the picture was coloured, for details of it.
    """

    picture: str
    outlines: str
    small: str
    width: int
    height: int
    look: Look | None = None


def draw_overlay(
    image: Image | None,
    labels: np.ndarray,
    kinds: Mapping[int, np.ndarray],
    missed: np.ndarray | None = None,
    *,
    side: int = SIDE,
    look: Look | None = None,
) -> Overlay:
    """Draw the outlines of objects over their image.

    Parameters
    ----------
    image : Image or None
        The image, any channels; of focal planes the middle one. None: on black.
    labels : ndarray of int, shape (H, W)
        What was found.
    kinds : mapping of int to ndarray
        For `RIGHT` and `FALSE`, or those of `CLASSES`, the labels drawn in that colour.
    missed : ndarray of int, shape (H, W), optional
        True objects that were not found, 0 elsewhere.
    side : int
        Pixels along the longer side of the picture, at most.
    look : Look, optional
        That of another picture, to show a detail of it alike; default: the image is stretched for itself.

    Returns
    -------
    Overlay

    Raises
    ------
    InputError
        If image and labels are not of one size.
    """
    height, width = labels.shape
    if image is not None and (image.height, image.width) != labels.shape:
        raise InputError(
            f"{image.source} has {image.height} x {image.width} pixels, but its labels have {height} x {width}; give "
            "the image that was labelled."
        )
    step = -(-max(labels.shape) // side)
    codes = outline_codes(shrink_labels(labels, step), kinds)
    if missed is not None:
        over = outline_codes(shrink_labels(missed, step), {MISSED: np.unique(missed[missed > 0])})
        codes = np.where(over > 0, over, codes)
    if image is None:
        picture = np.zeros((-(-height // step), -(-width // step), 3), np.uint8)
    else:
        picture, look = _coloured(image, side, look)
    return Overlay(webp_uri(picture), _png(codes), _png(_pooled(codes)), picture.shape[1], picture.shape[0], look)


def coloured(image: Image, side: int = SIDE) -> np.ndarray:
    """An image as it is shown, contrast-stretched: colours ``(h, w, 3)`` uint8, at most `side` pixels long."""
    return _coloured(image, side, None)[0]


def _coloured(image: Image, side: int, look: Look | None) -> tuple[np.ndarray, Look]:
    small = _coarser(image, side) if max(image.height, image.width) > side else image
    pixels = _pixels(small, -(-max(small.height, small.width) // side))
    look = look or _look(pixels, small)
    return np.round(look.compose(pixels) * 255).astype(np.uint8), look


def outline_codes(labels: np.ndarray, kinds: Mapping[int, np.ndarray]) -> np.ndarray:
    """The outlines of objects, one pixel of the labels wide and centred on the edges.

    Parameters
    ----------
    labels : ndarray of int, shape (h, w)
        Object numbers.
    kinds : mapping of int to ndarray
        Code to the labels that get it.

    Returns
    -------
    ndarray of uint8, shape (2h, 2w) or (h, w)
        0 where there is no outline. Twice as fine as the labels where these are small: then half of a line lies in its
        object and half on the background, and objects that touch have half a line each. Larger labels have lines of
        two pixels. The border of the image is no outline.
    """
    numbers = np.unique(np.concatenate([np.zeros(1, np.int64), *(np.asarray(ids, np.int64) for ids in kinds.values())]))
    code_of = np.zeros(len(numbers), np.uint8)
    for code, ids in kinds.items():
        code_of[np.searchsorted(numbers, ids)] = code
    at = np.searchsorted(numbers, labels).clip(max=len(numbers) - 1)
    codes = np.where(numbers[at] == labels, code_of[at], 0).astype(np.uint8)
    if max(labels.shape) * 2 <= 1.5 * SIDE:
        labels, codes = (np.repeat(np.repeat(array, 2, axis=0), 2, axis=1) for array in (labels, codes))
    found = np.zeros_like(codes)
    every, later, earlier = slice(None), slice(1, None), slice(None, -1)
    for one, other in ((later, earlier), (earlier, later)):
        for here, there in (((one, every), (other, every)), ((every, one), (every, other))):
            edge = labels[here] != labels[there]
            # The half inside; and on the background, the half of the neighbour.
            drawn = np.where(labels[here] > 0, codes[here], codes[there])
            np.maximum(found[here], np.where(edge, drawn, 0), out=found[here])
    return found


def shrink_labels(labels: Image | np.ndarray, step: int) -> np.ndarray:
    """Every `step`-th pixel along each side, from the middle of the blocks that `shrink_image` averages.

    An image is read some rows at a time.
    """
    first = min(step // 2, labels.shape[0] - 1, labels.shape[1] - 1)
    if isinstance(labels, Image):
        rows = max(_ROWS // step, 1) * step
        strips = [
            labels.crop(Region(y, 0, min(rows, labels.height - y), labels.width)).read()[first::step, first::step]
            for y in range(0, labels.height, rows)
        ]
        small = np.concatenate(strips)
    else:
        small = labels[first::step, first::step]
    rows, columns = (-(-n // step) for n in labels.shape)
    # The last block may be smaller than its middle: its labels are those of the last pixel.
    return np.pad(small, [(0, rows - small.shape[0]), (0, columns - small.shape[1])], mode="edge")


def shrink_image(image: Image, step: int) -> np.ndarray:
    """Means of blocks of `step` x `step` pixels, read some rows at a time.

    Parameters
    ----------
    image : Image
        Axes ``YX`` or ``CYX``.
    step : int
        At least 1.

    Returns
    -------
    ndarray of float32, shape (C, ceil(H / step), ceil(W / step))
        Blocks at the right and lower border are of the pixels there are.
    """
    rows = max(_ROWS // step, 1) * step
    parts = []
    starts = np.arange(0, image.width, step)
    lengths = np.diff(np.r_[starts, image.width])
    for y in range(0, image.height, rows):
        strip = image.crop(Region(y, 0, min(rows, image.height - y), image.width)).read()
        strip = strip.reshape(-1, *strip.shape[-2:])
        if step == 1:
            parts.append(strip.astype(np.float32))
            continue
        tops = np.arange(0, strip.shape[1], step)
        sums = np.add.reduceat(np.add.reduceat(strip, starts, axis=2, dtype=np.float64), tops, axis=1)
        heights = np.diff(np.r_[tops, strip.shape[1]])
        parts.append((sums / (heights[:, None] * lengths)).astype(np.float32))
    return np.concatenate(parts, axis=1)


def _pixels(image: Image, step: int) -> np.ndarray:
    """The channels that are shown, ``(C, h, w)``, shrunk."""
    if "T" in image.axes:
        image = image.select(T=0)
    if "Z" in image.axes:
        image = image.select(Z=image.sizes["Z"] // 2)
    if image.sizes.get("C", 1) > _CHANNELS:
        image = image.select(C=slice(0, _CHANNELS))
    pixels = np.nan_to_num(shrink_image(image, step), posinf=0, neginf=0)
    return pixels.astype(np.uint8) if _is_rgb(image) else pixels


def _look(pixels: np.ndarray, image: Image) -> Look:
    channels = image.channels[: len(pixels)]
    display = fit_display(pixels[None], channels, rgb=_is_rgb(image))
    # Where the background is dark, that is; transmitted light lies in the middle of its range.
    return Look(display, np.median(display.scale(pixels[None]), axis=(0, 2, 3)) < 0.3)


def _coarser(image: Image, side: int) -> Image:
    """The same image at the lowest resolution that is still large enough, where its file has several."""
    stored = image.metadata.get("levels", 1)
    for level in range((stored if isinstance(stored, int) else len(stored)) - 1, 0, -1):
        if image.window is not None:  # of a part there are no levels
            break
        try:
            small = open_image(image.source, series=image.metadata.get("index"), level=level)
        except InputError:  # axes that the file does not say were given for the image
            break
        if small.axes == image.axes and max(small.height, small.width) >= side:
            return small
    return image


def _is_rgb(image: Image) -> bool:
    named = [name.casefold() for name in image.channels]
    return (
        image.sizes.get("C") == 3 and image.dtype == np.uint8 and named in ([], list("rgb"), ["red", "green", "blue"])
    )


def _pooled(codes: np.ndarray) -> np.ndarray:
    """The largest code of each block: missed objects hide others, not the other way round."""
    step = -(-max(codes.shape) // _SMALL)
    rows, columns = (np.arange(0, n, step) for n in codes.shape)
    return np.maximum.reduceat(np.maximum.reduceat(codes, rows, axis=0), columns, axis=1)


def _png(codes: np.ndarray) -> str:
    from PIL import Image as Picture

    picture = Picture.fromarray(codes, "P")
    known = {**COLOURS, **CLASSES}
    colours = np.zeros((max(known) + 1, 3), np.uint8)
    for code, colour in known.items():
        colours[code] = np.round(to_rgb([colour])[0] * 255)
    picture.putpalette(colours.ravel().tolist())
    stream = io.BytesIO()
    picture.save(stream, "PNG", transparency=0, compress_level=6, bits=2 if codes.max(initial=0) <= MISSED else 4)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
