"""What a file holds: one image or several, and what beside them is none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coverslip.core import InputError

ZARR_MARKS = ("zarr.json", ".zattrs", ".zgroup", ".zarray")
"""Files that show that a folder is one of Zarr."""

_BESIDE = re.compile(r"(label|macro|thumbnail|thumb|map|preview|overview)([ _-]?image)?", re.IGNORECASE)


@dataclass(frozen=True)
class Series:
    """One of the images in a file.

    Parameters
    ----------
    index : int
        Its number, from 0, as for ``open_image(path, series=…)``.
    name : str
        What the file calls it; empty where it does not say.
    beside : str
        What it is, where it is none to learn from, such as a slide's label or a thumbnail; else empty.
    inner : str
        Where it lies, if the file is a folder of images.
    facts : mapping of str to str
        What is known of it: ``plate``, ``well``, ``field``.
    """

    index: int
    name: str = ""
    beside: str = ""
    inner: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.index} ({self.name})" if self.name else str(self.index)


@dataclass(frozen=True)
class Inventory:
    """What a file holds.

    Parameters
    ----------
    series : tuple of Series
        All of it, in the order of the file.
    files : tuple of Path
        The files of which this one is a part, together; empty where it is whole by itself.
    """

    series: tuple[Series, ...] = (Series(0),)
    files: tuple[Path, ...] = ()

    @property
    def images(self) -> list[Series]:
        """Those that are images, not something beside them."""
        return [one for one in self.series if not one.beside]

    def find(self, path: str, series: int | str | None) -> int:
        """The number of a series: by its number or its name; default: the first that is an image.

        Raises
        ------
        InputError
            If there is none of that name. Numbers are checked by who opens the series.
        """
        if series is None:
            return next((one.index for one in self.images), 0)
        if isinstance(series, int) or series.strip().lstrip("-").isdecimal():
            return int(series)
        named = [one.index for one in self.series if series in (one.name, one.inner)]
        if len(named) == 1:
            return named[0]
        if named:
            raise InputError(f"{path} holds {len(named)} images called '{series}'; choose one by its number: {named}.")
        known = ", ".join(map(str, self.series))
        raise InputError(f"{path} holds no image called '{series}'; it holds {known}.")


def is_zarr(path: Path) -> bool:
    """Whether a folder is one of Zarr, to judge by its name or the files in it."""
    return path.suffix.lower() == ".zarr" or holds_zarr(path)


def holds_zarr(path: Path) -> bool:
    """Whether a folder holds what Zarr writes into one."""
    return any((path / mark).is_file() for mark in ZARR_MARKS)


def named_beside(name: str) -> str:
    """What a series is by its name, where that says that it is no image to learn from: ``"label"``, ``"macro"``, …"""
    found = _BESIDE.fullmatch(name.strip())
    return found[1].lower() if found else ""


def thumbnails(sizes: Sequence[tuple[int, int]]) -> list[bool]:
    """Which of several images are small copies of another one: of its shape, and at most a quarter as long.

    Parameters
    ----------
    sizes : sequence of (int, int)
        Height and width of each.
    """
    largest = max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))
    return [
        height > 0 and 4 * height <= largest[0] + 3 and abs(width - largest[1] * height / largest[0]) <= 2
        for height, width in sizes
    ]
