"""A column is categories, numbers or text, as a reader would say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coverslip.figures.colours import CATEGORIES, OTHER
from coverslip.figures.columns import describe_column, natural_key


def test_text_that_repeats_is_categories_in_natural_order() -> None:
    column = describe_column("well", ["B10", "B2", "B2", "A1", "B10", "B10"])
    assert (column.kind, column.categories) == ("category", ("A1", "B2", "B10"))
    assert column.values.tolist() == [2, 1, 1, 0, 2, 2]
    assert column.counts.tolist() == [1, 2, 3]


def test_an_ordered_categorical_keeps_its_order_and_drops_what_is_unused() -> None:
    phases = pd.Categorical(["S", "G1", "S"], categories=["G1", "S", "G2"], ordered=True)
    assert describe_column("phase", phases).categories == ("G1", "S")


def test_few_whole_numbers_are_categories_and_many_are_numbers() -> None:
    assert describe_column("cluster", np.arange(40) % 10).kind == "category"
    assert describe_column("area", np.arange(40)).kind == "number"


@pytest.mark.parametrize("dtype", ["float32", "Float64", "float64"])
def test_fractions_are_numbers_whatever_they_are_stored_as(dtype: str) -> None:
    column = describe_column("mean", pd.Series([0.5, None, 2.5], dtype=dtype))
    assert column.kind == "number"
    np.testing.assert_array_equal(column.values.astype(float), [0.5, np.nan, 2.5])


def test_nullable_whole_numbers_keep_their_gaps() -> None:
    column = describe_column("area", pd.Series([*range(30), None], dtype="Int64"))
    assert column.kind == "number"
    assert np.isnan(column.values[-1])
    assert column.values[29] == 29


def test_truth_values_are_categories() -> None:
    assert describe_column("touching", np.array([True, False, True])).categories == ("False", "True")


def test_missing_categories_have_the_code_minus_one() -> None:
    assert describe_column("label", ["a", None, "b", np.nan]).values.tolist() == [0, -1, 1, -1]


def test_values_that_are_nearly_all_different_are_text() -> None:
    assert describe_column("image", [f"cell_{i}.tif" for i in range(60)]).kind == "text"


def test_whole_numbers_that_a_browser_cannot_hold_exactly_are_text() -> None:
    column = describe_column("hash", np.arange(30) + 2**60)
    assert column.kind == "text"
    assert column.values[1] == str(2**60 + 1)


def test_beyond_the_palette_the_rarest_share_a_grey() -> None:
    names = [name for i in range(44) for name in [f"c{i}"] * (i + 1)]
    column = describe_column("class", names)
    assert column.colours[:4] == (OTHER,) * 4
    assert column.colours[34:] == CATEGORIES
    assert len(set(column.colours[4:])) == 40


@given(st.lists(st.text(max_size=6), min_size=1, max_size=40))
def test_every_text_can_be_found_again(values: list[str]) -> None:
    column = describe_column("x", values)
    found = column.values if column.kind == "text" else [column.categories[code] for code in column.values]
    assert list(found) == values


def test_natural_order_counts_digits_as_numbers() -> None:
    assert sorted(["z10", "z9", "Z1", "a"], key=natural_key) == ["a", "Z1", "z9", "z10"]
