"""What a report shows of a fitted classifier, as arrays: where it looked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from coverslip.core import Fitted, Illustration, Samples
from coverslip.methods.classify.config import Config
from coverslip.methods.classify.inference import activation_maps, has_maps, preparation
from coverslip.samples.opening.normalise import Normaliser

_DIM = 0.25
"""Brightness that is left where an image says nothing for the class."""


def illustrate(fitted: Fitted, samples: Samples, *, device: str = "auto") -> Iterator[Illustration]:
    """Images, and below them what spoke for the class they were called.

    Parameters
    ----------
    fitted : Fitted
        A fitted classifier.
    samples : Samples
        A few images.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Yields
    ------
    Illustration
        None of networks without maps.
    """
    config = fitted.config
    assert isinstance(config, Config)
    if not has_maps(fitted) or not len(samples):
        return
    x = preparation(Normaliser.from_dict(fitted.facts["normaliser"]), config.size)(
        samples.read(np.arange(len(samples)))
    )
    shown = _DIM + (1 - _DIM) * activation_maps(fitted, samples, device=device)[:, None]
    yield Illustration(
        "Where it looked",
        "Images above; below, bright is what spoke for the class that each was called (class activation maps).",
        "pairs",
        {"inputs": x, "outputs": x * shown},
    )
