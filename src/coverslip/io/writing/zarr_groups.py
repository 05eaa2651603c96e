"""Groups of OME-Zarr in both versions of the format: 0.4 (Zarr format 2) and 0.5 (Zarr format 3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np

from coverslip.io.atomic import atomic_path
from coverslip.io.images.ome_zarr import ome_facts

Version = Literal["0.5", "0.4"]

CHUNK = 1024


def version_of(group: Any) -> Version:
    """The version that a group is written in."""
    return "0.4" if group.metadata.zarr_format == 2 else "0.5"


def new_array(
    folder: Path, version: Version, shape: tuple[int, ...], dtype: np.dtype[Any], axes: str, chunk: int, level: int = 0
) -> Any:
    """One more array, named after its level, in the group of a multiscale image, which is made where missing."""
    import zarr

    group = zarr.open_group(str(folder), mode="a", zarr_format=2 if version == "0.4" else 3)
    chunks = (1,) * (len(shape) - 2) + tuple(min(chunk, n) for n in shape[-2:])
    options: dict[str, Any] = {"shape": shape, "dtype": dtype, "chunks": chunks}
    if version == "0.4":
        from numcodecs import Zlib

        # Every reader of the format has it, and each chunk has a checksum; Blosc has none.
        options["compressors"] = Zlib(1)
        options["chunk_key_encoding"] = {"name": "v2", "separator": "/"}
    else:
        options["dimension_names"] = [*axes.lower()]
        options["compressors"] = zarr.codecs.ZstdCodec(checksum=True)
    return group.create_array(str(level), **options)


def say(folder: Path, version: Version, facts: Mapping[str, Any], beside: Mapping[str, Any] | None = None) -> None:
    """Add OME metadata to a group, and what lies beside them, in one rename: a reader sees the old or the new.

    In 0.5 all of it lies below one key with one version for all; in 0.4 each part says its own.
    """
    import zarr

    group = zarr.open_group(str(folder), mode="r")
    attributes = {**dict(group.attrs), **(beside or {})}
    if version == "0.4":
        path, content = folder / ".zattrs", {**attributes, **_versioned(facts)}
    else:
        path = folder / "zarr.json"
        content = json.loads(path.read_text())
        content["attributes"] = {**attributes, "ome": {"version": "0.5", **ome_facts(group), **facts}}
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2))


def _versioned(facts: Mapping[str, Any]) -> dict[str, Any]:
    said = dict(facts)
    if "multiscales" in said:
        said["multiscales"] = [{"version": "0.4", **one} for one in said["multiscales"]]
    if "image-label" in said:
        said["image-label"] = {"version": "0.4", **said["image-label"]}
    return said


def windows_of(array: Any) -> list[tuple[slice, ...]]:
    """The place of each chunk of an array."""
    steps = [range(0, n, c) for n, c in zip(array.shape, array.chunks, strict=True)]
    return [
        tuple(slice(start, min(start + c, n)) for start, c, n in zip(starts, array.chunks, array.shape, strict=True))
        for starts in product(*steps)
    ]
