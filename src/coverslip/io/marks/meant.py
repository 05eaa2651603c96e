"""Which of the images that a file names is the one that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath


def meant(names: Sequence[str], image: str | Path) -> list[int]:
    """Which of some names mean an image: none, one, or several that cannot be told apart.

    Parameters
    ----------
    names : sequence of str
        Paths or bare names, written by any system, with endings or without.
    image : str or Path
        The image.

    Returns
    -------
    list of int
        Places in `names`. What counts is the name of the file. Where the names lie in several folders, these count
        too: the most of them, from the file upwards, have to be those of the image.
    """
    image = Path(image)
    paths = [named_path(name) for name in names]
    same = [i for i, path in enumerate(paths) if path.name == image.name]
    same = same or [i for i, path in enumerate(paths) if path.name == image.stem]
    if len({path.parent for path in paths}) < 2:
        return same
    alike = {i: folders_alike(paths[i].parent, image.parent) for i in same}
    most = max(alike.values(), default=(0, 0))
    return [i for i, one in alike.items() if one == most and (one[0] or not one[1])]


def named_path(text: str) -> PurePath:
    """A path as its parts, whichever system wrote it."""
    return PureWindowsPath(text) if "\\" in text else PurePosixPath(text)


def folders_alike(named: PurePath, folder: PurePath) -> tuple[int, int]:
    """How many folders are the same from the last one upwards, and, below 0, how many of those named are not."""
    same = 0
    for one, other in zip(reversed(named.parts), reversed(folder.parts), strict=False):
        if one != other:
            break
        same += 1
    return same, same - len(named.parts)
