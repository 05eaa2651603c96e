"""Conditions on the columns of a table, as words: ``tissue = 'liver' and day >= 7 and well in (A1, A2)``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
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


def rows_where(conditions: str, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Which rows of a table fulfil conditions.

    Parameters
    ----------
    conditions : str
        One or more, joined by ``and``: a column, one of ``= != < <= > >=`` and a value, or ``in`` (or ``not in``) and
        values in brackets. Values with blanks stand in quotation marks, such columns in backticks. Texts are compared
        as they are written, numbers as numbers; an empty cell fulfils ``!=`` and ``not in`` alone.
    columns : mapping of str to ndarray, shape (N,)
        The table.

    Returns
    -------
    ndarray of bool, shape (N,)

    Raises
    ------
    InputError
        If they cannot be read, or name a column that there is not.
    """
    kept = np.ones(len(next(iter(columns.values()))), bool)
    at = 0
    while True:
        found = _ONE.match(conditions, at)
        if found is None:
            raise InputError(
                f"The condition '{conditions[at:].strip() or conditions}' cannot be read; write such as "
                "\"tissue = 'liver' and day >= 7 and well in (A1, A2)\"."
            )
        kept &= _fulfilled(found, columns)
        at = found.end()
        if at == len(conditions):
            return kept
        joint = _AND.match(conditions, at)
        if joint is None:
            raise InputError(f"Before '{conditions[at:].strip()}' an 'and' is missing; there is no 'or'.")
        at = joint.end()


def _fulfilled(found: re.Match[str], columns: Mapping[str, np.ndarray]) -> np.ndarray:
    name = found["column"].strip("`")
    if name not in columns:
        raise InputError(f"There is no column '{name}'; there are: {', '.join(columns)}.")
    column = columns[name]
    if found["sign"]:
        return _compared(name, column, found["sign"], found["value"].strip("'\""))
    values = [value.strip().strip("'\"") for value in found["values"].split(",")]
    within: np.ndarray = np.any([_compared(name, column, "=", value) for value in values], axis=0)
    return ~within if found["not"] else within


def _compared(name: str, column: np.ndarray, sign: str, value: str) -> np.ndarray:
    if column.dtype.kind in "iuf":
        try:
            return np.asarray(_SIGNS[sign](column, float(value)))
        except ValueError:
            raise InputError(f"The column '{name}' holds numbers, and '{value}' is none.") from None
    if column.dtype.kind == "b":
        return np.asarray(_SIGNS[sign](column, value.lower() in ("true", "yes", "1")))
    import pandas as pd

    # Texts repeat: each is compared once. What is missing has the code -1, so it stands last.
    codes, found = pd.factorize(column.astype(object))
    texts = np.array([*map(str, found), ""], dtype=str)
    fulfilled: np.ndarray = _SIGNS[sign](texts, value) & ((texts != "") | (sign == "!="))
    return fulfilled[codes]
