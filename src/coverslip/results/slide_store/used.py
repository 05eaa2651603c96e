"""The model that a store was made with: shipped, or inside the store."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from coverslip.core import ModelError
from coverslip.io.tensors import tensors_hash
from coverslip.models.folder import Model
from coverslip.models.loading import load

INSIDE = "model"
"""The folder of the model in a store."""
FILES = ("config.json", "weights.safetensors", "provenance.json", "card.md")
_KEPT: dict[Any, Any] = {}
_LOCK = threading.Lock()


def reference(model: Model, inside: bool) -> dict[str, Any]:
    """What the metadata of a store say of its model."""
    sha = str(model.provenance.get("weights_sha256") or tensors_hash(model.weights))
    name = model.folder.name if model.folder is not None else ""
    return {"inside": INSIDE, "sha256": sha} if inside else {"name": name, "sha256": sha}


async def coder_of(store: Any, root: str, model: Mapping[str, Any], level: int, border: int) -> Any:
    """The coder of the model that is named, loaded once for a process.

    Raises
    ------
    ModelError
        If the model is not there, or another one than the store was made with.
    """
    key = (str(model.get("sha256")), level, border)
    if key in _KEPT:
        return _KEPT[key]
    files = await _files(store, root) if model.get("inside") else {}
    with _LOCK:
        if key not in _KEPT:
            _KEPT[key] = _coder(_loaded(files, model), level, border)
    return _KEPT[key]


def coder_from(store: Any) -> Any:
    """The coder of an opened store."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    from zarr.storage import LocalStore

    codec = store.codec
    wanted = coder_of(LocalStore(store.path, read_only=True), "", codec.model, codec.level, codec.border)
    with ThreadPoolExecutor(1) as apart:  # in a notebook this thread has a loop already
        return apart.submit(asyncio.run, wanted).result()


async def _files(store: Any, root: str) -> dict[str, bytes]:
    from zarr.core.buffer import default_buffer_prototype
    from zarr.storage import StorePath

    found = {}
    for name in FILES:
        data = await StorePath(store, "/".join(part for part in (root, INSIDE, name) if part)).get(
            default_buffer_prototype()
        )
        if data is not None:
            found[name] = data.to_bytes()
    return found


def _loaded(files: Mapping[str, bytes], model: Mapping[str, Any]) -> Model:
    if model.get("inside"):
        with TemporaryDirectory(prefix="coverslip-") as folder:
            for name, data in files.items():
                (Path(folder) / name).write_bytes(data)
            found = load(folder)
    else:
        found = load(str(model.get("name")))
    if found.provenance.get("weights_sha256") != model.get("sha256"):
        raise ModelError(
            f"The store was made with a model whose weights have the hash {str(model.get('sha256'))[:12]}…, and "
            f"{'the one inside it' if model.get('inside') else model.get('name')} is another one; install the version "
            "of Coverslip that the store was made with, or restore its model from a copy."
        )
    return found


def _coder(model: Model, level: int, border: int) -> Any:
    coder = getattr(model.implementation, "Coder", None)
    if coder is None:
        raise ModelError(f"The model of the store is of the method '{model.method}', which decodes no slides.")
    return coder(model, level, border)
