"""A number of scores on held-out samples, for a sweep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from coverslip.core import Subset
from coverslip.measure import balanced_accuracy, bootstrap
from coverslip.models.folder import Model


def score(model: Model, samples: Any, parts: Mapping[str, np.ndarray], label: str, device: str) -> dict[str, float]:
    """Balanced accuracy on the validation part, for the column that the model was fitted to."""
    column = getattr(model.config, "label", label)
    held = Subset(samples, parts["val"])
    if column not in held.obs or len(held) < 2:
        return {}
    found = model.implementation.predict(model, held, device=device)
    value = bootstrap(balanced_accuracy, held.obs[column].astype(str), found.predicted.astype(str))
    return {"balanced_accuracy": value.value, "balanced_low": value.low, "balanced_high": value.high}
