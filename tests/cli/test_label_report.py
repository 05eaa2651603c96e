"""`coverslip report` of label images: the worst first where the truth is known, else the most suspicious."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coverslip.core.image import PixelSize
from coverslip.core.results import LabelMap
from coverslip.measure import object_table
from coverslip.read import open_image, write_image_tiff, write_label_file, write_label_folder, write_labels

from .conftest import assert_one_sentence

SIDE = 60


def discs(*places: tuple[int, int, int]) -> np.ndarray:
    """Discs numbered from 1, each by row, column and radius."""
    y, x = np.mgrid[:SIDE, :SIDE]
    labels = np.zeros((SIDE, SIDE), np.uint16)
    for number, (row, column, radius) in enumerate(places, 1):
        labels[(y - row) ** 2 + (x - column) ** 2 <= radius**2] = number
    return labels


GRID = [(row, column, 4) for row in (10, 25, 40) for column in (10, 25, 40)]
TRUE = {"good": discs(*GRID), "bad": discs(*GRID), "empty": discs(), "none": discs(*GRID[:2])}
FOUND = {
    "good": discs(*GRID),
    "bad": discs(*GRID[:5], (50, 50, 9)),  # four missed, one false, large and unlike the others
    "empty": discs(),
    "none": discs(),
}


def written(folder: Path, with_truth: bool) -> Path:
    """A folder of labels of four images, with the images (and masks) that it was made from."""
    rows, results = [], []
    for name, labels in TRUE.items():
        pixels = np.where(labels > 0, 900, 100).astype(np.uint16)
        write_image_tiff(pixels, folder / f"{name}.tif", pixel_size=PixelSize(0.5, 0.5))
        row = {"image": f"{name}.tif", "group": "A" if name in ("good", "bad") else "B"}
        if with_truth:
            write_labels(labels, folder / f"{name}-mask.tif")
            row["mask"] = f"{name}-mask.labels.tif"
        found = LabelMap(FOUND[name], str(folder / f"{name}.tif"), PixelSize(0.5, 0.5))
        rows.append(row)
        results.append((found, object_table(found, pixels, ["DAPI"])))
    write_label_folder(results, folder / "labels", rows, folder, provenance={"method": "by hand"})
    return folder / "labels"


def data_of(path: Path) -> dict[str, Any]:
    (text,) = re.findall(r'id="data">(.*?)</script>', path.read_text(encoding="utf-8"))
    return json.loads(text)


def table_of(path: Path) -> dict[str, list[Any]]:
    return {column["name"]: column["values"] for column in data_of(path)["columns"]}


def test_the_masks_of_the_sheet_are_the_truth(coverslip: Callable, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    said = coverslip("report", written(tmp_path, True), "--out", page, "--figures", tmp_path / "figures")
    assert (said.code, said.out) == (0, f"Open {page} in a browser.\n")
    shots = data_of(page)["shots"]
    assert [(shot["name"], shot["note"]) for shot in shots] == [
        ("none.tif", "AP 0.00 · 0 right, 0 false, 2 missed"),
        ("bad.tif", "AP 0.50 · 5 right, 1 false, 4 missed"),
        ("good.tif", "AP 1.00 · 9 right, 0 false, 0 missed"),
        ("empty.tif", "AP 1.00 · 0 right, 0 false, 0 missed"),
    ]
    table = table_of(page)
    assert table["image"] == ["good.tif", "bad.tif", "empty.tif", "none.tif"]
    assert table["group"] == ["A", "A", "B", "B"]
    assert table["found"] == [9, 6, 0, 0]
    assert table["AP@0.5"] == [1, 0.5, 1, 0]
    assert table["diameter, µm"][3] is None
    html = page.read_text(encoding="utf-8")
    assert "<dd>0.667" in html  # 14 right, 1 false, 6 missed
    assert "<td>ap50</td>" in html
    figures = sorted(path.stem for path in (tmp_path / "figures").iterdir())
    assert {"average-precision-by-iou", "true-and-found-counts", "sizes-and-shapes", "intensities"} <= set(figures)


def test_without_a_truth_the_most_suspicious_come_first(coverslip: Callable, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert coverslip("report", written(tmp_path, False), "--out", page).code == 0
    shots = data_of(page)["shots"]
    assert [shot["name"] for shot in shots] == ["empty.tif", "none.tif", "bad.tif", "good.tif"]
    assert shots[2]["note"] == "6 found · 1 odd"
    table = table_of(page)
    assert table["odd"] == [0, 1, 0, 0]
    assert "AP@0.5" not in table
    assert "No truth was given" in page.read_text(encoding="utf-8")


def test_the_truth_may_be_a_sheet_and_of_some_images_only(coverslip: Callable, tmp_path: Path) -> None:
    labels = written(tmp_path, False)
    write_labels(TRUE["bad"], tmp_path / "truth" / "bad.tif")
    sheet = tmp_path / "truth.csv"
    sheet.write_text("image,mask\nbad.tif,truth/bad.labels.tif\n")
    page = tmp_path / "report.html"
    assert coverslip("report", labels, "--truth", sheet, "--out", page).code == 0
    assert data_of(page)["shots"][0]["name"] == "bad.tif"
    assert table_of(page)["missed"] == [None, 4, None, None]
    assert "3 of 4 images have no truth and come last." in page.read_text(encoding="utf-8")


def test_a_single_label_image_is_reported_too(coverslip: Callable, tmp_path: Path) -> None:
    labels = written(tmp_path, True)
    found = LabelMap(FOUND["bad"], str(tmp_path / "bad.tif"))
    write_label_file(found, tmp_path / "one" / "bad.labels.tif")
    page = tmp_path / "report.html"
    truth = tmp_path / "bad-mask.labels.tif"
    assert coverslip("report", tmp_path / "one" / "bad.labels.tif", "--truth", truth, "--out", page).code == 0
    assert [shot["note"] for shot in data_of(page)["shots"]] == ["AP 0.50 · 5 right, 1 false, 4 missed"]
    assert labels.is_dir()


def test_images_that_have_moved_are_said_or_named(coverslip: Callable, tmp_path: Path) -> None:
    labels = written(tmp_path / "data", True)
    labels.rename(tmp_path / "labels")
    page = tmp_path / "report.html"
    assert coverslip("report", tmp_path / "labels", "--out", page).code == 0
    html = page.read_text(encoding="utf-8")
    assert "The images are not shown:" in html
    assert "Nothing is measured, because the masks of the sheet have moved" in html
    assert coverslip("report", tmp_path / "labels", "--images", tmp_path / "data", "--out", page, "--force").code == 0
    assert "The images are not shown" not in page.read_text(encoding="utf-8")


def test_details_of_large_images_show_where_most_is_wrong(coverslip: Callable, tmp_path: Path) -> None:
    labels = np.zeros((1500, 1500), np.uint16)
    for number in range(1, 26):
        row, column = divmod(number - 1, 5)
        labels[row * 290 + 20 : row * 290 + 60, column * 290 + 20 : column * 290 + 60] = number
    true = labels.copy()
    true[710:740, 1410:1440], true[760:790, 1410:1440] = 30, 31
    write_image_tiff(np.where(true > 0, 200, 10).astype(np.uint8), tmp_path / "a.tif")
    write_label_file(LabelMap(labels, str(tmp_path / "a.tif")), tmp_path / "a.labels.tif")
    write_labels(true, tmp_path / "true.tif")
    page = tmp_path / "report.html"
    arguments = ["report", tmp_path / "a.labels.tif", "--truth", tmp_path / "true.labels.tif", "--out", page]
    assert coverslip(*arguments).code == 0
    whole, detail = data_of(page)["shots"]
    assert (whole["name"], detail["name"]) == ("a.tif", "a.tif, from row 700, column 1400")
    assert detail["note"] == "2 false or missed here"
    assert (detail["width"], detail["height"]) == (100, 700)


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--truth", "absent.csv"], ["absent.csv does not exist"]),
        (["--truth", "small/good.labels.tif"], ["good.labels.tif", "2 x 2 pixels but the prediction 60 x 60"]),
        (["--group", "donor"], ["no column 'donor'", "it has: image, mask, group"]),
        (["--umap"], ["option 'umap' is for an embedding"]),
        (["--images", "labels"], ["there is no image", "has moved to"]),
        (["--model", "absent"], ["absent"]),
    ],
)
def test_a_wrong_wish_is_one_sentence_and_leaves_nothing(
    coverslip: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], parts: list[str]
) -> None:
    labels = written(tmp_path, True)
    monkeypatch.chdir(tmp_path)
    write_labels(np.ones((2, 2), np.uint8), tmp_path / "small" / "good.tif")
    said = coverslip("report", labels, "--out", "report.html", *options)
    assert_one_sentence(said, *parts)
    assert not (tmp_path / "report.html").exists()


def test_an_embedding_takes_no_truth(coverslip: Callable, tmp_path: Path) -> None:
    from coverslip.core.results import Embedding
    from coverslip.read import write_embedding

    cells = write_embedding(Embedding.from_arrays(np.eye(6), {"a": np.arange(6)}), tmp_path / "cells.h5ad")
    said = coverslip("report", cells, "--truth", tmp_path, "--out", tmp_path / "report.html")
    assert_one_sentence(said, "holds an embedding", "option 'truth' is for")


@pytest.mark.data
def test_real_nuclei_from_sheet_to_page(coverslip: Callable, data_folder: Path, tmp_path: Path) -> None:
    """Three fields, segmented classically, exported and reported against their masks."""
    from coverslip.samples import find_nuclei, read_sheet

    sheet = read_sheet(data_folder / "bbbc039").subset([0, 1, 2])
    results = []
    for i in range(3):
        image = open_image(sheet.file(i))
        labels = find_nuclei(image)
        results.append((labels, object_table(labels, image.read())))
    write_label_folder(results, tmp_path / "labels", sheet.rows, sheet.folder)
    page = tmp_path / "report.html"
    assert coverslip("report", tmp_path / "labels", "--out", page).code == 0
    table = table_of(page)
    assert min(table["AP@0.5"]) > 0.6
    assert page.stat().st_size < 1e6
    assert coverslip("export", tmp_path / "labels", "--csv", "--geojson").code == 0
    with open(tmp_path / "labels.objects.csv") as stream:
        objects = list(csv.DictReader(stream))
    assert len(objects) == sum(table["found"])
    assert all(float(row["solidity"]) <= 1 for row in objects)
