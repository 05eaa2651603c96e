"""Images at another size: antialiased where they shrink, in their own type, and with the right µm per pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Literal, get_args

import numpy as np

from coverslip.core import Image, InputError, PixelSize, Region, Samples, free_memory
from coverslip.samples.sheets.rows import check_finite

Aspect = Literal["same", "pad", "stretch"]

_BYTES = 16
"""Of memory for each pixel that is read or made, beside the pixels as they are stored."""


class SizesDiffer(InputError):
    """Images that are to be samples have several sizes, and nothing says which they should have."""


@dataclass(frozen=True)
class Resizing:
    """To what size images are brought, and how.

    Parameters
    ----------
    to : (int, int)
        Height and width afterwards, pixels.
    aspect : {"same", "pad", "stretch"}
        What becomes of images of other proportions: they are refused; or brought inside with as much background above
        as below (the median of their outermost pixels, channel by channel; of masks 0); or stretched along one side.

    Raises
    ------
    InputError
        If the size holds no pixel, or there is no such way.
    """

    to: tuple[int, int]
    aspect: Aspect = "same"

    def __post_init__(self) -> None:
        if min(self.to) < 1:
            raise InputError(
                f"Images of {self.to[0]} x {self.to[1]} pixels hold nothing; give a larger size, as 80x80."
            )
        if self.aspect not in get_args(Aspect):
            raise InputError(f"There is no aspect '{self.aspect}'; say same, pad or stretch.")

    def place(self, height: int, width: int, whose: str) -> Region:
        """Where an image of some size comes to lie.

        Raises
        ------
        InputError
            If it has other proportions, and nothing is said of such.
        """
        if self.aspect == "stretch":
            return Region(0, 0, *self.to)
        zoom = min(self.to[0] / height, self.to[1] / width)
        inner = max(1, round(height * zoom)), max(1, round(width * zoom))
        if inner == self.to:
            return Region(0, 0, *self.to)
        if self.aspect == "same":
            like = max(1, round(width * self.to[0] / height))
            raise InputError(
                f"{whose}: {height} x {width} pixels have other proportions than {self.to[0]} x {self.to[1]}; say "
                f"aspect pad (background is added) or stretch, or give {self.to[0]} x {like}."
            )
        return Region((self.to[0] - inner[0]) // 2, (self.to[1] - inner[1]) // 2, *inner)

    def pixels(self, pixels: np.ndarray, whose: str = "image") -> np.ndarray:
        """Grey values ``(…, H, W)`` at the new size, in their own type.

        Each new pixel is the mean of the old ones around its place, weighted by a triangle as wide as two new pixels
        (two old ones, where it is enlarged), as in `coverslip.samples.opening.zoomed`. Whole numbers are rounded.
        """
        from coverslip.samples.opening.zoomed import resampled  # it loads scipy

        if pixels.shape[-2:] == self.to:
            return pixels
        if pixels.dtype == bool:
            return self.labels(pixels, whose)
        place = self.place(pixels.shape[-2], pixels.shape[-1], whose)
        made = resampled(pixels, (place.height, place.width))
        if pixels.dtype.kind in "ui":
            limits = np.iinfo(pixels.dtype)
            made = np.rint(made).clip(limits.min, limits.max)
        made = made.astype(pixels.dtype)
        return made if made.shape[-2:] == self.to else self._padded(made, place, _rim(pixels))

    def labels(self, labels: np.ndarray, whose: str = "mask") -> np.ndarray:
        """Object numbers ``(…, H, W)`` at the new size: of each new pixel the number in its middle."""
        place = self.place(labels.shape[-2], labels.shape[-1], whose)
        rows, columns = (
            ((np.arange(new) + 0.5) * old / new).astype(np.intp)
            for new, old in zip((place.height, place.width), labels.shape[-2:], strict=True)
        )
        made = labels[..., rows[:, None], columns]
        return made if made.shape[-2:] == self.to else self._padded(made, place, np.zeros(1, labels.dtype))

    def image(self, image: Image) -> Image:
        """An image at the new size, read; its pixels are as large as they are then.

        Raises
        ------
        InputError
            If it has other proportions, pixels that are no numbers, or does not fit into the memory.
        """
        check_room(image.shape, self.to, image.source)
        place = self.place(image.height, image.width, image.source)
        pixels = image.read()
        check_finite(pixels, image.source)
        made = self.pixels(pixels, image.source)
        size = image.pixel_size and sized(image.pixel_size, (image.height, image.width), place)
        return Image.from_array(made, image.axes, source=image.source, pixel_size=size, channels=image.channels)

    def _padded(self, made: np.ndarray, place: Region, fill: np.ndarray) -> np.ndarray:
        out = np.empty((*made.shape[:-2], *self.to), made.dtype)
        out[...] = fill
        out[(..., *place.slices)] = made
        return out


def sized(pixel_size: PixelSize, before: tuple[int, int], after: Region) -> PixelSize:
    """How large pixels are once an image fills another number of them."""
    return replace(pixel_size, y=pixel_size.y * before[0] / after.height, x=pixel_size.x * before[1] / after.width)


def check_room(shape: Sequence[int], to: tuple[int, int], whose: str) -> None:
    """Refuse what the memory cannot hold.

    Raises
    ------
    InputError
        Saying how much it would take.
    """
    needed, free = _BYTES * (prod(shape) + prod(shape[:-2]) * prod(to)), free_memory()
    if needed > free:
        raise InputError(
            f"{whose}: to bring {shape[-2]} x {shape[-1]} pixels to {to[0]} x {to[1]} takes {needed / 1e9:.0f} GB of "
            f"{free / 1e9:.0f} GB of free memory; cut the image into parts first, or give a smaller size."
        )


class ResizedSamples:
    """Samples at another size, made when they are read.

    Parameters
    ----------
    samples : Samples
        As they are.
    resizing : Resizing
        To what size, and how.

    Raises
    ------
    InputError
        If they have other proportions, and nothing is said of such.
    """

    def __init__(self, samples: Samples, resizing: Resizing) -> None:
        resizing.place(*samples.shape[1:], "The samples")
        self.samples, self.resizing = samples, resizing

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every sample."""
        return (self.samples.shape[0], *self.resizing.to)

    @property
    def dtype(self) -> np.dtype[Any]:
        """As stored in the files."""
        return self.samples.dtype

    @property
    def obs(self) -> Mapping[str, np.ndarray]:
        """One column per fact."""
        return self.samples.obs

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel names; empty where unknown."""
        return self.samples.channels

    def __len__(self) -> int:
        return len(self.samples)

    def read(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Read some samples: ``(n, C, H, W)``, dtype as stored, in the order asked for."""
        return self.resizing.pixels(self.samples.read(indices), "The samples")


def _rim(pixels: np.ndarray) -> np.ndarray:
    """The median of the outermost pixels of each plane, ``(…, 1, 1)``: what lies around an object."""
    sides = (pixels[..., 0, :], pixels[..., -1, :], pixels[..., 0], pixels[..., -1])
    return np.asarray(np.median(np.concatenate(sides, axis=-1), axis=-1)).astype(pixels.dtype)[..., None, None]
