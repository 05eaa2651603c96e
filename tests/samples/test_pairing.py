"""One rule finds the mask of each image in a folder; what has no pair, and what was left out, is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coverslip.core.errors import InputError
from coverslip.io.listing import contents
from coverslip.read import write_image_tiff, write_labels
from coverslip.samples import check_sheet, make_sheet, read_sheet
from coverslip.samples.sheets.pairing import pair


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def masks(folder: Path, beside: bool = False) -> dict[str, str]:
    pairs = pair(contents(folder), beside)
    return {
        image.relative_to(folder).as_posix(): pairs.masks[image].relative_to(folder).as_posix()
        if image in pairs.masks
        else ""
        for image in pairs.images
    }


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("images/a.ome.tif", "masks/a.tif"),
        ("images/a.ome.tif", "masks/a.ome.tif"),
        ("images/a.ome.tif", "masks/a.labels.tif"),
        ("images/a.tif", "masks/a_cp_masks.tif"),
        ("images/a.tif", "masks/a_seg.npy"),
        ("images/a.tif", "masks/a_mask.png"),
        ("images/a.tif", "masks/a.geojson"),
        ("images/a.tif", "masks/a_RoiSet.zip"),
        ("Images/A.tif", "Masks/a.tif"),
        ("a.tif", "masks/a.tif"),
        ("dapi/a.tif", "labels/a.tif"),
        ("images/P1/a.tif", "masks/P1/a.tif"),
        ("train/images/a.tif", "train/masks/a.tif"),
    ],
)
def test_an_image_finds_its_mask(tmp_path: Path, image: str, mask: str) -> None:
    put(tmp_path, image, mask)
    assert masks(tmp_path) == {image: mask}
    assert make_sheet(tmp_path, "{name}.tif").rows[0]["mask"] == mask


def test_accents_written_apart_are_the_same_name(tmp_path: Path) -> None:
    put(tmp_path, "images/zähl.tif", "masks/za\u0308hl.tif")
    assert list(masks(tmp_path).values()) == ["masks/za\u0308hl.tif"]


def test_label_images_come_before_outlines_and_the_whole_name_before_a_part(tmp_path: Path) -> None:
    put(tmp_path, "images/a.tif", "images/a_mask.tif", "masks/a.tif", "masks/a.zip", "masks/a_mask.tif")
    put(tmp_path, "images/b.tif", "masks/b.png", "masks/b.zip")
    # a_mask.tif beside a.tif is taken for a mask of it, not for an image.
    assert masks(tmp_path) == {"images/a.tif": "masks/a.tif", "images/b.tif": "masks/b.png"}


def test_of_masks_that_would_do_equally_well_none_is_chosen(tmp_path: Path) -> None:
    put(tmp_path, "images/a.tif", "masks/a.png", "masks/a.bmp")
    assert masks(tmp_path) == {"images/a.tif": ""}
    notes = read_sheet(tmp_path).notes
    assert "Left out 2 masks (masks/a.bmp, masks/a.png)" in notes[0]
    assert "Found no mask for 1 image (images/a.tif)" in notes[1]


def test_masks_beside_images_are_offered_by_make_only(tmp_path: Path) -> None:
    put(tmp_path, *(f"{n}{rest}" for n in "ab" for rest in (".tif", "_seg.npy", "_cp_masks.png", "_thumb0001.tif")))
    made = make_sheet(tmp_path)
    assert made.rows == [{"image": f"{n}.tif", "mask": f"{n}_cp_masks.png"} for n in "ab"]
    assert "2 results (a_thumb0001.tif, b_thumb0001.tif) of programs" in made.notes[0]
    sheet = read_sheet(tmp_path)
    assert sheet.rows == [{"image": "a.tif"}, {"image": "b.tif"}]
    assert "Left out 4 masks (a_cp_masks.png, a_seg.npy, b_cp_masks.png, …)" in sheet.notes[0]
    assert "coverslip samples make" in sheet.notes[0]


def test_images_beside_a_folder_of_images_are_all_taken(tmp_path: Path) -> None:
    put(tmp_path, "a.tif", "plate1/b.tif", "plate1/c.tif")
    sheet = read_sheet(tmp_path)
    assert sheet.rows == [{"image": "a.tif"}, {"image": "plate1/b.tif"}, {"image": "plate1/c.tif"}]
    assert "the folders give no labels" in sheet.notes[0]


def test_other_formats_are_named_with_a_way_out(tmp_path: Path) -> None:
    put(tmp_path, "a.tif", "f.oib", "g.vsi")
    assert read_sheet(tmp_path).notes == (
        "Left out 2 files (f.oib, g.vsi) of formats that are not read; export it as OME-TIFF (Fiji with Bio-Formats "
        "opens most formats).",
    )
    (tmp_path / "a.tif").unlink()
    with pytest.raises(InputError, match=r"only 2 other files \(\.oib, \.vsi\); .* OME-TIFF"):
        read_sheet(tmp_path)


def test_one_image_is_a_sheet(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 999, (16, 16), np.uint16)
    file = write_image_tiff(pixels, tmp_path / "a.tif")
    assert read_sheet(file).rows == [{"image": "a.tif"}]
    assert check_sheet(file).summary["shapes"] == {"YX 16 x 16": 1}


def test_check_says_what_was_left_out_and_what_has_no_pair(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in "ab":
        write_image_tiff(rng.integers(0, 999, (16, 16), np.uint16), tmp_path / "images" / f"{name}.tif")
    write_labels(np.eye(16, dtype=np.uint8), tmp_path / "masks" / "a.tif")
    write_labels(np.eye(16, dtype=np.uint8), tmp_path / "masks" / "c.tif")
    put(tmp_path, "images/f.oib")
    said = "\n".join(check_sheet(tmp_path).lines())
    for part in ("images/f.oib", "masks/c.labels.tif", "Found no mask for 1 image (images/b.tif)", "b.tif has no mask"):
        assert part in said
