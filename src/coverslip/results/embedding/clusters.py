"""What the page says of clusters before anybody believes in them: how far apart they are, and what they go with."""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip.core import Embedding
from coverslip.io.paths import PATH_COLUMNS
from coverslip.measure import explained_by, silhouette

_OF_VECTORS = ("kl", "anomaly", "reconstruction_error", "membership", "confidence")
_OF_PLACES = ("object", "frame", "top_px", "left_px", "image", "source_image", "source_mask", *PATH_COLUMNS)


def about_clusters(embedding: Embedding, column: str) -> tuple[list[str], list[dict[str, Any]]]:
    """A sentence on how far apart clusters are, and a table of what each goes with.

    Parameters
    ----------
    embedding : Embedding
    column : str
        Holds the clusters.

    Returns
    -------
    list of str
        Empty without clusters.
    list of dict
        A row for each cluster that a fact tells from all others.
    """
    obs = embedding.adata.obs
    if column not in obs or obs[column].isna().any():
        return [], []
    clusters = np.asarray(obs[column]).astype(str)
    count = len(set(clusters.tolist()))
    if not 2 <= count < len(clusters):
        return [], []
    apart = silhouette(embedding.latent, clusters)
    ours = column.endswith("cluster") and "membership" not in embedding.adata.obsm
    said = (
        f"{'k-means always finds groups, in one cloud too: the' * ours or 'The'} silhouette of these {count} is "
        f"{apart:.2f} (above 0.5 they are apart, below 0.25 there may be none)."
    )
    left_out = {column, f"coverslip_{column}", *_OF_VECTORS, *_OF_PLACES}
    facts = {str(name): np.asarray(obs[name]) for name in obs.columns if str(name) not in left_out}
    rows = [
        {
            "cluster": fact.cluster,
            "goes with": f"{fact.column} {fact.value}"
            if fact.value in ("higher", "lower")
            else f"{fact.column}: {fact.value}",
            "in it": fact.inside,
            "elsewhere": fact.outside,
            "strength": fact.strength,
        }
        for fact in explained_by(clusters, facts)
    ]
    return [said], rows
