"""A folder as labs have them: check names each trouble in a sentence; predict does the rest and lists the others."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from coverslip.read import write_image_tiff, write_labels

from ..unet.blobs import blob_fields
from .conftest import assert_one_sentence

LEFT_OUT = {
    "empty.tif": "is empty (0 bytes)",
    "short.tif": "copy it again from its source",
    "text.tif": "is not an image",
    "nan.tif": "pixels that are NaN or infinite",
    "pages.tif": "does not say whether they are channels, focal planes or time points",
    "pixel.tif": "is 1 x 1 pixels",
    "gone.tif": "gone.tif",
    "colour.tif": "channel",
    "old.oib": "formats that are not read",
    "a_cp_masks.tif": "beside images",
    "a_flows.tif": "of programs, which are no images",
}
"""What nothing can be found in, and what is said of it."""

WARNED = {
    "b.tif": "holds the same pixels as",
    "constant.tif": "has the value 7 everywhere",
    "saturated.tif": "% of its pixels at the highest value, 65535",
    "plate1": "the folders give no labels",
}
"""What objects can be found in, or none, but check speaks of it."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "fields"
    pixels = [blob_fields(1, (64, 64), seed=40 + i).pixels(0)[0].astype(np.uint16) for i in range(5)]
    for name, array in zip(("a", "c", "plate1/d", "short"), pixels, strict=False):
        write_image_tiff(array, folder / f"{name}.tif")
    shutil.copy(folder / "a.tif", folder / "b.tif")
    (folder / "empty.tif").touch()
    (folder / "short.tif").write_bytes((folder / "short.tif").read_bytes()[:900])
    (folder / "text.tif").write_text("a list of cells")
    (folder / "gone.tif").symlink_to(folder / "nowhere.tif")
    (folder / "old.oib").write_bytes(b"\xd0\xcf\x11\xe0")
    (folder / "notes.txt").write_text("of nobody's concern")
    nan = pixels[0].astype(np.float32)
    nan[3, 4] = np.nan
    write_image_tiff(nan, folder / "nan.tif")
    bright = pixels[4].copy()
    bright[:8] = 65535
    write_image_tiff(bright, folder / "saturated.tif")
    write_image_tiff(np.full((64, 64), 7, np.uint16), folder / "constant.tif")
    write_image_tiff(np.ones((1, 1), np.uint16), folder / "pixel.tif")
    write_image_tiff(np.stack(pixels[:3]), folder / "colour.tif", axes="CYX")
    tifffile.imwrite(folder / "pages.tif", np.stack(pixels[:3]), photometric="minisblack", metadata=None)
    for name in ("a_cp_masks", "a_flows"):
        tifffile.imwrite(folder / f"{name}.tif", (pixels[0] > 9).astype(np.uint8))
    return folder


def test_check_names_each_trouble_in_a_sentence(coverslip: Callable, folder: Path) -> None:
    said = coverslip("samples", "check", folder)
    assert said.code == 2
    lines = said.err.splitlines()
    assert all(line.startswith(("error: ", "warning: ")) and line.endswith((".", "?")) for line in lines)
    for name, words in {**LEFT_OUT, **WARNED, "colour.tif": "has axes CYX"}.items():
        assert any(name in line and words in line for line in lines), f"{name}: {words}\n{said.err}"
    assert "notes.txt" not in said.err


def test_predict_does_the_rest_and_lists_what_it_left_out(
    coverslip: Callable, tiny_model: Path, folder: Path, tmp_path: Path
) -> None:
    said = coverslip("predict", tiny_model, folder, "--out", tmp_path / "labels", "--device", "cpu")
    assert said.code == 0
    found = {path.name.removesuffix(".labels.tif") for path in (tmp_path / "labels").glob("*.labels.tif")}
    assert found == {"a", "b", "c", "d", "saturated", "constant"}
    notes = [line for line in said.out.splitlines() if line.startswith("Note: ")]
    for name, words in LEFT_OUT.items():
        assert any(name in note and words in note for note in notes), f"{name}: {words}\n{said.out}"
    assert "Left out 8 of 14 images." in said.out
    assert coverslip("samples", "check", tmp_path / "labels").code == 2  # of the constant image


def test_a_sheet_means_all_its_rows(coverslip: Callable, tiny_model: Path, folder: Path, out: Path) -> None:
    (folder / "sheet.csv").write_text("image\na.tif\nempty.tif\n")
    said = coverslip("predict", tiny_model, folder, "--out", out / "labels", "--device", "cpu")
    assert_one_sentence(said, "row 3", "empty.tif is empty")


def test_a_folder_of_nothing_usable_is_refused(
    coverslip: Callable, tiny_model: Path, tmp_path: Path, out: Path
) -> None:
    (tmp_path / "fields").mkdir()
    (tmp_path / "fields" / "a.tif").touch()
    said = coverslip("predict", tiny_model, tmp_path / "fields", "--out", out / "labels", "--device", "cpu")
    assert_one_sentence(said, "a.tif is empty")


def test_check_takes_one_image_and_a_zarr(coverslip: Callable, folder: Path, tmp_path: Path) -> None:
    from coverslip.read import write_image_zarr

    write_image_zarr(tifffile.imread(folder / "a.tif"), tmp_path / "a.zarr")
    for path in (folder / "a.tif", tmp_path / "a.zarr"):
        said = coverslip("samples", "check", path)
        assert said.code == 0
        assert "shapes: YX 64 x 64 (1)" in said.out
    assert coverslip("samples", "check", folder / "empty.tif").code == 2


def test_crop_says_that_a_mask_does_not_number_its_objects(coverslip: Callable, folder: Path, tmp_path: Path) -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[4:12, 4:12] = mask[40:48, 40:48] = 255
    write_labels(mask, tmp_path / "a.tif")
    (tmp_path / "fields.csv").write_text("image,mask\nfields/a.tif,a.labels.tif\n")
    said = coverslip("samples", "crop", tmp_path / "fields.csv", "--size", 16, "--out", tmp_path / "crops")
    assert said.code == 0
    assert "Note: The mask" in said.out
    assert "holds one number only, 255 (2 pieces)" in said.out
