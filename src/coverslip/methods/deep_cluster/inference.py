"""What a fitted model of deep clustering can do: latents, assignments, reconstructions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from coverslip.core import Fitted, Samples
from coverslip.methods.deep_cluster.architecture import plan
from coverslip.methods.deep_cluster.config import Config
from coverslip.methods.deep_cluster.loss import soft_assignment
from coverslip.methods.deep_cluster.model import Autoencoder
from coverslip.nn.device import choose_device
from coverslip.nn.weights import restored
from coverslip.samples.opening.alike import as_fitted

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


def network(fitted: Fitted, device: str = "cpu") -> tuple[Autoencoder, torch.Tensor]:
    """Rebuild the network and the centres of a fitted model.

    Raises
    ------
    ModelError
        If the weights are not those of such a network.
    """
    config = fitted.config
    assert isinstance(config, Config)
    shape = tuple(fitted.facts["shape"])
    weights = {name: array for name, array in fitted.weights.items() if name != CENTRES}
    model = restored(lambda: autoencoder_for(config, shape), weights, device)
    return model, torch.from_numpy(np.array(fitted.weights[CENTRES])).to(device)


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
    model, centres = network(fitted, device)
    n = len(samples)
    latent = np.empty((n, model.mean.out_features), np.float32)
    membership, error = np.empty((n, len(centres)), np.float32), np.empty(n, np.float32)
    for at, x in as_fitted(fitted, samples, device):
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
    model, _ = network(fitted, device)
    inputs, outputs = (np.empty((len(samples), *samples.shape), np.float32) for _ in range(2))
    for at, x in as_fitted(fitted, samples, device, note="Reconstructing"):
        with torch.inference_mode():
            inputs[at], outputs[at] = x.cpu(), torch.sigmoid(model.decode(model.encode(x))).cpu()
    return inputs, outputs
