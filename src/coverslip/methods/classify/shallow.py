"""Classifiers on features that are given: a linear one, or the nearest neighbours; chosen on the held-out images."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from coverslip.core import Samples
from coverslip.methods.classify import cross
from coverslip.methods.classify.calibration import softmax
from coverslip.methods.classify.config import Config
from coverslip.methods.classify.inference import codes_of
from coverslip.methods.classify.model import Classifier
from coverslip.nn.device import choose_device
from coverslip.train.loop import Outcome
from coverslip.train.run import Run

_STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
_NEIGHBOURS = (1, 3, 5, 10, 20, 40)


@dataclass(frozen=True)
class Crossed:
    """All labelled images as those see them that were fitted without them.

    Parameters
    ----------
    codes : ndarray of int, shape (N,)
        Their classes.
    logits : ndarray, shape (N, K)
        Of each by the head that was fitted without its part.
    weights : dict of str to ndarray
        What the heads are made of, and the part of each image.
    """

    codes: np.ndarray
    logits: np.ndarray
    weights: dict[str, np.ndarray]


def fit_shallow(
    model: Classifier,
    training: Samples,
    held_out: Samples,
    codes: np.ndarray,
    prepare: Callable[..., np.ndarray],
    groups: np.ndarray | None,
    config: Config,
    run: Run,
) -> tuple[Outcome, Crossed | None]:
    """Fit the head on the features of the trunk, which stays as it is.

    The strength of the linear head, and the number of neighbours, are those with the lowest log loss on the held-out
    images; 0.01 and 5 where there are none.

    Parameters
    ----------
    model : Classifier
        Its head and the scale of its features are changed in place.
    training, held_out : Samples
        Which are ``Subset`` of what `codes` are of.
    codes : ndarray of int
        Classes of all samples.
    prepare : callable
        From stored images to what the network is shown.
    groups : ndarray of int, optional
        Of all samples: never divided between those that fit and those that calibrate.
    config, run
        Settings, and where to compute.
    """
    device = choose_device(run.device)
    model = model.to(device)
    features, _ = codes_of(model, training, prepare, device, "Features")
    held = codes_of(model, held_out, prepare, device, "Features")[0] if len(held_out) else features[:0]
    labels, held_labels = (codes[each.indices] for each in (training, held_out))  # type: ignore[attr-defined]
    centre, spread = features.mean(0), features.std(0) + 1e-6
    model.centre.copy_(torch.from_numpy(centre))
    model.spread.copy_(torch.from_numpy(spread))
    features, held = (features - centre) / spread, (held - centre) / spread
    tried = list(
        _linear(model, features, labels, config) if config.network == "linear" else _nearest(model, features, labels)
    )
    losses = [_loss(model, put, held, held_labels, device) for _, put in tried]
    best = int(np.argmin(losses)) if len(held) else min(2, len(tried) - 1)
    tried[best][1]()
    facts: dict[str, Any] = {"device": device, "train": len(features), "val": len(held), "chosen": tried[best][0]}
    row: dict[str, float] = {"epoch": 1, "val_loss": losses[best]} if len(held) else {"epoch": 1}
    weights = {name: t.detach().cpu().contiguous().numpy().copy() for name, t in model.state_dict().items()}
    rows = np.concatenate([training.indices, held_out.indices])  # type: ignore[attr-defined]
    crossed = _crossed(
        np.concatenate([features, held]),
        codes[rows],
        None if groups is None else groups[rows],
        tried[best][0],
        config,
    )
    return Outcome(weights, [row], {**facts, "epochs_run": 1, "best_epoch": None}), crossed


def _crossed(
    features: np.ndarray, codes: np.ndarray, groups: np.ndarray | None, chosen: float, config: Config
) -> Crossed | None:
    """Heads fitted without each part of the labelled images, with what was chosen; None where nobody asks for them."""
    fold = cross.parts_of(codes, groups, config.cross, config.seed) if config.cross else None
    if fold is None:
        return None
    weights: dict[str, np.ndarray] = {cross.FOLD: fold}
    if config.network == "linear":
        found = [_solved(features[fold != k], codes[fold != k], chosen, config) for k in range(int(fold.max()) + 1)]
        weights[cross.WEIGHT] = np.stack([weight for weight, _ in found]).astype(np.float32)
        weights[cross.BIAS] = np.stack([bias for _, bias in found]).astype(np.float32)
        heads = cross.linear_heads(weights)
    else:
        unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
        weights |= {cross.KNOWN: unit.astype(np.float32), cross.KNOWN_CODES: codes}
        heads = cross.nearest_heads(weights, int(chosen), int(codes.max()) + 1)
    return Crossed(codes, cross.out_of_part(features, fold, heads), weights)


def _solved(features: np.ndarray, labels: np.ndarray, strength: float, config: Config) -> tuple[np.ndarray, np.ndarray]:
    """Weights ``(K, F)`` and biases ``(K,)`` of a linear head."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    balanced = None if config.imbalance == "none" else "balanced"
    with warnings.catch_warnings():  # the weakest penalties may not settle; held-out images judge what came of it
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = LogisticRegression(C=strength, max_iter=500, class_weight=balanced).fit(features, labels)
    weight, bias = found.coef_, found.intercept_
    if len(weight) == 1:  # of two classes scikit-learn keeps the difference
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return weight, bias


def _linear(
    model: Classifier, features: np.ndarray, labels: np.ndarray, config: Config
) -> Iterator[tuple[float, Callable[[], None]]]:
    for strength in _STRENGTHS:
        weight, bias = _solved(features, labels, strength, config)

        def put(weight: np.ndarray = weight, bias: np.ndarray = bias) -> None:
            with torch.no_grad():
                model.head.weight.copy_(torch.from_numpy(weight))  # type: ignore[operator]
                model.head.bias.copy_(torch.from_numpy(bias))  # type: ignore[operator]

        yield strength, put


def _nearest(model: Classifier, features: np.ndarray, labels: np.ndarray) -> Iterator[tuple[float, Callable[[], None]]]:
    known = torch.nn.functional.normalize(torch.from_numpy(features.astype(np.float32)), dim=1)
    model.head.known.copy_(known)  # type: ignore[operator]
    model.head.codes.copy_(torch.from_numpy(labels))  # type: ignore[operator]
    for count in _NEIGHBOURS:
        if count > len(features):
            return
        yield count, lambda count=count: model.head.nearest.fill_(count)  # type: ignore[misc,operator]


def _loss(model: Classifier, put: Callable[[], None], features: np.ndarray, labels: np.ndarray, device: str) -> float:
    """Log loss on held-out features once a choice was put in place."""
    if not len(features):
        return 0.0
    put()
    with torch.inference_mode():
        z = model.head(torch.from_numpy(features.astype(np.float32)).to(device)).float().cpu().numpy()
    return float(-np.log(softmax(z)[np.arange(len(labels)), labels] + 1e-12).mean())
