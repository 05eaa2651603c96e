"""Conditions on the columns of a table, as words: ``tissue = 'liver' and day >= 7 and well in (A1, A2)``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from coverslip.core import InputError

_WORD = r"'(?:[^']*)'|\"(?:[^\"]*)\""
_ONE = re.compile(
    rf"\s*(?P<column>`[^`]+`|[^\s=<>!`'\"]+)\s*"
    rf"(?:(?P<sign><=|>=|!=|==|=|<|>)\s*(?P<value>{_WORD}|[^\s'\"]+)|(?P<not>not\s+)?in\s*\((?P<values>[^()]*)\))\s*",
    re.IGNORECASE,
)
_AND = re.compile(r"and\b\s*", re.IGNORECASE)
_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "=": np.equal,
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


@dataclass(frozen=True)
class Coded:
    """A column whose values repeat: each is kept once, so that comparing takes a moment whatever the rows are.

    Parameters
    ----------
    codes : ndarray of int, shape (N,)
        Which of `values` each row has; -1: none.
    values : ndarray, shape (V,)
        Numbers, true and false, or texts.
    """

    codes: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, column: np.ndarray) -> Coded:
        """Of a column of a table."""
        import pandas as pd

        codes, values = pd.factorize(column if column.dtype.kind in "iufb" else column.astype(object))
        values = np.asarray(values)
        return cls(codes, values if values.dtype.kind in "iufb" else np.array(list(map(str, values)), object))

    @cached_property
    def _texts(self) -> Any:
        import pandas as pd

        return pd.Index([written(value) for value in self.values], dtype=object)

    def numbers(self, values: Sequence[Any]) -> np.ndarray:
        """Which of its values are written like some others; -2 for those that are none of them."""
        found = self._texts.get_indexer([written(value) for value in values])
        return np.where(found < 0, -2, found)

    def _ordered(self, name: str, value: str) -> tuple[np.ndarray, Any]:
        """Texts and a value for above and below: as numbers where the value is one, so that 10 is above 9."""
        wanted = _number(value)
        if wanted is None:
            return self.values.astype(str), value
        numbers = [_number(text or "nan") for text in self.values]
        odd = [text for text, number in zip(self.values, numbers, strict=True) if number is None]
        if odd:
            raise InputError(
                f"The column '{name}' holds texts such as '{odd[0]}', which are not above or below {value}."
            )
        return np.array(numbers, float), wanted

    def compared(self, name: str, sign: str, value: str) -> np.ndarray:
        """Which rows, bool ``(N,)``, are equal to, above, … a value; a row without one fulfils ``!=`` alone."""
        if self.values.dtype.kind in "iuf":
            try:
                found = _SIGNS[sign](self.values, float(value))
            except ValueError:
                raise InputError(f"The column '{name}' holds numbers, and '{value}' is none.") from None
        elif self.values.dtype.kind == "b":
            found = _SIGNS[sign](self.values, value.lower() in ("true", "yes", "1"))
        else:
            texts, wanted = self._ordered(name, value) if sign[0] in "<>" else (self.values.astype(str), value)
            found = _SIGNS[sign](texts, wanted) & ((self.values != "") | (sign == "!="))
        # What is missing has the code -1, so it stands last.
        fulfilled: np.ndarray = np.r_[found.astype(bool), sign == "!="][self.codes]
        return fulfilled


def written(value: Any) -> str:
    """A value as text: whole numbers without a point, since a gap elsewhere in a column makes them floats."""
    whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return str(int(value)) if whole else str(value)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def rows_where(conditions: str, columns: Iterable[str], count: int, column: Callable[[str], Coded]) -> np.ndarray:
    """Which rows of a table fulfil conditions.

    Parameters
    ----------
    conditions : str
        One or more, joined by ``and``: a column, one of ``= != < <= > >=`` and a value, or ``in`` (or ``not in``) and
        values in brackets. Values with blanks stand in quotation marks, such columns in backticks. Texts are compared
        as they are written, numbers as numbers, also above and below where texts hold them; an empty cell fulfils
        ``!=`` and ``not in`` alone.
    columns : iterable of str
        Names of the columns there are.
    count : int
        Rows of the table.
    column : callable
        Gives a column by its name.

    Returns
    -------
    ndarray of bool, shape (N,)

    Raises
    ------
    InputError
        If they cannot be read, or name a column that there is not.
    """
    kept = np.ones(count, bool)
    known = list(columns)
    at = 0
    while True:
        found = _ONE.match(conditions, at)
        if found is None:
            raise InputError(
                f"The condition '{conditions[at:].strip() or conditions}' cannot be read; write such as "
                "\"tissue = 'liver' and day >= 7 and well in (A1, A2)\"."
            )
        kept &= _fulfilled(found, known, column)
        at = found.end()
        if at == len(conditions):
            return kept
        joint = _AND.match(conditions, at)
        if joint is None:
            raise InputError(f"Before '{conditions[at:].strip()}' an 'and' is missing; there is no 'or'.")
        at = joint.end()


def _fulfilled(found: re.Match[str], known: list[str], column: Callable[[str], Coded]) -> np.ndarray:
    name = found["column"].strip("`")
    if name not in known:
        raise InputError(f"There is no column '{name}'; there are: {', '.join(known)}.")
    coded = column(name)
    if found["sign"]:
        return coded.compared(name, found["sign"], found["value"].strip("'\""))
    values = [value.strip().strip("'\"") for value in found["values"].split(",")]
    within: np.ndarray = np.any([coded.compared(name, "=", value) for value in values], axis=0)
    return ~within if found["not"] else within
