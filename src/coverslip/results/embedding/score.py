"""Numbers of an embedding on held-out samples, for a sweep."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from coverslip.core import Samples, Subset
from coverslip.measure import linear_probe
from coverslip.models.folder import Model

_MOST = 2000
"""Samples that are given back, at most: enough for three digits."""


def score(model: Model, samples: Samples, parts: Mapping[str, np.ndarray], label: str, device: str) -> dict[str, float]:
    """What a model says of held-out samples, on scales that are the same whatever its settings.

    ``val_unexplained``, of a model that gives images back, is the share of the variance of their values that is lost,
    the mean over channels; ``probe`` the balanced accuracy of a linear probe, where there is a column of classes.
    """
    found: dict[str, float] = {}
    reconstruct = getattr(model.implementation, "reconstruct", None)
    if reconstruct is not None:
        rows = np.random.default_rng(0).permutation(parts["val"])[:_MOST]
        found["val_unexplained"] = _unexplained(*reconstruct(model, Subset(samples, rows), device=device))
    if label not in samples.obs:
        return found
    embedding = model.implementation.predict(model, samples, device=device)
    rows = np.concatenate([parts["train"], parts["val"]])
    split = np.array(["train"] * len(parts["train"]) + ["test"] * len(parts["val"]))
    probe = linear_probe(embedding.latent[rows], samples.obs[label][rows], split=split).balanced_accuracy
    return {**found, "probe": probe.value, "probe_low": probe.low, "probe_high": probe.high}


def _unexplained(images: np.ndarray, given_back: np.ndarray) -> float:
    """Errors over variances of each channel, so that it does not matter how intensities were scaled."""
    over = (0, 2, 3)
    variance = images.var(axis=over, dtype=float)
    error = np.square(images - given_back).mean(axis=over, dtype=float)
    varies = variance > 0
    return float((error[varies] / variance[varies]).mean()) if varies.any() else np.nan
