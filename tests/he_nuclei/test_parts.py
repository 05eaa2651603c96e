"""Stains, synthetic nuclei, the loss, and how maps become objects."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from coverslip.core.fields import ArrayFields
from coverslip.core.region import Region
from coverslip.measure.objects.instances import aggregated_jaccard
from coverslip.measure.objects.overlaps import overlap
from coverslip.methods.he_nuclei.attention import Stain
from coverslip.methods.he_nuclei.brown import WithoutBrown, holds_brown
from coverslip.methods.he_nuclei.config import Config
from coverslip.methods.he_nuclei.decoding import Decoding, kept, remade
from coverslip.methods.he_nuclei.loss import loss_terms
from coverslip.methods.he_nuclei.patches import batch_of
from coverslip.methods.he_nuclei.recipe import Recipe, nuclei_blobs, synthetic_image
from coverslip.methods.he_nuclei.scenes import DIAMETER, coarse_labels, scene
from coverslip.methods.he_nuclei.stain import RUIFROK, colours, density, haematoxylin, macenko
from coverslip.methods.he_nuclei.synthesis import drawn_shapes, targets_of

from .sections import section

OTHER = np.array([[0.55, 0.76, 0.35], [0.15, 0.92, 0.36], [0.27, 0.57, 0.78]])
"""Stains of another laboratory."""


def in_unit(rgb: np.ndarray) -> np.ndarray:
    return rgb.astype(np.float32) / 255


def test_the_amount_of_haematoxylin_is_that_which_was_mixed() -> None:
    amounts = np.random.default_rng(0).uniform(0, 0.5, (3, 5, 7))
    unit = RUIFROK / np.linalg.norm(RUIFROK, axis=1, keepdims=True)
    rgb = colours(np.tensordot(unit.T, amounts, axes=1).astype(np.float32))
    np.testing.assert_allclose(haematoxylin(density(rgb)), amounts[0], atol=1e-3)


def test_brown_is_taken_out_and_haematoxylin_stays() -> None:
    amounts = np.random.default_rng(0).uniform(0.1, 0.4, (3, 6, 8))
    amounts[1] = 0
    unit = RUIFROK / np.linalg.norm(RUIFROK, axis=1, keepdims=True)
    mixed, blue = (
        np.rint(255 * colours(np.tensordot(unit.T, part, axes=1).astype(np.float32))).astype(np.uint8)
        for part in (amounts, amounts * [[[1]], [[0]], [[0]]])
    )
    mixed[:, 0, 0] = 0  # no image there
    bare = WithoutBrown(ArrayFields([mixed]), 255.0)
    assert bare.pixels(0).dtype == np.uint8
    np.testing.assert_allclose(bare.pixels(0)[:, 1:], blue[:, 1:], atol=4)
    np.testing.assert_array_equal(bare.pixels(0)[:, 0, 0], 0)
    np.testing.assert_array_equal(bare.pixels(0, Region(2, 3, 2, 4)), bare.pixels(0)[:, 2:4, 3:7])


def test_a_section_with_dab_is_told_from_one_in_haematoxylin_and_eosin() -> None:
    from skimage.data import immunohistochemistry

    assert holds_brown([np.moveaxis(immunohistochemistry(), -1, 0) / 255])
    assert not holds_brown([in_unit(section()[0])])
    assert not holds_brown([np.ones((3, 8, 8))])


def test_macenko_finds_the_stains_of_a_section() -> None:
    rgb, _ = section(stains=OTHER)
    found = macenko(density(in_unit(rgb)))
    assert found is not None
    true = OTHER[:2] / np.linalg.norm(OTHER[:2], axis=1, keepdims=True)
    angles = np.degrees(np.arccos(np.clip((found * true).sum(axis=1), -1, 1)))
    assert angles.max() < 8


def test_macenko_says_where_there_is_one_stain_alone() -> None:
    amount = np.random.default_rng(0).uniform(0.2, 1, (1, 40, 40)).astype(np.float32)
    assert macenko(amount * (RUIFROK[0] / np.linalg.norm(RUIFROK[0]))[:, None, None].astype(np.float32)) is None
    assert macenko(np.zeros((3, 40, 40), np.float32)) is None


def test_attention_finds_the_nuclei_of_a_section_and_nothing_in_a_blank_tile() -> None:
    rgb, labels = section(radius=DIAMETER / 2)
    stain = Stain.of([in_unit(rgb)], DIAMETER)
    found = stain.attention(in_unit(rgb), DIAMETER)
    inside = found > 0.5
    assert 2 * (inside & (labels > 0)).sum() / (inside.sum() + (labels > 0).sum()) > 0.95
    assert 0 <= found.min() < 0.1
    assert 0.9 < found.max() <= 1
    blank = np.full((3, 64, 64), 0.94, np.float32)
    assert Stain.of([blank], DIAMETER).flat
    assert not Stain.of([blank], DIAMETER).attention(blank, DIAMETER).any()


def two_nuclei() -> np.ndarray:
    """Maps of two discs that touch: the network sees both, the colour one alone."""
    y, x = np.mgrid[:60, :80]
    depth = [np.clip(1 - np.hypot(y - 30, x - at) / 14, 0, 1) for at in (27, 53)]
    network = (np.maximum(*depth) > 0).astype(float)
    return np.stack([(depth[0] > 0).astype(float), network, np.maximum(*depth)])


def test_tops_of_the_centre_map_divide_what_touches() -> None:
    labels = Decoding(alpha=0).labels(two_nuclei(), DIAMETER)
    assert labels.max() == 2
    assert labels[30, 27] != labels[30, 53] != 0


def test_alpha_the_threshold_and_the_smallest_area_can_be_moved_afterwards() -> None:
    maps, noted = kept(two_nuclei()), Decoding(alpha=0.3).noted(DIAMETER, None, 0)
    assert remade(maps, noted, {}).max() == 2
    assert remade(maps, noted, {"alpha": 1.0}).max() == 1
    assert remade(maps, noted, {"threshold": 0.8}).max() == 1  # 0.7 of the second disc is the network's
    assert remade(maps, noted, {"min_area": 5000}).max() == 0


def test_targets_say_nucleus_depth_and_whether_that_is_known() -> None:
    labels = np.zeros((9, 9), np.int32)
    labels[2:7, 2:7] = 1
    unknown = np.zeros_like(labels, bool)
    unknown[0] = True
    inside, central, known = targets_of(labels, unknown)
    np.testing.assert_array_equal(inside, labels > 0)
    np.testing.assert_allclose(central[4], np.array([0, 0, 1, 2, 3, 2, 1, 0, 0]) / 3)
    np.testing.assert_array_equal(known, ~unknown)


def test_the_loss_is_that_of_the_source_over_what_is_known() -> None:
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(2, 2, 6, 5)), rng.random((2, 3, 6, 5))
    targets[:, 0] = targets[:, 0] > 0.6
    targets[:, 2] = targets[:, 2] > 0.3
    p, q, known = 1 / (1 + np.exp(-logits[:, 0])), targets[:, 0], targets[:, 2] > 0
    entropy = -(q * np.log(p) + (1 - q) * np.log(1 - p))[known].mean()
    dice = 1 - (2 * (p * q)[known].sum() + 1) / (p[known].sum() + q[known].sum() + 1)
    found = loss_terms(torch.tensor(logits), torch.tensor(targets), 0.5)
    assert float(found["nucleus"]) == pytest.approx(dice + 0.5 * entropy, rel=1e-5)
    assert float(found["loss"]) == pytest.approx(float(found["nucleus"] + 0.5 * found["centre"]), rel=1e-5)
    logits[:, :, ~known[0]] += 0  # shapes stay; what is unknown may say anything
    other = np.where(known[:, None], logits, 9.0)
    assert float(loss_terms(torch.tensor(other), torch.tensor(targets), 0.5)["loss"]) == pytest.approx(
        float(found["loss"]), rel=1e-5
    )


def test_a_field_teaches_what_is_beyond_doubt_and_leaves_the_rest_open() -> None:
    rgb, labels = section((220, 260), DIAMETER / 2)
    chance = Stain.of([in_unit(rgb)], DIAMETER).attention(in_unit(rgb), DIAMETER)
    found = scene(in_unit(rgb), chance, coarse_labels(chance))
    sure = found.labels > 0
    assert (labels[sure] > 0).mean() > 0.97
    assert aggregated_jaccard(overlap(labels, found.labels)) > 0.5
    assert not (labels[~sure & ~found.open] > 0).any()
    assert len(found.cutouts) > 5
    assert (found.nuclear > found.around).all()


def test_patches_are_decided_by_the_seed_and_hold_synthetic_nuclei() -> None:
    rgb, _ = section((220, 260), DIAMETER / 2)
    chance = Stain.of([in_unit(rgb)], DIAMETER).attention(in_unit(rgb), DIAMETER)
    one = scene(in_unit(rgb), chance, coarse_labels(chance))
    config = Config(patch=96, real=0.0, crowding=0.4)
    shapes = drawn_shapes(20, config, np.random.default_rng(0))
    drawn = [batch_of([one] * 3, [one], shapes, config, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    for a, b in zip(drawn[0], drawn[1], strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(drawn[0][0], drawn[2][0])
    inputs, targets = drawn[0]
    assert inputs.shape == targets.shape == (3, 3, 96, 96)
    assert 0 <= inputs.min() < inputs.max() <= 1
    inside = targets[:, 0] > 0.5
    assert 0.05 < inside.mean() < 0.9
    assert inputs[:, 0][inside].mean() < inputs[:, 0][~inside].mean()  # haematoxylin takes red out of the light


def test_blobs_of_the_source_follow_its_quantile_and_its_threshold() -> None:
    rng = np.random.default_rng(0)
    many = np.mean([nuclei_blobs(Recipe(side=128), rng)[1].mean() for _ in range(20)])
    few = np.mean([nuclei_blobs(Recipe(side=128, proportion=(0.9, 0.99)), rng)[1].mean() for _ in range(20)])
    assert 0.2 < many < 0.7
    assert few < 0.06
    blobs, mask = nuclei_blobs(Recipe(side=128), rng)
    assert len(np.unique(blobs[mask])) > 100  # values are kept, so that the threshold does something
    assert blobs[mask].min() >= 127 / 255


def test_the_source_puts_bluish_nuclei_onto_a_pinkish_image() -> None:
    rgb, mask = synthetic_image(np.full((3, 128, 128), (0.9,), np.float32), Recipe(side=128), np.random.default_rng(0))
    inside = mask > 0
    red, _, blue = (channel[inside].mean() for channel in rgb)
    assert blue > red + 0.1
