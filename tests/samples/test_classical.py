from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from coverslip.core.errors import InputError
from coverslip.core.image import Image, PixelSize
from coverslip.read import open_image, read_labels
from coverslip.samples import find_nuclei, read_sheet


def discs(centres: list[tuple[int, int]], radius: int = 8, value: int = 200) -> np.ndarray:
    y, x = np.mgrid[:90, :120]
    image = np.full((90, 120), 20, np.uint8)
    for cy, cx in centres:
        image[(y - cy) ** 2 + (x - cx) ** 2 <= radius**2] = value
    return image


CENTRES = [(20, 20), (20, 60), (60, 30), (60, 44), (70, 100)]  # the third and fourth touch


@pytest.mark.parametrize("stain", ["bright", "dark"])
def test_discs_are_found_whole_and_apart(stain: str) -> None:
    pixels = discs(CENTRES)
    image = Image.from_array(pixels if stain == "bright" else 255 - pixels, pixel_size=PixelSize(0.5, 0.5))
    found = find_nuclei(image, stain=stain)
    assert found.labels.dtype == np.int32
    assert found.labels.max() == 5
    assert found.pixel_size == PixelSize(0.5, 0.5)
    truth = pixels == 200
    assert ((found.labels > 0) & truth).sum() / ((found.labels > 0) | truth).sum() > 0.95
    centres = ndimage.center_of_mass(found.labels > 0, found.labels, range(1, 6))
    np.testing.assert_allclose(sorted(centres), sorted(CENTRES), atol=1.5)


def test_an_array_is_taken_as_it_is() -> None:
    pixels = discs(CENTRES)
    np.testing.assert_array_equal(find_nuclei(pixels).labels, find_nuclei(Image.from_array(pixels)).labels)


def test_other_scales_of_brightness_change_nothing() -> None:
    pixels = discs(CENTRES).astype(np.float32)
    labels = find_nuclei(Image.from_array(pixels)).labels
    np.testing.assert_array_equal(find_nuclei(Image.from_array((100 * pixels).astype(np.uint16))).labels, labels)
    two = np.stack([np.zeros_like(pixels), pixels])
    np.testing.assert_array_equal(find_nuclei(Image.from_array(two), channel=1).labels, labels)


def test_size_limits_and_the_border_leave_objects_out() -> None:
    pixels = np.maximum(discs([(40, 60), (0, 20)]), discs([(70, 20)], radius=4))
    image = Image.from_array(pixels)
    assert find_nuclei(image, diameter=16).labels.max() == 3
    assert find_nuclei(image, diameter=16, min_area=60).labels.max() == 2
    assert find_nuclei(image, diameter=16, max_area=60).labels.max() == 1
    assert find_nuclei(image, diameter=16, clear_border=True).labels.max() == 2


def test_a_flat_image_has_no_nuclei() -> None:
    found = find_nuclei(Image.from_array(np.full((30, 40), 7, np.uint16)))
    assert found.labels.shape == (30, 40)
    assert not found.labels.any()


@pytest.mark.parametrize("offset", [0, 200, 30000])
@pytest.mark.parametrize("kind", ["normal", "poisson", "few photons", "smooth", "rgb"])
def test_noise_has_no_nuclei(kind: str, offset: int) -> None:
    rng = np.random.default_rng(0)
    size = (200, 260)
    noise = {
        "normal": lambda: rng.normal(50, 5, size),
        "poisson": lambda: rng.poisson(20, size),
        "few photons": lambda: rng.poisson(0.1, size),
        "smooth": lambda: 50 + 30 * ndimage.gaussian_filter(rng.normal(0, 1, size), 2),
        "rgb": lambda: rng.normal(50, 5, (3, *size)),
    }[kind]()
    pixels = noise.clip(0, 255).astype(np.uint8) if kind == "rgb" else (noise + offset).astype(np.uint16)
    found = find_nuclei(Image.from_array(pixels))
    assert not found.labels.any()
    assert found.provenance["note"] == "Nothing stands out from the noise, so there are no nuclei."


def test_a_single_faint_nucleus_is_found_in_noise() -> None:
    y, x = np.mgrid[:200, :260]
    nucleus = (y - 80) ** 2 + (x - 120) ** 2 < 12**2
    pixels = np.random.default_rng(0).normal(200, 5, nucleus.shape) + 50 * nucleus
    found = find_nuclei(Image.from_array(pixels.astype(np.uint16)))
    assert found.labels.max() == 1
    assert "note" not in found.provenance


def test_nuclei_of_a_real_section_are_found() -> None:
    from skimage import data

    section = data.immunohistochemistry()
    labels = find_nuclei(Image.from_array(np.moveaxis(section, -1, 0))).labels
    assert 250 < labels.max() < 450
    assert 100 < np.median(np.bincount(labels.ravel())[1:]) < 200  # pixels
    # Picked by eye: nuclei in the stroma and in the glands; lumen, empty glass, and dense brown stain.
    nuclei = [(173, 499), (277, 241), (255, 296), (312, 438), (251, 361), (112, 424)]
    others = [(117, 347), (352, 14), (417, 450), (70, 255)]
    assert len({labels[point] for point in nuclei} - {0}) == len(nuclei)
    assert [labels[point] for point in others] == [0] * len(others)
    red, blue = section[..., 0].astype(float), section[..., 2].astype(float)
    assert (blue - red)[labels > 0].mean() - (blue - red)[labels == 0].mean() > 20


def overlap_f1(truth: np.ndarray, found: np.ndarray) -> float:
    """F1 of objects matched at an intersection over union above one half."""
    pairs = np.zeros((truth.max() + 1, found.max() + 1))
    np.add.at(pairs, (truth.ravel(), found.ravel()), 1)
    t, f = pairs.sum(1), pairs.sum(0)
    iou = (pairs / np.maximum(t[:, None] + f[None] - pairs, 1))[1:, 1:]
    return 2 * (iou > 0.5).sum() / ((t[1:] > 0).sum() + (f[1:] > 0).sum())


@pytest.mark.data
def test_fluorescent_nuclei_agree_with_the_truth(data_folder: Path) -> None:
    sheet = read_sheet(data_folder / "bbbc039").subset([0, 40, 80, 120])
    scores = [
        overlap_f1(read_labels(sheet.file(i, "mask")).labels, find_nuclei(open_image(sheet.file(i))).labels)
        for i in range(4)
    ]
    assert np.mean(scores) > 0.85
    assert min(scores) > 0.75


def test_images_that_do_not_fit_are_refused() -> None:
    grey = Image.from_array(discs(CENTRES), source="a.tif")
    with pytest.raises(InputError, match=r"a\.tif: haematoxylin is found by colour"):
        find_nuclei(grey, stain="haematoxylin")
    with pytest.raises(InputError, match="choose haematoxylin, bright or dark"):
        find_nuclei(grey, stain="eosin")
    with pytest.raises(InputError, match="select a plane and a time first"):
        find_nuclei(Image.from_array(np.zeros((2, 8, 8)), "ZYX"))
    with pytest.raises(InputError, match="NaN"):
        find_nuclei(Image.from_array(np.full((8, 8), np.nan, np.float32)))
    with pytest.raises(InputError, match="give a diameter above 0"):
        find_nuclei(grey, diameter=0)


def test_a_margin_that_holds_no_image_changes_nothing() -> None:
    pixels = discs(CENTRES) + np.random.default_rng(0).integers(0, 20, (90, 120)).astype(np.uint8)
    plain = find_nuclei(Image.from_array(pixels)).labels
    for value in (0, 255):
        padded = find_nuclei(Image.from_array(np.pad(pixels, 40, constant_values=value))).labels
        assert padded.max() == plain.max() == 5
        assert ((padded[40:-40, 40:-40] > 0) != (plain > 0)).sum() <= 3
        blind = find_nuclei(Image.from_array(np.pad(pixels, 40, constant_values=value)), nodata="none").labels
        assert value == 0 or blind.max() != 5
