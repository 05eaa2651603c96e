"""What stays of neighbours and clusters in another fit, and where images are changed a little."""

from __future__ import annotations

import numpy as np
import pytest

from coverslip.core.samples import ArraySamples
from coverslip.measure import evaluate_kept, neighbours_kept
from coverslip.samples.opening.views import Views, usual_change

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 4)) + np.repeat(np.eye(3, 4) * 12, 50, axis=0)


def test_neighbours_are_kept_by_turning_the_space_and_lost_by_chance() -> None:
    turned, _ = np.linalg.qr(RNG.normal(size=(4, 4)))
    assert neighbours_kept(X, 3 * X @ turned).tolist() == [1.0] * 150
    assert neighbours_kept(X, RNG.normal(size=(150, 2))).mean() == pytest.approx(15 / 149, abs=0.02)
    by_hand = neighbours_kept(np.arange(5.0), [0, 1, 2, 30, 3.5], k=2)  # of 3: 2, 4 and then 4, 2
    assert by_hand.tolist() == [1.0, 1.0, 0.5, 1.0, 0.5]


def test_another_fit_keeps_clusters_and_a_changed_image_its_own() -> None:
    table = evaluate_kept(X, refits=[X[:, ::-1], RNG.normal(size=(150, 3))], clusters=3)
    neighbours, clusters = table.rows
    assert (neighbours.measure, clusters.measure) == ("neighbours kept, fitted again", "clusters kept, fitted again")
    assert clusters.high == 1  # the same, mirrored
    assert clusters.low == pytest.approx(0, abs=0.05)  # noise
    assert "between 3 fits" in neighbours.note
    views = X + RNG.normal(0, 0.01, X.shape)
    kept, stay = evaluate_kept(X, views=[views, X], clusters=3).rows
    assert 0.9 < kept.value < 1
    assert stay.value == 1
    moved = X.copy()
    moved[:25] += [-12, 12, 0, 0]  # half of a cluster goes over into the next
    assert evaluate_kept(X, views=[moved], clusters=3).rows[1].value < 0.8
    assert evaluate_kept(X).rows == ()


def test_views_are_images_as_they_could_have_been_taken() -> None:
    pixels = RNG.integers(1000, 60_000, (6, 2, 16, 16)).astype(np.uint16)
    samples = ArraySamples(pixels, {"label": list("ababab")})
    views = Views(samples, seed=1)
    read = views.read([0, 1, 2])
    assert read.dtype == np.uint16
    assert read.shape == (3, 2, 16, 16)
    np.testing.assert_array_equal(read, Views(samples, seed=1).read([0, 1, 2]))
    assert (read != Views(samples, seed=2).read([0, 1, 2])).any()
    still = usual_change().model_copy(update={"crop": 1.0, "intensity_share": 0.0, "blur_share": 0.0, "noise": 0.0})
    turned = Views(samples, recipe=still).read(range(6))
    for image, view in zip(pixels, turned, strict=True):
        assert np.abs(np.sort(image.ravel()).astype(int) - np.sort(view.ravel()).astype(int)).max() <= 1
