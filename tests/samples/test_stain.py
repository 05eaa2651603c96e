"""Nuclei from a stain: what each step does, on discs drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from coverslip.core.errors import InputError
from coverslip.core.image import PixelSize
from coverslip.samples import StainFacts, StainSettings, judge_stain, segment_stain
from coverslip.samples.stain.labels import lower_envelope, noise_of, two_means

CENTRES = [(20, 20), (22, 60), (21, 100), (60, 30), (62, 75), (58, 115)]


def discs(
    centres: list[tuple[int, int]], heights: list[float] | float = 1000.0, radius: float = 9, noise: float = 10
) -> np.ndarray:
    """Discs with edges of about two pixels on a noisy ground of 200, ``(90, 140)`` uint16."""
    y, x = np.mgrid[:90, :140]
    pixels = np.full((90, 140), 200.0)
    for (cy, cx), height in zip(centres, np.broadcast_to(heights, len(centres)), strict=True):
        disc = (y - cy) ** 2 + (x - cx) ** 2 <= radius**2
        pixels += height * ndimage.gaussian_filter(disc.astype(float), 1)
    return np.rint(pixels + np.random.default_rng(0).normal(0, noise, pixels.shape)).astype(np.uint16)


def count(labels: np.ndarray) -> int:
    return int(labels.max())


def test_nuclei_are_found_with_their_size_in_reading_order() -> None:
    found = segment_stain(discs(CENTRES))
    assert found.labels.dtype == np.int32
    assert found.rule == "local"
    assert [found.labels[centre] for centre in CENTRES] == [1, 3, 2, 5, 6, 4]
    area = np.bincount(found.labels.ravel())[1:]
    np.testing.assert_allclose(area, np.pi * 9**2, rtol=0.1)
    assert 14 < found.diameter < 22


def test_a_local_threshold_keeps_dim_nuclei_beside_bright_ones_whole() -> None:
    pixels = discs(CENTRES, [4000, 1400, 4000, 1400, 4000, 1400])
    area = {
        rule: np.bincount(segment_stain(pixels, StainSettings(threshold=rule)).labels.ravel(), minlength=7)[1:]
        for rule in ("otsu", "local")
    }
    np.testing.assert_allclose(area["local"], np.pi * 9**2, rtol=0.15)
    assert (area["otsu"] > 0).sum() == 3  # the dim ones are missed
    assert count(segment_stain(pixels, StainSettings(faintest=0.6)).labels) == 3


def test_brightness_offset_and_dtype_change_nothing() -> None:
    pixels = discs(CENTRES, noise=0)
    labels = segment_stain(pixels).labels
    np.testing.assert_array_equal(segment_stain(pixels.astype(np.float32) / 65535).labels, labels)
    np.testing.assert_array_equal(segment_stain(pixels * np.uint16(20) + np.uint16(3000)).labels, labels)


def test_a_slope_of_the_background_is_taken_off() -> None:
    pixels = (discs(CENTRES) + np.linspace(0, 3000, 140)).astype(np.uint16)
    found = segment_stain(pixels)
    assert count(found.labels) == 6
    assert [found.labels[centre] > 0 for centre in CENTRES] == [True] * 6
    kept = segment_stain(pixels, StainSettings(diameter=18, background="none", threshold="otsu"))
    assert count(kept.labels) != 6


def test_touching_nuclei_are_divided_as_asked() -> None:
    pixels = discs([(40, 40), (40, 56), (40, 110)])
    assert count(segment_stain(pixels).labels) == 3
    assert count(segment_stain(pixels, StainSettings(split="shape")).labels) == 3
    assert count(segment_stain(pixels, StainSettings(split="none")).labels) == 2
    assert count(segment_stain(pixels, StainSettings(neck=0)).labels) == 2


def test_brightness_divides_what_shape_does_not() -> None:
    """Two flat ends laid against each other: one long shape, with a dim line across it."""
    pixels = np.full((60, 120), 100.0)
    pixels[20:36, 20:60] = 1000
    pixels[:, 38:42] = 100 + 0.6 * (pixels[:, 38:42] - 100)
    pixels[20:36, 90:106] = 1000
    pixels = ndimage.gaussian_filter(pixels, 1)
    assert count(segment_stain(pixels, StainSettings(diameter=18, split="shape")).labels) == 2
    assert count(segment_stain(pixels, StainSettings(diameter=18, split="both")).labels) == 3


def test_holes_are_filled_up_to_a_share_of_a_nucleus() -> None:
    y, x = np.mgrid[:90, :140]
    pixels = discs(CENTRES)
    hole = (y - 20) ** 2 + (x - 20) ** 2 <= 3**2
    pixels[hole] = 200
    assert segment_stain(pixels).labels[20, 20] > 0
    assert segment_stain(pixels, StainSettings(hole=0)).labels[20, 20] == 0


def test_areas_are_limits_in_pixels_or_micrometres() -> None:
    y, x = np.mgrid[:90, :140]
    pixels = discs(CENTRES)
    pixels[(y - 40) ** 2 + (x - 45) ** 2 <= 4**2] = 1200  # debris of about 50 pixels
    assert count(segment_stain(pixels).labels) == 7
    assert count(segment_stain(pixels, StainSettings(min_area=100)).labels) == 6
    assert count(segment_stain(pixels, StainSettings(max_area=100)).labels) == 1
    size = PixelSize(0.5, 0.5)
    micrometres = StainSettings(unit="um", min_area=25, diameter=9)
    assert count(segment_stain(pixels, micrometres, pixel_size=size).labels) == 6
    np.testing.assert_array_equal(
        segment_stain(pixels, micrometres, pixel_size=size).labels,
        segment_stain(pixels, StainSettings(min_area=100, diameter=18)).labels,
    )


def test_nothing_is_found_where_nothing_is() -> None:
    rng = np.random.default_rng(1)
    assert count(segment_stain(np.full((40, 50), 7, np.uint8)).labels) == 0
    for pixels in (rng.normal(1000, 30, (200, 200)), rng.poisson(4, (200, 200)).astype(np.uint8)):
        found = segment_stain(pixels)
        assert count(found.labels) == 0
        assert judge_stain(found, pixels).flags == ("empty",)


def test_what_is_no_plane_of_numbers_is_refused() -> None:
    with pytest.raises(InputError, match=r"a\.tif: nuclei are found in one plane of rows and columns"):
        segment_stain(np.zeros((2, 8, 8)), source="a.tif")
    with pytest.raises(InputError, match="1 pixel is NaN or infinite"):
        segment_stain(np.array([[0.0, np.nan]]), source="a.tif")
    with pytest.raises(InputError, match=r"a\.tif does not say how large its pixels are"):
        segment_stain(discs(CENTRES), StainSettings(unit="um"), source="a.tif")
    with pytest.raises(InputError, match="There is no setting 'treshold'; did you mean 'threshold'"):
        StainSettings.parse({"treshold": "otsu"})


def test_the_lower_envelope_keeps_slopes_and_drops_what_is_narrow() -> None:
    y, x = np.mgrid[:120, :160]
    slope = 100 + 2.0 * x + y
    bumps = np.zeros_like(slope)
    bumps[30:40, 50:60] = bumps[80:90, 0:8] = 500
    for window in (20, 60):
        np.testing.assert_allclose(lower_envelope(slope + bumps, window)[40:80, 60:100], slope[40:80, 60:100], atol=20)
        assert np.abs(lower_envelope(slope + bumps, window) - slope).max() < 130
    np.testing.assert_allclose(lower_envelope(np.full((50, 40), 7.0), 12), 7)


def test_noise_is_that_of_the_background_alone() -> None:
    rng = np.random.default_rng(2)
    ground = rng.normal(500, 12, 40_000)
    haze = rng.uniform(520, 900, 8_000)
    assert noise_of(np.concatenate([ground, haze]), 1) == pytest.approx(12, rel=0.15)
    assert noise_of(np.full(100, 3.0), 1) == pytest.approx(0.3)


def test_means_are_taken_near_each_place() -> None:
    smooth = np.zeros((20, 200), np.float32)
    smooth[:, 100:] = 10
    foreground = np.zeros((20, 200), bool)
    foreground[8:12, ::10] = True
    smooth[foreground] += 5
    inside, outside = two_means(smooth, foreground, 6)
    np.testing.assert_allclose(inside[10, [20, 180]], [5, 15], atol=0.25)
    np.testing.assert_allclose(outside[10, [20, 180]], [0, 10], atol=0.05)


def judged(pixels: np.ndarray, **settings: object) -> StainFacts:
    return judge_stain(segment_stain(pixels, StainSettings(**settings)), pixels, PixelSize(0.5, 0.5))  # type: ignore[arg-type]


def test_facts_describe_the_labels() -> None:
    facts = judged(discs([*CENTRES, (0, 0)], noise=10))
    assert facts.objects == 7
    assert facts.at_border == 1
    assert facts.foreground == pytest.approx(6.25 * np.pi * 9**2 / (90 * 140), rel=0.1)
    assert facts.diameter_px == pytest.approx(18, rel=0.05)
    assert facts.diameter_um == pytest.approx(facts.diameter_px / 2)
    assert facts.contrast == pytest.approx(1000, rel=0.05)
    assert facts.noise == pytest.approx(10, rel=0.3)
    assert facts.snr == pytest.approx(facts.contrast / facts.noise)
    assert facts.touching == facts.saturated == 0
    assert facts.flags == ()
    assert facts.texts()["objects"] == "7"
    assert facts.texts()["flags"] == ""


def test_flags_name_what_is_wrong_with_an_image() -> None:
    plain = discs(CENTRES)
    chains = [(20, 20), (20, 36), (20, 52), (60, 20), (60, 36), (60, 110)]
    assert judged(discs(chains)).flags == ("too_many_touching",)
    assert "saturated" in judged(np.where(plain > 700, 4095, plain).astype(np.uint16)).flags
    assert "low_contrast" in judged(discs(CENTRES, 60, noise=36)).flags
    assert "out_of_focus" in judged(ndimage.gaussian_filter(plain.astype(float), 6)).flags
    assert "uneven_background" in judged(plain + np.linspace(0, 3000, 140), diameter=18, window=3).flags


def test_objects_much_larger_than_the_others_are_flagged() -> None:
    pixels = discs(CENTRES)
    pixels[5:40, 70:130] = 1200
    facts = judged(pixels, diameter=18, window=8)
    assert facts.clumps > 0.5
    assert "clumps" in facts.flags


def test_edges_are_measured_as_they_were_before_smoothing() -> None:
    pixels = np.zeros((80, 80), np.float32)
    pixels[20:60, 20:60] = 1000
    sharp = judged(pixels, diameter=40, smoothing=0)
    assert sharp.edge == pytest.approx(0, abs=0.04)
    for sigma in (2, 4):
        blurred = ndimage.gaussian_filter(pixels, sigma)
        for smoothing in (0, 1):  # a step smoothed by sigma is sqrt(2 pi) sigma wide
            edge = judged(blurred, diameter=40, smoothing=smoothing).edge
            assert edge * 45 == pytest.approx(np.sqrt(2 * np.pi) * sigma, rel=0.25)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (2, 2), (5, 200), (40, 3), (17, 23)])
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16, np.float32])
def test_images_of_any_size_and_dtype_are_taken(shape: tuple[int, int], dtype: type) -> None:
    pixels = (np.random.default_rng(0).random(shape) * 200).astype(dtype)
    for settings in ({}, {"threshold": "local"}, {"background": "none"}, {"diameter": 300}):
        found = segment_stain(pixels, StainSettings(**settings))
        assert found.labels.shape == shape
        assert judge_stain(found, pixels).objects == found.labels.max()
