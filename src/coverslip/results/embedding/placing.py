"""Further samples on a map that is there already, with the known ones that are most like them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Embedding, InputError, free_name, other_models, own_name
from coverslip.core.words import number_of, word_for
from coverslip.figures.maps import ensure_map, pca_map
from coverslip.figures.thumbnails import thumbnails
from coverslip.io.h5ad import read_embedding
from coverslip.measure import nearest
from coverslip.samples.opening.again import images_of

PLACED = "placed"
"""Of each sample whether it is of the ``known`` or of the ``new`` ones, and of these, which are far from all known."""

NEW, FAR = "new", "new, far from all known"

_FAR = 99
"""Farther from its nearest known sample than this percentage of the known ones are from theirs, a new one is far."""

_NEIGHBOURS = 5
_LISTED = 200


def placed(known: Embedding, path: str | Path) -> tuple[Embedding, dict[str, np.ndarray]]:
    """Known and further samples together, and the maps of the known ones with all on them.

    Parameters
    ----------
    known : Embedding
        N samples.
    path : str or Path
        Another result, of M samples, by the same model.

    Returns
    -------
    embedding : Embedding
        N + M samples. Further columns: ``placed`` (``known``, ``new``, or ``new, far from all known``: farther from the
        nearest one than 99 % of the known are from theirs); for new ones ``nearest`` (the id of the known sample most
        like it), ``distance`` to it in units of the typical distance between known neighbours, and, where there is a
        column ``label`` or ``cluster``, ``said``: what most of the 5 nearest are.
    maps : dict of str to ndarray, shape (N + M, 2)
        Known samples stay where they were. The axes are theirs; on a UMAP, which has none, a new sample lies amid its
        nearest known ones, where UMAP itself begins to place further samples.

    Raises
    ------
    InputError
        If the vectors are not of the same length, or not of the same model.
    """
    new = comparable(known, path)
    which, far = nearest(new.latent, known.latent, _NEIGHBOURS)
    between = nearest(known.latent, k=1)[1][:, 0]
    usual = float(np.median(between)) or 1.0
    is_far = far[:, 0] > np.percentile(between, _FAR)
    maps = {}
    if known.latent.shape[1] == 2:
        maps["Latents"] = np.concatenate([known.latent, new.latent])
    maps["PCA"] = _along(known.latent, new.latent)
    if "X_umap" in known.adata.obsm:
        xy = ensure_map(known, "umap")
        weight = 1 / np.maximum(far, 1e-9)
        amid = (xy[which] * weight[..., None]).sum(axis=1) / weight.sum(axis=1, keepdims=True)
        maps["UMAP"] = np.concatenate([xy, amid])
    return _together(known, new, which, far / usual, is_far), maps


def comparable(known: Embedding, path: str | Path) -> Embedding:
    """A further result, opened.

    Raises
    ------
    InputError
        If its vectors are not of the same length, or not of the same model.
    """
    new = read_embedding(path)
    if known.latent.shape[1] != new.latent.shape[1]:
        raise InputError(
            f"{path} has vectors of {new.latent.shape[1]} values, and the map those of {known.latent.shape[1]}: embed "
            "the samples with the model of the map."
        )
    odd = ~np.isfinite(new.latent).all(axis=1)
    if odd.any():
        raise InputError(
            f"{path}: {odd.sum()} of {number_of(len(new), 'sample')} {word_for(odd.sum(), 'has', 'have')} latents "
            "that are not finite; leave them out."
        )
    models = other_models(known.provenance, new.provenance)
    if models:
        raise InputError(
            f"{path} was made with the model {models[1]}, and the map with {models[0]}: vectors of two models do not "
            "compare; embed the samples with the model of the map."
        )
    return new


def _along(known: np.ndarray, new: np.ndarray) -> np.ndarray:
    """New vectors along the principal components of the known ones."""
    xy, _ = pca_map(known)
    # The map is affine in the vectors, so it follows from them.
    one = np.ones((len(known), 1))
    affine, *_ = np.linalg.lstsq(np.hstack([known.astype(np.float64), one]), xy.astype(np.float64), rcond=None)
    return np.concatenate([xy, np.hstack([new, np.ones((len(new), 1))]) @ affine])


def _together(
    known: Embedding, new: Embedding, which: np.ndarray, distance: np.ndarray, is_far: np.ndarray
) -> Embedding:
    import pandas as pd

    n = len(known)
    obs = pd.concat([known.adata.obs, new.adata.obs], ignore_index=True)
    facts: dict[str, Any] = {
        PLACED: np.array(["known"] * n + np.where(is_far, FAR, NEW).tolist(), dtype=object),
        "nearest": np.array([""] * n + [str(known.adata.obs_names[i]) for i in which[:, 0]], dtype=object),
        "distance": np.concatenate([np.full(n, np.nan), distance[:, 0]]),
    }
    column = next((name for name in ("label", "cluster") if name in known.adata.obs), None)
    if column:
        words = known.adata.obs[column].astype(str).to_numpy()
        said = [max(sorted(set(row)), key=list(row).count) for row in words[which]]
        facts["said"] = np.array([""] * n + said, dtype=object)
    columns = {str(name): np.asarray(obs[name]) for name in obs.columns}
    for name, values in facts.items():
        columns[free_name(name, columns)] = values
    latent = np.concatenate([known.latent, new.latent])
    return Embedding.from_arrays(latent, columns, provenance=known.provenance)


def with_further(pictures: np.ndarray | None, path: str | Path) -> np.ndarray | None:
    """Pictures of the known samples and of those of another result; None where either are not at hand."""
    new = read_embedding(path)
    opened, _ = images_of(dict(new.adata.obs), new.provenance)
    if pictures is None or opened is None:
        return None
    more = thumbnails(opened, opened.channels)
    return np.concatenate([pictures, more]) if more.shape[1:] == pictures.shape[1:] else None


def placed_rows(embedding: Embedding) -> list[dict[str, Any]]:
    """The new samples for a table, those least like anything known first."""
    obs = embedding.adata.obs
    ours = {own_name(name, obs): name for name in (PLACED, "nearest", "distance", "said")}
    named = obs[[name for name in ("image", "window_px", *ours) if name in obs]].rename(columns=ours)
    new = named[named[PLACED] != "known"].sort_values("distance", ascending=False).head(_LISTED)
    if "image" in new:  # the end of the path tells images apart, and leaves room for what was found
        new["image"] = ["/".join(Path(str(image)).parts[-2:]) for image in new["image"]]
    rows: list[dict[str, Any]] = new.drop(columns=PLACED).to_dict("records")
    return rows


def about_placed(embedding: Embedding) -> str:
    """A sentence on how many of the new samples are like nothing that is known."""
    column = np.asarray(embedding.adata.obs[own_name(PLACED, embedding.adata.obs)]).astype(str)
    new, far = int((column != "known").sum()), int((column == FAR).sum())
    found = (
        f"{far:,} of {new:,} new samples lie farther from anything known than {_FAR} % of the known ones do from each "
        "other"
    )
    if far <= 2 * new * (100 - _FAR) / 100:
        return f"{found}, which is as many as chance has: the new samples are like those that the map was made of."
    return (
        f"{found}, where {100 - _FAR} % would by chance: nothing like these was known, and where the map shows them "
        "says little; look at them first."
    )
