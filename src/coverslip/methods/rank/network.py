"""Training what predicts the last day from the first: a few dozen pairs, in memory."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from coverslip.methods.rank.config import Config
from coverslip.methods.rank.model import build, build_images, folded, padded, shaped

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

Change = Callable[["Tensor", "Tensor", "torch.Generator"], tuple["Tensor", ...]]


def fit_network(given: np.ndarray, target: np.ndarray, config: Config, seed: int) -> dict[str, np.ndarray]:
    """Fit the predictor of the thesis: min-max scaled, mean squared error, Adam, early stop.

    Parameters
    ----------
    given, target : ndarray, shape (N, D)
        Pairs.
    config : Config
    seed : int
        Decides the start, dropout, the order of pairs and which fifth of them is held out to stop by.

    Returns
    -------
    dict of str to ndarray
        As `run_network` takes it.
    """
    import torch

    low = np.stack([given.min(0), target.min(0)])
    span = np.stack([np.ptp(given, axis=0), np.ptp(target, axis=0)])
    span = np.where(span > 1e-9, span, 1)
    a = torch.from_numpy(((given - low[0]) / span[0]).astype(np.float32))
    b = torch.from_numpy(((target - low[1]) / span[1]).astype(np.float32))
    network = _trained(lambda: build(a.shape[1], config.layers, config.bottleneck, config.dropout), a, b, config, seed)
    return {**folded(network), "low": low, "span": span}


def fit_images(given: np.ndarray, target: np.ndarray, config: Config, seed: int) -> dict[str, np.ndarray]:
    """Fit the network of the thesis from image to image; both days of a pair are turned, shaded and blurred alike.

    Parameters
    ----------
    given, target : ndarray, shape (N, C · H · W)
        Pixels of the pairs.
    config : Config
        With the `shape` of the images.
    seed : int
        As for `fit_network`, and what each pair is changed by.

    Returns
    -------
    dict of str to ndarray
        As `run_images` takes it.
    """
    import torch

    from coverslip.samples.opening.augment import Augment, together

    low = min(float(given.min()), float(target.min()))
    span = max(float(given.max()), float(target.max())) - low or 1.0
    a, b = (
        padded(torch.from_numpy(shaped((x - low) / span, config.shape).astype(np.float32))) for x in (given, target)
    )
    augment = Augment(brightness=0.2, blur=1.0)

    def change(x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        return together(augment, x, y, generator=generator)

    network = _trained(lambda: build_images(config.shape[0], config.dropout), a, b, config, seed, change)
    return {**folded(network), "low": np.array([low]), "span": np.array([span]), "shape": np.array(config.shape)}


def _trained(
    start: Callable[[], nn.Sequential], a: Tensor, b: Tensor, config: Config, seed: int, change: Change | None = None
) -> nn.Sequential:
    """The network at its least error on held-out pairs; pairs are seen changed where there is a `change`."""
    import torch

    chance = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = start()
        optimiser = torch.optim.Adam(network.parameters(), config.learning_rate)
        mixed = torch.randperm(len(a))
        held = mixed[: len(a) // 5] if len(a) >= 10 else mixed[:0]
        train = mixed[len(held) :]
        watched = held if len(held) else train
        best, waited, state = float("inf"), 0, copy.deepcopy(network.state_dict())
        for _ in range(config.epochs):
            network.train()
            order = train[torch.randperm(len(train))]
            for first in range(0, len(order), config.batch):
                rows = order[first : first + config.batch]
                if len(rows) < 2:  # one sample has no spread to normalise by
                    continue
                x, y = (a[rows], b[rows]) if change is None else change(a[rows], b[rows], chance)
                loss = torch.nn.functional.mse_loss(network(x), y)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            network.eval()
            with torch.no_grad():
                now = float(torch.nn.functional.mse_loss(network(a[watched]), b[watched]))
            if now < best:
                best, waited, state = now, 0, copy.deepcopy(network.state_dict())
            elif (waited := waited + 1) >= config.patience:
                break
        network.load_state_dict(state)
    return network.eval()
