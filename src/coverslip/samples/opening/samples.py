"""Samples on disk: what methods learn from, read from the files row by row when it is asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import ArraySamples, Image, InputError, Samples, track
from coverslip.samples.opening.given import given
from coverslip.samples.opening.planes import Planes, as_numbers, number_type, pick_channels
from coverslip.samples.sheets.rows import at_row, check_finite, frame_of, in_threads, open_cell
from coverslip.samples.sheets.sheet import PATH_COLUMNS, Sheet, read_sheet

TEXT_COLUMNS = (*PATH_COLUMNS, "label", "group", "split", "plate", "well", "treatment")
"""Columns that name something: they stay text, also where every name is a number."""

_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d*)?(?:(?<=\d)\.\d*|\.\d+|(?<=\d))(?:[eE][+-]?\d+)?")
_CROP_FIRST = "make crops first with coverslip samples crop SHEET --size 64 --out crops"


def open_samples(
    source: Any,
    *,
    channels: Sequence[str | int] | None = None,
    planes: str | int = "channels",
    use_source: bool = False,
    pixel_size: float | str | None = None,
) -> Samples:
    """Open images of equal shape as samples; pixels are read when they are asked for.

    Parameters
    ----------
    source : Sheet, path, Image, ndarray, tensor, list of these or Samples
        A sheet or its CSV, a folder of images, one image (or its file), an array or tensor ``(N, C, H, W)`` or
        ``(N, H, W)``, a list of images, or samples, which come back as they are.
    channels : sequence of str or int, optional
        Which channels, by name or by number from 0, in this order; default: all.
    planes : str or int
        What becomes of focal planes: ``"channels"`` (each is a channel), ``"max"`` (projection),
        ``"sharpest"`` or ``"sharpest3"`` (the one or three of greatest mean gradient, as channels), or the number
        of a plane from 0.
    use_source : bool
        Append the channels of the paired image in the column ``source``.
    pixel_size : float or str, optional
        How large the pixels of images in files are, µm (or ``"0.5x0.25"``, height x width); default: what the column
        ``pixel_size`` or else the files say.

    Returns
    -------
    Samples
        With a column in `obs` for each of the sheet. A column of numbers (empty: NaN) becomes numbers, but what
        names something (``label``, ``well``, …) stays text.

    Raises
    ------
    InputError
        Naming the first row that is missing, cannot be read, or differs from the first in shape or dtype, with the
        remedy; or if rows name masks, since fields must be cropped first.
    """
    source = given(source)
    if isinstance(source, list):
        source = _stacked(source)
    if isinstance(source, np.ndarray):
        return _of_array(source, channels)
    if isinstance(source, Image):
        return _of_image(source, Planes.parse(planes), channels)
    if isinstance(source, str | Path):
        source = read_sheet(source)
    if isinstance(source, Sheet):
        source = source.with_pixel_size(pixel_size)
        return SheetSamples(source, channels=channels, planes=planes, use_source=use_source)
    return source


class SheetSamples:
    """The rows of a sheet as samples; see `open_samples`."""

    def __init__(
        self,
        sheet: Sheet,
        *,
        channels: Sequence[str | int] | None = None,
        planes: str | int = "channels",
        use_source: bool = False,
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
        self._planes = Planes.parse(planes)
        self._columns = ("image", "source") if use_source else ("image",)
        self._images = {column: open_column(sheet, column) for column in self._columns}
        self._shape, self._dtype, names = self._agree()
        self._pick = None if channels is None else pick_channels(names, self._shape[0], channels, sheet.name)
        if self._pick is not None:
            names = tuple(names[i] for i in self._pick) if names else ()
            self._shape = (len(self._pick), *self._shape[1:])
        self._channels = names
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
            out[places] = stack if self._pick is None else stack[:, self._pick]

        for _ in in_threads(fill, jobs) if len(jobs) > 1 else map(fill, jobs):
            pass
        return out

    def _read_rows(self, rows: np.ndarray, column: str) -> np.ndarray:
        """Rows whose images are of one file, ``(n, C, H, W)``."""
        image = self._images[column][rows[0]]
        same = all(self._images[column][row] is image for row in rows)
        if same and "T" in image.axes and "Z" not in image.axes and len(rows) > 1:
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
            found.append(pixels)
        return np.stack(found)

    def _agree(self) -> tuple[tuple[int, int, int], np.dtype[Any], tuple[str, ...]]:
        """Shape, dtype and channel names that all rows share."""
        count, names, first = 0, [], self.image(0)
        for column in self._columns:
            model = self.image(0, column)
            shape = self._shape_of(0, model)
            for i in range(1, len(self)):
                self._compare(i, self.image(i, column), shape, model)
            count += shape[0]
            names.append(self._planes.names(model))
            if (first.height, first.width, first.dtype) != (model.height, model.width, model.dtype):
                raise InputError(
                    f"{self.sheet.where(0)}: the paired image {model.source} is {_facts(model, shape)}, the image "
                    f"{first.height} x {first.width} pixels of {first.dtype}; pair images of one size and dtype."
                )
        # Names help only if every channel has one.
        named = tuple(name for part in names for name in part)
        return (count, first.height, first.width), number_type(first.dtype), named if len(named) == count else ()

    def _compare(self, i: int, image: Image, shape: tuple[int, int, int], model: Image) -> None:
        found = self._shape_of(i, image)
        if found == shape and image.dtype == model.dtype:
            return
        if found[0] != shape[0]:
            remedy = "samples need the same channels: leave the image out, or choose the channels that all have"
        elif found != shape:
            remedy = f"samples need one size: {_CROP_FIRST}"
        else:
            remedy = "samples need one dtype: convert the images alike, or make a sheet for each"
        raise InputError(
            f"{self.sheet.where(i)}: {image.source} is {_facts(image, found)}, but the first image "
            f"{_facts(model, shape)}; {remedy}."
        )

    def _shape_of(self, i: int, image: Image) -> tuple[int, int, int]:
        try:
            return self._planes.shape(image)
        except InputError as error:
            raise at_row(self.sheet, i, error) from None


def _facts(image: Image, shape: tuple[int, int, int]) -> str:
    return f"{shape[0]} channel(s) of {shape[1]} x {shape[2]} pixels, {image.dtype}"


def open_column(sheet: Sheet, column: str) -> list[Image]:
    """The image of each row; rows that name one file share it."""
    texts = sheet.column(column)
    first = {text: i for i, text in reversed(list(enumerate(texts)))}
    rows = sorted(first.values())
    opened = in_threads(lambda i: open_cell(sheet, i, column), rows)
    images = dict(zip((texts[i] for i in rows), track(opened, "Opening images", len(rows)), strict=True))
    return [images[text] for text in texts]


def typed_column(name: str, texts: list[str]) -> np.ndarray:
    """A column as numbers where all of it is, whole numbers where none is missing; else as text."""
    filled = [text for text in texts if text]
    if name in TEXT_COLUMNS or not filled or not all(_NUMBER.fullmatch(text) for text in filled):
        return np.array(texts)
    if len(filled) == len(texts) and all(text.lstrip("+-").isdecimal() and len(text) < 19 for text in texts):
        return np.array([int(text) for text in texts])
    return np.array([float(text) if text else np.nan for text in texts])


def _stacked(images: Sequence[Image]) -> np.ndarray:
    """Images in memory as one array."""
    first = images[0]
    for image in images:
        if (image.axes, image.shape, image.dtype) != (first.axes, first.shape, first.dtype):
            raise InputError(
                f"{image.source} is {image.shape} {image.dtype}, but {first.source} {first.shape} {first.dtype}; give "
                "samples of one size and one dtype."
            )
    return np.stack([image.read() for image in images])


def _of_array(array: np.ndarray, channels: Sequence[str | int] | None) -> Samples:
    check_finite(array, "The array")
    samples = ArraySamples(as_numbers(array))
    if channels is None:
        return samples
    pick = pick_channels((), samples.shape[0], channels, "The array")
    return ArraySamples(samples.read(np.arange(len(samples)))[:, pick])


def _of_image(image: Image, planes: Planes, channels: Sequence[str | int] | None) -> Samples:
    """One image as one sample."""
    names, count = planes.names(image), planes.shape(image)[0]
    pick = list(range(count)) if channels is None else pick_channels(names, count, channels, image.source)
    pixels = planes.read(image)[None, pick]
    check_finite(pixels, image.source)
    return ArraySamples(pixels, {"image": [image.source]}, tuple(names[i] for i in pick) if names else ())
