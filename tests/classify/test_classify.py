"""A fitted classifier tells bars apart, says when it does not know, and learns nothing where there is nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch

import coverslip as cs
from coverslip.core import ArraySamples, Fitted, InputError, Subset
from coverslip.methods import classify
from coverslip.methods.classify import fitting
from coverslip.methods.classify.config import Network
from coverslip.methods.classify.model import build
from coverslip.portable.onnx_file import has_onnx
from coverslip.train.run import Run

from .bars import CLASSES, bars

PRECISE = Run(device="cpu", precision="fp32")
QUICK: dict[str, Any] = {
    "network": "resnet18",
    "width": 0.125,
    "epochs": 8,
    "batch": 16,
    "learning_rate": 3e-3,
    "augment.dihedral": False,
    "augment.rotation": 0,
}


@pytest.fixture(scope="module")
def samples() -> ArraySamples:
    return bars(120)


@pytest.fixture(scope="module")
def fitted(samples: ArraySamples) -> Fitted:
    return classify.fit(samples, classify.Config.parse({**QUICK, "order": ("high", "middle", "low")}), PRECISE)


def accuracy(fitted: Fitted, samples: ArraySamples) -> float:
    return float((classify.predict(fitted, samples, device="cpu").predicted == samples.obs["label"]).mean())


@pytest.mark.parametrize(
    ("network", "millions"),
    [("mobincep", 4.30), ("wavem_cnn", 12.84), ("organet", 2.23), ("mobilenet_v2", 2.23), ("resnet18", 11.18)],
)
def test_the_networks_have_the_sizes_of_their_sources(network: str, millions: float) -> None:
    model = build(classify.Config(network=network), (3, 224, 224), 2)
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(millions, abs=0.01)


@pytest.mark.parametrize("network", ["mobincep", "wavem_cnn", "organet", "mobilenet_v2", "resnet18", "linear"])
@pytest.mark.parametrize("shape", [(1, 9, 17), (5, 40, 40)])
def test_any_channels_and_sizes(network: str, shape: tuple[int, int, int]) -> None:
    model = build(classify.Config(network=network, width=0.125), shape, 4).eval()
    h, z = model(torch.zeros(2, *shape))
    assert h.shape == (2, model.trunk.features)
    assert z.shape == (2, 4)
    if network != "linear":
        assert min(model.maps(torch.zeros(1, *shape)).shape[2:]) >= 2


def test_images_it_never_saw_are_told_apart_with_one_class_left(fitted: Fitted) -> None:
    others = bars(60, seed=1)
    scores = classify.predict(fitted, others, device="cpu")
    assert (scores.predicted == others.obs["label"]).mean() == 1
    assert scores.classes == ("high", "middle", "low")
    assert scores.ordered
    assert scores.confidence.min() > 0.8
    strange = ArraySamples(np.full((3, 1, 16, 16), 300, np.uint16), {"image": np.arange(3)})
    assert classify.predict(fitted, strange, device="cpu").abstained.all()


def test_one_image_is_classified_as_among_many(fitted: Fitted) -> None:
    others = bars(30, seed=2)
    many = classify.predict(fitted, others, device="cpu").probability
    np.testing.assert_allclose(
        classify.predict(fitted, Subset(others, [7]), device="cpu").probability, many[7:8], atol=1e-6
    )


@pytest.mark.parametrize("change", [{"rule": "centres"}, {"network": "linear"}, {"network": "knn"}, {"retrain": True}])
def test_every_rule_and_baseline_tells_bars_apart_but_not_shuffled_labels(change: dict[str, Any]) -> None:
    config = classify.Config.parse({**QUICK, **change})
    fitted = classify.fit(bars(120), config, PRECISE)
    assert accuracy(fitted, bars(60, seed=1)) > 0.95
    assert any("before retraining (retrain=true)" in text for text in fitted.warnings) == ("retrain" in change)
    blind = classify.fit(bars(120, shuffled=True), config.model_copy(update={"epochs": 3}), PRECISE)
    assert accuracy(blind, bars(300, seed=1, shuffled=True)) == pytest.approx(1 / 3, abs=0.1)


def test_a_rule_that_the_held_out_images_speak_against_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    config = classify.Config.parse({**QUICK, "rule": "centres"})
    assert not any("rule=softmax" in text for text in classify.fit(bars(120), config, PRECISE).warnings)
    monkeypatch.setattr(fitting, "named_centres", lambda codes, labels, classes, balanced: 5 * np.eye(3)[[1, 2, 0]])
    (said,) = [text for text in classify.fit(bars(120), config, PRECISE).warnings if "rule=softmax" in text]
    assert "the largest output would be for 100.0%" in said


def test_each_further_term_falls_where_it_is_weighted(samples: ArraySamples) -> None:
    config = classify.Config.parse({**QUICK, "epochs": 3, "between": 1e-9, "within": 1e-9, "mmd": 1e-9})
    plain = classify.fit(samples, config, PRECISE).history[-1]
    for term, weight in (("between", 30.0), ("within", 1.0), ("mmd", 10.0)):
        weighted = classify.fit(samples, config.model_copy(update={term: weight}), PRECISE).history[-1]
        assert weighted[term] < plain[term]


def test_a_resumed_fit_ends_the_same(samples: ArraySamples, tmp_path: Path) -> None:
    config = classify.Config.parse({**QUICK, "network": "mobincep", "epochs": 3, "between": 0.1, "within": 0.1})
    whole = classify.fit(samples, config, PRECISE)
    folder = replace(PRECISE, folder=tmp_path, save_every=0.0)
    classify.fit(samples, config, folder)
    again = classify.fit(samples, config, replace(folder, resume=True))
    assert whole.weights.keys() == again.weights.keys()
    assert all(np.array_equal(whole.weights[name], again.weights[name]) for name in whole.weights)


def test_classes_are_words_as_a_sheet_has_them(samples: ArraySamples) -> None:
    """Gaps make numbers of a column floats; capitals and blanks make two classes of one, which is said."""
    numbers = np.where(np.arange(120) % 5 == 0, np.nan, 1.0 + (samples.obs["label"] == "high"))
    config = classify.Config(network="linear")
    assert classify.fit(ArraySamples(samples.read(range(120)), {"label": numbers}), config).facts["classes"] == [
        "1",
        "2",
    ]
    spelt = np.where(np.arange(120) % 2, samples.obs["label"], np.char.upper(samples.obs["label"].astype(str)))
    said = classify.fit(ArraySamples(samples.read(range(120)), {"label": spelt}), config).warnings
    assert any("'HIGH' and 'high' are taken for two classes" in text for text in said)


def test_a_split_that_divides_groups_is_warned_of(samples: ArraySamples) -> None:
    obs = {**samples.obs, "split": np.array(["train", "val"] * 60), "group": np.repeat(list("abcdef"), 20)}
    said = classify.fit(ArraySamples(samples.read(range(120)), obs), classify.Config(network="linear")).warnings
    assert any("divides the group 'a' and 5 more" in text for text in said)
    whole = {**obs, "split": np.repeat(["train", "val"], 60)}
    said = classify.fit(ArraySamples(samples.read(range(120)), whole), classify.Config(network="linear")).warnings
    assert not any("divides" in text for text in said)


def test_rare_classes_count_as_much_where_that_is_asked() -> None:
    rare = np.r_[np.arange(0, 120, 3), [1, 4, 7, 10], np.arange(2, 120, 3)]
    few = Subset(bars(120), rare)
    config = classify.Config.parse({**QUICK, "epochs": 1})
    warned = classify.fit(few, config, PRECISE).warnings
    assert any("training images of 'high'" in text and "imbalance=weights" in text for text in warned)
    often = classify.fit(few, config.model_copy(update={"imbalance": "oversample"}), PRECISE)
    assert not any("imbalance" in text for text in often.warnings)


def test_a_trunk_that_learnt_without_labels_is_a_start(samples: ArraySamples, tmp_path: Path) -> None:
    settings = {"width": 8, "stem": "small", "epochs": 2, "batch": 16}
    cs.fit("simclr", ArraySamples(samples.read(range(60))), settings, run=PRECISE).save(tmp_path / "start")
    frozen = cs.fit("classify", samples, {"network": "linear", "start": str(tmp_path / "start")}, run=PRECISE)
    begun = cs.load(tmp_path / "start")
    np.testing.assert_array_equal(frozen.weights["trunk.conv1.weight"], begun.weights["trunk.conv1.weight"])
    assert cs.predict(frozen, samples).probability.shape == (120, 3)
    tuned = cs.fit(
        "classify",
        samples,
        {"start": str(tmp_path / "start"), **QUICK, "epochs": 1, "learning_rate": 1e-6},
        run=PRECISE,
    )
    np.testing.assert_allclose(tuned.weights["trunk.conv1.weight"], begun.weights["trunk.conv1.weight"], atol=1e-3)
    assert "the trunk of" in tuned.facts["start"]


def test_a_start_is_part_of_its_model_and_not_needed_any_more(samples: ArraySamples, tmp_path: Path) -> None:
    cs.fit("simclr", samples, {"width": 8, "stem": "small", "epochs": 1}, run=PRECISE).save(tmp_path / "start")
    model = cs.fit("classify", samples, {"network": "knn", "start": str(tmp_path / "start")}, run=PRECISE)
    expected = cs.predict(model, samples).probability
    model.save(tmp_path / "model")
    (tmp_path / "start").rename(tmp_path / "gone")
    np.testing.assert_array_equal(cs.predict(cs.load(tmp_path / "model"), samples).probability, expected)


def test_activation_maps_are_bright_where_the_bar_is(fitted: Fitted) -> None:
    others = bars(30, seed=3)
    maps = classify.activation_maps(fitted, others, device="cpu")
    assert maps.shape == (30, 16, 16)
    assert maps.min() >= 0
    assert maps.max(axis=(1, 2)) == pytest.approx(1)
    (shown,) = classify.illustrate(fitted, Subset(others, range(4)), device="cpu")
    np.testing.assert_allclose(shown.content["maps"], maps[:4], atol=1e-6)


def test_activation_maps_are_of_the_class_that_the_rule_calls(fitted: Fitted) -> None:
    """Centres that name each class after the next one: maps are of what was called, not of the largest code."""
    centres = 5 * np.eye(3, dtype=np.float32)[[1, 2, 0]]
    turned = replace(fitted, weights={**fitted.weights, "rule.centres": centres})
    others = bars(9, seed=1)
    called = classify.predict(turned, others, device="cpu").codes
    assert (called != classify.predict(fitted, others, device="cpu").codes).all()
    maps = classify.activation_maps(turned, others, device="cpu")
    np.testing.assert_allclose(maps, classify.activation_maps(turned, others, called, device="cpu"))
    np.testing.assert_allclose(maps, classify.activation_maps(fitted, others, device="cpu"), atol=1e-5)


@pytest.mark.skipif(not has_onnx(), reason="the extra 'onnx' is not installed")
@pytest.mark.parametrize("network", get_args(Network))
def test_an_onnx_file_says_the_same_of_stored_pixels(network: str, samples: ArraySamples, tmp_path: Path) -> None:
    import onnxruntime

    settings = {"network": network, "width": 0.125, "epochs": 1, "batch": 16}
    model = cs.fit("classify", samples, settings, run=PRECISE)
    cs.export(model, onnx=tmp_path / "bars.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "bars.onnx"), providers=["CPUExecutionProvider"])
    pixels = samples.read(np.arange(100)).astype(np.float32)
    (found,) = session.run(None, {"pixels": pixels})
    expected = cs.predict(model, samples, device="cpu").probability[:100]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert (found.argmax(1) == expected.argmax(1)).all()


@pytest.mark.parametrize("size", [11, 21])
def test_the_change_of_size_is_part_of_the_network_that_is_exported(samples: ArraySamples, size: int) -> None:
    fitted = classify.fit(samples, classify.Config.parse({**QUICK, "epochs": 1, "size": size}), PRECISE)
    exported = classify.portable(fitted)
    assert exported.sides == (16, 16)
    with torch.inference_mode():
        found = exported.network(torch.from_numpy(samples.read(np.arange(100)).astype(np.float32)))
    expected = classify.predict(fitted, Subset(samples, np.arange(100)), device="cpu").probability
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": "phase"}, "There is no column 'phase' to learn from; the columns are: label, image"),
        ({"order": ("high", "low")}, r"order must list just the classes there are \(high, low, middle\); 'middle'"),
        ({"size": 4}, "at least 8 x 8 pixels, not 4 x 4"),
        ({"start": "nowhere"}, "The start 'nowhere' is a model that must be handed over"),
    ],
)
def test_what_cannot_be_learnt_is_said_in_one_sentence(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        classify.fit(bars(12), classify.Config.parse({**QUICK, **change}), PRECISE)


def test_settings_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(InputError, match="start=imagenet is for mobilenet_v2, organet, resnet18, not for mobincep"):
        classify.Config.parse({"start": "imagenet"})
    with pytest.raises(InputError, match="is for resnet18, linear, knn, not for organet"):
        classify.Config.parse({"start": "model", "network": "organet"})
    with pytest.raises(InputError, match="order lists a class twice"):
        classify.Config.parse({"order": ["a", "a"]})
    with pytest.raises(InputError, match="at least two classes"):
        classify.fit(ArraySamples(np.zeros((4, 9, 9), np.uint8), {"label": ["a"] * 4}), None, PRECISE)


def test_images_of_another_size_need_the_setting_size(fitted: Fitted, samples: ArraySamples) -> None:
    with pytest.raises(InputError, match=r"or fit with size=N, which takes any"):
        classify.predict(fitted, bars(3, side=20), device="cpu")
    free = classify.fit(samples, classify.Config.parse({**QUICK, "size": 16}), PRECISE)
    assert accuracy(free, bars(30, side=22, seed=4)) > 0.9
    assert set(classify.predict(free, bars(3, side=22), device="cpu").classes) == set(CLASSES)
