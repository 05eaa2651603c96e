"""What of a folder can be used: a result of the rest is worth more than a refusal, if it says what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from coverslip.core import InputError, track
from coverslip.samples.sheets.check import too_small
from coverslip.samples.sheets.inspection import FileFacts, inspect_image
from coverslip.samples.sheets.rows import in_threads
from coverslip.samples.sheets.sheet import Sheet

_TOLD = 20


def usable_part(sheet: Sheet, opens: Callable[[Sheet], Any]) -> Sheet:
    """The rows of a folder's sheet whose images can be used together.

    Parameters
    ----------
    sheet : Sheet
        Of a folder.
    opens : callable
        Opens a sheet as it is to be used, and raises `InputError` where its images do not go together.

    Returns
    -------
    Sheet
        Without images in which `coverslip.samples.check_sheet` finds an error that spoils them for every use (damaged,
        of unclear axes, with NaN, below 8 x 8 pixels), and without those that cannot be opened beside the most usual
        kind; `notes` say which, and why. All rows where none can be used: opening them says what is wrong.
    """
    every = range(len(sheet))
    looked = in_threads(lambda i: inspect_image(sheet, [i], "image", deep=True), every)
    facts = list(track(looked, "Looking at images", len(sheet)))
    wrong = {i: text for i in every if (text := _error(sheet, i, facts[i]))}
    kinds = {i: _kind(facts[i]) for i in every if i not in wrong}
    if not kinds:
        return sheet
    usual = Counter(kinds.values()).most_common(1)[0][0]
    model = next(i for i, kind in kinds.items() if kind == usual)
    for i, kind in kinds.items():
        if kind != usual:
            try:
                opens(sheet.subset([model, i]))
            except InputError as error:
                wrong[i] = str(error)
    if not wrong:
        return sheet
    told = [f"Left out {len(wrong)} of {len(sheet)} images."]
    told += [f"Left out: {wrong[i]}" for i in sorted(wrong)[:_TOLD]]
    rest = [sheet.rows[i]["image"] for i in sorted(wrong)[_TOLD:]]
    told += [f"Left out, too: {', '.join(rest)}."] if rest else []
    return replace(sheet.subset([i for i in every if i not in wrong]), notes=(*sheet.notes, *told))


def _error(sheet: Sheet, i: int, facts: FileFacts) -> str:
    """What spoils an image, in a sentence; a constant one has no objects, which is an answer."""
    problems = [*facts.problems, *too_small(sheet, i, facts)]
    return next((p.text for p in problems if p.severity == "error" and p.kind != "constant image"), "")


def _kind(facts: FileFacts) -> tuple[str, ...]:
    return facts.axes, facts.channels, facts.size, facts.dtype
