"""Whatever holds images of equal shape, opened as samples: sheets, folders, files, arrays, lists of images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import ArraySamples, Image, InputError, Samples
from coverslip.samples.opening import opened_with
from coverslip.samples.opening.channels import Channels, as_expected
from coverslip.samples.opening.given import given
from coverslip.samples.opening.planes import Planes, as_numbers
from coverslip.samples.opening.resized import Aspect
from coverslip.samples.opening.sheet_samples import SheetSamples
from coverslip.samples.sheets.parts import divided
from coverslip.samples.sheets.rows import check_finite
from coverslip.samples.sheets.sheet import Sheet, read_sheet


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
