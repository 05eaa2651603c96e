"""The table of objects: hand-worked values, and scikit-image's on random labels."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from coverslip.core.errors import InputError
from coverslip.core.image import PixelSize
from coverslip.core.region import Region
from coverslip.core.results import LabelMap
from coverslip.measure import object_table
from coverslip.measure.objects import runs, shapes
from coverslip.measure.objects.shapes import crofton_perimeters

# A bar of 2 x 4 at the upper border, a plus, a single pixel, and an L whose number is larger than all others by far.
LABELS = np.array(
    [
        [1, 1, 1, 1, 0, 0, 0, 0],
        [1, 1, 1, 1, 0, 0, 2, 0],
        [0, 0, 0, 0, 0, 2, 2, 2],
        [0, 9, 0, 0, 0, 0, 2, 0],
        [0, 9, 0, 0, 3, 0, 0, 0],
        [0, 9, 9, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0],
    ],
    np.uint16,
)
BAR, PLUS, DOT, ELL = range(4)


def test_places_and_sizes_worked_by_hand() -> None:
    table = object_table(LABELS)
    assert table["label"].tolist() == [1, 2, 3, 9]
    assert table["area_px"].tolist() == [8, 5, 1, 4]
    np.testing.assert_allclose(table["y_px"], [0.5, 2, 4, 4.25])
    np.testing.assert_allclose(table["x_px"], [1.5, 6, 4, 1.25])
    box = np.stack([table[f"{side}_px"] for side in ("top", "left", "bottom", "right")], axis=1)
    assert box.tolist() == [[0, 0, 2, 4], [1, 5, 4, 8], [4, 4, 5, 5], [3, 1, 6, 3]]
    assert table["touches_border"].tolist() == [True, True, False, False]
    np.testing.assert_allclose(table["equivalent_diameter_px"], np.sqrt(np.array([8, 5, 1, 4]) * 4 / np.pi))


def test_shapes_worked_by_hand() -> None:
    table = object_table(LABELS)
    # Rows of the bar vary by 1/4, columns by (16 - 1) / 12.
    assert table["minor_axis_px"][BAR] == pytest.approx(4 * math.sqrt(1 / 4))
    assert table["major_axis_px"][BAR] == pytest.approx(4 * math.sqrt(15 / 12))
    assert table["eccentricity"][BAR] == pytest.approx(math.sqrt(1 - (1 / 4) / (15 / 12)))
    assert abs(table["orientation_deg"][BAR]) == pytest.approx(90)
    # The pixel in the bend of the L lies on the border of its hull; the four beside the plus lie outside of its hull.
    assert table["solidity"].tolist() == [1, 1, 1, 4 / 5]
    # The bar has six sides and four corners: all of its pixels are at its border, each with two neighbours beside it.
    assert table["perimeter_px"][BAR] == pytest.approx(8)
    assert table["circularity"][BAR] == pytest.approx(4 * math.pi * 8 / 8**2)
    assert (table["perimeter_px"][DOT], table["eccentricity"][DOT]) == (0, 0)
    assert np.isnan(table["circularity"][DOT])


def test_a_notch_makes_an_object_less_solid() -> None:
    labels = np.ones((5, 5), np.uint8)
    labels[1:4, 3:] = 0  # a C: 25 - 6 pixels in a hull of 25
    assert object_table(labels)["solidity"].tolist() == [pytest.approx(19 / 25)]


def test_orientation_turns_counterclockwise_from_the_vertical() -> None:
    rising = np.eye(5, dtype=np.uint8)[::-1]  # from the lower left to the upper right
    assert object_table(rising)["orientation_deg"][0] == pytest.approx(-45)
    assert object_table(rising[::-1])["orientation_deg"][0] == pytest.approx(45)
    assert object_table(np.ones((5, 1), np.uint8))["orientation_deg"][0] == pytest.approx(0)


def test_intensities_worked_by_hand() -> None:
    pixels = np.stack([np.arange(56).reshape(7, 8), np.full((7, 8), 1000)]).astype(np.uint16)
    table = object_table(LABELS, pixels, ["DAPI", "GFP"])
    assert table["DAPI_sum"].tolist() == [
        0 + 1 + 2 + 3 + 8 + 9 + 10 + 11,
        14 + 21 + 22 + 23 + 30,
        36,
        25 + 33 + 41 + 42,
    ]
    assert table["DAPI_mean"].tolist() == [5.5, 22, 36, 35.25]
    assert (table["DAPI_min"].tolist(), table["DAPI_max"].tolist()) == ([0, 14, 36, 25], [11, 30, 36, 42])
    np.testing.assert_allclose(table["DAPI_std"][:3], [np.std([0, 1, 2, 3, 8, 9, 10, 11]), np.sqrt(130 / 5), 0])
    assert table["GFP_mean"].tolist() == [1000] * 4
    assert table["GFP_std"].tolist() == [0] * 4


def test_half_precision_is_summed_in_full() -> None:
    labels = np.ones((300, 400), np.uint8)
    image = np.full(labels.shape, 1000, np.float16)
    image[::2] += 2
    table = object_table(labels, image)
    assert table["intensity_sum"].tolist() == [1001.0 * labels.size]  # half precision ends at 65,504
    assert (table["intensity_mean"][0], table["intensity_std"][0]) == (1001, 1)


def test_channels_without_names_are_called_by_their_number() -> None:
    one = np.zeros((7, 8), np.uint8)
    assert [name for name in object_table(LABELS, one) if name.endswith("_mean")] == ["intensity_mean"]
    two = [name for name in object_table(LABELS, np.stack([one, one])) if name.endswith("_mean")]
    assert two == ["channel0_mean", "channel1_mean"]
    alike = [name for name in object_table(LABELS, np.stack([one, one]), ["Cy5", "Cy5"]) if name.endswith("_mean")]
    assert alike == ["Cy50_mean", "Cy51_mean"]


def test_micrometres_follow_the_size_of_a_pixel() -> None:
    table = object_table(LabelMap(LABELS, "a.tif", PixelSize(0.5, 0.5)))
    np.testing.assert_allclose(table["area_um2"], table["area_px"] / 4)
    for name in ("y", "x", "equivalent_diameter", "perimeter", "major_axis", "minor_axis"):
        np.testing.assert_allclose(table[f"{name}_um"], table[f"{name}_px"] / 2)


def test_pixels_that_are_not_square() -> None:
    table = object_table(np.ones((2, 4), np.uint8), pixel_size=PixelSize(2, 1))
    assert table["area_um2"].tolist() == [16]
    # Along y the variance is 1/4 px² of 2 µm each way, along x 15/12 px² of 1 µm.
    assert table["major_axis_um"][0] == pytest.approx(4 * math.sqrt(15 / 12))
    assert table["minor_axis_um"][0] == pytest.approx(4 * math.sqrt(1))


def test_without_a_pixel_size_there_are_no_micrometres() -> None:
    assert [name for name in object_table(LABELS) if "um" in name] == []


def test_no_object_is_an_empty_table_with_all_columns() -> None:
    table = object_table(np.zeros((4, 5), np.uint8), np.zeros((4, 5)), pixel_size=PixelSize(1, 1))
    assert {len(column) for column in table.values()} == {0}
    full = object_table(np.ones((4, 5), np.uint8), np.zeros((4, 5)), pixel_size=PixelSize(1, 1))
    assert list(table) == list(full)


def test_objects_of_a_part_have_their_place_in_the_whole() -> None:
    """Block by block is as at once: the L touches the border of its block but not that of the image."""
    image = np.arange(56).reshape(1, 7, 8)

    def read(region: Region) -> np.ndarray:
        return image[:, region.y : region.stop_y, region.x : region.stop_x]

    at_once = object_table(LABELS, read, pixel_size=PixelSize(0.5, 0.25))
    part = Region(3, 1, 4, 7)
    table = object_table(LABELS[3:, 1:], read, pixel_size=PixelSize(0.5, 0.25), part=part, whole=LABELS.shape)
    assert table["label"].tolist() == [2, 3, 9]
    assert list(table) == list(at_once)
    for name, column in at_once.items():
        np.testing.assert_allclose(table[name][1:], column[2:], err_msg=name)
    assert not table["touches_border"][2]


def test_images_are_read_some_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "_STRIP", 1)
    generator = np.random.default_rng(0)
    labels = np.kron(generator.integers(0, 4, (30, 4)), np.ones((40, 40), int))
    pixels = generator.normal(1e6, 1, (2, *labels.shape))
    asked: list[Region] = []

    def read(region: Region) -> np.ndarray:
        asked.append(region)
        return pixels[:, region.y : region.stop_y, region.x : region.stop_x]

    table = object_table(labels, read)
    assert max(region.height for region in asked) == 512
    for i, number in enumerate(table["label"]):
        inside = pixels[:, labels == number]
        assert table["channel1_std"][i] == pytest.approx(inside[1].std(), rel=1e-6)
        assert table["channel0_sum"][i] == pytest.approx(inside[0].sum())
        assert table["area_px"][i] == (labels == number).sum()


def assert_equal_to_scikit_image(labels: np.ndarray, pixels: np.ndarray) -> None:
    from skimage.measure import regionprops_table

    names = {
        "label": "label",
        "area": "area_px",
        "equivalent_diameter_area": "equivalent_diameter_px",
        "perimeter": "perimeter_px",
        "axis_major_length": "major_axis_px",
        "axis_minor_length": "minor_axis_px",
        "eccentricity": "eccentricity",
        "solidity": "solidity",
        "centroid-0": "y_px",
        "centroid-1": "x_px",
        "intensity_mean": "intensity_mean",
        "intensity_std": "intensity_std",
        "intensity_min": "intensity_min",
        "intensity_max": "intensity_max",
    }
    wanted = {name.split("-")[0] for name in names}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = regionprops_table(labels, pixels, properties=[*wanted, "orientation"])
    ours = object_table(labels, pixels)
    for their, our in names.items():
        # A root of what should be 0 is half as exact.
        rooted = our in ("eccentricity", "minor_axis_px")
        np.testing.assert_allclose(ours[our], theirs[their], atol=1e-6 if rooted else 1e-9, err_msg=our)
    long = ours["major_axis_px"] - ours["minor_axis_px"] > 1e-3  # round objects have no direction
    turned = np.radians(ours["orientation_deg"]) - theirs["orientation"]
    np.testing.assert_allclose(np.cos(2 * turned)[long], 1)


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.integers(0, 3)).filter(np.any),
    st.integers(0, 2**32 - 1),
)
def test_random_labels_give_the_values_of_scikit_image(labels: np.ndarray, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 65535, labels.shape).astype(np.uint16)
    assert_equal_to_scikit_image(labels, pixels)


def test_blobs_give_the_values_of_scikit_image() -> None:
    from scipy import ndimage

    generator = np.random.default_rng(3)
    smooth = ndimage.gaussian_filter(generator.normal(size=(256, 300)), 4)
    labels, count = ndimage.label(smooth > 0.02)
    assert count > 50
    assert_equal_to_scikit_image(labels, generator.integers(0, 255, labels.shape).astype(np.uint8))


@pytest.mark.parametrize(
    ("labels", "pixels", "channels", "message"),
    [
        (np.zeros((3, 4, 5), int), None, (), r"label image \(H, W\) of integers, not \(3, 4, 5\) int64"),
        (np.zeros((4, 5)), None, (), "integers, not .* float64"),
        (LABELS, np.zeros((2, 7, 9)), (), "not of one height and width"),
        (LABELS, np.zeros((2, 7, 8)), ("DAPI",), "1 channel name for 2 channels"),
    ],
)
def test_what_does_not_fit_is_said(labels: np.ndarray, pixels: object, channels: tuple, message: str) -> None:
    with pytest.raises(InputError, match=message):
        object_table(labels, pixels, channels)  # type: ignore[arg-type]


@pytest.mark.parametrize(("height", "width"), [(0.5, 0.25), (0.2, 0.5)])
def test_a_disc_is_a_disc_whatever_the_shape_of_pixels(height: float, width: float) -> None:
    radius = 20.0
    y, x = np.indices((int(2.5 * radius / height), int(2.5 * radius / width)), float)
    disc = np.hypot((y - y.mean()) * height, (x - x.mean()) * width) <= radius
    table = object_table(disc.astype(np.uint8), pixel_size=PixelSize(height, width))
    assert table["eccentricity"][0] == pytest.approx(0, abs=0.06)
    assert table["perimeter_um"][0] == pytest.approx(2 * math.pi * radius, rel=0.01)
    assert table["circularity"][0] == pytest.approx(1, abs=0.02)
    assert table["major_axis_um"][0] == pytest.approx(2 * radius, rel=0.01)
    assert object_table(disc.astype(np.uint8))["eccentricity"][0] > 0.8


def test_outlines_of_pixels_that_are_not_square_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    # The dot is crossed in and out once by lines of each direction, so its outline is pi times their distances,
    # each weighed by the angles that are nearest to it.
    corner = math.atan2(1, 3)
    width = corner / math.pi * 1 + (1 / 2 - corner / math.pi) * 3 + 1 / 2 * 3 / math.hypot(1, 3)
    whole = crofton_perimeters(LABELS, np.unique(LABELS)[1:], (1.0, 3.0))
    assert whole[DOT] == pytest.approx(math.pi * width)
    monkeypatch.setattr(shapes, "strips", lambda shape: (Region(y, 0, 1, shape[1]) for y in range(shape[0])))
    np.testing.assert_allclose(crofton_perimeters(LABELS, np.unique(LABELS)[1:], (1.0, 3.0)), whole)
