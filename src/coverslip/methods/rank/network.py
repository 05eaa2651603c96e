"""Training the network that predicts one vector from another: a few dozen pairs, in memory."""

from __future__ import annotations

import numpy as np

from coverslip.methods.rank.config import Config
from coverslip.methods.rank.model import build, folded


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
    import copy

    import torch

    low = np.stack([given.min(0), target.min(0)])
    span = np.stack([np.ptp(given, axis=0), np.ptp(target, axis=0)])
    span = np.where(span > 1e-9, span, 1)
    a = torch.from_numpy(((given - low[0]) / span[0]).astype(np.float32))
    b = torch.from_numpy(((target - low[1]) / span[1]).astype(np.float32))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build(a.shape[1], config.layers, config.bottleneck, config.dropout)
        optimiser = torch.optim.Adam(network.parameters(), config.learning_rate)
        mixed = torch.randperm(len(a))
        held = mixed[: len(a) // 5] if len(a) >= 10 else mixed[:0]
        train = mixed[len(held) :]
        watched = held if len(held) else train
        best, waited, state = float("inf"), 0, copy.deepcopy(network.state_dict())
        for _ in range(config.epochs):
            network.train()
            order = train[torch.randperm(len(train))]
            for start in range(0, len(order), config.batch):
                rows = order[start : start + config.batch]
                if len(rows) < 2:  # one sample has no spread to normalise by
                    continue
                loss = torch.nn.functional.mse_loss(network(a[rows]), b[rows])
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
    return {**folded(network.eval()), "low": low, "span": span}
