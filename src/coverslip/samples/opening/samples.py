"""Samples on disk: what methods learn from, read from the files row by row when it is asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import ArraySamples, Image, InputError, Samples, track
from coverslip.core.words import number_of
from coverslip.samples.opening import opened_with
from coverslip.samples.opening.channels import Channels, as_expected
from coverslip.samples.opening.given import given
from coverslip.samples.opening.planes import Planes, as_numbers, number_type
from coverslip.samples.opening.resized import Aspect, Resizing, SizesDiffer
from coverslip.samples.sheets.parts import divided
from coverslip.samples.sheets.rows import at_row, check_finite, frame_of, in_threads, open_cell, whose, with_unsaid
from coverslip.samples.sheets.sheet import PATH_COLUMNS, Sheet, read_sheet

TEXT_COLUMNS = (*PATH_COLUMNS, "label", "group", "split", "plate", "well", "treatment")
"""Columns that name something: they stay text, also where every name is a number."""

_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d*)?(?:(?<=\d)\.\d*|\.\d+|(?<=\d))(?:[eE][+-]?\d+)?")
_CROP_FIRST = "make crops first with coverslip samples crop SHEET --size 64 --out crops"
_RESIZE = "or bring what is crops already to one size with coverslip samples resize SHEET --to 64 --out resized"


def open_samples(
    source: Any,
    *,
    channels: Sequence[str | int] | None = None,
    planes: str | int = "channels",
    use_source: bool = False,
    expected: Sequence[str] = (),
    series: int | str | None = None,
    frames: str | None = None,
    pixel_size: float | str | None = None,
    size: int = 0,
    aspect: Aspect = "pad",
    joined: int = 0,
) -> Samples:
    """Open images of equal shape as samples; pixels are read when they are asked for.

    Parameters
    ----------
    source : Sheet, path, Image, ndarray, tensor, list of these or Samples
        A sheet or its CSV, a folder of images, one image (or its file), an array or tensor ``(N, C, H, W)`` or
        ``(N, H, W)``, a list of images, or samples, which come back as they are.
    channels : sequence of str or int, optional
        Which channels, by name or by number from 0, in this order; default: all. Names are looked for in every image,
        and numbers count in the order of the first image where others have the same names in another one.
    planes : str or int
        What becomes of focal planes: ``"channels"`` (each is a channel), ``"max"`` (projection),
        ``"sharpest"`` or ``"sharpest3"`` (the one or three of greatest mean gradient, as channels), or the number
        of a plane from 0.
    use_source : bool
        Append the channels of the paired image in the column ``source``.
    expected : sequence of str
        Names of the channels that a model was fitted to: of images that name theirs these are taken, in this order.
    series, frames : optional
        Which images of files that hold several, as for `read_sheet`; default: all of them.
    pixel_size : float or str, optional
        How large the pixels of images in files are, µm (or ``"0.5x0.25"``, height x width); default: what the column
        ``pixel_size`` or else the files say.
    size : int
        Of files: bring every image, which may be of any size, to this height and width; 0: they must be equal.
    aspect : {"pad", "stretch", "same"}
        How; see `coverslip.samples.opening.resized.Resizing`.
    joined : int
        Open them as `join_samples` does, with so many channels, as one of several domains; 0: as stored.

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
    how: dict[str, Any]
    if joined and not opened_with(source).get("joined"):
        from coverslip.samples.opening.joined import join_samples

        how = {"use_source": use_source, "expected": expected, "series": series, "frames": frames}
        how |= {"channels": channels, "planes": planes, "pixel_size": pixel_size}
        return join_samples([source], size=size, aspect=aspect, count=joined, **how)
    if isinstance(source, list):
        source = _stacked(source)
    if isinstance(source, np.ndarray):
        return _of_array(source, channels)
    if isinstance(source, Image):
        return _of_image(source, Planes.parse(planes), Channels(channels, expected))
    if isinstance(source, str | Path):
        source = read_sheet(source, series=series, frames=frames)
    elif isinstance(source, Sheet) and (series, frames) != (None, None):
        source = divided(source, series, frames)
    if isinstance(source, Sheet):
        source = source.with_pixel_size(pixel_size)
        how = {"use_source": use_source, "expected": expected, "size": size, "aspect": aspect}
        return SheetSamples(source, channels=channels, planes=planes, **how)
    as_expected(source.channels, expected)
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


_TRUTHS = ("touches_border", "truncated")


def typed_column(name: str, texts: list[str]) -> np.ndarray:
    """A column as numbers where all of it is, whole numbers where none is missing; else as text.

    What says of each object whether something is so becomes true and false.
    """
    filled = [text for text in texts if text]
    if name in _TRUTHS and len(filled) == len(texts) and {*texts} <= {"0", "1"}:
        return np.array([text == "1" for text in texts])
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
    pick = list(Channels(channels).of((), samples.shape[0], "The array"))
    return ArraySamples(samples.read(np.arange(len(samples)))[:, pick])


def _of_image(image: Image, planes: Planes, channels: Channels) -> Samples:
    """One image as one sample."""
    names = planes.names(image)
    pick = list(channels.of(names, planes.shape(image)[0], image.source))
    pixels = planes.read(image)[None, pick]
    check_finite(pixels, image.source)
    return ArraySamples(pixels, {"image": [image.source]}, tuple(names[i] for i in pick) if names else ())
