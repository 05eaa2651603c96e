"""OME-Zarr 0.4 and 0.5 (and plain Zarr arrays), chunk by chunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Image, InputError, PixelSize, Window
from coverslip.io.images.axes import Arrangement, arrange
from coverslip.io.images.calibration import calibrated
from coverslip.io.images.inventory import ZARR_MARKS, Inventory, Series, holds_zarr
from coverslip.io.images.units import micrometres
from coverslip.io.reasons import reason


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


def open_zarr(path: Path, axes: str | None, series: int | str | None, level: int) -> Image:
    """Open one resolution of an OME-Zarr image, or a plain Zarr array."""
    name = str(path)
    node = _root(path)
    if hasattr(node, "shape"):
        return _image(name, "", node, axes, _plain_axes(node), None, (), {"format": "Zarr"})
    facts = ome_facts(node)
    inventory = _inventory(path, facts)
    index = inventory.find(name, series)
    if "multiscales" not in facts:
        return _inside(path, inventory, index, axes, level)
    try:
        scales = list(facts["multiscales"])
        chosen = scales[index] if 0 <= index < len(scales) else None
        if chosen is None:
            raise InputError(f"{name} has no image {index}: it holds {len(scales)}, counted from 0.")
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
        raise _damaged(name, error) from error
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
        {"format": f"OME-Zarr {chosen.get('version') or facts.get('version', '')}".strip(), "levels": len(datasets)}
        | {"index": index, "images": len(inventory.images)},
    )


def inventory_of_zarr(path: Path) -> Inventory:
    """Which images a Zarr folder holds: those of a plate or a well, those that bioformats2raw numbered, or one."""
    node = _root(path)
    return Inventory() if hasattr(node, "shape") else _inventory(path, ome_facts(node))


def _root(path: Path) -> Any:
    if path.is_dir() and not holds_zarr(path):
        raise InputError(f"{path} is a folder but no Zarr image; give a file, or a folder that ends in .zarr.")
    return _node(str(path), "")


def _inventory(path: Path, facts: Mapping[str, Any]) -> Inventory:
    found: list[Series] = []
    try:
        if "multiscales" in facts:
            found = [Series(i, str(one.get("name") or "")) for i, one in enumerate(facts["multiscales"])]
        elif not path.is_dir():  # of a zip, one image is read
            pass
        elif "plate" in facts:
            found = _plate(path, facts["plate"])
        elif "well" in facts:
            found = _well(path, "", facts["well"])
        elif "bioformats2raw.layout" in facts:
            numbers = sorted(int(part.name) for part in path.iterdir() if part.name.isdecimal())
            found = [Series(i, inner=str(number)) for i, number in enumerate(numbers)]
    except InputError:
        raise
    except Exception as error:  # metadata of any shape
        raise _damaged(path, error) from error
    return Inventory(tuple(found))


def _plate(path: Path, plate: Mapping[str, Any]) -> list[Series]:
    """The fields of all wells that are there: plates are often copied in part."""
    found: list[Series] = []
    for well in plate["wells"]:
        inner = str(well["path"]).strip("/")
        if holds_zarr(path / inner):
            found += _well(path / inner, f"{inner}/", ome_facts(_root(path / inner))["well"])
    name = str(plate.get("name") or path.resolve().name.split(".")[0])
    return [replace(one, index=i, facts={**one.facts, "plate": name}) for i, one in enumerate(found)]


def _well(folder: Path, inside: str, well: Mapping[str, Any]) -> list[Series]:
    """The fields of a well, with what its place in the plate says: ``plate.zarr/B/03`` is the well B03."""
    place = folder.resolve()
    facts = {"plate": place.parent.parent.name.split(".")[0], "well": place.parent.name + place.name}
    fields = [str(image["path"]).strip("/") for image in well["images"]]
    there = [name for name in fields if holds_zarr(folder / name)]
    return [
        Series(i, inside + name, inner=inside + name, facts={**facts, "field": name}) for i, name in enumerate(there)
    ]


def _damaged(path: Path | str, error: Exception) -> InputError:
    return InputError(
        f"{path} has damaged OME-Zarr metadata ({reason(error)}); copy it again from its source, or write it anew."
    )


def ome_facts(group: Any) -> dict[str, Any]:
    """The OME metadata of a group: at the top of its attributes in 0.4, below the key ``ome`` in 0.5."""
    attributes = dict(group.attrs)
    return dict(attributes["ome"]) if isinstance(attributes.get("ome"), Mapping) else attributes


def _inside(path: Path, inventory: Inventory, index: int, axes: str | None, level: int) -> Image:
    """An image further down: one of a plate, a well, or of the numbered groups that bioformats2raw makes."""
    if not inventory.series:
        raise InputError(
            f"{path} is a Zarr folder without an OME image in it (or a plate without its wells); copy it whole, or "
            "open the array or image group below it."
        )
    if not 0 <= index < len(inventory.series):
        raise InputError(f"{path} has no image {index}: it holds {len(inventory.series)}, counted from 0.")
    image = open_zarr(path / inventory.series[index].inner, axes, 0, level)
    return replace(image, metadata={**image.metadata, "index": index, "images": len(inventory.series)})


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
    return inner if tops.intersection(ZARR_MARKS) or len(tops) != 1 else "/".join([*tops, inner]).rstrip("/")


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
