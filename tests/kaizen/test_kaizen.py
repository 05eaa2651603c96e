"""Kaizen learns to generate objects, and explains images by them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from skimage.measure import block_reduce

from coverslip.core.decomposition import Decomposition
from coverslip.core.errors import InputError, ModelError
from coverslip.core.fields import ArrayFields, FieldSubset
from coverslip.core.fitted import Fitted
from coverslip.measure import match, overlap
from coverslip.methods import kaizen
from coverslip.methods.kaizen.inference import build, network
from coverslip.methods.kaizen.light import Light
from coverslip.methods.kaizen.loss import loss_terms
from coverslip.methods.kaizen.model import Generated
from coverslip.methods.kaizen.patches import ObjectFeed, asks_for, window
from coverslip.methods.kaizen.search import SEED
from coverslip.samples.opening.absorbed import Absorbed
from coverslip.train.run import Run

from ..unet.blobs import blob_fields

QUICK = {"epochs": 30, "learning_rate": 0.01, "patch": 32, "width": 8, "codes": 32, "groups": 2, "zoom": 1.0}
PRECISE = Run(device="cpu", precision="fp32")
EXPECTED = Path(__file__).parent / "expected.json"


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return kaizen.fit(blob_fields(10), kaizen.Config(**QUICK), PRECISE)


@pytest.mark.parametrize("patch", [16, 40, 64])
@pytest.mark.parametrize("codebook", ["ema", "gradient"])
def test_a_patch_becomes_a_mask_and_pixels_of_its_size(patch: int, codebook: str) -> None:
    model = build(kaizen.Config(patch=patch, width=4, codes=8, codebook=codebook)).eval()
    with torch.inference_mode():
        generated = model(torch.rand(3, 1, patch, patch))
    assert generated.mask.shape == generated.pixels.shape == (3, patch, patch)
    assert generated.quantised.indices.shape == (3, 4, patch // 4, patch // 4)
    assert float(generated.pixels.min()) >= 0


def test_the_decoder_sees_nothing_but_codes() -> None:
    model = build(kaizen.Config(patch=16, width=4, codes=8)).eval()
    generated = model(torch.rand(2, 1, 16, 16))
    mask, pixels = model.decode(model.quantise.look_up(generated.quantised.indices))
    torch.testing.assert_close(mask, generated.mask)
    torch.testing.assert_close(pixels, generated.pixels)


def test_the_loss_is_that_of_its_definition() -> None:
    generator = torch.Generator().manual_seed(0)
    model = build(kaizen.Config(patch=16, width=4, codes=8)).eval()
    generated = Generated(*torch.randn(2, 3, 16, 16, generator=generator), model.quantise(torch.rand(1, 32, 4, 4)))
    mask = torch.zeros(3, 16, 16)
    mask[0, 4:8, 4:9] = 1
    mask[1] = 1
    target = mask * torch.rand(3, 16, 16, generator=generator)
    found, pixels = [], []
    for i, area in enumerate((20, 256, 0)):
        p = torch.sigmoid(generated.mask[i])
        weight = {20: 20**0.5, 256: 1.25, 0: 1.0}[area]
        entropy = float(F.binary_cross_entropy(p, mask[i]))
        dice = 1 - (2 * float((p * mask[i]).sum()) + 2) / (float(p.sum()) + area + 2)
        found.append(4 * weight * entropy + dice)
        if area:
            inside = mask[i] > 0
            pixels.append(2 * float((generated.pixels[i] - target[i])[inside].abs().mean()))
    terms = loss_terms(generated, mask, target)
    assert terms["mask"].item() == pytest.approx(np.mean(found), rel=1e-4)
    assert terms["pixels"].item() == pytest.approx(np.mean(pixels), rel=1e-4)
    total = np.mean(found) + np.mean(pixels) + generated.quantised.loss.item()
    assert terms["loss"].item() == pytest.approx(total, rel=1e-4)


def test_without_masks_the_loss_is_that_of_all_pixels_and_of_codes() -> None:
    model = build(kaizen.Config(patch=16, width=4, codes=8)).eval()
    mask, pixels = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    generated = Generated(mask, pixels, model.quantise(torch.rand(1, 32, 4, 4)))
    target = torch.rand(3, 16, 16)
    terms = loss_terms(generated, (target > 0.5).float(), target, masks=False)
    expected = 10 * ((pixels - target) ** 2).mean() + generated.quantised.loss
    torch.testing.assert_close(terms["loss"], expected)


def test_the_recipe_of_the_source_is_a_name_and_what_is_set_beside_it_is_changed() -> None:
    config = kaizen.Config.parse({"recipe": "seed", "patch": 64})
    assert (config.patch, config.groups, config.overlap, config.masks) == (64, 1, 0, False)
    assert kaizen.Config.parse({"recipe": "house"}) == kaizen.Config()
    with pytest.raises(InputError, match=r"there is no recipe 'sed'; the recipes are house, seed"):
        kaizen.Config.parse({"recipe": "sed"})


def test_fitted_and_searched_as_printed_it_explains_fields_by_pixels_alone(fitted: Fitted) -> None:
    small = {"patch": 32, "width": 8, "codes": 32, "code_dim": 16, "epochs": 12, "learning_rate": 0.01}
    fields = blob_fields(8)
    of_source = kaizen.fit(fields, kaizen.Config.parse({"recipe": "seed", **small}), PRECISE)
    assert of_source.facts["search"] == SEED.model_dump()
    assert "pixels" in of_source.history[-1]
    assert "mask" not in of_source.history[-1]
    found = list(kaizen.predict(of_source, fields, device="cpu"))
    shared = [match(overlap(fields.labels(i), one.labels), 0.5) for i, one in enumerate(found)]
    assert sum(one.tp for one in shared) > 0.4 * sum(one.tp + one.fn for one in shared)
    with pytest.raises(InputError, match="models of both kinds cannot compete"):
        kaizen.Decomposer(of_source, device="cpu", rivals=[fitted])


def test_a_window_has_its_point_at_the_centre_and_nothing_beyond_the_border() -> None:
    image = np.arange(1.0, 301.0).reshape(15, 20)
    cut = window(image, (2, 17), 8)
    assert cut[4, 4] == image[2, 17]
    assert (cut[:2] == 0).all()
    assert (cut[:, 7:] == 0).all()
    half = window(np.kron(image, np.ones((2, 2))), (4, 10), 5, 2.0, nearest=True)
    np.testing.assert_array_equal(half, image[:5, 3:8])


def test_four_of_five_patches_have_an_object_at_the_centre() -> None:
    fields = blob_fields(4)
    feed = ObjectFeed(fields, np.arange(4), kaizen.Config(patch=32, centred=0.8, overlap=0.5, removed=0.5))
    rows = feed.rows(range(4))
    objects = sum(len(np.unique(fields.labels(i))) - 1 for i in range(4))
    assert feed.count == objects
    assert (rows < objects).mean() == pytest.approx(0.8, abs=0.02)
    (batch,) = feed.batches([rows], [np.random.SeedSequence(1)])
    np.testing.assert_array_equal(batch.rows, rows)
    np.testing.assert_array_equal(batch.targets[:, 0, 16, 16], rows < objects)
    assert (batch.targets[rows >= objects] == 0).all()
    masks, pixels = batch.targets[:, 0] > 0, batch.targets[:, 1]
    assert (pixels[~masks] == 0).all()


def test_where_objects_overlap_the_centre_asks_for_the_nearer_one() -> None:
    near, far = np.zeros((2, 21, 21), bool)
    near[6:15, 7:16] = True
    far[8:20, 9:21] = True
    assert asks_for(near, far)
    assert not asks_for(far, near)
    far[10, 10] = False  # it does not lie on the centre
    assert not asks_for(far, np.roll(near, 5, 0))


def test_an_epoch_is_every_object_once_and_its_empty_places() -> None:
    fields, config = blob_fields(4), kaizen.Config(patch=32, batch=8)
    rows = ObjectFeed(fields, np.arange(4), config).rows(range(4))
    assert kaizen.steps_per_epoch(fields, config) == -(-len(rows) // 8)


def test_the_same_seed_gives_the_same_patches() -> None:
    feed = ObjectFeed(blob_fields(2), np.arange(2), kaizen.Config(patch=32))
    rows = [np.arange(6), np.arange(6)]
    one, other, third = (
        [
            np.concatenate([batch.inputs, batch.targets], 1)
            for batch in feed.batches(rows, [np.random.SeedSequence(seed), np.random.SeedSequence(5)])
        ]
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_array_equal(one[1], third[1])
    assert (one[0] != third[0]).any()


def test_light_has_neither_background_nor_exposure() -> None:
    (image,) = (blob_fields(1).pixels(0)[0].astype(np.float32),)
    slope = np.linspace(0, 300, image.shape[1], dtype=np.float32)
    plain, tilted = ArrayFields([image]), ArrayFields([3 * (image + slope) + 5000])
    a, b = (Light.of(fields, 0).read(fields, 0) for fields in (plain, tilted))
    assert np.abs(a - b).mean() < 0.03
    assert 0.8 < np.percentile(b, 99.8) < 1.2


def test_it_explains_fields_it_has_not_seen(fitted: Fitted) -> None:
    fields = blob_fields(3, (120, 90), seed=9)
    tp, wrong = 0, 0
    for i, found in enumerate(kaizen.predict(fitted, fields, device="cpu")):
        matched = match(overlap(fields.labels(i), found.labels))
        tp, wrong = tp + matched.tp, wrong + matched.fp + matched.fn
        np.testing.assert_array_equal(found.objects["object"], np.arange(1, len(found) + 1))
        before = np.abs(fields.pixels(i)[0] - found.background).mean()
        after = np.abs(fields.pixels(i)[0] - found.internal).mean()
        assert after == pytest.approx(found.rounds["loss"][-1], rel=1e-3)
        assert 1 - after / before == pytest.approx(found.rounds["explained"][-1], abs=1e-3)
        assert found.rounds["explained"][-1] > 0.5
        assert (np.diff(found.rounds["loss"]) <= 1e-6).all()
        assert (found.objects["gain"] > 0).all()
    assert tp / (tp + wrong) > 0.7


def test_objects_that_absorb_light_are_explained_in_optical_density(fitted: Fitted) -> None:
    emitted = blob_fields(1, (120, 90), seed=9)
    density = (emitted.pixels(0).astype(np.float32) - 300) / 1800
    light = np.rint(40_000 * np.exp(-density)).astype(np.uint16)
    found = kaizen.Decomposer(fitted, device="cpu", light="absorbed")(ArrayFields([light]), 0)
    bright = kaizen.Decomposer(fitted, device="cpu")(emitted, 0)
    assert found.absorbed
    assert not bright.absorbed
    agreed = match(overlap(bright.labels, found.labels))
    assert agreed.fp + agreed.fn <= 2 < 5 < agreed.tp
    left = np.abs(Absorbed(ArrayFields([light])).pixels(0)[0] - found.internal).mean()
    assert left == pytest.approx(found.rounds["loss"][-1], rel=1e-3)


def test_density_is_minus_the_logarithm_of_light_and_finds_its_grey_value_again() -> None:
    image = np.array([[255, 94, 35, 0]], np.uint8)
    dense = Absorbed(ArrayFields([image], nodata=35))
    np.testing.assert_allclose(dense.pixels(0)[0, 0], -np.log(np.array([255, 94, 35, 0.5]) / 255), rtol=1e-6)
    assert dense.nodata == pytest.approx(dense.pixels(0)[0, 0, 2])
    assert [dense.stored(value) for value in dense.pixels(0)[0, 0]] == [255, 94, 35, 0]
    np.testing.assert_array_equal(dense.image(0).read(), dense.pixels(0))
    assert Absorbed(ArrayFields([image / 255.0])).pixels(0)[0, 0, 1] == pytest.approx(-np.log(94 / 255), rel=1e-6)


def test_the_same_image_gives_the_same_objects_bit_for_bit(fitted: Fitted) -> None:
    fields = blob_fields(1, seed=5)
    one, other = (next(kaizen.predict(fitted, fields, device="cpu")) for _ in range(2))
    assert len(one) > 5
    for name in one.objects:
        np.testing.assert_array_equal(one.objects[name], other.objects[name])
    for a, b in zip(one.pixels, other.pixels, strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_object_that_is_known_is_not_proposed_again(fitted: Fitted) -> None:
    fields = blob_fields(1, seed=5)
    decomposer = kaizen.Decomposer(fitted, device="cpu")
    light, objects = Light.of(fields, 0), decomposer.objects(fields, 0)
    centres = np.array([one.proposal.centroid for one in objects])
    seen, points, (proposer,) = light.read(fields, 0), centres.round().astype(int), decomposer.proposers
    assert len(proposer(seen, points, decomposer.search, centres[:0])) > 5
    assert proposer(seen, points, decomposer.search, centres) == []


def test_an_empty_field_has_no_object(fitted: Fitted) -> None:
    noise = np.random.default_rng(0).normal(300, 60, (200, 200)).astype(np.uint16)
    found = next(kaizen.predict(fitted, ArrayFields([noise, np.zeros_like(noise)]), device="cpu"))
    assert len(found) == 0
    assert not found.labels.any()


def test_objects_four_times_as_large_are_shown_reduced_and_found_at_their_own_size(fitted: Fitted) -> None:
    small = blob_fields(1, (120, 130), seed=5)
    large, truth = (np.kron(a, np.ones((4, 4), a.dtype)) for a in (small.pixels(0)[0], small.labels(0)))
    found = kaizen.Decomposer(fitted, device="cpu", diameter="66")(ArrayFields([large]), 0)
    assert found.zoom == pytest.approx(0.25, rel=0.2)
    assert found.labels.shape == truth.shape
    agreed = match(overlap(truth, found.labels))
    assert agreed.tp / (agreed.tp + agreed.fp + agreed.fn) > 0.7
    # Receipts are sums over pixels of the field, counted on the reduced image, where noise has averaged out.
    shown, background, internal = (block_reduce(a, 4, np.mean) for a in (large, found.background, found.internal))
    lowered = 4**2 * (np.abs(shown - background).sum() - np.abs(shown - internal).sum())
    assert found.objects["gain"].sum() == pytest.approx(lowered, rel=0.25)


def test_objects_on_the_seams_of_parts_are_found_once(fitted: Fitted) -> None:
    fields = blob_fields(1, (150, 170), seed=3)
    whole, parts = (kaizen.Decomposer(fitted, device="cpu")(fields, 0, side=side) for side in (1024, 60))
    agreed = match(overlap(whole.labels, parts.labels))
    assert agreed.tp > 20
    assert agreed.fp + agreed.fn <= 2
    counted = np.bincount(parts.labels.ravel(), minlength=len(parts) + 1)[1:]
    assert (counted > 0).mean() > 0.95


def test_rivals_compete_for_one_image(fitted: Fitted) -> None:
    fields = blob_fields(1, seed=5)
    untrained = kaizen.fit(blob_fields(2), kaizen.Config(**{**QUICK, "epochs": 1}), PRECISE)
    found = next(kaizen.predict(untrained, fields, device="cpu", rivals=[fitted], min_confidence=0.3))
    alone = next(kaizen.predict(fitted, fields, device="cpu"))
    assert (found.objects["generator"] == 1).sum() > 0.6 * len(alone)


def test_each_object_is_found_at_the_scale_that_shows_it_whole() -> None:
    small, large = blob_fields(5), blob_fields(4, seed=4)
    three = np.ones((3, 3), np.uint16)
    images = [small.pixels(i)[0] for i in range(5)] + [np.kron(large.pixels(i)[0], three) for i in range(4)]
    masks = [small.labels(i) for i in range(5)] + [np.kron(large.labels(i), three.astype(np.int32)) for i in range(4)]
    # How to search is chosen on images of both sizes.
    both = ArrayFields(images, masks, {"split": ["val"] + 4 * ["train"] + ["val"] + 3 * ["train"]})
    model = kaizen.fit(both, kaizen.Config(**{**QUICK, "epochs": 60, "scales": (1.0, 3.0)}), PRECISE)
    for row in (0, 5):
        found = next(kaizen.predict(model, FieldSubset(both, [row]), device="cpu"))
        agreed = match(overlap(both.labels(row), found.labels))
        assert agreed.tp >= agreed.fp + agreed.fn
    assert max(mask.shape[0] for mask in found.masks) > 32  # wider than a patch at the scale of the others


def test_bad_training_sets_get_one_sentence() -> None:
    image = blob_fields(1).pixels(0)[0]
    config = kaizen.Config(**QUICK)
    with pytest.raises(InputError, match="none; name them in a column 'mask'"):
        kaizen.fit(ArrayFields([image]), config, PRECISE)
    with pytest.raises(InputError, match="None of the 2 training masks holds an object"):
        kaizen.fit(ArrayFields([image] * 2, [np.zeros(image.shape, int)] * 2), config, PRECISE)
    elsewhere = ArrayFields(
        [image] * 2, [np.zeros(image.shape, int), np.eye(*image.shape, dtype=int)], {"split": ["train", "val"]}
    )
    with pytest.raises(InputError, match="None of the 1 training masks holds an object"):
        kaizen.fit(elsewhere, config, PRECISE)
    with pytest.raises(InputError, match="wider than 112 pixels, and a patch shows 32"):
        kaizen.fit(ArrayFields([image] * 2, [np.ones(image.shape, int)] * 2), config, PRECISE)
    both = np.stack([image, image])
    with pytest.raises(
        InputError, match="2 channels or focal planes, and objects are explained in one; choose it with --channels"
    ):
        kaizen.fit(ArrayFields([both], [np.ones(image.shape, int)]), config, PRECISE)


def test_pixels_that_are_no_numbers_are_named(fitted: Fitted) -> None:
    image = blob_fields(1).pixels(0)[0].astype(np.float32)
    image[3, 4] = np.nan
    with pytest.raises(InputError, match="no numbers"):
        next(kaizen.predict(fitted, ArrayFields([image]), device="cpu"))


def test_weights_of_another_network_are_refused(fitted: Fitted) -> None:
    weights = {**fitted.weights, "to_codes.bias": np.zeros(3, np.float32)}
    with pytest.raises(ModelError, match=r"'to_codes.bias' should have the shape \(16,\) and has \(3,\)"):
        network(Fitted("kaizen", fitted.config, weights, fitted.facts))


def test_a_seeded_fit_gives_the_values_it_gave_before(request: pytest.FixtureRequest) -> None:
    short = kaizen.fit(blob_fields(7, (64, 64)), kaizen.Config(**{**QUICK, "epochs": 2}), PRECISE)
    values = {name: short.history[-1][name] for name in ("loss", "mask", "pixels", "codes", "perplexity", "val_loss")}
    if request.config.getoption("--regenerate"):
        EXPECTED.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    assert values == pytest.approx(json.loads(EXPECTED.read_text(encoding="utf-8")), rel=0.02)


def test_a_margin_that_holds_no_image_has_no_light_and_no_objects(fitted: Fitted) -> None:
    pixels = blob_fields(1, (110, 100), seed=4).pixels(0)
    plain = next(kaizen.predict(fitted, ArrayFields([pixels]), device="cpu"))
    padded = ArrayFields([np.pad(pixels, ((0, 0), (40, 40), (40, 40)))])
    found = next(kaizen.predict(fitted, padded, device="cpu"))
    inside = np.ascontiguousarray(found.labels[40:-40, 40:-40])
    assert found.provenance["nodata"] == [0.0]
    assert (found.labels > 0).sum() == (inside > 0).sum()
    assert match(overlap(plain.labels, inside), 0.7).tp >= 0.9 * len(plain) > 10
    assert not Light.of(padded, 0).read(padded, 0)[:40].any()
    assert not found.background[:40].any()
    np.testing.assert_allclose(found.background[40:-40, 40:-40], plain.background, rtol=0.03)


def test_border_objects_are_dropped_and_holes_filled(fitted: Fitted) -> None:
    fields = ArrayFields([np.pad(blob_fields(1, (110, 100), seed=4).pixels(0), ((0, 0), (0, 0), (0, 30)))])
    all_of_them = next(kaizen.predict(fitted, fields, device="cpu"))
    left = next(kaizen.predict(fitted, fields, device="cpu", drop_border=True, fill_holes=True))

    def at_border(found: Decomposition) -> int:
        return sum(y.start == 0 or y.stop == 110 or x.start == 0 or x.stop == 100 for y, x in found.places())

    cut = at_border(all_of_them)
    assert cut > 0
    assert at_border(left) == 0
    assert len(left) == len(all_of_them) - cut
    assert left.labels.max() == len(left)
