"""The terms of the sources' losses, the wavelet split, the rule and the calibration, against plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import softmax

from coverslip.core import InputError
from coverslip.methods.classify.calibration import plausibility, temperature
from coverslip.methods.classify.clusters import Clusters, nearness_to_others, scatter_about
from coverslip.methods.classify.loss import Centroids, mmd_to_normal, scatter_within, spread_between
from coverslip.methods.classify.rules import named_centres, nearness
from coverslip.methods.classify.wavelet import Split

RNG = np.random.default_rng(5)
Z = RNG.normal(size=(9, 4)).astype(np.float32)
CODES = np.array([0, 0, 0, 1, 1, 1, 1, 3, 3])


def test_spread_between_and_scatter_within_are_equation_5_1() -> None:
    centres = RNG.normal(size=(4, 4)).astype(np.float32)
    counts = np.array([3, 4, 0, 2])
    mean = (counts[:, None] * centres).sum(0) / 9
    between = 1 / sum(((centres[k] - mean) ** 2).sum() for k in (0, 1, 3))
    within = sum(np.mean([np.linalg.norm(z - centres[k]) for z in Z[k == CODES]]) ** 2 for k in (0, 1, 3))
    found = spread_between(torch.from_numpy(centres), torch.from_numpy(counts).float())
    assert float(found) == pytest.approx(between, rel=1e-5)
    scatter = scatter_within(torch.from_numpy(Z), torch.from_numpy(CODES), torch.from_numpy(centres))
    assert float(scatter) == pytest.approx(within, rel=1e-5)


def test_centres_are_the_class_means_of_the_epoch_before_and_move_with_the_batch() -> None:
    memory, z, codes = Centroids(4, 4), torch.from_numpy(Z).requires_grad_(), torch.from_numpy(CODES)
    for rows in (slice(0, 4), slice(4, 9)):
        memory.note(z[rows], codes[rows], epoch=0)
    memory.note(z[:2], codes[:2], epoch=1)
    centres, counts = memory.with_batch(z[:4], codes[:4])
    expected = np.stack([Z[k == CODES].mean(0) if k != 2 else np.zeros(4) for k in range(4)])
    np.testing.assert_allclose(centres.detach(), expected, atol=1e-6)
    assert counts.tolist() == [3, 4, 0, 2]
    (gradient,) = torch.autograd.grad(centres[0].sum(), z)
    np.testing.assert_allclose(gradient[:3], 1 / 3, rtol=1e-6)
    assert (gradient[3:] == 0).all()


def test_the_terms_of_the_authors_run_measure_from_centres_of_the_epoch_before() -> None:
    memory, rng = Clusters(60, 3, seed=0), np.random.default_rng(2)
    truth = np.arange(60) % 3
    z = (4 * np.eye(3)[truth] + rng.normal(0, 0.1, (60, 3))).astype(np.float32)
    for rows in np.split(np.arange(60), 3):
        memory.note(torch.from_numpy(z[rows]), rows, epoch=0)
    assert not memory.ready
    memory.note(torch.zeros(2, 3), np.arange(2), epoch=1)
    assert memory.ready
    means = np.stack([z[truth == k].mean(0) for k in range(3)])
    order = [int(np.linalg.norm(means - centre, axis=1).argmin()) for centre in memory.centres.numpy()]
    assert sorted(order) == [0, 1, 2]
    np.testing.assert_allclose(memory.centres, means[order], atol=1e-5)

    distances = np.linalg.norm(z.astype(float)[:, None] - memory.centres.numpy().astype(float)[None], axis=2)
    within, between = (distances.min(1) ** 2).mean(), (1 / (distances.sum(1) - distances.min(1))).mean()
    assert float(scatter_about(torch.from_numpy(z), memory.centres)) == pytest.approx(within, rel=1e-5)
    assert float(nearness_to_others(torch.from_numpy(z), memory.centres)) == pytest.approx(between, rel=1e-5)


def test_mmd_to_the_normal_distribution_is_equation_7_2() -> None:
    found = mmd_to_normal(torch.from_numpy(Z), torch.Generator().manual_seed(2))
    prior = torch.randn((9, 4), generator=torch.Generator().manual_seed(2)).numpy()

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.mean([[np.exp(-((x - y) ** 2).sum() / 8) for y in b] for x in a]))

    assert float(found) == pytest.approx(kernel(prior, prior) + kernel(Z, Z) - 2 * kernel(prior, Z), abs=1e-5)


@pytest.mark.parametrize("shape", [(8, 8), (12, 6), (7, 9)])
def test_the_haar_split_is_the_sum_and_the_differences_of_four_pixels(shape: tuple[int, int]) -> None:
    x = RNG.normal(size=(2, 3, *shape)).astype(np.float32)
    even = np.pad(x, ((0, 0), (0, 0), (0, shape[0] % 2), (0, shape[1] % 2)), mode="edge")
    a, b, c, d = even[..., ::2, ::2], even[..., ::2, 1::2], even[..., 1::2, ::2], even[..., 1::2, 1::2]
    expected = (a + b + c + d, a + b - c - d, a - b + c - d, a - b - c + d)
    for found, band in zip(Split()(torch.from_numpy(x)), expected, strict=True):
        np.testing.assert_allclose(found, band / 2, atol=1e-5)


def test_the_haar_split_is_that_of_pywavelets() -> None:
    pywt = pytest.importorskip("pywt")
    x = RNG.normal(size=(1, 1, 10, 14)).astype(np.float32)
    approximation, details = pywt.dwt2(x, "haar")
    for found, band in zip(Split()(torch.from_numpy(x)), (approximation, *details), strict=True):
        np.testing.assert_allclose(found, band, atol=1e-5)
    approximation, details = pywt.dwt2(x, "db2", mode="reflect")
    for found, band in zip(Split("db2")(torch.from_numpy(x)), (approximation, *details), strict=True):
        np.testing.assert_allclose(found, band, atol=1e-5)
    with pytest.raises(InputError, match="no discrete wavelet 'db99'"):
        Split("db99")


def test_centres_are_named_by_the_classes_of_training_images() -> None:
    truth = np.repeat([2, 0, 1], 20)
    codes = np.eye(3)[truth] * 5 + RNG.normal(0, 0.3, (60, 3))
    centres = named_centres(codes, truth, 3)
    np.testing.assert_allclose(centres, np.stack([codes[truth == k].mean(0) for k in range(3)]), atol=1e-6)
    one = nearness(codes[:1], centres)  # a single image can be classified
    assert one.argmax() == 2
    assert one[0, 0] == pytest.approx(-0.5 * ((codes[0] - centres[0]) ** 2).sum())


def test_a_small_class_has_a_centre_of_its_own_where_classes_count_alike() -> None:
    large = np.concatenate([RNG.normal((-3, 0), 0.4, (200, 2)), RNG.normal((3, 0), 0.4, (200, 2))])
    codes = np.concatenate([large, RNG.normal((0, 3), 0.4, (12, 2))])
    truth = np.repeat([0, 1], [400, 12])
    plain, fair = (named_centres(codes, truth, 2, balanced=balanced) for balanced in (False, True))
    assert np.abs(plain[1]).max() > 2.5  # a half of the large class took the centre
    np.testing.assert_allclose(fair, [codes[:400].mean(0), codes[400:].mean(0)], atol=0.5)


def test_the_temperature_makes_held_out_images_most_likely() -> None:
    codes = RNG.integers(3, size=400)
    honest = RNG.normal(size=(400, 3))
    drawn = np.array([RNG.choice(3, p=p) for p in softmax(honest, axis=1)])
    assert temperature(4 * honest, drawn) == pytest.approx(4, rel=0.35)
    assert temperature(honest[:5], codes[:5]) == 1


def test_plausibilities_are_ranks_among_held_out_images_of_the_same_class() -> None:
    held = np.array([0.1, 0.2, 0.3, 0.6, 0.9])
    classes = np.array([0, 0, 0, 1, 1])
    probability = np.array([[0.75, 0.25], [0.05, 0.95]], np.float32)
    found = plausibility(held, classes, probability, least=1)
    np.testing.assert_allclose(found, [[(1 + 1) / 4, (1 + 1) / 3], [1 / 4, (1 + 2) / 3]])
    rare = plausibility(held, classes, probability, least=3)  # the second class has too few of its own
    np.testing.assert_allclose(rare, [[(1 + 1) / 4, (1 + 1) / 6], [1 / 4, (1 + 5) / 6]])


def test_sets_cover_each_class_as_often_as_promised() -> None:
    codes = RNG.choice(3, 6000, p=[0.6, 0.3, 0.1])
    logits = RNG.normal(size=(6000, 3)) + 1.5 * np.eye(3)[codes]
    p = softmax(logits, axis=1).astype(np.float32)
    held = 1 - p[np.arange(3000), codes[:3000]].astype(float)
    found = plausibility(held, codes[:3000], p[3000:]) > 0.1
    truth = codes[3000:]
    for k in range(3):
        assert found[truth == k, k].mean() == pytest.approx(0.9, abs=0.045)
