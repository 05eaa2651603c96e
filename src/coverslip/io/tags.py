"""What a result file says of itself: its provenance, and in it the kind of result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROVENANCE = "provenance.json"
"""What a folder holds it in."""

NOTE = b"coverslip"
"""What the note of a Parquet file is called among its metadata."""


def beside_csv(path: Path) -> Path:
    """Where the provenance of a table of text lies."""
    return path.with_name(f"{path.name}.{PROVENANCE}")


def provenance_of(path: Path) -> Mapping[str, Any]:
    """The provenance that a file or folder carries; empty where there is none, or it cannot be read.

    A folder carries it in ``provenance.json``, an ``.h5ad`` in ``uns``, a ``.labels.tif`` in its description, a
    ``.parquet`` among its metadata; beside a ``.csv``, which has no room for it, it lies in a file (`beside_csv`).
    """
    reader = _READERS.get("" if path.is_dir() else path.suffix.lower())
    if reader is None or not path.exists():
        return {}
    try:
        facts = reader(path)
    except Exception:  # whatever is wrong with it, the reader of its kind says so better
        return {}
    return facts if isinstance(facts, dict) else {}


def made_from(path: Path) -> Mapping[str, Any]:
    """The provenance of what was made at a place: as `provenance_of`, and of an OME-Zarr image that of its labels."""
    found = provenance_of(path)
    if not found and path.suffix.lower() == ".zarr":
        noted = (_of_zarr_group(group) for group in sorted(path.glob("labels/*")))
        found = next((facts for facts in noted if facts), {})
    return found


def _of_zarr_group(path: Path) -> Mapping[str, Any]:
    """What a group of Zarr notes of us, in either format."""
    for name in ("zarr.json", ".zattrs"):
        try:
            said = json.loads((path / name).read_text(encoding="utf-8"))
            facts = (said["attributes"] if name == "zarr.json" else said)["coverslip"]
        except (OSError, ValueError, LookupError, TypeError):
            continue
        if isinstance(facts, dict):
            return facts
    return {}


def _of_folder(path: Path) -> Any:
    return json.loads((path / PROVENANCE).read_text(encoding="utf-8"))


def _of_h5ad(path: Path) -> Any:
    import h5py

    from coverslip.io.hdf5 import refuse_damaged

    refuse_damaged(path)
    with h5py.File(path) as file:
        return json.loads(file["uns/coverslip/provenance"][()])


def _of_tiff(path: Path) -> Any:
    from coverslip.io.labels import label_facts

    return label_facts(path).get("provenance")


def _of_parquet(path: Path) -> Any:
    from pyarrow import parquet

    return json.loads(parquet.read_schema(path).metadata[NOTE])


def _of_csv(path: Path) -> Any:
    return json.loads(beside_csv(path).read_text(encoding="utf-8"))


_READERS = {
    "": _of_folder,
    ".h5ad": _of_h5ad,
    ".tif": _of_tiff,
    ".tiff": _of_tiff,
    ".parquet": _of_parquet,
    ".csv": _of_csv,
}
