"""Where it is looked, what is accepted, and when it ends."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from coverslip.methods.kaizen.accepting import Proposal, accept, cut_to, gain, iou
from coverslip.methods.kaizen.explaining import Accepted, explain
from coverslip.methods.kaizen.flattening import flat_labels
from coverslip.methods.kaizen.keeping import packed, unpacked
from coverslip.methods.kaizen.search import SEED, Search, as_probability, distant_points, unexplained_points
from coverslip.methods.kaizen.tuning import _best_refusal

EASY = Search(confidence=0, worth=0, noise=3)


def disc(top: int, left: int, side: int, light: float, confidence: float = 0.9) -> Proposal:
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    mask = y**2 + x**2 <= (side / 2) ** 2
    return Proposal(top, left, mask * np.float32(0.9), mask, mask * np.float32(light), confidence, 0)


def peaked(top: int, left: int, side: int = 15) -> Proposal:
    """A disc that is brightest in its middle."""
    one = disc(top, left, side, 1.0)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    return one._replace(light=one.light * np.exp(-(y**2 + x**2) / (side / 2) ** 2).astype(np.float32))


@st.composite
def random_round(draw: st.DrawFn) -> tuple[np.ndarray, list[Proposal]]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    error = rng.normal(0, 1, (40, 50)).astype(np.float32)
    proposals = []
    for _ in range(draw(st.integers(0, 25))):
        side = int(rng.integers(1, 20))
        top, left = (int(rng.integers(0, n - side + 1)) for n in error.shape)
        mask = rng.random((side, side)) < 0.7
        light = np.where(mask, rng.gamma(2, 0.4, mask.shape), 0).astype(np.float32)
        proposals.append(Proposal(top, left, mask * np.float32(0.8), mask, light, float(rng.random()), 0))
    return error, proposals


@settings(max_examples=150)
@given(random_round(), st.floats(0, 0.5))
def test_the_loss_falls_with_every_object_that_is_accepted(
    drawn: tuple[np.ndarray, list[Proposal]], worth: float
) -> None:
    start, proposals = drawn
    error = start.copy()
    accepted = accept(error, proposals, Search(confidence=0, worth=worth))
    replayed = start.astype(np.float64)
    loss = np.abs(replayed).sum()
    for index, lowered in accepted:
        replayed[proposals[index].place] -= proposals[index].light
        after = np.abs(replayed).sum()
        assert after < loss + 1e-4
        np.testing.assert_allclose(loss - after, lowered, atol=1e-3)
        loss = after
    np.testing.assert_allclose(error, replayed, atol=1e-4)
    assert len({index for index, _ in accepted}) == len(accepted)


@settings(max_examples=60)
@given(random_round())
def test_what_is_refused_would_not_have_helped(drawn: tuple[np.ndarray, list[Proposal]]) -> None:
    error, proposals = drawn
    accepted = {index for index, _ in accept(error, proposals, Search(confidence=0, worth=0))}
    boxes = [p.place for p in proposals]
    for i, proposal in enumerate(proposals):
        alone = not any(
            j in accepted and boxes[i][0].start < boxes[j][0].stop and boxes[j][0].start < boxes[i][0].stop
            for j in range(len(proposals))
        )
        if i not in accepted and alone and proposal.mask.any():
            assert gain(error, proposal) <= 0


def test_of_two_proposals_for_one_object_the_better_is_accepted() -> None:
    error = np.zeros((30, 30), np.float32)
    right, rough = disc(5, 5, 15, 1.0), disc(7, 7, 15, 1.0)
    error[right.place] += right.light
    assert [index for index, _ in accept(error, [rough, right], EASY)] == [1]
    assert np.abs(error).max() == 0


def test_overlapping_objects_are_both_accepted_where_their_light_adds_up() -> None:
    error = np.zeros((30, 40), np.float32)
    one, other = disc(5, 5, 15, 1.0), disc(5, 14, 15, 0.6)
    for part in (one, other):
        error[part.place] += part.light
    assert sorted(index for index, _ in accept(error, [one, other], EASY)) == [0, 1]
    np.testing.assert_allclose(error, 0, atol=1e-6)


def test_an_object_is_accepted_once_however_bright_it_is() -> None:
    error = np.zeros((30, 40), np.float32)
    one, again, other = disc(5, 5, 15, 1.0), disc(5, 7, 15, 1.0, 0.8), disc(5, 14, 15, 1.0, 0.7)
    for part in (one, one, other):
        error[part.place] += part.light
    assert iou(one, again) > 0.6
    shared = np.count_nonzero(one.mask[:, 9:] & other.mask[:, :6])
    assert iou(one, other) == shared / (2 * one.mask.sum() - shared)
    assert [index for index, _ in accept(error.copy(), [one, again, other], EASY)] == [0, 2]
    assert [index for index, _ in accept(error, [again, other], EASY, [one])] == [1]


def test_doubtful_small_and_worthless_objects_are_refused() -> None:
    def left(search: Search, proposal: Proposal) -> int:
        error = np.zeros((30, 30), np.float32)
        error[5:20, 5:20] = 0.6
        return len(accept(error, [proposal], search))

    sure = disc(5, 5, 15, 1.0)
    assert left(EASY, sure) == 1
    assert left(EASY.model_copy(update={"confidence": 0.95}), sure) == 0
    assert left(EASY.model_copy(update={"min_area": 300}), sure) == 0
    assert left(EASY.model_copy(update={"worth": 0.5}), sure) == 0  # it explains 0.2 of each 1.0
    specks = EASY.model_copy(update={"small_confidence": 0.95})
    assert left(specks.model_copy(update={"small": 300}), sure) == 0
    assert left(specks.model_copy(update={"small": 100}), sure) == 1


def test_chosen_is_what_refuses_least_for_specks_and_for_others() -> None:
    truth = np.zeros((60, 200), np.int32)
    found = []

    def find(left: int, side: int, confidence: float, *, labelled: bool) -> None:
        proposal = disc(20, left, side, 1.0, confidence)
        if labelled:
            truth[proposal.place][proposal.mask] = len(found) + 1
        found.append(Accepted(proposal, (0, 0), float(proposal.light.sum())))

    for left in range(0, 120, 20):
        find(left, 17, 0.9, labelled=True)
    find(120, 17, 0.45, labelled=False)
    find(140, 5, 0.85, labelled=True)
    find(160, 5, 0.72, labelled=False)
    chosen, reached = _best_refusal(
        Search(confidence=0.3, small_confidence=0.3, small=60, worth=0),
        {"confidence": (0.3, 0.4, 0.5, 0.6, 0.8), "small_confidence": (0.3, 0.5, 0.7, 0.75, 0.8, 0.9)},
        [found],
        [truth],
    )
    assert (chosen.confidence, chosen.small_confidence, reached) == (0.5, 0.75, 1.0)


def test_points_lie_where_most_is_missing_and_apart() -> None:
    error = np.zeros((60, 60), np.float32)
    for y, x, light in ((10, 10, 3.0), (10, 16, 2.0), (40, 40, 5.0)):
        error[y - 2 : y + 3, x - 2 : x + 3] += light
    search = Search(apart=9, noise=1)
    points = unexplained_points(error, 0 * error, np.zeros(error.shape, bool), 1.0, search)
    assert points[0].tolist() == [40, 40]
    assert points[1].tolist() == [10, 10]
    away = np.abs(points[:, None] - points[None]).max(-1) + 99 * np.eye(len(points))
    assert away.min() > 4
    closed = np.zeros(error.shape, bool)
    closed[30:, 30:] = True
    assert unexplained_points(error, 0 * error, closed, 1.0, search)[0].tolist() == [10, 10]


def test_as_printed_the_largest_error_is_taken_and_a_square_around_it_left_out() -> None:
    error = np.zeros((80, 90), np.float32)
    error[10:60, 10:60] = 1  # wider than a square: what is left of it is asked about, too
    error[20, 20] += 20
    points = distant_points(error, np.zeros(error.shape, bool), 0.01, SEED)
    assert np.abs(points[0] - 20).max() <= 3
    away = np.abs(points[:, None] - points[None]).max(-1) + 99 * np.eye(len(points))
    assert away.min() >= 16
    for y, x in np.argwhere(error > 0):
        assert ((y - points[:, 0] >= -16) & (y - points[:, 0] < 16) & (np.abs(x - points[:, 1]) <= 16)).any()


def test_as_printed_both_predictions_of_a_round_for_one_object_are_added_and_ours_adds_one() -> None:
    one = disc(10, 10, 45, 1.0)
    light = np.zeros((80, 90), np.float32)
    light[one.place] += one.light
    printed, rounds = explain(light, np.zeros_like(light), 0.01, [Knowing([one])], SEED)  # type: ignore[list-item]
    ours, _ = explain(light, np.zeros_like(light), 0.01, [Knowing([one])], EASY)  # type: ignore[list-item]
    assert len(printed) == rounds[0][2] == rounds[0][3] > 1
    np.testing.assert_allclose([item.gain for item in printed], one.light.sum(), rtol=1e-5)  # each by itself
    assert rounds[0][4] <= 0  # together they are worse than nothing
    assert len(ours) == 1


def test_without_masks_the_mean_light_of_the_image_ends_an_object() -> None:
    light = np.array([[0.0, 0.02], [0.1, 3.88]], np.float32)  # a tenth of the mean is 0.1
    assert ((as_probability(light) >= SEED.of_image(light).mask) == [[False, False], [True, True]]).all()
    assert EASY.of_image(light) is EASY


def test_too_much_light_and_noise_ask_for_nothing() -> None:
    noise = np.random.default_rng(0).normal(0, 1, (200, 200)).astype(np.float32)
    dark = np.full((200, 200), -5, np.float32)
    for error in (noise, dark):
        assert len(unexplained_points(error, 0 * error, np.zeros(error.shape, bool), 1.0, Search())) == 0


def test_what_an_explained_object_leaves_around_it_is_not_asked_about() -> None:
    internal, error = np.zeros((2, 60, 60), np.float32)
    internal[20:40, 20:40] = 10
    error[30:32, 41:44] = 4  # its halo
    error[5:8, 5:8] = 4  # another object
    points = unexplained_points(error, internal, np.zeros(error.shape, bool), 0.1, Search())
    assert len(points) == 1
    assert np.abs(points - 6).max() <= 1


class Knowing:
    """A generator that knows the objects."""

    reach = 20

    def __init__(self, objects: list[Proposal]) -> None:
        self.objects = objects
        self.asked: list[list[int]] = []

    def __call__(
        self, light: np.ndarray, points: np.ndarray, search: Search, known: np.ndarray
    ) -> list[tuple[int, Proposal]]:
        self.asked += points.tolist()
        found = []
        for i, (y, x) in enumerate(points):
            for one in self.objects:
                rows, columns = one.place
                inside = rows.start <= y < rows.stop and columns.start <= x < columns.stop
                if inside and one.mask[y - rows.start, x - columns.start]:
                    found.append((i, one))
        return found


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(0, 8))
def test_what_the_generator_knows_is_explained_whole(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    objects = [
        disc(int(rng.integers(0, 80)), int(rng.integers(0, 100)), int(rng.integers(8, 20)), rng.uniform(0.3, 1))
        for _ in range(count)
    ]
    light = np.zeros((100, 120), np.float32)
    for one in objects:
        light[one.place] += one.light
    internal = np.zeros_like(light)
    found, rounds = explain(light, internal, 0.01, [Knowing(objects)], EASY)  # type: ignore[list-item]
    assert len(found) <= count
    total = np.abs(light).sum(dtype=np.float64)
    left = np.abs(light - internal).sum(dtype=np.float64)
    np.testing.assert_allclose(sum(one.gain for one in found), total - left, atol=1e-2)
    np.testing.assert_allclose(sum(row[4] for row in rounds), total - left, atol=1e-2)
    if count <= 1:
        assert left < 1e-3


def test_an_empty_image_asks_nothing() -> None:
    generator = Knowing([disc(5, 5, 9, 1.0)])
    light = np.random.default_rng(0).normal(0, 0.01, (80, 90)).astype(np.float32)
    found, rounds = explain(light, np.zeros_like(light), 0.01, [generator], Search())  # type: ignore[list-item]
    assert (found, rounds, generator.asked) == ([], [], [])


def test_what_is_explained_before_is_not_explained_again() -> None:
    one, other = disc(5, 5, 15, 1.0), disc(40, 50, 15, 0.8)
    light = np.zeros((70, 80), np.float32)
    for part in (one, other):
        light[part.place] += part.light
    internal = np.zeros_like(light)
    internal[one.place] += one.light
    found, _ = explain(light, internal, 0.01, [Knowing([one, other])], EASY)  # type: ignore[list-item]
    assert [item.proposal.top for item in found] == [40]
    np.testing.assert_allclose(internal, light, atol=1e-6)


def test_a_part_keeps_its_own_objects_and_asks_about_those_near_it_once() -> None:
    own, near, far = (peaked(20, left) for left in (20, 50, 100))
    light = np.zeros((60, 130), np.float32)
    for part in (own, near, far):
        light[part.place] += part.light
    internal, generator = np.zeros_like(light), Knowing([own, near, far])
    core = slice(0, 60), slice(0, 45)
    found, rounds = explain(light, internal, 0.01, [generator], EASY, core)  # type: ignore[list-item]
    assert [one.proposal.left for one in found] == [20]
    assert [row[3] for row in rounds] == [1]
    assert sorted(generator.asked) == [[27, 27], [27, 57]]
    assert (internal > 0).sum() == own.mask.sum()


def test_about_an_object_whose_light_is_not_all_explained_is_asked_once_in_vain() -> None:
    one = peaked(20, 20, 41)
    light = np.zeros((90, 90), np.float32)
    light[one.place] = 1.5 * one.light
    generator, once = Knowing([one]), EASY.model_copy(update={"passes": 1})
    found, _ = explain(light, np.zeros_like(light), 0.01, [generator], once)  # type: ignore[list-item]
    assert len(found) == 1
    assert len(generator.asked) == 2


@settings(max_examples=30)
@given(random_round())
def test_what_is_kept_of_a_part_comes_back(drawn: tuple[np.ndarray, list[Proposal]]) -> None:
    objects = [Accepted(proposal, (i // 3, i % 3), 0.1 * i) for i, proposal in enumerate(drawn[1])]
    rounds = [(0, i, 5, 2, 0.3) for i in range(len(objects))]
    loss, found, again = unpacked(packed(1.5, objects, rounds))
    assert (loss, again, len(found)) == (1.5, rounds, len(objects))
    for one, other in zip(objects, found, strict=True):
        assert (one.at, one.gain, one.proposal[:2]) == (other.at, other.gain, other.proposal[:2])
        for array, back in zip(one.proposal[2:], other.proposal[2:], strict=True):
            np.testing.assert_array_equal(array, back)
            assert np.asarray(array).dtype == np.asarray(back).dtype


def test_a_pixel_of_several_objects_goes_to_the_surest() -> None:
    sure, unsure = disc(0, 0, 11, 1.0), disc(0, 6, 11, 1.0)
    unsure = unsure._replace(probability=unsure.probability - np.float32(0.2))
    labels = flat_labels((11, 17), [unsure, sure])
    assert (labels[sure.place][sure.mask] == 2).all()
    assert (labels == 1).sum() == (unsure.mask[:, :] & ~(np.pad(sure.mask, ((0, 0), (0, 6)))[:, 6:17])).sum()


def test_objects_are_cut_where_there_is_no_image_and_stay_in_one_piece() -> None:
    one = disc(20, 20, 15, 1.0)
    free = np.ones((60, 60), bool)
    assert cut_to(one, free) is one
    free[:, 25:27] = False  # a narrow part is left of it, a wide one to the right
    cut = cut_to(one, free)
    assert cut is not None
    assert (cut.left, cut.top, cut.mask.shape) == (27, 20, (15, 8))
    np.testing.assert_array_equal(cut.light > 0, cut.mask)
    assert cut_to(one, np.zeros_like(free)) is None
    light = np.zeros((60, 60), np.float32)
    light[one.place] += one.light
    light[~free] = 0
    found, _ = explain(light, np.zeros_like(light), 0.01, [Knowing([one])], EASY, free=free)  # type: ignore[list-item]
    assert [item.proposal.left for item in found] == [27]
