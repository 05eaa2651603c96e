"""Paths in sheets and names of files made from them; only the standard library is used."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from coverslip.io.places import check_length, check_text

PATH_COLUMNS = (
    "image",
    "mask",
    "layers",
    "source",
    "source_image",
    "source_mask",
    "source_layers",
    "annotation",
    "points",
    "source_annotation",
)
"""Columns of a sheet that hold paths, relative to the sheet."""

PARTS = ("series", "frame", "window_px")
"""Columns of a sheet that say which part of the file ``image`` is meant: series and frame as numbers from 0 (a series
also by name), a window as in ``y512x1024h256w256``."""


def relative_path(file: Path, folder: Path) -> str:
    """`file` as seen from `folder`, with ``/``; absolute where they share no drive."""
    try:
        path = Path(os.path.relpath(file, folder)).as_posix()
    except ValueError:  # Windows: another drive
        return file.resolve().as_posix()
    return f"./{path}" if path[:1].isspace() else path  # cells of sheets have no blanks around them


def resolve_path(folder: Path, text: str) -> Path:
    """The file that a sheet in `folder` calls `text`.

    Raises
    ------
    InputError
        If no file can be called so.
    """
    check_text(text)
    # A sheet written on Windows has backslashes; on other systems they would be part of the name.
    if os.sep == "/" and "\\" in text and not (folder / text).exists():
        text = PureWindowsPath(text).as_posix()
    path = folder / PurePosixPath(text) if os.sep == "/" else folder / text
    if text.isascii() or path.exists():
        return path
    # macOS takes letters with accents apart (NFD), other systems and most programs do not (NFC).
    forms = (folder / unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    # Path.exists would raise where one of them is too long.
    return next((file for file in forms if os.path.exists(file)), path)


def moved_path(file: Path, folder: Path) -> Path:
    """Where a file lies that has moved into a folder, with as much of its path as leads somewhere there.

    Images of one name may lie in several folders.
    """
    parts = [part for part in file.parts if part != ".."]
    places = [folder.joinpath(*parts[i:]) for i in range(1, len(parts))]
    return next((place for place in places if place.exists()), folder / file.name)


def part_of(row: Mapping[str, str]) -> str:
    """Which part of its file a row of a sheet means, in words: ``"series 2 frame 7"``; empty for all of it."""
    return " ".join(f"{name} {row[name]}" for name in PARTS if row.get(name))


def split_part(text: str) -> tuple[str, dict[str, str]]:
    """A path with `part_of` behind it, as the path and what that says; a file of that name is no part of another."""
    if os.path.exists(text):
        return text, {}
    found = re.fullmatch(r"(.*?)(?: series (\S+))?(?: frame (\d+))?(?: window_px (\S+))?", text, re.DOTALL)
    assert found is not None  # everything matches
    return found[1], {name: said for name, said in zip(PARTS, found.groups()[1:], strict=True) if said}


def distinct_stems(stems: Sequence[str], numbers: Sequence[int]) -> list[str]:
    """A file stem for each row of a sheet that no other row has, on systems that ignore case too.

    Parameters
    ----------
    stems : sequence of str
        The stem of each row's image.
    numbers : sequence of int
        The row numbers, as a spreadsheet shows them.

    Returns
    -------
    list of str
        The stems; where several rows would share one, each with its row number behind it.

    Raises
    ------
    InputError
        If one is too long for the endings of what is made of its image.
    """
    for stem in stems:
        check_length(stem)
    often = Counter(folded(stem) for stem in stems)
    taken = {stem for stem, count in often.items() if count == 1}
    found = []
    for stem, number in zip(stems, numbers, strict=True):
        if often[folded(stem)] > 1:
            stem = f"{stem}_row{number}"
            while folded(stem) in taken:  # another image is called just so
                stem += "_"
            taken.add(folded(stem))
        found.append(stem)
    return found


def folded(name: str) -> str:
    """A name as it is compared: capitals and the way that accents are written make no difference."""
    return unicodedata.normalize("NFC", name).casefold()
