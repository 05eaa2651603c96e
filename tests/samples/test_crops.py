from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from coverslip.core.errors import InputError
from coverslip.core.image import Image, PixelSize
from coverslip.samples import crop_objects
from coverslip.samples.cutting.objects import measure_objects

label_images = arrays(
    np.int32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.sampled_from([0, 0, 1, 2, 7, 900_000])
)


@given(label_images)
def test_objects_are_measured_as_pixel_by_pixel(labels: np.ndarray) -> None:
    objects = measure_objects(labels)
    assert objects.number.tolist() == [n for n in np.unique(labels) if n > 0]
    for i, number in enumerate(objects.number):
        y, x = np.nonzero(labels == number)
        assert objects.area[i] == len(y)
        np.testing.assert_allclose((objects.y[i], objects.x[i]), (y.mean(), x.mean()))
        box = (objects.top[i], objects.left[i], objects.bottom[i], objects.right[i])
        assert box == (y.min(), x.min(), y.max() + 1, x.max() + 1)


@pytest.fixture
def image() -> Image:
    """Two channels of 8 x 10 pixels that tell where they lie: 100 y + x, and 1000 more."""
    y, x = np.mgrid[:8, :10]
    first = (100 * y + x).astype(np.uint16)
    return Image.from_array(np.stack([first, first + 1000]), pixel_size=PixelSize(0.5, 0.25))


@pytest.fixture
def labels() -> np.ndarray:
    """Object 3: a 3 x 3 square around (4, 5); object 8: a pixel in the corner (0, 0)."""
    labels = np.zeros((8, 10), np.uint16)
    labels[3:6, 4:7] = 3
    labels[0, 0] = 8
    return labels


def test_a_crop_of_odd_size_is_centred_on_its_object(image: Image, labels: np.ndarray) -> None:
    crops, table = crop_objects(image, labels, (3, 5), border="drop")
    assert crops.dtype == np.uint16
    assert crops.shape == (1, 2, 3, 5)
    np.testing.assert_array_equal(crops[0], image.read()[:, 3:6, 3:8])
    found = {name: column.tolist() for name, column in table.items()}
    # Beside its place, its shape and intensities.
    assert found.pop("channel1_mean") == [found.pop("channel0_mean")[0] + 1000]
    assert found["solidity"] == [1]
    assert {name: found[name] for name in [*found][:11]} == {
        "object": [3],
        "area_px": [9],
        "area_um2": [9 * 0.125],
        "y_px": [4.0],
        "x_px": [5.0],
        "y_um": [2.0],
        "x_um": [1.25],
        "top_px": [3],
        "left_px": [3],
        "touches_border": [False],
        "truncated": [False],
    }


def test_the_border_policies(image: Image, labels: np.ndarray) -> None:
    labels[:] = 0
    labels[0, 0] = 8
    padded, table = crop_objects(image, labels, 3, fill=7)
    np.testing.assert_array_equal(padded[0, 0], [[7, 7, 7], [7, 0, 1], [7, 100, 101]])
    assert (table["top_px"][0], table["left_px"][0], table["touches_border"][0]) == (-1, -1, True)
    shifted, table = crop_objects(image, labels, 3, border="shift")
    np.testing.assert_array_equal(shifted[0, 0], [[0, 1, 2], [100, 101, 102], [200, 201, 202]])
    assert (table["top_px"][0], table["left_px"][0]) == (0, 0)
    dropped, table = crop_objects(image, labels, 3, border="drop")
    assert dropped.shape == (0, 2, 3, 3)
    assert table["object"].shape == (0,)


def test_filled_pixels_have_the_median_background_of_their_channel(image: Image, labels: np.ndarray) -> None:
    crops, _ = crop_objects(image, labels, 3)
    pixels = image.read()
    for c in range(2):
        assert crops[1, c, 0, 0] == np.rint(np.median(pixels[c][labels == 0]))


def test_masked_neighbours_are_background(image: Image, labels: np.ndarray) -> None:
    labels[4, 8] = 9
    kept, _ = crop_objects(image, labels, (3, 7), fill=0)
    masked, _ = crop_objects(image, labels, (3, 7), fill=0, neighbours="mask")
    assert kept[0, 0, 1, 6] == 408
    np.testing.assert_array_equal(masked[0, 0][:, 2:5], image.read()[0, 3:6, 4:7])
    assert masked[0, 0].sum() == image.read()[0, 3:6, 4:7].sum()


def test_an_object_larger_than_its_crop_is_truncated(image: Image, labels: np.ndarray) -> None:
    assert crop_objects(image, labels, 2)[1]["truncated"].tolist() == [True, False]
    assert crop_objects(image, labels, 3)[1]["truncated"].tolist() == [False, False]


def test_area_limits_leave_objects_out(image: Image, labels: np.ndarray) -> None:
    assert crop_objects(image, labels, 3, min_area=2)[1]["object"].tolist() == [3]
    assert crop_objects(image, labels, 3, max_area=2)[1]["object"].tolist() == [8]


def test_without_a_pixel_size_micrometres_are_unknown(labels: np.ndarray) -> None:
    _, table = crop_objects(Image.from_array(labels), labels, 3)
    assert np.isnan(table["y_um"]).all()
    assert np.isnan(table["area_um2"]).all()


def test_focal_planes_become_channels_or_one_of_them(labels: np.ndarray) -> None:
    stack = np.stack([np.full((8, 10), z, np.uint8) for z in range(4)])
    image = Image.from_array(stack, "ZYX")
    assert crop_objects(image, labels, 3, fill=0)[0].shape == (2, 4, 3, 3)
    assert crop_objects(image, labels, 3, planes=2)[0][0].tolist() == [[[2] * 3] * 3]


@given(
    labels=label_images,
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
)
def test_crops_equal_windows_of_a_padded_image(labels: np.ndarray, size: tuple[int, int]) -> None:
    pixels = np.arange(labels.size, dtype=np.int32).reshape(1, *labels.shape) + 1
    crops, table = crop_objects(Image.from_array(pixels), labels, size, fill=0)
    padded = np.pad(pixels[0], 20)
    for crop, top, left in zip(crops, table["top_px"], table["left_px"], strict=True):
        np.testing.assert_array_equal(crop[0], padded[top + 20 :, left + 20 :][: size[0], : size[1]])
    # The centre of the crop is as near to the centroid as whole pixels allow.
    assert (np.abs(table["top_px"] + (size[0] - 1) / 2 - table["y_px"]) <= 0.5).all()
    assert (np.abs(table["left_px"] + (size[1] - 1) / 2 - table["x_px"]) <= 0.5).all()


def test_bad_input_is_refused(image: Image, labels: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"mask has shape \(8, 9\), the image \(8, 10\)"):
        crop_objects(image, labels[:, :9], 3)
    with pytest.raises(InputError, match="not whole numbers"):
        crop_objects(image, labels.astype(float), 3)
    with pytest.raises(InputError, match="hold nothing"):
        crop_objects(image, labels, 0)
    with pytest.raises(InputError, match="do not fit into 8 x 10"):
        crop_objects(image, labels, 9, border="shift")
    with pytest.raises(InputError, match="70000 does not fit into uint16"):
        crop_objects(image, labels, 3, fill=70000)
    with pytest.raises(InputError, match="say keep or mask"):
        crop_objects(image, labels, 3, neighbours="drop")
    with pytest.raises(InputError, match="say pad, drop or shift"):
        crop_objects(image, labels, 3, border="mirror")
    spoilt = Image.from_array(np.full((8, 10), np.nan, np.float32), source="a.tif")
    with pytest.raises(InputError, match=r"a\.tif: 80 pixels are NaN"):
        crop_objects(spoilt, labels, 3)
