"""Patches of fields: pixels and targets from the same place, repeatable from a seed."""

from __future__ import annotations

import numpy as np
import pytest

from coverslip.core.fields import ArrayFields
from coverslip.train.patches import PatchFeed, compact_labels
from coverslip.train.run import Run


def fields_of(*sizes: tuple[int, int]) -> ArrayFields:
    """Fields with large discs that are exactly as bright as their masks say."""
    rng = np.random.default_rng(0)
    masks = []
    for height, width in sizes:
        rows, columns = np.mgrid[:height, :width]
        mask = np.zeros((height, width), np.int32)
        for number in range(1, 6):
            y, x = rng.uniform(0, height), rng.uniform(0, width)
            mask[(rows - y) ** 2 + (columns - x) ** 2 < 100] = 10 * number
        masks.append(mask)
    return ArrayFields([np.where(mask > 0, 1000, 10).astype(np.uint16) for mask in masks], masks)


def feed_of(fields: ArrayFields, *, patch: int = 32, zoom: float = 1.0, max_ram: int | None = None) -> PatchFeed:
    return PatchFeed(
        fields,
        np.arange(len(fields)),
        patch=patch,
        targets=lambda labels: (labels > 0)[None].astype(np.float32),
        percentiles=(0, 100),
        zoom=zoom,
        run=Run(max_ram=max_ram),
    )


def batches(feed: PatchFeed, rows: list[list[int]], first_seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pixels and targets of each batch, one channel each."""
    seeds = [np.random.SeedSequence([first_seed, i]) for i in range(len(rows))]
    made = list(feed.batches([np.array(r) for r in rows], seeds))
    assert [batch.rows.tolist() for batch in made] == rows
    assert all(batch.inputs.shape[1] == batch.targets.shape[1] == 1 for batch in made)
    return [(batch.inputs[:, 0], batch.targets[:, 0]) for batch in made]


@pytest.mark.parametrize("size", [(90, 70), (20, 25), (32, 32), (33, 200)])
def test_targets_lie_where_their_pixels_lie(size: tuple[int, int]) -> None:
    feed = feed_of(fields_of(size))
    for pixels, targets in batches(feed, [[0] * 6] * 5):
        assert pixels.shape == targets.shape == (6, 32, 32)
        assert pixels.dtype == targets.dtype == np.float32
        np.testing.assert_array_equal(pixels > 0.25, targets > 0.5)


def test_zoomed_targets_lie_where_their_pixels_lie_but_for_the_border() -> None:
    feed = feed_of(fields_of((120, 110)), zoom=2.5)
    pixels, targets = (np.concatenate(made) for made in zip(*batches(feed, [[0] * 8] * 6), strict=True))
    differ = (pixels > 0.25) != (targets > 0.5)
    assert differ.mean() < 0.02
    assert (targets > 0.5).mean() > 0.05


def test_patches_are_seen_in_all_eight_orientations_and_all_places() -> None:
    height, width = 40, 44
    ramp = (np.arange(height)[:, None] * 100 + np.arange(width)).astype(np.uint16)
    feed = feed_of(ArrayFields([ramp], [np.ones((height, width), np.int32)]))
    found = np.concatenate([pixels for pixels, _ in batches(feed, [[0] * 50] * 4)])
    down, right = np.sign(found[:, 1, 0] - found[:, 0, 0]), np.sign(found[:, 0, 1] - found[:, 0, 0])
    steep = np.abs(found[:, 1, 0] - found[:, 0, 0]) > np.abs(found[:, 0, 1] - found[:, 0, 0])
    assert len(set(zip(down, right, steep, strict=True))) == 8
    assert found.min() == 0
    assert found.max() == 0.5  # the darkest and the brightest corner of the field were both seen


def test_the_seed_decides_a_patch() -> None:
    feed = feed_of(fields_of((90, 70), (64, 80)))
    one, same, other = (batches(feed, [[0, 1, 1]], seed)[0] for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one[0], other[0])


def test_fields_that_do_not_fit_into_memory_give_the_same_patches() -> None:
    fields = fields_of((90, 70), (64, 80))
    held, streamed = feed_of(fields), feed_of(fields, max_ram=1)
    assert held.in_memory
    assert not streamed.in_memory
    for one, two in zip(batches(held, [[0, 1], [1, 0]]), batches(streamed, [[0, 1], [1, 0]]), strict=True):
        np.testing.assert_array_equal(one, two)


def test_the_areas_of_objects_are_known() -> None:
    mask = np.zeros((40, 40), np.uint16)
    mask[:3, :3], mask[10:14, 10:20] = 7, 90
    feed = feed_of(ArrayFields([mask * 100], [mask]))
    assert [areas.tolist() for areas in feed.areas] == [[9, 40]]
    assert sorted(np.unique(compact_labels(mask))) == [0, 1, 2]
    assert compact_labels(np.full((2, 2), 9)).tolist() == [[1, 1], [1, 1]]
