"""What a network says of an image does not depend on how the image is cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.transform import resize

import coverslip as cs
from coverslip.core.fields import ArrayFields
from coverslip.core.fitted import Fitted
from coverslip.core.region import Region
from coverslip.measure import match, overlap
from coverslip.methods.unet.config import Config
from coverslip.methods.unet.decoding import decode
from coverslip.methods.unet.inference import Segmenter, segment
from coverslip.methods.unet.outputs import build
from coverslip.methods.unet.targets import OFFSET_UNIT
from coverslip.nn.tiles import Tile, own_objects, paste, tiles
from coverslip.samples.opening.view import View

from .blobs import blob_fields


@pytest.fixture
def segmenter(tiny_model: Path) -> Segmenter:
    return Segmenter(cs.load(tiny_model), device="cpu", speed="eager")


def random_network(channels: int, levels: int = 3, separation: str = "distance") -> Fitted:
    """A network with start weights: how it is cut shows in noise as well as in anything."""
    import torch

    config = Config.parse({"width": 8, "levels": levels, "patch": 64, "separation": separation})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        weights = {name: t.numpy() for name, t in build(config, channels).state_dict().items()}
    facts = {"inputs": channels, "margin": 64, "decoding": {"threshold": 0.5, "min_area": 0}}
    return Fitted("unet", config, weights, facts)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("size", "levels"), [((157, 211), 3), ((64, 333), 3), ((150, 97), 2), ((7, 5), 3)])
def test_maps_are_the_same_whole_and_in_tiles(channels: int, size: tuple[int, int], levels: int) -> None:
    fitted = random_network(channels, levels)
    pixels = np.random.default_rng(0).integers(0, 4096, (channels, *size)).astype(np.uint16)
    fields = ArrayFields([pixels])
    whole = Segmenter(fitted, device="cpu", speed="eager", tile=512).maps(fields, 0)
    assert whole.std() > 0.001
    for tile in (32, 48, 100):
        cut = Segmenter(fitted, device="cpu", speed="eager", tile=tile).maps(fields, 0)
        np.testing.assert_allclose(cut, whole, atol=1e-4, rtol=0)


@pytest.mark.parametrize("separation", ["distance", "boundary", "offset"])
def test_maps_of_a_region_are_those_of_the_image(separation: str) -> None:
    fitted = random_network(1, separation=separation)
    fields = blob_fields(1, (120, 140))
    segmenter = Segmenter(fitted, device="cpu", speed="eager", flips=True, tile=40)
    whole = segmenter.maps(fields, 0)
    part = segmenter.maps(fields, 0, Region(24, 40, 61, 83), segmenter.exposure(fields, 0))
    np.testing.assert_allclose(part, whole[:, 24:85, 40:123], atol=1e-4, rtol=0)


@pytest.mark.parametrize("zoom", [1, 0.5, 0.3, 2])
def test_objects_are_the_same_whole_and_in_blocks(segmenter: Segmenter, zoom: float) -> None:
    small = blob_fields(1, (333, 401), seed=5)
    fields = small if zoom == 1 else ArrayFields([resized(small.pixels(0)[0], 1 / zoom)])
    view = View(segmenter.exposure(fields, 0), zoom)

    def cut(side: int) -> np.ndarray:
        canvas, count = np.zeros(fields.size(0), np.int32), 0
        for block in segmenter.blocks(fields.size(0), side):
            found = segmenter.objects(fields, 0, block, view)
            count += paste(canvas[found.block.window.slices], found.labels, count + 1)
        np.testing.assert_array_equal(np.unique(canvas), np.arange(count + 1))
        return canvas

    whole = cut(2048)
    assert whole.max() > 60
    for side in (64, 100):
        assert_same_objects(cut(round(side / zoom)), whole)


def test_what_aims_at_no_centre_is_of_none_far_away() -> None:
    maps = np.zeros((3, 40, 90), np.float32)
    rows, columns = np.mgrid[10:19, 10:19]
    maps[0, 10:19, 10:19] = 1
    maps[1:, 10:19, 10:19] = np.stack([14 - rows, 14 - columns]) / OFFSET_UNIT
    maps[0, 20, 70:73] = 1
    maps[2, 20, 70:73] = np.array([-10, 0, 10]) / OFFSET_UNIT  # too few votes in any place
    labels = decode(maps, "offset")
    assert labels.max() == 2
    assert (labels[10:19, 10:19] == 1).all()
    assert labels[20, 69:74].tolist() == [0, 2, 2, 2, 0]


def resized(pixels: np.ndarray, factor: float) -> np.ndarray:
    """An image at another size, dtype kept."""
    size = [round(length * factor) for length in pixels.shape]
    return np.rint(resize(pixels.astype(float), size, order=1)).astype(pixels.dtype)


def assert_same_objects(found: np.ndarray, expected: np.ndarray) -> None:
    """Assert that two label images hold the same objects, whatever their numbers."""
    pairs = np.unique(np.stack([found.ravel(), expected.ravel()]), axis=1)
    assert len(pairs.T) == expected.max() + 1
    assert found.max() == expected.max()


@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    side=st.integers(1, 50),
    margin=st.integers(0, 40),
    multiple=st.sampled_from([1, 4, 16]),
)
@settings(deadline=None)
def test_cores_cover_an_image_once_and_windows_reach_over_them(
    height: int, width: int, side: int, margin: int, multiple: int
) -> None:
    seen = np.zeros((height, width), int)
    for tile in tiles(Region(0, 0, height, width), (height, width), side=side, margin=margin, multiple=multiple):
        seen[tile.core.y : tile.core.stop_y, tile.core.x : tile.core.stop_x] += 1
        assert tile.window.y % multiple == tile.window.x % multiple == 0
        assert tile.window.y <= max(tile.core.y - margin, 0)
        assert tile.window.stop_x >= min(tile.core.stop_x + margin, width)
    assert (seen == 1).all()


@given(seed=st.integers(0, 10_000), side=st.integers(17, 60))
@settings(deadline=None, max_examples=60)
def test_pasted_blocks_hold_every_object_once(seed: int, side: int) -> None:
    """Squares of up to 12 pixels, found in windows with a margin of 24: all of them come back, whole."""
    truth = squares(np.random.default_rng(seed), (90, 110))
    canvas, count = np.zeros(truth.shape, np.int32), 0
    for tile in tiles(Region(0, 0, *truth.shape), truth.shape, side=side, margin=24):
        window = (slice(tile.window.y, tile.window.stop_y), slice(tile.window.x, tile.window.stop_x))
        seen = renumbered(truth[window])
        count += paste(canvas[window], own_objects(seen, tile), count + 1)
    assert count == truth.max()
    assert_same_objects(canvas, truth)


def squares(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Squares that do not overlap, some touching, from 1 without gaps."""
    labels = np.zeros(size, np.int32)
    for _ in range(60):
        y, x, n = rng.integers(0, size[0]), rng.integers(0, size[1]), rng.integers(1, 13)
        if not labels[y : y + n, x : x + n].any():
            labels[y : y + n, x : x + n] = labels.max() + 1
    return labels


def renumbered(labels: np.ndarray) -> np.ndarray:
    return np.unique(np.concatenate([[0], labels.ravel()]), return_inverse=True)[1][1:].reshape(labels.shape)


def test_the_first_block_keeps_an_object_on_a_seam() -> None:
    canvas = np.zeros((4, 6), np.int32)
    first = np.array([[1, 1, 1, 0, 0, 0]] * 2 + [[0] * 6] * 2)
    # The same object, one column larger; one that shares a quarter of its pixels; one that is new.
    second = np.array([[1, 1, 1, 1, 0, 3], [1, 1, 2, 2, 0, 3], [0, 0, 2, 2, 0, 3], [0, 0, 0, 0, 0, 3]])
    assert paste(canvas, first, 1) == 1
    assert paste(canvas, second, 2) == 2
    assert canvas.tolist() == [[1, 1, 1, 0, 0, 3], [1, 1, 1, 2, 0, 3], [0, 0, 2, 2, 0, 3], [0, 0, 0, 0, 0, 3]]


def test_pasting_a_block_again_completes_what_was_cut_short() -> None:
    labels = np.array([[1, 1, 0, 2, 2]] * 3)
    whole = np.zeros((3, 5), np.uint32)
    whole[0, 1] = 4  # of a block before
    killed = whole.copy()
    assert paste(whole, labels, 5) == 2
    killed[1:] = whole[1:]  # the first row of chunks had not been written
    killed[2, 2] = 6  # nor had a pixel been removed that is no object any more
    assert paste(killed, labels, 5) == 2
    np.testing.assert_array_equal(killed, whole)
    assert whole.tolist() == [[5, 4, 0, 6, 6], [5, 5, 0, 6, 6], [5, 5, 0, 6, 6]]


def test_an_object_cut_by_the_window_is_of_another_block() -> None:
    tile = Tile(core=Region(20, 20, 20, 20), window=Region(0, 0, 60, 60))
    labels = np.zeros((60, 60), np.int32)
    labels[0:4, 25:30] = 1  # ends at the window, far above the core
    labels[14:17, 30:33] = 2  # centroid 5 pixels above the core: claimed, in case the other tile sees it lower
    labels[30, 30] = 3
    own = own_objects(labels, tile)
    assert np.unique(own).tolist() == [0, 1, 2]
    assert (own[15, 31], own[30, 30]) == (1, 2)


@pytest.mark.parametrize("angle", [0, 25])
def test_no_objects_are_found_where_there_is_no_image_and_the_others_stay(tiny_model: Path, angle: int) -> None:
    model = cs.load(tiny_model)
    size = f"{np.median(model.facts['object_diameter_px']):.1f}"  # said, for so small a model is easily mistaken
    segmenter = Segmenter(model, device="cpu", speed="eager", diameter=size)
    pixels = blob_fields(1, (120, 140)).pixels(0)[0]
    if angle:
        pixels = ndimage.rotate(pixels, angle, order=0)
    alone, *_ = segment(segmenter, ArrayFields([pixels], nodata=0), 0)
    padded = np.pad(pixels, 30, constant_values=0 if angle else 65535)
    whole, probability, _ = segment(segmenter, ArrayFields([padded]), 0)
    nowhere = np.pad(pixels == 0, 30, constant_values=True)
    assert not whole[nowhere].any()
    assert not probability[nowhere].any()
    inside = np.ascontiguousarray(whole[30:-30, 30:-30])
    assert whole.max() == inside.max()
    assert match(overlap(alone, inside), 0.8).tp >= 0.95 * alone.max() > 10
    blind, *_ = segment(segmenter, ArrayFields([padded], nodata="none"), 0)
    assert blind[nowhere].any() or angle


def test_maps_with_a_margin_are_the_same_whole_and_in_tiles() -> None:
    fitted = random_network(1)
    pixels = ndimage.rotate(np.random.default_rng(0).integers(400, 4096, (120, 150)).astype(np.uint16), 20, order=0)
    fields = ArrayFields([pixels])
    whole = Segmenter(fitted, device="cpu", speed="eager", tile=512).maps(fields, 0)
    assert not whole[:, 0, 0].any()
    assert whole[0, 90, 90] > 0
    for tile in (32, 100):
        cut = Segmenter(fitted, device="cpu", speed="eager", tile=tile).maps(fields, 0)
        np.testing.assert_allclose(cut, whole, atol=1e-4, rtol=0)


def test_border_objects_are_dropped_and_holes_filled(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maps = np.zeros((3, 96, 112), np.float32)
    y, x = np.mgrid[:96, :112]
    for cy, cx in ((0, 30), (50, 60), (80, 100)):
        ring = (np.hypot(y - cy, x - cx) < 9) & (np.hypot(y - cy, x - cx) > 2)
        maps[0, ring] = 1
        maps[1, ring], maps[2, ring] = (((cy - y) / OFFSET_UNIT)[ring], ((cx - x) / OFFSET_UNIT)[ring])
    plain = np.random.default_rng(0).integers(200, 900, (96, 112)).astype(np.uint16)
    padded = plain.copy()
    padded[:, -4:] = 0  # the last object touches an area without an image

    def found(pixels: np.ndarray, **options: bool) -> np.ndarray:
        segmenter = Segmenter(cs.load(tiny_model), device="cpu", speed="eager", **options)
        monkeypatch.setattr(segmenter._outputs, "_of", lambda scaled: maps.copy())
        return segment(segmenter, ArrayFields([pixels]), 0)[0]

    assert [found(pixels).max() for pixels in (plain, padded)] == [3, 3]
    assert [found(pixels, drop_border=True).max() for pixels in (plain, padded)] == [2, 1]
    assert found(plain)[50, 60] == 0
    filled = found(plain, fill_holes=True)
    assert filled[50, 60] == filled[50, 65] > 0


def test_what_points_to_a_centre_but_does_not_touch_it_is_left_out() -> None:
    maps = np.zeros((3, 60, 60), np.float32)
    y, x = np.mgrid[:60, :60]
    nucleus, debris = np.hypot(y - 30, x - 30) < 10, np.hypot(y - 30, x - 44) < 3
    maps[0, nucleus | debris] = 1
    maps[1, nucleus | debris], maps[2, nucleus | debris] = (
        ((30 - at) / OFFSET_UNIT)[nucleus | debris] for at in (y, x)
    )
    labels = decode(maps, "offset")
    np.testing.assert_array_equal(labels > 0, nucleus)
