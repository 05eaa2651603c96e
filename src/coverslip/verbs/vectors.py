"""Vectors of whatever is to be put into an index or looked for in one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from coverslip import results
from coverslip.core import Embedding, InputError, Kind, about
from coverslip.io.tags import provenance_of
from coverslip.models.loading import loaded
from coverslip.samples.opening.vectors import open_vectors
from coverslip.samples.slides.chosen import SIDE, Patches
from coverslip.verbs.predict import predict


def vectors_of(
    given: Any,
    *,
    known: dict[str, Any] | None = None,
    model: Any = None,
    device: str = "auto",
    patch: int | None = None,
    count: int | None = None,
    region: str | None = None,
) -> tuple[Embedding, tuple[str, ...]]:
    """Vectors of an embedding, of a result that holds some, or of images, which a model embeds.

    Parameters
    ----------
    given : Any
        An embedding (``.h5ad``, AnnData, an array ``(N, D)``); a slide store; or images, as for `coverslip.predict`.
    known : mapping, optional
        What an index knows of the model of its vectors: its ``folder``, and ``patch_px`` and ``level`` of slides.
    model : Model, str or Path, optional
        The model that embeds images; default: that of the index.
    device : str
        Where they are embedded.
    patch : int, optional
        Side of the patches of slides, pixels; default: as in the index, or 256.
    count : int, optional
        So many patches of each slide, drawn at random; default: all.
    region : str, optional
        Which part of a slide: ``"x,y,width,height"`` in µm, or a GeoJSON.

    Returns
    -------
    embedding : Embedding
    notes : tuple of str

    Raises
    ------
    InputError
        If they cannot be told, or patches are asked for of what has none.
    """
    known = known or {}
    patches = Patches(patch or known.get("patch_px") or SIDE, count, region)
    named = given if isinstance(given, str | Path) else None
    with about(named):
        kind = _kind_with_vectors(given)
        if kind is not None:
            found, notes = kind.verb("vectors")(kind.verb("open")(named) if named is not None else given, patches)
            return found, notes
        if _is_embedding(given):
            _refuse_patches(patch, count, region)
            return open_vectors(given), ()
    used = model or known.get("folder")
    if used is None:
        raise InputError(f"Nothing says which model embeds {given}; name it (--model).")
    fitted = loaded(used)
    kind = results.get(fitted.gives)
    if "embed" in kind.verbs:
        found, notes = kind.verb("embed")(fitted, given, patches, known.get("level"))
        return found, notes
    _refuse_patches(patch, count, region)
    if kind.name != "embedding":
        raise InputError(f"{used} gives {kind.given}, and no vectors to search with.")
    if known.get("sphering"):
        raise InputError(
            f"The vectors to compare {given} with were sphered: give a result that was sphered as they were (coverslip "
            "predict … --sphere RESULT.h5ad)."
        )
    found = predict(fitted, given, device=device, clusters=0)
    return found, ()


def _kind_with_vectors(given: Any) -> Kind | None:
    """The kind of a result that holds vectors of its patches, if it is one."""
    if isinstance(given, str | Path):
        tag = provenance_of(Path(given)).get("kind")
        kind = results.get(tag) if tag in results.names() else None
        return kind if kind is not None and "vectors" in kind.verbs else None
    kinds = (results.get(name) for name in results.names())
    return next((kind for kind in kinds if "vectors" in kind.verbs and kind.recognise(given)), None)


def _is_embedding(given: Any) -> bool:
    if isinstance(given, str | Path):
        return Path(given).suffix.lower() in (".h5ad", ".parquet")
    return isinstance(given, Embedding) or hasattr(given, "obs") or np.ndim(given) == 2


def _refuse_patches(patch: int | None, count: int | None, region: str | None) -> None:
    said = [name for name, value in (("patch", patch), ("count", count), ("region", region)) if value is not None]
    if said:
        raise InputError(f"Only slides have patches to choose from; leave --{said[0]} out.")
