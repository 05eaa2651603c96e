"""Figures of representations that are compared: what was measured, and a map of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from coverslip.core.spread import evenly
from coverslip.figures.classes import dots_figure
from coverslip.figures.maps import pca_map
from coverslip.figures.representations import maps_beside
from coverslip.measure.embeddings.trust import batch_column
from coverslip.samples.opening.again import as_words

_MAPPED = 2000
"""Samples that a map is drawn of: principal components of raw pixels take long."""


def figures_of(
    found: Mapping[str, np.ndarray], rows: Sequence[Mapping[str, Any]], columns: Mapping[str, np.ndarray], label: str
) -> dict[str, tuple[Any, str]]:
    """What was measured, and a map of each representation."""
    shown = evenly(len(next(iter(found.values()))), _MAPPED)
    maps = {
        name: values[shown] if values.shape[1] == 2 else pca_map(values[shown])[0] for name, values in found.items()
    }
    coloured = label if label in columns else batch_column(columns)
    colour = None if coloured is None else np.array([word or None for word in as_words(columns[coloured])[shown]])
    said = "Directions of largest variance of each (of two values, these themselves)"
    said += f", coloured by {coloured}." if coloured else "."
    measured = {row["representation"]: {k: v for k, v in row.items() if isinstance(v, tuple)} for row in rows}
    figures = {"Maps": (maps_beside(maps, colour, coloured or ""), said)}
    if any(measured.values()):
        figures = {"Measures": (dots_figure(measured), "Values with their intervals."), **figures}
    return figures
