"""Decompositions against the truth: as the labels they are, and whole objects where the truth has whole masks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from coverslip.core import Decomposition, LabelMap, Measured, about, track
from coverslip.core.words import number_of
from coverslip.io.images.opening import is_image_name
from coverslip.measure.objects.amodal import AmodalEvaluation, AmodalMasks, evaluate_amodal
from coverslip.results.decomposition.folder import read_layers, whole_masks
from coverslip.results.decomposition.options import Evaluate
from coverslip.results.labels.evaluation import groups_of, measured_by_split, pairs_to_measure
from coverslip.results.labels.folder import LabelFolder
from coverslip.results.labels.pairs import Labelled


def evaluate(result: Any, truth: Any, images: Any, seed: int, options: Evaluate) -> Measured:
    """Measure decompositions; see `coverslip.evaluate`.

    A truth has whole masks where its sheet has the column ``layers``, as a folder of decompositions and one of phantoms
    have; without a truth, where the sheet that was predicted on had it.
    """
    if isinstance(result, Decomposition):
        result = LabelMap(result.labels, result.source, result.pixel_size, result.provenance)
    pairs, notes = pairs_to_measure(result, truth, options)
    column = "source_layers" if truth is None else "layers"
    whole = [(mine, true) for mine, true in pairs if _has(mine, "layers") and _has(true, column)]
    if 0 < len(whole) < len(pairs):
        notes.append(f"Whole objects are measured in {len(whole)} of {len(pairs)} images: the others name no layers.")
    flat = measured_by_split(pairs, notes, seed, options)
    if not whole:
        return flat
    table = evaluate_amodal(_read(whole, column), groups=groups_of(whole, options.group), seed=seed)
    every = {"split": "all"} if "split" in flat.rows[0] else {}
    return replace(flat, rows=[*flat.rows, *({**every, **row} for row in _rows(table))])


def _has(image: Labelled, column: str) -> bool:
    """Whether a row names a file in this column; some people's sheets have other things there."""
    return image.folder is not None and is_image_name(image.facts.get(column, ""))


def _read(pairs: Sequence[tuple[Labelled, Labelled]], column: str) -> Iterator[tuple[str, AmodalMasks, AmodalMasks]]:
    for mine, true in track(pairs, "Measuring whole objects"):
        yield true.name, _masks(true, column), _masks(mine, "layers")


def _masks(image: Labelled, column: str) -> AmodalMasks:
    assert image.folder is not None  # `_has` made sure
    with about(image.name):
        row = {**image.facts, "layers": image.facts[column]}
        return whole_masks(read_layers(LabelFolder(image.folder, image.folder, [row]), 0))


def _rows(table: AmodalEvaluation) -> list[dict[str, Any]]:
    """The rows as those of label images; nothing is averaged over the images."""
    found = []
    for row in table.rows:
        which = "" if row.overlap == "all" else f", overlap {row.overlap}"
        said = f"{number_of(row.n, 'whole object')}{which and f' with an overlap of {row.overlap}'}"
        iou, recall = (row.iou, row.iou_low, row.iou_high), (row.recall, row.recall_low, row.recall_high)
        found.append(_row(f"amodal_iou{which}", iou, row.images, f"mean IoU with the partner, 0 without; {said}"))
        found.append(_row(f"amodal_recall{which}", recall, row.images, f"with a partner at IoU ≥ 0.5; {said}"))
    counted = f"TP / (TP + FP + FN), IoU ≥ 0.5; {number_of(table.n_true, 'whole object')}, {table.n_predicted} found"
    return [*found, _row("amodal_ap50", (table.ap50, np.nan, np.nan), table.rows[-1].images, counted)]


def _row(measure: str, interval: tuple[float, float, float], images: int, note: str) -> dict[str, Any]:
    value, low, high = interval
    over_images = dict.fromkeys(("mean", "mean_low", "mean_high"), np.nan)
    return {"measure": measure, "value": value, "low": low, "high": high, **over_images, "n": images, "note": note}
