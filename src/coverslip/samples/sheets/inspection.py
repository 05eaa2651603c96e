"""Look at one file of a sheet: can it be read, and are its pixels worth learning from?"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from coverslip.core import CoverslipError, Image, InputError, Region
from coverslip.samples.sheets.instances import doubts_about
from coverslip.samples.sheets.problems import Problem
from coverslip.samples.sheets.rows import frame_of, open_cell, read_mask
from coverslip.samples.sheets.sheet import Sheet

LARGEST = 1 << 30
"""Images above this many bytes are judged by a grid of windows."""

SATURATED = 0.01
"""The share of pixels at the highest value above which an image is called saturated."""

FULL = tuple(2**bits - 1 for bits in (8, 10, 12, 14, 16))
"""The highest values that cameras give, also where the pixels are stored in 16 bits."""

_WINDOW = 512
_GRID = 4


@dataclass(frozen=True)
class FileFacts:
    """What is known of one image file.

    Parameters
    ----------
    source : str
        The file.
    image : Image or None
        As opened (all frames); None where it cannot be.
    digest : str
        Identifies the pixels; empty where they were not read or hold nothing to compare.
    problems : tuple of Problem
        What is wrong with it.
    """

    source: str
    image: Image | None = None
    digest: str = ""
    problems: tuple[Problem, ...] = ()

    @property
    def axes(self) -> str:
        """Axes of one sample: without the frames of a stack."""
        return self.image.axes.replace("T", "") if self.image else ""

    @property
    def shape(self) -> str:
        """Shape of one sample, as text."""
        if self.image is None:
            return ""
        return " x ".join(str(n) for axis, n in self.image.sizes.items() if axis != "T")

    @property
    def size(self) -> str:
        """Rows and columns, as text."""
        return f"{self.image.height} x {self.image.width}" if self.image else ""

    @property
    def channels(self) -> str:
        """Number of channels, as text."""
        return str(self.image.sizes.get("C", 1)) if self.image else ""

    @property
    def dtype(self) -> str:
        """Of the pixels as stored."""
        return str(self.image.dtype) if self.image else ""

    @property
    def pixel_size(self) -> str:
        """µm per pixel, as text."""
        if self.image is None or self.image.pixel_size is None:
            return "unknown"
        return f"{self.image.pixel_size.y:.4g} x {self.image.pixel_size.x:.4g} µm"


def inspect_image(sheet: Sheet, rows: list[int], column: str, deep: bool) -> FileFacts:
    """Open the file that `rows` name in `column`, and with `deep` read it."""
    source = str(sheet.file(rows[0], column))
    try:
        image = open_cell(sheet, rows[0], column)
    except CoverslipError as error:
        # The message names the row already.
        return FileFacts(source, problems=(_raised(sheet, rows[0], "unreadable", error, named=True),))
    problems: list[Problem] = []
    for i in rows:
        try:
            frame_of(sheet, i, image)
        except InputError as error:
            problems.append(_raised(sheet, i, "frame", error, named=True))
        if sheet.frame_text(i) == "" and "T" in image.axes:
            text = (
                f"{source} is a movie of {image.sizes['T']} frames (axes '{image.axes}'); make rows of them with "
                "coverslip samples make --frames all (or every=5), or name them in a column 'frame' (from 0)."
            )
            problems.append(Problem.at(sheet, i, "wrong axes", text))
    digest = ""
    if deep:
        try:
            pixels = _pixels(image)
        except (CoverslipError, MemoryError, OSError) as error:
            return FileFacts(source, problems=(*problems, _raised(sheet, rows[0], "unreadable", error)))
        by_frame = pixels.reshape(image.sizes.get("T", 1), -1) if image.axes.startswith("T") else pixels.reshape(1, -1)
        problems += _judge(sheet, rows, source, by_frame, colour=image.shape[0] == 3 and image.dtype == np.uint8)
        if (by_frame[:, :1] != by_frame).any():
            digest = hashlib.blake2b(np.ascontiguousarray(pixels).data, digest_size=16).hexdigest() + str(pixels.shape)
    return FileFacts(source, image, digest, tuple(problems))


def inspect_mask(sheet: Sheet, i: int, image: Image | None, deep: bool) -> list[Problem]:
    """Problems of the mask of a row whose image opened."""
    from coverslip.io import read_labels
    from coverslip.io.listing import CELLPOSE, is_outlines

    file = sheet.file(i, "mask")
    if image is not None and file is not None and (is_outlines(file) or file.name.lower().endswith(CELLPOSE)):
        try:
            return _judge_mask(sheet, i, read_mask(sheet, i, (image.height, image.width)), str(file))
        except CoverslipError as error:
            return [_raised(sheet, i, "mask", error, named=True)]
    try:
        mask = open_cell(sheet, i, "mask")
    except CoverslipError as error:
        return [_raised(sheet, i, "mask", error, named=True)]
    if image is None:
        return []
    if (mask.height, mask.width) != (image.height, image.width):
        text = (
            f"the mask {mask.source} has {mask.height} x {mask.width} pixels, its image "
            f"{image.height} x {image.width}; give the mask of this image."
        )
        return [Problem.at(sheet, i, "mask shape", text)]
    if not deep:
        return []
    try:
        labels = read_labels(mask.source).labels
    except CoverslipError as error:
        return [_raised(sheet, i, "mask", error)]
    return _judge_mask(sheet, i, labels, mask.source)


def _judge_mask(sheet: Sheet, i: int, labels: np.ndarray, source: str) -> list[Problem]:
    if not labels.any():
        text = f"the mask {source} holds no object, so that nothing will be cropped here; is that so?"
        return [Problem.at(sheet, i, "empty mask", text, "warning")]
    return [Problem.at(sheet, i, "no instances", text, "warning") for text in doubts_about(labels, source)]


def _judge(sheet: Sheet, rows: list[int], source: str, by_frame: np.ndarray, colour: bool) -> list[Problem]:
    """Problems of the frames that rows mean; `by_frame` is ``(frames, pixels)``."""
    bad = np.zeros(len(by_frame), int)
    if by_frame.dtype.kind == "f":
        bad = (~np.isfinite(by_frame)).sum(axis=1)
    constant = (by_frame == by_frame[:, :1]).all(axis=1)
    top = by_frame.max(axis=1)
    full = (by_frame == top[:, None]).mean(axis=1)
    # White paper and glass are saturated in every colour picture, and on purpose.
    saturated = np.isin(top, FULL) & (full > SATURATED) & (by_frame.dtype.kind in "ui") & (not colour)
    problems = []
    for i in rows:
        text = sheet.frame_text(i)
        frame = int(text) if text.isdecimal() else 0
        if frame >= len(by_frame):
            continue
        name = f"{source}, frame {frame}," if len(by_frame) > 1 else source
        if bad[frame]:
            sentence = f"{name} has {bad[frame]} pixels that are NaN or infinite; mend them, or leave the image out."
            problems.append(Problem.at(sheet, i, "NaN or infinite", sentence))
        elif constant[frame]:
            sentence = f"{name} has the value {by_frame[frame, 0]} everywhere; leave it out, or export it again."
            problems.append(Problem.at(sheet, i, "constant image", sentence))
        elif saturated[frame]:
            sentence = (
                f"{name} has {100 * full[frame]:.1f} % of its pixels at the highest value, {top[frame]}; what is "
                "saturated is lost: expose less, if you can."
            )
            problems.append(Problem.at(sheet, i, "saturated", sentence, "warning"))
    return problems


def _pixels(image: Image) -> np.ndarray:
    """The pixels, or of a huge image a grid of windows of them, frames first."""
    if image.nbytes <= LARGEST:
        return image.read()
    height, width = min(_WINDOW, image.height), min(_WINDOW, image.width)
    corners = [
        (int(y), int(x))
        for y in np.linspace(0, image.height - height, _GRID)
        for x in np.linspace(0, image.width - width, _GRID)
    ]
    return np.concatenate([image.crop(Region(y, x, height, width)).read() for y, x in corners], axis=-1)


def _raised(sheet: Sheet, i: int, kind: str, error: BaseException, named: bool = False) -> Problem:
    text = str(error) or f"{sheet.file(i)} does not fit into memory; give smaller images."
    if named:
        return Problem("error", kind, text, sheet.numbers[i] if sheet.path else None)
    return Problem.at(sheet, i, kind, text)
