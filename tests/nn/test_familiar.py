"""A model says of which images it is not at home in them, by what it finds there."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from coverslip.nn.familiar import NOTHING, Familiar, traits


def field(seed: int, *, contrast: float = 0.3, ground: float = 0.05, blur: float = 0.8, sure: float = 0.95) -> tuple:
    """Discs on a ground with noise, and the probability that a network gives: sure inside, and rightly placed."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:120, :120]
    inside = np.zeros((120, 120), bool)
    for at in rng.uniform(10, 110, (12, 2)):
        inside |= np.hypot(y - at[0], x - at[1]) < 7
    image = ground + contrast * ndimage.gaussian_filter(inside.astype(float), blur) + rng.normal(0, 0.01, inside.shape)
    probability = np.where(inside, sure, 1 - sure).astype(np.float32)
    return image.clip(0, 1)[None].astype(np.float32), probability, None


def of(*fields: tuple) -> dict[str, float]:
    return traits(fields, 0.5)


@pytest.fixture(scope="module")
def familiar() -> Familiar:
    noted = Familiar.noted([of(field(seed, contrast=0.2 + 0.01 * seed)) for seed in range(20)])
    found = Familiar.of_facts({"familiar": noted})
    assert found is not None
    return found


def test_an_image_as_those_of_the_fit_raises_no_doubt(familiar: Familiar) -> None:
    assert familiar.doubts(of(field(99))) == ()


@pytest.mark.parametrize(
    ("changed", "word"),
    [({"sure": 0.6}, "unsure"), ({"ground": 0.6, "contrast": 0.2}, "ground"), ({"blur": 5.0}, "focus")],
)
def test_each_way_to_differ_is_told_by_its_word(familiar: Familiar, changed: dict, word: str) -> None:
    assert word in "; ".join(familiar.doubts(of(field(99, **changed))))


def test_dark_objects_are_doubted_by_a_model_of_bright_ones(familiar: Familiar) -> None:
    pixels, probability, _ = field(99)
    doubts = familiar.doubts(of((1 - pixels, probability, None)))
    assert "what it found does not stand out as its objects do" in doubts


def test_a_model_of_dark_objects_asks_for_dark_ones() -> None:
    dark = [(1 - pixels, probability, None) for pixels, probability, _ in map(field, range(20))]
    familiar = Familiar.of_facts({"familiar": Familiar.noted([of(one) for one in dark])})
    assert familiar is not None
    assert familiar.doubts(of(dark[3])) == ()
    assert familiar.doubts(of(field(3)))


def test_nothing_found_is_told_and_counts_for_no_limit() -> None:
    pixels, probability, _ = field(0)
    assert of((pixels, 0 * probability, None)) == {}
    assert Familiar({}).doubts({}) == (NOTHING,)
    assert Familiar.noted([{}]) == {}
    assert Familiar.of_facts({}) is None


def test_brightness_is_compared_as_the_share_of_pairs_and_where_there_is_image() -> None:
    pixels = np.zeros((1, 20, 20), np.float32)
    pixels[0, :10] = 0.5
    pixels[0, 10:, :10] = 0.75  # half of the ground is brighter
    probability = np.zeros((20, 20), np.float32)
    probability[:10] = 0.9
    assert traits([(pixels, probability, None)], 0.5)["brighter"] == pytest.approx(0)
    empty = np.zeros((20, 20), bool)
    empty[10:, :10] = True
    assert traits([(pixels, probability, empty)], 0.5)["brighter"] == pytest.approx(np.log(0.999 / 0.001), rel=1e-3)


def test_parts_of_an_image_count_together() -> None:
    pixels, probability, _ = field(5)
    halves = [(pixels[:, :, part], probability[:, part], None) for part in (slice(0, 60), slice(60, 120))]
    whole, parts = of((pixels, probability, None)), of(*halves)
    assert parts["sure"] == pytest.approx(whole["sure"], rel=1e-5)
    assert parts["brighter"] == pytest.approx(whole["brighter"])
    assert parts["ground"] == pytest.approx(whole["ground"])
