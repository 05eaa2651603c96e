"""The labels of one image while its blocks come in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
_DTYPES = {"labels": np.uint32, "probability": np.uint8, "maps": np.uint8}
_NOTED = "noted.json"


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
    maps : sequence of str
        Names of the maps that are kept.
    """

    def __init__(
        self,
        folder: Path | None,
        stamp: str,
        size: tuple[int, int],
        probability: bool,
        maps: Sequence[str] = (),
    ) -> None:
        self._folder = folder
        self._tables: list[Table] = []
        self._seen = Seen()
        self._names = tuple(maps)
        self.noted: dict[str, Any] = {}
        self.count = 0
        shapes: dict[str, tuple[int, ...]] = {"labels": size}
        shapes |= {"probability": size} if probability else {}
        shapes |= {"maps": (len(maps), *size)} if maps else {}
        if folder is None:
            self._arrays: dict[str, Any] = {name: np.zeros(shape, _DTYPES[name]) for name, shape in shapes.items()}
        else:
            self._arrays = _opened(folder, stamp, shapes)
            if (folder / _NOTED).is_file():
                self.noted = json.loads((folder / _NOTED).read_text(encoding="utf-8"))
            while self._file(self.done).is_file():
                table = self._put(load_table(self._file(self.done))[0])
                self.count += len(table["label"])
        self._labels = self._arrays["labels"]

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
        for name, values in (("probability", found.probability), ("maps", found.maps)):
            if name in self._arrays:
                self._arrays[name][..., *block.core.slices] = values
        if found.noted and not self.noted:
            self.noted = dict(found.noted)
            if self._folder is not None:
                (self._folder / _NOTED).write_text(json.dumps(self.noted), encoding="utf-8")
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
            for name in self._arrays:
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
        return self._kept("probability", "YX", source, pixel_size)

    def maps(self, source: str, pixel_size: PixelSize | None) -> Image | None:
        """The maps that objects were made from as such an image, a channel each; None where none are kept."""
        return self._kept("maps", "CYX", source, pixel_size, self._names)

    def _kept(
        self, name: str, axes: str, source: str, pixel_size: PixelSize | None, channels: Sequence[str] = ()
    ) -> Image | None:
        kept = self._arrays.get(name)
        if kept is None:
            return None
        dtype, shape = np.dtype(_DTYPES[name]), tuple(kept.shape)
        return Image(
            axes, shape, dtype, source, lambda window: np.asarray(kept[window]), pixel_size, channels=tuple(channels)
        )

    def _put(self, table: Table) -> Table:
        """Take in the table of the next block."""
        objects, self._seen = without_seen(table)
        self._tables.append(objects)
        return objects

    def _file(self, block: int) -> Path:
        assert self._folder is not None
        return self._folder / f"{block:06d}.npz"


def _opened(folder: Path, stamp: str, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """The arrays of an image on disk; new ones unless there are some of this very image."""
    import zarr

    if mark_of(folder / MARK) != stamp:
        emptied(folder)
        for name, shape in shapes.items():
            chunks = (*shape[:-2], *(min(_CHUNK, n) for n in shape[-2:]))
            zarr.create_array(folder / name, shape=shape, chunks=chunks, dtype=_DTYPES[name], fill_value=0)
        mark(folder, stamp)
    return {name: zarr.open_array(folder / name, mode="r+") for name in shapes}


def _flush_chunks(array: Path, window: Region) -> None:
    """Put the chunks of a window on the disk: a power cut must not take back what is noted as done."""
    for y in range(window.y // _CHUNK, -(-window.stop_y // _CHUNK)):
        for x in range(window.x // _CHUNK, -(-window.stop_x // _CHUNK)):
            for front in (array / "c", array / "c" / "0"):
                chunk = front / str(y) / str(x)
                if chunk.is_file():  # chunks without objects are not written
                    flush(chunk)
