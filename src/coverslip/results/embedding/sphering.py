"""Embeddings sphered on their controls: what was done stays in the result."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Embedding, InputError, other_models
from coverslip.core.words import number_of
from coverslip.io.h5ad import read_embedding
from coverslip.io.index.conditions import Coded, rows_where
from coverslip.measure import Sphering, fit_sphering
from coverslip.measure.embeddings.sphering import FEWEST, PER_DIMENSION
from coverslip.samples.opening.again import as_words

UNSPHERED = "unsphered"
"""In ``obsm``: the vectors as the model made them."""

_KEPT = "sphering"
"""In ``uns``: means and matrices, and of which group each is; of the model in the provenance: how it was done."""

_LISTED = 8


def add_sphering(embedding: Embedding, controls: str, by: str | None) -> None:
    """Put sphered vectors in the place of those of the model, which stay in ``obsm["unsphered"]``.

    Parameters
    ----------
    embedding : Embedding
        Is changed; its provenance is to be written before.
    controls : str
        Which rows are controls, such as ``treatment = DMSO``; or another result, an ``.h5ad``, whose transforms are
        taken, for samples without controls of their own.
    by : str, optional
        Column such as plate: each of its groups is sphered on its own controls.

    Raises
    ------
    InputError
        If there are too few controls, a column is missing, or the other result was not sphered.
    """
    found, said = _as_in(Path(controls), embedding) if _is_result(controls) else _fitted(embedding, controls, by)
    if _is_result(controls):
        by = said["by"]
    groups = _groups(embedding.obs, len(embedding), by)
    unknown = sorted(set(groups) - set(found))
    if unknown:
        raise InputError(f"{controls} has no sphering of {by} '{unknown[0]}'; it has those of {', '.join(found)}.")
    sphered = np.empty(embedding.latent.shape, np.float32)
    for name, sphering in found.items():
        rows = groups == name
        if rows.any():
            sphered[rows] = sphering.apply(embedding.latent[rows])
    adata = embedding.adata
    adata.obsm[UNSPHERED] = embedding.latent
    adata.obsm["latent"] = adata.X = sphered
    used = list(found.values())
    adata.uns[_KEPT] = {
        "of": np.array(list(found), dtype=object),
        "mean": np.stack([each.mean for each in used]),
        "matrix": np.stack([each.matrix for each in used]),
    }
    adata.uns["coverslip"] = {**embedding.provenance, "model": {**_model(embedding), _KEPT: said}}


def about_sphering(embedding: Embedding) -> list[str]:
    """Sentences on how vectors were sphered; none where they were not."""
    said = _model(embedding).get(_KEPT)
    return _sentences(said, embedding.latent.shape[1]) if isinstance(said, dict) else []


def unsphered(embedding: Embedding) -> dict[str, np.ndarray]:
    """The vectors before sphering, to be measured beside those after it; nothing where there was none."""
    if UNSPHERED not in embedding.adata.obsm:
        return {}
    return {"before sphering": np.asarray(embedding.adata.obsm[UNSPHERED])}


def sphered_beside(
    latent: np.ndarray, columns: Mapping[str, np.ndarray], controls: str, by: str | None
) -> tuple[np.ndarray, list[str]]:
    """Vectors sphered as by `add_sphering`, for a comparison, and sentences on how."""
    embedding = Embedding.from_arrays(latent, columns)
    add_sphering(embedding, controls, by)
    return embedding.latent, about_sphering(embedding)


def controls_of(
    columns: Mapping[str, np.ndarray], count: int, controls: str, by: str | None
) -> tuple[np.ndarray, np.ndarray]:
    """Which rows are controls, and which group each row is of; there are enough of them in every group.

    Raises
    ------
    InputError
        If there are too few, or a column is missing.
    """
    rows = rows_where(controls, columns, count, lambda name: Coded.of(np.asarray(columns[name])))
    if not rows.any():
        raise InputError(f"No sample fulfils '{controls}', so there are no controls to sphere on.")
    groups = _groups(columns, count, by)
    counts = {name: int((rows & (groups == name)).sum()) for name in dict.fromkeys(groups.tolist())}
    few = {name: number for name, number in counts.items() if number < FEWEST}
    if few:
        name, number = next(iter(few.items()))
        where = f"{by} '{name}' has" if by else "there are"
        others = f", and {len(few) - 1} more have too few" if len(few) > 1 else ""
        rest = "; sphere all together (without sphere-by), or leave these rows out" if by else ""
        raise InputError(f"Sphering needs at least {FEWEST} controls, and {where} {number}{others}{rest}.")
    return rows, groups


def _fitted(embedding: Embedding, controls: str, by: str | None) -> tuple[dict[str, Sphering], dict[str, Any]]:
    """A transform for each group, and what to note of them."""
    rows, groups = controls_of(embedding.obs, len(embedding), controls, by)
    names = dict.fromkeys(groups.tolist())
    found = {name: fit_sphering(embedding.latent[rows & (groups == name)]) for name in names}
    fits = {name: {"controls": each.controls, "shrinkage": round(each.shrinkage, 4)} for name, each in found.items()}
    return found, {"controls": controls, "by": by, "of": fits}


def _as_in(path: Path, embedding: Embedding) -> tuple[dict[str, Sphering], dict[str, Any]]:
    """The transforms of another result."""
    other = read_embedding(path)
    kept, said = other.adata.uns.get(_KEPT), _model(other).get(_KEPT)
    models = other_models({"model": _model(other) | {_KEPT: None}}, {"model": _model(embedding)})
    if models:
        raise InputError(f"{path} was made with the model {models[0]}, and these with {models[1]}; sphere anew.")
    if not isinstance(kept, Mapping) or not isinstance(said, dict):
        raise InputError(f"{path} was not sphered; name a result of 'coverslip predict … --sphere'.")
    if kept["mean"].shape[1] != embedding.latent.shape[1]:
        raise InputError(
            f"{path} has vectors of {kept['mean'].shape[1]} values, and these have {embedding.latent.shape[1]}."
        )
    names = [str(name) for name in kept["of"]]
    fits = said["of"]
    found = {
        name: Sphering(kept["mean"][i], kept["matrix"][i], fits[name]["controls"], fits[name]["shrinkage"])
        for i, name in enumerate(names)
    }
    return found, {**said, "as_in": str(path.resolve())}


def _model(embedding: Embedding) -> dict[str, Any]:
    """What its provenance says of its model."""
    model = embedding.provenance.get("model")
    return dict(model) if isinstance(model, dict) else {}


def _is_result(controls: str) -> bool:
    return controls.lower().endswith(".h5ad") and "=" not in controls


def _groups(columns: Mapping[str, np.ndarray], count: int, by: str | None) -> np.ndarray:
    if by is None:
        return np.full(count, "all", dtype=object)
    if by not in columns:
        raise InputError(f"There is no column '{by}' to sphere by; there are: {', '.join(columns)}.")
    words = as_words(columns[by])
    empty = int((words == "").sum())
    if empty:
        raise InputError(
            f"{number_of(empty, 'row has', 'rows have')} nothing in the column '{by}'; fill it, or leave it out."
        )
    return words


def _sentences(said: Mapping[str, Any], dimensions: int) -> list[str]:
    fits: Mapping[str, Mapping[str, Any]] = said["of"]
    counts = [each["controls"] for each in fits.values()]
    by = f" of each {said['by']} ({len(fits)})" if said["by"] else ""
    number = f"{min(counts):,}" if min(counts) == max(counts) else f"{min(counts):,} to {max(counts):,}"
    whose = f"as in {said['as_in']}, there " if "as_in" in said else ""
    notes = [f"Sphered {whose}on the {number} controls{by}: {said['controls']}."]
    wanted = PER_DIMENSION * dimensions
    few = [name for name, each in fits.items() if each["controls"] < wanted]
    if few:
        most = max(fits[name]["shrinkage"] for name in few)
        where = (
            ""
            if not said["by"]
            else f" in {len(few)} of {len(fits)} groups"
            if len(few) > _LISTED
            else (f" in {', '.join(few)}")
        )
        notes.append(
            f"That is fewer than {wanted} controls ({PER_DIMENSION} for each of {dimensions} dimensions){where}: up to "
            f"{most:.0%} of their correlation was taken for chance, and less is removed than more controls would."
        )
    return notes
