"""Outlines: worked by hand, and filled again on random labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from coverslip.core.errors import InputError
from coverslip.io.writing import outlines
from coverslip.io.writing.outlines import Outline
from coverslip.read import trace_outlines


def area(ring: np.ndarray) -> float:
    """Positive for rings that run clockwise as one sees the image."""
    x, y = ring.T.astype(int)
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def filled(traced: list[Outline], shape: tuple[int, int]) -> np.ndarray:
    """Labels again: a pixel belongs where a ray from its centre crosses the rings an odd number of times."""
    labels = np.zeros(shape, int)
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    for outline in traced:
        inside = np.zeros(shape, bool)
        for ring in (ring for part in outline.parts for ring in part):
            for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
                if x0 == x1:  # along the other edges no ray to the right runs
                    inside ^= (x < x0) & (y > min(y0, y1)) & (y < max(y0, y1))
        assert not labels[inside].any()
        labels[inside] = outline.label
    return labels


def corners(ring: np.ndarray) -> list[tuple[int, int]]:
    """The corners, from the smallest on."""
    listed = [tuple(corner) for corner in ring.tolist()]
    first = listed.index(min(listed))
    return listed[first:] + listed[:first]


def test_a_pixel_and_a_bar_have_four_corners() -> None:
    labels = np.array([[0, 0, 0, 0], [0, 7, 0, 0], [3, 3, 3, 0]], np.uint16)
    bar, pixel = trace_outlines(labels)
    assert (bar.label, pixel.label) == (3, 7)
    assert corners(pixel.parts[0][0]) == [(1, 1), (2, 1), (2, 2), (1, 2)]
    assert corners(bar.parts[0][0]) == [(0, 2), (3, 2), (3, 3), (0, 3)]


def test_a_hole_is_a_ring_that_runs_the_other_way() -> None:
    labels = np.ones((3, 3), np.uint8)
    labels[1, 1] = 0
    (frame,) = trace_outlines(labels)
    outer, hole = frame.parts[0]
    assert corners(outer) == [(0, 0), (3, 0), (3, 3), (0, 3)]
    assert corners(hole) == [(1, 1), (1, 2), (2, 2), (2, 1)]
    assert (area(outer), area(hole)) == (9, -1)


def test_an_object_inside_a_hole_of_its_own_is_a_part_of_its_own() -> None:
    labels = np.ones((5, 5), np.uint8)
    labels[1:4, 1:4] = 0
    labels[2, 2] = 1
    (target,) = trace_outlines(labels)
    assert [[area(ring) for ring in part] for part in target.parts] == [[25, -9], [1]]


def test_pixels_that_meet_at_a_corner_are_two_parts() -> None:
    (pair,) = trace_outlines(np.eye(2, dtype=np.uint8))
    assert [[corners(ring)[0] for ring in part] for part in pair.parts] == [[(0, 0)], [(1, 1)]]


def test_a_ring_that_would_touch_itself_is_divided() -> None:
    labels = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]], np.uint8)  # the hole meets the outside at a corner
    (c,) = trace_outlines(labels)
    assert [area(ring) for ring in c.parts[0]] == [8, -1]
    holes = np.ones((4, 4), np.uint8)
    holes[1, 1] = holes[2, 2] = 0  # two holes that meet at a corner
    (plate,) = trace_outlines(holes)
    assert [area(ring) for ring in plate.parts[0]] == [16, -1, -1]


def test_outlines_cross_the_strips_that_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.random.default_rng(0).integers(0, 3, (40, 30)).astype(np.uint8)
    at_once = trace_outlines(labels)
    monkeypatch.setattr(outlines, "_STRIP", 1)
    row_by_row = trace_outlines(labels)
    np.testing.assert_array_equal(filled(row_by_row, labels.shape), labels)
    count = [[len(part) for part in outline.parts] for outline in at_once]
    assert [[len(part) for part in outline.parts] for outline in row_by_row] == count


def test_nothing_has_no_outline() -> None:
    assert trace_outlines(np.zeros((3, 4), np.uint8)) == []


@settings(max_examples=150, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 2)))
def test_filling_the_outlines_gives_the_labels_back(labels: np.ndarray) -> None:
    traced = trace_outlines(labels)
    np.testing.assert_array_equal(filled(traced, labels.shape), labels)
    for ring in (ring for outline in traced for part in outline.parts for ring in part):
        assert len(np.unique(ring, axis=0)) == len(ring)  # no ring touches itself
        assert np.all((np.roll(ring, -1, axis=0) == ring).sum(axis=1) == 1)  # edges run along pixels
    assert all((area(ring) > 0) == (i == 0) for o in traced for part in o.parts for i, ring in enumerate(part))


def test_outlines_are_those_of_label_images() -> None:
    with pytest.raises(InputError, match=r"of integers, not \(3, 4\) float64"):
        trace_outlines(np.zeros((3, 4)))


def test_objects_in_layers_keep_their_whole_outlines() -> None:
    layers = np.zeros((2, 4, 6), np.uint8)
    layers[1, :3, :3] = 1
    layers[0, 1:, 1:5] = 2  # it overlaps the first by 2 x 2 pixels
    layers[1, 3, 5] = 3
    traced = trace_outlines(layers)
    assert [outline.label for outline in traced] == [1, 2, 3]
    assert [area(outline.parts[0][0]) for outline in traced] == [9, 12, 1]
    assert corners(traced[1].parts[0][0]) == [(1, 1), (5, 1), (5, 4), (1, 4)]
