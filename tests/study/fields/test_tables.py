"""Tables of a study: means and intervals of hand-written measures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from coverslip.core.fields import ArrayFields
from coverslip.methods.unet import Config
from coverslip.study.fields.fits import Fit, Outcome
from coverslip.study.fields.tables import fit_rows, image_rows, summary_rows, wide
from coverslip.study.findings import columns

KEYS = ("trained_on", "size")
GROUPS = np.array(["HeLa", "HeLa", "A549", "A549"], dtype=object)


def outcome_of(size: int, restart: int, rows: list[int], f1: list[float], **measures: list[float]) -> Outcome:
    fields = ArrayFields([np.zeros((8, 8), np.uint8)] * 4, [np.zeros((8, 8), np.uint8)] * 4)
    config = Config(seed=7 + restart)
    facts = {"trained_on": "all", "size": size}
    fit = Fit("fit", facts, fields, np.arange(size), np.array(rows), config, restart, steps=40, objects=5)
    table = {"name": [f"{row}.tif" for row in rows], "f1": f1, "pixel_f1": f1, **measures}
    pooled = {name: 0.25 for name in table if name != "name"}
    return Outcome(fit, {name: np.array(column) for name, column in table.items()}, pooled, 3.5)


def found(rows: list[dict[str, Any]], **facts: Any) -> dict[str, Any]:
    (row,) = [row for row in rows if all(row[key] == value for key, value in facts.items())]
    return row


def test_a_fit_has_the_mean_over_its_fields_and_the_pooled_value() -> None:
    rows = fit_rows("learning-curve", [outcome_of(2, 1, [0, 1, 3], [0.5, 0.7, 0.9])], None)
    row = found(rows, measure="f1")
    assert row["value"] == pytest.approx(0.7)
    assert 0.5 <= row["low"] < 0.7 < row["high"] <= 0.9
    assert (row["pooled"], row["images"], row["fields"], row["seed"], row["steps"]) == (0.25, 3, 2, 8, 40)
    error = found(rows, measure="object_error")
    assert (error["value"], error["pooled"]) == (pytest.approx(0.3), 0.75)


def test_fits_to_several_groups_are_measured_on_each_and_on_all() -> None:
    rows = fit_rows("learning-curve", [outcome_of(2, 0, [0, 1, 2, 3], [0.2, 0.4, 0.6, 0.8])], GROUPS)
    means = {row["group"]: row["value"] for row in rows if row["measure"] == "f1"}
    assert means == {"HeLa": pytest.approx(0.3), "A549": pytest.approx(0.7), "all": pytest.approx(0.5)}
    assert found(rows, measure="f1", group="all")["pooled"] == 0.25
    assert np.isnan(found(rows, measure="f1", group="HeLa")["pooled"])


def test_the_summary_is_the_mean_over_restarts_with_both_spreads() -> None:
    outcomes = [outcome_of(1, 0, [0, 1], [0.2, 0.6]), outcome_of(1, 1, [0, 1], [0.4, 0.8])]
    point = found(summary_rows(image_rows(outcomes, None), KEYS), measure="f1")
    assert point["value"] == pytest.approx(0.5)
    assert point["each"] == (pytest.approx(0.4), pytest.approx(0.6))
    assert (point["restart_low"], point["restart_high"]) == point["each"]
    # Resampling two fields whose means over restarts are 0.3 and 0.7 reaches both of them.
    assert (point["low"], point["high"]) == (pytest.approx(0.3), pytest.approx(0.7))
    assert (point["restarts"], point["images"]) == (2, 2)


def test_fits_that_share_out_the_groups_are_taken_together() -> None:
    outcomes = [outcome_of(1, 0, [0, 1], [0.2, 0.4]), outcome_of(1, 0, [2, 3], [0.8, 1.0])]
    points = summary_rows(image_rows(outcomes, GROUPS), KEYS)
    means = {point["group"]: point["value"] for point in points if point["measure"] == "f1"}
    assert means == {"HeLa": pytest.approx(0.3), "A549": pytest.approx(0.9), "all": pytest.approx(0.6)}


def test_there_is_no_mean_over_all_where_a_group_is_missing() -> None:
    outcomes = [outcome_of(1, 0, [0, 1, 2, 3], [0.5] * 4), outcome_of(3, 0, [0, 2], [0.6] * 2)]
    points = summary_rows(image_rows(outcomes, GROUPS), KEYS)
    assert {point["group"] for point in points if point["size"] == 1} == {"HeLa", "A549", "all"}
    assert {point["group"] for point in points if point["size"] == 3} == {"HeLa", "A549"}


def test_a_measure_that_one_fit_lacks_is_left_out_for_it_alone() -> None:
    outcomes = [outcome_of(1, 0, [0, 1], [0.5, 0.5], auroc=[0.8, np.nan]), outcome_of(2, 0, [0, 1], [0.5, 0.5])]
    points = summary_rows(image_rows(outcomes, None), KEYS)
    assert [(point["size"], point["value"]) for point in points if point["measure"] == "auroc"] == [(1, 0.8)]


def test_tables_side_by_side_and_as_columns() -> None:
    points = summary_rows(image_rows([outcome_of(1, 0, [0, 1], [0.5, 0.7])], None), KEYS)
    (row,) = wide(points, KEYS, ("pixel_error", "f1"))
    assert list(row) == ["trained_on", "size", "group", "restarts", "images", "pixel_error", "f1"]
    assert row["f1"][0] == pytest.approx(0.6)
    table = columns([{"size": 1, "each": (1,)}, {"size": None, "group": "all"}], leave_out=("each",))
    assert {name: column.tolist() for name, column in table.items()} == {"size": [1, None], "group": [None, "all"]}
