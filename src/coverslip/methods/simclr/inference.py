"""What a fitted network says of images: the features of each, before or after the head."""

from __future__ import annotations

import numpy as np
import torch

from coverslip.core import Fitted, InputError, Samples, track
from coverslip.methods.simclr.config import Config
from coverslip.methods.simclr.model import SMALL, SimCLR, Trunk
from coverslip.nn.device import choose_device
from coverslip.nn.weights import put_weights
from coverslip.samples.opening.augment import dihedral_all
from coverslip.samples.opening.normalise import Normaliser

BATCH = 256


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
    by_rule = "small" if min(height, width) < SMALL else "large"
    trunk = Trunk(config.trunk, channels, config.width, stem=by_rule if config.stem == "auto" else config.stem)
    return SimCLR(trunk, hidden=config.hidden, latent=config.latent, channels=channels)


def network(fitted: Fitted, device: str = "cpu") -> tuple[SimCLR, Normaliser]:
    """Rebuild the network and the normaliser of a fitted model.

    Raises
    ------
    ModelError
        If the weights are not those of such a network.
    """
    config = fitted.config
    assert isinstance(config, Config)
    channels, height, width = fitted.facts["shape"]
    with torch.device("meta"):
        model = build(config, (channels, height, width))
    put_weights(model, fitted.weights)
    model = model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model.eval(), Normaliser.from_dict(fitted.facts["normaliser"])


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
    check_shape(fitted, samples)
    device = choose_device(device)
    model, normaliser = network(fitted, device)
    found = []
    with torch.inference_mode():
        for start in track(range(0, len(samples), BATCH), "Embedding"):
            stored = samples.read(np.arange(start, min(start + BATCH, len(samples))))
            x = torch.from_numpy(np.asarray(normaliser.apply(stored))).to(device)
            versions = dihedral_all(x) if orientations == "all" else x[None]
            vectors = [model(seen.contiguous(memory_format=torch.channels_last))[which == "after"] for seen in versions]
            found.append(torch.stack(vectors).mean(0).cpu().numpy())
    return np.concatenate(found)


def check_shape(fitted: Fitted, samples: Samples) -> None:
    """Refuse samples of another shape than those of the fit."""
    expected = tuple(fitted.facts["shape"])
    if tuple(samples.shape) != expected:
        c, h, w = expected
        raise InputError(
            f"The model was fitted to {c} channels of {h} x {w} pixels, but the samples are "
            f"{' x '.join(map(str, samples.shape))} (C x H x W): crop them to that size with 'coverslip samples crop'."
        )
