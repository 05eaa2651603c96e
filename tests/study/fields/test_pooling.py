"""Studies judge by all objects taken together, and say where means over fields judge otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from coverslip.measure import evaluate_labels
from coverslip.study.fields.pooling import disagreements, pooled


def image(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    true, found = np.zeros((2, 60, 60), np.int32)
    for i in range(count):
        y, x = 10 * (i // 6), 10 * (i % 6)
        true[y : y + 7, x : x + 7] = i + 1
        if rng.random() < 0.8:
            found[y : y + rng.integers(4, 8), x : x + 7] = i + 1
    found[58:, 58:] = 99
    return true, found


@pytest.mark.parametrize("measure", ["ap50", "ap75", "ap", "f1", "pixel_f1", "pixel_iou"])
def test_pooled_values_are_those_of_all_images_taken_together(measure: str) -> None:
    rng = np.random.default_rng(0)
    pairs = [(str(i), *image(rng, count)) for i, count in enumerate((0, 3, 30, 12))]
    table = evaluate_labels(pairs)
    rows: list[dict[str, Any]] = [{key: column[i] for key, column in table.per_image.items()} for i in range(4)]
    (row,) = (one for one in table.rows if one.measure == measure)
    found = pooled(measure, [rows, rows])
    assert found is not None
    assert found[0] == pytest.approx([row.value, row.value])
    assert found[1:] == pytest.approx((row.low, row.high))


def test_errors_are_one_minus_f1_and_distances_are_not_pooled() -> None:
    row = {"n_true": 6, "n_predicted": 4, "f1": 0.8, "object_error": 0.2, "boundary_px": 2.0}
    found = pooled("object_error", [[row]])
    assert found is not None
    assert found[0] == pytest.approx([0.2])
    assert np.isnan(found[1])
    assert pooled("boundary_px", [[row]]) is None
    assert pooled("f1", [[{"f1": 0.8}]]) is None


def test_it_is_said_where_two_fits_change_places() -> None:
    def point(planes: str, value: float, mean: float) -> dict[str, Any]:
        return {"planes": planes, "group": "all", "measure": "ap50", "value": value, "mean": mean, "pooled": True}

    titles = {"ap50": "AP at IoU 0.5"}
    (note,) = disagreements([point("4", 0.488, 0.384), point("0+6", 0.46, 0.488)], ["planes"], titles)
    assert "planes=4 has 0.488 and planes=0+6 0.460; as means over the fields 0.384 and 0.488" in note
    assert not disagreements([point("4", 0.4, 0.3), point("0", 0.5, 0.5)], ["planes"], titles)
