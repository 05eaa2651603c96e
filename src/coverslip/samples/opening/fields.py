"""Fields on disk: whole images of any size with their masks, read region by region when asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Fields, Image, InputError, NoDataRule, Region, nodata_rule
from coverslip.core.words import number_of
from coverslip.samples.opening.channels import Channels, as_expected
from coverslip.samples.opening.columns import typed_column
from coverslip.samples.opening.focus import sharpest_planes
from coverslip.samples.opening.given import given
from coverslip.samples.opening.grey import GREY, as_grey
from coverslip.samples.opening.planes import Planes, as_numbers, number_type
from coverslip.samples.opening.sheet_samples import open_column
from coverslip.samples.sheets.parts import divided
from coverslip.samples.sheets.rows import at_row, check_finite, frame_of, read_mask, whose, with_unsaid
from coverslip.samples.sheets.sheet import Sheet, read_sheet

_KEPT = 64 << 20
"""Bytes of the fields last read whole that are kept: who scales a field by all of it reads it again, part by part."""


def open_fields(
    source: Any,
    *,
    channels: Sequence[str | int] | None = None,
    planes: str | int = "channels",
    use_source: bool = False,
    expected: Sequence[str] = (),
    series: int | str | None = None,
    frames: str | None = None,
    nodata: NoDataRule = "auto",
    pixel_size: float | str | None = None,
) -> Fields:
    """Open whole images as fields; pixels are read when they are asked for.

    Parameters
    ----------
    source : Sheet, path, Image, ndarray, tensor, list of these or Fields
        A sheet or its CSV (with a column ``mask`` to train on), a folder of images, one image (or its file), an
        array or tensor ``(C, H, W)`` or ``(H, W)``, a list of images, or fields, which come back as they are.
    channels : sequence of str or int, optional
        Which channels, by name or by number from 0, in this order; default: all. Names are looked for in every image,
        and numbers count in the order of the first image where others have the same names in another one. ``"grey"``
        alone makes one of all channels, so that pictures in colours and grey ones can be mixed.
    planes : str or int
        What becomes of focal planes, as in `open_samples`.
    use_source : bool
        Append the channels of the paired image in the column ``source``.
    expected : sequence of str
        Names of the channels that a model was fitted to: of images that name theirs these are taken, in this order.
    series, frames : optional
        Which images of files that hold several, as for `read_sheet`; default: all of them.
    nodata : float or {"auto", "none"}
        Which pixels hold no image: areas of this grey value, areas of one value at the edge that look like what
        stitching or rotation left (``"auto"``), or none. They are left out of statistics and hold no objects.
    pixel_size : float or str, optional
        How large the pixels of images in files are, µm (or ``"0.5x0.25"``, height x width); default: what the column
        ``pixel_size`` or else the files say.

    Returns
    -------
    Fields
        Of any sizes and dtypes, but of one number of channels.

    Raises
    ------
    InputError
        Naming the first row that is missing, cannot be read or has other channels than the first.
    """
    how: dict[str, Any] = {"channels": channels, "planes": planes, "expected": expected, "nodata": nodata}
    source = given(source)
    if isinstance(source, Image | np.ndarray):
        source = [source if isinstance(source, Image) else Image.from_array(source)]
    if isinstance(source, list):
        sheet = Sheet(Path(), ("image",), [{"image": image.source} for image in source])
        return SheetFields(sheet, {"image": source}, **how)
    if isinstance(source, str | Path):
        source = read_sheet(source, series=series, frames=frames)
    elif isinstance(source, Sheet) and (series, frames) != (None, None):
        source = divided(source, series, frames)
    if not isinstance(source, Sheet):
        as_expected(source.channels, expected)
        return source
    source = source.with_pixel_size(pixel_size)
    if not len(source):
        raise InputError(f"{source.name} has no rows; add a row for each image.")
    if use_source and not source.has("source"):
        raise InputError(f"{source.name} names no paired images; fill its column 'source' or leave use_source out.")
    columns = ("image", "source") if use_source else ("image",)
    images = {column: open_column(source, column) for column in columns}
    return SheetFields(with_unsaid(source, images["image"]), images, **how)


class SheetFields:
    """The rows of a sheet as fields; see `open_fields`."""

    def __init__(
        self,
        sheet: Sheet,
        images: Mapping[str, Sequence[Image]],
        *,
        channels: Sequence[str | int] | None = None,
        planes: str | int = "channels",
        expected: Sequence[str] = (),
        nodata: NoDataRule = "auto",
    ) -> None:
        self.sheet = sheet
        self.nodata = nodata_rule(nodata)
        self._images = images
        self._planes = Planes.parse(planes)
        self._dtype = number_type(self.image(0).dtype)
        self._grey = list(channels or ()) == [GREY]
        # Of each field, which of its channels are meant, and what it calls them.
        self._picks, self._names = self._agree(Channels(channels, expected))
        self._count = len(self._picks[0])
        self._channels = next((names for names in self._names if names), ())
        self._obs = {name: typed_column(name, sheet.column(name)) for name in sheet.columns}
        # One field at a time is searched for its sharpest planes, then read window by window.
        self._sharpest = lru_cache(maxsize=4)(self._find_sharpest)
        self._recent: tuple[tuple[int, np.ndarray], ...] = ()

    @property
    def dtype(self) -> np.dtype[Any]:
        """As stored in the first file; others may differ, for each field is scaled by itself."""
        return self._dtype

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel names, those of the first field that has any; empty where unknown."""
        return self._channels

    def channels_of(self, index: int) -> tuple[str, ...]:
        """What a field itself calls its channels; empty where unknown."""
        return self._names[index]

    @property
    def count(self) -> int:
        """How many channels every field has."""
        return self._count

    @property
    def obs(self) -> Mapping[str, np.ndarray]:
        """One column per column of the sheet."""
        return self._obs

    @property
    def has_labels(self) -> bool:
        """Whether the sheet names masks."""
        return self.sheet.has("mask")

    def __len__(self) -> int:
        return len(self.sheet)

    def name(self, index: int) -> str:
        """The path of a field's image, with the part of the file that is meant."""
        return f"{self._images['image'][index].source} {self.sheet.part(index)}".rstrip()

    def image(self, index: int, column: str = "image") -> Image:
        """The image as the file has it, all channels and planes; nothing is read."""
        return frame_of(self.sheet, index, self._images[column][index])

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of a field."""
        image = self.image(index)
        return image.height, image.width

    def pixels(self, index: int, region: Region | None = None) -> np.ndarray:
        """Read a field, or a region of it: ``(C, H, W)``, dtype as stored.

        Raises
        ------
        InputError
            Naming the file, if it is damaged, or holds NaN or infinite pixels.
        """
        whole = next((pixels for row, pixels in self._recent if row == index), None)
        if whole is None:
            pixels = self._read(index, region)
            if region is not None or pixels.nbytes > _KEPT:
                return pixels
            whole = pixels
            held = np.cumsum([pixels.nbytes, *(other.nbytes for _, other in self._recent)])
            # Replaced, never changed: several threads read.
            self._recent = ((index, whole), *self._recent)[: int((held <= _KEPT).sum())]
        kept = Image.from_array(whole, "CYX", source=self.image(index).source)
        return (kept if region is None else kept.crop(region)).read().copy()

    def _read(self, index: int, region: Region | None) -> np.ndarray:
        parts = []
        for column in self._images:
            image = self.image(index, column)
            if self._planes.rule == "sharpest" and "Z" in image.axes:
                stack = (image if region is None else image.crop(region)).read()
                stack = stack.reshape(-1, *stack.shape[-3:])
                parts.append(as_numbers(stack[:, self._sharpest(index, column)].reshape(-1, *stack.shape[-2:])))
            else:
                parts.append(self._planes.read(image if region is None else image.crop(region)))
            check_finite(parts[-1], image.source)
        stacked = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if self._grey:
            return as_grey(stacked, self._names_in(index))
        pick = self._picks[index]
        return stacked if pick == tuple(range(len(stacked))) else stacked[list(pick)]

    def labels(self, index: int) -> np.ndarray:
        """Read the mask of a field: ``(H, W)`` integers, 0 is background.

        Raises
        ------
        InputError
            Naming the row, if there is no mask, or it is no label image of the field's size.
        """
        return read_mask(self.sheet, index, self.size(index))

    def _find_sharpest(self, index: int, column: str) -> Any:
        image = self.image(index, column)
        pixels = image.read()
        return sharpest_planes(pixels.reshape(-1, *pixels.shape[-3:]), self._planes.number, image.source)

    def _agree(self, channels: Channels) -> tuple[list[tuple[int, ...]], list[tuple[str, ...]]]:
        """Which channels of each field are meant, the same number of each, and their names."""
        picks: list[tuple[int, ...]] = []
        names: list[tuple[str, ...]] = []
        first = [0]
        for i in range(len(self.sheet)):
            field, counts = self.image(i), []
            named: list[str] = []
            for column in self._images:
                image = self.image(i, column)
                if (image.height, image.width) != (field.height, field.width):
                    raise InputError(
                        f"{self.sheet.where(i)}: the paired image {image.source} has {image.height} x {image.width} "
                        f"pixels, the image {field.height} x {field.width}; pair images of one size."
                    )
                counts.append(self._count_of(i, image))
                named += self._planes.names(image)
            if self._grey:
                picks.append((0,))
                names.append((GREY,))
                continue
            # Names help only if every channel has one.
            known = tuple(named) if len(named) == sum(counts) else ()
            pick = channels.of(known, sum(counts), whose(self.sheet, i, field))
            first = first if picks else counts
            if picks and len(pick) != len(picks[0]):
                odd = next((n for n, (mine, usual) in enumerate(zip(counts, first, strict=True)) if mine != usual), 0)
                raise InputError(
                    f"{self.sheet.where(i)}: {self.image(i, [*self._images][odd]).source} has "
                    f"{number_of(counts[odd], 'channel')}, but the first image {first[odd]}; leave it out, or choose "
                    "the channels that all have."
                )
            picks.append(pick)
            names.append(tuple(known[at] for at in pick) if known else ())
        return picks, names

    def _names_in(self, index: int) -> tuple[str, ...]:
        """What a field's file calls its channels, all of them."""
        return tuple(name for column in self._images for name in self._planes.names(self.image(index, column)))

    def _count_of(self, index: int, image: Image) -> int:
        try:
            return self._planes.shape(image)[0]
        except InputError as error:
            raise at_row(self.sheet, index, error) from None
