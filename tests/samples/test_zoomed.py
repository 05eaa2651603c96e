"""A field at another size: the same pixels whatever the window, nothing moves, and the way back fits."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Picture

from coverslip.core import Region
from coverslip.samples.opening.zoomed import Zoomed, covering, nearest, spread

FIELD = np.random.default_rng(0).normal(100, 20, (200, 304)).astype(np.float32)


def zoomed(field: np.ndarray, zoom: float) -> Zoomed:
    return Zoomed(lambda region: field[None, *region.slices], (field.shape[0], field.shape[1]), zoom)


@pytest.mark.parametrize("zoom", [0.11, 0.25, 0.37, 0.5, 2, 3.3])
def test_a_window_shows_what_the_whole_shows(zoom: float) -> None:
    made = zoomed(FIELD, zoom)
    height, width = made.size
    whole = made.pixels(Region(0, 0, height, width))
    part = Region(height // 3, width // 4, height // 2, width // 3)
    np.testing.assert_array_equal(made.pixels(part), whole[:, *part.slices])


@pytest.mark.parametrize("zoom", [0.25, 0.5, 2])
def test_it_is_made_as_by_pillow(zoom: float) -> None:
    made = zoomed(FIELD, zoom)
    height, width = made.size
    theirs = np.asarray(Picture.fromarray(FIELD).resize((width, height), Picture.Resampling.BILINEAR))
    inner = (slice(2, -2), slice(2, -2))  # Pillow leaves pixels beyond the border out, here the outermost is repeated
    np.testing.assert_allclose(made.pixels(Region(0, 0, height, width))[0][inner], theirs[inner], atol=1e-3)


@pytest.mark.parametrize("zoom", [0.25, 0.3, 0.5, 2])
def test_a_slope_stays_where_it_is_there_and_back(zoom: float) -> None:
    y, x = np.mgrid[:200, :304]
    slope = (y + 2.0 * x).astype(np.float32)
    made, part = zoomed(slope, zoom), Region(40, 60, 80, 100)
    shown = covering(part, zoom, made.size)
    back = spread(made.pixels(shown)[0], shown, part, zoom)
    np.testing.assert_allclose(back[8:-8, 8:-8], slope[part.slices][8:-8, 8:-8], atol=0.2)


def test_labels_come_back_as_squares_at_their_place() -> None:
    labels = np.array([[0, 1], [2, 3]])
    back = nearest(labels, Region(0, 0, 2, 2), Region(0, 0, 8, 8), 0.25)
    np.testing.assert_array_equal(back, np.kron(labels, np.ones((4, 4), int)))
    part = nearest(labels, Region(0, 0, 2, 2), Region(2, 3, 4, 4), 0.25)
    np.testing.assert_array_equal(part, back[2:6, 3:7])
