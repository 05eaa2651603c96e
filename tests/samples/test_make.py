from __future__ import annotations

from pathlib import Path

import pytest

from coverslip.core.errors import InputError
from coverslip.samples import make_sheet


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    for name in ("P1/A01_s1_DAPI.tif", "P1/A01_s2_DAPI.tif", "P2/B12_s10_GFP.tif", "P2/overview.tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"not read")
    return tmp_path


def test_a_template_names_the_parts_of_a_file_name(plate: Path) -> None:
    sheet = make_sheet(plate, "{well}_s{site}_{channel}.tif")
    assert sheet.columns == ("image", "well", "site", "channel")
    assert sheet.rows[2] == {"image": "P2/B12_s10_GFP.tif", "well": "B12", "site": "10", "channel": "GFP"}
    assert sheet.notes == ("Left out 1 of 4 images that do not match the pattern: P2/overview.tif.",)


def test_a_template_with_folders_is_compared_with_the_path(plate: Path) -> None:
    sheet = make_sheet(plate, "{plate}/{well}_s{site:d}_*.tif")
    assert [(row["plate"], row["well"], row["site"]) for row in sheet.rows] == [
        ("P1", "A01", "1"),
        ("P1", "A01", "2"),
        ("P2", "B12", "10"),
    ]


def test_a_regular_expression_does_the_same(plate: Path) -> None:
    regex = r"(?P<well>[A-H]\d+)_s(?P<site>\d+)_(?P<channel>\w+)\.tif"
    assert make_sheet(plate, regex).rows == make_sheet(plate, "{well}_s{site}_{channel}.tif").rows


def test_axes_that_no_image_has_are_refused(plate: Path) -> None:
    assert make_sheet(plate, axes="zyx").column("axes") == ["zyx"] * 4
    for axes in ("QYX", "ZY", "CCYX", ""):
        with pytest.raises(InputError, match=f"axes='{axes}' cannot be the axes of an image; use one letter of TCZYX"):
            make_sheet(plate, axes=axes)


def test_a_pixel_size_that_pixels_cannot_have_is_refused(plate: Path) -> None:
    assert make_sheet(plate).with_pixel_size("0.5x0.25").column("pixel_size") == ["0.5x0.25"] * 4
    for size, words in {"abc": "is no number", "-1": "give it in µm", "325": "give it in µm"}.items():
        with pytest.raises(InputError, match=words):
            make_sheet(plate).with_pixel_size(size)


def test_images_that_their_fields_cannot_tell_apart_are_noted(plate: Path) -> None:
    sheet = make_sheet(plate, "{well}_s{}_{channel}.tif")
    assert "1 combination of well, channel stands for more than one image" in sheet.notes[1]


def test_a_class_and_a_group_are_expected_to_hold_many_images(plate: Path) -> None:
    assert not any("more than one image" in note for note in make_sheet(plate, "{group}_s{}_{channel}.tif").notes)


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("{well}.png", "None of the 4 images"),
        ("{well}_{well}.tif", "cannot be read"),
        ("(?P<well>[A-H", "cannot be read"),
        ("{image}.tif", "call it otherwise"),
    ],
)
def test_a_pattern_that_cannot_be_meant_is_refused(plate: Path, pattern: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        make_sheet(plate, pattern)


def test_a_file_is_no_folder(plate: Path) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        make_sheet(plate / "P2" / "overview.tif")
    assert [row["label"] for row in make_sheet(plate).rows] == ["P1", "P1", "P2", "P2"]
