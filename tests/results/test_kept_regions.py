"""Regions of a slide store that stay near-lossless."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

import coverslip as cs
from coverslip.cli import main
from coverslip.core import InputError, Region
from coverslip.io import write_image_tiff
from coverslip.results.slide_store.container import Damaged
from coverslip.results.slide_store.originals import packed_pixels, put_pixels
from coverslip.results.slide_store.store import open_store

from .test_slide_stores import HEIGHT, WIDTH, drawn, made, model, slide, whole  # noqa: F401

OUTER = [[450, 400], [600, 400], [600, 560], [450, 560], [450, 400]]  # over the corner of four tiles
HOLE = [[500, 450], [530, 450], [530, 540], [500, 540], [500, 450]]
OVER_THE_EDGE = [[2260, 1250], [2500, 1250], [2500, 1500], [2260, 1500], [2260, 1250]]


def drawn_regions(path: Path, *polygons: Any) -> Path:
    features = [
        {"type": "Feature", "properties": {"name": "of A. Patient"}, "geometry": {"type": "Polygon", "coordinates": c}}
        for c in polygons
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def mask() -> np.ndarray:
    found = np.zeros((HEIGHT, WIDTH), bool)
    found[400:560, 450:600] = True
    found[450:540, 500:530] = False
    found[1250:, 2260:] = True
    return found


@pytest.fixture(scope="module")
def kept(made: Path, model: Path, slide: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    folder = tmp_path_factory.mktemp("kept")
    regions = drawn_regions(folder / "regions.geojson", [OUTER, HOLE], [OVER_THE_EDGE])
    level = open_store(made).facts["level"]
    command = ["predict", str(model), str(slide), "--out", str(folder / "slide.cslip.zarr"), "--set", f"level={level}"]
    assert main([*command, "--set", f"keep_roi={regions}"]) == 0
    return folder / "slide.cslip.zarr"


def test_pixels_in_regions_are_within_two_grey_values_and_all_others_as_without(
    kept: Path,
    whole: np.ndarray,  # noqa: F811
) -> None:
    read = zarr.open_group(str(kept), mode="r")["0"][:].transpose(1, 2, 0)
    off = np.abs(read.astype(int) - drawn()).max(2)
    assert off[mask()].max() == 2
    assert np.abs(whole.astype(int) - drawn())[mask()].max() > 20  # so that it is no codec's doing
    assert np.array_equal(read[~mask()], whole[~mask()])
    for y, x, height, width in ((500, 440, 30, 200), (1290, 2200, 10, 100), (530, 598, 60, 3)):
        window = open_store(kept).slide.read(Region(y, x, height, width))
        assert np.array_equal(window, read[y : y + height, x : x + width])


def test_their_bytes_are_counted_apart(
    kept: Path,
    made: Path,  # noqa: F811
    slide: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    facts, before = open_store(kept).facts, open_store(made).facts
    assert facts["stream_bytes"] == before["stream_bytes"]
    size = sum(path.stat().st_size for path in (kept / "0" / "kept").rglob("*") if path.is_file())
    assert facts["kept"] == {"error": 2, "tiles": 5, "pixels": int(mask().sum()), "bytes": size}
    assert main(["evaluate", str(kept), str(slide), "--set", "tiles=2", "--out", str(tmp_path / "rows.csv")]) == 0
    table = cs.read.read_table(tmp_path / "rows.csv")
    rows = dict(zip(table["measure"], table["value"], strict=True))
    assert rows["largest error, kept regions"] == 2
    assert rows["PSNR, kept regions"] > 42 > 30 > rows["PSNR"]
    assert rows["bytes, kept regions"] == size
    assert "regions kept within 2 grey values" in cs.write_report(kept, tmp_path / "page.html", tiles=1).read_text()


def test_outlines_are_in_the_store_and_nothing_that_was_written_beside_them(kept: Path) -> None:
    text = (kept / "regions.geojson").read_text()
    assert "Patient" not in text
    assert [one["geometry"]["coordinates"] for one in json.loads(text)["features"]] == [[OUTER, HOLE], [OVER_THE_EDGE]]


def test_what_is_missing_or_damaged_is_named_and_the_rest_is_read(kept: Path, tmp_path: Path) -> None:
    store = Path(shutil.copytree(kept, tmp_path / kept.name))
    (store / "0" / "kept" / "0" / "1").unlink()
    path = store / "0" / "kept" / "1" / "0"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    found = open_store(store)
    assert [one.split(" (")[0] for one in found.damage()] == [
        "what is kept in 0/kept/0/1 is missing",
        "what is kept in 0/kept/1/0 is damaged",
    ]
    for y, x, words in ((410, 590, "kept/0/1' is damaged: it is missing"), (550, 455, "kept/1/0' is damaged")):
        with pytest.raises(InputError, match=words):
            found.slide.read(Region(y, x, 20, 20))
    here = Region(410, 455, 20, 20)
    assert np.array_equal(found.slide.read(here), open_store(kept).slide.read(here))


@pytest.mark.parametrize(
    ("coordinates", "words"),
    [
        ([], "holds no outlines"),
        ([[[9000, 9000], [9100, 9000], [9100, 9100]]], "Outline 1 of .* has none of the 1300 x 2300 pixels"),
        ([[[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]]], "full resolution, as QuPath exports them, not in µm or in shares"),
        ([["here"]], "feature 1 is not as GeoJSON has it"),
    ],
)
def test_regions_that_cannot_be_meant_are_refused_in_a_sentence(
    coordinates: Any,
    words: str,
    model: Path,  # noqa: F811
    slide: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    regions = drawn_regions(tmp_path / "regions.geojson", *[coordinates] * bool(coordinates))
    with pytest.raises(InputError, match=words):
        cs.predict(model, slide, level=0, keep_roi=regions)
    with pytest.raises(InputError, match="There is no file"):
        cs.predict(model, slide, level=0, keep_roi=tmp_path / "none.geojson")


def test_of_several_slides_each_has_its_own_regions(
    model: Path,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    slides, regions = tmp_path / "slides", tmp_path / "regions"
    slides.mkdir()
    regions.mkdir()
    for name in ("S21.1", "S21.2"):
        write_image_tiff(drawn()[:200, :300].transpose(2, 0, 1).copy(), slides / f"{name}.tif")
    drawn_regions(regions / "S21.2.geojson", [[[10, 10], [90, 10], [90, 50], [10, 50]]])
    command = ["predict", str(model), str(slides), "--out", str(tmp_path / "stores"), "--set", "level=2"]
    assert main([*command, "--set", f"keep_roi={regions / 'S21.2.geojson'}"]) == 2
    assert "into a folder" in capsys.readouterr().err
    assert main([*command, "--set", f"keep_roi={regions}", "--set", "keep_error=0"]) == 0
    a, b = (open_store(tmp_path / "stores" / f"{name}.cslip.zarr") for name in ("S21.1", "S21.2"))
    assert "kept" not in a.facts
    assert np.array_equal(b.slide.read(Region(10, 10, 40, 80)), drawn()[10:50, 10:90])


def test_a_file_of_pixels_gives_back_those_of_its_mask_alone() -> None:
    rng = np.random.default_rng(0)
    pixels, own = rng.integers(0, 256, (40, 30, 3), np.uint8), Region(512, 1024, 512, 512)
    inside = rng.random((40, 30)) < 0.5
    window = Region(530, 1030, 20, 30)
    for error in (0, 1, 2, 8):
        data = packed_pixels(pixels, inside, (10, 16), error)
        found = np.full((20, 30, 3), 7, np.uint8)
        put_pixels(data, own, window, found)
        seen, within = pixels[8:28, :20], inside[8:28, :20]
        off = np.abs(found[:, 10:].astype(int) - seen)
        assert off[within].max() <= error
        assert (found[:, :10] == 7).all()
        assert (found[:, 10:][~within] == 7).all()
        with pytest.raises(Damaged):
            put_pixels(data[:-3], own, window, found)
