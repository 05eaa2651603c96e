"""A few labels make a classifier that says how sure it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import coverslip as cs
from coverslip.core.errors import InputError, ModelError
from coverslip.core.fitted import Fitted
from coverslip.measure.readout import best_temperature, fit_path, log_loss, softmax
from coverslip.methods import probe

from .example import QUICK, embedding


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return probe.fit(embedding(240), probe.Config(**QUICK))


def test_it_recognises_classes_that_it_was_not_shown(fitted: Fitted) -> None:
    others = embedding(300, seed=1)
    found = probe.predict(fitted, others)
    right = found.predicted == others.column("label")
    assert right.mean() > 0.8
    assert found.classes == ("early", "late", "middle")
    np.testing.assert_allclose(found.probability.sum(axis=1), 1, atol=1e-5)
    assert found.confidence.mean() == pytest.approx(right.mean(), abs=0.06)


def test_what_it_says_of_itself_is_what_it_does(fitted: Fitted) -> None:
    others = embedding(600, seed=2)
    right = probe.predict(fitted, others).predicted == others.column("label")
    _, low, high = fitted.facts["measured"]["balanced_accuracy"]
    assert low - 0.02 < right.mean() < high + 0.02


def test_the_read_out_is_that_of_scikit_learn() -> None:
    x, codes = embedding(90).latent.astype(float), np.arange(90) % 3
    found = fit_path(x, codes, 3, balanced=True)[3]
    scaled = (x - x.mean(0)) / x.std(0)
    expected = LogisticRegression(C=1.0, class_weight="balanced", max_iter=5000).fit(scaled, codes)
    np.testing.assert_allclose(found.probability(x), expected.predict_proba(scaled), atol=2e-3)
    two = fit_path(x, codes % 2, 2, balanced=False)[3]
    expected = LogisticRegression(C=1.0, max_iter=5000).fit(scaled, codes % 2)
    np.testing.assert_allclose(two.probability(x), expected.predict_proba(scaled), atol=2e-3)


def test_logits_that_are_too_sure_are_cooled() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 3))
    codes = np.array([rng.choice(3, p=row) for row in softmax(logits)])
    even = np.ones(len(codes))
    assert best_temperature(logits, codes, even) == pytest.approx(1, abs=0.1)
    assert best_temperature(4 * logits, codes, even) == pytest.approx(4, rel=0.1)
    assert log_loss(logits, codes, even) < log_loss(4 * logits, codes, even)


def test_more_labels_are_better_and_the_curve_says_how_many(fitted: Fitted) -> None:
    few, more = fitted.tables["Learning curve"]
    assert (few["labels of each class"], few["labels"]) == (2, 6)
    assert (more["labels of each class"], more["labels"]) == (5, 15)
    assert few["balanced accuracy"] < more["balanced accuracy"]
    assert few["least"] <= few["balanced accuracy"] <= few["most"]


def test_rows_without_a_label_are_not_learned_from_and_a_split_is_kept() -> None:
    whole = embedding(120)
    labels = whole.column("label").astype(object)
    labels[60:] = ""
    part = cs.Embedding.from_arrays(whole.latent, {"label": labels})
    alone = cs.Embedding.from_arrays(whole.latent[:60], {"label": labels[:60]})
    one, other = (probe.fit(each, probe.Config(curve=(), folds=2)).weights for each in (part, alone))
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])
    split = np.array(["train"] * 60 + ["test"] * 60)
    divided = cs.Embedding.from_arrays(whole.latent, {"label": whole.column("label"), "split": split})
    held_out = probe.fit(divided, probe.Config(curve=(), folds=2))
    np.testing.assert_array_equal(held_out.weights["weights"], one["weights"])
    right = probe.predict(held_out, divided).predicted[60:] == whole.column("label")[60:]
    assert held_out.facts["measured"]["accuracy"][0] == pytest.approx(right.mean(), abs=1e-4)


def test_vectors_of_another_model_are_refused() -> None:
    given = embedding(60)
    one, other = (
        cs.Embedding.from_arrays(
            given.latent, given.obs, provenance={"model": {"folder": name, "weights_sha256": name}}
        )
        for name in "ab"
    )
    fitted = probe.fit(one, probe.Config(curve=(), folds=2))
    assert len(probe.predict(fitted, one)) == len(probe.predict(fitted, given)) == 60
    with pytest.raises(InputError, match="those of the model b, but the probe was fitted to those of a"):
        probe.predict(fitted, other)


def test_a_latent_that_never_varies_says_nothing() -> None:
    flat = embedding(60)
    with_dead = cs.Embedding.from_arrays(np.c_[flat.latent, np.full(60, 3.0)], flat.obs)
    fitted = probe.fit(with_dead, probe.Config(curve=(), folds=2))
    assert (fitted.weights["weights"][:, 4] == 0).all()
    assert all(np.isfinite(values).all() for values in fitted.weights.values())


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["a"] * 8, "fewer than two"),
        (["a"] * 7 + ["b"], "fewer than two"),
        ([""] * 8, "is empty"),
    ],
)
def test_what_teaches_nothing_is_refused(labels: list[str], words: str) -> None:
    vectors = np.random.default_rng(0).normal(size=(8, 2))
    with pytest.raises(InputError, match=words):
        probe.fit(cs.Embedding.from_arrays(vectors, {"label": np.array(labels, dtype=object)}))
    with pytest.raises(InputError, match=r"no column 'phase'.*--set label=NAME"):
        probe.fit(embedding(), probe.Config(label="phase"))


def test_vectors_of_another_model_and_damaged_weights_are_refused(fitted: Fitted) -> None:
    with pytest.raises(InputError, match="3 values, but the probe was fitted to 4"):
        probe.predict(fitted, cs.Embedding.from_arrays(np.zeros((2, 3)), {}))
    other = Fitted("probe", fitted.config, {**fitted.weights, "bias": np.zeros(2, np.float32)}, fitted.facts)
    with pytest.raises(ModelError, match="'bias' should have the shape"):
        probe.predict(other, embedding())


def test_a_probe_is_fitted_and_asked_by_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from coverslip.cli import main

    file = cs.read.write_embedding(embedding(90), tmp_path / "cells.h5ad")
    quick = ["--set", "curve=", "--set", "folds=2"]
    assert main(["fit", "probe", str(file), "--out", str(tmp_path / "probe"), *quick]) == 0
    assert "Balanced accuracy 0." in capsys.readouterr().out
    assert main(["predict", str(tmp_path / "probe"), str(file), "--out", str(tmp_path / "classes.parquet")]) == 0
    assert "Classified 90" in capsys.readouterr().out
    kind, found = cs.results.opened(tmp_path / "classes.parquet")
    assert kind.name == "scores"
    assert (found.predicted == found.obs["label"]).mean() > 0.8
