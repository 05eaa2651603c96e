"""What the page of label images says in numbers: of each image, of all objects, of the measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.core.words import counted
from coverslip.figures.overlays import CLASSES
from coverslip.figures.style import short
from coverslip.io.paths import part_of
from coverslip.measure.objects.segmentation import SegmentationEvaluation
from coverslip.models.folder import Model
from coverslip.results.labels.folder import CLASS, LabelFolder
from coverslip.results.labels.judging import Judged
from coverslip.results.labels.objects import Table
from coverslip.results.labels.pairs import Labelled

Columns = dict[str, tuple[Any, str]]

_GROUPS = ("group", "treatment", "label", "split", "plate", "well", "day")
"""Columns whose groups people want to compare: the first of them that has a few."""

_MOST_GROUPS = 8

_SUMMARISED = (
    ("area_um2", "area, µm²"),
    ("area_px", "area, px"),
    ("equivalent_diameter_um", "diameter, µm"),
    ("equivalent_diameter_px", "diameter, px"),
    ("major_axis_um", "major axis, µm"),
    ("major_axis_px", "major axis, px"),
    ("perimeter_um", "perimeter, µm"),
    ("perimeter_px", "perimeter, px"),
    ("eccentricity", "eccentricity"),
    ("solidity", "solidity"),
    ("circularity", "circularity"),
)


_SHAPES = ("eccentricity", "solidity", "circularity")


def image_name(found: LabelFolder, index: int) -> str:
    """What to call an image: its file's name, with the part of it that is meant."""
    row = found.rows[index]
    name = row.get("image", "").rsplit("/", 1)[-1] or found.stem(index)
    return ", ".join(filter(None, (name, part_of(row))))


def groups_of(found: LabelFolder, group: str | None) -> tuple[str, np.ndarray] | None:
    """The column to compare by and the group of each image; None where there is nothing to compare.

    Raises
    ------
    InputError
        If there is no column `group`.
    """
    if group is not None and not any(group in row for row in found.rows):
        known = ", ".join(dict.fromkeys(name for row in found.rows for name in row))
        raise InputError(f"There is no column '{group}' in {found.path}; it has: {known}.")
    for name in (group,) if group is not None else _GROUPS:
        values = np.array([row.get(name, "") or "–" for row in found.rows], dtype=object)
        if group is not None or 2 <= len(set(values)) <= min(_MOST_GROUPS, len(values) - 1):
            return name, values
    return None


def resampled_groups(found: LabelFolder) -> np.ndarray | None:
    """Images that belong together, so that intervals are over groups as `coverslip evaluate` has them."""
    from coverslip.samples.sheets.splits import usual_groups

    names = dict.fromkeys(name for row in found.rows for name in row)
    columns = {name: np.array([row.get(name, "") for row in found.rows]) for name in names}
    name = usual_groups({name: column for name, column in columns.items() if (column != "").all()})
    return None if name is None else columns[name]


def image_columns(
    found: LabelFolder,
    table: Table,
    own: Sequence[np.ndarray],
    judged: Sequence[Judged],
    groups: tuple[str, np.ndarray] | None,
    pairs: Mapping[int, Labelled],
    evaluation: SegmentationEvaluation | None,
) -> Columns:
    """The table of images: heading to values and what they mean."""
    columns: Columns = {"image": ([image_name(found, i) for i in range(len(found))], "file of the image")}
    if groups is not None:
        columns[groups[0]] = (groups[1], "the column that is compared")
    doubts = [row.get("doubt", "") for row in found.rows]
    if any(doubts):
        columns["doubt"] = (doubts, "why the model may not fit the image")
    columns["found"] = (np.array([len(one.right) + len(one.false) for one in judged]), "objects found")
    if evaluation is None:
        columns["odd"] = (np.array([len(one.false) for one in judged]), "objects of unusual size or solidity")
    else:
        rows = list(pairs)
        for heading, name, meant in (
            ("true", "n_true", "true objects"),
            ("right", "tp", "found objects that match a true one at IoU 0.5"),
            ("false", "fp", "found objects that match none"),
            ("missed", "fn", "true objects that match none"),
            ("AP@0.5", "ap50", "right / (right + false + missed)"),
            ("mean AP", "ap", "mean over IoU 0.50, 0.55 … 0.95"),
            ("PQ", "pq", "panoptic quality"),
            ("outline, px", "boundary_px", "mean distance of the outlines of matched objects"),
        ):
            if name in evaluation.per_image:
                values = np.full(len(found), np.nan)
                values[rows] = evaluation.per_image[name]
                columns[heading] = (values, meant)
    size, unit = _size(table)
    medians = [np.median(table[size][rows]) if len(rows) else np.nan for rows in own]
    columns[f"diameter, {unit}"] = (np.array(medians, float), "median of the discs of the same areas")
    if "touches_border" in table:
        cut = [100 * table["touches_border"][rows].mean() if len(rows) else np.nan for rows in own]
        columns["at border, %"] = (np.round(np.array(cut, float), 1), "objects that the border of the image may cut")
    return columns


def _size(table: Table) -> tuple[str, str]:
    """The column of diameters, in µm where all are known, and its unit."""
    known = table.get("equivalent_diameter_um")
    if known is not None and len(known) and np.isfinite(known).all():
        return "equivalent_diameter_um", "µm"
    return "equivalent_diameter_px", "px"


def _channels(table: Table) -> list[str]:
    return [name.removesuffix("_mean") for name in table if name.endswith("_mean")]


def _bright(channel: str) -> str:
    return "mean intensity" if channel == "intensity" else f"{channel}, mean intensity"


def numbers_at_the_top(
    found: LabelFolder, table: Table, evaluation: SegmentationEvaluation | None, things: str
) -> list[tuple[str, str, str]]:
    """The facts beside the title: value, what it is, interval."""
    count = len(found)
    facts = [(*counted(count, "image"), ""), (f"{len(table['label']):,}", things, "")]
    if evaluation is not None:
        for name, meant in (("ap50", "AP at IoU 0.5"), ("ap", "AP, IoU 0.5 to 0.95"), ("pq", "panoptic quality")):
            row = evaluation.get(name)
            interval = f"{row.low:.3f} – {row.high:.3f}" if row.low < row.high else ""
            facts.append((f"{row.value:.3f}", meant, interval))
    size, unit = _size(table)
    if len(table["label"]):
        facts.append((f"{short(float(np.median(table[size])))} {unit}", "median diameter", ""))
    method = found.provenance.get("method") or (found.provenance.get("model") or {}).get("method")
    if isinstance(method, str):
        facts.append((method, "method", ""))
    return facts


def tables_of(table: Table, evaluation: SegmentationEvaluation | None, things: str) -> dict[str, list[dict[str, Any]]]:
    """The measures, and the objects in a few numbers each."""
    tables = {}
    if evaluation is not None:
        tables["Measured"] = [
            {
                "measure": row.measure,
                "all together": (row.value, row.low, row.high),
                "mean of images": (row.mean, row.mean_low, row.mean_high),
                "images": row.n,
                "what it is": row.note,
            }
            for row in evaluation.rows
        ]
    in_um = {name.removesuffix("_um").removesuffix("_um2") for name in table if name.endswith(("_um", "_um2"))}
    listed = [
        (name, text)
        for name, text in _SUMMARISED
        if name in table and not (name.endswith("_px") and name.removesuffix("_px") in in_um)
    ]
    listed += [(f"{channel}_mean", _bright(channel)) for channel in _channels(table)]
    rows = []
    for name, text in listed:
        values = np.asarray(table[name], float)
        values = values[np.isfinite(values)]
        if len(values):
            low, median, high = np.percentile(values, [5, 50, 95])
            spread = {"median": float(median), "mean": float(values.mean()), "deviation": float(values.std())}
            rows.append({"measure": text, **spread, "5 %": float(low), "95 %": float(high), "n": len(values)})
    if rows:
        tables[f"All {things}"] = rows
    if _classified(table):
        names, counts = np.unique([str(name or "–") for name in table[CLASS]], return_counts=True)
        tables["Classes"] = [
            {"class": str(name), things: int(count), "share": float(count / counts.sum())}
            for name, count in zip(names, counts, strict=True)
        ]
    return tables


def _classified(table: Table) -> bool:
    """Whether the objects have classes."""
    return CLASS in table and np.asarray(table[CLASS]).dtype.kind in "OU"


def class_colours(table: Table) -> dict[str, int]:
    """Each class with its kind of outline; none where there are no classes, or more than colours."""
    names = sorted({str(name) for name in table[CLASS] if name}) if _classified(table) else []
    return dict(zip(names, CLASSES, strict=False)) if len(names) <= len(CLASSES) else {}


def of_classes(table: Table, rows: np.ndarray, kinds: Mapping[str, int]) -> dict[int, np.ndarray]:
    """The labels of an image by the kind of outline of their class."""
    names, labels = np.asarray(table[CLASS])[rows], np.asarray(table["label"])[rows]
    return {kind: labels[[name == other for other in names]] for name, kind in kinds.items()}


def figures_of(
    table: Table,
    own: Sequence[np.ndarray],
    judged: Sequence[Judged],
    groups: tuple[str, np.ndarray] | None,
    evaluation: SegmentationEvaluation | None,
    model: Model | None,
    first_epoch: int,
    things: str,
) -> dict[str, Any]:
    """Caption to figure and text."""
    from coverslip.figures import distributions, loss_curves

    drawn: dict[str, Any] = {}
    counts = np.array([len(rows) for rows in own])
    of_object = None
    if groups is not None:
        of_object = np.full(len(table["label"]), "–", dtype=object)
        for name, rows in zip(groups[1], own, strict=True):
            of_object[rows] = name
    if evaluation is not None:
        at = {round(int(row.measure[2:]) / 100, 2): row for row in evaluation.rows if row.measure[2:].isdecimal()}
        curve = distributions.precision_curve(list(at), [(row.value, row.low, row.high) for row in at.values()])
        drawn["Average precision by IoU"] = (
            curve,
            "AP of all objects together over the IoU a match must reach. What is lost on the right is the exactness of "
            "outlines.",
        )
        known = [i for i, one in enumerate(judged) if one.truth is not None]
        true = np.array([len(judged[i].true_areas) for i in known])
        drawn["True and found counts"] = (
            distributions.count_agreement(true, counts[known], things=things),
            f"A dot per image; on the line as many {things} were found as there are.",
        )
    if len(counts) > 1:
        drawn["Objects per image"] = (
            distributions.counts_per_image(counts, None if groups is None else groups[1], things=things),
            "A dot per image; the bar is the median.",
        )
    if len(table["label"]):
        size, unit = _size(table)
        name = f"diameter, {unit}"
        truth = None
        if evaluation is not None:
            truth = np.concatenate([one.true_areas * (one.pixel_area if unit == "µm" else 1) for one in judged])
            truth = truth if np.isfinite(truth).all() else None
        shapes = {name: table[size]} | {key: table[key] for key in _SHAPES if key in table}
        drawn["Sizes and shapes"] = (
            distributions.histograms(
                shapes,
                None if truth is not None else of_object,
                truth=None if truth is None else {name: np.sqrt(4 * truth / np.pi)},
                things=things,
            ),
            "Diameters are those of discs of the same area; solidity is the area by that of the convex hull.",
        )
        bright = {_bright(channel): table[f"{channel}_mean"] for channel in _channels(table)}
        if bright:
            drawn["Intensities"] = (
                distributions.histograms(bright, of_object, things=things),
                "Mean of the pixels of each object, in the units of the image.",
            )
    if model is not None and model.history:
        losses = [key for key in model.history[0] if key == "loss" or f"val_{key}" in model.history[0]][:2]
        if losses:
            drawn["Losses"] = loss_curves({model.method: model.history}, losses, first_epoch=first_epoch)
    return drawn
