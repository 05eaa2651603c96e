"""Clusters as the page shows them, to be named: typical, borderline and random cells of each, and what to look at."""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip.core import Embedding, InputError
from coverslip.core.words import number_of
from coverslip.measure import cluster_samples, neighbour_shares, worth_a_look
from coverslip.results.embedding.naming import OF_MODEL, OF_RESULT

MOST = 60
"""Of more clusters than this nobody names each."""

SHOWN = 6
"""Pictures of each kind."""

LOOK = 20
"""Cells that are worth a look."""


def groups_to_name(embedding: Embedding, column: str, pictured: np.ndarray, seed: int = 0) -> dict[str, Any] | None:
    """What the page shows of clusters, ready for JSON.

    Parameters
    ----------
    embedding : Embedding
        N samples.
    column : str
        The column that holds the clusters.
    pictured : ndarray of int
        Rows that have a picture: only these are shown.
    seed : int
        For those drawn at random.

    Returns
    -------
    dict or None
        None where there is no such column, or `check_groups` refuses it.
    """
    if column not in embedding.adata.obs or len(pictured) < 4:
        return None
    try:
        check_groups(embedding, column)
    except InputError:
        return None
    every = embedding.adata.obs[column]
    sizes = every.astype(str).value_counts()
    latent, clusters = embedding.latent[pictured], every.astype(str).to_numpy()[pictured]
    shares, names = neighbour_shares(latent, clusters, seed=seed)
    own = shares[np.arange(len(clusters)), np.searchsorted(names, clusters)]
    chosen = cluster_samples(latent, clusters, own, count=SHOWN, seed=seed)
    return {
        "column": column,
        "of": whose(embedding, column),
        "clusters": [
            {
                "name": each.name,
                "size": int(sizes[each.name]),
                "agreement": round(float(own[clusters == each.name].mean()), 3),
                "typical": pictured[each.typical].tolist(),
                "borderline": pictured[each.borderline].tolist(),
                "random": pictured[each.random].tolist(),
            }
            for each in chosen
        ],
        "look": pictured[worth_a_look(latent, own, LOOK)].tolist(),
    }


def check_groups(embedding: Embedding, column: str) -> None:
    """Refuse a column whose groups nobody can name.

    Raises
    ------
    InputError
        If there is none of that name, rows lack a value, or it holds a single group or more than 60.
    """
    values = embedding.column(column)
    missing = int(embedding.adata.obs[column].isna().sum())
    if missing:
        raise InputError(
            f"The column '{column}' lacks a value for {number_of(missing, 'sample')}, so its groups cannot be named."
        )
    count = len(set(values.astype(str)))
    if not 2 <= count <= MOST:
        raise InputError(f"The column '{column}' holds {number_of(count, 'group')}; 2 to {MOST} can be named.")


def whose(embedding: Embedding, column: str) -> str:
    """Whether a column holds the clusters of a model, by its soft memberships, or such as were found in the result."""
    if "membership" not in embedding.adata.obsm:
        return OF_RESULT
    own = (np.asarray(embedding.adata.obsm["membership"]).argmax(axis=1) + 1).astype(str)
    return OF_MODEL if (embedding.column(column).astype(str) == own).all() else OF_RESULT
