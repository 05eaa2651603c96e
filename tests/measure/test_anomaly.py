"""Anomaly scores are those of a robust z-score, and outliers do not hide themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import median_abs_deviation

from coverslip.core.errors import InputError
from coverslip.measure import robust_z


def test_the_score_equals_the_distance_from_the_median_in_normalised_mads() -> None:
    values = np.random.default_rng(0).gamma(2, size=200)
    expected = (values - np.median(values)) / median_abs_deviation(values, scale="normal")
    assert robust_z(values) == pytest.approx(expected)


def test_many_outliers_do_not_hide_themselves() -> None:
    values = np.concatenate([np.linspace(-1, 1, 70), np.full(30, 50.0)])
    assert (robust_z(values)[70:] > 3.5).all()
    plain = (values - values.mean()) / values.std()
    assert (plain[70:] < 3.5).all()


def test_values_are_scored_against_the_reference_column_by_column() -> None:
    reference = np.stack([np.arange(5.0), 10 * np.arange(5.0)], axis=1)  # medians 2 and 20, MADs 1 and 10
    assert robust_z([[4.0, 20.0]], reference) == pytest.approx(np.array([[2 / 1.482602218505602, 0]]))


def test_a_reference_that_hardly_varies_still_gives_scores() -> None:
    assert robust_z([1.0, 2.0], [1.0] * 9 + [11.0]) == pytest.approx([0, 1 / 1.2533141373155001])
    assert robust_z([1.0, 2.0, 0.0], [1.0, 1.0]).tolist() == [0, np.inf, -np.inf]


@given(st.floats(1e-3, 1e3), st.floats(-100, 100))
def test_unit_and_offset_change_nothing(scale, offset) -> None:
    values = np.random.default_rng(1).normal(size=30)
    assert robust_z(values * scale + offset) == pytest.approx(robust_z(values), rel=1e-6, abs=1e-6)


def test_a_reference_with_other_columns_is_refused() -> None:
    with pytest.raises(InputError, match="2 columns but the reference 1"):
        robust_z(np.zeros((3, 2)), np.zeros((3, 1)))
