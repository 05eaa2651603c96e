"""Images of one name in several folders: detections, truth and files about several images are told apart."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import coverslip as cs
from coverslip.cli import main
from coverslip.core import Detections, InputError
from coverslip.io.cells import read_cells, write_cells
from coverslip.io.meant import Meant
from coverslip.results.detections.export import export
from coverslip.results.detections.folder import read_detections, write_value
from coverslip.results.detections.layers import check_layers, regions_of
from coverslip.results.detections.options import Export

SIZE = (60, 80)
POINTS = [("a/1.png", 1), ("a/2.png", 2), ("b/1.png", 3)]
"""Images, and how many objects each has."""


def boxes(count: int) -> np.ndarray:
    left = 5.0 + 10 * np.arange(count)
    return np.stack([left, np.full(count, 5.0), left + 7, np.full(count, 15.0)], axis=1)


@pytest.fixture
def found(tmp_path: Path) -> Path:
    """A result of three images, two of which are called ``1.png``."""
    for name in ("a/1.png", "a/2.png", "b/1.png", "b/2.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.zeros(SIZE, np.uint8)).save(tmp_path / name)
    return write_value(
        [
            Detections(("x",), boxes(n), np.zeros(n, int), np.linspace(0.9, 0.05, n), str(tmp_path / name), SIZE)
            for name, n in POINTS
        ],
        tmp_path / "found",
    )


def table(folder: Path, rows: list[tuple[str, int]], name: str = "points.csv") -> Path:
    lines = [f"{image},{8 + 10 * i},10,x" for image, n in rows for i in range(n)]
    (folder / name).write_text("\n".join(["image,x_px,y_px,class", *lines, ""]))
    return folder / name


def sheet(folder: Path, rows: list[tuple[str, str]]) -> Path:
    (folder / "truth.csv").write_text("\n".join(["image,annotation", *map(",".join, rows), ""]))
    return folder / "truth.csv"


def test_an_image_is_meant_by_name_and_where_names_lie_in_several_folders_by_these() -> None:
    names = ["a/1.png", "a/2.png", "b/1.png"]
    assert Meant(names).by("/data/b/1.png") == [2]
    assert Meant(names).by("/data/b/2.png") == []
    assert Meant(["C:\\x\\a\\1.png", "C:\\x\\b\\1.png"]).by("/data/a/1.png") == [0]
    assert Meant(["old/1.png", "old/2.png"]).by("/moved/1.png") == [0]
    assert Meant(["1", "2"]).by("/data/1.png") == [0]
    assert Meant(["1.png", "1.png"]).by("/data/1.png") == [0, 1]
    assert Meant(["a/1.png", "b/a/1.png"]).by("/data/a/1.png") == [0]


def test_points_of_several_folders_in_one_table_go_to_their_images(tmp_path: Path, found: Path) -> None:
    table(tmp_path, POINTS)
    measured = cs.evaluate(found, sheet(tmp_path, [(name, "points.csv") for name, _ in POINTS]))
    row = next(row for row in measured if row["measure"] == "detection sensitivity")
    assert (row["value"], row["n"]) == (1, 6)


def test_an_image_without_points_gets_not_those_of_one_of_its_name(tmp_path: Path, found: Path) -> None:
    truth = sheet(tmp_path, [(name, "points.csv") for name, _ in POINTS])
    table(tmp_path, [("a/1.png", 1), ("a/2.png", 2)])
    assert cs.evaluate(found, truth)[0]["n"] == 3
    table(tmp_path, [("1.png", 1), ("2.png", 2)])
    with pytest.raises(InputError, match=r"points\.csv: Several images are called 1\.png; write their folders"):
        cs.evaluate(found, truth)


def test_the_truth_of_an_image_that_was_not_predicted_is_no_other_of_its_name(
    tmp_path: Path, found: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table(tmp_path, [*POINTS, ("b/2.png", 4)])
    truth = sheet(tmp_path, [(name, "points.csv") for name in ("a/1.png", "a/2.png", "b/1.png", "b/2.png")])
    with pytest.raises(InputError, match=r"row 5: there is no result of .*b/2\.png"):
        cs.evaluate(found, truth)
    assert cs.evaluate(found, truth, partial=True)[0]["n"] == 6
    rows = [f"{name},points.csv,{part}" for name, part in (("a/1.png", "train"), ("b/1.png", "validation"))]
    truth.write_text("\n".join(["image,annotation,split", *rows, ""]))
    assert main(["evaluate", str(found), str(truth)]) == 0
    said = capsys.readouterr().out
    assert "Left out 1 image whose result has no truth." in said
    assert "Training images are among those measured" in said
    assert cs.evaluate(found, truth, split="val")[0]["n"] == 3


def test_a_truth_without_any_object_is_an_error(tmp_path: Path, found: Path) -> None:
    table(tmp_path, [("first", 1), ("second", 2)])
    with pytest.raises(InputError, match="marks no object in any of the 3 images"):
        cs.evaluate(found, sheet(tmp_path, [(name, "points.csv") for name, _ in POINTS]))


def test_coco_of_images_of_one_name_says_their_folders_and_is_the_truth_of_itself(tmp_path: Path, found: Path) -> None:
    export(read_detections(found), tmp_path / "all.json", None, False, Export(coco=True))
    content = json.loads((tmp_path / "all.json").read_text())
    assert [image["file_name"] for image in content["images"]] == [name for name, _ in POINTS]
    assert {row["value"] for row in cs.evaluate(found, tmp_path / "all.json", radius="3")} == {1}
    for image in content["images"]:
        image["file_name"] = Path(image["file_name"]).name
    (tmp_path / "bare.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="has 2 images that may be"):
        cs.evaluate(found, tmp_path / "bare.json", radius="3")


def test_rows_of_the_sheet_may_be_sorted_but_not_deleted(found: Path) -> None:
    cells = read_cells(found / "sheet.csv")
    write_cells(found / "sheet.csv", cells.columns, cells.rows[::-1])
    read = read_detections(found)
    assert [(read.image(i).parent.name, len(read.detections(i))) for i in range(3)] == [("a", 1), ("a", 2), ("b", 3)]
    write_cells(found / "sheet.csv", cells.columns, [cells.rows[0], cells.rows[0], cells.rows[2]])
    with pytest.raises(InputError, match=r"names no 2\.geojson in the column 'annotation'"):
        read_detections(found)


def test_one_file_of_marks_is_not_that_of_two_images(tmp_path: Path, found: Path) -> None:
    assert found.exists()
    (tmp_path / "annotations").mkdir()
    table(tmp_path, [("1.png", 1)], "annotations/1.csv")
    with pytest.raises(InputError, match=r"1\.csv may mark the objects of .*a/1\.png or of .*b/1\.png"):
        cs.samples.annotated_sheet(tmp_path)


def test_images_that_have_moved_are_found_in_their_folders(tmp_path: Path, found: Path) -> None:
    (tmp_path / "moved").mkdir()
    for name in "ab":
        (tmp_path / name).rename(tmp_path / "moved" / name)
    read = read_detections(found)
    assert [Path(read.opened(i, tmp_path / "moved").source).parent.name for i in range(3)] == ["a", "a", "b"]


def test_images_of_one_file_are_told_apart(tmp_path: Path) -> None:
    """Two positions of an OME-TIFF: each has its detections, its truth, its regions and its pixels."""
    with tifffile.TiffWriter(tmp_path / "two.ome.tif") as file:
        for level in (10, 200):
            file.write(np.full(SIZE, level, np.uint8), metadata={"axes": "YX"})
    square = (np.array([[0.0, 0], [9, 0], [9, 9], [0, 9]]),)
    some = [
        Detections(("x",), boxes(n), np.zeros(n, int), np.ones(n), f"{tmp_path}/two.ome.tif series {k}", SIZE)
        for k, n in enumerate((1, 2))
    ]
    some = [replace(one, outlines=(square,) * len(one)) for one in some]
    found = write_value(some, tmp_path / "found")
    read = read_detections(found)
    assert [str(Path(one.source).resolve()) for one in read.found] == [one.source for one in some]
    assert [int(read.opened(i).read().max()) for i in range(2)] == [10, 200]
    assert [len(layer) for one in some if (layer := regions_of(str(found), one))] == [1, 2]
    for k, n in enumerate((1, 2)):
        table(tmp_path, [("two.ome.tif", n)], f"{k}.csv")
    rows = "two.ome.tif,1,1.csv\ntwo.ome.tif,0,0.csv\n"
    (tmp_path / "truth.csv").write_text(f"image,series,annotation\n{rows}")
    assert cs.evaluate(found, tmp_path / "truth.csv", radius="3")[0]["value"] == 1
    assert cs.evaluate(found, tmp_path / "truth.csv", radius="3")[0]["n"] == 3


def test_what_was_corrected_in_qupath_is_told(tmp_path: Path, found: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = sheet(tmp_path, [(name, "points.csv") for name, _ in POINTS])
    table(tmp_path, POINTS)
    assert main(["evaluate", str(found), str(truth)]) == 0
    assert "was changed since" not in capsys.readouterr().out
    (found / "2.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    assert main(["evaluate", str(found), str(truth)]) == 0
    assert "2.geojson was changed since; numbers and tables are of what was found" in capsys.readouterr().out
    (written,) = export(read_detections(found), tmp_path / "a.csv", None, False, Export(csv=True))
    assert "2.geojson was changed since" in written.notes[0]


def test_a_name_with_the_word_series_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "mouse series 2.png"
    Image.fromarray(np.zeros(SIZE, np.uint8)).save(path)
    found = write_value(Detections(("x",), boxes(1), np.zeros(1, int), np.ones(1), str(path), SIZE), tmp_path / "found")
    assert read_detections(found).image(0).resolve() == path
    table(tmp_path, [("mouse series 2.png", 1)])
    assert cs.evaluate(found, tmp_path / "points.csv")[0]["n"] == 1


def test_a_file_about_one_image_is_not_laid_over_several(tmp_path: Path, found: Path) -> None:
    drawn = tmp_path / "drawn.geojson"
    drawn.write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(InputError, match="does not say which of the 3 images its marks are in"):
        cs.evaluate(found, drawn)
    with pytest.raises(InputError, match="does not say which of the 2 images"):
        check_layers(None, str(drawn), 2)
    check_layers(str(found), str(drawn), 1)


def test_an_image_in_two_lists_or_a_name_of_two_images_is_told(tmp_path: Path, found: Path) -> None:
    assert found.exists()
    for name in ("a/1", "a/2", "b/1"):
        table(tmp_path, [(Path(name).name, 1)], f"{name}.csv")
    (tmp_path / "train.txt").write_text("a/1.png\na/2\n")
    (tmp_path / "val.txt").write_text("b/1.png\n")
    made = cs.samples.annotated_sheet(tmp_path)
    assert dict(zip(made.column("image"), made.column("split"), strict=True)) == {
        "a/1.png": "train",
        "a/2.png": "train",
        "b/1.png": "val",
    }
    (tmp_path / "val.txt").write_text("b/1.png\na/2\n")
    with pytest.raises(InputError, match=r"val\.txt names a/2, which the list of train has too"):
        cs.samples.annotated_sheet(tmp_path)
    (tmp_path / "val.txt").write_text("1\n")
    with pytest.raises(InputError, match=r"names 1, but 2 images are called so"):
        cs.samples.annotated_sheet(tmp_path)


def test_slides_that_are_called_alike_are_told_when_they_are_indexed(tmp_path: Path) -> None:
    def of(folder: str) -> cs.Embedding:
        image = np.array([f"/{folder}/S1.svs"] * 3, object)
        facts = {"image": image, "window_px": np.array(["y0x0h1w1", "y1x0h1w1", "y2x0h1w1"]), "slide": ["S1"] * 3}
        return cs.Embedding.from_arrays(np.random.default_rng(0).normal(size=(3, 4)), facts)

    notes: list[str] = []
    cs.index(tmp_path / "a.index", of("ann"), notes=notes)
    assert notes == []
    cs.index(tmp_path / "a.index", of("bob"), notes=notes)
    assert "Slides are called alike ('S1': /ann/S1.svs and /bob/S1.svs)" in notes[0]
