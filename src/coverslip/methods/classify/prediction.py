"""Classify samples with a fitted classifier."""

from __future__ import annotations

from coverslip.core import ClassScores, Fitted, Samples
from coverslip.methods.classify.config import Config
from coverslip.methods.classify.inference import scored


def predict(fitted: Fitted, samples: Samples, *, device: str = "auto") -> ClassScores:
    """Classify samples.

    Parameters
    ----------
    fitted : Fitted
        A fitted classifier.
    samples : Samples
        Images of the shape it was fitted to.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Returns
    -------
    ClassScores
        With every column of the samples.
    """
    assert isinstance(fitted.config, Config)
    probability, plausibility = scored(fitted, samples, device)
    return ClassScores(
        tuple(fitted.facts["classes"]),
        probability,
        samples.obs,
        plausibility,
        ordered=bool(fitted.config.order),
    )
