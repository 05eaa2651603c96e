"""`coverslip samples label-from-stain`: labels, facts and a page to check them; bad input in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from coverslip.read import open_image, read_labels, write_image_tiff

from .conftest import Said, assert_one_sentence

Run = Callable[..., Said]


def stain(*centres: tuple[int, int]) -> np.ndarray:
    y, x = np.mgrid[:80, :100]
    pixels = np.random.default_rng(0).normal(300, 5, (80, 100))
    for cy, cx in centres:
        pixels[(y - cy) ** 2 + (x - cx) ** 2 <= 8**2] += 3000
    return pixels.astype(np.uint16)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two fields of brightfield and DAPI, one with a nucleus at the border, one without any."""
    light = np.random.default_rng(1).integers(900, 1100, (80, 100)).astype(np.uint16)
    for name, centres in (("a", [(20, 20), (50, 60), (0, 80)]), ("b", [])):
        file = tmp_path / f"fields/{name}.tif"
        write_image_tiff(np.stack([light, stain(*centres)]), file, axes="CYX", channels=("BF", "DAPI"))
    return tmp_path / "fields"


def test_labels_a_sheet_facts_and_a_page_are_written(coverslip: Run, images: Path, tmp_path: Path) -> None:
    out = tmp_path / "labelled"
    said = coverslip("samples", "label-from-stain", images, "--stain", "DAPI", "--out", out)
    assert said.code == 0
    assert "3 nuclei in 2 images" in said.out
    assert "Flagged: empty (1)" in said.out
    assert f"coverslip fit unet {out} --out model" in said.out
    assert read_labels(out / "a.labels.tif").labels.max() == 3
    page = (out / "check.html").read_text(encoding="utf-8")
    assert "cut by the border" in page
    # What is flagged comes first.
    assert page.index("b.tif · stain") < page.index("a.tif · stain")
    assert page.count("data:image/webp") == 4  # stain and image of both
    assert sorted(path.name for path in (out / "overlays").iterdir()) == ["a.png", "b.png"]
    with Picture.open(out / "overlays/a.png") as picture:
        assert picture.size == (208, 80)
        coloured = np.asarray(picture.convert("RGB")).astype(int)
    assert (np.ptp(coloured, axis=-1) > 60).sum() > 100  # outlines on grey


def test_settings_come_from_the_command_line(coverslip: Run, images: Path, tmp_path: Path) -> None:
    out = tmp_path / "labelled"
    arguments = ["samples", "label-from-stain", images / "a.tif", "--stain", 1, "--out", out]
    assert coverslip(*arguments, "--set", "min_area=150", "--set", "threshold=otsu").code == 0
    assert read_labels(out / "a.labels.tif").labels.max() == 2  # the one at the border is smaller
    assert_one_sentence(coverslip(*arguments), "exists already", "--force")
    assert coverslip(*arguments, "--force").code == 0
    assert read_labels(out / "a.labels.tif").labels.max() == 3


def test_what_is_asked_wrongly_is_said_in_one_sentence(coverslip: Run, images: Path, tmp_path: Path, out: Path) -> None:
    def refused(*arguments: object, parts: tuple[str, ...]) -> None:
        assert_one_sentence(coverslip("samples", "label-from-stain", *arguments, "--out", out / "x"), *parts)

    refused(images, parts=("2 channels (BF, DAPI)", "say which of them is the stain"))
    refused(images, "--stain", "GFP", parts=("no channel 'GFP'", "BF, DAPI"))
    refused(images, "--stain-column", "source", parts=("no stains in a column 'source'", "image"))
    refused(images, "--stain", "DAPI", "--set", "treshold=otsu", parts=("did you mean 'threshold'",))
    refused(images, "--stain", "DAPI", "--set", "level=2", parts=("level", "less than 1"))
    refused(images, "--stain", "DAPI", "--set", "unit=um", parts=("a.tif does not say how large its pixels are",))
    refused(images, "--stain", "DAPI", "--planes", "best", parts=("planes='best' is not known",))
    refused(tmp_path / "none", "--stain", "DAPI", parts=("does not exist",))
    write_image_tiff(stain()[:50], tmp_path / "small.tif")
    refused(images / "a.tif", "--stain", tmp_path / "small.tif", parts=("50 x 100 pixels", "80 x 100"))


@pytest.mark.data
def test_transmitted_light_with_its_stain(coverslip: Run, data_folder: Path, tmp_path: Path) -> None:
    folder = data_folder / "isl_transmitted_z"
    out = tmp_path / "labelled"
    said = coverslip(
        "samples", "label-from-stain", folder / "transmitted_z.tif", "--stain", folder / "dapi.tif", "--out", out
    )
    assert said.code == 0
    assert read_labels(out / "transmitted_z.labels.tif").labels.shape == open_image(folder / "dapi.tif").shape
    assert (out / "overlays" / "transmitted_z.png").stat().st_size > 100_000
