"""The plugin of napari, as far as it needs no window: what is read, found, looked at and saved."""

from __future__ import annotations

import ast
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tests.results.overlaps import decomposition_of_discs
from tests.unet.blobs import blob_fields

import coverslip as cs
from coverslip.cli import main
from coverslip.core import InputError, PixelSize, Region
from coverslip.napari.neighbours import in_its_field, nearest, strip
from coverslip.napari.reading import reader_of
from coverslip.napari.running import Area, Cancelled, Job, image_of, model_names, opened_model, run
from coverslip.napari.writing import pixel_size_of, save_corrected, write_labels
from coverslip.read import read_table, write_decomposition_folder, write_embedding, write_image_tiff, write_label_folder


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """Labels of two images of two sizes, 0.5 µm a pixel, as `predict` leaves them."""
    rows, found = [], []
    for i, (height, width) in enumerate([(20, 30), (16, 24)]):
        pixels = np.random.default_rng(i).integers(0, 900, (height, width)).astype(np.uint16)
        write_image_tiff(pixels, tmp_path / f"{i}.tif", pixel_size=PixelSize(0.5, 0.5))
        labels = np.zeros((height, width), np.int32)
        labels[2:6, 2:6], labels[9:13, 9:17] = 1, 2
        labelled = cs.LabelMap(labels, str(tmp_path / f"{i}.tif"), PixelSize(0.5, 0.5))
        found.append((labelled, cs.measure.object_table(labels, pixel_size=PixelSize(0.5, 0.5))))
        rows.append({"image": f"{i}.tif", "treatment": "ab"[i]})
    record = {"kind": "labels", "versions": {}, "model": {"folder": "nuclei-fluo"}}
    write_label_folder(found, tmp_path / "nuclei", rows, tmp_path, provenance=record)
    (tmp_path / "nuclei" / "0.overlay.jpg").write_bytes(b"old")
    return tmp_path / "nuclei"


def read(path: Path) -> dict[str, tuple[Any, dict[str, Any], str]]:
    reader = reader_of(str(path))
    assert reader is not None
    return {str(settings["name"]): (data, settings, kind) for data, settings, kind in reader(str(path))}


def test_the_manifest_names_what_there_is() -> None:
    manifest = yaml.safe_load(resources.files("coverslip.napari").joinpath("napari.yaml").read_text("utf-8"))
    commands = {one["id"]: one["python_name"] for one in manifest["contributions"]["commands"]}
    for name in commands.values():
        module, member = name.split(":")
        source = resources.files("coverslip.napari").joinpath(f"{module.rsplit('.', 1)[1]}.py").read_text("utf-8")
        defined = {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        assert member in defined
    given = manifest["contributions"]
    assert {one["command"] for key in ("readers", "writers", "widgets") for one in given[key]} == set(commands)


def test_a_folder_of_labels_opens_with_its_images_in_micrometres(result: Path) -> None:
    layers = read(result)
    assert list(layers) == ["images", "nuclei"]
    pixels, settings, kind = layers["nuclei"]
    assert (pixels.shape, kind) == ((2, 20, 30), "labels")  # the smaller one filled up
    assert settings["scale"] == [1, 0.5, 0.5]
    assert settings["units"] == ["pixel", "um", "um"]
    assert layers["images"][0].shape == pixels.shape
    assert not pixels[1, 16:].any()
    single = read(result / "0.labels.tif")
    assert list(single) == ["0.tif", "objects"]
    features = single["objects"][1]["features"]
    assert features["index"].tolist() == [1, 2]
    assert features["area_px"].tolist() == [16, 32]


def test_what_is_not_ours_is_left_to_others(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    assert reader_of(str(tmp_path / "notes")) is None
    assert reader_of(str(tmp_path / "missing.labels.tif")) is None


def test_every_object_of_a_decomposition_keeps_its_whole_outline(tmp_path: Path) -> None:
    found, image = decomposition_of_discs()
    write_image_tiff(image, tmp_path / "a.tif")
    write_decomposition_folder([(found, image)], tmp_path / "out", [{"image": "a.tif"}], tmp_path)
    layers = read(tmp_path / "out")
    outlines, settings, kind = layers["objects, whole outlines"]
    assert kind == "shapes"
    assert len(outlines) == len(found) == len(settings["features"]["gain"])
    depths = [data for name, (data, _, _) in layers.items() if name.startswith("objects, depth")]
    assert len(depths) == found.depth > 1
    assert sum(int((depth > 0).sum()) for depth in depths) == sum(int(mask.sum()) for mask in found.masks)
    np.testing.assert_allclose(layers["explained"][0], found.internal, atol=1e-3)
    assert {"a.tif", "left over"} <= set(layers)


def test_the_map_of_an_embedding_has_a_coloured_point_for_each_sample_and_knows_neighbours(tmp_path: Path) -> None:
    vectors = np.array([[0, 0], [1, 0], [5, 5], [6, 5]], np.float32)
    for i in range(4):
        write_image_tiff(np.full((8, 8), i * 60, np.uint8), tmp_path / f"{i}.tif")
    columns = {
        "image": np.array([f"{i}.tif" for i in range(4)], object),
        "cluster": np.array(["1", "1", "2", "2"]),
        "y_px": np.arange(4.0),
        "x_px": np.arange(4.0),
    }
    record = {"kind": "embedding", "inputs": {"folder": str(tmp_path)}}
    path = write_embedding(cs.Embedding.from_arrays(vectors, columns, provenance=record), tmp_path / "c.h5ad")
    ((points, settings, kind),) = read(path).values()
    assert (kind, points.shape, settings["name"]) == ("points", (4, 2), "PCA")
    assert len(set(settings["face_color"])) == 2
    noted = settings["metadata"]["coverslip"]
    rows = nearest(noted["vectors"], 3, 2)
    assert rows.tolist() == [3, 2, 1]
    picture = strip(noted["pictures"], rows, 2)
    assert picture.shape == (18, 18, 3)
    assert picture[4, 4, 0] > picture[4, 14, 0] > picture[14, 4, 0]
    field, point = in_its_field(settings["features"], 2, noted["folder"])
    assert field[0].shape == (8, 8)
    assert point[0].tolist() == [[2, 2]]
    with pytest.raises(InputError, match="where its samples lie"):
        in_its_field({"image": columns["image"]}, 0, tmp_path)


def test_a_model_finds_the_objects_of_a_picture_and_of_a_region_of_it() -> None:
    model = opened_model("nuclei-fluo")
    pixels = blob_fields(1).image(0).read()
    image = image_of(pixels, pixel_size=PixelSize(0.5, 0.5))
    job = Job()
    found = run(model, image, job)
    ((labels, settings, kind),) = found.layers
    np.testing.assert_array_equal(labels, cs.predict(model, image).labels)
    assert (kind, found.count, settings["scale"]) == ("labels", len(np.unique(labels)) - 1, [0.5, 0.5])
    assert settings["name"] == "nuclei (nuclei-fluo)"
    assert job.steps > 0
    assert found.said.startswith(f"{found.count} objects. ")
    half = image.width // 2
    mask = np.zeros((image.height, half), bool)
    mask[: image.height // 2] = True
    part = run(model, image, Job(), Area(Region(0, 0, image.height, half), mask)).layers[0][0]
    assert part.shape == labels.shape
    assert part.any()
    assert not part[:, half:].any()
    centres = [np.argwhere(part == n).mean(axis=0)[0] for n in np.unique(part)[1:]]
    assert max(centres) < image.height // 2 + 1


def test_work_ends_at_the_next_step_after_a_request() -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        run(opened_model("nuclei-fluo"), image_of(blob_fields(1).image(0).read()), job)
    assert job.steps == 1


def test_models_that_find_objects_are_offered() -> None:
    assert {"nuclei-fluo", "nuclei-fluo-kaizen", "he-nuclei", "cells-phase"} <= set(model_names())
    colours = image_of(np.zeros((5, 6, 4), np.uint8), rgb=True)
    assert (colours.axes, colours.shape, colours.channels) == ("CYX", (3, 5, 6), ("red", "green", "blue"))


def test_corrected_labels_are_saved_and_the_result_stays_whole(result: Path) -> None:
    data, settings, _ = read(result)["nuclei"]
    assert save_corrected(data, settings).said == "Nothing was changed"
    untouched = (result / "1.labels.tif").read_bytes()
    data = data.copy()
    data[0][data[0] == 2] = 0
    data[0, 15:18, 20:25] = 7  # painted anew
    written = save_corrected(data, settings)
    assert written.said.startswith("1 image changed. Measured 4 objects in 2 images")
    table = read_table(result / "objects.parquet")
    assert list(zip(table["image"], table["label"], table["area_px"], strict=True)) == [
        ("../0.tif", 1, 16),
        ("../0.tif", 7, 15),
        ("../1.tif", 1, 16),
        ("../1.tif", 2, 32),
    ]
    assert table["treatment"].tolist() == ["a", "a", "b", "b"]
    counts = read_table(result / "images.csv")
    assert counts["total_area_um2"].tolist() == [31 / 4, 12]
    assert (result / "0.overlay.jpg").read_bytes()[:2] == b"\xff\xd8"
    assert (result / "1.labels.tif").read_bytes() == untouched
    assert main(["export", str(result), "--csv", "--out", str(result.parent / "t.csv")]) == 0
    with pytest.raises(InputError, match="not read from a result"):
        save_corrected(data, {"metadata": {}})
    with pytest.raises(InputError, match="has 2 images, but the layer 1"):
        save_corrected(data[0], settings)


def test_labels_of_one_image_are_saved_with_their_table(tmp_path: Path) -> None:
    labels = np.zeros((9, 9), np.int64)
    labels[2:4, 2:4] = 5
    attributes = {"name": "painted", "scale": (250, 250), "units": ("nanometer", "nanometer"), "metadata": {}}
    assert pixel_size_of(attributes) == PixelSize(0.25, 0.25)
    assert pixel_size_of({"scale": (1, 1), "units": ("pixel", "pixel")}) is None
    (file,) = write_labels(str(tmp_path / "a.labels.tif"), labels, attributes)
    assert cs.read.read_labels(file).pixel_size == PixelSize(0.25, 0.25)
    table = read_table(tmp_path / "a.objects.parquet")
    assert (table["label"].tolist(), table["area_um2"].tolist()) == ([5], [0.25])
    with pytest.raises(InputError, match="labels of 2 images"):
        write_labels(str(tmp_path / "b.labels.tif"), np.stack([labels, labels]), attributes)
