"""Labels beside the image of an OME-Zarr, where viewers look for them."""

from __future__ import annotations

import colorsys
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from coverslip.core import Image, InputError, LabelMap, Region
from coverslip.io.atomic import atomic_folder
from coverslip.io.images.ome_zarr import ome_facts, open_zarr
from coverslip.io.labels import compact
from coverslip.io.writing.zarr_groups import CHUNK, new_array, say, version_of, windows_of

_MOST_NOTED = 10_000
"""Of so many objects each has a colour and its measures in the metadata, which viewers read whole."""


class _Grid(NamedTuple):
    """Where the pixels of one resolution lie along y and x, in the unit of the image: step and first centre."""

    step: tuple[float, float]
    first: tuple[float, float]
    moved: bool


def write_zarr_labels(
    labels: LabelMap | Image | np.ndarray,
    image: str | Path,
    name: str = "objects",
    provenance: Mapping[str, Any] | None = None,
    objects: Mapping[str, np.ndarray] | None = None,
) -> Path:
    """Add labels to an OME-Zarr image, so that viewers show both together.

    Parameters
    ----------
    labels : LabelMap, Image or ndarray of int, shape (H, W)
        Object numbers, of the rows and columns of the image; an `Image` is read piece by piece and keeps its type.
        They are written at each resolution the image has (the format demands as many), without mixing numbers: of each
        the pixel at its centre.
    image : str or Path
        The folder of the image, whose version, units, scales and translations the labels take over. Labels of the same
        name in it are replaced.
    name : str
        Name of the labels, such as ``nuclei``.
    provenance : mapping, optional
        Kept with the labels; default: that of the label map.
    objects : mapping of str to ndarray, shape (n,), optional
        A table with the column ``label`` (`coverslip.measure.object_table`). Up to 10,000 objects have their colours in
        the metadata, and their numbers as properties.

    Returns
    -------
    Path
        The folder of the labels; `read_labels` and `open_image` open it.

    Raises
    ------
    InputError
        If the folder is no OME-Zarr image, or its size is another.
    """
    import zarr

    folder = Path(image)
    opened = open_zarr(folder, None, 0, 0)
    if not opened.metadata["format"].startswith("OME-Zarr"):
        raise InputError(f"{folder} is a Zarr array without OME metadata; write it with write_image_zarr first.")
    if not name or name.startswith(".") or set(name) & set("/\\"):
        raise InputError(f"'{name}' cannot name labels; use a word such as 'nuclei'.")
    if isinstance(labels, np.ndarray):
        labels = LabelMap(labels, str(folder))
    if isinstance(labels, LabelMap):
        provenance = labels.provenance if provenance is None else provenance
        labels = Image.from_array(compact(labels.labels, str(folder)), "YX")
    if labels.shape != (opened.height, opened.width):
        raise InputError(
            f"{folder} has {opened.height} x {opened.width} pixels, but the labels have "
            f"{labels.shape[0]} x {labels.shape[1]}; give the labels of this image."
        )
    group = zarr.open_group(str(folder), mode="r")
    version = version_of(group)
    facts = ome_facts(group)["multiscales"][0]
    shapes = [open_zarr(folder, None, 0, level) for level in range(int(opened.metadata["levels"]))]
    grids = _grids(facts, [(one.height, one.width) for one in shapes])
    parent = folder / "labels"
    target = parent / name
    if not parent.is_dir():
        zarr.open_group(str(folder), mode="r+").create_group("labels")
    with atomic_folder(target, overwrite=True) as temporary:
        numbers: set[int] = set()
        for level, (small, grid) in enumerate(zip(shapes, grids, strict=True)):
            shape = (small.height, small.width)
            written = new_array(temporary, version, shape, labels.dtype, "yx", CHUNK, level)
            rows, columns = (_centres(grids[0], grid, axis, shape[axis], labels.shape[axis]) for axis in (0, 1))
            for window in windows_of(written):
                pixels = _picked(labels, rows[window[0]], columns[window[1]])
                written[window] = pixels
                if level == 0 and len(numbers) <= _MOST_NOTED:
                    numbers |= set(np.unique(pixels).tolist())
        noted = {"source": {"image": "../../"}, **_noted(sorted(numbers - {0}), objects)}
        beside = {"coverslip": json.loads(json.dumps(dict(provenance), default=str))} if provenance else {}
        say(temporary, version, {"multiscales": [_multiscale(facts, name, grids)], "image-label": noted}, beside)
    say(parent, version, {"labels": [*dict.fromkeys([*_listed(parent), name])]})
    return target


def _listed(parent: Path) -> list[str]:
    import zarr

    return list(ome_facts(zarr.open_group(str(parent), mode="r")).get("labels", []))


def _grids(facts: Mapping[str, Any], shapes: Sequence[tuple[int, int]]) -> list[_Grid]:
    """The grid of each resolution of an image along its last two axes: as its metadata says, else by its size."""
    shared = facts.get("coordinateTransformations") or []
    found = []
    for shape, dataset in zip(shapes, facts["datasets"], strict=True):
        steps = [*(dataset.get("coordinateTransformations") or []), *shared]
        step, first, scaled, moved = np.ones(2), np.zeros(2), False, False
        for one in steps:  # in this order each is applied to what the one before gave
            if "scale" in one:
                step, first, scaled = step * one["scale"][-2:], first * one["scale"][-2:], True
            elif "translation" in one:
                first, moved = first + one["translation"][-2:], True
        if not scaled or not step.all():
            step = np.array(shapes[0]) / shape
        found.append(_Grid((float(step[0]), float(step[1])), (float(first[0]), float(first[1])), moved))
    return found


def _centres(full: _Grid, grid: _Grid, axis: int, count: int, most: int) -> np.ndarray:
    """The pixel of the full resolution that lies at the centre of each coarser one: of two equally near the later."""
    at = (np.arange(count) * grid.step[axis] + grid.first[axis] - full.first[axis]) / full.step[axis]
    # What was written in decimals is a hair off half a pixel.
    return np.floor(at + 0.5 + 1e-6).clip(0, most - 1).astype(np.intp)


def _multiscale(facts: Mapping[str, Any], name: str, grids: Sequence[_Grid]) -> dict[str, Any]:
    said = [axis if isinstance(axis, Mapping) else {} for axis in (facts.get("axes") or [])[-2:]] or [{}, {}]
    axes = [
        {"name": letter, "type": "space", **({"unit": axis["unit"]} if axis.get("unit") else {})}
        for letter, axis in zip("yx", said, strict=True)
    ]
    datasets = []
    for level, grid in enumerate(grids):
        steps: list[dict[str, Any]] = [{"type": "scale", "scale": [*grid.step]}]
        if grid.moved:
            steps.append({"type": "translation", "translation": [*grid.first]})
        datasets.append({"path": str(level), "coordinateTransformations": steps})
    return {"name": name, "axes": axes, "datasets": datasets}


def _noted(numbers: Sequence[int], objects: Mapping[str, np.ndarray] | None) -> dict[str, Any]:
    """Colours of the objects, neighbours in number far apart, and their measures."""
    if not 0 < len(numbers) <= _MOST_NOTED:
        return {}
    colours = [{"label-value": n, "rgba": [*_colour(n), 255]} for n in numbers]
    if objects is None:
        return {"colors": colours}
    columns = {
        name: column for name, column in objects.items() if name != "label" and np.asarray(column).dtype.kind in "biuf"
    }
    rows = {int(label): row for row, label in enumerate(objects["label"])}
    properties = []
    for n in numbers:
        values = {name: column[rows[n]].item() for name, column in columns.items()} if n in rows else {}
        short = {name: float(f"{v:.6g}") if isinstance(v, float) else v for name, v in values.items()}
        properties.append({"label-value": n} | {name: v for name, v in short.items() if np.isfinite(v)})
    return {"colors": colours, "properties": properties}


def _colour(number: int) -> list[int]:
    """Red, green and blue: hues by the golden ratio, so that no two of the next few are alike."""
    red, green, blue = colorsys.hsv_to_rgb(number * 0.618034 % 1, 0.65 + 0.35 * (number % 2), 1)
    return [round(255 * part) for part in (red, green, blue)]


def _picked(image: Image, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Some rows and columns of an image, both ascending; only what lies between them is read."""
    y, x = int(rows[0]), int(columns[0])
    part = image.crop(Region(y, x, int(rows[-1]) - y + 1, int(columns[-1]) - x + 1)).read()
    return np.asarray(part[(rows - y)[:, None], columns - x])
