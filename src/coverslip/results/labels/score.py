"""Numbers of label images on held-out fields, for a sweep."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from coverslip.core import Fields, FieldSubset
from coverslip.measure import evaluate_labels
from coverslip.models.folder import Model

MEASURES = ("ap50", "ap", "pixel_f1")


def score(model: Model, fields: Fields, parts: Mapping[str, np.ndarray], label: str, device: str) -> dict[str, float]:
    """Means over the held-out fields, with their intervals."""
    from coverslip import results

    held_out = FieldSubset(fields, parts["val"])
    labels = results.get(model.gives).verb("segment")(model, held_out, device)
    table = evaluate_labels((held_out.name(i), held_out.labels(i), each) for i, each in enumerate(labels))
    found: dict[str, float] = {}
    for measure in MEASURES:
        row = table.get(measure)
        found |= {measure: row.mean, f"{measure}_low": row.mean_low, f"{measure}_high": row.mean_high}
    return found
