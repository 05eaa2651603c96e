"""How far the coverage of prediction sets may lie from what was asked for by chance alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from coverslip.measure.classes.evaluate import Classification
from coverslip.study.classes.bench import CALIBRATING, Tested

_DRAWS = 20_000
_ENDS = (2.5, 97.5)


def coverage_by_chance(
    calibrating: Sequence[int], tested: Sequence[int], error_rate: float, seed: int = 0
) -> tuple[float, float]:
    """Between which shares the coverage of a class lies in 95 of 100 studies whose promise holds.

    Parameters
    ----------
    calibrating : sequence of int
        Images of the class that each fit calibrated with.
    tested : sequence of int
        Images of the class that each was tested on.
    error_rate : float
        Of the prediction sets.
    seed : int
        Of the draws.

    Returns
    -------
    low, high : float

    Notes
    -----
    With n calibrating images the share of all images that a set covers follows Beta(n + 1 - l, l), l = floor((n + 1) e)
    (Vovk 2013): with 15 of them and e = 0.1 its mean is 0.94 and its deviation 0.06, however good the classifier.
    Images count as independent: where several are of one source, chance reaches further.
    """
    rng = np.random.default_rng(seed)
    hits = np.zeros(_DRAWS)
    for n, asked in zip(calibrating, tested, strict=True):
        missed = int(np.floor((n + 1) * error_rate + 1e-9))
        covered = rng.beta(n + 1 - missed, missed, _DRAWS) if missed else np.ones(_DRAWS)
        hits += rng.binomial(asked, covered)
    low, high = np.percentile(hits / max(sum(tested), 1), _ENDS)
    return float(low), float(high)


def coverage_rows(
    found: Classification, tested: Sequence[Tested], points: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Coverage of each class beside what chance allows; nothing without prediction sets.

    Parameters
    ----------
    found : Classification
        All tested images of a kind of fit, one fit behind the other.
    tested : sequence of Tested
        The fits.
    points : sequence of dict
        From `coverslip.measure.evaluate_classes`.
    """
    counts = [each.scores.provenance.get(CALIBRATING) for each in tested]
    if found.sets is None or any(not isinstance(each, dict) for each in counts):
        return []
    ends = np.cumsum([len(each.division.test) for each in tested])
    codes = np.split(found.codes, ends[:-1])
    rows = []
    for point in points:
        if point["measure"] != "coverage" or point["class"] not in found.classes:
            continue
        code = found.classes.index(point["class"])
        own = [int((each or {}).get(point["class"], 0)) for each in counts]
        row = {"class": point["class"], "images": point["n"]}
        row["coverage"] = (point["value"], point["low"], point["high"])
        row["calibrating"] = f"{min(own)} to {max(own)}" if min(own) < max(own) else str(own[0])
        if min(own):
            asked = [int((part == code).sum()) for part in codes]
            low, high = coverage_by_chance(own, asked, tested[0].scores.error_rate)
            row |= {"by chance": f"{low:.3f} to {high:.3f}", "beyond chance": not low <= point["value"] <= high}
        else:
            row |= {"by chance": "not promised", "beyond chance": False}
        rows.append(row)
    return rows


def coverage_note(rows: Sequence[dict[str, Any]], error_rate: float) -> list[str]:
    """Sentences on coverage."""
    if not rows:
        return []
    said = [
        f"Prediction sets are to cover {1 - error_rate:.0%} of each class. How far a class may lie from that by chance "
        "depends on how many images calibrated: see 'Coverage of each class'."
    ]
    for row in rows:
        if row["beyond chance"]:
            of = f"{row['kind']}: " if row.get("kind") else ""
            said.append(
                f"{of}'{row['class']}' is covered in {row['coverage'][0]:.3f}; by chance it would be in "
                f"{row['by chance']} (more widely, where images of a group are alike)."
            )
    return said
