"""Objects that were found in a smaller or larger picture of a field lie where they are in the field."""

from __future__ import annotations

import numpy as np
import pytest

from coverslip.core.fields import ArrayFields
from coverslip.core.region import Region
from coverslip.methods.kaizen.accepting import Proposal
from coverslip.methods.kaizen.light import Light
from coverslip.methods.kaizen.shown import Shown, brought_back


def disc(size: int, centre: tuple[float, float], radius: float) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    return np.asarray((y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2)


@pytest.mark.parametrize("zoom", [0.25, 0.4, 2.0])
def test_an_object_comes_back_to_its_place_and_size_with_its_light(zoom: float) -> None:
    mask = disc(21, (10, 10), 8)
    one = Proposal(30, 50, np.where(mask, 0.9, 0.2).astype(np.float32), mask, np.float32(0.7) * mask, 0.8, 0)
    own = brought_back(one, zoom, (1000, 1000), 0.5)
    assert own is not None
    assert own.mask.sum() == pytest.approx(mask.sum() / zoom**2, rel=0.06)
    assert np.subtract(own.centroid, (np.array(one.centroid) + 0.5) / zoom - 0.5) == pytest.approx(0, abs=0.3)
    np.testing.assert_allclose(own.light[own.mask], 0.7, rtol=1e-3)
    assert not own.light[~own.mask].any()


def test_an_object_at_the_border_stays_in_the_field() -> None:
    mask = disc(12, (4, 7), 6)
    one = Proposal(0, 18, np.where(mask, 0.9, 0).astype(np.float32), mask, mask.astype(np.float32), 0.8, 0)
    own = brought_back(one, 0.5, (60, 59), 0.5)
    assert own is not None
    assert own.box.y == 0
    assert own.box.stop_x == 59


def test_a_mean_of_a_reduced_field_is_as_noisy_as_that_of_the_same_place_of_the_field() -> None:
    noise = np.random.default_rng(0).normal(1000, 40, (600, 600)).astype(np.float32)
    fields = ArrayFields([noise])
    light = Light.of(fields, 0)
    shown = Shown(light, fields, 0, 0.25)
    assert shown.size == (150, 150)
    reduced, free = shown.read(Region(0, 0, 150, 150))
    means = reduced.reshape(30, 5, 30, 5).mean((1, 3))
    assert free.all()
    assert means.std() == pytest.approx(shown.noise / 5, rel=0.15)
