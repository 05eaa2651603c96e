"""Areas that hold no image: what the user said of them, and what is said of them to the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from coverslip.core import NoDataRule
from coverslip.core.words import number_of
from coverslip.work.asked import Asked


def with_rule(asked: Asked, nodata: NoDataRule | None) -> Asked:
    """How inputs are opened, with the rule that was given; without one, as for the fit."""
    return asked if nodata is None else replace(asked, input={**asked.input, "nodata": nodata})


def notes_on(found: Mapping[str, tuple[float, ...]]) -> tuple[str, ...]:
    """A sentence where images have such areas: names of the images, and the grey values of each."""
    if not found:
        return ()
    name, value = next(iter(found.items()))
    have = number_of(len(found), "image has areas", "images have areas")
    which = Path(name).name if len(found) == 1 else f"the first is {Path(name).name}"
    grey = ", ".join(f"{one:g}" for one in value)
    return (
        f"{have} that hold no image, as stitching or rotation leaves them ({which}, grey value {grey}): they count in "
        "no statistics, and no objects are looked for there; --nodata none takes them for image.",
    )
