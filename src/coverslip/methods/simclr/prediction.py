"""Embed samples with a fitted SimCLR."""

from __future__ import annotations

from typing import Literal

from coverslip.core import Embedding, Fitted, Samples
from coverslip.methods.simclr.inference import features as features_of


def predict(
    fitted: Fitted,
    samples: Samples,
    *,
    device: str = "auto",
    features: Literal["before", "after"] = "before",
    orientations: Literal["one", "all"] = "one",
) -> Embedding:
    """Embed samples.

    Parameters
    ----------
    fitted : Fitted
        A fitted SimCLR.
    samples : Samples
        Images of the shape it was fitted to.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    features, orientations
        See `coverslip.methods.simclr.Options`.

    Returns
    -------
    Embedding
        With every column of the samples.
    """
    found = features_of(fitted, samples, which=features, orientations=orientations, device=device)
    return Embedding.from_arrays(found, samples.obs)
