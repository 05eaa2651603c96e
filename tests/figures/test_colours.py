"""The colours stay apart, for every reader."""

from __future__ import annotations

import numpy as np
import pytest

from coverslip.core.errors import InputError
from coverslip.figures.colours import CATEGORIES, GREY, channel_colours, to_rgb

# Machado, Oliveira and Fernandes (2009), severity 1.0, for linear RGB.
VISION = {
    "usual": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


@pytest.mark.parametrize("vision", VISION)
def test_any_two_categories_differ_for_every_kind_of_colour_vision(vision: str) -> None:
    from skimage.color import deltaE_ciede2000, rgb2lab

    rgb = to_rgb(CATEGORIES).astype(float)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.transpose(VISION[vision]), 0, 1)
    seen = np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)
    lab = rgb2lab(seen[None])[0]
    apart = deltaE_ciede2000(lab[:, None], lab[None])
    assert apart[np.triu_indices(len(rgb), 1)].min() > 11.5


def test_a_single_channel_is_grey() -> None:
    assert channel_colours(1, ["GFP"]) == (GREY,)


@pytest.mark.parametrize("count", [2, 3, 5, 6])
def test_channels_without_names_have_colours_of_their_own(count: int) -> None:
    assert len(set(channel_colours(count))) == count


def test_more_channels_than_colours_still_all_get_one() -> None:
    assert len(channel_colours(15)) == 15


def test_names_decide_the_colour() -> None:
    assert channel_colours(3, ["Brightfield", "GFP", "mCherry"]) == (GREY, "#35e04b", "#ff3ea5")


def test_two_stains_of_one_colour_do_not_share_it() -> None:
    assert len(set(channel_colours(2, ["DAPI", "Hoechst"]))) == 2


def test_a_colour_that_is_none_is_named() -> None:
    with pytest.raises(InputError, match="'red' is not a colour"):
        to_rgb(["red"])
