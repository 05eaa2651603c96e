"""What a study of depths says: sentences, tables, a figure and the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from coverslip.core.words import counted
from coverslip.io import write_table
from coverslip.study.findings import Findings, columns
from coverslip.study.sweeps.depth_rule import Line, Row, Size, grouped, size_text


def upsampled(sizes: Sequence[Size], before: Size) -> list[str]:
    """A sentence where images were made larger than they are."""
    larger = [size for size in sizes if size[0] > before[0] or size[1] > before[1]]
    if not larger:
        return []
    return [
        f"{', '.join(map(size_text, larger))}: the images have {size_text(before)} pixels, so this is upsampling, "
        "which adds pixels but no detail; images taken at that size may want another depth."
    ]


def notes_of(points: Sequence[Row], rules: Mapping[Size, int], line: Line | None, restarts: int) -> list[str]:
    """What was found at each size, and what a line through the best depths would take."""
    notes = [_of_size(own, rules[size]) for size, own in grouped(points, ("height", "width")).items()]
    if line is not None:
        taken = [
            f"{line.at(size)} at {size_text(size)}{_behind(own, line.at(size))}"
            for size, own in grouped(points, ("height", "width")).items()
        ]
        notes.append(
            f"Refitted to these sizes: {line}. It takes {', '.join(taken)}. A line through {len(taken)} sizes is a "
            "guide between them, and nothing beyond."
        )
    if restarts < 2:
        notes.append("One fit of each: what other seeds would change is not known; say --restarts 3.")
    return notes


def _behind(own: Sequence[Row], depth: int) -> str:
    """What a depth loses to the best one, in brackets."""
    found = next((point for point in own if point["depth"] == depth), None)
    if found is None:
        return " (not fitted)"
    if found["best"]:
        return " (the best)"
    return " (collapsed)" if found["collapsed"] > found["restarts"] / 2 else f" ({_lost(own, found)} worse)"


def _lost(own: Sequence[Row], point: Row) -> str:
    best = next(each for each in own if each["best"])
    more = point["value"] - best["value"]
    # A likelihood may be below 0, where shares mean nothing.
    return f"{100 * more / best['value']:.1f} %" if best["value"] > 0 else f"{more:.3g}"


def _of_size(own: Sequence[Row], rule: int) -> str:
    """What was found at one size, as sentences."""
    best = next(point for point in own if point["best"])
    said = f"{own[0]['height']} x {own[0]['width']} pixels: depth {best['depth']} is best, with a validation loss of "
    said += f"{best['value']:.4g}. "
    taken = next((point for point in own if point["rule"]), None)
    if taken is None:
        said += f"The rule takes {rule}, which was not fitted."
    elif taken is best:
        said += "The rule takes it."
    elif taken["value"] < best["value"]:
        said += f"The rule takes {rule}, whose loss of {taken['value']:.4g} is smaller, but it collapsed."
    else:
        sure = best["high"] < taken["low"]
        spread = "every restart is better" if sure else "less than restarts differ by"
        said += f"The rule takes {rule}, whose loss of {taken['value']:.4g} is {_lost(own, taken)} worse"
        said += f" ({spread})." if best["restarts"] > 1 else "."
    lost = [f"{p['depth']} (in {p['collapsed']} of {p['restarts']} fits)" for p in own if p["collapsed"]]
    if lost:
        said += f" Collapsed, so that every image got the same vector: depth {', '.join(lost)}."
    depths = [point["depth"] for point in own]
    if len(depths) > 1 and best["depth"] == max(depths):
        said += " It is the deepest that was fitted."
    return said


def written(
    out: Path,
    rows: list[Row],
    points: list[Row],
    rules: Mapping[Size, int],
    line: Line | None,
    notes: list[str],
    record: dict[str, Any],
    images: int,
) -> Findings:
    """Write tables, figure and page."""
    from coverslip.figures import save_figure
    from coverslip.figures.depths import depth_figure
    from coverslip.study.page import write_study_page

    write_table(columns(rows), out / "table.csv")
    write_table(columns(points, leave_out=("each", "lost")), out / "summary.csv")
    figure = save_figure(depth_figure(points, rules, None if line is None else line.at), out / "depth.png")
    table = [_shown(point) for point in points]
    write_study_page(
        out,
        title=f"Depth of {record['method']}",
        notes=notes,
        facts=[counted(images, "image"), counted(len(rules), "size"), counted(len(rows), "fit")],
        figures={"Validation loss by depth": (figure.read_bytes(), _CAPTION)},
        tables={"Means over restarts, with the smallest and largest": table},
        provenance=record,
    )
    return Findings(points, notes, table)


_CAPTION = (
    "Dots are single fits, hollow where they collapsed; the line is their mean, with a ring at the best depth; the "
    "band marks the depth that the rule takes. Losses are sums over the pixels of one image, so they compare within a "
    "size, not between sizes."
)


def _shown(point: Row) -> Row:
    """A row of the table that is printed and stands in the page."""
    row: Row = {"size": size_text((point["height"], point["width"])), "depth": point["depth"]}
    row["val loss"] = (point["value"], point["low"], point["high"])
    row["per pixel"] = point["per_pixel"]
    names = {"val_kl": "KL", "active_units": "active units", "parameters": "parameters"}
    row |= {title: point[name] for name, title in names.items() if name in point}
    if "parameters" in row:
        row["parameters"] = int(row["parameters"])
    row["collapsed"] = f"{point['collapsed']} of {point['restarts']}" if point["collapsed"] else ""
    row["note"] = ", ".join(word for word in ("best", "rule") if point[word])
    return row
