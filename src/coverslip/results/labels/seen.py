"""How a model saw each image: kept beside the table of its objects until the result is written, then said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from coverslip.measure.objects.shapes import Table

Seen = Mapping[str, float]
"""Of an image or a part of it: ``zoom``, at which it was shown, and what else is told, as means over pixels."""

_APART = "image/"


def with_seen(table: Table, seen: Seen) -> Table:
    """A table of objects with what is told of their image, as columns of one row."""
    return {**table, **{_APART + name: np.array([value]) for name, value in seen.items()}}


def without_seen(table: Table) -> tuple[Table, dict[str, float]]:
    """The table of objects, and what is told of their image."""
    seen = {name.removeprefix(_APART): float(value[0]) for name, value in table.items() if name.startswith(_APART)}
    return {name: column for name, column in table.items() if not name.startswith(_APART)}, seen


def mean_of(parts: Sequence[tuple[Seen, int]]) -> dict[str, float]:
    """Of an image, from what is told of its parts and their pixels."""
    whole = sum(pixels for _, pixels in parts)
    return {name: sum(seen[name] * pixels for seen, pixels in parts) / whole for name in parts[0][0]} if parts else {}


def note_zooms(rows: Sequence[dict[str, str]], zooms: Sequence[float]) -> tuple[str, ...]:
    """Put the zooms at which images were shown into their rows, and say which were shown at another size."""
    if all(zoom == 1 for zoom in zooms):
        return ()
    for row, zoom in zip(rows, zooms, strict=True):
        row["zoom"] = f"{zoom:.3g}"
    notes = []
    for found, size, done in (
        ([zoom for zoom in zooms if zoom < 1], "larger", "reduced"),
        ([zoom for zoom in zooms if zoom > 1], "smaller", "enlarged"),
    ):
        if found:
            ends = dict.fromkeys(f"{zoom:.2g}" for zoom in (min(found), max(found)))
            notes.append(
                f"In {len(found)} of {len(zooms)} images the objects look {size} than those the model was fitted to: "
                f"it was shown these images {done} (zoom {' to '.join(ends)}). Say --diameter to set their size."
            )
    return tuple(notes)
