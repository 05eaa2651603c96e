"""Say of vectors which class they are."""

from __future__ import annotations

import numpy as np

from coverslip.core import ClassScores, Embedding, Fitted, InputError, ModelError, other_models
from coverslip.measure.readout import ReadOut

_ARRAYS = ("centre", "scale", "weights", "bias", "temperature")


def predict(fitted: Fitted, samples: Embedding, *, device: str = "auto") -> ClassScores:
    """Classify vectors.

    Parameters
    ----------
    fitted : Fitted
        A fitted probe.
    samples : Embedding
        Vectors of the same model as those it was fitted to.
    device : str
        Nothing here needs one.

    Returns
    -------
    ClassScores
        The calibrated probability of each class; ``obs`` has every column of the embedding.

    Raises
    ------
    InputError
        If the vectors are of another length, or of another model.
    """
    read_out = _read_out(fitted)
    latent = samples.latent
    if latent.shape[1] != len(read_out.centre):
        raise InputError(
            f"The vectors have {latent.shape[1]} values, but the probe was fitted to {len(read_out.centre)}: embed "
            "the cells with the same model."
        )
    models = other_models({"model": fitted.facts.get("vectors_of")}, samples.provenance)
    if models:
        raise InputError(
            f"The vectors are those of the model {models[1]}, but the probe was fitted to those of {models[0]}: embed "
            "the cells with the same model."
        )
    probability = read_out.probability(latent.astype(np.float64)).astype(np.float32)
    return ClassScores(tuple(fitted.facts["classes"]), probability, samples.obs)


def _read_out(fitted: Fitted) -> ReadOut:
    width, classes = int(fitted.facts.get("inputs", 0)), len(fitted.facts["classes"])
    shapes = dict(zip(_ARRAYS, [(width,), (width,), (classes, width), (classes,), (1,)], strict=True))
    for name, shape in shapes.items():
        found = fitted.weights.get(name)
        if found is None or found.shape != shape:
            raise ModelError(f"The weights are not those of this model: '{name}' should have the shape {shape}.")
    centre, scale, weights, bias, temperature = (fitted.weights[name].astype(np.float64) for name in _ARRAYS)
    return ReadOut(centre, scale, weights, bias, float(temperature[0]))
