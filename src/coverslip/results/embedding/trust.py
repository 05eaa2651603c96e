"""What can be trusted of an embedding without classes, for the table and for the page."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from coverslip.core import CoverslipError, Embedding, InputError, Samples, Subset
from coverslip.core.spread import evenly
from coverslip.measure import evaluate_trust, pca_baseline, retrieval
from coverslip.measure.embeddings.trust import BATCHES, batch_column
from coverslip.models.folder import Model
from coverslip.results.embedding.sphering import unsphered
from coverslip.samples.opening.again import as_words

TRUST = "Trust without labels"

_OF_A_FIT = 500
"""Samples that the card of a fit is measured on: within a second."""

_VALUES = 2e8
"""More pixel values than this, and the page does without principal components."""


def trust_rows(
    embedding: Embedding, columns: Mapping[str, np.ndarray], baselines: Mapping[str, np.ndarray], seed: int
) -> list[dict[str, Any]]:
    """The measures as `coverslip.measure.evaluate_trust` has them, beside the principal components.

    Of sphered vectors also those of what they were before.
    """
    if len(embedding) < 8:
        return []
    before = unsphered(embedding)
    words = {name: as_words(columns[name]) for name in (*BATCHES, "treatment") if name in columns}
    batch = batch_column(words)
    table = evaluate_trust(
        embedding.latent,
        clusters=clusters_of(embedding, columns),
        batches=None if batch is None else (batch, words[batch]),
        treatments=words.get("treatment"),
        baselines={**before, **{name: values for name, values in baselines.items() if name.startswith("PCA")}},
        seed=seed,
    )
    return table.records()


def clusters_of(embedding: Embedding, columns: Mapping[str, np.ndarray]) -> int | None:
    """How many clusters it has; None where there are none, or too many for the number of samples."""
    clusters = columns.get("cluster")
    k = 0 if clusters is None else len(set(as_words(clusters)))
    return k if 1 < k < len(embedding) // 4 else None


def page_rows(embedding: Embedding, opened: Samples | None) -> list[dict[str, Any]]:
    """The same for the page: the embedding beside PCA and K-means, where the images are at hand."""
    columns = {str(name): np.asarray(embedding.adata.obs[name]) for name in embedding.adata.obs.columns}
    baselines = {}
    if opened is not None and len(opened) == len(embedding) and len(opened) * prod(opened.shape) <= _VALUES:
        pixels = opened.read(np.arange(len(opened))).reshape(len(opened), -1).astype(np.float32)
        size = min(embedding.latent.shape[1], *pixels.shape)
        if (pixels != pixels[:1]).any():
            baselines[f"PCA {size}"] = pca_baseline(pixels, pixels, size)
    rows = trust_rows(embedding, columns, baselines, 0)
    return [{name: value for name, value in row.items() if name != "n"} for row in rows]


def card_tables(model: Model, samples: Samples, device: str) -> dict[str, list[dict[str, Any]]]:
    """The same for the card of a fit, of at most 500 of its samples; nothing where they cannot be measured."""
    some = Subset(samples, evenly(len(samples), _OF_A_FIT))
    try:
        rows = page_rows(model.implementation.predict(model, some, device=device), some)
    except CoverslipError:
        return {}  # such as of vectors that are all the same, which the fit has said
    return {TRUST: [{name: _rounded(value) for name, value in row.items()} for row in rows]} if rows else {}


def _rounded(value: Any) -> Any:
    return float(f"{value:.3g}") if isinstance(value, float) else value


def treatment_rows(embedding: Embedding) -> tuple[str, list[dict[str, Any]]]:
    """What the batches are called, and for each treatment in two of them how well its samples find each other.

    Those found best come first; empty without treatments that are in two batches.
    """
    columns = {str(name): np.asarray(embedding.adata.obs[name]) for name in embedding.adata.obs.columns}
    words = {name: as_words(columns[name]) for name in (*BATCHES, "treatment") if name in columns}
    batch = batch_column(words)
    if batch is None or "treatment" not in words:
        return "", []
    known = (words[batch] != "") & (words["treatment"] != "")
    try:
        found = retrieval(embedding.latent[known], words["treatment"][known], words[batch][known])
    except InputError:
        return "", []  # one treatment, or none in two batches
    named, counts = np.unique(words["treatment"][known], return_counts=True)
    samples = dict(zip(named, counts.tolist(), strict=True))
    rows = [
        {
            "treatment": name,
            "samples": samples[name],
            "mAP": float(found.value[i]),
            "by chance": float(found.chance[i]),
            "p": float(found.p[i]),
        }
        for i, name in enumerate(found.treatments)
    ]
    return batch, sorted(rows, key=lambda row: (row["p"], -row["mAP"]))
