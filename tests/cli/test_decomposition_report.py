"""`coverslip report` of decompositions: the least explained first, or the worst where the truth is known."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coverslip.core.image import PixelSize
from coverslip.read import write_decomposition_folder, write_image_tiff, write_labels

from ..results.overlaps import DISCS, decomposition_of_discs
from .conftest import assert_one_sentence

SIZE = (40, 48)

FOUND = {"one": DISCS[:1], "four": DISCS, "none": []}
"""Discs that were found in each of three images."""


def written(folder: Path, with_truth: bool = False) -> Path:
    """A folder of decompositions of three images: in the first three of four discs are forgotten, the last is empty."""
    rows, found = [], []
    for name, discs in FOUND.items():
        result, image = decomposition_of_discs(
            discs, source=str(folder / f"{name}.tif"), pixel_size=PixelSize(0.5, 0.5)
        )
        _, full = decomposition_of_discs([] if name == "none" else DISCS)
        if name == "one":
            image = full
            result.rounds["explained"][:] = [0.2, 0.3]
        if name == "none":
            result.rounds["explained"][:] = 0
        write_image_tiff(image, folder / f"{name}.tif")
        row = {"image": f"{name}.tif", "mask": ""}
        if with_truth:
            true = decomposition_of_discs(DISCS[:2] if name == "four" else discs)[0].labels
            write_labels(true.astype(np.uint16), folder / f"{name}-mask.tif")
            row["mask"] = f"{name}-mask.labels.tif"
        rows.append(row)
        found.append((replace(result, provenance={}), image))
    write_decomposition_folder(found, folder / "result", rows, folder, provenance={"method": "kaizen"})
    return folder / "result"


def data_of(path: Path) -> dict[str, Any]:
    (text,) = re.findall(r'id="data">(.*?)</script>', path.read_text(encoding="utf-8"))
    return json.loads(text)


def table_of(path: Path) -> dict[str, list[Any]]:
    return {column["name"]: column["values"] for column in data_of(path)["columns"]}


def test_the_least_explained_comes_first_and_nothing_to_explain_last(coverslip: Callable, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    said = coverslip("report", written(tmp_path), "--out", page)
    assert (said.code, said.out) == (0, f"Open {page} in a browser.\n")
    assert [(image["name"], image["note"], image["row"]) for image in data_of(page)["images"]] == [
        ("one.tif", "30.0 % explained · 1 object", 0),
        ("four.tif", "91.0 % explained · 4 objects", 1),
        ("none.tif", "nothing to explain", 2),
    ]
    table = table_of(page)
    assert table["explained, %"] == [30, 91, None]
    assert table["objects"] == [1, 4, 0]
    assert table["overlapping"] == [0, 2, 0]
    assert table["regions left"] == [2, 0, 0]  # the second disc overlapped the first: it was three that were forgotten
    html = page.read_text(encoding="utf-8")
    assert '<dd>60.5 %<span class="interval">30.0 – 91.0 %</span></dd>' in html
    assert "The least explained first." in html


def test_with_a_truth_the_worst_comes_first_and_objects_say_whether_they_match(
    coverslip: Callable, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    assert coverslip("report", written(tmp_path, with_truth=True), "--out", page).code == 0
    images = data_of(page)["images"]
    assert [image["name"] for image in images] == ["four.tif", "one.tif", "none.tif"]
    assert images[0]["note"] == "91.0 % explained · 4 objects · AP 0.50"
    assert images[0]["objects"]["right"] == [True, True, False, False]
    assert table_of(page)["AP@0.5"] == [1, 0.5, 1]
    assert "Average precision by IoU" in page.read_text(encoding="utf-8")


def test_objects_on_the_page_are_those_of_the_folder(coverslip: Callable, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    coverslip("report", written(tmp_path), "--out", page)
    four = data_of(page)["images"][1]
    result, _ = decomposition_of_discs()
    assert four["objects"]["number"] == [1, 2, 3, 4]
    assert four["objects"]["top"] == result.objects["top_px"].tolist()
    assert four["objects"]["area"] == result.objects["area_px"].tolist()
    assert four["objects"]["gain"] == pytest.approx(result.objects["gain"].tolist())
    assert four["pixel_size"] == [0.5, 0.5]
    assert four["rounds"]["first_loss"] == pytest.approx(35)


def test_labels_without_layers_stay_on_the_page_of_labels(coverslip: Callable, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert coverslip("report", written(tmp_path) / "four.labels.tif", "--out", page).code == 0
    assert [shot["note"] for shot in data_of(page)["shots"]] == ["4 found · 1 odd"]


def test_an_error_image_that_is_missing_or_of_another_size_is_refused(coverslip: Callable, tmp_path: Path) -> None:
    folder = written(tmp_path)
    page = tmp_path / "report.html"
    (folder / "four.error.tif").rename(tmp_path / "kept.tif")
    said = coverslip("report", folder, "--out", page)
    assert_one_sentence(said, "there is no error image", "four.error.tif", "row 3")
    write_image_tiff(np.zeros((3, 4), np.float32), folder / "four.error.tif")
    said = coverslip("report", folder, "--out", page)
    assert_one_sentence(said, "four.error.tif", "3 x 4", "40 x 48")
    assert not page.exists()
