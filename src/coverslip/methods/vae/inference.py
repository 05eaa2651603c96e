"""What a fitted VAE can do: encode, decode, reconstruct, sample, interpolate, traverse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from coverslip.core import Fitted, InputError, Samples
from coverslip.methods.vae.architecture import plan
from coverslip.methods.vae.config import Config
from coverslip.methods.vae.loss import best_orientation, kl_divergence, reconstruction
from coverslip.methods.vae.model import VAE
from coverslip.nn.device import choose_device
from coverslip.nn.weights import restored
from coverslip.samples.opening.alike import BATCH, as_fitted
from coverslip.samples.opening.augment import dihedral_all
from coverslip.samples.opening.normalise import Normaliser


@dataclass(frozen=True)
class Posterior:
    """The posterior of each sample and how well it explains the sample.

    Parameters
    ----------
    mu, logvar : ndarray, shape (N, D)
        Mean and log-variance of q(z|x).
    error : ndarray, shape (N,)
        Squared error of the reconstruction from the mean, per pixel and channel, on the normalised scale.
    kl : ndarray, shape (N,)
        KL(q(z|x) || N(0, I)), nats.
    negative_elbo : ndarray, shape (N,)
        Reconstruction term plus beta x KL: high where the sample is unlike those fitted.
    """

    mu: np.ndarray
    logvar: np.ndarray
    error: np.ndarray
    kl: np.ndarray
    negative_elbo: np.ndarray


def network(fitted: Fitted, device: str = "cpu") -> VAE:
    """Rebuild the network of a fitted model.

    Raises
    ------
    ModelError
        If the weights are not those of such a network.
    """
    config = fitted.config
    assert isinstance(config, Config)
    architecture = plan(
        tuple(fitted.facts["shape"]),
        depth=config.depth,
        downsample=config.downsample,
        width=config.width,
        preset=config.preset,
    )
    bounded = config.normalise != "zscore"
    return restored(lambda: VAE(architecture, config.latent, bounded=bounded), fitted.weights, device)


def posterior_of(fitted: Fitted, samples: Samples, *, device: str = "auto") -> Posterior:
    """Posterior of each sample, in batches.

    Parameters
    ----------
    fitted : Fitted
        A fitted VAE.
    samples : Samples
        Crops of the shape it was fitted to; they are normalised as its training samples were.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Raises
    ------
    InputError
        If the samples have another shape.
    """
    device = choose_device(device)
    model = network(fitted, device)
    config = fitted.config
    assert isinstance(config, Config)
    n = len(samples)
    mu, logvar = np.empty((n, config.latent), np.float32), np.empty((n, config.latent), np.float32)
    error, kl, negative_elbo = (np.empty(n, np.float32) for _ in range(3))
    with torch.inference_mode():
        for at, x in as_fitted(fitted, samples, device):
            m, v = _encode(model, x, free=config.orientation == "free")
            x_hat = model.decode(m)
            if config.orientation == "free":
                x_hat = best_orientation(x_hat, x)
            divergence = kl_divergence(m, v)
            error[at] = (x - x_hat).square().flatten(1).mean(dim=1).cpu()
            kl[at] = divergence.cpu()
            # The noise level of a Gaussian likelihood is not known for a single sample: squared error ranks alike.
            negative_elbo[at] = (reconstruction(x, x_hat, "squared_error") + config.beta * divergence).cpu()
            mu[at], logvar[at] = m.cpu(), v.cpu()
    return Posterior(mu, logvar, error, kl, negative_elbo)


def _encode(model: VAE, x: torch.Tensor, *, free: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and log-variance; where orientation is free, their averages over all orientations of the image."""
    if not free:
        return model.encode(x)
    versions = dihedral_all(x)
    mu, logvar = model.encode(versions.flatten(0, 1).contiguous(memory_format=torch.channels_last))
    return mu.unflatten(0, versions.shape[:2]).mean(dim=0), logvar.unflatten(0, versions.shape[:2]).mean(dim=0)


def encode(fitted: Fitted, samples: Samples, *, device: str = "auto") -> tuple[np.ndarray, np.ndarray]:
    """Mean and log-variance of the posterior q(z|x) of samples.

    Parameters
    ----------
    fitted : Fitted
        A fitted VAE.
    samples : Samples
        Crops of the shape it was fitted to.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Returns
    -------
    mu, logvar : ndarray, shape (N, D), float32
        Where orientation is free, averages over all orientations of the crop.
    """
    posterior = posterior_of(fitted, samples, device=device)
    return posterior.mu, posterior.logvar


def decode(fitted: Fitted, z: np.ndarray, *, device: str = "auto", raw: bool = False) -> np.ndarray:
    """Images of latent vectors.

    Parameters
    ----------
    fitted : Fitted
        A fitted VAE.
    z : ndarray, shape (N, D)
        Latent vectors.
    device : str
        Where to compute.
    raw : bool
        Undo the normalisation: intensities as in the files instead of the normalised scale.

    Returns
    -------
    ndarray, shape (N, C, H, W), float32
    """
    config = fitted.config
    assert isinstance(config, Config)
    z = np.atleast_2d(np.asarray(z, dtype=np.float32))
    if z.ndim != 2 or z.shape[1] != config.latent:
        raise InputError(f"Latent vectors of this model have {config.latent} numbers each, not the shape {z.shape}.")
    device = choose_device(device)
    model = network(fitted, device)
    with torch.inference_mode():
        parts = [model.decode(torch.from_numpy(z[i : i + BATCH]).to(device)).cpu() for i in range(0, len(z), BATCH)]
    images = torch.cat(parts).contiguous().numpy()
    return np.asarray(Normaliser.from_dict(fitted.facts["normaliser"]).invert(images)) if raw else images


def reconstruct(fitted: Fitted, samples: Samples, *, device: str = "auto") -> tuple[np.ndarray, np.ndarray]:
    """Samples as the network sees them, and their reconstructions from the posterior mean.

    Parameters
    ----------
    fitted : Fitted
        A fitted VAE.
    samples : Samples
        Crops of the shape it was fitted to.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Returns
    -------
    x, x_hat : ndarray, shape (N, C, H, W), float32
        On the normalised scale. Where orientation is free, each reconstruction is turned to where it comes nearest
        to its sample.
    """
    mu, _ = encode(fitted, samples, device=device)
    normaliser = Normaliser.from_dict(fitted.facts["normaliser"])
    x = np.asarray(normaliser.apply(samples.read(np.arange(len(samples)))))
    x_hat = decode(fitted, mu, device=device)
    if fitted.config.orientation == "free":  # type: ignore[attr-defined]
        x_hat = best_orientation(torch.from_numpy(x_hat), torch.from_numpy(x)).numpy()
    return x, x_hat


def sample(fitted: Fitted, n: int, *, seed: int = 0, device: str = "auto", raw: bool = False) -> np.ndarray:
    """Images of draws from the prior N(0, I).

    Parameters
    ----------
    fitted : Fitted
        A fitted VAE.
    n : int
        How many.
    seed : int
        The same seed gives the same images.
    device, raw
        As for `decode`.

    Returns
    -------
    ndarray, shape (n, C, H, W), float32
    """
    z = np.random.default_rng(seed).standard_normal((n, int(fitted.config.latent)))  # type: ignore[attr-defined]
    return decode(fitted, z, device=device, raw=raw)


def interpolate(
    fitted: Fitted, start: np.ndarray, end: np.ndarray, steps: int = 8, *, device: str = "auto", raw: bool = False
) -> np.ndarray:
    """Images along the straight line between two latent vectors.

    Parameters
    ----------
    fitted : Fitted
        A fitted VAE.
    start, end : ndarray, shape (D,)
        Where the line begins and ends; both are among the images.
    steps : int
        How many images, evenly spaced.
    device, raw
        As for `decode`.

    Returns
    -------
    ndarray, shape (steps, C, H, W), float32
    """
    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    start, end = np.asarray(start, np.float32), np.asarray(end, np.float32)
    return decode(fitted, (1 - share) * start + share * end, device=device, raw=raw)


def traverse(
    fitted: Fitted,
    values: np.ndarray | None = None,
    *,
    origin: np.ndarray | None = None,
    dimensions: list[int] | None = None,
    device: str = "auto",
) -> tuple[np.ndarray, np.ndarray]:
    """Vary one latent dimension at a time.

    Parameters
    ----------
    fitted : Fitted
        A fitted VAE.
    values : ndarray, shape (S,), optional
        Values each dimension takes; default seven from -3 to 3.
    origin : ndarray, shape (D,), optional
        Where the other dimensions stay; default 0.
    dimensions : list of int, optional
        Which to vary; default all.
    device : str
        Where to compute.

    Returns
    -------
    images : ndarray, shape (dimensions, S, C, H, W)
        On the normalised scale.
    values : ndarray, shape (S,)
    """
    latent = int(fitted.config.latent)  # type: ignore[attr-defined]
    values = np.linspace(-3, 3, 7, dtype=np.float32) if values is None else np.asarray(values, np.float32)
    dimensions = list(range(latent)) if dimensions is None else dimensions
    origin = np.zeros(latent, np.float32) if origin is None else np.asarray(origin, np.float32)
    z = np.tile(origin, (len(dimensions), len(values), 1))
    for row, dimension in enumerate(dimensions):
        z[row, :, dimension] = values
    images = decode(fitted, z.reshape(-1, latent), device=device)
    return images.reshape(len(dimensions), len(values), *images.shape[1:]), values
