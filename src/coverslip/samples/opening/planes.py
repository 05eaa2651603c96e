"""From the axes of a file to channels, rows and columns: what becomes of focal planes is said, not guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from coverslip.core import Image, InputError
from coverslip.core.words import number_of
from coverslip.samples.opening.focus import sharpest_planes


@dataclass(frozen=True)
class Planes:
    """What becomes of a Z axis; images without one are not changed by it.

    Parameters
    ----------
    rule : {"channels", "max", "sharpest", "one"}
        Planes become channels (plane by plane within each channel), are projected to their maximum, or are chosen.
    number : int
        How many sharpest planes (they become channels), or which one.
    """

    rule: str
    number: int = 1

    @classmethod
    def parse(cls, planes: str | int) -> Planes:
        """From ``"channels"``, ``"max"``, ``"sharpest"``, ``"sharpest3"`` or the number of a plane, from 0.

        Raises
        ------
        InputError
            If it is none of them.
        """
        text = str(planes)
        if text in ("channels", "max"):
            return cls(text)
        if found := re.fullmatch(r"sharpest([1-9]\d*)?", text):
            return cls("sharpest", int(found[1] or 1))
        if text.isdecimal():
            return cls("one", int(text))
        raise InputError(f"planes='{planes}' is not known; say channels, max, sharpest, sharpest3 or a plane from 0.")

    def count(self, image: Image) -> int:
        """How many channels each channel of `image` becomes."""
        planes = image.sizes.get("Z", 1)
        if "Z" not in image.axes or self.rule == "max":
            return 1
        if self.rule == "channels":
            return planes
        if (self.number >= planes) if self.rule == "one" else (self.number > planes):
            asked = f"plane {self.number}" if self.rule == "one" else f"the {self.number} sharpest planes"
            raise InputError(f"{image.source}: {asked} cannot be had of {number_of(planes, 'plane')} (the first is 0).")
        return 1 if self.rule == "one" else self.number

    def shape(self, image: Image) -> tuple[int, int, int]:
        """Channels, height and width that `read` will give; nothing is read.

        Raises
        ------
        InputError
            If the image has a T axis, or not the planes asked for.
        """
        if "T" in image.axes:
            raise InputError(
                f"{image.source}: a movie of {image.sizes['T']} frames (axes '{image.axes}') is not one sample; say "
                "--frames all or --frames every=5 for a row for each, or name them in a column 'frame' (from 0)."
            )
        return image.sizes.get("C", 1) * self.count(image), image.height, image.width

    def names(self, image: Image) -> tuple[str, ...]:
        """Names of the channels that `read` will give; empty where the file has none."""
        count = self.count(image)
        if count == 1 or not image.channels:
            return image.channels
        return tuple(f"{name} z{i}" for name in image.channels for i in range(count))

    def read(self, image: Image) -> np.ndarray:
        """The pixels, ``(C, H, W)``, dtype as stored; true and false become 1 and 0."""
        channels, height, width = self.shape(image)
        if "Z" in image.axes and self.rule == "one":
            image = image.select(Z=self.number)
        pixels = image.read()
        if "Z" in image.axes:
            pixels = pixels.reshape(-1, *pixels.shape[-3:])
            if self.rule == "max":
                pixels = pixels.max(axis=1)
            elif self.rule == "sharpest":
                pixels = pixels[:, sharpest_planes(pixels, self.number, image.source)]
        return as_numbers(pixels).reshape(channels, height, width)


def as_numbers(pixels: np.ndarray) -> np.ndarray:
    """True and false as 1 and 0, which can be scaled and subtracted; other pixels as they are."""
    return pixels.view(np.uint8) if pixels.dtype == bool else pixels


def number_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type of `as_numbers` of such pixels."""
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype


def pick_channels(names: tuple[str, ...], count: int, wanted: Sequence[str | int], source: str) -> list[int]:
    """The positions of channels asked for by name or by number (from 0).

    Raises
    ------
    InputError
        If one of them is not there, and the message lists those that are; or if one is asked for twice.
    """
    found = []
    keys = [name.strip().casefold() for name in names]
    for one in wanted:
        key = str(one).strip().casefold()
        if isinstance(one, str) and one in names:
            found.append(names.index(one))
        elif isinstance(one, str) and keys.count(key) == 1:  # capitals make no difference unless they must
            found.append(keys.index(key))
        elif str(one).isdecimal() and int(one) < count:
            found.append(int(one))
        else:
            known = ", ".join(names) if names else f"0 to {count - 1}, without names"
            raise InputError(f"{source}: there is no channel '{one}'; the channels are: {known}.")
    if not found:
        raise InputError(f"{source}: no channel was asked for; name at least one, or leave the choice out.")
    twice = next((one for at, one in zip(found, wanted, strict=True) if found.count(at) > 1), None)
    if twice is not None:
        raise InputError(f"{source}: the channel '{twice}' is asked for twice; name each once.")
    return found
