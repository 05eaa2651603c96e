"""Thumbnails show the pixels, in one range for the whole set."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from coverslip.core.errors import InputError
from coverslip.core.samples import ArraySamples
from coverslip.figures.thumbnails import fit_display, resize, thumbnails


def test_red_green_blue_of_8_bits_is_shown_as_stored(nuclei: np.ndarray) -> None:
    np.testing.assert_array_equal(thumbnails(nuclei), np.moveaxis(nuclei, 1, -1))


def test_a_dim_cell_stays_dim_beside_a_bright_one() -> None:
    field = data.camera()[:64, :64].astype(np.uint16)
    pictures = thumbnails(np.stack([field * 4, field * 40])[:, None])
    assert pictures[0].mean() < 0.2 * pictures[1].mean()


def test_one_channel_is_grey() -> None:
    pictures = thumbnails(data.coins()[None, :64, :64])
    np.testing.assert_array_equal(pictures[..., 0], pictures[..., 2])
    assert pictures.max() == 255


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64, bool])
def test_any_number_type_is_taken(dtype: type) -> None:
    crops = (np.arange(2 * 2 * 9 * 7).reshape(2, 2, 9, 7) % 50).astype(dtype)
    assert thumbnails(crops).shape == (2, 9, 7, 3)


def test_every_channel_can_be_seen_in_the_composite() -> None:
    crops = np.zeros((1, 4, 16, 16), dtype=np.uint16)
    for channel in range(4):
        crops[0, channel, channel * 4, :] = 1000
    rows = thumbnails(crops, ["brightfield", "a", "b", "c"])[0].max(axis=(1, 2))
    assert (rows[[0, 4, 8, 12]] > 100).all()
    assert (np.delete(rows, [0, 4, 8, 12]) == 0).all()


def test_transmitted_light_is_found_by_its_histogram() -> None:
    rng = np.random.default_rng(0)
    brightfield = rng.normal(500, 40, (20, 24, 24))
    stain = np.where(rng.random((20, 24, 24)) < 0.05, 900.0, 10.0)
    colours = fit_display(np.stack([brightfield, stain], axis=1)).colours
    assert colours[0] == "#ffffff"
    assert colours[1] != "#ffffff"


def test_what_is_not_a_number_is_black() -> None:
    crops = np.ones((1, 1, 8, 8)) * np.arange(8)
    crops[0, 0, 3, 3:5] = np.nan, -np.inf
    assert thumbnails(crops)[0, 3, 3:5].tolist() == [[0, 0, 0], [0, 0, 0]]


def test_large_crops_are_shrunk_without_changing_their_mean() -> None:
    field = np.moveaxis(data.immunohistochemistry(), -1, 0)[None]
    picture = thumbnails(field, size=64)
    assert picture.shape == (1, 64, 64, 3)
    np.testing.assert_allclose(picture.mean(axis=(0, 1, 2)), field.mean(axis=(0, 2, 3)), atol=1)


def test_shrinking_keeps_the_proportions() -> None:
    assert thumbnails(np.ones((1, 1, 200, 100)), size=50).shape == (1, 50, 25, 3)


def test_samples_are_read_as_arrays_are(nuclei: np.ndarray) -> None:
    np.testing.assert_array_equal(thumbnails(ArraySamples(nuclei)), thumbnails(nuclei))


@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.floats(0, 1, width=32))
def test_resizing_an_even_picture_leaves_it_even(old: int, height: int, width: int, value: float) -> None:
    resized = resize(np.full((1, old, old, 3), value, dtype=np.float32), height, width)
    assert resized.shape == (1, height, width, 3)
    np.testing.assert_allclose(resized, value, atol=1e-5)


@pytest.mark.parametrize("height", [9, 16, 40])
def test_resizing_matches_pillow(height: int) -> None:
    from PIL import Image

    field = data.camera()[:32, :32]
    expected = np.asarray(Image.fromarray(field).resize((height, height), Image.Resampling.BILINEAR))
    ours = resize(np.repeat(field[None, :, :, None], 3, axis=-1).astype(np.float32), height, height)[0, ..., 0]
    np.testing.assert_allclose(ours, expected, atol=1.01)


@pytest.mark.parametrize(
    ("crops", "options", "message"),
    [
        (np.ones((3, 4)), {}, "not \\(3, 4\\)"),
        (np.ones((2, 2, 8, 8)), {"rgb": True}, "the crops have 2"),
        (np.ones((2, 2, 8, 8)), {"colours": ["#ff0000"]}, "1 colours were given for 2 channels"),
        (np.full((2, 1, 8, 8), np.nan), {}, "no finite pixel"),
    ],
)
def test_what_cannot_be_shown_is_said(crops: np.ndarray, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        thumbnails(crops, **options)
