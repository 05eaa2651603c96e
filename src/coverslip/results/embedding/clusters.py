"""What the page says of clusters before anybody believes in them: how far apart they are, and what they go with."""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip.core import Embedding
from coverslip.io.paths import PATH_COLUMNS
from coverslip.measure import explained_by, gaps, silhouette
from coverslip.measure.embeddings.modes import TOLD_APART

_OF_VECTORS = ("kl", "anomaly", "reconstruction_error", "membership", "confidence")
_LISTED = 4
"""Pairs of clusters that are named; of more only the number is."""

_OF_PLACES = ("object", "frame", "top_px", "left_px", "image", "source_image", "source_mask", *PATH_COLUMNS)


def about_clusters(embedding: Embedding, column: str) -> tuple[list[str], list[dict[str, Any]]]:
    """Sentences on how far apart clusters are, and a table of what each goes with.

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
    return [said, _between(embedding.latent, clusters)], rows


def _between(latent: np.ndarray, clusters: np.ndarray) -> str:
    """A sentence on which clusters go over into the next."""
    found = gaps(latent, clusters)
    joined = [gap for gap in found if gap.p >= TOLD_APART]
    if not joined:
        return "Between each and the next there is a gap (dip test)."
    if len(joined) == len(found):
        return "There is no gap between any of them and the next (dip test): fewer may do, or there may be none."
    if len(joined) <= _LISTED:
        pairs = ", ".join(f"{gap.one} and {gap.other}" for gap in joined)
        return f"There is no gap (dip test) between {pairs}: look whether they deserve one name."
    count = len({name for gap in joined for name in (gap.one, gap.other)})
    return f"Between {count} of them and the next there is no gap (dip test): some may deserve one name."
