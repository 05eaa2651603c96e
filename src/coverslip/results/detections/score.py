"""A number of detections on held-out fields, for a sweep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from coverslip.core import FieldSubset
from coverslip.models.folder import Model
from coverslip.results.detections.evaluation import measured
from coverslip.results.detections.truth import Judged
from coverslip.samples.opening.marked import marks_of


def score(model: Model, samples: Any, parts: Mapping[str, np.ndarray], label: str, device: str) -> dict[str, float]:
    """Macro F1 and mean AP at IoU 0.5 on the validation part."""
    held = FieldSubset(samples, parts["val"])
    found = list(model.implementation.predict(model, held, device=device))
    true = [marks_of(held, i) for i in range(len(held))]
    known = Judged(found, true, [{"image": one.source} for one in found], list(range(len(found))))
    rows, _, _ = measured(known)
    wanted = {"macro F1": "macro_f1", "mean AP50": "ap50"}
    return {wanted[row["measure"]]: row["value"] for row in rows if row["measure"] in wanted}
