"""Which depth is best at each size, and the rule through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2, prod
from typing import Any

import numpy as np

Size = tuple[int, int]

Row = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """A depth rule: ``L = round(slope · log2(H · W) + offset)``."""

    slope: float
    offset: float

    def __str__(self) -> str:
        sign = "+" if self.offset >= 0 else "\u2212"
        return f"L = round({round(self.slope, 3) + 0.0:.3f} · log2(H · W) {sign} {abs(self.offset):.2f})"

    def at(self, size: Size) -> int:
        """The depth for a size, at least 1."""
        return max(1, int(np.floor(self.slope * log2(prod(size)) + self.offset + 0.5)))


def points_of(rows: Sequence[Row], rules: Mapping[Size, int]) -> list[Row]:
    """One per size and depth: means over restarts, and which is best and which the rule's."""
    points: list[Row] = []
    for (height, width, depth), own in grouped(rows, ("height", "width", "depth")).items():
        each = tuple(float(row["val_loss"]) for row in own)
        point: Row = {"height": height, "width": width, "depth": depth, "restarts": len(own)}
        point |= {"value": float(np.mean(each)), "low": min(each), "high": max(each), "each": each}
        point["per_pixel"] = point["value"] / (height * width)
        for name in dict.fromkeys(name for row in own for name in row):
            if name in ("val_kl", "val_reconstruction", "active_units", "parameters"):
                point[name] = float(np.mean([row[name] for row in own]))
        point["collapsed"] = sum(bool(row.get("collapsed")) for row in own)
        point["lost"] = tuple(bool(row.get("collapsed")) for row in own)
        point["rule"] = depth == rules[height, width]
        points.append(point)
    for own in grouped(points, ("height", "width")).values():
        # Most fits of a depth that is chosen must tell images apart, however small the loss without that.
        kept = [point for point in own if point["collapsed"] <= point["restarts"] / 2] or own
        best = min(kept, key=lambda point: point["value"])
        for point in own:
            point["best"] = point is best
    return points


def refitted(points: Sequence[Row]) -> Line | None:
    """The line through the best depths over the logarithm of the number of pixels; None of one size."""
    best = [point for point in points if point["best"]]
    pixels = np.array([log2(point["height"] * point["width"]) for point in best])
    if len(np.unique(pixels)) < 2:
        return None
    slope, offset = np.polyfit(pixels, [point["depth"] for point in best], 1)
    return Line(float(slope), float(offset))


def grouped(rows: Sequence[Row], keys: Sequence[str]) -> dict[tuple[Any, ...], list[Row]]:
    """Rows by what they have in some columns, in the order in which that first comes."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[key] for key in keys), []).append(row)
    return found


def size_text(size: Size) -> str:
    """A size in names and tables: ``20x40``."""
    return f"{size[0]}x{size[1]}"
