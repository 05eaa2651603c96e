"""The labels of one image while its blocks come in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Fields, Image, PixelSize, Region
from coverslip.io.atomic import flush
from coverslip.measure.objects.shapes import Table, object_table
from coverslip.nn.tiles import paste
from coverslip.results.labels.blocks import Found
from coverslip.results.labels.seen import Seen, with_seen, without_seen
from coverslip.work.unfinished import MARK, emptied, load_table, mark, mark_of, save_table

_CHUNK = 512
_DTYPES = {"labels": np.uint32, "probability": np.uint8}


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
        self._seen = Seen()
        self.count = 0
        names = ["labels", "probability"] if probability else ["labels"]
        if folder is None:
            arrays: list[Any] = [np.zeros(size, _DTYPES[name]) for name in names]
        else:
            arrays = _opened(folder, stamp, size, names)
            while self._file(self.done).is_file():
                table = self._put(load_table(self._file(self.done))[0])
                self.count += len(table["label"])
        self._labels, self._probability = [*arrays, None][:2]

    @property
    def done(self) -> int:
        """How many blocks are pasted."""
        return len(self._tables)

    def add(self, fields: Fields, index: int, found: Found) -> None:
        """Paste the next block and measure its objects; once this returns, it is never computed again."""
        block = found.block
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
            fields.channels_of(index),
            pixel_size=fields.image(index).pixel_size,
            part=block.window,
            whole=fields.size(index),
        )
        table = with_seen(table, found.seen)
        if self._folder is not None:
            for name in ("labels", "probability")[: 1 if self._probability is None else 2]:
                _flush_chunks(self._folder / name, block.window)
            save_table(self._file(self.done), table)
        self._put(table)
        self.count += new

    def table(self) -> Table:
        """The table of all objects so far, with how the image was seen."""
        names = dict.fromkeys(name for table in self._tables for name in table)
        whole = {name: np.concatenate([table[name] for table in self._tables]) for name in names}
        return with_seen(whole, self._seen)

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

    def _put(self, table: Table) -> Table:
        """Take in the table of the next block."""
        objects, self._seen = without_seen(table)
        self._tables.append(objects)
        return objects

    def _file(self, block: int) -> Path:
        assert self._folder is not None
        return self._folder / f"{block:06d}.npz"


def _opened(folder: Path, stamp: str, size: tuple[int, int], names: list[str]) -> list[Any]:
    """The arrays of an image on disk; new ones unless there are some of this very image."""
    import zarr

    if mark_of(folder / MARK) != stamp:
        emptied(folder)
        chunks = tuple(min(_CHUNK, n) for n in size)
        for name in names:
            zarr.create_array(folder / name, shape=size, chunks=chunks, dtype=_DTYPES[name], fill_value=0)
        mark(folder, stamp)
    return [zarr.open_array(folder / name, mode="r+") for name in names]


def _flush_chunks(array: Path, window: Region) -> None:
    """Put the chunks of a window on the disk: a power cut must not take back what is noted as done."""
    for y in range(window.y // _CHUNK, -(-window.stop_y // _CHUNK)):
        for x in range(window.x // _CHUNK, -(-window.stop_x // _CHUNK)):
            chunk = array / "c" / str(y) / str(x)
            if chunk.exists():  # chunks without objects are not written
                flush(chunk)
