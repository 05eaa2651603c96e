"""The rows of a sheet as samples, read from their files when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from coverslip.core import Image, InputError, track
from coverslip.core.words import number_of
from coverslip.samples.opening.channels import Channels
from coverslip.samples.opening.columns import typed_column
from coverslip.samples.opening.planes import Planes, number_type
from coverslip.samples.opening.resized import Aspect, Resizing, SizesDiffer
from coverslip.samples.sheets.rows import at_row, check_finite, frame_of, in_threads, open_cell, whose, with_unsaid
from coverslip.samples.sheets.sheet import Sheet

_CROP_FIRST = "make crops first with coverslip samples crop SHEET --size 64 --out crops"
_RESIZE = "or bring what is crops already to one size with coverslip samples resize SHEET --to 64 --out resized"


class SheetSamples:
    """The rows of a sheet as samples; see `open_samples`."""

    def __init__(
        self,
        sheet: Sheet,
        *,
        channels: Sequence[str | int] | None = None,
        planes: str | int = "channels",
        use_source: bool = False,
        expected: Sequence[str] = (),
        size: int = 0,
        aspect: Aspect = "pad",
    ) -> None:
        if not len(sheet):
            raise InputError(f"{sheet.name} has no rows; add a row for each image.")
        if sheet.has("mask"):
            raise InputError(
                f"{sheet.name} has a column 'mask', so its images are whole fields: {_CROP_FIRST} "
                "(or give a sheet without the column, to take each field as one sample)."
            )
        if use_source and not sheet.has("source"):
            raise InputError(f"{sheet.name} names no paired images; fill its column 'source' or leave use_source out.")
        self.sheet = sheet
        self._size, self._aspect = size, aspect
        self.how: dict[str, Any] = {"channels": None if channels is None else list(channels), "planes": planes}
        """What these were opened with, beside the sheet."""
        if size:
            self.how |= {"size": size, "aspect": aspect}
        self._planes = Planes.parse(planes)
        self._columns = ("image", "source") if use_source else ("image",)
        self._images = {column: open_column(sheet, column) for column in self._columns}
        self.sheet = with_unsaid(sheet, self._images["image"])
        # Of each row, which of its channels are meant; None: all of them, as they are.
        self._shape, self._dtype, self._channels, self._picks = self._agree(Channels(channels, expected))
        self._obs = {name: typed_column(name, sheet.column(name)) for name in sheet.columns}

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every sample."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """As stored in the files."""
        return self._dtype

    @property
    def obs(self) -> Mapping[str, np.ndarray]:
        """One column per column of the sheet."""
        return self._obs

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel names; empty where unknown."""
        return self._channels

    def __len__(self) -> int:
        return len(self.sheet)

    def image(self, index: int, column: str = "image") -> Image:
        """The image of one row as the file has it, all channels and planes; nothing is read."""
        return frame_of(self.sheet, index, self._images[column][index])

    def read(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Read some samples: ``(n, C, H, W)``, dtype as stored, in the order asked for.

        Raises
        ------
        InputError
            Naming the file, if it was damaged since, or holds NaN or infinite pixels.
        """
        wanted = np.arange(len(self))[np.asarray(indices, dtype=np.intp)]
        out = np.empty((len(wanted), *self._shape), self._dtype)
        if not len(wanted):
            return out
        # Rows of one stack are read together: the file is opened once, and neighbouring frames in one go.
        file = np.array([id(self._images["image"][i]) for i in wanted])
        order = np.argsort(file, kind="stable")
        jobs = np.split(order, np.flatnonzero(np.diff(file[order])) + 1)

        def fill(places: np.ndarray) -> None:
            pixels = [self._read_rows(wanted[places], column) for column in self._columns]
            stack = pixels[0] if len(pixels) == 1 else np.concatenate(pixels, axis=1)
            picks = None if self._picks is None else self._picks[wanted[places]]
            out[places] = stack if picks is None else stack[np.arange(len(stack))[:, None], picks]

        for _ in in_threads(fill, jobs) if len(jobs) > 1 else map(fill, jobs):
            pass
        return out

    def _read_rows(self, rows: np.ndarray, column: str) -> np.ndarray:
        """Rows whose images are of one file, ``(n, C, H, W)``."""
        image = self._images[column][rows[0]]
        same = all(self._images[column][row] is image for row in rows) and not self.sheet.has("window_px")
        if same and "T" in image.axes and "Z" not in image.axes and len(rows) > 1 and not self._size:
            frames = np.array([self.sheet.frame(int(row)) for row in rows])
            first, last = int(frames.min()), int(frames.max())
            if last - first < 4 * len(frames):  # else too much would be read that nobody asked for
                block = image.select(T=slice(first, last + 1)).read()
                pixels = block.reshape(len(block), -1, image.height, image.width)[frames - first]
                check_finite(pixels, image.source)
                return pixels
        found = []
        for row in rows:
            pixels = self._planes.read(self.image(int(row), column))
            check_finite(pixels, self._images[column][row].source)
            found.append(Resizing((self._size, self._size), self._aspect).pixels(pixels) if self._size else pixels)
        return np.stack(found)

    def _agree(
        self, channels: Channels
    ) -> tuple[tuple[int, int, int], np.dtype[Any], tuple[str, ...], np.ndarray | None]:
        """Shape and dtype that all rows share, channel names, and which channels of each row are meant."""
        first = self.image(0)
        for column in self._columns:
            model = self.image(0, column)
            shape = self._shape_of(0, model)
            for i in range(1, len(self)):
                self._compare(i, self.image(i, column), shape, model, channels)
            alike = self._size or (first.height, first.width) == (model.height, model.width)
            if not alike or first.dtype != model.dtype:
                raise InputError(
                    f"{self.sheet.where(0)}: the paired image {model.source} is {_facts(model, shape)}, the image "
                    f"{first.height} x {first.width} pixels of {first.dtype}; pair images of one size and dtype."
                )
        picks, counts, names = self._chosen(channels)
        odd = next((i for i, pick in enumerate(picks) if len(pick) != len(picks[0])), None)
        if odd is not None:
            raise InputError(
                f"{whose(self.sheet, odd, self.image(odd))} has {number_of(len(picks[odd]), 'channel')}, but the "
                f"first image {len(picks[0])}; leave it out, or choose the channels that all have."
            )
        height, width = (self._size, self._size) if self._size else (first.height, first.width)
        shape = (len(picks[0]), height, width)
        as_they_are = all(pick == tuple(range(count)) for pick, count in zip(picks, counts, strict=True))
        return shape, number_type(first.dtype), names, None if as_they_are else np.array(picks)

    def _chosen(self, channels: Channels) -> tuple[list[tuple[int, ...]], list[int], tuple[str, ...]]:
        """Which of how many channels of each row are meant, and their names; rows of one file share them."""
        found: dict[tuple[int, ...], tuple[tuple[int, ...], int]] = {}
        picks: list[tuple[int, ...]] = []
        counts: list[int] = []
        chosen: tuple[str, ...] = ()
        for i in range(len(self)):
            key = tuple(id(self._images[column][i]) for column in self._columns)
            if key not in found:
                images = [self.image(i, column) for column in self._columns]
                count = sum(self._planes.shape(image)[0] for image in images)
                names = tuple(name for image in images for name in self._planes.names(image))
                names = names if len(names) == count else ()  # they help only if every channel has one
                found[key] = channels.of(names, count, whose(self.sheet, i, images[0])), count
                chosen = chosen or tuple(names[at] for at in found[key][0] if names)
            picks.append(found[key][0])
            counts.append(found[key][1])
        return picks, counts, chosen

    def _compare(self, i: int, image: Image, shape: tuple[int, int, int], model: Image, channels: Channels) -> None:
        found = self._shape_of(i, image)
        # Where channels of the images alone are chosen, there may be others beside them.
        first = 1 if (channels.wanted is not None or channels.expected) and self._columns == ("image",) else 0
        if self._size:
            shape = (shape[0], *found[1:])
        if found[first:] == shape[first:] and image.dtype == model.dtype:
            return
        kind: type[InputError] = InputError
        if found[1:] == shape[1:] and image.dtype == model.dtype:
            remedy = "samples need the same channels: leave the image out, or choose the channels that all have"
        elif found != shape:
            remedy, kind = f"samples need one size: {_CROP_FIRST}, {_RESIZE}", SizesDiffer
        else:
            remedy = "samples need one dtype: convert the images alike, or make a sheet for each"
        raise kind(
            f"{whose(self.sheet, i, image)} is {_facts(image, found)}, but the first image "
            f"{_facts(model, shape)}; {remedy}."
        )

    def _shape_of(self, i: int, image: Image) -> tuple[int, int, int]:
        try:
            return self._planes.shape(image)
        except InputError as error:
            raise at_row(self.sheet, i, error) from None


def _facts(image: Image, shape: tuple[int, int, int]) -> str:
    return f"{number_of(shape[0], 'channel')} of {shape[1]} x {shape[2]} pixels, {image.dtype}"


def open_column(sheet: Sheet, column: str) -> list[Image]:
    """The image of each row; rows that name one series of one file share it."""
    texts = list(zip(sheet.column(column), (row.get("series", "") for row in sheet.rows), strict=True))
    first = {text: i for i, text in reversed(list(enumerate(texts)))}
    rows = sorted(first.values())
    opened = in_threads(lambda i: open_cell(sheet, i, column), rows)
    images = dict(zip((texts[i] for i in rows), track(opened, "Opening images", len(rows)), strict=True))
    return [images[text] for text in texts]
