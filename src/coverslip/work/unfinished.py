"""What is done of a prediction, on disk: killed at any moment, it goes on from there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError, Stopped
from coverslip.core.words import number_of
from coverslip.io.agreement import FILES, agree, noted
from coverslip.io.atomic import atomic_path, explained
from coverslip.io.places import remove_unfinished
from coverslip.io.stamps import stamp_of
from coverslip.nn.tiles import Tile

Table = dict[str, np.ndarray]

MARK = "image.json"
_STAMP = "stamp"


def work_beside(result: Path) -> Path:
    """The folder beside a result that holds an unfinished prediction of it."""
    return result.with_name(f"{result.name}.predicting")


@dataclass(frozen=True)
class Pending:
    """How far an image is.

    Parameters
    ----------
    name : str
        What its files are called.
    stamp : str
        Tells the image from others, and from itself once it has changed.
    blocks : list of Tile
        What it is cut into.
    finished : bool
        Whether its files are in the result.
    done : int
        How many blocks are done.
    """

    name: str
    stamp: str
    blocks: list[Tile]
    finished: bool
    done: int


class Work:
    """The folder of an unfinished prediction.

    ``state.json`` says what it is of; ``images/`` holds the table of each finished image, ``result/`` its files, and
    ``blocks/`` what is done of images that are larger than a block.

    Parameters
    ----------
    folder : Path
        Where it lies.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.result = folder / "result"

    def begin(self, asked: Mapping[str, Any], facts: Mapping[str, Any], *, resume: bool) -> dict[str, Any]:
        """Start, or go on.

        Parameters
        ----------
        asked : mapping
            What is predicted from what, see `coverslip.models.record.asked_of`: work on anything else is not resumed.
            Images that changed are not anything else: each is known by itself (`pending`), and done again.
        facts : mapping
            What else decides the result, and is kept when work goes on.
        resume : bool
            Go on with what is there; else it is discarded.

        Returns
        -------
        dict
            The facts that count.

        Raises
        ------
        InputError
            If what is there is of something else; the message names what differs.
        """
        state, asked = self.folder / "state.json", {name: said for name, said in asked.items() if name != FILES}
        if resume and state.is_file():
            saved = json.loads(state.read_text(encoding="utf-8"))
            agree(
                saved["asked"],
                asked,
                f"The unfinished prediction in {self.folder} was begun",
                "resume it with the same model, inputs and options, or start over with --force instead of --resume",
            )
            return dict(saved["facts"])
        self.discard()
        self.result.mkdir(parents=True)
        (self.folder / "images").mkdir()
        with atomic_path(state) as temporary:
            temporary.write_text(json.dumps({"asked": noted(asked), "facts": facts}, indent=2), encoding="utf-8")
        return dict(facts)

    def pending(self, name: str, file: Path, part: str, blocks: list[Tile]) -> Pending:
        """How far an image is.

        Parameters
        ----------
        name : str
            What its files are called.
        file : Path
            The image; if it has changed since, all of it is to be done again.
        part : str
            Which series or frame of it, if any.
        blocks : list of Tile
            What it is cut into.
        """
        stamp = json.dumps([str(file.resolve()), part, *stamp_of(file)])
        record, folder = self._record(name), self._blocks(name)
        finished = record.is_file() and load_table(record)[1] == stamp
        done = len(blocks) if finished else 0
        if not finished and mark_of(folder / MARK) == stamp:
            done = _whole(folder)
        return Pending(name, stamp, blocks, finished, done)

    def table(self, name: str) -> Table:
        """The table of a finished image."""
        return load_table(self._record(name))[0]

    def folder_of(self, image: Pending) -> Path | None:
        """Where the blocks of an image are kept; None if it is of one block, which may stay in memory."""
        return self._blocks(image.name) if len(image.blocks) > 1 else None

    def parts(self, image: Pending) -> Parts:
        """What is done of an image that is finished all at once."""
        return Parts(self._blocks(image.name), image.stamp)

    def finish(self, image: Pending, table: Table) -> None:
        """Note that an image is done; its files are in `result`."""
        save_table(self._record(image.name), table, image.stamp)
        shutil.rmtree(self._blocks(image.name), ignore_errors=True)

    def discard(self) -> None:
        """Remove all of it; it is gone at once, also where the removal is cut short."""
        remove_unfinished(self.folder)

    @contextmanager
    def until_done(self) -> Iterator[None]:
        """Remove all of it once what happens inside is done; where that is refused, keep what was done for a resume."""
        try:
            with explained(self.folder):
                yield
        except InputError as error:
            if self.is_empty:
                self.discard()
                raise
            raise InputError(f"{str(error).rstrip('.')}; what was done before is kept, for --resume.") from error
        self.discard()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is done yet."""
        return not any(self.folder.rglob("*.npz"))

    def _record(self, name: str) -> Path:
        return self.folder / "images" / f"{name}.npz"

    def _blocks(self, name: str) -> Path:
        return self.folder / "blocks" / name


class Parts:
    """What is done of one image, as numbered tables in a folder; see `coverslip.core.kept.Kept`.

    Parameters
    ----------
    folder : Path
        Made with the first table.
    stamp : str
        What the image was when it was begun: of another one, what is there is discarded.
    """

    def __init__(self, folder: Path, stamp: str) -> None:
        self._folder, self._stamp = folder, stamp

    @property
    def done(self) -> int:
        """How many there are."""
        return _whole(self._folder) if self._begun else 0

    def get(self, part: int) -> Table | None:
        """What was kept of a part, by its number; None if nothing was."""
        file = self._file(part)
        return load_table(file)[0] if self._begun and file.is_file() else None

    def put(self, part: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep what came of a part; once this returns, it is never computed again."""
        if not self._begun:
            emptied(self._folder)
            mark(self._folder, self._stamp)
        save_table(self._file(part), dict(arrays))

    @property
    def _begun(self) -> bool:
        return mark_of(self._folder / MARK) == self._stamp

    def _file(self, part: int) -> Path:
        return self._folder / f"{part:06d}.npz"


def _whole(folder: Path) -> int:
    """How many files are whole; that which a kill cut short has a hidden name."""
    return sum(not file.name.startswith(".") for file in folder.glob("*.npz"))


def emptied(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def mark(folder: Path, stamp: str) -> None:
    """Say which image a folder is of; without that, what is in it does not count."""
    with atomic_path(folder / MARK) as temporary:
        temporary.write_text(stamp, encoding="utf-8")


def mark_of(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None


def save_table(path: Path, table: Table, stamp: str = "") -> None:
    arrays: dict[str, Any] = {_STAMP: np.array(stamp), **table}
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, **arrays)


def load_table(path: Path) -> tuple[Table, str]:
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files if name != _STAMP}, str(arrays[_STAMP])


def stopped_after(whole: int, total: int, more: str = "") -> Stopped:
    """What to raise after Ctrl-C: so many images, and perhaps more, are done."""
    return Stopped(
        f"Stopped after {whole} of {number_of(total, 'image')}{more}; what is done is saved: run the same command "
        "with --resume to go on."
    )
