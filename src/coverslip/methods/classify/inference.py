"""What a fitted classifier says of images: codes, probabilities, and where it looked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from coverslip.core import Fitted, InputError, Samples, track
from coverslip.core.words import number_of
from coverslip.methods.classify import cross
from coverslip.methods.classify.calibration import ENOUGH, plausibility, softmax
from coverslip.methods.classify.config import Config
from coverslip.methods.classify.model import Classifier, Neighbours, build
from coverslip.methods.classify.rules import nearness
from coverslip.nn.device import choose_device
from coverslip.nn.weights import restored
from coverslip.samples.opening.normalise import Normaliser

BATCH = 128

CENTRES, HELD_OUT, HELD_CODES = "rule.centres", "calibration.oddness", "calibration.codes"
"""Arrays beside the network's own weights."""


def preparation(normaliser: Normaliser, size: int) -> Callable[[np.ndarray], np.ndarray]:
    """From stored images ``(n, C, H, W)`` to what the network is shown: in [0, 1], and resized if `size` is above 0."""

    def prepare(stored: np.ndarray) -> np.ndarray:
        x = np.asarray(normaliser.apply(stored))
        if not size or x.shape[-2:] == (size, size):
            return x
        shrunk = size < max(x.shape[-2:])
        wanted = F.interpolate(torch.from_numpy(x), (size, size), mode="bilinear", antialias=shrunk)
        return wanted.numpy()

    return prepare


def shown_shape(config: Config, shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Channels, height and width of what the network is shown.

    Raises
    ------
    InputError
        If that is smaller than 8 x 8 pixels.
    """
    channels, height, width = (shape[0], config.size, config.size) if config.size else shape
    if min(height, width) < 8:
        raise InputError(f"A classifier needs images of at least 8 x 8 pixels, not {height} x {width}; crop larger.")
    return channels, height, width


def network(fitted: Fitted, device: str = "cpu") -> Classifier:
    """Rebuild the network of a fitted model.

    Raises
    ------
    ModelError
        If the weights are not those of such a network.
    """
    config = fitted.config
    assert isinstance(config, Config)
    beside = (CENTRES, HELD_OUT, HELD_CODES, *cross.ARRAYS)
    own = {name: a for name, a in fitted.weights.items() if name not in beside}
    known = own["head.known"].shape[0] if "head.known" in own else 0
    shape = shown_shape(config, tuple(fitted.facts["shape"]))
    classes = len(fitted.facts["classes"])
    return restored(lambda: build(config, shape, classes, start=fitted.facts.get("trunk"), known=known), own, device)


def codes_of(
    model: nn.Module, samples: Samples, prepare: Callable[[np.ndarray], np.ndarray], device: str, word: str
) -> tuple[np.ndarray, np.ndarray]:
    """Features ``(N, F)`` and logits ``(N, K)`` of samples, in batches; not augmented."""
    model.eval()
    features, logits = [], []
    with torch.inference_mode():
        for start in track(range(0, len(samples), BATCH), word):
            x = torch.from_numpy(prepare(samples.read(np.arange(start, min(start + BATCH, len(samples)))))).to(device)
            h, z = model(x.contiguous(memory_format=torch.channels_last))
            features.append(h.cpu().numpy())
            logits.append(z.cpu().numpy())
    return np.concatenate(features), np.concatenate(logits)


def scored(fitted: Fitted, samples: Samples, device: str = "auto") -> tuple[np.ndarray, np.ndarray | None]:
    """Probabilities ``(N, K)`` and plausibilities, if there are any, of samples.

    Raises
    ------
    InputError
        If the samples have another shape than those of the fit.
    """
    check_shape(fitted, samples)
    device = choose_device(device)
    config = fitted.config
    assert isinstance(config, Config)
    prepare = preparation(Normaliser.from_dict(fitted.facts["normaliser"]), config.size)
    model = network(fitted, device)
    features, logits = codes_of(model, samples, prepare, device, "Classifying")
    if CENTRES in fitted.weights:
        logits = nearness(logits, fitted.weights[CENTRES])
    probability = softmax(logits / fitted.facts["temperature"]).astype(np.float32)
    if HELD_OUT not in fitted.weights:
        return probability, None
    if cross.FOLD not in fitted.weights:
        return probability, plausibility(fitted.weights[HELD_OUT], fitted.weights[HELD_CODES], probability)
    return probability, _crossed(fitted, model, features)


def _crossed(fitted: Fitted, model: Classifier, features: np.ndarray) -> np.ndarray:
    """Plausibilities where all labelled images calibrate."""
    weights, classes = fitted.weights, len(fitted.facts["classes"])
    if isinstance(model.head, Neighbours):
        heads = cross.nearest_heads(weights, int(model.head.nearest), classes)
    else:
        heads = cross.linear_heads(weights)
    held = (weights[HELD_OUT], weights[HELD_CODES], weights[cross.FOLD])
    return cross.cross_plausibility(
        *held, [head(features) for head in heads], fitted.facts["temperature"], least=ENOUGH
    )


def activation_maps(
    fitted: Fitted, samples: Samples, classes: np.ndarray | None = None, *, device: str = "auto"
) -> np.ndarray:
    """Where images speak for a class (class activation maps).

    Parameters
    ----------
    fitted : Fitted
        With a network whose head is linear over the mean of the last maps.
    samples : Samples
        Images.
    classes : ndarray of int, shape (N,), optional
        For which class; default: the most likely one.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Returns
    -------
    ndarray of float32, shape (N, H, W)
        Of the size that the network is shown, from 0 to 1 in each image: what adds most to the class.

    References
    ----------
    Zhou et al.: Learning Deep Features for Discriminative Localization, CVPR 2016.
    """
    check_shape(fitted, samples)
    config = fitted.config
    assert isinstance(config, Config)
    if not has_maps(fitted):
        raise InputError(f"A classifier with network={config.network} has no maps that show where it looked.")
    model = network(fitted, choose_device(device))
    prepare = preparation(Normaliser.from_dict(fitted.facts["normaliser"]), config.size)
    found = []
    with torch.inference_mode():
        weights: Tensor = model.head.weight / model.spread  # type: ignore[arg-type,operator]
        centres = None if CENTRES not in fitted.weights else torch.from_numpy(np.array(fitted.weights[CENTRES]))
        if centres is not None:  # what tells Gaussians around them apart is linear in the code
            weights = centres.to(weights) @ weights
        for start in range(0, len(samples), BATCH):
            rows = np.arange(start, min(start + BATCH, len(samples)))
            x = torch.from_numpy(prepare(samples.read(rows))).to(weights.device)
            maps, z = model.maps(x).float(), model(x)[1]
            if centres is not None:
                z = z @ centres.to(z).T - centres.to(z).square().sum(1) / 2
            wanted = z.argmax(1) if classes is None else torch.from_numpy(classes[rows]).to(z.device)
            found.append(_added(maps, weights[wanted], x.shape[-2:]))
    return np.concatenate(found)


def has_maps(fitted: Fitted) -> bool:
    """Whether activation maps can be made."""
    return fitted.config.network != "knn" and not (  # type: ignore[attr-defined]
        fitted.config.network == "linear" and not fitted.facts.get("trunk")  # type: ignore[attr-defined]
    )


def _added(maps: Tensor, weights: Tensor, size: Any) -> np.ndarray:
    added = torch.einsum("nfhw,nf->nhw", maps, weights)[:, None]
    added = F.interpolate(added, size, mode="bilinear", align_corners=False)[:, 0].clamp_min(0)
    return np.asarray((added / added.amax((1, 2), keepdim=True).clamp_min(1e-9)).cpu().numpy())


def check_shape(fitted: Fitted, samples: Samples) -> None:
    """Refuse samples that the network cannot be shown."""
    expected, size = tuple(fitted.facts["shape"]), fitted.config.size  # type: ignore[attr-defined]
    if tuple(samples.shape) == expected or (size and samples.shape[0] == expected[0]):
        return
    (channels, *fitted_to), (count, *found) = expected, samples.shape
    if count != channels:
        raise InputError(
            f"The model was fitted to {number_of(channels, 'channel')}, but the samples have {count}: give "
            "images with the channels of the fit (--channels names them)."
        )
    raise InputError(
        f"The model was fitted to images of {fitted_to[0]} x {fitted_to[1]} pixels, but the samples have {found[0]} x "
        f"{found[1]}: crop them to that size with 'coverslip samples crop', or fit with size=N, which takes any."
    )
