"""Figures and the page of studies: what is drawn where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coverslip.core.errors import InputError
from coverslip.figures.studies import TITLES, focal_planes_figure, learning_curve_figure, left_out_figure
from coverslip.study.page import write_study_page


def point(value: float, each: tuple[float, ...] = (), **facts: Any) -> list[dict[str, Any]]:
    """The same value for every measure that is drawn."""
    spread = {"low": value - 0.1, "high": value + 0.1, "each": each or (value,)}
    return [{"group": "all", **facts, "measure": measure, "value": value, **spread} for measure in TITLES]


def lines_of(axes: Any) -> list[tuple[list[float], list[float]]]:
    return [(list(map(float, line.get_xdata())), list(map(float, line.get_ydata()))) for line in axes.get_lines()]


def texts_of(figure: Any) -> set[str]:
    (legend,) = figure.legends
    return {text.get_text() for text in legend.get_texts()}


def test_a_learning_curve_is_a_line_over_sizes_with_its_baseline() -> None:
    points = [*point(0.6, (0.5, 0.7), trained_on="all", size=1), *point(0.3, (0.2, 0.4), trained_on="all", size=10)]
    figure = learning_curve_figure([*points, *point(0.45, trained_on="classical", size=None)])
    assert [axes.get_title("left") for axes in figure.axes] == list(TITLES.values())
    curve, baseline = lines_of(figure.axes[0])
    assert curve == ([1, 10], [0.6, 0.3])
    assert baseline[1] == [0.45, 0.45]
    assert figure.axes[0].get_xscale() == "log"
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["1", "10"]
    low, high = figure.axes[0].get_ylim()
    assert -0.05 < low <= 0
    assert 0.7 <= high <= 1.02


def test_groups_are_coloured_and_those_trained_alone_are_dashed() -> None:
    points = [
        entry
        for group in ("HeLa", "A549", "all")
        for kind in ("own", "pooled")
        for entry in point(0.4, trained_on=kind, size=2, group=group)
    ]
    figure = learning_curve_figure(points)
    drawn = figure.axes[1].get_lines()
    assert len(drawn) == 6
    assert len({line.get_color() for line in drawn}) == 3
    assert [line.is_dashed() for line in drawn] == [True, False] * 3
    assert {"HeLa", "A549", "all groups", "trained on the group alone", "trained on all groups"} == texts_of(figure)


@pytest.mark.parametrize(("groups", "across"), [(3, 2), (12, 4)])
def test_left_out_groups_are_rows_in_natural_order(groups: int, across: int) -> None:
    points = [
        entry
        for group in [*(f"g{i}" for i in range(groups)), "all"]
        for kind in ("without", "all", "classical")
        for entry in point(0.2, (0.1, 0.3), trained_on=kind, group=group)
    ]
    figure = left_out_figure(points)
    rows = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert rows == [*(f"g{i}" for i in range(groups)), "all"]
    assert len({round(axes.get_position().x0, 3) for axes in figure.axes}) == across
    assert texts_of(figure) == {"fitted to all groups", "fitted to the others", "Otsu and watershed, not fitted"}


def test_planes_are_drawn_alone_and_together() -> None:
    points = [
        *point(0.5, (0.4, 0.6), planes="0", count=1, choice="every"),
        *point(0.3, (0.2, 0.4), planes="1", count=1, choice="every"),
        *point(0.2, (0.1, 0.3), planes="0+1", count=2, choice="spread"),
    ]
    figure = focal_planes_figure(points)
    alone, together = figure.axes[:2]
    assert ([0.0, 1.0], [0.5, 0.3]) in lines_of(alone)
    assert ([0.0, 1.0], [0.4, 0.2]) in lines_of(alone)  # one restart
    assert ([1.0, 2.0], [pytest.approx(0.4), 0.2]) in lines_of(together)
    places = np.sort(np.concatenate([dots.get_offsets()[:, 0] for dots in together.collections]))
    np.testing.assert_allclose(places, [0.85, 1.15, 2])


def test_a_study_without_fits_cannot_be_drawn() -> None:
    with pytest.raises(InputError, match="nothing to draw"):
        learning_curve_figure([])


def test_the_page_shows_notes_numbers_and_tables_as_text(tmp_path: Path) -> None:
    figure = learning_curve_figure([*point(0.6, trained_on="all", size=1)])
    path = write_study_page(
        tmp_path,
        title="Curve <b>",
        notes=["From 4 fields on."],
        facts=[("3", "restarts")],
        figures={"Figure": (figure, "What it shows.")},
        tables={"Means": [{"size": 1, "ap50": (0.6, 0.5, 0.7)}, {"size": None, "ap50": (0.2, np.nan, np.nan)}]},
        provenance={"seeds": [0, 1]},
    )
    page = path.read_text()
    for text in ("Curve &lt;b&gt;", "From 4 fields on.", "What it shows.", "0.500 – 0.700", "0, 1"):
        assert text in page
    assert "<b>" not in page
