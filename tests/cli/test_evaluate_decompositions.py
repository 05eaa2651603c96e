"""`coverslip evaluate` on decompositions: as labels, and whole objects where the truth has layers of whole masks."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import coverslip as cs
from coverslip.read import (
    read_table,
    write_decomposition_folder,
    write_image_tiff,
    write_label_folder,
    write_labels,
)
from coverslip.results import kind_of
from coverslip.results.labels.folder import read_label_folder

from ..results.overlaps import DISCS, decomposition_of_discs

TRUE = {"a": DISCS, "b": DISCS[:2]}
"""The first two discs of each image overlap."""

FOUND = {"a": DISCS[:1] + DISCS[2:], "b": DISCS[:2]}
"""In the first image the second disc is forgotten."""


def decompositions(folder: Path, discs: dict[str, Any], images: Path, truth: Path | None = None) -> Path:
    """A folder of decompositions; its sheet may name the truth of another folder."""
    rows, found = [], []
    for name, own in discs.items():
        result, image = decomposition_of_discs(own, source=str(images / f"{name}.tif"))
        row = {"image": f"{name}.tif", "well": name}
        if truth is not None:
            row |= {"mask": f"{truth.name}/{name}.labels.tif", "layers": f"{truth.name}/{name}.layers.tif"}
        rows.append(row)
        found.append((replace(result, provenance={}), image))
    write_decomposition_folder(found, folder, rows, images, provenance={"kind": "decomposition"})
    return folder


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A result, and a truth that is a folder of decompositions."""
    truth = decompositions(tmp_path / "truth", TRUE, tmp_path)
    return decompositions(tmp_path / "result", FOUND, tmp_path, truth), truth


def phantoms(folder: Path, truth: Path) -> Path:
    """The same truth as a sheet of images with flat masks and layers of whole masks."""
    folder.mkdir()
    for name in TRUE:
        write_image_tiff(decomposition_of_discs(TRUE[name])[1], folder / f"{name}.tif")
        for ending in ("labels", "layers"):
            (folder / f"{name}.{ending}.tif").write_bytes((truth / f"{name}.{ending}.tif").read_bytes())
    with (folder / "sheet.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "mask", "layers"])
        writer.writerows([f"{name}.tif", f"{name}.labels.tif", f"{name}.layers.tif"] for name in TRUE)
    return folder


def amodal(rows: list[dict[str, Any]]) -> dict[str, float]:
    return {row["measure"]: row["value"] for row in rows if row["measure"].startswith("amodal")}


def share_of_the_first_two() -> float:
    y, x = np.mgrid[:40, :48]
    first, second = ((y - row) ** 2 + (x - column) ** 2 <= radius**2 for row, column, radius in DISCS[:2])
    return float((first & second).sum() / min(first.sum(), second.sum()))


def test_whole_objects_are_measured_against_a_folder_of_decompositions(
    coverslip: Callable, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    result, truth = folders
    said = coverslip("evaluate", result, truth, "--out", tmp_path / "n.csv")
    assert said.code == 0, said.err
    table = read_table(tmp_path / "n.csv")
    values = dict(zip(table["measure"], table["value"], strict=True))
    assert 0.3 < share_of_the_first_two() <= 0.4
    assert amodal([{"measure": name, "value": value} for name, value in values.items()]) == pytest.approx(
        {
            "amodal_iou, overlap 0": 1,
            "amodal_recall, overlap 0": 1,
            "amodal_iou, overlap 30 to 40 %": 3 / 4,
            "amodal_recall, overlap 30 to 40 %": 3 / 4,
            "amodal_iou": 5 / 6,
            "amodal_recall": 5 / 6,
            "amodal_ap50": 5 / 6,
        }
    )
    assert values["recall"] == pytest.approx(5 / 6)  # and the rows of labels are there
    assert "6 whole objects" in said.out
    assert dict(zip(table["measure"], table["low"], strict=True))["amodal_iou"] == pytest.approx(3 / 4)


def test_a_sheet_with_layers_is_the_same_truth_and_so_is_the_one_that_was_predicted_on(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    result, truth = folders
    expected = amodal(cs.evaluate(result, truth))
    assert len(expected) == 7
    assert amodal(cs.evaluate(result, phantoms(tmp_path / "phantoms", truth))) == expected
    assert amodal(cs.evaluate(result)) == expected
    assert read_label_folder(result).rows[0]["source_layers"] == "../truth/a.layers.tif"


def test_a_truth_without_layers_measures_labels_only(folders: tuple[Path, Path], tmp_path: Path) -> None:
    result, truth = folders
    masks = tmp_path / "masks"
    masks.mkdir()
    for name in TRUE:
        (masks / f"{name}.labels.tif").write_bytes((truth / f"{name}.labels.tif").read_bytes())
    rows = cs.evaluate(result, masks)
    assert rows[0]["measure"] == "ap50"
    assert amodal(rows) == {}
    np.testing.assert_equal(rows, cs.evaluate(result, truth)[: len(rows)])


def test_a_decomposition_in_memory_is_measured_as_its_labels() -> None:
    result, _ = decomposition_of_discs(DISCS)
    rows = cs.evaluate(result, decomposition_of_discs(DISCS[:3])[0].labels)
    assert {row["measure"]: row["value"] for row in rows}["precision"] == 3 / 4


def test_labels_predicted_on_phantoms_are_no_decompositions(folders: tuple[Path, Path], tmp_path: Path) -> None:
    sheet = cs.samples.read_sheet(phantoms(tmp_path / "phantoms", folders[1]))
    maps = [(cs.LabelMap(decomposition_of_discs(TRUE[name])[0].labels, f"{name}.tif"), None) for name in TRUE]
    write_label_folder(maps, tmp_path / "labels", sheet.rows, sheet.folder)
    assert kind_of(tmp_path / "labels").name == "labels"
    assert cs.evaluate(tmp_path / "labels")[0]["value"] == 1


def test_layers_of_another_size_are_refused_by_name(
    coverslip: Callable, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    result, truth = folders
    sheet = phantoms(tmp_path / "phantoms", truth)
    write_labels(np.ones((5, 6), np.uint8), sheet / "b.labels.tif")
    (sheet / "b.layers.tif").unlink()
    (sheet / "b.labels.tif").rename(sheet / "b.layers.tif")
    (sheet / "b.labels.tif").write_bytes((truth / "b.labels.tif").read_bytes())
    said = coverslip("evaluate", result, sheet)
    assert said.code == 2
    assert "b.tif" in said.err
    assert "5 x 6" in said.err


def test_each_split_has_its_own_numbers(coverslip: Callable, folders: tuple[Path, Path], tmp_path: Path) -> None:
    result, truth = folders
    rows = [
        f"{tmp_path}/{n}.tif,{truth}/{n}.labels.tif,{truth}/{n}.layers.tif,{s}"
        for n, s in (("a", "train"), ("b", "val"))
    ]
    (tmp_path / "divided.csv").write_text("\n".join(["image,mask,layers,split", *rows, ""]))
    said = coverslip("evaluate", result, tmp_path / "divided.csv", "--out", tmp_path / "numbers.csv")
    assert "each split has its own numbers" in said.out
    table = read_table(tmp_path / "numbers.csv")
    recall = {
        split: table["value"][(table["split"] == split) & (table["measure"] == "recall")] for split in ("val", "train")
    }
    assert (recall["val"].tolist(), recall["train"][0] < 1) == ([1], True)
    assert set(table["split"][[name.startswith("amodal") for name in table["measure"]]]) == {"all"}
