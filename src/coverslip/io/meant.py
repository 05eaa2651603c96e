"""Which of the images that a file names is the one that is asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

from coverslip.core import InputError


class Meant:
    """Images as a file or a table names them.

    What counts is the name of the file. Where the names lie in several folders, these count too: the most of them, from
    the file upwards, have to be those of the image.

    Parameters
    ----------
    names : sequence of str
        Paths or bare names, written by any system, with endings or without.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._paths = [named_path(name) for name in names]
        self._called = defaultdict(list)
        for i, path in enumerate(self._paths):
            self._called[path.name].append(i)
        self._several = len({path.parent for path in self._paths}) > 1

    def by(self, image: str | Path, twins: bool = False) -> list[int]:
        """Which names mean an image, as places among them: none, one, or several that cannot be told apart.

        Parameters
        ----------
        image : str or Path
        twins : bool
            Whether there are images of this name in other folders, so that folders count in any case.

        Raises
        ------
        InputError
            If there are, and a name has no folder.
        """
        image = Path(image)
        same = self._called.get(image.name) or self._called.get(image.stem, [])
        if not self._several and not twins:
            return list(same)
        if twins and any(not self._paths[i].parent.parts for i in same):
            raise InputError(f"Several images are called {image.name}; write their folders in front.")
        alike = {i: folders_alike(self._paths[i].parent, image.parent) for i in same}
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
