"""What each row of an embedding is for a ranking: control, sample, first day; its plate, its pair, its fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from coverslip.core import Embedding, InputError
from coverslip.core.days import day_words, read_days
from coverslip.methods.rank.config import Config

LOW, HIGH, SAMPLE, BEFORE = "low control", "high control", "sample", "before"
_GROUPS = ("plate", "group", "source_image")
_PARTS = ("image", "frame", "scene", "series", "crop", "plane")


@dataclass(frozen=True)
class Rows:
    """The rows of an embedding, read for a ranking.

    Parameters
    ----------
    classes, plates, units, keys : ndarray of str, shape (N,)
        The class; the plate ("" without plates); what is held out as a whole; what the row is called.
    last : ndarray of bool, shape (N,)
        Rows of the last day, which are ranked; all where there is one day.
    before : ndarray of int, shape (N,)
        For each row of the last day the row of the same plate and well on the first one; -1 where there is none.
    paired : bool
        Whether there are days at all.
    notes : list of str
        Sentences on rows that lack something.
    """

    classes: np.ndarray
    plates: np.ndarray
    units: np.ndarray
    keys: np.ndarray
    last: np.ndarray
    before: np.ndarray
    paired: bool
    notes: list[str] = field(default_factory=list)

    def zero(self, config: Config) -> np.ndarray:
        """Rows that are the zero of the scale."""
        low = self.classes == config.anchors[0]
        return low & ~self.last if config.controls == "first_day" and self.paired else low & self.last

    def ends(self, config: Config, anchor: str) -> np.ndarray:
        """Rows of the other end."""
        return (self.classes == anchor) & self.last

    def roles(self, config: Config) -> np.ndarray:
        """What each row is."""
        found = np.where(self.last, SAMPLE, BEFORE).astype(object)
        found[self.zero(config)] = LOW
        found[self.ends(config, config.anchors[1])] = HIGH
        return found


def read_rows(samples: Embedding, config: Config) -> Rows:
    """Read the columns of an embedding.

    Raises
    ------
    InputError
        If there is no column of classes, or days have no order.
    """
    columns = {str(name): _words(np.asarray(samples.adata.obs[name])) for name in samples.adata.obs.columns}
    if config.label not in columns:
        raise InputError(
            f"There is no column '{config.label}' with the classes of the samples; name it with --set label=NAME "
            f"(there are: {', '.join(columns) or 'none'})."
        )
    n = len(samples)
    plates = columns.get("plate", np.full(n, "", object))
    wells = columns.get("well")
    notes: list[str] = []
    last, before, paired = _days(columns, plates, wells, notes)
    own = config.group or next((name for name in _GROUPS if len(set(columns.get(name, ()))) >= 2), "")
    if own and own not in columns:
        raise InputError(f"There is no column '{own}' whose groups could be held out; there are: {', '.join(columns)}.")
    parts = [columns[name] for name in _PARTS if name in columns] if "image" in columns else []
    keys = np.array([" ".join(words) for words in zip(*parts, strict=True)] if parts else _numbered(n), object)
    units = keys
    if own:
        units = np.array([f"{own} {word}" for word in columns[own]], object)
    elif wells is not None:
        units = np.array([f"well {plate} {well}" for plate, well in zip(plates, wells, strict=True)], object)
    return Rows(columns[config.label], plates, units, keys, last, before, paired, notes)


def _days(
    columns: Mapping[str, np.ndarray], plates: np.ndarray, wells: np.ndarray | None, notes: list[str]
) -> tuple[np.ndarray, np.ndarray, bool]:
    n = len(plates)
    last, before = np.ones(n, bool), np.full(n, -1)
    if "day" not in columns or wells is None:
        return last, before, False
    days = read_days(columns["day"])
    known = np.unique(days[np.isfinite(days)])
    if len(known) < 2:
        return last, before, False
    last, first_day = days == known[-1], day_words(columns["day"], days)[known[0]]
    first: dict[tuple[str, ...], int] = {}
    twice: list[tuple[str, str]] = []
    for row in np.flatnonzero(days == known[0]):
        place = (plates[row], wells[row])
        twice += [place] if place in first else []
        first.setdefault(place, int(row))
    alone: list[tuple[str, str]] = []
    for row in np.flatnonzero(last):
        place = (plates[row], wells[row])
        before[row] = first.get(place, -1)
        alone += [place] if before[row] < 0 else []
    if alone:
        notes.append(f"{_wells(alone)} no image of day {first_day}: they have no score by prediction.")
    if twice:
        notes.append(f"{_wells(twice)} several images of day {first_day}: the first of each counts.")
    return last, before, True


def _wells(places: list[tuple[str, str]]) -> str:
    shown = ", ".join(" ".join(filter(None, place)) for place in places[:5])
    more = f" and {len(places) - 5} more" if len(places) > 5 else ""
    return f"{len(places)} well{'s have' if len(places) > 1 else ' has'} ({shown}{more})"


def _words(column: np.ndarray) -> np.ndarray:
    return np.array(["" if value is None or value != value else str(value) for value in column.tolist()], object)


def _numbered(n: int) -> list[str]:
    return [f"row {i}" for i in range(n)]
