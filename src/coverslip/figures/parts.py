"""Parts that every page has: figures, tables, facts, and the templates they are put into."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.figures.style import figure_bytes, short


def environment(own: Path) -> Any:
    """Templates, with the styles and scripts that lie beside them; everything else is escaped.

    Parameters
    ----------
    own : Path
        The folder of a page's own ones; those of the house are there as well.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    # Everything is escaped but our own files and what `script_json` made safe for a script element.
    environment = Environment(
        loader=FileSystemLoader([own, Path(__file__).parent / "assets"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    loader = environment.loader
    assert loader is not None
    for name in loader.list_templates():
        if name.endswith((".css", ".js")):
            environment.globals[name.replace(".", "_")] = Markup(loader.get_source(environment, name)[0])
    return environment


def figure_part(caption: str, value: Any) -> dict[str, str]:
    """A matplotlib figure or PNG bytes (or a pair of that and a longer text) as the page shows it."""
    content, text = value if isinstance(value, tuple) else (value, "")
    png = content if isinstance(content, bytes) else figure_bytes(content, "png", dpi=170)
    return {"caption": caption, "text": text, "png": base64.b64encode(png).decode("ascii")}


def table_part(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[tuple[str, str, bool]]]]:
    """Headings, and cells as (text, interval, is a number)."""
    if any({"value", "low", "high"} <= row.keys() for row in rows):
        rows = [_joined(row) for row in rows]
    headings = list(dict.fromkeys(str(name) for row in rows for name in row))
    return headings, [[_cell(row.get(name, "")) for name in headings] for row in rows]


def _joined(row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns ``value``, ``low`` and ``high`` of a row as one."""
    whole = (row.get("value", np.nan), row.get("low", np.nan), row.get("high", np.nan))
    return {name: whole if name == "value" else value for name, value in row.items() if name not in ("low", "high")}


def _cell(value: Any) -> tuple[str, str, bool]:
    if all(hasattr(value, part) for part in ("value", "low", "high")):
        value = (value.value, value.low, value.high)
    if isinstance(value, tuple) and len(value) == 3:
        middle, low, high = (float(part) for part in value)
        interval = f"{_number(low)} – {_number(high)}" if low < high else ""
        return _number(middle), interval, True
    if isinstance(value, (bool, np.bool_)):
        return ("yes" if value else "no"), "", False
    if isinstance(value, (int, np.integer)):
        return str(value), "", True
    if isinstance(value, (float, np.floating)):
        return _number(float(value)), "", True
    return ("" if value is None else str(value)), "", False


def _number(value: float) -> str:
    return short(value).replace("-", "\u2212") if np.isfinite(value) else "–"


def flat_facts(value: Any, name: str = "", most: int = 400) -> list[tuple[str, str]]:
    """Nested facts as (dotted name, text), at most `most` of them."""
    if isinstance(value, Mapping):
        parts = [(f"{name}.{key}" if name else str(key), part) for key, part in value.items()]
    elif isinstance(value, (list, tuple)) and any(isinstance(part, (Mapping, list, tuple)) for part in value):
        parts = [(f"{name} {i}", part) for i, part in enumerate(value, 1)]
    else:
        listed = isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim)
        return [(name, ", ".join(map(str, value)) if listed else str(value))]
    rows: list[tuple[str, str]] = []
    for key, part in parts:
        rows += flat_facts(part, key, most)
        if len(rows) > most:
            return [*rows[:most], ("…", "more in the result file")]
    return rows


def table_column(name: str, values: Any, meant: str) -> dict[str, Any]:
    """A column of a sorted table as the page reads it: heading, explanation and values."""
    values = np.asarray(values)
    if values.dtype.kind in "iu":
        return {"name": name, "title": meant, "kind": "number", "values": values.tolist()}
    if values.dtype.kind == "f":
        numbers = [float(f"{value:.6g}") if np.isfinite(value) else None for value in values]
        return {"name": name, "title": meant, "kind": "number", "values": numbers}
    return {"name": name, "title": meant, "kind": "text", "values": [str(value) for value in values]}


def prose(card: str) -> Any:
    """Markdown as HTML; HTML in it is shown as text."""
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    return Markup(MarkdownIt("commonmark", {"html": False}).render(card)) if card.strip() else ""
