"""Objects of labels are classified as crops around them; their classes go into tables, GeoJSON and the page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

import coverslip as cs
from coverslip.cli import main
from coverslip.core import ArraySamples, Image, LabelMap
from coverslip.figures.colours import category_colours, to_rgb
from coverslip.figures.overlay_files import overlay_jpeg
from coverslip.figures.overlays import CLASSES
from coverslip.io.labels import maps_path, write_maps
from coverslip.results.labels.describing import describe
from coverslip.results.labels.folder import read_label_folder
from coverslip.results.labels.refining import refine
from coverslip.train.run import Run


def field(seed: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Nine squares, bright or dim in their middle, with labels and classes."""
    rng = np.random.default_rng(seed)
    image, labels, classes = rng.normal(200, 10, (72, 72)), np.zeros((72, 72), np.int32), []
    for n in range(9):
        y, x = 6 + 24 * (n // 3), 6 + 24 * (n % 3)
        bright = bool(rng.integers(2))
        image[y : y + 12, x : x + 12] += 600
        image[y + 4 : y + 8, x + 4 : x + 8] += 700 if bright else -400
        labels[y : y + 12, x : x + 12] = n + 1
        classes.append("bright" if bright else "dim")
    return image.clip(0).astype(np.uint16), labels, classes


def drawn(labels: Path, index: int) -> tuple[Image, np.ndarray]:
    """The image and the labels of a picture."""
    folder = read_label_folder(labels)
    return folder.image(index), folder.labels(index).labels


@pytest.fixture
def found(tmp_path: Path) -> tuple[Path, list[str]]:
    """A result of two images with their true classes."""
    results, rows, truth = [], [], []
    for i in range(2):
        image, labels, classes = field(10 + i)
        cs.read.write_image_tiff(image, tmp_path / f"{i}.tif")
        results.append((LabelMap(labels, f"{i}.tif"), cs.measure.object_table(labels)))
        rows.append({"image": f"{i}.tif"})
        truth += classes
    cs.read.write_label_folder(
        results, tmp_path / "labels", rows, tmp_path, provenance={"kind": "labels", "versions": {}}
    )
    return tmp_path / "labels", truth


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    crops, classes = [], []
    for seed in range(6):
        image, labels, names = field(seed)
        cut, _ = cs.samples.crop_objects(Image.from_array(image), labels, 16)
        crops.append(cut)
        classes += names
    samples = ArraySamples(np.concatenate(crops), {"label": np.array(classes)})
    model = cs.fit("classify", samples, {"network": "linear"}, run=Run(device="cpu", precision="fp32"))
    return model.save(tmp_path_factory.mktemp("model") / "model")


def test_find_then_classify(
    found: tuple[Path, list[str]], model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels, truth = found
    for i in range(2):  # as prediction draws them
        (labels / f"{i}.overlay.jpg").write_bytes(overlay_jpeg(*drawn(labels, i)))
    assert main(["predict", str(model), str(labels), "--device", "cpu"]) == 0
    said = capsys.readouterr().out
    assert "Described 18 objects in 2 images as crops of 16 x 16 pixels (" in said
    assert f"{truth.count('bright')} bright" in said
    assert said.splitlines()[-1] == f"Next: coverslip report {labels} --out report.html"
    assert main(["predict", str(model), str(labels), "--device", "cpu", "--out", str(tmp_path / "table.csv")]) == 0
    said = capsys.readouterr().out
    assert "A table of objects has no page: without --out it is said in" in said
    assert "Next:" not in said
    table = cs.read.read_table(labels / "objects.parquet")
    assert table["class"].tolist() == truth
    assert {"area_px", "confidence", "set", "probability_bright", "probability_dim"} <= set(table)
    assert json.loads((labels / "provenance.json").read_text())["described_by"]["method"] == "classify"

    for i in range(2):
        numbers = read_label_folder(labels).labels(i).labels
        picture = np.asarray(Picture.open(labels / f"{i}.overlay.jpg").convert("RGB")).astype(float)
        for number, name in enumerate(truth[9 * i : 9 * i + 9], 1):
            y, x = (int(at) for at in np.argwhere(numbers == number)[-1])  # a lower right corner: no legend there
            corner = picture[2 * y - 2 : 2 * y + 4, 2 * x - 2 : 2 * x + 4].reshape(-1, 3)
            near = {
                other: np.abs(corner - 255 * to_rgb([colour])[0]).sum(axis=1).min()
                for other, colour in zip(("bright", "dim"), category_colours(2), strict=True)
            }
            assert min(near, key=lambda other: near[other]) == name

    assert main(["predict", str(model), str(labels), "--device", "cpu"]) == 0  # again: the columns are replaced
    assert not any(name.startswith("coverslip_") for name in cs.read.read_table(labels / "objects.parquet"))

    out = tmp_path / "out"
    assert main(["export", str(labels), "--geojson", "--out", str(out)]) == 0
    features = [f for file in sorted(out.glob("*.geojson")) for f in json.loads(file.read_text())["features"]]
    assert [f["properties"]["classification"]["name"] for f in features] == truth
    colours = {f["properties"]["classification"]["name"]: f["properties"]["classification"]["color"] for f in features}
    assert colours["bright"] != colours["dim"]
    page = cs.write_report(labels, tmp_path / "page.html").read_text()
    assert "<h2>Classes</h2>" in page
    for kind, name in zip(CLASSES, ("bright", "dim"), strict=False):
        assert f'<li><i style="background:{CLASSES[kind]}"></i>{name}</li>' in page


def test_another_classifier_takes_the_place_of_the_first(
    found: tuple[Path, list[str]], model: Path, tmp_path: Path
) -> None:
    """Its classes are the ones that exports and pages show: nothing of the first one stays beside them."""
    crops, names = zip(
        *(
            (cs.samples.crop_objects(Image.from_array(image), labels, 16)[0], classes)
            for image, labels, classes in map(field, range(6))
        ),
        strict=True,
    )
    capitals = ArraySamples(np.concatenate(crops), {"label": np.char.upper(np.concatenate(names))})
    other = cs.fit("classify", capitals, {"network": "linear"}, run=Run(device="cpu", precision="fp32"))
    other.save(tmp_path / "other")
    for used in (model, tmp_path / "other"):
        assert main(["predict", str(used), str(found[0]), "--device", "cpu"]) == 0
    table = cs.read.read_table(found[0] / "objects.parquet")
    assert table["class"].tolist() == [name.upper() for name in found[1]]
    assert not any(name.startswith("coverslip_") or name == "probability_dim" for name in table)


def test_answers_go_into_another_table_where_one_is_named(
    found: tuple[Path, list[str]], model: Path, tmp_path: Path
) -> None:
    labels, truth = found
    out = tmp_path / "classes.csv"
    assert main(["predict", str(model), str(labels), "--out", str(out), "--device", "cpu"]) == 0
    assert cs.read.read_table(out)["class"].tolist() == truth
    assert "class" not in cs.read.read_table(labels / "objects.parquet")


def test_a_missing_image_is_one_sentence(
    found: tuple[Path, list[str]], model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "1.tif").unlink()
    assert main(["predict", str(model), str(found[0]), "--device", "cpu"]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "there is no image" in line]
    assert "sheet.csv, row 3" in line


def test_the_columns_of_the_sheet_stay_in_the_table(found: tuple[Path, list[str]]) -> None:
    labels, _ = found
    sheet = (labels / "sheet.csv").read_text().splitlines()
    (labels / "sheet.csv").write_text(
        "\n".join(f"{row},{more}" for row, more in zip(sheet, ("treatment", "x", "y"), strict=True))
    )
    assert main(["measure", str(labels)]) == 0
    assert cs.read.read_table(labels / "objects.parquet")["treatment"].tolist() == ["x"] * 9 + ["y"] * 9
    how = {"out": None, "force": False, "shape": (16, 16), "how": {}, "cut": {"neighbours": "keep"}, "record": {}}
    describe(labels, describe=lambda samples: {"class": np.array(["a"] * len(samples), object)}, **how)
    table = cs.read.read_table(labels / "objects.parquet")
    assert table["class"].tolist() == ["a"] * 18
    assert table["treatment"].tolist() == ["x"] * 9 + ["y"] * 9


def test_refining_says_what_it_no_longer_knows_and_keeps_the_border_free(found: tuple[Path, list[str]]) -> None:
    labels, _ = found
    how = {"out": None, "force": False, "shape": (16, 16), "how": {}, "cut": {"neighbours": "keep"}, "record": {}}
    describe(labels, describe=lambda samples: {"class": np.array(["a"] * len(samples), object)}, **how)
    maps = Image.from_array(np.zeros((3, 72, 72), np.uint8), "CYX", channels=("a", "b", "c"))
    for i in range(2):
        write_maps(maps, maps_path(labels / f"{i}.labels.tif"), {"margin_px": 8, "drop_border": True})
    new = np.zeros((72, 72), np.int32)
    new[0:5, 0:5], new[20:30, 20:30] = 1, 2
    written = refine(cs.read.read_label_folder(labels), lambda *_: new, {})
    assert written.said == "Found 2 objects in 2 images"
    assert "(class), but for 2 of 2 images, whose labels have changed" in written.notes[0]
    table = cs.read.read_table(labels / "objects.parquet")
    assert table["area_px"].tolist() == [100, 100]
