"""How a model saw each image: kept beside the table of its objects until the result is written, then said."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.core.words import number_of, word_for
from coverslip.measure.objects.shapes import Table
from coverslip.nn.familiar import BRIGHT
from coverslip.samples.opening.channels import OTHER_MODELS

_APART = "image/"
_NAMED = 5
_NEXT = 3
_SURE = 0.75
"""Of images with a higher expected IoU none is proposed: a model that fits has 0.8 and more."""


@dataclass(frozen=True)
class Seen:
    """How a model saw an image.

    Parameters
    ----------
    zoom : float
        At which it was shown.
    inverted : bool
        Whether it was shown with light and dark exchanged.
    without : str
        Name of a stain that was taken out of its colours; empty: none was.
    absorbed : bool
        Whether its optical density was explained.
    doubts : tuple of str
        Why the model may not fit it, in words.
    expected_iou : float
        The IoU that the model expects of what it found; NaN: it does not say.
    """

    zoom: float = 1.0
    inverted: bool = False
    without: str = ""
    absorbed: bool = False
    doubts: tuple[str, ...] = ()
    expected_iou: float = math.nan

    @classmethod
    def of(cls, shown: Any) -> Seen:
        """From what says some of it under these names."""
        own = {one.name: getattr(shown, one.name) for one in fields(cls) if hasattr(shown, one.name)}
        return cls(**{**own, "doubts": tuple(shown.doubts)})

    @property
    def doubt(self) -> str:
        """In one line; empty where there is none."""
        return "; ".join(self.doubts)


def with_seen(table: Table, seen: Seen) -> Table:
    """A table of objects with how their image was seen."""
    return {**table, **{_APART + name: np.array(value) for name, value in vars(seen).items()}}


def without_seen(table: Table) -> tuple[Table, Seen]:
    """The table of objects, and how their image was seen."""
    told = {name.removeprefix(_APART): column.tolist() for name, column in table.items() if name.startswith(_APART)}
    if told:
        told["doubts"] = tuple(told["doubts"])
        if math.isnan(told["expected_iou"]):
            told["expected_iou"] = math.nan  # one and the same, so that what is not told is equal
    return {name: column for name, column in table.items() if not name.startswith(_APART)}, Seen(**told)


def note_seen(
    rows: Sequence[dict[str, str]],
    tables: Sequence[dict[str, np.ndarray]],
    seen: Sequence[Seen],
    strict: bool,
    told: bool = False,
) -> tuple[str, ...]:
    """Put how images were seen into their rows and tables, and say it.

    Parameters
    ----------
    rows, tables : sequence of dict
        Of the sheet, and the objects of each image.
    seen : sequence of Seen
        Of each image.
    strict : bool
        Refuse images that the model may not fit.
    told : bool
        Whether somebody told how large objects are, so that zooms need no word.

    Returns
    -------
    tuple of str
        Sentences.

    Raises
    ------
    InputError
        Of images that are refused, by their names.
    """
    names = [Path(row["image"]).name for row in rows]
    doubt = doubted(names, seen, strict)
    if doubt:
        for row, table, one in zip(rows, tables, seen, strict=True):
            row["doubt"] = one.doubt
            table["doubt"] = np.full(len(next(iter(table.values()), ())), one.doubt, object)
    turned = [name for name, one in zip(names, seen, strict=True) if one.inverted]
    if turned:
        for row, one in zip(rows, seen, strict=True):
            row["inverted"] = "yes" if one.inverted else ""
        turned = [
            f"{len(turned)} of {number_of(len(seen), 'image')} {word_for(len(turned), 'is', 'are')} dark on light, "
            f"and shown to the model inverted: {_list(turned)}."
        ]
    bare = [name for name, one in zip(names, seen, strict=True) if one.without]
    if bare:
        for row, one in zip(rows, seen, strict=True):
            row["without"] = one.without
        stains = " and ".join(sorted({one.without for one in seen if one.without}))
        what = (
            f"In {len(bare)} of {number_of(len(seen), 'image')} {stains} was taken out of the colours before the "
            "model saw them"
        )
        bare = [f"{what}: {_list(bare)}."]
    dense: list[str] = []
    if any(one.absorbed for one in seen):
        for row, one in zip(rows, seen, strict=True):
            row["light"] = "absorbed" if one.absorbed else "emitted"
        dense = ["Light is absorbed: what is explained, and the pictures beside the labels, are optical densities."]
    return (
        *note_zooms(rows, [one.zoom for one in seen], told),
        *turned,
        *bare,
        *dense,
        *doubt,
        *_to_label_next(rows, names, seen),
    )


def _to_label_next(rows: Sequence[dict[str, str]], names: Sequence[str], seen: Sequence[Seen]) -> tuple[str, ...]:
    """Put how sure the model is into the rows, and say of which images the least: they teach it most."""
    expected = np.array([one.expected_iou for one in seen])
    if np.isnan(expected).any():
        return ()
    for row, iou in zip(rows, expected, strict=True):
        row["expected_iou"] = f"{iou:.3g}"
    least = [int(i) for i in np.argsort(expected, kind="stable")[:_NEXT] if expected[i] < _SURE]
    if not least or len(seen) <= _NEXT:
        return ()
    named = ", ".join(f"{names[i]} ({expected[i]:.2f})" for i in least)
    return (
        f"The model is least sure of {named}: the IoU it expects of what it found (column 'expected_iou'). To teach it "
        "more, correct or label these next.",
    )


def doubted(names: Sequence[str], seen: Sequence[Seen], strict: bool) -> tuple[str, ...]:
    """Which images the model may not fit, in a sentence.

    Raises
    ------
    InputError
        If there are such, and they are to be refused.
    """
    found = [f"{name} ({one.doubt})" for name, one in zip(names, seen, strict=True) if one.doubts]
    if not found:
        return ()
    which = _not_like(found, len(seen))
    if strict:
        raise InputError(f"{which[:-1]}; leave them out, or leave --strict out to have them all the same.")
    bright = any(BRIGHT in one.doubts for one in seen)
    return (f"{which} Look at what was found there before you use it.{f' {OTHER_MODELS}' * bright}",)


def doubts_noted(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """The sentence on images that the model may not fit, from the rows of a result."""
    found = [f"{Path(row.get('image', '')).name} ({row['doubt']})" for row in rows if row.get("doubt")]
    return [_not_like(found, len(rows))] if found else []


def _not_like(found: Sequence[str], images: int) -> str:
    counted = f"{len(found)} of {number_of(images, 'image')} {word_for(len(found), 'is', 'are')}"
    return f"{counted} not like those that the model was fitted to: {_list(found)}."


def _list(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def note_zooms(rows: Sequence[dict[str, str]], zooms: Sequence[float], told: bool = False) -> tuple[str, ...]:
    """Put the zooms at which images were shown into their rows, and say which were so where nobody told the size."""
    if all(zoom == 1 for zoom in zooms):
        return ()
    for row, zoom in zip(rows, zooms, strict=True):
        row["zoom"] = f"{zoom:.3g}"
    if told:
        return ()
    notes = []
    for found, size, done in (
        ([zoom for zoom in zooms if zoom < 1], "larger", "reduced"),
        ([zoom for zoom in zooms if zoom > 1], "smaller", "enlarged"),
    ):
        if found:
            ends = dict.fromkeys(f"{zoom:.2g}" for zoom in (min(found), max(found)))
            notes.append(
                f"In {len(found)} of {number_of(len(zooms), 'image')} the objects look {size} than those the model "
                f"was fitted to: it was shown these images {done} (zoom {' to '.join(ends)}). Say --diameter to set "
                "their size."
            )
    return tuple(notes)
