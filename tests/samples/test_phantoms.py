from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from coverslip.core.errors import InputError
from coverslip.core.fields import ArrayFields, FieldSubset
from coverslip.samples import Phantom, open_fields, overlap_phantoms

LEVELS = (0.0, 0.1, 0.35, 0.6)


def blobs(dtype: str = "uint16", count: int = 2) -> ArrayFields:
    """Fields of ellipses of different sizes and brightness, blurred, with noise."""
    images, masks = [], []
    y, x = np.mgrid[:130, :150]
    for seed in range(count):
        rng = np.random.default_rng(seed)
        labels = np.zeros(y.shape, np.int32)
        light = np.zeros(y.shape)
        for i, (row, column) in enumerate((r, c) for r in (22, 65, 108) for c in (25, 75, 125)):
            a, b = rng.uniform(7, 12, 2)
            inside = ((y - row) / a) ** 2 + ((x - column) / b) ** 2 < 1
            labels[inside] = i + 1
            light[inside] = rng.uniform(80, 120)
        pixels = 20 + ndimage.gaussian_filter(light, 1) + rng.normal(0, 1.5, y.shape)
        images.append(np.rint(pixels).astype(dtype) if dtype != "float32" else pixels.astype(dtype))
        masks.append(labels)
    return ArrayFields(images, masks)


BLOBS = blobs()


def shared_pixels(phantom: Phantom) -> np.ndarray:
    """How many pixels each two objects have in common, counted on the whole image."""
    whole = np.zeros((len(phantom), phantom.background.size), np.int64)
    for row, place, mask in zip(whole, phantom.places(), phantom.masks, strict=True):
        row.reshape(phantom.background.shape)[place] = mask
    return whole @ whole.T


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.lists(st.floats(0, 0.7), min_size=1, max_size=3))
def test_pairs_overlap_as_asked_and_nothing_else_does(seed: int, levels: list[float]) -> None:
    (phantom,) = overlap_phantoms(
        BLOBS, [0, 1], overlap=levels, pairs=3, singles=1, size=(170, 180), count=1, seed=seed
    )
    shared = shared_pixels(phantom)
    table = phantom.objects
    np.testing.assert_array_equal(table["area_px"], np.diag(shared))
    pair = table["pair"]
    np.testing.assert_array_equal(pair, [1, 1, 2, 2, 3, 3, 0])
    together = (pair[:, None] == pair) & (pair > 0)
    assert not shared[~together & ~np.eye(len(pair), dtype=bool)].any()
    for first in (0, 2, 4):
        common, areas = shared[first, first + 1], table["area_px"][first : first + 2]
        np.testing.assert_allclose(table["overlap"][first : first + 2], common / areas.min())
        np.testing.assert_allclose(table["covered"][first : first + 2], common / areas)
        assert np.abs(common / areas.min() - np.array(levels)).min() <= 0.05
    assert table["overlap"][6] == 0


def test_every_level_comes_equally_often() -> None:
    made = overlap_phantoms(BLOBS, [0, 1], overlap=LEVELS, pairs=3, count=4, size=(150, 180), seed=3)
    shares = np.concatenate([phantom.objects["overlap"] for phantom in made])
    nearest = np.abs(shares[:, None] - LEVELS).argmin(axis=1)
    np.testing.assert_array_equal(np.bincount(nearest), [6, 6, 6, 6])
    assert (shares[nearest == 0] == 0).all()


def test_objects_that_do_not_overlap_lie_a_few_pixels_apart() -> None:
    made = overlap_phantoms(BLOBS, [0, 1], overlap=[0], pairs=4, size=(150, 180), seed=1)
    for phantom in made:
        distances = []
        for place, mask in zip(phantom.places(), phantom.masks, strict=True):
            whole = np.zeros(phantom.background.shape, bool)
            whole[place] = mask
            distances.append(ndimage.distance_transform_edt(~whole))
        for first in range(0, 8, 2):
            place = phantom.places()[first + 1]
            assert 2 <= distances[first][place][phantom.masks[first + 1]].min() < 6


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_the_image_is_the_background_and_what_objects_add(dtype: str) -> None:
    made = overlap_phantoms(blobs(dtype), [0, 1], overlap=[0.3], pairs=3, singles=2, size=(140, 160))
    for phantom in made:
        image = phantom.image
        assert image.dtype == phantom.background.dtype == dtype
        total = phantom.background.astype(np.float64)
        for place, added in zip(phantom.places(), phantom.pixels, strict=True):
            assert added.min() >= 0
            total[place] += added
        np.testing.assert_allclose(image, np.minimum(total, 255) if dtype == "uint8" else total, rtol=1e-6)


def test_objects_are_those_of_the_fields_turned() -> None:
    phantom = overlap_phantoms(BLOBS, [0, 1], pairs=2, singles=2, size=(140, 160))[0]
    rows = zip(phantom.objects["field"], phantom.objects["label"], phantom.masks, phantom.pixels, strict=True)
    for field, label, mask, added in rows:
        own = BLOBS.labels(field) == label
        assert mask.sum() == own.sum()
        assert abs(added[mask].mean() - (BLOBS.pixels(field)[0][own].mean() - 20)) < 2


def test_the_background_is_that_of_a_field_without_its_objects() -> None:
    made = overlap_phantoms(BLOBS, [1], pairs=1, singles=0, size=(130, 150))
    background = made[0].background.astype(float)
    far = ndimage.distance_transform_edt(BLOBS.labels(1) == 0) > 12
    np.testing.assert_array_equal(background[far], BLOBS.pixels(1)[0][far])
    behind = background[BLOBS.labels(1) > 0]
    assert abs(behind.mean() - 20) < 0.5
    assert 1.2 < behind.std() < 1.9
    assert made[0].field == 1


def test_flat_labels_show_the_brighter_of_two() -> None:
    made = overlap_phantoms(BLOBS, [0, 1], overlap=[0.5], pairs=2, size=(140, 160))
    phantom = made[0]
    labels = phantom.labels
    light = np.zeros((len(phantom), *labels.shape))
    for layer, place, mask, added in zip(light, phantom.places(), phantom.masks, phantom.pixels, strict=True):
        layer[place] = np.where(mask, added, 0)
    several = light.max(axis=0) > 0
    np.testing.assert_array_equal(light.argmax(axis=0)[several] + 1, labels[several])
    assert sorted(np.unique(labels)) == list(range(len(phantom) + 1))


def test_the_same_seed_gives_the_same_phantoms() -> None:
    first, same, other = (overlap_phantoms(BLOBS, [0, 1], pairs=2, size=(140, 160), seed=seed) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first[1].image, same[1].image)
    assert (first[1].image != other[1].image).any()


def test_phantoms_may_be_larger_than_their_fields_or_empty() -> None:
    made = overlap_phantoms(BLOBS, [0], pairs=0, size=(300, 320), count=2)
    assert made[1].image.shape == (300, 320)
    assert [len(phantom) for phantom in made] == [0, 0]
    assert not made[0].labels.any()
    np.testing.assert_array_equal(made[0].image, made[0].background)


def test_a_phantom_is_as_large_as_its_field_unless_told() -> None:
    made = overlap_phantoms(BLOBS, [0, 1], pairs=2)
    assert [phantom.image.shape for phantom in made] == [(130, 150)] * 2


def test_layers_hold_every_whole_mask_and_share_no_pixel() -> None:
    phantom = overlap_phantoms(BLOBS, [0, 1], overlap=[0.4], pairs=3, singles=1, size=(170, 180))[0]
    layers = phantom.layers()
    assert layers.shape == (2, 170, 180)
    for number, place, mask in zip(phantom.objects["object"], phantom.places(), phantom.masks, strict=True):
        whole = np.zeros((170, 180), bool)
        whole[place] = mask
        np.testing.assert_array_equal((layers == number).any(axis=0), whole)
        assert (layers == number).any(axis=(1, 2)).sum() == 1
    np.testing.assert_array_equal(layers.any(axis=0), phantom.labels > 0)
    (empty,) = overlap_phantoms(BLOBS, [0], pairs=0)
    np.testing.assert_array_equal(empty.layers(), np.zeros((1, 130, 150)))


def test_what_cannot_be_made_is_refused() -> None:
    with pytest.raises(InputError, match="shares from 0 to below 1"):
        overlap_phantoms(BLOBS, [0], overlap=[0.2, 1.0])
    with pytest.raises(InputError, match="no room for so many objects"):
        overlap_phantoms(BLOBS, [0], pairs=200, size=(140, 160))
    with pytest.raises(InputError, match="hold 0 objects of 5000 pixels"):
        overlap_phantoms(BLOBS, [0], min_area=5000)
    with pytest.raises(InputError, match="made of fields with masks"):
        overlap_phantoms(ArrayFields([np.zeros((30, 30))]), [0])
    with pytest.raises(InputError, match="array 1 is float32, fields before it uint16"):
        overlap_phantoms(ArrayFields([BLOBS.pixels(0), BLOBS.pixels(1).astype("f4")], [BLOBS.labels(0)] * 2), [0, 1])
    full = ArrayFields([np.full((40, 40), 9.0)], [np.ones((40, 40), np.int32)])
    with pytest.raises(InputError, match="array 0 has hardly any background"):
        overlap_phantoms(full, [0])


@pytest.mark.data
def test_phantoms_of_real_nuclei_have_the_background_of_their_field(data_folder: Path) -> None:
    fields = open_fields(data_folder / "bbbc039")
    few = FieldSubset(fields, np.flatnonzero(fields.obs["split"].astype(str) == "validation")[:2])
    made = overlap_phantoms(few, [0, 1], pairs=20)
    for i, phantom in enumerate(made):
        real = few.pixels(i)[0][ndimage.distance_transform_edt(few.labels(i) == 0) > 15]
        assert phantom.image.dtype == np.uint16
        assert abs(np.median(phantom.background) - np.median(real)) < 4
        assert len(phantom) == 40
