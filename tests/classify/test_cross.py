"""Every labelled image calibrates a linear classifier or neighbours, judged by a head that has not seen it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from coverslip.core import ArraySamples, Subset
from coverslip.methods import classify
from coverslip.methods.classify import cross
from coverslip.methods.classify.inference import HELD_CODES, network
from coverslip.train.run import Run

from .bars import bars

RUN = Run(device="cpu", precision="fp32")


def blurred(n: int, seed: int) -> ArraySamples:
    """Bars in much noise: some cannot be told."""
    clean = bars(n, seed=seed)
    noise = np.random.default_rng(seed + 1).normal(0, 3500, (n, 1, 16, 16))
    return ArraySamples((clean.read(range(n)) + noise).clip(0).astype(np.uint16), clean.obs)


def test_plausibilities_count_images_that_the_head_had_not_seen() -> None:
    rng = np.random.default_rng(0)
    odd, codes, fold = rng.random(40).round(1), rng.integers(0, 2, 40), np.arange(40) % 3
    logits = [rng.normal(size=(5, 2)) for _ in range(3)]
    found = cross.cross_plausibility(odd, codes, fold, logits, 1.3, least=9)
    for n in range(5):
        for k in range(2):
            above = 1
            for i in np.flatnonzero(codes == k):
                z = np.exp(logits[fold[i]][n] / 1.3)
                above += odd[i] >= 1 - (z / z.sum())[k]
            assert found[n, k] == pytest.approx(above / (1 + (codes == k).sum()))
    rare = cross.cross_plausibility(odd, codes, fold, logits, 1.3, least=1000)
    assert rare.min() >= 1 / 41  # compared with all, where a class has too few


def test_parts_keep_groups_whole_and_every_class_in_each_fit() -> None:
    codes, groups = np.repeat([0, 1, 2], [30, 12, 3]), np.arange(45) // 2
    fold = cross.parts_of(codes, groups, 5, seed=0)
    assert fold is not None
    assert sorted(set(fold.tolist())) == [0, 1]  # the rarest class has two groups
    assert all(len(set(fold[groups == group])) == 1 for group in set(groups))
    assert cross.parts_of(np.array([0, 0, 1]), None, 5, seed=0) is None


@pytest.mark.parametrize("kind", ["linear", "knn"])
def test_sets_cover_what_they_promise_and_a_saved_model_says_the_same(kind: str) -> None:
    samples, others = blurred(90, 0), blurred(600, 7)
    fitted = classify.fit(samples, classify.Config.parse({"network": kind}), RUN)
    assert len(fitted.weights[HELD_CODES]) == 90  # training and validation both
    assert fitted.facts["calibrating"] == {"high": 30, "low": 30, "middle": 30}
    scores = classify.predict(fitted, others, device="cpu")
    assert scores.sets is not None
    covered = scores.sets[np.arange(600), [scores.classes.index(name) for name in others.obs["label"]]]
    for name in scores.classes:
        assert 0.8 < covered[others.obs["label"] == name].mean() < 0.99
    assert 1.2 < scores.sets.sum(axis=1).mean() < 2.9  # not by naming everything, nor by telling all
    alone = classify.predict(fitted, Subset(others, [3]), device="cpu")
    np.testing.assert_allclose(alone.plausibility, scores.plausibility[[3]], atol=1e-6)

    held = classify.fit(samples, classify.Config.parse({"network": kind, "cross": 0}), RUN)
    assert len(held.weights[HELD_CODES]) == 18
    np.testing.assert_allclose(
        classify.predict(held, others, device="cpu").predicted == scores.predicted, True
    )  # the classes are the same; only the sets and the temperature differ


def test_heads_of_neighbours_are_those_of_the_network_but_for_ties() -> None:
    fitted = classify.fit(bars(60), classify.Config.parse({"network": "knn"}), RUN)
    model = network(fitted)
    h = np.random.default_rng(0).normal(size=(4, model.head.known.shape[1])).astype(np.float32)
    weights = {
        cross.KNOWN: model.head.known.numpy(),
        cross.KNOWN_CODES: model.head.codes.numpy(),
        cross.FOLD: np.full(len(model.head.codes), 1),
    }
    nearest = int(model.head.nearest)
    whole = model.head(torch.from_numpy(h)).numpy()
    found = cross.nearest_heads(weights, nearest, 3)[0](h)
    np.testing.assert_allclose(found, whole, atol=0.006)
    assert len(np.unique(found)) == found.size  # equal votes are told apart
    assert fitted.warnings == ()
