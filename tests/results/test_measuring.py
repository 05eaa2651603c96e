"""Objects of labels that changed, of images that moved, and of labels of other programs: measured as they are now."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import coverslip as cs
from coverslip.core import InputError, LabelMap
from coverslip.core.image import PixelSize
from coverslip.measure import object_table
from coverslip.read import read_label_folder, read_table, write_image_tiff, write_label_folder, write_labels
from coverslip.results.labels.objects import objects_of
from coverslip.verbs.measure import measure_to_file

LABELS = np.zeros((12, 16), np.uint8)
LABELS[1:4, 1:4], LABELS[6:10, 8:12] = 1, 2
GREY = (100 * np.arange(1, 13)[:, None] * np.ones(16)).astype(np.uint16)
SIZE = PixelSize(0.5, 0.5)


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """A result of two images, ``a`` and ``b``, the grey values of which differ."""
    rows = []
    results = []
    for name, pixels in (("a", GREY), ("b", GREY + 1)):
        write_image_tiff(pixels, tmp_path / "in" / f"{name}.tif", pixel_size=SIZE, channels=("DAPI",))
        rows.append({"image": f"{name}.tif"})
        results.append((LabelMap(LABELS, name, SIZE), object_table(LABELS, pixels, ("DAPI",), pixel_size=SIZE)))
    write_label_folder(results, tmp_path / "labels", rows, tmp_path / "in", provenance={"versions": {}})
    return tmp_path / "labels"


def corrected(file: Path) -> np.ndarray:
    """Object 1 is deleted, object 2 drawn larger."""
    new = LABELS.copy()
    new[new == 1] = 0
    new[4:10, 8:12] = 2
    write_labels(new, file, pixel_size=SIZE)
    return new


def test_labels_that_were_corrected_are_measured_anew_and_it_is_said(labels: Path) -> None:
    before = objects_of(read_label_folder(labels))
    new = corrected(labels / "b.labels.tif")
    notes: list[str] = []
    table = objects_of(read_label_folder(labels), notes=notes)
    assert table["label"].tolist() == [1, 2, 2]
    assert table["area_px"].tolist() == [9, 16, 24]
    assert table["image"].tolist() == ["../in/a.tif", "../in/a.tif", "../in/b.tif"]
    fresh = object_table(new, GREY + 1, ("DAPI",), pixel_size=SIZE)
    assert list(table) == ["image", *fresh]
    for name, column in fresh.items():
        np.testing.assert_array_equal(table[name], np.append(before[name][:2], column))
    (note,) = notes
    assert note.startswith("The labels of 1 of 2 images are not those that were measured (b.labels.tif)")


@pytest.mark.parametrize("form", ["csv", "geojson"])
def test_exports_say_what_the_labels_are_now(labels: Path, tmp_path: Path, form: str) -> None:
    corrected(labels / "b.labels.tif")
    (made,) = cs.export(labels, tmp_path / ("o.csv" if form == "csv" else "o"), **{form: True})
    assert "measured anew" in made.notes[0]
    if form == "csv":
        assert pd.read_csv(made.path)["area_px"].tolist() == [9, 16, 24]
    else:
        features = json.loads((made.path / "b.geojson").read_text())["features"]
        assert [one["properties"]["measurements"]["Area px^2"] for one in features] == [24]


def test_what_did_not_change_is_not_measured_anew(labels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coverslip.measure.object_table", None)
    notes: list[str] = []
    assert objects_of(read_label_folder(labels), notes=notes)["area_px"].tolist() == [9, 16] * 2
    assert notes == []


def test_the_images_of_corrected_labels_may_be_gone(labels: Path, tmp_path: Path) -> None:
    corrected(labels / "a.labels.tif")
    (tmp_path / "in").rename(tmp_path / "gone")
    notes: list[str] = []
    table = objects_of(read_label_folder(labels), notes=notes)
    assert np.isnan(table["DAPI_mean"]).tolist() == [True, False, False]
    assert notes[1].startswith("Intensities are missing in 1 of 2 images: ")
    moved = objects_of(read_label_folder(labels), tmp_path / "gone")
    assert moved["DAPI_mean"][0] == 750


def test_a_table_that_another_program_wrote_is_believed_where_its_objects_are_those_of_the_labels(labels: Path) -> None:
    table = pd.read_parquet(labels / "objects.parquet")
    table["mine"] = ["x", "y", "z", "w"]
    table.to_parquet(labels / "objects.parquet")
    assert objects_of(read_label_folder(labels))["mine"].tolist() == ["x", "y", "z", "w"]
    corrected(labels / "b.labels.tif")
    found = objects_of(read_label_folder(labels))
    assert (found["area_px"].tolist(), found["mine"].tolist()) == ([9, 16, 24], ["x", "y", None])


def test_paths_that_are_mended_in_the_sheet_keep_their_objects(labels: Path, tmp_path: Path) -> None:
    (tmp_path / "in").rename(tmp_path / "moved")
    sheet = labels / "sheet.csv"
    # Named so that the paths alone would lead to the objects of the other image.
    (tmp_path / "moved" / "a.tif").rename(tmp_path / "moved" / "c.tif")
    (tmp_path / "moved" / "b.tif").rename(tmp_path / "moved" / "a.tif")
    text = sheet.read_text().replace("../in/a.tif", "../moved/c.tif").replace("../in/b.tif", "../moved/a.tif")
    sheet.write_text(text)
    table = objects_of(read_label_folder(labels))
    assert table["image"].tolist() == ["../moved/c.tif"] * 2 + ["../moved/a.tif"] * 2
    assert table["DAPI_min"].tolist() == [200, 700, 201, 701]
    cs.export(labels, tmp_path / "g", geojson=True)
    assert len(json.loads((tmp_path / "g" / "b.geojson").read_text())["features"]) == 2


def test_a_row_that_was_deleted_takes_its_objects_along(labels: Path) -> None:
    lines = (labels / "sheet.csv").read_text().splitlines()
    (labels / "sheet.csv").write_text("\n".join([lines[0], lines[2]]) + "\n")
    assert objects_of(read_label_folder(labels))["DAPI_min"].tolist() == [201, 701]


def test_a_label_image_is_not_taken_for_its_own_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_labels(LABELS, "x.tif")  # noted as its own source, as seen from here
    table = objects_of(read_label_folder(tmp_path / "x.labels.tif"), notes=(notes := []))
    assert "intensity_mean" not in table
    assert "names no image" in notes[0]
    (tmp_path / "sheet.csv").write_text("image,mask\nx.labels.tif,x.labels.tif\n")
    with pytest.raises(InputError, match="is the label image itself"):
        cs.measure_labels(tmp_path)
    with pytest.raises(InputError, match=r"the mask .* is the image itself"):
        cs.samples.open_fields(tmp_path).labels(0)


def test_measuring_renews_the_table_of_a_result(labels: Path) -> None:
    new = corrected(labels / "b.labels.tif")
    done = measure_to_file(labels, options={"ring": 2, "grow": 3})
    assert (done.path, done.said) == (labels / "objects.parquet", "Measured 3 objects in 2 images")
    notes: list[str] = []
    table = objects_of(read_label_folder(labels), notes=notes)
    assert (table["area_px"].tolist(), notes) == ([9, 16, 24], [])
    around = cs.measure.grow_labels(new, 2) - new
    assert table["DAPI_ring_mean"][2] == pytest.approx((GREY + 1)[around == 2].mean())
    assert {"ring_area_px", "cell_area_um2", "DAPI_cell_std"} <= set(table)


def test_columns_of_the_user_are_kept_or_their_loss_is_asked_for(labels: Path) -> None:
    table = pd.read_parquet(labels / "objects.parquet").assign(mine=["x", "y", "z", "w"], score=[1, 2, 3, 4])
    table.to_parquet(labels / "objects.parquet")
    done = measure_to_file(labels)
    assert done.notes == ("The table keeps its further columns (mine, score).",)
    assert read_table(labels / "objects.parquet")["mine"].tolist() == ["x", "y", "z", "w"]
    corrected(labels / "a.labels.tif")
    with pytest.raises(InputError, match=r"further columns \(mine, score\), which would be lost .* --force"):
        measure_to_file(labels)
    assert "but for 1 of 2 images" in measure_to_file(labels, force=True).notes[0]
    kept = read_table(labels / "objects.parquet")
    assert kept["mine"].tolist() == [None, "z", "w"]
    np.testing.assert_array_equal(kept["score"], [np.nan, 3, 4])


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """Masks of another program, called after the images in ``images``."""
    for name, value in (("a", 10), ("b", 20)):
        write_image_tiff(np.full(LABELS.shape, value, np.uint8), tmp_path / "images" / f"{name}.ome.tif")
        write_image_tiff(LABELS, tmp_path / "masks" / f"{name}_cp_masks.tif")
    return tmp_path / "masks"


def test_masks_of_another_program_are_paired_with_their_images(masks: Path, tmp_path: Path) -> None:
    table = cs.measure_labels(masks, tmp_path / "images")
    assert table["image"].tolist() == ["../images/a.ome.tif"] * 2 + ["../images/b.ome.tif"] * 2
    assert table["intensity_mean"].tolist() == [10, 10, 20, 20]
    one = cs.measure_labels(masks / "b_cp_masks.tif", tmp_path / "images" / "b.ome.tif", grow=1)
    assert one["intensity_cell_mean"].tolist() == [20, 20]
    (tmp_path / "s.csv").write_text("image,mask\nimages/b.ome.tif,masks/a_cp_masks.tif\n")
    assert cs.measure_labels(tmp_path / "s.csv")["intensity_mean"].tolist() == [20, 20]


@pytest.mark.parametrize("out", ["o.csv", "o.parquet"])
def test_the_ending_says_the_form(masks: Path, tmp_path: Path, out: str) -> None:
    done = measure_to_file(masks, tmp_path / "images", tmp_path / out)
    assert read_table(done.path)["area_px"].tolist() == [9, 16, 9, 16]
    with pytest.raises(InputError, match="exists already"):
        measure_to_file(masks, tmp_path / "images", tmp_path / out)


def test_images_and_masks_in_one_folder_are_told_apart(tmp_path: Path) -> None:
    write_image_tiff(np.full(LABELS.shape, 7, np.uint8), tmp_path / "a.tif")
    write_image_tiff(LABELS, tmp_path / "a_mask.tif")
    for images in (tmp_path, None):
        table = cs.measure_labels(tmp_path, images)
        assert (table["label"].tolist(), table["intensity_max"].tolist()) == ([1, 2], [7, 7])


def _other_size(folder: Path) -> Any:
    write_image_tiff(np.zeros((3, 3), np.uint8), folder / "images" / "a.ome.tif")
    return folder / "masks", folder / "images"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda folder: (folder / "masks", None), "does not say which images its labels are of"),
        (lambda folder: (folder / "masks", folder / "masks"), "holds no images"),
        (lambda folder: (folder / "masks", folder / "nowhere"), "does not exist"),
        (lambda folder: (folder / "masks", folder / "images" / "a.ome.tif"), "is one image, but"),
        (_other_size, "12 x 16 pixels, but its image has 3 x 3"),
    ],
)
def test_labels_and_images_that_do_not_belong_together_are_refused(
    masks: Path, tmp_path: Path, given: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        cs.measure_labels(*given(tmp_path))


def test_only_the_channels_that_were_predicted_on_are_measured_anew(tmp_path: Path) -> None:
    write_image_tiff(np.stack([GREY, GREY + 5]), tmp_path / "a.tif", axes="CYX", channels=("DAPI", "LIVE/DEAD"))
    table = object_table(LABELS, GREY + 5, ("LIVE/DEAD",))
    record = {"versions": {}, "model": {"input": {"channels": ["LIVE/DEAD"], "planes": "channels"}}}
    results = [(LabelMap(LABELS, "a"), table)]
    write_label_folder(results, tmp_path / "labels", [{"image": "a.tif"}], tmp_path, provenance=record)
    corrected(tmp_path / "labels" / "a.labels.tif")
    found = objects_of(read_label_folder(tmp_path / "labels"))
    assert [name for name in found if name.endswith("_mean")] == ["LIVE/DEAD_mean"]
    assert found["LIVE/DEAD_min"].tolist() == [505]
    cs.export(tmp_path / "labels", tmp_path / "o.csv", csv=True)
    assert "LIVE/DEAD_sum" in pd.read_csv(tmp_path / "o.csv")
