"""What a fitted network says of images: the features of each, before or after the head."""

from __future__ import annotations

import numpy as np
import torch

from coverslip.core import Fitted, InputError, Samples
from coverslip.methods.simclr.config import Config
from coverslip.methods.simclr.model import SimCLR
from coverslip.nn.device import choose_device
from coverslip.nn.trunk import Trunk, stem_for
from coverslip.nn.weights import restored
from coverslip.samples.opening.alike import as_fitted
from coverslip.samples.opening.augment import dihedral_all


def build(config: Config, shape: tuple[int, int, int]) -> SimCLR:
    """The network of some settings for images ``(C, H, W)``, with drawn start weights.

    Raises
    ------
    InputError
        If the images are smaller than 8 x 8 pixels.
    """
    channels, height, width = shape
    if min(height, width) < 8:
        raise InputError(f"SimCLR needs images of at least 8 x 8 pixels, not {height} x {width}; crop larger.")
    trunk = Trunk(config.trunk, channels, config.width, stem=stem_for(config.stem, height, width))
    return SimCLR(trunk, hidden=config.hidden, latent=config.latent, channels=channels)


def network(fitted: Fitted, device: str = "cpu") -> SimCLR:
    """Rebuild the network of a fitted model.

    Raises
    ------
    ModelError
        If the weights are not those of such a network.
    """
    config = fitted.config
    assert isinstance(config, Config)
    return restored(lambda: build(config, tuple(fitted.facts["shape"])), fitted.weights, device)


def features(
    fitted: Fitted, samples: Samples, *, which: str = "before", orientations: str = "one", device: str = "auto"
) -> np.ndarray:
    """Vectors of samples, in batches.

    Parameters
    ----------
    fitted : Fitted
        A fitted SimCLR.
    samples : Samples
        Images of the shape it was fitted to; they are normalised as its training samples were, and not augmented.
    which : {"before", "after"}
        The projection head.
    orientations : {"one", "all"}
        The images as they are, or the mean vector over all their symmetries.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Returns
    -------
    ndarray of float32, shape (N, F) or (N, latent)

    Raises
    ------
    InputError
        If the samples have another shape.
    """
    device = choose_device(device)
    model = network(fitted, device)
    found = []
    with torch.inference_mode():
        for _, x in as_fitted(fitted, samples, device):
            versions = dihedral_all(x) if orientations == "all" else x[None]
            vectors = [model(seen.contiguous(memory_format=torch.channels_last))[which == "after"] for seen in versions]
            found.append(torch.stack(vectors).mean(0).cpu().numpy())
    return np.concatenate(found)
