"""What is done of a prediction, on disk: killed at any moment, it goes on from there."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core.errors import InputError
from coverslip.core.fields import Fields
from coverslip.core.image import Image, PixelSize
from coverslip.core.region import Region
from coverslip.measure.shapes import Table, object_table
from coverslip.nn.tiles import Tile, paste
from coverslip.read.atomic import atomic_path, explained, flush
from coverslip.segmenting.blocks import Found

_CHUNK = 512
_DTYPES = {"labels": np.uint32, "probability": np.uint8}
_MARK = "image.json"
_STAMP = "stamp"


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

    def begin(self, identity: Mapping[str, Any], facts: Mapping[str, Any], *, resume: bool) -> dict[str, Any]:
        """Start, or go on.

        Parameters
        ----------
        identity : mapping
            What is predicted from what, JSON-able: work on anything else is not resumed.
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
            If what is there is of something else; the message names the first difference.
        """
        state = self.folder / "state.json"
        if resume and state.is_file():
            saved = json.loads(state.read_text(encoding="utf-8"))
            _same(saved["identity"], json.loads(json.dumps(identity)), self.folder)
            return dict(saved["facts"])
        self.discard()
        self.result.mkdir(parents=True)
        (self.folder / "images").mkdir()
        with atomic_path(state) as temporary:
            temporary.write_text(json.dumps({"identity": identity, "facts": facts}, indent=2), encoding="utf-8")
        return dict(facts)

    def pending(self, name: str, file: Path, frame: str, blocks: list[Tile]) -> Pending:
        """How far an image is.

        Parameters
        ----------
        name : str
            What its files are called.
        file : Path
            The image; if it has changed since, all of it is to be done again.
        frame : str
            Which frame of it, if any.
        blocks : list of Tile
            What it is cut into.
        """
        facts = file.stat()
        stamp = json.dumps([str(file.resolve()), frame, facts.st_size, facts.st_mtime_ns])
        record, folder = self._record(name), self._blocks(name)
        finished = record.is_file() and _load(record)[1] == stamp
        done = len(blocks) if finished else 0
        if not finished and _text(folder / _MARK) == stamp:
            done = len(list(folder.glob("*.npz")))
        return Pending(name, stamp, blocks, finished, done)

    def table(self, name: str) -> Table:
        """The table of objects of a finished image."""
        return _load(self._record(name))[0]

    def canvas(self, image: Pending, size: tuple[int, int], probability: bool) -> Canvas:
        """The labels of an image on their way: in memory if it is of one block, else on disk."""
        folder = self._blocks(image.name) if len(image.blocks) > 1 else None
        return Canvas(folder, image.stamp, size, probability)

    def parts(self, image: Pending) -> Parts:
        """What is done of an image that is finished all at once."""
        return Parts(self._blocks(image.name), image.stamp)

    def finish(self, image: Pending, table: Table) -> None:
        """Note that an image is done; its files are in `result`."""
        _save(self._record(image.name), table, image.stamp)
        shutil.rmtree(self._blocks(image.name), ignore_errors=True)

    def discard(self) -> None:
        """Remove all of it; it is gone at once, also where the removal is cut short."""
        if self.folder.exists():
            gone = self.folder.with_name(f".{uuid.uuid4().hex[:8]}-{self.folder.name}")
            os.replace(self.folder, gone)
            shutil.rmtree(gone, ignore_errors=True)

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
        return len(list(self._folder.glob("*.npz"))) if self._begun else 0

    def get(self, part: int) -> Table | None:
        """What was kept of a part, by its number; None if nothing was."""
        file = self._file(part)
        return _load(file)[0] if self._begun and file.is_file() else None

    def put(self, part: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep what came of a part; once this returns, it is never computed again."""
        if not self._begun:
            _empty(self._folder)
            _mark(self._folder, self._stamp)
        _save(self._file(part), dict(arrays))

    @property
    def _begun(self) -> bool:
        return _text(self._folder / _MARK) == self._stamp

    def _file(self, part: int) -> Path:
        return self._folder / f"{part:06d}.npz"


class Canvas:
    """The labels of one image, pasted block by block, and the table of their objects.

    Parameters
    ----------
    folder : Path or None
        Where they lie; None: in memory.
    stamp : str
        What the image was when it was begun: of another one, what is there is discarded.
    size : tuple of int
        Height and width.
    probability : bool
        Whether the foreground probability is kept.
    """

    def __init__(self, folder: Path | None, stamp: str, size: tuple[int, int], probability: bool) -> None:
        self._folder = folder
        self._tables: list[Table] = []
        self.count = 0
        names = ["labels", "probability"] if probability else ["labels"]
        if folder is None:
            arrays: list[Any] = [np.zeros(size, _DTYPES[name]) for name in names]
        else:
            arrays = _opened(folder, stamp, size, names)
            while self._file(self.done).is_file():
                table = _load(self._file(self.done))[0]
                self._tables.append(table)
                self.count += len(table["label"])
        self._labels, self._probability = [*arrays, None][:2]

    @property
    def done(self) -> int:
        """How many blocks are pasted."""
        return len(self._tables)

    def add(self, fields: Fields, index: int, block: Tile, found: Found) -> None:
        """Paste the next block and measure its objects; once this returns, it is never computed again."""
        rows, columns = block.window.slices
        window = self._labels[rows, columns]
        new = paste(window, found.labels, self.count + 1)
        self._labels[rows, columns] = window
        if self._probability is not None:
            self._probability[block.core.slices] = found.probability
        own = np.where(window > self.count, window, 0)
        table = object_table(
            own,
            lambda region: fields.pixels(index, region),
            fields.channels,
            pixel_size=fields.image(index).pixel_size,
            part=block.window,
            whole=fields.size(index),
        )
        if self._folder is not None:
            for name in ("labels", "probability")[: 1 if self._probability is None else 2]:
                _flush_chunks(self._folder / name, block.window)
            _save(self._file(self.done), table)
        self._tables.append(table)
        self.count += new

    def table(self) -> Table:
        """The table of all objects so far."""
        names = dict.fromkeys(name for table in self._tables for name in table)
        return {name: np.concatenate([table[name] for table in self._tables]) for name in names}

    def labels(self, source: str, pixel_size: PixelSize | None) -> Image:
        """The labels as an image that is read window by window, in the smallest type that holds them."""
        dtype = np.min_scalar_type(self.count)
        return Image(
            "YX",
            tuple(self._labels.shape),
            dtype,
            source,
            lambda window: np.asarray(self._labels[window]).astype(dtype),
            pixel_size,
        )

    def probability(self, source: str, pixel_size: PixelSize | None) -> Image | None:
        """The foreground probability as such an image, uint8, 255 for 1; None where it was not wanted."""
        kept = self._probability
        if kept is None:
            return None
        shape = tuple(kept.shape)
        return Image("YX", shape, np.dtype(np.uint8), source, lambda window: np.asarray(kept[window]), pixel_size)

    def _file(self, block: int) -> Path:
        assert self._folder is not None
        return self._folder / f"{block:06d}.npz"


def _opened(folder: Path, stamp: str, size: tuple[int, int], names: list[str]) -> list[Any]:
    """The arrays of an image on disk; new ones unless there are some of this very image."""
    import zarr

    if _text(folder / _MARK) != stamp:
        _empty(folder)
        chunks = tuple(min(_CHUNK, n) for n in size)
        for name in names:
            zarr.create_array(folder / name, shape=size, chunks=chunks, dtype=_DTYPES[name], fill_value=0)
        _mark(folder, stamp)
    return [zarr.open_array(folder / name, mode="r+") for name in names]


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _mark(folder: Path, stamp: str) -> None:
    """Say which image a folder is of; without that, what is in it does not count."""
    with atomic_path(folder / _MARK) as temporary:
        temporary.write_text(stamp, encoding="utf-8")


def _text(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None


def _flush_chunks(array: Path, window: Region) -> None:
    """Put the chunks of a window on the disk: a power cut must not take back what is noted as done."""
    for y in range(window.y // _CHUNK, -(-window.stop_y // _CHUNK)):
        for x in range(window.x // _CHUNK, -(-window.stop_x // _CHUNK)):
            chunk = array / "c" / str(y) / str(x)
            if chunk.exists():  # chunks without objects are not written
                flush(chunk)


def _save(path: Path, table: Table, stamp: str = "") -> None:
    arrays: dict[str, Any] = {_STAMP: np.array(stamp), **table}
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, **arrays)


def _load(path: Path) -> tuple[Table, str]:
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files if name != _STAMP}, str(arrays[_STAMP])


def _same(saved: Mapping[str, Any], asked: Mapping[str, Any], folder: Path) -> None:
    for key in sorted(saved.keys() | asked.keys()):
        if saved.get(key) != asked.get(key):
            raise InputError(
                f"The unfinished prediction in {folder} has {key}={saved.get(key)!r}, not {asked.get(key)!r}: resume "
                "it with the same model, inputs and options, or start over with --force instead of --resume."
            )
