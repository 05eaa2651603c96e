"""OME-Zarr 0.4 and 0.5 (and plain Zarr arrays), chunk by chunk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Image, InputError, PixelSize, Window
from coverslip.io.images.axes import Arrangement, arrange
from coverslip.io.images.calibration import calibrated
from coverslip.io.images.units import micrometres
from coverslip.io.reasons import reason

_MARKS = ("zarr.json", ".zattrs", ".zgroup", ".zarray")


class ZarrReader:
    """Reads windows of one array. It can be pickled and used by several threads."""

    def __init__(self, path: str, array: str, arrangement: Arrangement) -> None:
        self.path, self.array, self.arrangement = path, array, arrangement
        self._opened: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    def __call__(self, window: Window) -> np.ndarray:
        """Read one window; only the chunks it touches are decoded."""
        if self._opened is None:
            self._opened = _array(self.path, self.array)
        try:
            pixels = np.asarray(self._opened[self.arrangement.stored_window(window)])
        except Exception as error:  # each codec raises its own kind
            raise InputError(
                f"{self.path} is damaged: a chunk of '{self.array}' cannot be decoded ({reason(error)}); "
                "copy it again from its source."
            ) from error
        native = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
        return np.ascontiguousarray(self.arrangement.arrange(native))


def open_zarr(path: Path, axes: str | None, series: int, level: int) -> Image:
    """Open one resolution of an OME-Zarr image, or a plain Zarr array."""
    name = str(path)
    if path.is_dir() and not any((path / mark).is_file() for mark in _MARKS):
        raise InputError(f"{name} is a folder but no Zarr image; give a file, or a folder that ends in .zarr.")
    node = _node(name, "")
    if hasattr(node, "shape"):
        return _image(name, "", node, axes, _plain_axes(node), None, (), {"format": "Zarr"})
    facts = ome_facts(node)
    if "multiscales" not in facts:
        return _inside(path, node, facts, axes, series, level)
    try:
        scales = list(facts["multiscales"])
        chosen = scales[series] if 0 <= series < len(scales) else None
        if chosen is None:
            raise InputError(f"{name} has no image {series}: it holds {len(scales)}, counted from 0.")
        datasets = chosen["datasets"]
        if not 0 <= level < len(datasets):
            raise InputError(f"{name} has no level {level}: it has {len(datasets)}, counted from 0.")
        letters, units = _axes(chosen)
        dataset = datasets[level]
        size = _pixel_size(letters, units, *(_scale(chosen, d, len(letters)) for d in (datasets[0], dataset)))
        array = _array(name, str(dataset["path"]))
        channels = tuple(str(c.get("label", "")) for c in (facts.get("omero") or {}).get("channels", []))
    except InputError:
        raise
    except Exception as error:  # metadata of any shape
        raise InputError(
            f"{name} has damaged OME-Zarr metadata ({reason(error)}); copy it again from its source, or write it anew."
        ) from error
    if len(letters) != array.ndim:
        raise InputError(
            f"{name} has damaged OME-Zarr metadata: {len(letters)} axes for an array of {array.ndim} dimensions; "
            "write it anew."
        )
    return _image(
        name,
        str(dataset["path"]),
        array,
        axes,
        letters,
        size,
        channels,
        {"format": f"OME-Zarr {chosen.get('version') or facts.get('version', '')}".strip(), "levels": len(datasets)},
    )


def ome_facts(group: Any) -> dict[str, Any]:
    """The OME metadata of a group: at the top of its attributes in 0.4, below the key ``ome`` in 0.5."""
    attributes = dict(group.attrs)
    return dict(attributes["ome"]) if isinstance(attributes.get("ome"), Mapping) else attributes


def _inside(path: Path, node: Any, facts: dict[str, Any], axes: str | None, series: int, level: int) -> Image:
    """An image further down: the numbered groups that bioformats2raw makes; else say what to open instead."""
    if "plate" in facts or "well" in facts:
        raise InputError(
            f"{path} is a plate or a well of many images; open one field, such as {path / 'A' / '1' / '0'}."
        )
    if "bioformats2raw.layout" in facts:
        if series < 0 or not (path / str(series)).is_dir():
            raise InputError(f"{path} has no image {series}; its images are the numbered folders in it.")
        return open_zarr(path / str(series), axes, 0, level)
    raise InputError(f"{path} is a Zarr folder without an OME image in it; open the array or image group below it.")


def _image(
    name: str,
    array_path: str,
    array: Any,
    axes: str | None,
    letters: str,
    pixel_size: PixelSize | None,
    channels: tuple[str, ...],
    metadata: dict[str, Any],
) -> Image:
    dtype = np.dtype(array.dtype).newbyteorder("=")
    if dtype.kind not in "biuf":
        raise InputError(f"{name} holds {dtype}, which are no pixels; save integers or floats.")
    arrangement = arrange(name, letters, array.shape, axes)
    count = dict(zip(arrangement.axes, arrangement.shape, strict=True)).get("C", 1)
    return Image(
        arrangement.axes,
        arrangement.shape,
        dtype,
        name,
        ZarrReader(name, array_path, arrangement),
        pixel_size,
        channels if len(channels) == count and all(channels) else (),
        metadata,
    )


def _node(path: str, inner: str) -> Any:
    import zarr

    from coverslip.io.images import blosc

    blosc.install()
    try:
        if Path(path).is_dir():
            node = zarr.open(path, path=inner, mode="r")
        else:
            node = zarr.open(zarr.storage.ZipStore(path, mode="r"), path=_in_zip(path, inner), mode="r")
        if hasattr(node, "shape"):
            blosc.expect(node)
        return node
    except Exception as error:  # garbage JSON, missing metadata, unknown codecs
        where = f"{path} ('{inner}')" if inner else path
        raise InputError(
            f"{where} has damaged or missing Zarr metadata ({reason(error)}); copy it again from its source."
        ) from error


def _in_zip(path: str, inner: str) -> str:
    """Where a node lies in a zip file: people zip the folder's content, or the folder itself."""
    from zipfile import ZipFile

    with ZipFile(path) as file:
        names = file.namelist()
    tops = {name.split("/")[0] for name in names}
    return inner if tops.intersection(_MARKS) or len(tops) != 1 else "/".join([*tops, inner]).rstrip("/")


def _array(path: str, inner: str) -> Any:
    node = _node(path, inner)
    if not hasattr(node, "shape"):
        raise InputError(f"{path} has damaged Zarr metadata: '{inner}' is no array; copy it again from its source.")
    return node


def _plain_axes(array: Any) -> str:
    names = getattr(array.metadata, "dimension_names", None) or dict(array.attrs).get("_ARRAY_DIMENSIONS")
    if names and all(names) and len(names) == array.ndim:
        return "".join(_letter(str(n), "") for n in names)
    return "Q" * (array.ndim - 2) + "YX" if array.ndim >= 2 else "Q" * array.ndim


def _axes(multiscale: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Letters and units. Before 0.3 the five axes were fixed; in 0.3 they were plain names."""
    said = multiscale.get("axes") or list("tczyx")
    said = [{"name": a} if isinstance(a, str) else a for a in said]
    letters = "".join(_letter(str(a["name"]), str(a.get("type", ""))) for a in said)
    return letters, [str(a.get("unit", "")) for a in said]


def _letter(name: str, kind: str) -> str:
    if kind == "channel":
        return "C"
    letter = {"channel": "C", "time": "T"}.get(name.lower(), name[:1].upper() if len(name) == 1 else "?")
    return letter if letter in "TCZYX" else "?"


def _scale(multiscale: Mapping[str, Any], dataset: Mapping[str, Any], ndim: int) -> np.ndarray | None:
    """The size of a pixel along each axis: the dataset's scale times the one all levels share."""
    steps = [*(dataset.get("coordinateTransformations") or []), *(multiscale.get("coordinateTransformations") or [])]
    scales = [np.asarray(s["scale"], float) for s in steps if s.get("type") == "scale" and "scale" in s]
    if not scales or any(s.shape != (ndim,) for s in scales):
        return None
    return np.asarray(np.prod(scales, axis=0))


def _pixel_size(letters: str, units: list[str], full: np.ndarray | None, scale: np.ndarray | None) -> PixelSize | None:
    if full is None or scale is None:
        return None
    said, here = ({a: micrometres(n, u) for a, n, u in zip(letters, s, units, strict=True)} for s in (full, scale))
    y, x = ((here.get(a) or 0) / (said.get(a) or 1) for a in "YX")
    return calibrated({**said, "Z": here.get("Z")}, letters, (y, x)) if y and x else None
