"""Days stand in the order of time, however a sheet writes them; what has no order is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coverslip.core import InputError
from coverslip.core.days import day_words, read_days


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (["10", "7", "7.5"], [7, 7.5, 10]),
        ([10, 7.0], [7, 10]),
        (["d10", "d7"], [7, 10]),
        (["day 10", "Day_2"], [2, 10]),
        (["48 h", "6h", "90 min"], [0.0625, 0.25, 2]),
        (["2 weeks", "10 days"], [10, 14]),
        (["week 2", "week 1"], [7, 14]),
        (["-1", "0"], [-1, 0]),
    ],
)
def test_times_since_a_start_are_days(texts: list[object], order: list[float]) -> None:
    assert sorted(read_days(texts)) == pytest.approx(order)


@pytest.mark.parametrize(
    "texts",
    [
        ["2026-10-28", "2026-11-03"],
        ["2026-9-28", "2026-11-3"],
        ["20261028", "20261103"],
        ["28.10.2026", "03.11.2026"],
        ["28/10/2026", "03/11/2026"],
        ["10/28/2026", "11/03/2026"],
        ["28-10-2026", "3-11-2026"],
        ["2026-10-28T09:30", "2026-11-03 10:00:00"],
        ["28.10.2026", "2026-11-03"],
    ],
)
def test_dates_stand_in_the_order_of_time_and_not_of_their_first_digits(texts: list[str]) -> None:
    first, second = read_days(texts)
    assert first < second


@given(st.dates(min_value=np.datetime64("1990-01-01").astype(object)), st.integers(0, 400))
def test_days_between_dates_are_counted(day: object, more: int) -> None:
    later = np.datetime64(day) + np.timedelta64(more, "D")
    if later < np.datetime64("2200-01-01"):
        first, second = read_days([str(day), "{2}.{1}.{0}".format(*str(later).split("-"))])
        assert second - first == more


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["03/04/2026"], "'03/04/2026', which may be 2026-04-03 or 2026-03-04; write dates as 2026-11-03"),
        (["13/13/2026"], "'13/13/2026', which is no date"),
        (["28/10/2026", "10/28/2026"], "'28/10/2026', which is no date"),
        (["31.02.2026"], "'31.02.2026', which is no date"),
        (["2026-13-01"], "'2026-13-01', which is no date"),
        (["2026-11-03", "10"], "dates .'2026-11-03'. and others .'10'., which have no common order"),
        (["10", "48 h"], "'10' without a unit and '48 h' with one"),
        (["10", "later"], "'later', which is no day"),
    ],
)
def test_what_has_no_order_is_refused(texts: list[str], words: str) -> None:
    with pytest.raises(InputError, match=f"The column 'day' (says|holds) {words}"):
        read_days(texts)


def test_gaps_stay_and_names_are_no_days() -> None:
    assert np.isnan(read_days(["", None, float("nan")])).all()
    assert np.isnan(read_days(["monday", "tuesday"])).all()
    assert read_days(["", "3"])[1] == 3
    assert read_days(["5/5/2026"])[0] == read_days(["2026-05-05"])[0]  # either way the same


def test_days_are_called_as_they_are_written() -> None:
    texts = ["d7", "7.0", "03.11.2026"]
    assert day_words(texts[:2], read_days(texts[:2])) == {7.0: "d7"}
    assert day_words(["7.0"], read_days(["7.0"])) == {7.0: "7"}
    assert list(day_words(texts[2:], read_days(texts[2:])).values()) == ["03.11.2026"]
