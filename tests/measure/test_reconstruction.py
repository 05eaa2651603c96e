"""Reconstruction errors equal their definitions and scikit-image, image by image and channel by channel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from coverslip.core.errors import InputError
from coverslip.measure import mean_squared_error, psnr, ssim, sum_squared_error


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    """Crops of a real histology image, and the same with noise; ``(4, 3, 41, 57)`` in [0, 1]."""
    field = np.moveaxis(data.immunohistochemistry(), -1, 0) / 255
    crops = np.stack([field[:, y : y + 41, x : x + 57] for y, x in ((0, 0), (100, 50), (300, 200), (400, 400))])
    noise = np.random.default_rng(0).normal(scale=0.1, size=crops.shape)
    return crops, np.clip(crops + noise, 0, 1)


def test_the_errors_of_two_small_images_are_those_counted_by_hand() -> None:
    images = np.array([[[[0, 0], [0, 0]], [[1, 1], [1, 1]]], [[[2, 0], [0, 0]], [[0, 0], [0, 3]]]])
    zeros = np.zeros_like(images)
    assert sum_squared_error(images, zeros).tolist() == [4, 13]
    assert sum_squared_error(images, zeros, per_channel=True).tolist() == [[0, 4], [4, 9]]
    assert mean_squared_error(images, zeros).tolist() == [0.5, 13 / 8]
    assert mean_squared_error(images, zeros, per_channel=True).tolist() == [[0, 1], [1, 9 / 4]]


def test_unsigned_integers_do_not_wrap() -> None:
    dark, light = np.zeros((1, 1, 2, 2), np.uint16), np.full((1, 1, 2, 2), 65535, np.uint16)
    assert sum_squared_error(dark, light).tolist() == [4 * 65535.0**2]
    assert psnr(dark, light, data_range=65535).tolist() == [0]


def test_psnr_equals_scikit_image_and_is_infinite_for_equal_images(pair) -> None:
    a, b = pair
    expected = [peak_signal_noise_ratio(x, y, data_range=1) for x, y in zip(a, b, strict=True)]
    assert psnr(a, b, data_range=1) == pytest.approx(expected, abs=1e-10)
    assert np.isposinf(psnr(a, a, data_range=1, per_channel=True)).all()


@pytest.mark.parametrize("window", [3, 7, 11])
def test_ssim_equals_scikit_image(pair, window) -> None:
    a, b = pair
    expected = [
        [structural_similarity(p, q, data_range=1, win_size=window) for p, q in zip(x, y, strict=True)]
        for x, y in zip(a, b, strict=True)
    ]
    assert ssim(a, b, data_range=1, window=window, per_channel=True) == pytest.approx(np.array(expected), abs=1e-10)
    assert ssim(a, b, data_range=1, window=window) == pytest.approx(np.mean(expected, axis=1), abs=1e-10)


@pytest.mark.parametrize(("shape", "window"), [((5, 9), 5), ((6, 6), 5), ((4, 30), 3), ((3, 3), 3)])
def test_ssim_of_an_image_smaller_than_the_window_takes_the_largest_that_fits(shape, window) -> None:
    a, b = np.random.default_rng(1).random((2, 1, 1, *shape))
    expected = structural_similarity(a[0, 0], b[0, 0], data_range=1, win_size=window)
    assert ssim(a, b, data_range=1) == pytest.approx([expected], abs=1e-10)


def test_values_do_not_depend_on_how_many_images_are_compared_at_once(pair, monkeypatch) -> None:
    whole = ssim(*pair, data_range=1), sum_squared_error(*pair)
    monkeypatch.setattr("coverslip.measure.images.reconstruction._PIXELS_AT_ONCE", 1)
    np.testing.assert_array_equal(ssim(*pair, data_range=1), whole[0])
    np.testing.assert_array_equal(sum_squared_error(*pair), whole[1])


@given(scale=st.floats(0.01, 1e4), seed=st.integers(0, 99))
def test_psnr_and_ssim_do_not_depend_on_the_unit_of_the_pixels(scale, seed) -> None:
    a, b = np.random.default_rng(seed).random((2, 1, 1, 9, 9))
    for measure in (psnr, ssim):
        assert measure(a * scale, b * scale, data_range=scale) == pytest.approx(measure(a, b, data_range=1), abs=1e-6)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda a: sum_squared_error(a, a[:, :, 1:]), r"shape \(2, 1, 8, 8\) but the reconstructions \(2, 1, 7, 8\)"),
        (lambda a: mean_squared_error(a[0], a[0]), r"an array \(N, C, H, W\)"),
        (lambda a: psnr(a, a, data_range=0), "positive number"),
        (lambda a: ssim(a[..., :2], a[..., :2], data_range=1), "at least 3 x 3 pixels, not 8 x 2"),
        (lambda a: ssim(a, a, data_range=1, window=4), "odd"),
        (
            lambda a: sum_squared_error(a, np.where([[[[True]]], [[[False]]]], a, np.nan)),
            "reconstructions hold a NaN .* image 1",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_sentence(call, sentence) -> None:
    with pytest.raises(InputError, match=sentence):
        call(np.ones((2, 1, 8, 8)))
