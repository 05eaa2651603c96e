"""How well the model of an embedding gives its images back, beside as many principal components."""

from __future__ import annotations

from dataclasses import asdict
from math import prod
from typing import Any

import numpy as np

from coverslip.core import CoverslipError, Embedding, Samples, Subset, free_memory
from coverslip.core.words import number_of
from coverslip.measure import bootstrap, mean, mean_squared_error, pca_reconstruction, psnr, ssim
from coverslip.measure.embeddings.evaluate import Row
from coverslip.measure.intervals import Interval
from coverslip.models.origins import model_of

_BYTES = 48
"""Of memory for each pixel: images and reconstructions as float32, components and what is measured as float64."""


def reconstruction_rows(
    embedding: Embedding,
    images: tuple[Samples | None, str],
    split: np.ndarray | None,
    groups: np.ndarray | None,
    seed: int,
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Measure reconstructions.

    Parameters
    ----------
    embedding : Embedding
        Its provenance says which model.
    images : (Samples or None, str)
        From `coverslip.samples.opening.again.images_of`.
    split : ndarray of str, shape (N,), optional
        ``"train"`` and ``"test"``: components are found on the one, and everything is measured on the other.
    groups : ndarray, shape (N,), optional
        Resampled whole.
    seed : int
        For resampling.

    Returns
    -------
    rows : list of dict
        As `coverslip.measure.evaluate_embedding` has them; none of a model that gives nothing back.
    notes : tuple of str
        Why there are none, where there could be some.
    """
    described = embedding.provenance.get("model")
    if not isinstance(described, dict):
        return [], ()  # of another program
    try:
        model = model_of(embedding, None)
        if model is None:
            where = described.get("folder")
            return [], (_left_out(f"the model is not at {where} any more." if where else "the model was not saved."),)
        reconstruct = getattr(model.implementation, "reconstruct", None)
        if reconstruct is None:
            return [], ()
        opened, complaint = images
        if opened is None:
            return [], (_left_out(complaint),)
        rows = np.arange(len(opened)) if split is None else np.flatnonzero(split != "")
        needed, free = _BYTES * len(rows) * prod(opened.shape), free_memory()
        if needed > free // 2:
            return [], (_left_out(f"they would take {needed / 1e9:.0f} GB of {free / 1e9:.0f} GB of free memory."),)
        originals, given_back = reconstruct(model, Subset(opened, rows))
    except CoverslipError as error:  # the model or the images were changed since
        return [], (_left_out(str(error)),)
    scored = np.ones(len(rows), bool) if split is None else split[rows] == "test"
    size = min(embedding.latent.shape[1], prod(opened.shape), len(rows) if split is None else int((~scored).sum()))
    by_components = pca_reconstruction(originals if split is None else originals[~scored], originals[scored], size)
    versions = {"": given_back[scored], f"PCA {size}": by_components}
    return _compared(originals[scored], versions, None if groups is None else groups[rows][scored], seed), ()


def _left_out(why: str) -> str:
    return f"Reconstructions are not measured: {why}"


def _compared(
    originals: np.ndarray, versions: dict[str, np.ndarray], groups: np.ndarray | None, seed: int
) -> list[dict[str, Any]]:
    """The rows of each version of the images (the first is the model's), and of what the first is better by."""
    low, high = float(originals.min()), float(originals.max())
    spread, scale = 1.0, "on the scale that the network sees, 0 to 1"
    if low < 0 or high > 1:
        spread, scale = high - low or 1.0, f"on the scale that the network sees, {low:.3g} to {high:.3g}"
    else:  # components know no bounds, but who uses them does
        versions = {name: version.clip(0, 1) for name, version in versions.items()}
    if groups is not None and len(set(groups)) < 2:
        groups = None
    found = []
    measured: dict[str, dict[str, np.ndarray]] = {}
    for name, version in versions.items():
        measured[name] = values = {"mse": mean_squared_error(originals, version)}
        values["psnr"] = psnr(originals, version, data_range=spread)
        if min(originals.shape[2:]) >= 3:
            values["ssim"] = ssim(originals, version, data_range=spread)
        features = "reconstruction" + (f" by {name}" if name else "")
        found += [_row(features, key, each, groups, seed, f"{_MEANT[key]}, {scale}") for key, each in values.items()]
        if name:
            better = {key: measured[""][key] - each for key, each in values.items()}
            features = f"reconstruction - {name}"
            found += [_row(features, key, each, groups, seed, f"paired; {scale}") for key, each in better.items()]
    return found


_MEANT = {
    "mse": "squared error per pixel, lower is better",
    "psnr": "dB, higher is better",
    "ssim": "structural similarity, 1 is best",
}


def _row(
    features: str, measure: str, values: np.ndarray, groups: np.ndarray | None, seed: int, note: str
) -> dict[str, Any]:
    known = np.isfinite(values)
    if not known.all():
        note += f"; {number_of(int((~known).sum()), 'image')} without any error left out"
    values = values[known]
    if groups is not None:
        groups = groups[known]
    if len(values) >= 2 and (groups is None or len(set(groups)) > 1):
        interval = bootstrap(mean, values, groups=groups, seed=seed)
    else:
        interval = Interval(float(values.mean()) if len(values) else np.nan, np.nan, np.nan, len(values))
    return asdict(Row(features, measure, interval.value, interval.low, interval.high, interval.n, note))
