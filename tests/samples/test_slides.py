"""Tissue of slides, and patches of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import coverslip as cs
from coverslip.cli import main
from coverslip.core import InputError, Region
from coverslip.io import Slide, write_image_tiff
from coverslip.samples import find_tissue, patch_sheet, read_sheet
from coverslip.samples.slides.patches import drawn_patches, tissue_grid
from coverslip.samples.slides.tissue import overview, shrunk

GLASS = (240, 238, 241)


def pixels() -> np.ndarray:
    """A slide ``(H, W, 3)``: glass with noise, a square of tissue from 256 to 768, and a strip that was not scanned."""
    rng = np.random.default_rng(0)
    slide = np.clip(np.array(GLASS) + rng.normal(0, 2, (1024, 1024, 3)), 0, 253).astype(np.uint8)
    slide[256:768, 256:768] = rng.integers(90, 200, (512, 512, 3))
    slide[:, 960:] = 255
    return slide


@pytest.fixture(scope="module")
def slide() -> Slide:
    return Slide((cs.Image.from_array(pixels().transpose(2, 0, 1)),))


def test_tissue_is_what_is_unlike_the_glass(slide: Slide) -> None:
    tissue = find_tissue(slide)
    assert tissue.glass is not None
    assert np.abs(tissue.glass.astype(int) - GLASS).max() <= 1
    assert tissue.share(Region(256, 256, 512, 512)) == 1
    assert tissue.share(Region(0, 0, 200, 900)) == 0
    assert tissue.share(Region(0, 970, 1024, 54)) == 0
    assert tissue.is_glass(pixels()[:200, :200])
    assert not tissue.is_glass(pixels()[240:300, 240:300])


def test_a_slide_without_glass_is_tissue_everywhere() -> None:
    dark = Slide((cs.Image.from_array(np.full((3, 256, 256), 120, np.uint8)),))
    tissue = find_tissue(dark)
    assert tissue.glass is None
    assert tissue.mask.all()
    assert not tissue.is_glass(np.full((8, 8, 3), 120, np.uint8))


def test_an_overview_is_made_of_means(slide: Slide) -> None:
    found, factor = overview(slide, 16)
    assert factor == 16
    assert found.shape == (64, 64, 3)
    assert np.array_equal(found, shrunk(pixels(), 16))
    assert np.array_equal(shrunk(np.array([[[0], [10], [40]]], np.uint8), 2)[..., 0], [[5, 40]])


def test_patches_are_tissue_do_not_overlap_and_follow_the_seed(slide: Slide) -> None:
    tissue = find_tissue(slide)
    every = tissue_grid(slide, tissue, 128)
    assert [(r.y, r.x) for r in every] == [(y, x) for y in range(256, 768, 128) for x in range(256, 768, 128)]
    some = drawn_patches(slide, tissue, 5, 128, seed=3)
    assert len({(r.y, r.x) for r in some}) == 5
    assert some == drawn_patches(slide, tissue, 5, 128, seed=3)
    assert some != drawn_patches(slide, tissue, 5, 128, seed=4)
    assert drawn_patches(slide, tissue, 99, 128) == every


def test_patches_of_a_folder_are_files_with_their_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "slides"
    folder.mkdir()
    write_image_tiff(pixels().transpose(2, 0, 1).copy(), folder / "one.tif")
    write_image_tiff(np.full((3, 300, 300), 240, np.uint8), folder / "blank.tif")
    (folder / "empty.svs").write_bytes(b"")
    command = ["samples", "patches", str(folder), "--out", str(tmp_path / "out"), "--size", "128", "--count", "4"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "blank.tif is left out" in said
    assert "empty.svs is left out" in said
    sheet = read_sheet(tmp_path / "out")
    assert len(sheet) == 4
    for row in sheet.rows:
        patch = cs.open_image(tmp_path / "out" / row["image"]).read().transpose(1, 2, 0)
        y, x = int(row["patch_y_px"]), int(row["patch_x_px"])
        assert np.array_equal(patch, pixels()[y : y + 128, x : x + 128])
        assert (row["group"], row["tissue"]) == ("one", "1.000")


def test_slides_without_tissue_are_an_error(tmp_path: Path) -> None:
    write_image_tiff(np.full((3, 300, 300), 240, np.uint8), tmp_path / "blank.tif")
    with pytest.raises(InputError, match="no square of 256 pixels of it is tissue"):
        patch_sheet(read_sheet(tmp_path / "blank.tif"), tmp_path / "out")
    assert not (tmp_path / "out").exists()
