"""What representations are worth: measured alike, as tables and in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from coverslip.core import track
from coverslip.measure import evaluate_embedding, evaluate_kept, evaluate_trust
from coverslip.measure.embeddings.evaluate import Row
from coverslip.measure.embeddings.kept import REFITS, VIEWS
from coverslip.measure.embeddings.trust import batch_column
from coverslip.measure.inputs import missing
from coverslip.samples.sheets.splits import group_names
from coverslip.study.representations.vectors import Kept

_TRUST = "Trust without labels"
_STAYS = "What stays in other fits, and with changed images"

_COLUMNS = {
    "linear probe balanced accuracy": "linear probe",
    "k-NN probe balanced accuracy": "k-NN",
    "clustering accuracy": "ACC",
    "NMI": "NMI",
    "ARI": "ARI",
    "stability of clusters": "stability",
    "silhouette of clusters": "silhouette",
    f"neighbours kept, {REFITS}": "neighbours, refits",
    f"clusters kept, {REFITS}": "clusters, refits",
    f"neighbours kept, {VIEWS}": "neighbours, views",
    f"clusters kept, {VIEWS}": "clusters, views",
}
_WORDS = {
    "linear probe": "Linear probe and k-NN: balanced accuracy on samples they were not fitted to. ACC, NMI, ARI: "
    "K-means with as many clusters as classes, against the classes.",
    "stability": "Stability: ARI between clusterings of resampled samples.",
    "neighbours, refits": "Refits: what stays of the 15 neighbours (share) and of the clusters (ARI) with fits from "
    "other seeds.",
    "neighbours, views": "Views: what stays of the 15 neighbours (share) and of the clusters (ARI) with images turned, "
    "a little moved and lit.",
    "s per 1,000": "Seconds are those of embedding 1,000 samples here, images read anew.",
}
"""What columns mean, where they are there."""


def measured(
    found: Mapping[str, np.ndarray],
    columns: Mapping[str, np.ndarray],
    split: np.ndarray | None,
    label: str,
    group: str | None,
    again: Mapping[str, Kept],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A row per representation, and one per measure of each."""
    n = len(next(iter(found.values())))
    kept = np.arange(n) if split is None else np.flatnonzero(split != "")
    labels = columns[label][kept] if label in columns and not missing(columns[label]).all() else None
    groups = group_names(columns[group])[kept] if group else None
    batch = batch_column(columns)
    rows, measures = [], []
    clusters = None if labels is None else len(np.unique(labels[~missing(labels)]))
    for name, values in track(list(found.items()), "Measuring"):
        x = values[kept]
        of_classes = evaluate_embedding(x, labels, groups=groups, split=None if split is None else split[kept])
        of_trust = evaluate_trust(
            x,
            clusters=clusters,
            batches=None if batch is None else (batch, columns[batch][kept]),
            treatments=columns["treatment"][kept] if "treatment" in columns else None,
        )
        of_kept: tuple[Row, ...] = ()
        if name in again:
            own, refits, views = again[name]
            of_kept = evaluate_kept(values[own], refits=refits, views=views, clusters=clusters).rows
        row: dict[str, Any] = {"representation": name, "values": values.shape[1]}
        for one in (*of_classes.rows, *of_trust.rows, *of_kept):
            measures.append({**one.__dict__, "features": name})
            title = _COLUMNS.get(one.measure) or (one.measure if " of " in one.measure and batch else None)
            if title and one.measure != "silhouette of classes":
                row[title] = (one.value, one.low, one.high)
        rows.append(row)
    return rows, measures


def tables_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """What needs no classes, and what stays, in tables of their own: a single one would be too wide for the page."""
    stays = {title for measure, title in _COLUMNS.items() if measure.endswith((REFITS, VIEWS))}
    trust = {key for key in rows[0] if " of " in key or key == _COLUMNS["stability of clusters"]}
    tables = {"Representations": [{key: row[key] for key in row if key not in stays | trust} for row in rows]}
    for heading, apart in ((_TRUST, trust), (_STAYS, stays)):
        of_some = [row for row in rows if any(isinstance(row.get(key), tuple) for key in apart)]
        if of_some:
            keys = ("representation", *(key for key in of_some[0] if key in apart))
            tables[heading] = [{key: row[key] for key in keys} for row in of_some]
    return tables


def notes_of(rows: Sequence[Mapping[str, Any]], split: bool, group: str | None) -> list[str]:
    """What the columns mean, how probes were asked, and what they read most from."""
    meant = " ".join(words for column, words in _WORDS.items() if column in rows[0])
    if "linear probe" not in rows[0]:
        return [meant, "There are no classes, so what needs them is not measured."]
    how = "on the test part of the split" if split else "cross-validated"
    how += f", whole groups of '{group}' held out" if group else ""
    best = max(rows, key=lambda row: row["linear probe"][0])
    value, low, high = best["linear probe"]
    read = f"The linear probe reads most from {best['representation']}: {value:.3f} [{low:.3f}, {high:.3f}]."
    return [meant, f"Probes are {how}.", read]
