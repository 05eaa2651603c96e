"""Figures of many objects: what is drawn is what was given."""

from __future__ import annotations

import numpy as np
import pytest

from coverslip.core.errors import InputError
from coverslip.figures.distributions import count_agreement, counts_per_image, histograms, precision_curve


def visible(figure) -> list:
    return [axes for axes in figure.axes if axes.get_visible()]


def test_a_panel_for_each_measure_counts_every_object_but_the_outermost() -> None:
    values = np.arange(1000.0)
    figure = histograms({"area, px": values, "solidity": np.ones(1000), "lost": np.full(1000, np.nan)}, things="cells")
    first, second = visible(figure)
    assert (first.get_xlabel(), second.get_xlabel(), first.get_ylabel()) == ("area, px", "solidity", "cells")
    assert sum(patch.get_height() for patch in first.patches) == 990
    assert max(patch.get_height() for patch in second.patches) == 1000
    assert first.get_legend() is None


def test_groups_are_shares_of_their_own_objects() -> None:
    groups = np.array(["a"] * 300 + ["b"] * 100, dtype=object)
    (axes,) = visible(histograms({"area": np.r_[np.full(300, 1.0), np.full(100, 2.0)]}, groups))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a  (300)", "b  (100)"]
    tops = [patch.get_xy()[:, 1].max() for patch in axes.patches]
    assert tops == pytest.approx([100, 100])
    assert axes.get_ylabel() == "% of objects"


def test_true_objects_stand_beside_those_found() -> None:
    (axes,) = visible(histograms({"area": np.arange(50.0)}, truth={"area": np.arange(40.0)}))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["50 found", "40 true"]


def test_no_object_is_said() -> None:
    with pytest.raises(InputError, match="no object"):
        histograms({"area": np.array([])})


def test_counts_have_a_dot_per_image_and_a_bar_at_the_median() -> None:
    groups = np.array(["b", "a", "a", "a"], dtype=object)
    (axes,) = counts_per_image(np.array([7, 1, 2, 9]), groups).axes
    dots = [scatter.get_offsets()[:, 1].tolist() for scatter in axes.collections[::2]]
    assert dots == [[1, 2, 9], [7]]
    assert [bar.get_segments()[0][0][1] for bar in axes.collections[1::2]] == [2, 7]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["a\n(3)", "b\n(1)"]


def test_agreement_of_counts() -> None:
    (axes,) = count_agreement(np.array([3, 10]), np.array([3, 8]), things="nuclei").axes
    assert axes.collections[0].get_offsets().tolist() == [[3, 3], [10, 8]]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("true nuclei", "found nuclei")


def test_precision_over_thresholds_has_its_interval() -> None:
    (axes,) = precision_curve([0.5, 0.75], [(0.9, 0.85, 0.95), (0.6, 0.5, 0.7)]).axes
    assert axes.lines[0].get_ydata().tolist() == [0.9, 0.6]
    assert len(axes.collections) == 1
    (alone,) = precision_curve([0.5], [(0.9, np.nan, np.nan)]).axes
    assert len(alone.collections) == 0
