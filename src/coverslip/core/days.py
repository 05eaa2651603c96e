"""Days as sheets say them: dates, or times since a start, put in order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

import numpy as np

from coverslip.core.errors import InputError

_YEAR_FIRST = re.compile(r"(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})([T ]\d{1,2}:.*)?")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})([T ]\d{1,2}:.*)?")
_SINCE = re.compile(r"(?:days?|d|time|t|hours?|weeks?|w)?[ _]*([-+]?\d+(?:\.\d+)?)[ _]*([a-z]*)", re.IGNORECASE)
_PER_DAY = {
    "min": 1440.0,
    "h": 24.0,
    "hr": 24.0,
    "hour": 24.0,
    "d": 1.0,
    "day": 1.0,
    "w": 1 / 7,
    "wk": 1 / 7,
    "week": 1 / 7,
}


def read_days(texts: Iterable[object], column: str = "day") -> np.ndarray:
    """Days as numbers that stand in the order of time.

    Parameters
    ----------
    texts : iterable
        A column: numbers; words such as ``d10``, ``day 10``, ``10 h`` or ``2 weeks``; or dates: ``2026-11-03``,
        ``03.11.2026`` (the day first), ``28/10/2026``. Where an order of day and month fits all dates of a column but
        not another, it is that.
    column : str
        Its name, for messages.

    Returns
    -------
    ndarray of float, shape (N,)
        Days since a start, or since the year 1; NaN where nothing is said, and everywhere if no text is a day, as where
        the column holds names.

    Raises
    ------
    InputError
        If a date may mean two days, texts are days in part, or dates, times with a unit and numbers without one are
        mixed.
    """
    said = ["" if text is None or text != text else str(text).strip() for text in texts]
    dates = _dates(list(dict.fromkeys(text for text in said if text)), column)
    since = {text: _since(text) for text in dict.fromkeys(said) if text and text not in dates}
    odd = [text for text, found in since.items() if found is None]
    if dates and since:
        raise InputError(
            f"The column '{column}' holds dates ('{next(iter(dates))}') and others ('{next(iter(since))}'), which have "
            "no common order; write all of them as 2026-11-03, or all as days since the start."
        )
    if odd and len(odd) < len(since):
        raise InputError(
            f"The column '{column}' says '{odd[0]}', which is no day; write a number, or a date such as 2026-11-03."
        )
    units = {found[1]: text for text, found in since.items() if found is not None}
    if "" in units and len(units) > 1 and set(units) - {"", "d", "day"}:
        other = next(text for unit, text in units.items() if unit not in ("", "d", "day"))
        raise InputError(
            f"The column '{column}' holds '{units['']}' without a unit and '{other}' with one, which have no common "
            "order; give all of them a unit."
        )
    values = {text: float(day.toordinal()) for text, day in dates.items()}
    values |= {text: found[0] / _PER_DAY.get(found[1], 1.0) for text, found in since.items() if found is not None}
    return np.array([values.get(text, np.nan) for text in said])


def day_words(texts: Iterable[object], values: np.ndarray) -> dict[float, str]:
    """How each day is written, where several are alike the first; numbers without needless decimals."""
    found: dict[float, str] = {}
    for text, value in zip(texts, values.tolist(), strict=True):
        if value == value:
            word = str(text).strip()
            found.setdefault(value, f"{value:g}" if _is_number(word) else word)
    return found


def _is_number(word: str) -> bool:
    return re.fullmatch(r"[-+]?\d+(\.\d+)?", word) is not None


def _dates(words: list[str], column: str) -> dict[str, date]:
    """Those that are dates. A number of eight digits is one, where it can be."""
    found: dict[str, date] = {}
    open_ones: dict[str, tuple[int, int, int]] = {}
    for word in words:
        if (parts := _YEAR_FIRST.fullmatch(word)) and (parts[2] or len(word) == 8):
            day = _date(int(parts[1]), int(parts[3]), int(parts[4]))
            if day is not None:
                found[word] = day
            elif parts[2]:
                raise _no_date(word, column)
        elif parts := _YEAR_LAST.fullmatch(word):
            one, other, year = int(parts[1]), int(parts[3]), int(parts[4])
            if parts[2] == ".":
                day = _date(year, other, one)
                if day is None:
                    raise _no_date(word, column)
                found[word] = day
            else:
                open_ones[word] = (one, other, year)
    return found | _settled(open_ones, column)


def _settled(words: dict[str, tuple[int, int, int]], column: str) -> dict[str, date]:
    """Dates whose first two numbers are day and month, or month and day: what fits all of them."""
    if not words:
        return {}
    read = {
        "day first": {word: _date(year, other, one) for word, (one, other, year) in words.items()},
        "month first": {word: _date(year, one, other) for word, (one, other, year) in words.items()},
    }
    fitting = [dates for dates in read.values() if None not in dates.values()]
    if not fitting:
        raise _no_date(next(w for w in words if not all(dates[w] for dates in read.values())), column)
    if len(fitting) == 2 and fitting[0] != fitting[1]:
        word = next(word for word in words if fitting[0][word] != fitting[1][word])
        one, other = (dates[word] for dates in fitting)
        raise InputError(
            f"The column '{column}' says '{word}', which may be {one} or {other}; write dates as 2026-11-03."
        )
    return {word: day for word, day in fitting[0].items() if day is not None}


def _no_date(word: str, column: str) -> InputError:
    return InputError(f"The column '{column}' says '{word}', which is no date; write dates as 2026-11-03.")


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day) if 1900 <= year <= 2200 else None
    except ValueError:
        return None


def _since(word: str) -> tuple[float, str] | None:
    """A time since a start, and its unit."""
    parts = _SINCE.fullmatch(word)
    if parts is None:
        return None
    unit = parts[2].lower()
    unit = unit.rstrip("s") if unit.rstrip("s") in _PER_DAY else unit
    if unit and unit not in _PER_DAY:
        return None
    before = re.match(r"(hours?|weeks?|w)", word, re.IGNORECASE)
    return float(parts[1]), unit or (before[0].lower().rstrip("s") if before else "")
