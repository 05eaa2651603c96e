"""Boxes and pieces: turning is exact, views vote by stated rules, seams neither lose nor double."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from coverslip.core import Region
from coverslip.nn.boxes import (
    View,
    best_of_each,
    mirrored,
    overlaps,
    turned,
    turned_size,
    voted,
    without_doubles,
)
from coverslip.nn.pieces import Piece, best_pieces, joined_pieces, outline_of, pack, packed, unpacked
from coverslip.nn.tiles import SEAM, tiles

sizes = st.tuples(st.integers(3, 61), st.integers(3, 61))
quarters = st.integers(0, 400).map(lambda n: n / 4)


@st.composite
def boxes_in(draw: st.DrawFn) -> tuple[np.ndarray, tuple[int, int]]:
    """Whole boxes in an image of any size, odd ones too."""
    height, width = draw(sizes)
    y0, x0 = draw(st.integers(0, height - 2)), draw(st.integers(0, width - 2))
    y1, x1 = draw(st.integers(y0 + 1, height)), draw(st.integers(x0 + 1, width))
    return np.array([[x0, y0, x1, y1]], float), (height, width)


@given(st.lists(st.tuples(quarters, quarters, quarters, quarters), max_size=5), sizes, st.integers(-5, 9))
def test_turning_there_and_back_changes_nothing(rows: list[tuple[float, ...]], size: tuple[int, int], k: int) -> None:
    boxes = np.array(rows, float).reshape(-1, 4)
    assert np.array_equal(turned(turned(boxes, size, k), turned_size(size, k), -k), boxes)
    assert np.array_equal(mirrored(mirrored(boxes, size[1]), size[1]), boxes)


@given(boxes_in(), st.integers(0, 7), st.booleans())
def test_a_box_turns_with_the_pixels_in_it(case: tuple[np.ndarray, tuple[int, int]], k: int, flip: bool) -> None:
    boxes, size = case
    mask = np.zeros(size, bool)
    x0, y0, x1, y1 = boxes[0].astype(int)
    mask[y0:y1, x0:x1] = True
    there = np.rot90(mask, k)
    found = turned(boxes, size, k)
    if flip:
        there, found = there[:, ::-1], mirrored(found, there.shape[1])
    rows, columns = np.nonzero(there)
    assert found[0].tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert np.array_equal(np.rot90(np.rot90(mask, k), -k), mask)


def view(*rows: tuple[float, float, float, float, int, float]) -> View:
    table = np.array(rows, float).reshape(-1, 6)
    return View(table[:, :4], table[:, 4].astype(int), table[:, 5])


def test_most_views_name_an_object_and_the_score_counts_all_of_them() -> None:
    box = (0, 0, 10, 10)
    found = voted([view((*box, 1, 0.9)), view((*box, 0, 0.6)), view((*box, 0, 0.8)), view()])
    assert found.codes.tolist() == [0]  # two against one, though the one was surer
    np.testing.assert_allclose(found.score, [(0.6 + 0.8) / 4])
    assert (found.votes.tolist(), found.agreed.tolist()) == ([3], [2])


def test_a_tie_goes_to_the_larger_sum_and_then_to_the_first_class() -> None:
    box = (0, 0, 10, 10)
    assert voted([view((*box, 0, 0.7)), view((*box, 2, 0.8))]).codes.tolist() == [2]
    assert voted([view((*box, 2, 0.7)), view((*box, 1, 0.7))]).codes.tolist() == [1]


def test_neighbours_that_every_view_sees_stay_two() -> None:
    one, two = (0, 0, 10, 10, 0, 0.9), (6, 0, 16, 10, 1, 0.8)
    found = voted([view(one, two), view(two, one)])
    assert sorted(found.codes.tolist()) == [0, 1]
    assert found.votes.tolist() == [2, 2]
    assert voted([view(), view()]).boxes.shape == (0, 4)


def test_of_overlapping_boxes_the_surest_stays_whatever_its_class() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]], float)
    assert sorted(best_of_each(boxes, np.array([0.5, 0.9, 0.1])).tolist()) == [1, 2]
    np.testing.assert_allclose(overlaps(boxes[:1], boxes[1:2]), [[90 / 110]])


@settings(max_examples=60)
@given(st.integers(0, 10_000), sizes, st.integers(16, 40))
def test_seams_neither_lose_nor_double(seed: int, extra: tuple[int, int], side: int) -> None:
    """Objects that tiles see a little differently are found once each, wherever the seams are."""
    rng = np.random.default_rng(seed)
    height, width = 60 + extra[0], 60 + extra[1]
    margin, step = 24, 11  # objects of up to 8 pixels on a grid, so that no two are one
    y, x = (grid.ravel().astype(float) for grid in np.mgrid[6 : height - 6 : step, 6 : width - 6 : step])
    y, x = y + rng.uniform(-1, 1, len(y)), x + rng.uniform(-1, 1, len(x))
    half = rng.uniform(3, 4, len(y))
    truth = np.stack([x - half, y - half, x + half, y + half], axis=1)
    found, score, which, owned = [], [], [], []
    for number, tile in enumerate(tiles(Region(0, 0, height, width), (height, width), side=side, margin=margin)):
        seen = truth + rng.uniform(-0.4, 0.4, truth.shape)
        middle = (seen[:, :2] + seen[:, 2:]) / 2
        core = tile.core
        first, last = np.array([core.x, core.y]), np.array([core.stop_x, core.stop_y])
        near = ((middle >= first - SEAM) & (middle < last + SEAM)).all(axis=1)
        found.append(seen[near])
        score.append(rng.uniform(0.5, 1, near.sum()))
        which.append(np.full(near.sum(), number))
        owned.append(((middle >= first) & (middle < last)).all(axis=1)[near])
    boxes = np.concatenate(found)
    kept = boxes[without_doubles(boxes, np.concatenate(score), np.concatenate(which), np.concatenate(owned))]
    best = overlaps(truth, kept)
    assert len(kept) == len(truth)
    assert np.array_equal(np.sort(best.argmax(axis=1)), np.arange(len(truth)))


def test_boxes_of_one_tile_never_remove_each_other() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [0, 1, 10, 11]], float)
    score, own = np.array([0.5, 0.9, 0.6]), np.ones(3, bool)
    assert without_doubles(boxes, score, np.array([0, 0, 0]), own).all()
    assert without_doubles(boxes, score, np.array([0, 0, 1]), own).tolist() == [True, True, False]


def test_the_tile_that_an_object_lies_in_decides() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [40, 0, 50, 10]], float)
    score, tile = np.array([0.5, 0.9, 0.9]), np.array([0, 1, 1])
    assert without_doubles(boxes, score, tile, np.array([True, False, False])).tolist() == [True, False, False]
    # Each says that it is the other's: the surer one stays.
    assert without_doubles(boxes, score, tile, np.array([False, False, True])).tolist() == [False, True, True]


def disc(y: int, x: int, radius: int, window: Region, code: int, score: float, tile: int) -> Piece:
    """What a window shows of a disc."""
    rows, columns = np.mgrid[window.y : window.stop_y, window.x : window.stop_x]
    mask = (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
    return Piece(mask, window.y, window.x, score * np.eye(2)[code], tile)


def test_pieces_of_a_region_become_one_whose_votes_count_by_score_and_area() -> None:
    windows = [Region(0, 0, 60, 40), Region(0, 25, 60, 45)]
    left, right = (
        disc(30, 32, 20, w, c, s, t) for t, (w, c, s) in enumerate(zip(windows, (0, 1), (0.5, 0.9), strict=True))
    )
    (whole,) = joined_pieces([left, right], windows, least_share=0.5)
    area = int(disc(30, 32, 20, Region(0, 0, 60, 70), 0, 1, 0).mask.sum())
    assert (whole.area, whole.pieces) == (area, 2)
    np.testing.assert_allclose(whole.votes, [0.5 * left.area / area, 0.9 * right.area / area])
    assert whole.code == 1
    np.testing.assert_allclose(whole.share, whole.votes[1] / whole.votes.sum())
    assert joined_pieces([left, right], windows, least_share=0.9)[0].code == -1  # the votes disagree


def test_regions_that_merely_touch_stay_two() -> None:
    windows = [Region(0, 0, 60, 60), Region(0, 20, 60, 60)]
    pieces = [disc(30, x, 12, w, 0, 0.9, t) for t, w in enumerate(windows) for x in (25, 50)]
    wholes = joined_pieces(pieces, windows, 0.5)
    assert [whole.pieces for whole in wholes] == [2, 2]


def test_pieces_survive_being_kept() -> None:
    one, two = disc(10, 10, 6, Region(3, 2, 17, 19), 1, 0.7, 0), disc(11, 10, 6, Region(3, 2, 17, 19), 0, 0.8, 0)
    again = unpacked(packed([one, two], 2), 4)
    assert all(np.array_equal(a.mask, b.mask) for a, b in zip(again, (one, two), strict=True))
    assert [(p.y, p.x, p.votes.tolist(), p.tile) for p in again] == [(3, 2, [0, 0.7], 4), (3, 2, [0.8, 0], 4)]


def test_of_doubles_of_a_tile_one_stays_and_votes_for_both_classes() -> None:
    window = Region(3, 2, 17, 19)
    one, two, apart = (
        disc(*at, c, s, 0)
        for at, c, s in (
            ((10, 10, 6, window), 1, 0.7),
            ((11, 10, 6, window), 0, 0.8),
            ((10, 60, 4, Region(0, 50, 20, 20)), 1, 0.9),
        )
    )
    kept = best_pieces([one, two, apart])
    assert [piece.votes.tolist() for piece in kept] == [[0, 0.9], [0.8, 0.7]]
    assert kept[1].mask is two.mask
    assert joined_pieces(kept[1:], [window], least_share=0.6)[0].code == -1  # in doubt, although nobody disagrees


def test_a_mask_of_few_pixels_fills_its_box() -> None:
    mask, y, x = pack(np.ones((28, 28)), np.array([2.0, 3.0, 9.0, 8.0]), (20, 20))
    assert (mask.shape, y, x, mask.all()) == ((5, 7), 3, 2, True)
    half = np.zeros((28, 28))
    half[:, :14] = 1
    mask, _, _ = pack(half, np.array([0.0, 0.0, 10.0, 4.0]), (20, 20))
    assert mask[:, :5].all()
    assert not mask[:, 5:].any()


def test_an_outline_lies_on_the_edges_of_pixels() -> None:
    mask = np.zeros((12, 12), bool)
    mask[2:9, 3:11] = True
    (ring,) = outline_of(mask, (100, 200))
    assert ring.min(axis=0).tolist() == [203, 102]
    assert ring.max(axis=0).tolist() == [211, 109]
