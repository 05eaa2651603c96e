"""Outlines over pictures: where they run, in which colour, and how images are shrunk under them."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest

from coverslip.core.errors import InputError
from coverslip.core.image import Image
from coverslip.core.region import Region
from coverslip.figures import overlays
from coverslip.figures.overlays import (
    FALSE,
    MISSED,
    RIGHT,
    draw_overlay,
    outline_codes,
    shrink_image,
    shrink_labels,
)
from coverslip.read import open_image, write_image_zarr


def pixels_of(uri: str, mode: str = "RGB") -> np.ndarray:
    """What a browser shows of a data URI."""
    from PIL import Image as Picture

    return np.asarray(Picture.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1]))).convert(mode))


def test_a_line_is_half_inside_and_half_on_the_background() -> None:
    labels = np.zeros((5, 5), np.uint8)
    labels[2, 2] = 7
    codes = outline_codes(labels, {RIGHT: np.array([7])})
    expected = np.zeros((10, 10), np.uint8)
    expected[3:7, 3:7] = RIGHT  # the pixel is at 4 to 6, twice as fine
    expected[[3, 3, 6, 6], [3, 6, 3, 6]] = 0  # no neighbour lies across a corner
    assert codes.tolist() == expected.tolist()


def test_objects_that_touch_have_half_a_line_each() -> None:
    labels = np.array([[1, 1, 2, 2]] * 4, np.uint16)
    codes = outline_codes(labels, {RIGHT: np.array([1]), FALSE: np.array([2])})
    assert codes[3].tolist() == [0, 0, 0, RIGHT, FALSE, 0, 0, 0]  # the border of the image is no outline


def test_objects_of_no_kind_are_not_drawn() -> None:
    labels = np.array([[0, 3, 3, 0, 90_000, 0]] * 3)
    codes = outline_codes(labels, {FALSE: np.array([90_000]), RIGHT: np.array([], int)})
    assert set(codes[:, :7].ravel()) == {0}
    assert codes[0].tolist()[7:11] == [FALSE, FALSE, FALSE, FALSE]


def test_large_labels_are_not_made_finer() -> None:
    assert outline_codes(np.zeros((2, 800), np.uint8), {}).shape == (2, 800)


@pytest.mark.parametrize("step", [1, 2, 3, 5])
def test_images_are_shrunk_to_the_means_of_blocks(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlays, "_ROWS", 4)
    array = np.random.default_rng(0).integers(0, 60_000, (2, 23, 17), np.uint16)
    small = shrink_image(Image.from_array(array), step)
    assert small.shape == (2, -(-23 // step), -(-17 // step))
    for y, x in ((0, 0), (small.shape[1] - 1, 1), (1, small.shape[2] - 1)):
        block = array[:, y * step : (y + 1) * step, x * step : (x + 1) * step]
        np.testing.assert_allclose(small[:, y, x], block.mean(axis=(1, 2)), rtol=1e-6)


@pytest.mark.parametrize(("shape", "step"), [((23, 17), 5), ((1, 9), 4), ((10, 10), 3), ((7, 7), 7)])
def test_labels_are_shrunk_without_mixing_numbers(shape: tuple[int, int], step: int) -> None:
    labels = np.arange(1, shape[0] * shape[1] + 1).reshape(shape)
    small = shrink_labels(labels, step)
    assert small.shape == (-(-shape[0] // step), -(-shape[1] // step))
    assert set(small.ravel()) <= set(labels.ravel())
    y, x = np.divmod(small[0, 0] - 1, shape[1])
    assert max(y, x) < step


def test_colours_say_what_is_right_false_and_missed() -> None:
    labels = np.zeros((40, 60), np.uint8)
    labels[5:15, 5:15], labels[5:15, 30:40] = 1, 2
    missed = np.zeros((40, 60), np.uint8)
    missed[25:35, 5:15] = 9
    image = Image.from_array(np.full((40, 60), 100, np.uint8), "YX")
    overlay = draw_overlay(image, labels, {RIGHT: np.array([1]), FALSE: np.array([2])}, missed)
    assert (overlay.width, overlay.height) == (60, 40)
    drawn = pixels_of(overlay.outlines, "RGBA")
    assert drawn.shape == (80, 120, 4)
    for place, code in (((20, 10), RIGHT), ((20, 60), FALSE), ((60, 10), MISSED)):
        colour = "#" + "".join(f"{part:02x}" for part in drawn[place][:3])
        assert (colour, drawn[place][3]) == (overlays.COLOURS[code], 255)
    assert drawn[20, 20, 3] == 0  # inside an object the picture shows


def test_pictures_are_stretched_and_dim_objects_brightened() -> None:
    array = np.full((50, 50), 1000, np.uint16)
    array[10:20, 10:20], array[30:40, 30:40] = 1500, 3000
    labels = (array > 1000).astype(np.uint8)
    picture = pixels_of(draw_overlay(Image.from_array(array, "YX"), labels, {}).picture)
    assert picture[5, 5].max() < 12
    assert picture[35, 35].min() > 240
    assert picture[15, 15].mean() == pytest.approx(255 * 0.25**0.7, abs=10)


def test_colour_images_keep_their_colours() -> None:
    array = np.zeros((3, 40, 40), np.uint8)
    array[0], array[2] = 200, 120
    picture = pixels_of(draw_overlay(Image.from_array(array), np.zeros((40, 40), int), {}).picture)
    np.testing.assert_allclose(picture[20, 20], [200, 0, 120], atol=12)


def test_large_images_give_small_pictures(tmp_path: Path) -> None:
    array = np.zeros((90, 2500), np.uint16)
    array[:, 1250:] = 500
    write_image_zarr(array, tmp_path / "a.zarr")
    (tmp_path / "a.zarr" / "0" / "c").rename(tmp_path / "gone")  # the full resolution is not needed
    overlay = draw_overlay(open_image(tmp_path / "a.zarr"), np.zeros((90, 2500), np.uint8), {}, side=100)
    assert max(overlay.width, overlay.height) <= 100
    picture = pixels_of(overlay.picture)
    assert picture[0, 5].max() < picture[0, -5].min()


def test_of_a_stack_one_plane_is_shown_and_of_many_channels_some() -> None:
    stack = np.zeros((9, 5, 30, 30), np.uint8)
    stack[0, 2, :, 15:] = 200
    picture = pixels_of(draw_overlay(Image.from_array(stack, "CZYX"), np.zeros((30, 30), int), {}).picture)
    assert picture[:, 20:].mean() > 20 > picture[:, :10].mean()


def test_a_detail_looks_like_its_whole() -> None:
    array = np.zeros((60, 60), np.uint16)
    array[:30], array[40:] = 100, 1000
    image, labels = Image.from_array(array, "YX"), np.zeros((60, 60), np.uint8)
    whole = draw_overlay(image, labels, {})
    detail = draw_overlay(image.crop(Region(0, 0, 30, 60)), labels[:30], {}, look=whole.look)
    assert abs(pixels_of(detail.picture)[10, 10].mean() - pixels_of(whole.picture)[10, 10].mean()) < 6


def test_without_an_image_outlines_lie_on_black() -> None:
    overlay = draw_overlay(None, np.ones((20, 30), np.uint8), {})
    assert pixels_of(overlay.picture).max() == 0


def test_an_image_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="20 x 30 pixels, but its labels have 20 x 31"):
        draw_overlay(Image.from_array(np.zeros((20, 30)), "YX"), np.zeros((20, 31), int), {})
