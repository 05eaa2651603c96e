"""Columns of a sheet as numbers, true and false, or text."""

from __future__ import annotations

import re

import numpy as np

from coverslip.samples.sheets.sheet import PATH_COLUMNS

TEXT_COLUMNS = (*PATH_COLUMNS, "label", "group", "split", "plate", "well", "treatment")
"""Columns that name something: they stay text, also where every name is a number."""

_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d*)?(?:(?<=\d)\.\d*|\.\d+|(?<=\d))(?:[eE][+-]?\d+)?")

_TRUTHS = ("touches_border", "truncated")


def typed_column(name: str, texts: list[str]) -> np.ndarray:
    """A column as numbers where all of it is, whole numbers where none is missing; else as text.

    What says of each object whether something is so becomes true and false.
    """
    filled = [text for text in texts if text]
    if name in _TRUTHS and len(filled) == len(texts) and {*texts} <= {"0", "1"}:
        return np.array([text == "1" for text in texts])
    if name in TEXT_COLUMNS or not filled or not all(_NUMBER.fullmatch(text) for text in filled):
        return np.array(texts)
    if len(filled) == len(texts) and all(text.lstrip("+-").isdecimal() and len(text) < 19 for text in texts):
        return np.array([int(text) for text in texts])
    return np.array([float(text) if text else np.nan for text in texts])
