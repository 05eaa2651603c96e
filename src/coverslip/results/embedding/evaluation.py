"""An embedding against the truth, beside simple baselines."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Embedding, InputError, Measured, Samples, about
from coverslip.io.h5ad import read_embedding
from coverslip.results.embedding.options import Evaluate
from coverslip.results.embedding.reconstruction import reconstruction_rows
from coverslip.results.embedding.sphering import unsphered
from coverslip.results.embedding.trust import clusters_of, trust_rows
from coverslip.results.embedding.views import view_rows
from coverslip.samples.opening.again import as_words, columns_of, images_of
from coverslip.samples.sheets.splits import train_and_test


def evaluate(result: Any, truth: Any, images: Any, seed: int, options: Evaluate) -> Measured:
    """Measure an embedding; see `coverslip.evaluate`."""
    named = result if isinstance(result, str | Path) else None
    with about(named):
        return _measured(result if named is None else read_embedding(named), truth, images, seed, options)


def _measured(embedding: Embedding, truth: Any, images: Any, seed: int, options: Evaluate) -> Measured:
    label, group, factors = options.label, options.group, options.factors
    from coverslip.measure import evaluate_embedding, evaluate_factors

    columns = _truth_columns(embedding, truth)
    wanted = [*factors, *([label] if label != Evaluate().label else []), *([group] if group else [])]
    for name in wanted:
        if name not in columns:
            known = ", ".join(columns)
            raise InputError(
                f"There is no column '{name}' to evaluate with; name one of {known}, or give a sheet that has it."
            )
    groups = _groups(columns, group)
    split = train_and_test(columns, len(embedding))
    opened = (
        images_of(columns, embedding.provenance, images)
        if options.baseline or options.reconstruction or options.views
        else (None, "")
    )
    baselines, notes = {}, []
    if options.baseline and opened[0] is not None:
        baselines = _pixel_baselines(embedding, split, opened[0])
    elif options.baseline:
        notes.append(f"PCA and raw pixels are not compared: {opened[1]}")
    found: list[Any] = []
    labels = columns.get(label)
    if labels is not None and label not in wanted and len(set(as_words(labels)) - {""}) == 1:
        notes.append(f"All samples of the column '{label}' are of one class, so classes are not measured.")
        labels = None
    if label in columns or not factors:
        if label not in columns:
            notes.append(
                f"There is no column '{label}', so only the separation of clusters is measured; name a column of "
                "classes with --label, or give a sheet that has one."
            )
        kept = np.arange(len(embedding)) if split is None else np.flatnonzero(split != "")
        table = evaluate_embedding(
            embedding.latent[kept],
            None if labels is None else labels[kept],
            groups=None if groups is None else groups[kept],
            split=None if split is None else split[kept],
            baselines={name: values[kept] for name, values in {**unsphered(embedding), **baselines}.items()},
            seed=seed,
        )
        found += table.records()
    if factors:
        known_factors = {name: columns[name] for name in factors}
        table = evaluate_factors(embedding.latent, known_factors, groups=groups, baselines=baselines, seed=seed)
        found += table.records()
    if options.trust:
        found += trust_rows(embedding, columns, baselines, seed)
    if options.views:
        viewed, why = view_rows(embedding, opened, options.views, clusters_of(embedding, columns), seed)
        found += viewed
        notes += why
    rows, more = reconstruction_rows(embedding, opened, split, groups, seed) if options.reconstruction else ([], ())
    if not found and not rows:
        raise InputError(" ".join([*notes, *more, "Nothing is left to measure."]))
    return Measured(found + rows, (*notes, *more))


def _truth_columns(embedding: Embedding, truth: Any) -> dict[str, np.ndarray]:
    from coverslip.samples import Sheet, read_sheet

    own = _own_columns(embedding)
    if truth is None:
        return own
    sheet = truth if isinstance(truth, Sheet) else read_sheet(truth)
    return own | columns_of(sheet, own, embedding.provenance)


def _own_columns(embedding: Embedding) -> dict[str, np.ndarray]:
    obs = embedding.adata.obs
    return {str(name): np.asarray(obs[name]) for name in obs.columns}


def _groups(columns: Mapping[str, np.ndarray], group: str | None) -> np.ndarray | None:
    """Those of a column, or of the usual one, where there is some."""
    from coverslip.samples.sheets.splits import group_names, usual_groups

    name = group or usual_groups(columns)
    return group_names(columns[name]) if name else None


def _pixel_baselines(embedding: Embedding, split: np.ndarray | None, opened: Samples) -> dict[str, np.ndarray]:
    from coverslip.core.memory import free_memory
    from coverslip.measure import pca_baseline

    needed, free = 4 * len(opened) * prod(opened.shape), free_memory()
    if needed > free // 3:  # as float32, and once more for the components and the probes
        raise InputError(
            f"The pixels of {len(opened)} samples take {needed / 1e9:.0f} GB, too much for the baselines in "
            f"{free / 1e9:.0f} GB of free memory; leave them out (--no-baseline), or evaluate a part."
        )
    pixels = opened.read(np.arange(len(opened))).reshape(len(opened), -1).astype(np.float32)
    size = min(embedding.latent.shape[1], *pixels.shape)
    train = pixels if split is None else pixels[split == "train"]
    return {f"PCA {size}": pca_baseline(train, pixels, size), "raw pixels": pixels}
