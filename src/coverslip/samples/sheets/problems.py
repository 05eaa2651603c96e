"""One thing that is wrong with a sheet or a file of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from coverslip.samples.sheets.sheet import Sheet

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Problem:
    """One sentence about one thing.

    Parameters
    ----------
    severity : {"error", "warning"}
        Whether it must be mended, or may be meant so.
    kind : str
        A word or two that problems of the same sort share.
    text : str
        What is wrong, where, and how to mend it.
    row : int or None
        The row as a spreadsheet shows it, where the problem lies in one row of a CSV.
    """

    severity: Severity
    kind: str
    text: str
    row: int | None = None

    @classmethod
    def at(cls, sheet: Sheet, index: int, kind: str, text: str, severity: Severity = "error") -> Problem:
        """A problem of one sample; the row is put in front of `text`, which names the file."""
        if sheet.path is None:
            return cls(severity, kind, text)
        return cls(severity, kind, f"{sheet.where(index)}: {text}", sheet.numbers[index])
