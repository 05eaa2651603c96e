"""A number of an embedding on held-out samples, for a sweep."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from coverslip.core import Samples
from coverslip.measure import linear_probe
from coverslip.models.folder import Model


def score(model: Model, samples: Samples, parts: Mapping[str, np.ndarray], label: str, device: str) -> dict[str, float]:
    """Balanced accuracy of a linear probe for a column of classes; nothing where there is no such column."""
    if label not in samples.obs:
        return {}
    embedding = model.implementation.predict(model, samples, device=device)
    rows = np.concatenate([parts["train"], parts["val"]])
    split = np.array(["train"] * len(parts["train"]) + ["test"] * len(parts["val"]))
    found = linear_probe(embedding.latent[rows], samples.obs[label][rows], split=split).balanced_accuracy
    return {"probe": found.value, "probe_low": found.low, "probe_high": found.high}
