"""A U-Net learns to find objects, is saved, and says what it cannot do."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import coverslip as cs
from coverslip.core.errors import InputError, ModelError
from coverslip.core.fields import ArrayFields, FieldSubset
from coverslip.core.fitted import Fitted
from coverslip.measure import match, overlap
from coverslip.methods import unet
from coverslip.methods.unet.inference import Segmenter
from coverslip.methods.unet.loss import loss_terms
from coverslip.nn.unet import UNet
from coverslip.train.run import Run

from .blobs import blob_fields

QUICK = {"epochs": 30, "width": 8, "levels": 3, "patch": 64, "batch": 4, "separation": "distance"}  # quickest to learn
PRECISE = Run(device="cpu", precision="fp32")
EXPECTED = Path(__file__).parent / "expected.json"


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return unet.fit(blob_fields(8), unet.Config(**QUICK), PRECISE)


@pytest.mark.parametrize("stem", [1, 2, 4])
@pytest.mark.parametrize("levels", [1, 3])
@pytest.mark.parametrize("inputs", [1, 7])
def test_height_and_width_are_kept(stem: int, levels: int, inputs: int) -> None:
    model = UNet(inputs, 2, width=4, levels=levels, stem=stem).eval()
    assert model(torch.zeros(2, inputs, 3 * model.multiple, 2 * model.multiple)).shape == (
        2,
        2,
        3 * model.multiple,
        2 * model.multiple,
    )


@pytest.mark.parametrize("stem", [1, 2])
@pytest.mark.parametrize("levels", [1, 2, 3])
def test_a_pixel_sees_as_far_as_the_reach_says_and_no_further(stem: int, levels: int) -> None:
    torch.manual_seed(0)
    model = UNet(1, 1, width=8, levels=levels, stem=stem).eval()
    size = -(-(2 * model.reach + 2 * model.multiple) // model.multiple) * model.multiple
    x = torch.randn(4, 1, size, size, requires_grad=True)  # not all of them leave a ReLU at 0
    for at in range(size // 2, size // 2 + model.multiple):
        (seen,) = torch.autograd.grad(model(x)[:, 0, at, at].sum(), x)
        rows = seen.abs().sum((0, 1, 3)).nonzero()[:, 0]
        assert max(at - int(rows.min()), int(rows.max()) - at) <= model.reach


@pytest.mark.parametrize("kind", ["distance", "boundary", "offset"])
def test_the_loss_is_that_of_its_definition(kind: str) -> None:
    generator = torch.Generator().manual_seed(0)
    channels = 3 if kind == "offset" else 2
    outputs = torch.randn(2, channels, 8, 9, generator=generator)
    target = torch.rand(2, channels, 8, 9, generator=generator)
    target[:, 0] = target[:, 0].round()

    weight = 1 + torch.rand(2, 8, 9, generator=generator)
    share = weight / weight.mean()

    def both(logits: torch.Tensor, truth: torch.Tensor) -> float:
        p = torch.sigmoid(logits)
        dice = 1 - (2 * (p * truth).sum() + 1) / (p.sum() + truth.sum() + 1)
        return float((F.binary_cross_entropy(p, truth, reduction="none") * share).mean() + 0.5 * dice)

    def smooth(difference: torch.Tensor) -> torch.Tensor:
        size = difference.abs()
        return torch.where(size < 0.1, size**2 / 0.2, size - 0.05)

    if kind == "boundary":
        apart = both(outputs[:, 1], target[:, 1])
    elif kind == "distance":
        apart = 2 * float((smooth(outputs[:, 1] - target[:, 1]) * share).mean())
    else:
        each = smooth(outputs[:, 1:] - target[:, 1:]).sum(1) * share
        apart = 2 * float((each * target[:, 0]).sum() / target[:, 0].sum())
    terms = loss_terms(outputs, target, weight, kind)
    assert terms["foreground"].item() == pytest.approx(both(outputs[:, 0], target[:, 0]), rel=1e-5)
    assert terms["separation"].item() == pytest.approx(apart, rel=1e-5)
    assert terms["loss"].item() == pytest.approx(terms["foreground"].item() + terms["separation"].item(), rel=1e-6)


def test_it_finds_the_objects_of_fields_it_has_not_seen(fitted: Fitted) -> None:
    fields = blob_fields(3, (120, 90), seed=9)
    tp, wrong = 0, 0
    for i, found in enumerate(unet.predict(fitted, fields)):
        assert found.labels.dtype == np.int32
        assert found.labels.shape == found.probability.shape == (120, 90)
        matched = match(overlap(fields.labels(i), found.labels))
        tp, wrong = tp + matched.tp, wrong + matched.fp + matched.fn
    assert tp / (tp + wrong) > 0.8


def test_several_channels_are_learned_from_together() -> None:
    fields = blob_fields(4, channels=3)
    model = unet.fit(fields, unet.Config(**{**QUICK, "epochs": 2}), PRECISE)
    assert model.facts["inputs"] == 3
    with pytest.raises(InputError, match=r"1 channel, but the model was fitted to 3.*--channels"):
        next(unet.predict(model, blob_fields(1)))


@pytest.mark.parametrize("kind", ["boundary", "offset"])
def test_the_other_ways_of_telling_objects_apart_learn_too(kind: str) -> None:
    quick = {**QUICK, "epochs": 30, "learning_rate": 0.01, "separation": kind}
    model = unet.fit(blob_fields(6), unet.Config(**quick), PRECISE)
    fields = blob_fields(2, seed=9)
    found = [match(overlap(fields.labels(i), f.labels)) for i, f in enumerate(unet.predict(model, fields))]
    assert sum(m.tp for m in found) > sum(m.fp + m.fn for m in found)


@pytest.mark.parametrize("kind", ["distance", "boundary", "offset"])
def test_flips_of_a_field_give_the_flipped_maps(kind: str) -> None:
    field = blob_fields(1, (64, 64))
    config = unet.Config(width=4, levels=3, patch=64, separation=kind)
    torch.manual_seed(0)
    model = unet.outputs.build(config, 1)
    weights = {name: t.numpy() for name, t in model.state_dict().items()}
    facts = {"inputs": 1, "margin": 32, "decoding": {"threshold": 0.5, "min_area": 0}}
    segmenter = Segmenter(Fitted("unet", config, weights, facts), flips=True, speed="eager", device="cpu")
    maps = segmenter.maps(field, 0)
    mirrored = segmenter.maps(ArrayFields([field.pixels(0)[:, :, ::-1]]), 0)[:, :, ::-1]
    if kind == "offset":
        mirrored = mirrored * np.array([1, 1, -1])[:, None, None]
    np.testing.assert_allclose(maps, mirrored, atol=1e-5)


def test_a_seeded_fit_gives_the_same_numbers_as_ever(fitted: Fitted, request: pytest.FixtureRequest) -> None:
    found = {key: fitted.history[-1][key] for key in ("loss", "foreground", "separation", "val_loss")}
    if request.config.getoption("--regenerate"):
        EXPECTED.write_text(json.dumps(found, indent=2) + "\n")
    # Machines round differently, and the epochs amplify it.
    assert found == pytest.approx(json.loads(EXPECTED.read_text()), rel=0.1)


def test_what_was_found_while_fitting_is_kept_with_the_model(fitted: Fitted) -> None:
    facts = fitted.facts
    assert facts["inputs"] == 1
    assert 0.3 < facts["decoding"]["threshold"] < 0.7
    assert facts["decoding"]["score"] > 0.4
    assert 10 < facts["object_diameter_px"][2] < 20
    assert facts["margin"] >= 64
    assert (facts["train"], facts["val"]) == (7, 1)


def test_a_saved_model_segments_the_same(fitted: Fitted, tmp_path: Path) -> None:
    fields = blob_fields(1, seed=4)
    model = cs.read.Model(**{n: getattr(fitted, n) for n in ("method", "config", "weights", "facts", "history")})
    model.save(tmp_path / "model")
    before, after = (cs.predict(m, fields)[0] for m in (model, tmp_path / "model"))
    np.testing.assert_array_equal(before.labels, after.labels)
    np.testing.assert_array_equal(before.probability, after.probability)
    assert after.provenance["model"]["method"] == "unet"


def test_a_higher_threshold_gives_smaller_objects_and_a_smallest_area_fewer(fitted: Fitted) -> None:
    fields = blob_fields(1, seed=4)
    low, high = (next(unet.predict(fitted, fields, threshold=t)).labels > 0 for t in (0.2, 0.9))
    assert high.sum() < low.sum()
    assert not next(unet.predict(fitted, fields, min_area=10**6)).labels.any()
    with pytest.raises(InputError, match="between 0 and 1, not at 2"):
        next(unet.predict(fitted, fields, threshold=2))


def test_weights_of_another_network_are_refused(fitted: Fitted) -> None:
    other = Fitted("unet", unet.Config(**{**QUICK, "width": 4}), fitted.weights, fitted.facts)
    with pytest.raises(ModelError, match="The weights are not those of this model"):
        Segmenter(other)


def test_masks_are_needed_and_must_hold_an_object() -> None:
    pixels = [np.zeros((64, 64), np.uint8)] * 2
    with pytest.raises(InputError, match="learns from masks, and there are none"):
        unet.fit(ArrayFields(pixels))
    with pytest.raises(InputError, match="None of the 2 training masks holds an object"):
        unet.fit(ArrayFields(pixels, [np.zeros((64, 64), np.uint8)] * 2))


def test_fields_without_objects_may_be_among_them() -> None:
    fields = blob_fields(2)
    some = ArrayFields(
        [*(fields.pixels(i) for i in range(2)), np.full((96, 112), 300, np.uint16)],
        [*(fields.labels(i) for i in range(2)), np.zeros((96, 112), np.int32)],
    )
    fitted = unet.fit(some, unet.Config(**{**QUICK, "epochs": 60}), PRECISE)
    assert not next(unet.predict(fitted, FieldSubset(some, [2]))).labels.any()
