"""What a fitted model of deep clustering can do: latents, assignments, reconstructions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from coverslip.core import Fitted, InputError, Samples, track
from coverslip.methods.deep_cluster.architecture import plan
from coverslip.methods.deep_cluster.config import Config
from coverslip.methods.deep_cluster.loss import soft_assignment
from coverslip.methods.deep_cluster.model import Autoencoder
from coverslip.nn.device import choose_device
from coverslip.nn.weights import put_weights
from coverslip.samples.opening.normalise import Normaliser

BATCH = 256

CENTRES = "centres"
"""The name of the centres among the weights; all others are the autoencoder's."""


@dataclass(frozen=True)
class Encoded:
    """What the network says of samples.

    Parameters
    ----------
    latent : ndarray, shape (N, D)
        z.
    membership : ndarray, shape (N, K)
        q, the soft assignment to each cluster.
    error : ndarray, shape (N,)
        Squared error of the reconstruction, per pixel and channel, on the normalised scale.
    """

    latent: np.ndarray
    membership: np.ndarray
    error: np.ndarray


def autoencoder_for(config: Config, shape: tuple[int, int, int]) -> Autoencoder:
    """The network of some settings for an input shape, with random weights.

    Raises
    ------
    InputError
        If the image is too small.
    """
    architecture = plan(shape, depth=config.depth, width=config.width, kind=config.network)
    return Autoencoder(architecture, config.latent, stochastic=config.regulariser == "kl")


def network(fitted: Fitted, device: str = "cpu") -> tuple[Autoencoder, torch.Tensor, Normaliser]:
    """Rebuild the network, the centres and the normaliser of a fitted model.

    Raises
    ------
    ModelError
        If the weights are not those of such a network.
    """
    config = fitted.config
    assert isinstance(config, Config)
    channels, height, width = fitted.facts["shape"]
    with torch.device("meta"):
        model = autoencoder_for(config, (channels, height, width))
    put_weights(model, {name: array for name, array in fitted.weights.items() if name != CENTRES})
    model = model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    centres = torch.from_numpy(np.array(fitted.weights[CENTRES])).to(device)
    return model.eval(), centres, Normaliser.from_dict(fitted.facts["normaliser"])


def encode(fitted: Fitted, samples: Samples, *, device: str = "auto") -> Encoded:
    """Latents, soft assignments and errors of samples, in batches.

    Parameters
    ----------
    fitted : Fitted
        A fitted model.
    samples : Samples
        Images of the shape it was fitted to; they are normalised as its training samples were.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Raises
    ------
    InputError
        If the samples have another shape.
    """
    device = choose_device(device)
    model, centres, normaliser = network(fitted, device)
    n = len(samples)
    latent = np.empty((n, model.mean.out_features), np.float32)
    membership, error = np.empty((n, len(centres)), np.float32), np.empty(n, np.float32)
    for at, x in _images(fitted, samples, normaliser, device, "Embedding"):
        with torch.inference_mode():
            z = model.encode(x)
            latent[at], membership[at] = z.cpu(), soft_assignment(z, centres).cpu()
            error[at] = (x - torch.sigmoid(model.decode(z))).square().flatten(1).mean(dim=1).cpu()
    return Encoded(latent, membership, error)


def reconstruct(fitted: Fitted, samples: Samples, *, device: str = "auto") -> tuple[np.ndarray, np.ndarray]:
    """Samples as the network sees them, and what it gives back.

    Parameters
    ----------
    fitted : Fitted
        A fitted model.
    samples : Samples
        Images of the shape it was fitted to.
    device : str
        Where to compute.

    Returns
    -------
    inputs, outputs : ndarray, shape (N, C, H, W), float32
        On the normalised scale.
    """
    device = choose_device(device)
    model, _, normaliser = network(fitted, device)
    inputs, outputs = (np.empty((len(samples), *samples.shape), np.float32) for _ in range(2))
    for at, x in _images(fitted, samples, normaliser, device, "Reconstructing"):
        with torch.inference_mode():
            inputs[at], outputs[at] = x.cpu(), torch.sigmoid(model.decode(model.encode(x))).cpu()
    return inputs, outputs


def _images(
    fitted: Fitted, samples: Samples, normaliser: Normaliser, device: str, note: str
) -> Iterator[tuple[slice, torch.Tensor]]:
    expected = tuple(fitted.facts["shape"])
    if tuple(samples.shape) != expected:
        c, h, w = expected
        raise InputError(
            f"The model was fitted to {c} channels of {h} x {w} pixels, but the samples are "
            f"{' x '.join(map(str, samples.shape))} (C x H x W): crop them to that size with 'coverslip samples crop'."
        )
    for start in track(range(0, len(samples), BATCH), note):
        rows = np.arange(start, min(start + BATCH, len(samples)))
        x = torch.from_numpy(np.asarray(normaliser.apply(samples.read(rows))))
        yield slice(start, start + len(rows)), x.to(device, memory_format=torch.channels_last)
