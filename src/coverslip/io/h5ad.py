"""Embeddings as ``.h5ad`` files, as scanpy and its relatives read them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Embedding, InputError, about
from coverslip.io.atomic import atomic_path
from coverslip.io.hdf5 import refuse_damaged, seal
from coverslip.io.reasons import reason


def write_embedding(embedding: Embedding, path: str | Path) -> Path:
    """Write an embedding; the file opens in scanpy as it is.

    Parameters
    ----------
    embedding : Embedding
        It is not changed.
    path : str or Path
        The file to write or replace, ending in ``.h5ad``.

    Returns
    -------
    Path
        The file written. In it ``uns["coverslip"]["provenance"]`` is the provenance as JSON text, because the format
        has no room for lists of records and empty values; ``uns["coverslip"]["columns"]`` names columns that it has
        under another name (`stored_names`), which `read_embedding` gives back.

    Raises
    ------
    InputError
        If the ending is another, or a column cannot be stored.
    """
    path = _checked(path)
    adata = embedding.adata.copy()
    adata.uns["coverslip"] = {"provenance": json.dumps(embedding.provenance, default=_plain)}
    names = stored_names(adata.obs.columns)
    if names:
        adata.uns["coverslip"]["columns"] = json.dumps({stored: name for name, stored in names.items()})
    adata.obs = _storable(adata.obs).rename(columns=names)
    adata.var.index = _texts(adata.var.index)
    if not adata.obs.columns.is_unique:
        raise InputError(f"{path}: two columns have the same name but for a slash; rename one.")
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        content = _content(adata, path)
        file.write(content)
        file.write(seal(content))
    return path


def read_embedding(path: str | Path) -> Embedding:
    """Read an embedding, or any AnnData file as one.

    Parameters
    ----------
    path : str or Path
        An ``.h5ad`` file. Without ``obsm["latent"]`` (a file of another program) its ``X`` is taken for the vectors.

    Returns
    -------
    Embedding
        With the provenance as it was written.

    Raises
    ------
    InputError
        If the file is missing, damaged, or no AnnData file, or holds no vectors.
    """
    from anndata import read_h5ad

    path = _checked(path)
    if not path.is_file():
        raise InputError(f"{path} does not exist; check the name and the folder it is looked for in.")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty (0 bytes); make it again with coverslip predict.")
    refuse_damaged(path)
    try:
        adata = read_h5ad(path)
    except Exception as error:  # h5py and anndata raise many kinds
        raise InputError(
            f"{path} is damaged or no AnnData file ({reason(error)}); make it again with coverslip predict."
        ) from error
    with about(path):
        adata = Embedding.of(adata).adata
    stored = adata.uns.get("coverslip")
    adata.obs = adata.obs.rename(columns=_names(stored))
    adata.uns["coverslip"] = _provenance(stored, path)
    return Embedding(adata)


def _content(adata: Any, path: Path) -> memoryview:
    """The bytes of the file: HDF5 itself would end the process where a disk is full."""
    import h5py
    from anndata.io import write_elem

    content = io.BytesIO()
    adata.strings_to_categoricals()
    try:
        with h5py.File(content, "w") as file:
            write_elem(file, "/", adata)
            if adata.raw is None:
                file.pop("raw", None)  # a mark of its absence, which older readers do not know
    except (TypeError, ValueError, NotImplementedError, KeyError) as error:
        raise InputError(f"{path} could not be written ({reason(error)}); leave out or rename that entry.") from error
    return content.getbuffer()


def _checked(path: str | Path) -> Path:
    path = Path(path)
    if path.suffix.lower() != ".h5ad":
        raise InputError(f"{path} should end in .h5ad, because that is what an embedding is stored as.")
    return path


def _provenance(stored: Any, path: Path) -> dict[str, Any]:
    text = stored.get("provenance") if isinstance(stored, dict) else None
    if not isinstance(text, str):
        return dict(stored) if isinstance(stored, dict) else {}
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InputError(f"{path} has damaged provenance (uns['coverslip']); make it again with coverslip predict.")
    return found


def _names(stored: Any) -> dict[str, str]:
    """What columns were called before they were stored."""
    try:
        names = json.loads(stored["columns"])
        return {str(name): str(before) for name, before in names.items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}


def _storable(obs: Any) -> Any:
    """The columns in kinds that HDF5 has: mixed text and gaps become categories, text else stays text."""
    import pandas as pd

    obs = obs.copy()
    obs.index = _texts(obs.index)
    for name in obs.columns:
        column = obs[name]
        categories = getattr(column.dtype, "categories", None)
        kind = column.dtype if categories is None else categories.dtype
        if not isinstance(kind, pd.StringDtype) and kind.kind != "O":
            continue
        text: list[Any] = [None if pd.isna(v) else v if isinstance(v, str) else str(v) for v in column]
        if categories is None and None not in text:
            obs[name] = pd.Series(text, index=obs.index, dtype=object)
            continue
        found = sorted({t for t in text if t is not None}) if categories is None else categories
        ordered = categories is not None and bool(column.cat.ordered)
        obs[name] = pd.Categorical(text, _texts(dict.fromkeys(map(str, found))), ordered=ordered)
    obs.columns = pd.Index([str(name) for name in obs.columns])
    return obs


def stored_names(columns: Iterable[str]) -> dict[str, str]:
    """The names that an ``.h5ad`` cannot have, and what they are called in it.

    ``/`` would open a group inside the file; the division slash looks the same (``"dose µg∕ml"``).
    """
    return {str(name): str(name).replace("/", "∕") for name in columns if "/" in str(name)}


def _texts(names: Iterable[Any]) -> Any:
    """Text as objects: pandas 3 makes strings of its own of it, which not every reader of AnnData files knows."""
    import pandas as pd

    return pd.Index([str(name) for name in names], dtype=object)


def _plain(value: Any) -> Any:
    """NumPy numbers, arrays and paths as JSON has them."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return str(value)
