"""An embedding against the truth, beside simple baselines."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Embedding, InputError, Measured, Samples, about
from coverslip.io.h5ad import read_embedding
from coverslip.io.paths import PARTS, part_of
from coverslip.results.embedding.images import as_text, images_of, is_empty
from coverslip.results.embedding.options import Evaluate
from coverslip.results.embedding.reconstruction import reconstruction_rows
from coverslip.results.embedding.trust import trust_rows


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
    groups = _as_words(columns[group]) if group else _usual_groups(columns)
    split = _train_and_test(columns)
    opened = images_of(embedding, images) if options.baseline or options.reconstruction else (None, "")
    baselines, notes = {}, []
    if options.baseline and opened[0] is not None:
        baselines = _pixel_baselines(embedding, split, opened[0])
    elif options.baseline:
        notes.append(f"PCA and raw pixels are not compared: {opened[1]}")
    found: list[Any] = []
    if label in columns or not factors:
        if label not in columns:
            notes.append(
                f"There is no column '{label}', so only the separation of clusters is measured; name a column of "
                "classes with --label, or give a sheet that has one."
            )
        kept = np.arange(len(embedding)) if split is None else np.flatnonzero(split != "")
        table = evaluate_embedding(
            embedding.latent[kept],
            columns[label][kept] if label in columns else None,
            groups=None if groups is None else groups[kept],
            split=None if split is None else split[kept],
            baselines={name: values[kept] for name, values in baselines.items()},
            seed=seed,
        )
        found += table.records()
    if factors:
        known_factors = {name: columns[name] for name in factors}
        table = evaluate_factors(embedding.latent, known_factors, groups=groups, baselines=baselines, seed=seed)
        found += table.records()
    if options.trust:
        found += trust_rows(embedding, columns, baselines, seed)
    rows, more = reconstruction_rows(embedding, opened, split, groups, seed) if options.reconstruction else ([], ())
    if not found and not rows:
        raise InputError(" ".join([*notes, *more, "Nothing is left to measure."]))
    return Measured(found + rows, (*notes, *more))


def _as_words(column: np.ndarray) -> np.ndarray:
    return np.array(["" if is_empty(value) else as_text(value) for value in column], dtype=object)


def _truth_columns(embedding: Embedding, truth: Any) -> dict[str, np.ndarray]:
    from coverslip.samples import Sheet, read_sheet

    obs = embedding.adata.obs
    own = {str(name): np.asarray(obs[name]) for name in obs.columns}
    if truth is None:
        return own
    sheet = truth if isinstance(truth, Sheet) else read_sheet(truth)
    if "image" not in own:
        raise InputError(
            "The result does not say which image each row is (no column 'image'), so no sheet can be matched; leave "
            "the sheet out, or embed the images anew."
        )
    base = Path(embedding.provenance.get("inputs", {}).get("folder") or sheet.folder)

    def part(row: Mapping[str, Any]) -> str:
        return part_of({name: as_text(row[name]) for name in PARTS if not is_empty(row.get(name))})

    # By the file itself; or, where images and result have moved since, by what the sheet calls it.
    rows = {(row["image"], part(row)): row for row in sheet.rows}
    rows |= {(str((sheet.folder / row["image"]).resolve()), part(row)): row for row in sheet.rows}
    matched = []
    for mine in obs[[name for name in ("image", *PARTS) if name in own]].to_dict("records"):
        image, said = str(mine["image"]), part(mine)
        row = rows.get((str((base / image).resolve()), said)) or rows.get((image, said))
        if row is None:
            where = ", ".join(filter(None, (image, said)))
            raise InputError(f"{sheet.name} has no row for {where}; give the sheet that the result was made from.")
        matched.append(row)
    return own | {name: np.array([row[name] for row in matched], dtype=object) for name in sheet.columns}


def _usual_groups(columns: Mapping[str, np.ndarray]) -> np.ndarray | None:
    from coverslip.samples.sheets.splits import usual_groups

    name = usual_groups(columns)
    return _as_words(columns[name]) if name else None


def _train_and_test(columns: Mapping[str, np.ndarray]) -> np.ndarray | None:
    from coverslip.samples import given_split

    n = len(next(iter(columns.values()), ()))
    parts = given_split(columns, n)
    if parts is None:
        return None
    scored = parts["test"] if len(parts["test"]) else parts["val"]
    if not len(parts["train"]) or not len(scored):
        return None
    words = np.full(n, "", dtype=object)
    words[parts["train"]], words[scored] = "train", "test"
    return words


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
