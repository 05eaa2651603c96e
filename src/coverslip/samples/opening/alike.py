"""Samples as a fitted model wants them: of the shape of its fit, and normalised alike."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from coverslip.core import Fitted, InputError, Samples, track
from coverslip.core.words import number_of
from coverslip.samples.opening.normalise import Normaliser

BATCH = 256


def _check_shape(fitted: Fitted, samples: Samples) -> None:
    """Refuse samples of another shape than those of the fit.

    Raises
    ------
    InputError
        With both shapes.
    """
    expected = tuple(fitted.facts["shape"])
    if tuple(samples.shape) != expected:
        c, h, w = expected
        raise InputError(
            f"The model was fitted to {number_of(c, 'channel')} of {h} x {w} pixels, but the samples are "
            f"{' x '.join(map(str, samples.shape))} (C x H x W): crop them to that size with 'coverslip samples crop'."
        )


def as_fitted(
    fitted: Fitted, samples: Samples, device: str, *, note: str = "Embedding"
) -> Iterator[tuple[slice, Tensor]]:
    """Samples in batches, normalised as those that a model was fitted to.

    Parameters
    ----------
    fitted : Fitted
        With ``shape`` and ``normaliser`` among its facts.
    samples : Samples
        Of that shape.
    device : str
        Where the images go.
    note : str
        What the progress bar says.

    Yields
    ------
    at : slice
        Which samples.
    x : Tensor, shape (B, C, H, W), float32
        Their images, channels last.

    Raises
    ------
    InputError
        If the samples have another shape, before the first batch.
    """
    _check_shape(fitted, samples)
    normaliser = Normaliser.from_dict(fitted.facts["normaliser"])
    for start in track(range(0, len(samples), BATCH), note):
        rows = np.arange(start, min(start + BATCH, len(samples)))
        x = torch.from_numpy(np.asarray(normaliser.apply(samples.read(rows))))
        yield slice(start, start + len(rows)), x.to(device, memory_format=torch.channels_last)
