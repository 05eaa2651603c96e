"""Nikon, Leica and Zeiss files, by the libraries of the extra ``vendors``.

The file is opened anew for each window, because none of the three libraries may be shared between threads or processes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Image, InputError, MissingExtra, Window
from coverslip.io.images.axes import Arrangement, arrange
from coverslip.io.images.calibration import Sizes, calibrated
from coverslip.io.images.inventory import Inventory, Series, named_beside
from coverslip.io.images.units import micrometres
from coverslip.io.reasons import reason


@dataclass(frozen=True)
class _Facts:
    """What a vendor file says of one of its images; `said` and `zoom` as for `calibrated`."""

    axes: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    said: Sizes
    channels: tuple[str, ...]
    zoom: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True)
class _Format:
    module: str
    inventory: Callable[[Any, str], Inventory]
    describe: Callable[[Any, str, int, int], _Facts]
    read: Callable[[Any, str, int, int, Window], np.ndarray]
    python: tuple[int, int] = (3, 11)


class VendorReader:
    """Reads windows of a vendor file. It can be pickled and used by several threads."""

    def __init__(self, path: str, series: int, level: int, arrangement: Arrangement) -> None:
        self.path, self.series, self.level, self.arrangement = path, series, level, arrangement

    def __call__(self, window: Window) -> np.ndarray:
        """Read one window."""
        kind = _format(Path(self.path))
        stored = self.arrangement.stored_window(window)
        pixels = _run(self.path, kind.read, _library(self.path, kind), self.path, self.series, self.level, stored)
        pixels = np.asarray(pixels).reshape(tuple(s.stop - s.start for s in stored))
        return np.ascontiguousarray(self.arrangement.arrange(pixels))


def open_vendor(path: Path, axes: str | None, series: int | str | None, level: int) -> Image:
    """Open one image of a vendor file.

    Raises
    ------
    MissingExtra
        If the library for it is not installed.
    """
    name = str(path)
    kind = _format(path)
    inventory = inventory_of_vendor(path)
    index = inventory.find(name, series)
    facts: _Facts = _run(name, kind.describe, _library(name, kind), name, index, level)
    arrangement = arrange(name, facts.axes, facts.shape, axes)
    count = dict(zip(arrangement.axes, arrangement.shape, strict=True)).get("C", 1)
    return Image(
        arrangement.axes,
        arrangement.shape,
        facts.dtype,
        name,
        VendorReader(name, index, level, arrangement),
        calibrated(facts.said, arrangement.axes, facts.zoom),
        facts.channels if len(facts.channels) == count and all(facts.channels) else (),
        {"format": path.suffix.lower()[1:], "index": index, "images": len(inventory.images)},
    )


def inventory_of_vendor(path: Path) -> Inventory:
    """Which images a vendor file holds: positions of a Nikon, entries of a Leica, scenes of a Zeiss file."""
    kind = _format(path)
    found: Inventory = _run(str(path), kind.inventory, _library(str(path), kind), str(path))
    return found


def _format(path: Path) -> _Format:
    return _FORMATS[path.suffix.lower()]


def _library(path: str, kind: _Format) -> Any:
    try:
        return import_module(kind.module)
    except ImportError as error:
        raise MissingExtra(
            f"{path} needs the package '{kind.module}', which is not installed; {_remedy(kind)}."
        ) from error


def _remedy(kind: _Format) -> str:
    """How to get the library, in words."""
    if sys.version_info < kind.python:
        return (
            f"it needs Python {'.'.join(map(str, kind.python))} or newer: install Coverslip there with "
            "pip install 'coverslip[vendors]', or export the image as OME-TIFF from the program of the microscope"
        )
    return "install it with pip install 'coverslip[vendors]'"


def _run(path: str, task: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return task(*arguments)
    except InputError:
        raise
    except Exception as error:  # each library raises its own kinds
        raise InputError(f"{path} cannot be read ({reason(error)}); copy it again from the microscope.") from error


def _choose(path: str, what: str, index: int, count: int) -> None:
    if not 0 <= index < count:
        raise InputError(f"{path} has no {what} {index}: it has {count}, counted from 0.")


def _no_levels(path: str, level: int) -> None:
    if level:
        raise InputError(f"{path} has no level {level}: it has 1, counted from 0.")


# -- Nikon: nd2.ND2File(path) gives .sizes ({"T": 3, "P": 4, "Z": 5, "C": 2, "Y": …, "X": …, "S": 3}), .voxel_size() in
# µm (1 along an axis that is not calibrated, which .metadata says) and .read_frame(n): all channels of one point of the
# loops, which are counted in the order of .sizes. Stage positions (P) are the series; .experiment lists the loops, and
# that of positions has .parameters.points with names.


def _nd2_inventory(nd2: Any, path: str) -> Inventory:
    with nd2.ND2File(path) as file:
        count = dict(file.sizes).get("P", 1)
        loops = [loop for loop in getattr(file, "experiment", None) or () if loop.type == "XYPosLoop"]
        names = [str(point.name or "") for loop in loops for point in loop.parameters.points]
    return Inventory(tuple(Series(i, names[i] if len(names) == count else "") for i in range(count)))


def _nd2_describe(nd2: Any, path: str, series: int, level: int) -> _Facts:
    _no_levels(path, level)
    with nd2.ND2File(path) as file:
        sizes = dict(file.sizes)
        _choose(path, "series", series, sizes.pop("P", 1))
        # Very old files give their metadata as a mapping without channels.
        channels = getattr(file.metadata, "channels", None) or []
        known = channels[0].volume.axesCalibrated if channels else (True, True, True)
        size = {a: n if k and n > 0 else None for a, n, k in zip("XYZ", file.voxel_size(), known, strict=True)}
        names = tuple(str(c.channel.name) for c in channels)
        return _Facts("".join(sizes), tuple(sizes.values()), np.dtype(file.dtype), size, names)


def _nd2_read(nd2: Any, path: str, series: int, level: int, window: Window) -> np.ndarray:
    with nd2.ND2File(path) as file:
        sizes = dict(file.sizes)
        loops = [a for a in sizes if a not in "CYXS"]
        frame_axes = [a for a in sizes if a in "CYXS"]
        wanted = dict(zip((a for a in sizes if a != "P"), window, strict=True))
        steps = [range(series, series + 1) if a == "P" else range(wanted[a].start, wanted[a].stop) for a in loops]
        lengths = tuple(sizes[a] for a in loops)
        frames = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, len(loops)) if loops else [()]
        part = tuple(wanted[a] for a in frame_axes)
        shape = tuple(sizes[a] for a in frame_axes)
        read = [
            np.asarray(file.read_frame(int(np.ravel_multi_index(tuple(i), lengths)) if loops else 0)).reshape(shape)[
                part
            ]
            for i in frames
        ]
        return np.stack(read)


# -- Leica: liffile.LifFile(path).images is a sequence whose items have .sizes (by letter), .dtype, .xml_element and
# .asarray(); out="memmap" maps the pixels of a file where they lie in one piece. Some entries are no images: line
# scans, single points, tables of other instruments.


def _lif_inventory(liffile: Any, path: str) -> Inventory:
    with liffile.LifFile(path) as file:
        images = list(file.images)
        names = [str(getattr(image, "name", "") or "") for image in images]
        if len(set(names)) < len(names):  # the same in several folders
            names = [str(getattr(image, "path", "") or name) for image, name in zip(images, names, strict=True)]
        found = [
            Series(i, name, named_beside(name) or _lif_beside(image))
            for i, (image, name) in enumerate(zip(images, names, strict=True))
        ]
    return Inventory(tuple(found) or (Series(0),))


def _lif_beside(image: Any) -> str:
    sizes = dict(image.sizes)
    return "" if min(sizes.get("Y", 0), sizes.get("X", 0)) > 1 else "no image"


def _lif_describe(liffile: Any, path: str, series: int, level: int) -> _Facts:
    _no_levels(path, level)
    with liffile.LifFile(path) as file:
        _choose(path, "series", series, len(file.images))
        image = file.images[series]
        sizes = dict(image.sizes)
        letters = "".join(a if len(a) == 1 else "?" for a in sizes)
        described = image.xml_element.find("./Data/Image/ImageDescription")
        return _Facts(
            letters,
            tuple(sizes.values()),
            np.dtype(image.dtype).newbyteorder("="),
            {} if described is None else _lif_sizes(described),
            () if described is None else _lif_channels(described),
        )


def _lif_sizes(described: Any) -> Sizes:
    said = {}
    for dimension in described.iterfind("./Dimensions/DimensionDescription"):
        # From the middle of the first pixel to that of the last.
        steps = int(dimension.get("NumberOfElements", 1)) - 1
        axis = {"1": "X", "2": "Y", "3": "Z"}.get(dimension.get("DimID"))
        if axis and steps > 0:
            said[axis] = micrometres(abs(float(dimension.get("Length", 0))) / steps, dimension.get("Unit", ""))
    return said


def _lif_channels(described: Any) -> tuple[str, ...]:
    """The dyes, where each channel has one; else the colours they are shown in, where these tell them apart."""
    channels = sorted(
        described.iterfind("./Channels/ChannelDescription"),
        key=lambda c: int(c.get("BytesInc") or c.get("BitInc") or 0),
    )
    dyes = tuple(
        next((p.findtext("Value") or "" for p in c.iterfind("ChannelProperty") if p.findtext("Key") == "DyeName"), "")
        for c in channels
    )
    colours = tuple(c.get("LUTName", "") for c in channels)
    return dyes if all(dyes) else colours if len(set(colours)) == len(colours) else ()


def _lif_read(liffile: Any, path: str, series: int, level: int, window: Window) -> np.ndarray:
    with liffile.LifFile(path) as file:
        part = file.images[series].asarray(out="memmap")[window]
        return np.array(part, dtype=part.dtype.newbyteorder("="))


# -- Zeiss: czifile.CziFile(path).scenes maps scene numbers to images with .dims, .shape, .start, .dtype, .levels and
# .bbox (x, y, width, height); image(C=slice(…), roi=(x, y, width, height)).asarray() reads a part.
# Positions are absolute. The metadata name the scenes.


def _czi_inventory(czifile: Any, path: str) -> Inventory:
    from xml.etree import ElementTree

    with czifile.CziFile(path) as file:
        numbers = list(_czi_scenes(file, path))
        scenes = ElementTree.fromstring(file.metadata()).iterfind(".//Dimensions/S/Scenes/Scene")
        names = {scene.get("Index"): scene.get("Name") or "" for scene in scenes}
    return Inventory(tuple(Series(i, names.get(str(number), "")) for i, number in enumerate(numbers)) or (Series(0),))


def _czi_describe(czifile: Any, path: str, series: int, level: int) -> _Facts:
    from xml.etree import ElementTree

    with czifile.CziFile(path) as file:
        image = _czi_image(file, path, series, level)
        xml = ElementTree.fromstring(file.metadata())
        distances = xml.iterfind(".//Scaling/Items/Distance")
        said = {d.get("Id", ""): micrometres(d.findtext("Value"), "m") for d in distances}
        shrunk = _czi_image(file, path, series, 0).sizes["X"] / image.sizes["X"]
        names = tuple(c.get("Name") or "" for c in xml.iterfind(".//Information/Image/Dimensions/Channels/Channel"))
        return _Facts("".join(image.dims), tuple(image.shape), np.dtype(image.dtype), said, names, (shrunk, shrunk))


def _czi_read(czifile: Any, path: str, series: int, level: int, window: Window) -> np.ndarray:
    with czifile.CziFile(path) as file:
        image = _czi_image(file, path, series, level)
        if level:  # a region is in pixels of the full resolution, so a coarser level is read whole
            return np.asarray(image.asarray())[window]
        wanted = dict(zip(image.dims, window, strict=True))
        starts = dict(zip(image.dims, image.start, strict=True))
        left, top = image.bbox[:2]
        rows, columns = wanted["Y"], wanted["X"]
        region = (left + columns.start, top + rows.start, columns.stop - columns.start, rows.stop - rows.start)
        chosen = {a: slice(starts[a] + s.start, starts[a] + s.stop) for a, s in wanted.items() if a not in "YXS"}
        pixels = np.asarray(image(**chosen, roi=region).asarray())
        if "S" in wanted:
            pixels = pixels[..., wanted["S"]]
        return pixels


def _czi_scenes(file: Any, path: str) -> Mapping[int, Any]:
    if not hasattr(file, "scenes"):
        raise InputError(f"{path} needs a newer czifile than the one installed; {_remedy(_FORMATS['.czi'])}.")
    found: Mapping[int, Any] = file.scenes
    return found


def _czi_image(file: Any, path: str, series: int, level: int) -> Any:
    scenes = list(_czi_scenes(file, path).values())
    _choose(path, "series", series, len(scenes))
    _choose(path, "level", level, len(scenes[series].levels))
    return scenes[series].levels[level]


_FORMATS = {
    ".nd2": _Format("nd2", _nd2_inventory, _nd2_describe, _nd2_read),
    ".lif": _Format("liffile", _lif_inventory, _lif_describe, _lif_read),
    ".czi": _Format("czifile", _czi_inventory, _czi_describe, _czi_read, python=(3, 12)),
}
