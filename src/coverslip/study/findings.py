"""What every study found: rows, sentences about them, and the table that is printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Findings:
    """What a study found.

    Parameters
    ----------
    points : list of dict
        Means over restarts, as in ``summary.csv``; ``each`` holds the restarts.
    notes : list of str
        Sentences about them.
    table : list of dict
        The main measures side by side: ``(value, low, high)`` each.
    """

    points: Rows = field(repr=False)
    notes: list[str]
    table: Rows = field(repr=False)


def columns(rows: Rows, leave_out: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Rows as columns for `coverslip.read.write_table`; a fact that some rows lack is missing there."""
    names = dict.fromkeys(name for row in rows for name in row if name not in leave_out)
    return {name: np.array([row.get(name) for row in rows], dtype=object) for name in names}
