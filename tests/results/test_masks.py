"""Outlined objects as labels."""

from __future__ import annotations

import numpy as np
import pytest

from coverslip.core import Detections, InputError
from coverslip.results.detections.masks import as_labels


def square(x: float, y: float, side: float) -> tuple[np.ndarray, ...]:
    return (np.array([[x, y], [x + side, y], [x + side, y + side], [x, y + side]], float),)


BOXES = np.array([[1.0, 2, 5, 6], [4, 2, 8, 6]])
OUTLINES = (square(1, 2, 4), square(4, 2, 4))


def found(score: list[float], outlines: tuple[tuple[np.ndarray, ...], ...] | None = OUTLINES) -> Detections:
    return Detections(("cell",), BOXES, np.zeros(2, int), np.array(score), "a.tif", (8, 10), outlines=outlines)


def test_pixels_of_an_outline_are_its_object() -> None:
    labels = as_labels(found([0.9, 0.8])).labels
    assert labels.shape == (8, 10)
    expected = np.zeros((8, 10), bool)
    expected[2:6, 1:8] = True
    np.testing.assert_array_equal(labels > 0, expected)


@pytest.mark.parametrize(("score", "pixels"), [([0.9, 0.8], (16, 12)), ([0.8, 0.9], (12, 16))])
def test_where_outlines_overlap_the_surer_one_keeps_the_pixels(score: list[float], pixels: tuple[int, int]) -> None:
    labels = as_labels(found(score)).labels
    left, right = labels[3, 1], labels[3, 7]
    assert ((labels == left).sum(), (labels == right).sum()) == pixels


def test_boxes_are_no_labels() -> None:
    with pytest.raises(InputError, match="target=regions"):
        as_labels(found([0.9, 0.8], None))
