"""Channels are found by name in every image, whatever order a file has them in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import coverslip as cs
from coverslip.core.errors import InputError
from coverslip.core.fields import ArrayFields
from coverslip.core.samples import ArraySamples
from coverslip.read import write_image_tiff
from coverslip.samples import check_sheet, open_fields, open_samples
from coverslip.samples.opening.channels import other_channels, places
from coverslip.samples.opening.planes import pick_channels

VALUES = {"DAPI": 10, "Actin": 20, "GFP": 30, "dapi": 10}


def write(folder: Path, **files: tuple[str, ...]) -> Path:
    """Files whose planes say by their value which channel they are; without names: two planes of 1 and 2."""
    for name, channels in files.items():
        planes = np.stack([np.full((9, 9), VALUES[c], np.uint16) for c in channels or ("DAPI", "Actin")])
        planes[:, 0, 0] += 1
        write_image_tiff(planes, folder / f"{name}.tif", axes="CYX", channels=channels)
    return folder


def values(opened: Any) -> list[list[int]]:
    """The values of the channels of each image, as a method would see them."""
    if hasattr(opened, "pixels"):
        return [opened.pixels(i)[:, 5, 5].tolist() for i in range(len(opened))]
    return opened.read(np.arange(len(opened)))[:, :, 5, 5].tolist()


@pytest.fixture(params=[open_fields, open_samples])
def opener(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_the_same_names_in_another_order_are_reordered(tmp_path: Path, opener: Any) -> None:
    folder = write(tmp_path, a=("DAPI", "Actin"), b=("Actin", "DAPI"), c=("Actin", "dapi"))
    assert values(opener(folder)) == [[10, 20]] * 3
    assert opener(folder).channels == ("DAPI", "Actin")
    assert values(opener(folder, channels=["Actin"])) == [[20]] * 3
    assert values(opener(folder, channels=[1, 0])) == [[20, 10]] * 3  # numbers count as in the first image


def test_a_channel_asked_for_by_name_is_found_beside_any_others(tmp_path: Path, opener: Any) -> None:
    folder = write(tmp_path, a=("DAPI", "Actin"), b=("GFP", "Actin", "DAPI"))
    assert values(opener(folder, channels=["DAPI", "Actin"])) == [[10, 20]] * 2
    with pytest.raises(InputError, match=r"a\.tif: there is no channel 'Cy5'; the channels are: DAPI, Actin"):
        opener(folder, channels=["Cy5"])


def test_other_names_are_refused_unless_channels_are_chosen(tmp_path: Path, opener: Any) -> None:
    folder = write(tmp_path, a=("DAPI", "Actin"), b=("DAPI", "GFP"))
    with pytest.raises(InputError, match=r"b\.tif has the channels DAPI, GFP, but images before it DAPI, Actin"):
        opener(folder)
    assert values(opener(folder, channels=[0, 1])) == [[10, 20], [10, 30]]


def test_images_without_names_are_taken_as_they_are(tmp_path: Path, opener: Any) -> None:
    folder = write(tmp_path, a=(), b=("Actin", "DAPI"))
    assert values(opener(folder)) == [[10, 20], [20, 10]]
    assert opener(folder).channels == ("Actin", "DAPI")


def test_what_a_model_was_fitted_to_is_found_by_name(tmp_path: Path, opener: Any) -> None:
    known = ("DAPI", "Actin")
    assert values(opener(write(tmp_path, a=("Actin", "GFP", "DAPI"), b=("Actin", "DAPI")), expected=known)) == (
        [[10, 20]] * 2
    )
    # Also where it was told by number: the number was one of the images of the fit.
    assert values(opener(tmp_path, channels=[1], expected=("DAPI",))) == [[10]] * 2
    write(tmp_path, a=("DAPI", "GFP"))
    with pytest.raises(InputError, match=r"a\.tif has the channels DAPI, GFP, but the model was fitted to DAPI, Actin"):
        opener(tmp_path, expected=known)


def test_one_channel_of_another_name_is_taken(tmp_path: Path, opener: Any) -> None:
    assert values(opener(write(tmp_path, a=("GFP",)), expected=("DAPI",))) == [[30]]


def test_fields_say_what_each_calls_its_channels(tmp_path: Path) -> None:
    fields = open_fields(write(tmp_path, a=("DAPI", "Actin"), b=("GFP", "DAPI")), channels=[1])
    assert [fields.channels_of(i) for i in range(2)] == [("Actin",), ("DAPI",)]


def test_what_is_in_memory_must_have_the_order_of_the_model() -> None:
    fields = ArrayFields([np.zeros((2, 9, 9))], channels=("Actin", "DAPI"))
    samples = ArraySamples(np.zeros((3, 2, 9, 9)), channels=("Actin", "DAPI"))
    for opener, given in ((open_fields, fields), (open_samples, samples)):
        assert opener(given, expected=("Actin", "DAPI")) is given  # type: ignore[operator]
        with pytest.raises(InputError, match="give them in this order"):
            opener(given, expected=("DAPI", "Actin"))  # type: ignore[operator]


def test_the_check_says_where_channels_are_named_otherwise(tmp_path: Path) -> None:
    report = check_sheet(write(tmp_path, a=("DAPI", "Actin"), b=("Actin", "DAPI"), c=("DAPI", "Actin")))
    assert [(p.severity, p.kind) for p in report.problems if "channels" in p.kind] == [("warning", "order of channels")]
    report = check_sheet(write(tmp_path, b=("Actin", "GFP")))
    (problem,) = report.errors
    assert "b.tif has the channels Actin, GFP" in problem.text


def test_places_are_unclear_where_names_are_not_unique() -> None:
    assert places(("a", "b"), ("B ", "a")) == [1, 0]
    assert places(("a", "a"), ("a", "a")) == [0, 1]
    assert places(("a", "A"), ("a",)) is None
    assert places(("a", "b"), ("c",)) is None


@pytest.mark.parametrize(
    ("ground", "names", "said"),
    [
        (230, ("red", "green", "blue"), "taken in transmitted light"),
        (10, ("red", "green", "blue"), "on a dark ground"),
        (230, ("DAPI", "GFP", "RFP"), "choose them with --channels"),
    ],
)
def test_a_picture_in_colours_is_no_set_of_stains(ground: int, names: tuple[str, ...], said: str) -> None:
    image = cs.Image.from_array(np.full((3, 40, 50), ground, np.uint8), channels=names, source="slide.png")
    sentence = other_channels(cs.samples.open_fields(image), 0, 1)
    assert f"has 3 channels ({', '.join(names)}), but the model was fitted to 1: " in sentence
    assert said in sentence


def test_capitals_of_channels_make_no_difference() -> None:
    assert pick_channels(("DAPI", "gfp"), 2, ["dapi", "GFP"], "a.tif") == [0, 1]
    with pytest.raises(InputError, match="no channel 'dapi'"):  # which of the two is unclear
        pick_channels(("DAPI", "Dapi"), 2, ["dapi"], "a.tif")


@pytest.mark.parametrize("wanted", [[0, 0], ["DAPI", 1, "0"], ["gfp", "GFP"]])
def test_a_channel_is_not_taken_twice(wanted: list[str | int]) -> None:
    with pytest.raises(InputError, match=f"the channel '{wanted[0]}' is asked for twice; name each once"):
        pick_channels(("DAPI", "GFP"), 2, wanted, "a.tif")
