"""Areas that hold no image are known from their edges, and dark background is not taken for them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from coverslip.core.errors import InputError
from coverslip.core.fields import ArrayFields, FieldSubset
from coverslip.core.region import Region
from coverslip.samples import open_fields
from coverslip.samples.opening import looks
from coverslip.samples.opening.background import Background
from coverslip.samples.opening.exposure import Exposure
from coverslip.samples.opening.nodata import NoData


def nuclei(size: tuple[int, int] = (160, 200), offset: float = 250, noise: float = 6, seed: int = 0) -> np.ndarray:
    """Blurred discs on a noisy background, float."""
    rng = np.random.default_rng(seed)
    spots = np.zeros(size)
    spots[tuple(rng.integers(0, n, 12) for n in size)] = 1
    bright = 900 * (ndimage.distance_transform_edt(spots == 0) < 8)
    return np.asarray(ndimage.gaussian_filter(bright, 1.5) + offset + rng.normal(0, noise, size))


def image(dtype: str = "uint16") -> np.ndarray:
    pixels = nuclei()
    return (pixels if dtype == "uint16" else pixels / 5).clip(1).astype(dtype)


def found(pixels: np.ndarray, rule: float | str = "auto") -> NoData | None:
    return NoData.of(ArrayFields([pixels], nodata=rule), 0)  # type: ignore[arg-type]


def empty(pixels: np.ndarray, rule: float | str = "auto") -> np.ndarray:
    fields = ArrayFields([pixels], nodata=rule)  # type: ignore[arg-type]
    nodata = NoData.of(fields, 0)
    assert nodata is not None
    return nodata.read(fields, 0)[1]


@pytest.mark.parametrize(("dtype", "value"), [("uint8", 0), ("uint8", 255), ("uint16", 0), ("uint16", 3000)])
@pytest.mark.parametrize("rim", [1, 2, 10, 150])
def test_a_margin_of_one_value_holds_no_image(rim: int, dtype: str, value: int) -> None:
    pixels = np.pad(image(dtype), rim, constant_values=value)
    expected = np.pad(np.zeros(image(dtype).shape, bool), rim, constant_values=True)
    np.testing.assert_array_equal(empty(pixels), expected)


@pytest.mark.parametrize("angle", [2, 20, 45])
def test_the_corners_of_a_turned_image_hold_none(angle: float) -> None:
    pixels = ndimage.rotate(image(), angle, order=0)
    expected = ndimage.rotate(np.ones(image().shape), angle, order=0) == 0
    assert (empty(pixels) != expected).sum() <= 4


def test_a_shifted_channel_counts_where_all_channels_are_empty() -> None:
    one, two = image(), np.roll(image(), 5, 1)
    pixels = np.stack([one, two])
    pixels[:, :7], pixels[1, :, :30] = 0, 0
    np.testing.assert_array_equal(np.flatnonzero(empty(pixels).all(1)), np.arange(7))
    assert not empty(pixels)[7:].any()


@pytest.mark.parametrize(
    "pixels",
    [
        nuclei(offset=2, noise=3).clip(0, 255).astype(np.uint8),
        nuclei(offset=-5, noise=3).clip(0, 255).astype(np.uint8),
        nuclei(offset=0, noise=0).astype(np.uint8),
        np.random.default_rng(0).poisson(0.1, (160, 200)).astype(np.uint8),
        np.where(nuclei(noise=0) > 700, nuclei(), 0).astype(np.uint16),
        (np.linspace(-100, 200, 200) + np.random.default_rng(0).normal(0, 4, (160, 200))).clip(0).astype(np.uint8),
        np.zeros((60, 60), np.uint8),
        image(),
    ],
    ids=["dark", "cut off", "without noise", "few photons", "cut out", "uneven", "flat", "ordinary"],
)
def test_dark_background_is_an_image(pixels: np.ndarray) -> None:
    assert found(pixels) is None


def test_the_user_has_the_last_word() -> None:
    padded = np.pad(image(), 10)
    assert found(padded, "none") is None
    cut_off = nuclei(offset=-5, noise=3).clip(0, 255).astype(np.uint8)
    assert found(cut_off, 0) == NoData((0.0,))
    single = image()
    single[40, 50] = 0  # one dark pixel is a pixel
    assert not empty(single, 0).any()
    single[60:80, 90:120] = 0  # an area is none, also in the middle
    assert empty(single, 0).sum() == 600
    with pytest.raises(InputError, match=r"^nodata='dark' is not known; say auto, none or a grey value\.$"):
        open_fields(padded, nodata="dark")  # type: ignore[arg-type]
    assert FieldSubset(open_fields(padded, nodata="7"), [0]).nodata == 7  # type: ignore[arg-type]


def test_regions_say_the_same_as_the_whole() -> None:
    pixels = ndimage.rotate(image(), 12, order=1)[None]
    fields = ArrayFields([pixels])
    nodata = NoData.of(fields, 0)
    assert nodata is not None
    whole = nodata.read(fields, 0)[1]
    for region in (Region(0, 0, 40, 50), Region(37, 41, 30, 60), Region(150, 100, 40, 60)):
        part, where = nodata.read(fields, 0, region)
        np.testing.assert_array_equal(part[0], pixels[0][region.slices])
        np.testing.assert_array_equal(where, whole[region.slices])


@pytest.mark.parametrize("value", [0, 65535])
@pytest.mark.parametrize("windows", [False, True])
def test_statistics_are_those_of_the_image_alone(value: int, windows: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if windows:
        monkeypatch.setattr(looks, "_WINDOW", 40)
    plain, padded = (ArrayFields([one]) for one in (image(), np.pad(image(), 60, constant_values=value)))
    one, other = (Exposure.of(fields, 0, (1, 99.8)) for fields in (plain, padded))
    assert other.nodata == NoData((float(value),))
    np.testing.assert_allclose(other.low, one.low, atol=3)
    np.testing.assert_allclose(other.high, one.high, rtol=0.03)
    background = Background.of(padded, 0, other.nodata)
    assert abs(background.on(Region(60, 60, 160, 200)) - Background.of(plain, 0).on()).mean() < 3
    assert background.noise == pytest.approx(6, rel=0.15)


def test_a_network_sees_the_image_continued_beyond_its_edge() -> None:
    slope = np.linspace(500, 3000, 140)[None] + np.random.default_rng(0).normal(0, 9, (130, 140))
    fields = ArrayFields([np.pad(slope.astype(np.uint16), 60)])
    exposure = Exposure.of(fields, 0, (1, 99.8))
    scaled, nowhere = exposure.read(fields, 0, Region(0, 0, 250, 260))
    assert nowhere is not None
    seen = scaled[0] * 2 * (exposure.high - exposure.low) + exposure.low
    np.testing.assert_allclose(seen[60:-60, 60:-60], slope, atol=100)  # what is brighter or darker than most is clipped
    for above in (59, 40):
        np.testing.assert_allclose(seen[above, 75:-75], np.linspace(500, 3000, 140)[15:-15], atol=60)
    np.testing.assert_allclose(seen[:10], np.median(slope), atol=60)
    np.testing.assert_allclose(scaled, exposure.apply(exposure.filled(fields.pixels(0))), atol=0.002)
    for region in (Region(0, 0, 70, 80), Region(30, 41, 90, 60)):
        np.testing.assert_allclose(exposure.read(fields, 0, region)[0], scaled[:, *region.slices], atol=1e-6)
