"""Marks from files of every usual form; what is wrong in them is said in one sentence."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coverslip.cli import main
from coverslip.core import Detections, InputError, Marks, PixelSize
from coverslip.io.marks.reading import read_marks
from coverslip.io.marks.writing import write_coco, write_qupath
from coverslip.samples import annotated_sheet, open_fields, read_sheet
from coverslip.samples.opening.marked import marks_of, mended, side_of_points

BOX = "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"


def voc(path: Path, *boxes: tuple[Any, ...], size: tuple[int, int] = (40, 50)) -> Path:
    head = f"<size><width>{size[1]}</width><height>{size[0]}</height></size>"
    path.write_text(f"<annotation>{head}{''.join(BOX.format(*box) for box in boxes)}</annotation>")
    return path


def test_voc_says_edges_and_classes(tmp_path: Path) -> None:
    marks = read_marks(voc(tmp_path / "a.xml", ("RBC", 1, 2, 11, 22), ("WBC", 3, 4, 50, 40)), "a.png", (40, 50))
    assert marks.boxes.tolist() == [[1, 2, 11, 22], [3, 4, 50, 40]]
    assert marks.names.tolist() == ["RBC", "WBC"]


def detections() -> Detections:
    square = np.array([[2.0, 3], [12, 3], [12, 13], [2, 13]])
    hole = np.array([[4.0, 5], [8, 5], [8, 9], [4, 9]])
    return Detections(
        ("I-V", "IX"),
        np.array([[2.0, 3, 12, 13], [20, 20, 30, 34]]),
        np.array([1, 0]),
        np.array([0.9, 0.5]),
        "section.tif",
        (40, 50),
        PixelSize(0.5, 0.5),
        outlines=((square, hole), (square + 18,)),
    )


def test_what_is_written_for_qupath_and_coco_is_read_back(tmp_path: Path) -> None:
    found = detections()
    colours = {"I-V": "#ff0000", "IX": "#0000ff"}
    read = read_marks(write_qupath(found, tmp_path / "section.geojson", colours), "section.tif", found.size)
    assert read.names.tolist() == ["IX", "I-V"]
    np.testing.assert_allclose(read.boxes[0], found.boxes[0])
    assert read.outlines is not None
    assert [len(rings) for rings in read.outlines] == [2, 1]
    feature = json.loads((tmp_path / "section.geojson").read_text())["features"][0]
    assert feature["properties"]["classification"] == {"name": "IX", "color": [0, 0, 255]}
    assert feature["properties"]["measurements"]["Score"] == 0.9

    again = read_marks(write_coco([found], tmp_path / "all.json", ["section.tif"]), "/x/section.tif", found.size)
    np.testing.assert_allclose(again.boxes, found.boxes)
    assert again.names.tolist() == ["IX", "I-V"]
    areas = [one["area"] for one in json.loads((tmp_path / "all.json").read_text())["annotations"]]
    assert areas == [100 - 16, 100]  # of the outlines, not of their boxes
    with pytest.raises(InputError, match="says nothing of other"):
        read_marks(tmp_path / "all.json", "other.tif", (1, 1))


def test_tables_hold_points_or_boxes(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("y_px,x_px,label\n5,7,stromal\n")
    points = read_marks(tmp_path / "p.csv", "p.png", (40, 50))
    assert points.points
    assert points.centres.tolist() == [[7, 5]]
    (tmp_path / "b.csv").write_text("image,xmin,ymin,xmax,ymax,class\nb.png,1,2,3,4,A\nc.png,5,6,7,8,B\n")
    boxes = read_marks(tmp_path / "b.csv", "folder/c.png", (40, 50))
    assert (boxes.boxes.tolist(), boxes.names.tolist()) == ([[5, 6, 7, 8]], ["B"])


def test_boxes_around_points_hardly_overlap() -> None:
    grid = np.stack(np.mgrid[0:100:20, 0:100:20], axis=-1).reshape(-1, 2).astype(float)
    marks = Marks(np.concatenate([grid, grid], axis=1), np.array(["cell"] * len(grid), object), points=True)
    assert side_of_points([marks]) == 18


@pytest.mark.parametrize(
    ("box", "said"),
    [
        (("RBC", 5, 5, 5, 9), r"a\.xml: object 1 \('RBC', 5, 5, 5, 9\) has no area; .* bad_boxes=drop"),
        (("RBC", 5, 5, 90, 9), r"object 1 .* lies outside the image of 50 x 40 pixels"),
    ],
)
def test_impossible_boxes_are_named_or_left_out(tmp_path: Path, box: tuple[Any, ...], said: str) -> None:
    marks = read_marks(voc(tmp_path / "a.xml", box, ("WBC", 1, 1, 9, 9)), "a.png", (40, 50))
    with pytest.raises(InputError, match=said):
        mended(marks, (40, 50), str(tmp_path / "a.xml"), "refuse")
    kept = mended(marks, (40, 50), "a.xml", "drop")
    assert kept.names.tolist()[-1] == "WBC"
    assert (kept.boxes[:, 2] <= 50).all()


def test_a_table_is_read_as_any_country_saves_it_and_an_empty_class_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("\ufeffx_px;y_px;class\r\n8,5;10;RBC\r\n9;11;\r\n", encoding="utf-8")
    marks = read_marks(tmp_path / "a.csv", "a.png", (40, 50))
    assert marks.centres.tolist() == [[8.5, 10], [9, 11]]
    with pytest.raises(InputError, match=r"a\.csv: object 2 has no class"):
        mended(marks, (40, 50), "a.csv", "drop")


def test_an_annotation_of_another_image_or_of_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is of an image of 60 x 40 pixels, but its image has 50 x 40"):
        read_marks(voc(tmp_path / "a.xml", size=(40, 60)), "a.png", (40, 50))
    with pytest.raises(InputError, match=r"a\.xml marks the objects of an image that is not there"):
        annotated_sheet(tmp_path)
    with pytest.raises(InputError, match="does not exist; it should mark the objects"):
        read_marks(tmp_path / "b.xml", "b.png", (40, 50))


def test_the_command_says_it_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    voc(tmp_path / "a.xml", ("RBC", 5, 5, 5, 9))
    assert main(["samples", "annotated", str(tmp_path), "--out", str(tmp_path / "sheet.csv")]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("Error:")
    assert said.count("\n") == 0


@pytest.mark.data
def test_lists_of_bccd_become_splits(data_folder: Path) -> None:
    sheet = annotated_sheet(data_folder / "bccd")
    assert Counter(sheet.column("split")) == {"train": 205, "val": 87}
    fields = open_fields(sheet.subset([0]))
    marks = marks_of(fields, 0)
    assert Counter(marks.names.tolist())["WBC"] == 1


@pytest.mark.data
def test_every_mode_of_live_dead_is_read_as_pillow_reads_it(data_folder: Path, tmp_path: Path) -> None:
    """RGB, RGBA, palette, grey and 16-bit images in one sheet, each as one grey channel."""
    from PIL import Image

    names = ["b_1897", "c_5", "d_97", "image1146", "image1555"]
    with (tmp_path / "some.csv").open("w") as stream:
        csv.writer(stream).writerows([["image"], *([data_folder / "live_dead" / f"{name}.png"] for name in names)])
    fields = open_fields(read_sheet(tmp_path / "some.csv"), channels=["grey"])
    assert fields.count == 1
    for i, name in enumerate(names):
        picture = Image.open(data_folder / "live_dead" / f"{name}.png")
        wanted = np.asarray(picture if picture.mode == "I;16" else picture.convert("RGB").convert("L"), float)
        assert np.abs(fields.pixels(i)[0] - wanted).max() <= 1
    with pytest.raises(InputError, match="channel"):
        open_fields(read_sheet(tmp_path / "some.csv"))
