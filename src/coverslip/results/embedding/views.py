"""Whether neighbours and clusters stay where the images of an embedding are changed a little."""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip.core import CoverslipError, Embedding, Samples, Subset
from coverslip.measure import evaluate_kept
from coverslip.measure.embeddings.kept import SAMPLES
from coverslip.models.folder import Model
from coverslip.models.origins import model_of
from coverslip.results.embedding.sphering import unsphered
from coverslip.samples.opening.views import Views


def embedded_views(
    model: Model, samples: Samples, views: int, *, device: str = "auto", seed: int = 0
) -> list[np.ndarray]:
    """Vectors of so many views of each sample, ``(N, D)`` each."""
    seeds = range(seed, seed + views)
    return [model.implementation.predict(model, Views(samples, each), device=device).latent for each in seeds]


def view_rows(
    embedding: Embedding, images: tuple[Samples | None, str], views: int, clusters: int | None, seed: int
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Measure it.

    Parameters
    ----------
    embedding : Embedding
        Its provenance says which model.
    images : (Samples or None, str)
        From `coverslip.samples.opening.again.images_of`.
    views : int
        Of each image.
    clusters : int, optional
        How many k-means makes.
    seed : int
        For all that is drawn.

    Returns
    -------
    rows : list of dict
        As `coverslip.measure.evaluate_kept` has them, of the vectors as the model makes them.
    notes : tuple of str
        Why there are none.
    """
    opened, complaint = images
    try:
        model = None if opened is None else model_of(embedding, None)
        if model is None or opened is None:
            return [], (_left_out(complaint or "the model is not where the result says."),)
        rows = np.arange(len(embedding))
        if len(rows) > SAMPLES:
            rows = np.sort(np.random.default_rng(seed).choice(len(rows), SAMPLES, replace=False))
        latent = next(iter(unsphered(embedding).values()), embedding.latent)[rows]
        viewed = embedded_views(model, Subset(opened, rows), views, seed=seed)
    except CoverslipError as error:  # the model or the images were changed since
        return [], (_left_out(str(error)),)
    return evaluate_kept(latent, views=viewed, clusters=clusters, seed=seed).records(), ()


def _left_out(why: str) -> str:
    return f"Changed images are not embedded: {why}"
