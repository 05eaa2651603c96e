"""Objects of any size are shown at the size that a network knows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from coverslip.nn.scale import Known, diameter

KNOWN = Known.of((4.5, 16.3, 26.0, 30.3, 54.4))


def area(diameter: float) -> float:
    return np.pi * diameter**2 / 4


def objects_of(true: float, *, clump: float = 3, count: int = 20) -> Callable[[float], np.ndarray]:
    """What a network finds: pieces of objects shown too large, clumps of those too small to be told apart."""

    def look(zoom: float) -> np.ndarray:
        shown = true * zoom
        if shown > 60:
            return np.full(count * 6, area(shown / 3))
        if shown < 7:
            return np.full(count // 5, area(shown * clump))
        return np.full(count, area(shown))

    return look


def test_the_diameter_is_that_of_most_of_the_area() -> None:
    assert diameter(np.full(9, area(20))) == pytest.approx(20)
    assert diameter(np.array([area(20)] * 9 + [4.0] * 30)) == pytest.approx(20)
    assert diameter(np.array([area(20)] * 30 + [area(90)])) == pytest.approx(20)
    assert diameter(np.array([900.0, 900.0])) is None


@pytest.mark.parametrize("true", [70, 105, 250, 400])
def test_large_objects_are_reduced_to_the_typical_size(true: float) -> None:
    zoom = KNOWN.reduced((4096, 4096), objects_of(true))
    assert zoom == pytest.approx(26 / true, rel=0.01)


@pytest.mark.parametrize("true", [8, 20, 30, 50])
def test_clumps_of_objects_that_are_known_are_not_taken_for_large_ones(true: float) -> None:
    assert KNOWN.reduced((1024, 1024), objects_of(true)) is None


def test_nothing_and_a_single_blob_change_nothing() -> None:
    assert KNOWN.reduced((1024, 1024), lambda zoom: np.zeros(0)) is None
    assert KNOWN.reduced((1024, 1024), lambda zoom: np.array([2000.0])) is None
    assert KNOWN.other(np.array([2000.0])) is None


def test_a_field_too_small_for_a_look_is_not_looked_at() -> None:
    def look(zoom: float) -> np.ndarray:
        raise AssertionError(zoom)

    assert KNOWN.reduced((100, 190), look) is None


def test_sizes_that_no_zoom_brought_right_are_doubted() -> None:
    assert KNOWN.doubts(np.full(9, area(25))) == ()
    assert KNOWN.doubts(np.full(2, area(90))) == ()  # too few to tell
    assert KNOWN.doubts(np.full(9, area(90))) == ("its objects look larger than those of the fit",)
    assert KNOWN.doubts(np.full(9, area(5))) == ("its objects look smaller than those of the fit",)


def test_small_objects_are_enlarged_up_to_four_times() -> None:
    assert KNOWN.other(np.full(9, area(10))) == pytest.approx(2.6)
    assert KNOWN.other(np.full(9, area(3))) == 4
    assert KNOWN.other(np.full(9, area(80))) == pytest.approx(0.325)
    assert KNOWN.other(np.full(9, area(26))) is None
    assert KNOWN.confirmed(np.full(9, area(25)))
    assert not KNOWN.confirmed(np.full(9, area(60)))
