"""`coverslip samples phantom`: a folder of images whose overlaps and whole masks are known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from coverslip.core.image import PixelSize
from coverslip.read import open_image, read_label_folder, read_labels, read_table, write_image_tiff, write_labels
from coverslip.results.decomposition.folder import read_layers
from coverslip.samples import read_sheet

from .conftest import assert_one_sentence

SMALL = ["--pairs", 3, "--singles", 1, "--size", "170x180"]


@pytest.fixture(scope="module")
def fields(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three fields of nine ellipses, one of them to train on."""
    folder = tmp_path_factory.mktemp("fields")
    y, x = np.mgrid[:130, :150]
    lines = ["image,mask,split"]
    for seed, part in enumerate(("train", "val", "val")):
        rng = np.random.default_rng(seed)
        labels = np.zeros(y.shape, np.int32)
        for number, (row, column) in enumerate(((r, c) for r in (22, 65, 108) for c in (25, 75, 125)), 1):
            labels[((y - row) / rng.uniform(7, 12)) ** 2 + ((x - column) / rng.uniform(7, 12)) ** 2 < 1] = number
        pixels = 20 + ndimage.gaussian_filter(100.0 * (labels > 0), 1) + rng.normal(0, 1.5, y.shape)
        write_image_tiff(pixels.round().astype(np.uint16), folder / f"{seed}.tif", pixel_size=PixelSize(0.5, 0.5))
        write_labels(labels, folder / f"{seed}.tif")
        lines.append(f"{seed}.tif,{seed}.labels.tif,{part}")
    (folder / "sheet.csv").write_text("\n".join(lines))
    return folder


def test_every_phantom_is_written_with_whole_masks(coverslip: Callable, fields: Path, tmp_path: Path) -> None:
    out = tmp_path / "phantoms"
    said = coverslip("samples", "phantom", fields, "--split", "val", "--overlap", "0,0.3,0.6", "--out", out, *SMALL)
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines == [f"3 phantoms with 21 objects: {out}", f"Next: coverslip predict nuclei-fluo-kaizen {out}"]
    sheet = read_sheet(out)
    assert sheet.columns == ("image", "mask", "layers", "overlap", "objects", "source_image")
    assert sheet.column("overlap") == ["0", "0.3", "0.6"]
    assert sheet.column("objects") == ["7"] * 3
    sources = [path.resolve().name for path in sheet.files("source_image")]
    assert sources == ["1.tif", "2.tif", "1.tif"]
    table = read_table(out / "objects.csv")
    found = read_label_folder(out)
    for i, row in enumerate(sheet.rows):
        image = open_image(out / row["image"])
        assert (image.shape, image.dtype, image.pixel_size) == ((170, 180), np.uint16, PixelSize(0.5, 0.5))
        layers, flat = read_layers(found, i), read_labels(out / row["mask"]).labels
        assert layers.shape == (1 if i == 0 else 2, 170, 180)
        np.testing.assert_array_equal(layers.any(axis=0), flat > 0)
        assert ((layers == flat).any(axis=0) | (flat == 0)).all()
        own = {name: column[table["image"] == row["image"]] for name, column in table.items()}
        whole = [(layers == number).any(axis=0) for number in own["label"]]
        assert [mask.sum() for mask in whole] == own["area_px"].tolist()
        for first in (0, 2, 4):
            share = (whole[first] & whole[first + 1]).sum() / own["area_px"][first : first + 2].min()
            assert own["overlap"][first : first + 2].tolist() == pytest.approx([share] * 2)
            assert abs(share - float(row["overlap"])) <= 0.05
        assert own["pair"].tolist() == [1, 1, 2, 2, 3, 3, 0]
    for name, label, area in zip(table["source_image"], table["source_label"], table["area_px"], strict=True):
        labels = read_labels((out / name).with_suffix(".labels.tif")).labels
        assert (labels == label).sum() == area
    assert {Path(name).name for name in table["source_image"]} == {"1.tif", "2.tif"}
    noted = json.loads((out / "provenance.json").read_text())
    assert noted["inputs"]["sheet"] == str(fields / "sheet.csv")
    assert (noted["settings"]["split"], noted["settings"]["seed"], noted["kind"]) == ("val", 0, "labels")


def test_a_folder_of_phantoms_is_taken_by_the_verbs(coverslip: Callable, fields: Path, tmp_path: Path) -> None:
    out = tmp_path / "phantoms"
    assert coverslip("samples", "phantom", fields, "--count", 1, "--overlap", "0.5", "--out", out, *SMALL).code == 0
    assert coverslip("samples", "check", out).code == 0
    assert coverslip("export", out, "--geojson").code == 0
    assert coverslip("evaluate", out, out, "--out", tmp_path / "n.csv").code == 0
    measured = read_table(tmp_path / "n.csv")
    assert dict(zip(measured["measure"], measured["value"], strict=True))["ap50"] == 1
    moved = tmp_path / "elsewhere" / "sheet.csv"
    assert coverslip("samples", "split", out, "--fractions", "1,0,0", "--out", moved).code == 0
    assert read_sheet(moved).file(0, "layers").resolve() == out / "phantom_1.layers.tif"


def test_they_tell_how_well_whole_objects_are_found(coverslip: Callable, fields: Path, tmp_path: Path) -> None:
    out, found = tmp_path / "phantoms", tmp_path / "found"
    assert coverslip("samples", "phantom", fields, "--count", 2, "--overlap", "0.15", "--out", out, *SMALL).code == 0
    assert coverslip("predict", "nuclei-fluo-kaizen", out, "--out", found, "--device", "cpu").code == 0
    said = coverslip("evaluate", found, "--out", tmp_path / "n.csv")
    assert said.code == 0, said.err
    measured = read_table(tmp_path / "n.csv")
    rows = dict(zip(measured["measure"], measured["note"], strict=True))
    assert "2 whole objects" in rows["amodal_iou, overlap 0"]  # one alone in each of two images
    assert "12 whole objects" in rows["amodal_recall, overlap 10 to 20 %"]
    assert "14 whole objects" in rows["amodal_ap50"]
    assert coverslip("evaluate", found, out, "--out", tmp_path / "same.csv").code == 0
    assert read_table(tmp_path / "same.csv")["value"].tolist() == measured["value"].tolist()


def test_the_same_seed_gives_the_same_phantoms(coverslip: Callable, fields: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        options = ("--count", 2, "--seed", seed, "--out", tmp_path / name, *SMALL)
        assert coverslip("samples", "phantom", fields, *options).code == 0
    a, b, c = (open_image(tmp_path / name / "phantom_2.tif").read() for name in "abc")
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--split", "test"], "no row with the split 'test'"),
        (["--split", "mine"], "'mine' is not a split"),
        (["--overlap", "0,1"], "shares from 0 to below 1"),
        (["--overlap", "some"], "'some' is not a list of shares"),
        (["--pairs", "-1"], "0 or more"),
        (["--count", "0"], "1 or more"),
        (["--pairs", "90"], "no room for so many objects"),
        (["--min-area", "9000"], "hold 0 objects of 9000 pixels"),
        (["--channel", "DAPI"], "no channel 'DAPI'"),
    ],
)
def test_what_cannot_be_made_is_one_sentence_and_leaves_nothing(
    coverslip: Callable, fields: Path, out: Path, options: list[str], words: str
) -> None:
    said = coverslip("samples", "phantom", fields, "--out", out / "phantoms", *options)
    assert_one_sentence(said, words)


def test_phantoms_replace_phantoms_only_when_asked_and_fields_never(
    coverslip: Callable, fields: Path, tmp_path: Path
) -> None:
    out = tmp_path / "phantoms"
    make = ("samples", "phantom", fields, "--count", 1, *SMALL, "--out")
    assert coverslip(*make, out).code == 0
    assert_one_sentence(coverslip(*make, out), "exists already")
    assert coverslip(*make, out, "--force").code == 0
    assert_one_sentence(coverslip(*make, fields, "--force"), "holds", "itself, so it is not replaced")
    assert (fields / "0.tif").exists()


def test_a_sheet_without_masks_is_refused_before_images_are_opened(coverslip: Callable, out: Path) -> None:
    sheet = out.parent / "cells.csv"
    sheet.write_text("image\ngone.tif\n")
    assert_one_sentence(coverslip("samples", "phantom", sheet, "--out", out / "phantoms"), "names no masks")


@pytest.mark.data
def test_phantoms_of_real_nuclei(coverslip: Callable, data_folder: Path, tmp_path: Path) -> None:
    rows = read_sheet(data_folder / "bbbc039").subset([100, 101])
    sheet = tmp_path / "fields.csv"
    lines = [f"{rows.file(i)},{rows.file(i, 'mask')}" for i in range(2)]
    sheet.write_text("\n".join(["image,mask", *lines]))
    assert coverslip("samples", "phantom", sheet, "--overlap", "0.4", "--out", tmp_path / "phantoms").code == 0
    found = read_label_folder(tmp_path / "phantoms")
    for i in range(2):
        image, layers = found.image(i).read(), read_layers(found, i)
        assert (image.shape, image.dtype) == ((520, 696), np.uint16)
        assert len(np.unique(layers)) == 41
        twice = (layers > 0).sum(axis=0) == 2
        assert np.median(image[twice]) > np.median(image[(layers > 0).sum(axis=0) == 1])  # light adds up
