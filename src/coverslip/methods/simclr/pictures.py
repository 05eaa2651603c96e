"""What a report shows of a fitted SimCLR, as arrays: reports draw, methods don't."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from coverslip.core import Fitted, Illustration, Samples
from coverslip.core.spread import evenly
from coverslip.methods.simclr.config import Config
from coverslip.samples.opening.normalise import Normaliser

_SHOWN = 16


def illustrate(fitted: Fitted, samples: Samples, *, device: str = "auto") -> Iterator[Illustration]:
    """A view of some images as the network was shown them.

    Parameters
    ----------
    fitted : Fitted
        A fitted SimCLR.
    samples : Samples
        Images of the shape it was fitted to.
    device : str
        Not used.

    Yields
    ------
    Illustration
        Images and one view of each.
    """
    config = fitted.config
    assert isinstance(config, Config)
    rows = evenly(len(samples), _SHOWN)
    x = np.asarray(Normaliser.from_dict(fitted.facts["normaliser"]).apply(samples.read(rows)))
    views = config.recipe(torch.from_numpy(x), torch.Generator().manual_seed(config.seed)).numpy()
    yield Illustration(
        "Views",
        f"Images above, below what the recipe '{config.recipe.name}' makes of each; the network learns to take both "
        "for one. What matters to you must still be seen.",
        "pairs",
        {"inputs": x, "outputs": views},
    )
