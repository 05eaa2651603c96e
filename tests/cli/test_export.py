"""`coverslip export`: label results in the forms of QuPath, Fiji, napari and spreadsheets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from coverslip.core.image import PixelSize
from coverslip.core.results import Embedding, LabelMap
from coverslip.measure import object_table
from coverslip.read import (
    open_image,
    read_labels,
    read_table,
    write_embedding,
    write_image_tiff,
    write_label_file,
    write_label_folder,
)

from .conftest import assert_one_sentence

LABELS = [np.kron(np.array([[1, 0], [0, 2]], np.uint16), np.ones((6, 6), np.uint16)), np.full((9, 5), 4, np.uint16)]


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """A folder of the labels of two images that lie beside it."""
    results = []
    for name, labels in zip("ab", LABELS, strict=True):
        pixels = np.stack([labels * 10, labels * 0 + 7])
        write_image_tiff(
            pixels, tmp_path / "images" / f"{name}.tif", channels=["DAPI", "GFP"], pixel_size=PixelSize(0.5, 0.5)
        )
        found = LabelMap(labels, str(tmp_path / "images" / f"{name}.tif"), PixelSize(0.5, 0.5), {"seed": 1})
        results.append((found, object_table(found, pixels, ["DAPI", "GFP"])))
    rows = [{"image": "images/a.tif", "group": "A"}, {"image": "images/b.tif", "group": "B"}]
    write_label_folder(results, tmp_path / "labels", rows, tmp_path, provenance={"seed": 1})
    write_label_file(results[1][0], tmp_path / "one" / "b.tif", results[1][1])
    return tmp_path / "labels"


def test_every_form_goes_beside_the_result(coverslip: Callable, result: Path) -> None:
    said = coverslip("export", result, "--geojson", "--rois", "--zarr", "--csv")
    assert said.code == 0
    assert said.err == ""
    folder = result.parent
    names = [
        f"{folder}/labels-geojson",
        f"{folder}/labels-rois",
        f"{folder}/labels-zarr",
        f"{folder}/labels.objects.csv",
    ]
    assert said.out.splitlines() == [f"Wrote {name}" for name in names]
    files = sorted(path.name for name in names[:3] for path in Path(name).iterdir())
    assert files == ["a.geojson", "a.rois.zip", "a.zarr", "b.geojson", "b.rois.zip", "b.zarr"]


def test_polygons_carry_the_measurements_of_their_own_image(coverslip: Callable, result: Path) -> None:
    assert coverslip("export", result, "--geojson", "--classification", "Nucleus", "--kind", "annotation").code == 0
    a, b = (json.loads((result.parent / "labels-geojson" / f"{name}.geojson").read_text())["features"] for name in "ab")
    assert [feature["properties"]["name"] for feature in (*a, *b)] == ["1", "2", "4"]
    found = b[0]["properties"]
    assert found["measurements"]["Area µm^2"] == 9 * 5 / 4
    assert found["measurements"]["DAPI: Mean"] == 40
    assert (found["objectType"], found["classification"]["name"]) == ("annotation", "Nucleus")


def test_napari_gets_image_and_labels_together(coverslip: Callable, result: Path) -> None:
    assert coverslip("export", result, "--zarr").code == 0
    zarr = result.parent / "labels-zarr" / "a.zarr"
    image = open_image(zarr)
    assert (image.channels, image.pixel_size) == (("DAPI", "GFP"), PixelSize(0.5, 0.5))
    labels = read_labels(zarr / "labels" / "objects", (12, 12))
    np.testing.assert_array_equal(labels.labels, LABELS[0])
    assert json.loads((zarr / "zarr.json").read_text())["attributes"]["ome"]["multiscales"][0]["name"] == "a"
    noted = json.loads((zarr / "labels" / "objects" / "zarr.json").read_text())["attributes"]["ome"]["image-label"]
    assert [(one["label-value"], one["area_px"], one["DAPI_mean"]) for one in noted["properties"]] == [
        (1, 36, 10),
        (2, 36, 20),
    ]
    assert coverslip("export", result, "--zarr", "--zarr-version", "0.4", "--force").code == 0
    assert json.loads((zarr / ".zattrs").read_text())["multiscales"][0]["name"] == "a"


def test_the_table_for_spreadsheets_has_every_object(coverslip: Callable, result: Path, tmp_path: Path) -> None:
    assert coverslip("export", result, "--csv", "--out", tmp_path / "new" / "cells.csv").code == 0
    table = read_table(tmp_path / "new" / "cells.csv")
    assert table["image"].tolist() == ["../images/a.tif", "../images/a.tif", "../images/b.tif"]
    assert table["label"].tolist() == [1, 2, 4]
    assert table["GFP_max"].tolist() == [7, 7, 7]
    assert table["group"].tolist() == ["A", "A", "B"]  # the sheet's columns ride along
    assert coverslip("export", result, "--xlsx", "--out", tmp_path / "new" / "deep" / "cells.xlsx").code == 0
    rows = [*openpyxl.load_workbook(tmp_path / "new" / "deep" / "cells.xlsx").active.values]
    assert rows[3][:2] == ("../../images/b.tif", 4)  # as seen from the file they stand in
    sheet = (result / "sheet.csv").read_text().replace(",B", ",C").replace("group", "label")
    (result / "sheet.csv").write_text(sheet)
    assert coverslip("export", result, "--csv", "--out", tmp_path / "cells.csv").code == 0
    assert read_table(tmp_path / "cells.csv")["sheet_label"].tolist() == ["A", "A", "C"]  # as the sheet says now


def test_objects_are_classed_by_any_column(coverslip: Callable, result: Path) -> None:
    assert coverslip("export", result, "--geojson", "--class-by", "group").code == 0
    a, b = (json.loads((result.parent / "labels-geojson" / f"{name}.geojson").read_text())["features"] for name in "ab")
    classes = [feature["properties"]["classification"] for feature in (*a, *b)]
    assert [one["name"] for one in classes] == ["A", "A", "B"]
    assert classes[0]["color"] == classes[1]["color"] != classes[2]["color"]
    said = coverslip("export", result, "--geojson", "--class-by", "cluster", "--force")
    assert_one_sentence(said, "have no column 'cluster'", "they have: image, label")


def test_cells_join_the_objects_they_were_cut_from(coverslip: Callable, result: Path, tmp_path: Path) -> None:
    obs = {
        "object": np.array([4, 1]),
        "source_mask": np.array(["../labels/b.labels.tif", "../labels/a.labels.tif"]),
        "cluster": np.array(["2", "1"]),
    }
    record = {"inputs": {"folder": str(tmp_path / "crops")}}
    cells = Embedding.from_arrays(np.array([[0.5, 4], [0.25, 1]]), obs, provenance=record)
    write_embedding(cells, tmp_path / "cells.h5ad")
    made = ("--geojson", "--csv", "--cells", tmp_path / "cells.h5ad", "--class-by", "cluster")
    assert coverslip("export", result, *made).code == 0
    table = read_table(tmp_path / "labels.objects.csv")
    assert table["cluster"].tolist() == [1, None, 2] or np.array_equal(table["cluster"], [1, np.nan, 2], equal_nan=True)
    np.testing.assert_array_equal(table["latent_2"], [1, np.nan, 4])
    (feature,) = json.loads((tmp_path / "labels-geojson" / "b.geojson").read_text())["features"]
    assert feature["properties"]["classification"]["name"] == "cluster 2"
    assert feature["properties"]["measurements"]["Latent 1"] == 0.5
    write_embedding(Embedding.from_arrays(np.zeros((2, 1)), {"x": np.arange(2)}), tmp_path / "other.h5ad")
    said = coverslip("export", result, "--csv", "--cells", tmp_path / "other.h5ad", "--force")
    assert_one_sentence(said, "do not say which objects they are", "coverslip samples crop")


def test_labels_of_other_programs_are_given_their_images(coverslip: Callable, result: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "elsewhere" / "b_cp_masks.tif"
    foreign.parent.mkdir()
    (result / "b.labels.tif").rename(foreign)
    assert coverslip("export", foreign, "--csv", "--images", tmp_path / "images").code == 0
    assert read_table(foreign.parent / "b_cp_masks.objects.csv")["DAPI_mean"].tolist() == [40]
    said = coverslip("export", foreign, "--zarr", "--images", tmp_path / "images" / "b.tif")
    assert said.code == 0, said.err
    assert open_image(foreign.parent / "b_cp_masks.zarr").channels == ("DAPI", "GFP")


def test_without_a_table_objects_are_measured_anew(coverslip: Callable, result: Path) -> None:
    with_table = result.parent / "labels.objects.csv"
    assert coverslip("export", result, "--csv").code == 0
    before = read_table(with_table)
    (result / "objects.parquet").unlink()
    assert coverslip("export", result, "--csv", "--force").code == 0
    after = read_table(with_table)
    assert before.keys() == after.keys()
    assert before["DAPI_sum"].tolist() == after["DAPI_sum"].tolist()
    (result.parent / "images").rename(result.parent / "moved")  # shapes are still known
    assert coverslip("export", result, "--csv", "--force").code == 0
    assert "DAPI_sum" not in read_table(with_table)
    assert coverslip("export", result, "--csv", "--force", "--images", result.parent / "moved").code == 0
    assert read_table(with_table)["DAPI_sum"].tolist() == before["DAPI_sum"].tolist()


def test_a_single_image_gives_single_files(coverslip: Callable, result: Path) -> None:
    one = result.parent / "one"
    said = coverslip("export", one / "b.labels.tif", "--geojson", "--rois", "--zarr", "--csv")
    assert said.code == 0
    names = ["b.geojson", "b.labels.tif", "b.objects.csv", "b.objects.parquet", "b.rois.zip", "b.zarr"]
    assert sorted(path.name for path in one.iterdir()) == names
    said = coverslip("export", one / "b.zarr", "--geojson", "--out", one / "again.json.geojson")
    assert said.code == 0
    (feature,) = json.loads((one / "again.json.geojson").read_text())["features"]
    assert feature["properties"]["measurements"]["DAPI: Mean"] == 40


def test_several_forms_share_a_folder(coverslip: Callable, result: Path, tmp_path: Path) -> None:
    assert coverslip("export", result, "--geojson", "--csv", "--out", tmp_path / "out").code == 0
    files = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*"))
    assert files == ["geojson/a.geojson", "geojson/b.geojson", "objects.csv"]


def test_what_was_exported_is_replaced_only_when_asked(coverslip: Callable, result: Path) -> None:
    assert coverslip("export", result, "--rois").code == 0
    said = coverslip("export", result, "--rois")
    assert_one_sentence(said, "labels-rois exists already", "--force")
    assert coverslip("export", result, "--rois", "--force").code == 0
    assert_one_sentence(coverslip("export", result, "--rois", "--out", result, "--force"), "holds other things")
    assert read_labels(result / "a.labels.tif").labels.max() == 2


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["labels"], ["Say in which form", "geojson (QuPath)"]),
        (["nowhere", "--csv"], ["nowhere does not exist"]),
        (["images", "--csv"], ["no folder of labels", "sheet.csv"]),
        (["images/a.tif", "--csv"], ["axes 'CYX'", "labels are one plane"]),
        (["labels", "--csv", "--out", "table.txt"], ["'table.txt' should end in .csv"]),
        (["one/b.labels.tif", "--rois", "--out", "rois"], ["'rois' should end in .zip"]),
        (["labels", "--geojson", "--kind", "cell"], ["'kind' cannot be 'cell'", "'detection' or 'annotation'"]),
        (["labels", "--zarr", "--images", "one"], ["row 2: there is no image", "has moved to"]),
    ],
)
def test_a_wrong_wish_is_one_sentence_and_leaves_nothing(
    coverslip: Callable, result: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], parts: list[str]
) -> None:
    monkeypatch.chdir(result.parent)
    before = sorted(result.parent.rglob("*"))
    assert_one_sentence(coverslip("export", *arguments), *parts)
    assert sorted(result.parent.rglob("*")) == before


def test_an_export_never_replaces_what_it_is_made_from(coverslip: Callable, result: Path) -> None:
    sheet = (result / "sheet.csv").read_text()
    said = coverslip("export", result, "--csv", "--out", result / "sheet.csv", "--force")
    assert_one_sentence(said, "sheet.csv is what the result is made from, so it is not replaced")
    said = coverslip("evaluate", result, result / "sheet.csv", "--out", result / "sheet.csv", "--force")
    assert_one_sentence(said, "is what the result is made from")
    assert (result / "sheet.csv").read_text() == sheet


def test_labels_are_measured_anew_into_their_table(coverslip: Callable, result: Path, tmp_path: Path) -> None:
    said = coverslip("measure", result, "--ring", "1", "--grow", "0.5", "--unit", "um", "--channels", "GFP")
    assert said.code == 0, said.err
    # What was measured of the other channel before is still of the same labels.
    assert "Note: The table keeps its further columns (DAPI_mean" in said.out
    table = read_table(result / "objects.parquet")
    assert {"GFP_ring_mean", "GFP_cell_sum", "ring_area_um2"} <= set(table)
    assert (table["GFP_cell_mean"].tolist(), table["cell_area_px"].tolist()) == (
        [7, 7, 7],
        [48, 46, 45],
    )  # of equal distance to both: the first
    said = coverslip("measure", result, tmp_path / "images", "--out", tmp_path / "o.csv")
    assert f"Measured 3 objects in 2 images: {tmp_path / 'o.csv'}" in said.out
    assert_one_sentence(coverslip("measure", result, "--ring", "-1"), "'ring' cannot be -1")
