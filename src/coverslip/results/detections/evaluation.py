"""Detections against marked objects: average precision, rates of each class, what was called what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import UNNAMED, Detections, InputError, Length, Measured, about
from coverslip.core.words import number_of
from coverslip.measure.detections.against import EVERYWHERE, against
from coverslip.measure.detections.counts import Compared
from coverslip.measure.detections.evaluate import evaluate_detections
from coverslip.results.detections.folder import DetectionFolder, read_detections
from coverslip.results.detections.marked import as_expected, odd_ones
from coverslip.results.detections.options import Evaluate
from coverslip.results.detections.truth import Judged, detections_of, judged
from coverslip.samples.sheets.splits import split_word

RADIUS = "12"
"""Distance within which points are matched where nobody says another, pixels."""


def evaluate(result: Any, truth: Any, images: Any, seed: int, options: Evaluate) -> Measured:
    """Measure detections; see `coverslip.evaluate`."""
    named = result if isinstance(result, str | Path) else None
    asked = [name for name in ("against", "profile") if getattr(options, name) is not None]
    if asked and (truth is not None or len(asked) > 1):
        raise InputError("A result is measured against the truth, another result (against) or a profile; name one.")
    with about(named):
        result = result if named is None else read_detections(named)
        changed = result.notes() if isinstance(result, DetectionFolder) else ()
        if options.profile is not None:
            expressed = as_expected(detections_of(result), options.profile)
            return Measured(expressed, (odd_ones(expressed), *changed))
        if options.against is not None:
            shares = against(detections_of(result), detections_of(options.against), seed=seed)
            return Measured(shares, (*told(shares), *changed))
        if options.regions:
            result = _regions_of(result, truth)
        known = judged(result, truth, split=options.split, partial=options.partial, bad=options.bad_boxes)
        rows, _, notes = measured(known, options.group, options.radius, options.circular, seed)
    return Measured(rows, (*notes, *changed))


def measured(
    known: Judged, group: str | None = None, radius: str | None = None, circular: bool = True, seed: int = 0
) -> tuple[list[dict[str, Any]], Compared, tuple[str, ...]]:
    """The table of all measures, what was called what, and what the reader should know beside them."""
    classes = known.classes()
    points = [true.points for true in known.true]
    if any(points) and not all(points):
        raise InputError("Some images are marked by points and others by boxes; measure them one after the other.")
    radii = None
    if radius is not None or all(points):
        length = Length.parse(radius or RADIUS)
        radii = [length.pixels(one.pixel_size, one.source) for one in known.found]
    groups, by = known.groups(group)
    rows, sums = evaluate_detections(
        known.found, known.true, classes, groups, radius=radii, circular=circular, seed=seed
    )
    notes = [*known.notes]
    if radii is not None:
        notes.append(f"Middles were matched within {radius or RADIUS + ' px'}, the nearest pairs first.")
    else:
        lowest = min((float(one.score.min()) for one in known.found if len(one)), default=0.0)
        if lowest >= 0.1:
            notes.append(
                f"Objects with a score below {lowest:.2f} are not in the result, so average precision is a lower "
                "bound; predict with --threshold 0.05 for all of it."
            )
    if len({split_word(row.get("split", "")) for row in known.rows} - {""}) > 1:
        notes.append("Training images are among those measured: --split val or --split test leaves them out.")
    if by:
        notes.append(f"Intervals are over whole groups of the column '{by}'.")
    unnamed = sum(int((~one.named).sum()) for one in known.found)
    if unnamed:
        notes.append(f"{number_of(unnamed, 'region is', 'regions are')} {UNNAMED}, which counts as missed.")
    notes.extend(_confused(sums, classes))
    return rows, sums, tuple(notes)


def _regions_of(result: Any, truth: Any) -> list[Detections]:
    """The regions of a result, to be measured like objects."""
    if truth is None:
        raise InputError("The result names the truth of its objects; give a sheet, or a file, that marks the regions.")
    found = [one.regions for one in detections_of(result)]
    if any(one is None for one in found):
        raise InputError("The result has no regions; predict with --regions, or leave regions out.")
    return [one for one in found if one is not None]


def told(shares: list[dict[str, Any]]) -> tuple[str, ...]:
    """What differs between two results, in words."""
    everywhere = {(r["class"], r["measure"]): r for r in shares if r["region"] == EVERYWHERE}
    notes = []
    for name in dict.fromkeys(row["class"] for row in shares):
        here, there = (everywhere[name, measure] for measure in ("share", "share against"))
        if not here["value"] and there["value"]:
            notes.append(
                f"{name}: none among {number_of(here['n'], 'cell')}, so less than {here['high']:.2%} (95 %); there "
                f"{there['value']:.1%}."
            )
    apart = [
        f"{row['class']} ({row['value']:+.1%})"
        for row in everywhere.values()
        if row["measure"] == "difference" and (row["low"] > 0 or row["high"] < 0)
    ]
    return (*notes, f"Shares that differ: {', '.join(apart)}." if apart else "No share differs (95 %).")


def _confused(sums: Compared, classes: tuple[str, ...]) -> list[str]:
    """The pairs that are confused most, in words."""
    table = sums.confusion[:-1, :-1].copy()
    np.fill_diagonal(table, 0)
    order = np.argsort(-table.ravel(), kind="stable")[:3]
    found = [(i // len(classes), i % len(classes)) for i in order.tolist() if table.ravel()[i]]
    said = ", ".join(f"{classes[a]} called {classes[b]} {table[a, b]:,} times" for a, b in found)
    missed, spurious = int(sums.confusion[:-1, -1].sum()), int(sums.confusion[-1, :-1].sum())
    notes = [f"Most confused: {said}."] if said else []
    return [
        *notes,
        f"{number_of(missed, 'true object was', 'true objects were')} missed, "
        f"{number_of(spurious, 'detection is', 'detections are')} of none.",
    ]
