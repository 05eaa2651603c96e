"""Labels as a SpatialData store: images, labels and outlines, and one table of all objects that says which is which."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Image, LabelMap, PixelSize
from coverslip.core.errors import MissingExtra
from coverslip.io.atomic import atomic_folder
from coverslip.io.writing.outlines import trace_outlines
from coverslip.results.labels.folder import KEYS

REGION, INSTANCE = "region", "label"
"""Columns of the table: the labels that an object is of, and its number there."""

_PLACES = (("x_um", "y_um"), ("x_px", "y_px"))


def write_spatialdata(
    target: Path,
    names: Sequence[str],
    images: Callable[[int], Image],
    labels: Callable[[int], LabelMap],
    layers: Callable[[int], LabelMap | np.ndarray],
    tables: Sequence[Mapping[str, np.ndarray]],
    provenance: Mapping[str, Any],
) -> None:
    """Write images, labels, outlines and the table of objects as one SpatialData store (``.zarr``).

    Parameters
    ----------
    target : Path
        What is there is replaced, once the new store is whole.
    names : sequence of str
        Of the images. Each has the elements ``<name>_image``, ``<name>_labels``, ``<name>_outlines``, and a coordinate
        system of its name, in µm where the size of its pixels is known; of a single image that is ``global``.
    images, labels, layers : callable
        Of each image by its number: the image, its labels, and labels or layers ``(L, H, W)`` for the outlines.
    tables : sequence of mapping
        The objects of each image; ``label`` is the number of each. Numbers become variables (``X``), the rest ``obs``.
    provenance : mapping
        Goes into ``uns["coverslip"]`` of the table.

    Raises
    ------
    MissingExtra
        Without the library spatialdata.
    """
    try:
        import spatialdata
        from spatialdata.models import Labels2DModel
    except ImportError as error:
        raise MissingExtra("SpatialData stores need: pip install 'coverslip[spatialdata]'.") from error
    elements: dict[str, Any] = {}
    called = _element_names(names)
    for i, name in enumerate(called):
        labelled = labels(i)
        system = name if len(names) > 1 else "global"
        where = _where(labelled.pixel_size, system)
        elements[f"{name}_image"] = _image(images(i), where)
        dense = labelled.labels.astype(np.int32)
        elements[f"{name}_labels"] = Labels2DModel.parse(dense, dims=("y", "x"), transformations=where)
        found = layers(i)
        outlines = _outlines(found.labels if isinstance(found, LabelMap) else found, where)
        if outlines is not None:
            elements[f"{name}_outlines"] = outlines
    elements["objects"] = _table(called, tables, provenance)
    data = spatialdata.SpatialData.init_from_elements(elements)
    with atomic_folder(target, overwrite=True) as folder:
        folder.rmdir()  # it wants to make it itself
        data.write(folder)


def _element_names(names: Sequence[str]) -> list[str]:
    """Names with nothing in them that SpatialData refuses, none of them twice."""
    plain = ["".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name) for name in names]
    return [name if plain.count(name) == 1 else f"{name}_{i}" for i, name in enumerate(plain)]


def _where(pixel_size: PixelSize | None, system: str) -> dict[str, Any]:
    from spatialdata.transformations import Identity, Scale

    if pixel_size is None:
        return {system: Identity()}
    return {system: Scale([pixel_size.y, pixel_size.x], axes=("y", "x"))}


def _image(image: Image, where: Mapping[str, Any]) -> Any:
    """An image as channels, rows and columns; of focal planes and frames the brightest value of each pixel."""
    from spatialdata.models import Image2DModel

    pixels = image.read()
    channels = list(image.channels)
    others = tuple(i for i, axis in enumerate(image.axes) if axis in "TZ")
    pixels = pixels.max(axis=others) if others else pixels
    pixels = pixels[None] if pixels.ndim == 2 else pixels
    if len(channels) != len(pixels) or len(set(channels)) < len(channels):
        channels = [f"channel {i}" for i in range(len(pixels))]
    return Image2DModel.parse(pixels, dims=("c", "y", "x"), c_coords=channels, transformations=dict(where))


def _outlines(labels: np.ndarray, where: Mapping[str, Any]) -> Any:
    from geopandas import GeoDataFrame
    from shapely import MultiPolygon, Polygon
    from spatialdata.models import ShapesModel

    traced = trace_outlines(labels)
    if not traced:
        return None
    whole = []
    for outline in traced:
        parts = [Polygon(rings[0], rings[1:]) for rings in outline.parts]
        whole.append(parts[0] if len(parts) == 1 else MultiPolygon(parts))
    frame = GeoDataFrame(geometry=whole, index=[outline.label for outline in traced])
    return ShapesModel.parse(frame, transformations=dict(where))


def _table(names: Sequence[str], tables: Sequence[Mapping[str, np.ndarray]], provenance: Mapping[str, Any]) -> Any:
    import json

    import pandas as pd
    from anndata import AnnData
    from spatialdata.models import TableModel

    frames = [pd.DataFrame({name: np.asarray(column) for name, column in table.items()}) for table in tables]
    regions = [f"{name}_labels" for name in names]
    frame = pd.concat(frames, ignore_index=True)
    belongs = np.repeat(regions, [len(one) for one in frames])
    numbers = [str(name) for name in frame if frame[name].dtype.kind in "iuf" and name not in (INSTANCE, *KEYS)]
    rest = [str(name) for name in frame if name not in numbers]
    obs = frame[rest].copy()
    for name in rest:
        if obs[name].dtype == object:
            obs[name] = obs[name].astype(str).where(obs[name].notna(), None).astype("category")
    obs[INSTANCE] = frame[INSTANCE].astype(np.int64)
    obs[REGION] = pd.Categorical(belongs, categories=regions)
    obs.index = pd.Index(
        [f"{region.removesuffix('_labels')}_{n}" for region, n in zip(belongs, obs[INSTANCE], strict=True)]
    )
    values = frame[numbers].to_numpy(np.float64)
    found = AnnData(X=values, obs=obs, var=pd.DataFrame(index=pd.Index(numbers)))
    vectors = [name for name in numbers if name.startswith("latent_")]
    if vectors:
        found.obsm["latent"] = frame[vectors].to_numpy(np.float32)
    place = next((columns for columns in _PLACES if set(columns) <= set(numbers)), None)
    if place is not None:
        found.obsm["spatial"] = frame[[*place]].to_numpy(np.float64)
    if provenance:
        found.uns["coverslip"] = json.dumps(dict(provenance), default=str)
    return TableModel.parse(found, region=regions, region_key=REGION, instance_key=INSTANCE)
