"""`coverslip predict` with a model that gives labels: one image, many, and one larger than a block."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

import coverslip as cs
from coverslip.core.image import PixelSize
from coverslip.read import open_image, read_embedding, read_label_folder, read_labels, read_table
from coverslip.work import cluster
from coverslip.work import samples as samples_at_work

from ..unet.blobs import blob_fields
from .conftest import Said, assert_one_sentence, assert_same_result

ON_CPU = ["--device", "cpu"]


def test_one_image_gives_labels_and_a_table_in_the_current_folder(
    coverslip: Callable, tiny_model: Path, fields: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = coverslip("predict", tiny_model, fields / "field0.tif", *ON_CPU)
    names = ["field0.labels.tif", "field0.objects.parquet", "field0.overlay.jpg"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    found = read_labels(tmp_path / "field0.labels.tif")
    count = int(found.labels.max())
    assert count > 5
    assert said.out.splitlines() == [
        f"Found {count} objects in 1 image: field0.labels.tif",
        "Next: coverslip report field0.labels.tif --out report.html",
    ]
    in_python = cs.predict(tiny_model, fields / "field0.tif", device="cpu")
    np.testing.assert_array_equal(found.labels, in_python.labels)
    assert found.source == str(fields / "field0.tif")
    assert found.provenance["model"]["method"] == "unet"
    table = read_table(tmp_path / "field0.objects.parquet")
    np.testing.assert_array_equal(table["area_px"], np.bincount(found.labels.ravel())[1:])
    pixels = open_image(fields / "field0.tif").read()
    np.testing.assert_allclose(table["intensity_mean"][3], pixels[found.labels == 4].mean())
    np.testing.assert_allclose(table["area_um2"], table["area_px"] / 4)
    assert (tmp_path / table["image"][0]).resolve() == fields / "field0.tif"


def test_a_folder_gives_a_folder_that_is_a_sheet(
    coverslip: Callable, tiny_model: Path, fields: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert coverslip("predict", tiny_model, fields, *ON_CPU).code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["fields-labels"]
    files = {"sheet.csv", "objects.parquet", "images.csv", "provenance.json"}
    files |= {f"field{i}.{ending}" for i in range(3) for ending in ("labels.tif", "overlay.jpg")}
    assert {path.name for path in (tmp_path / "fields-labels").iterdir()} == files
    result = read_label_folder(tmp_path / "fields-labels")
    in_python = cs.predict(tiny_model, fields, device="cpu")
    for i, labels in enumerate(in_python):
        np.testing.assert_array_equal(result.labels(i).labels, labels.labels)
        assert result.image(i).shape == labels.labels.shape
    table = read_table(tmp_path / "fields-labels" / "objects.parquet")
    assert list(table["label"]) == [n for labels in in_python for n in range(1, labels.labels.max() + 1)]
    assert json.loads((tmp_path / "fields-labels" / "provenance.json").read_text())["inputs"]["n"] == 3
    counts = read_table(tmp_path / "fields-labels" / "images.csv")
    assert counts["objects"].tolist() == [labels.labels.max() for labels in in_python]
    assert counts["total_area_um2"].tolist() == [(labels.labels > 0).sum() / 4 for labels in in_python]
    with Picture.open(tmp_path / "fields-labels" / "field0.overlay.jpg") as overlay:
        drawn = np.asarray(overlay, int)
    assert drawn.shape == (2 * in_python[0].labels.shape[0], 2 * in_python[0].labels.shape[1], 3)
    assert (drawn[..., 2] - drawn[..., 0] > 90).any()  # outlines are blue, the image is grey


def test_a_sheet_keeps_its_columns_and_its_masks_become_the_truth(
    coverslip: Callable, tiny_model: Path, fields: Path, tmp_path: Path
) -> None:
    (tmp_path / "sheet.csv").write_text(
        f"image,mask,group,split\n{fields}/field2.tif,{fields}/field2.png,a,test\n{fields}/field0.tif,,b,train\n"
    )
    assert coverslip("predict", tiny_model, tmp_path / "sheet.csv", "--out", tmp_path / "out", *ON_CPU).code == 0
    rows = read_label_folder(tmp_path / "out").rows
    assert [(row["group"], row["split"], row["mask"]) for row in rows] == [
        ("a", "test", "field2.labels.tif"),
        ("b", "train", "field0.labels.tif"),
    ]
    table = read_table(tmp_path / "out" / "objects.parquet")
    of_first = table["image"] == rows[0]["image"]
    assert set(table["group"][of_first]) == {"a"}
    assert set(table["split"][~of_first]) == {"train"}
    assert (tmp_path / "out" / rows[0]["source_mask"]).resolve() == fields / "field2.png"


def test_a_kept_probability_is_measured(coverslip: Callable, tiny_model: Path, tmp_path: Path) -> None:
    truth = blob_fields(1, (96, 112), seed=3)
    cs.read.write_image_tiff(truth.pixels(0)[0], tmp_path / "a.tif")
    mask = cs.read.write_labels(truth.labels(0), tmp_path / "true.tif")
    command = ["predict", tiny_model, tmp_path / "a.tif", "--out", tmp_path / "a.labels.tif", *ON_CPU]
    assert coverslip(*command).code == 0
    assert "auroc" not in coverslip("evaluate", tmp_path / "a.labels.tif", mask).out
    assert coverslip(*command, "--probability", "--force").code == 0
    assert "auroc" in coverslip("evaluate", tmp_path / "a.labels.tif", mask).out


def test_one_image_as_zarr_shows_image_and_labels_together(
    coverslip: Callable, tiny_model: Path, fields: Path, tmp_path: Path
) -> None:
    image = fields / "field1.tif"
    said = coverslip("predict", tiny_model, image, "--out", tmp_path / "a.zarr", "--probability", *ON_CPU)
    assert said.code == 0
    names = ["a.objects.parquet", "a.overlay.jpg", "a.probability.tif", "a.zarr"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    np.testing.assert_array_equal(open_image(tmp_path / "a.zarr").read(), open_image(image).read())
    result = read_label_folder(tmp_path / "a.zarr")
    labels = cs.predict(tiny_model, image, device="cpu").labels
    np.testing.assert_array_equal(result.labels(0).labels, labels)
    assert len(result.objects()["label"]) == labels.max()
    probability = open_image(tmp_path / "a.probability.tif")
    assert (probability.dtype, probability.pixel_size) == (np.uint8, PixelSize(0.5, 0.5))
    threshold = cs.load(tiny_model).facts["decoding"]["threshold"]
    assert probability.read()[labels > 0].min() >= round(255 * threshold) - 1


@pytest.mark.usefixtures("small_blocks")
def test_a_large_image_gives_what_it_gives_at_once(
    coverslip: Callable,
    tiny_model: Path,
    large: Path,
    tmp_path: Path,
    found_blocks: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("coverslip.nn.speed.native_bfloat16", lambda device: False)  # which rounds differently by size
    options = ["--probability", *ON_CPU]
    assert coverslip("predict", tiny_model, large, "--out", tmp_path / "a.labels.tif", *options).code == 0
    assert len(found_blocks) == 12
    found = read_labels(tmp_path / "a.labels.tif").labels
    whole = cs.predict(tiny_model, large, device="cpu")
    pairs = np.unique(np.stack([found.ravel(), whole.labels.ravel()]), axis=1)
    assert len(pairs.T) == int(found.max()) + 1 == whole.labels.max() + 1
    table = read_table(tmp_path / "a.objects.parquet")
    assert list(table["label"]) == list(range(1, int(found.max()) + 1))
    np.testing.assert_array_equal(table["area_px"], np.bincount(found.ravel())[1:])
    rows, columns = np.nonzero(found == 40)
    assert (table["y_px"][39], table["x_px"][39]) == (pytest.approx(rows.mean()), pytest.approx(columns.mean()))
    at_border = np.unique(np.concatenate([found[[0, -1]].ravel(), found[:, [0, -1]].ravel()]))
    assert set(table["label"][table["touches_border"]]) == set(at_border) - {0}
    kept = open_image(tmp_path / "a.probability.tif").read()
    np.testing.assert_allclose(kept / 255, whole.probability, atol=0.01)


def test_several_devices_and_threads_give_the_same(
    coverslip: Callable, tiny_model: Path, fields: Path, tmp_path: Path
) -> None:
    assert coverslip("predict", tiny_model, fields, "--out", tmp_path / "one", *ON_CPU).code == 0
    assert coverslip("predict", tiny_model, fields, "--out", tmp_path / "two", "--devices", 2, *ON_CPU).code == 0
    one, two = (read_label_folder(tmp_path / name) for name in ("one", "two"))
    for i in range(3):
        np.testing.assert_array_equal(one.labels(i).labels, two.labels(i).labels)


@pytest.mark.usefixtures("small_blocks")
def test_a_dask_cluster_gives_the_same(
    coverslip: Callable, tiny_model: Path, large: Path, tmp_path: Path, found_blocks: list[str]
) -> None:
    distributed = pytest.importorskip("distributed")
    assert coverslip("predict", tiny_model, large, "--out", tmp_path / "a.labels.tif", *ON_CPU).code == 0
    here = len(found_blocks)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as own:
        options = ["--dask", own.scheduler_address, *ON_CPU]
        assert coverslip("predict", tiny_model, large, "--out", tmp_path / "b.labels.tif", *options).code == 0
    assert len(found_blocks) == here
    assert_same_result(tmp_path / "a.labels.tif", tmp_path / "b.labels.tif")


@pytest.mark.parametrize(
    ("inputs", "options", "words"),
    [
        ("field0.tif", ["--threshold", "2"], "'threshold' cannot be 2.0: Input should be less than 1"),
        ("field0.tif", ["--devices", "0"], "At least one device"),
        ("field0.tif", ["--device", "tpu"], "no device 'tpu'"),
        ("field0.tif", ["--max-ram", "lots"], "write it like 3GB"),
        ("field0.tif", ["--max-ram", "10MB"], "too little for this model"),
        ("field0.tif", ["--clusters", "3"], "option 'clusters' is for models that give an embedding"),
        ("field0.tif", ["--rival", "model"], "option 'rivals' is for models that give decompositions"),
        ("field0.tif", ["--min-confidence", "0.5"], "option 'min_confidence' is for models that give decompositions"),
        ("field0.tif", ["--channels", "4"], "no channel '4'"),
        ("field0.tif", ["--planes", "best"], "say channels, max"),
        ("field0.tif", ["--out", "{out}/cells.h5ad"], "no place for labels"),
        (".", ["--out", "{out}/cells.labels.tif"], "name a folder"),
        (".", ["--out", "{out}/cells.zarr"], "name a folder"),
        ("field0.tif", ["--out", "{fields}/field0.tif"], "is what is to be segmented"),
        ("absent.tif", [], "does not exist"),
        ("field0.tif", ["--dask", "tcp://127.0.0.1:1"], "No Dask scheduler with workers answers at tcp://127.0.0.1:1"),
    ],
)
def test_what_cannot_be_is_refused(
    coverslip: Callable,
    tiny_model: Path,
    fields: Path,
    out: Path,
    inputs: str,
    options: list[str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "_PATIENCE", 0.5)
    monkeypatch.chdir(out)
    options = [option.format(out=out, fields=fields) for option in options]
    assert_one_sentence(coverslip("predict", tiny_model, fields / inputs, *ON_CPU, *options), words)


def test_without_dask_its_extra_is_named(
    coverslip: Callable, tiny_model: Path, fields: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    said = coverslip("predict", tiny_model, fields, "--out", out / "labels", "--dask", "local")
    assert_one_sentence(said, "pip install 'coverslip[cluster]'")


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.zeros((2, 40, 40), np.uint16), "has 2 channels, but the model was fitted to 1"),
        (np.full((40, 40), np.nan, np.float32), "NaN or infinite"),
        (np.zeros((40, 40), np.complex64), ""),
    ],
)
def test_an_image_that_does_not_fit_the_model(
    coverslip: Callable, tiny_model: Path, tmp_path: Path, out: Path, pixels: np.ndarray, words: str
) -> None:
    tifffile.imwrite(tmp_path / "odd.tif", pixels, photometric="minisblack", metadata={"axes": "CYX"[-pixels.ndim :]})
    said = coverslip("predict", tiny_model, tmp_path / "odd.tif", "--out", out / "odd.labels.tif", *ON_CPU)
    assert_one_sentence(said, "odd.tif", words)


def test_one_channel_of_several_may_be_chosen(
    coverslip: Callable, tiny_model: Path, fields: Path, tmp_path: Path
) -> None:
    pixels = open_image(fields / "field0.tif").read()
    cs.read.write_image_tiff(np.stack([pixels[::-1], pixels]), tmp_path / "two.tif", channels=("GFP", "DAPI"))
    options = ["--channels", "DAPI", "--out", tmp_path / "two.labels.tif", *ON_CPU]
    assert coverslip("predict", tiny_model, tmp_path / "two.tif", *options).code == 0
    expected = cs.predict(tiny_model, fields / "field0.tif", device="cpu").labels
    np.testing.assert_array_equal(read_labels(tmp_path / "two.labels.tif").labels, expected)
    table = read_table(tmp_path / "two.objects.parquet")
    assert [name for name in table if name.endswith("_mean")] == ["DAPI_mean"]


def test_a_folder_without_images_is_refused(coverslip: Callable, tiny_model: Path, tmp_path: Path, out: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = coverslip("predict", tiny_model, tmp_path / "empty", "--out", out / "labels", *ON_CPU)
    assert_one_sentence(said, "is an empty folder")


def test_what_is_there_is_replaced_only_when_told(
    coverslip: Callable, tiny_model: Path, fields: Path, tmp_path: Path
) -> None:
    command = ["predict", tiny_model, fields / "field2.tif", *ON_CPU, "--out"]
    (tmp_path / "a.labels.tif").write_bytes(b"precious")
    assert_one_sentence(coverslip(*command, tmp_path / "a.labels.tif"), "exists already", "--force")
    assert (tmp_path / "a.labels.tif").read_bytes() == b"precious"
    assert coverslip(*command, tmp_path / "a.labels.tif", "--force").code == 0
    assert read_labels(tmp_path / "a.labels.tif").labels.shape == (64, 64)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("precious")
    assert_one_sentence(coverslip(*command, tmp_path / "mine", "--force"), "holds other things than labels")
    assert (tmp_path / "mine" / "notes.txt").read_text() == "precious"


@pytest.mark.data
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--flips"], "option 'flips' is for models that give labels"),
        (["--min-area", "4"], "option 'min_area' is for models that give decompositions or labels"),
        (["--set", "probability=true"], "option 'probability' is for models that give labels"),
    ],
)
def test_an_embedding_has_none_of_it(
    coverslip: Callable, crops: Path, model: Path, out: Path, options: list[str], words: str
) -> None:
    said = coverslip("predict", model, crops, "--out", out / "cells.h5ad", *options)
    assert_one_sentence(said, "gives an embedding", words)


@pytest.mark.data
def test_an_embedding_takes_what_all_predictions_share(
    coverslip: Callable, crops: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples_at_work, "_AT_ONCE", 20)
    command = ["predict", model, crops, *ON_CPU, "--out"]
    assert coverslip(*command, tmp_path / "one.h5ad").code == 0
    shared = ["--devices", 2, "--max-ram", "6GB", "--planes", "channels", "--resume"]
    assert coverslip(*command, tmp_path / "two.h5ad", *shared).code == 0
    one, two = (read_embedding(tmp_path / name) for name in ("one.h5ad", "two.h5ad"))
    np.testing.assert_array_equal(one.latent, two.latent)
    assert list(one.column("cluster")) == list(two.column("cluster"))
    assert "is already finished" in coverslip(*command, tmp_path / "two.h5ad", "--resume").out


@pytest.mark.data
def test_an_embedding_is_named_after_its_samples(
    coverslip: Callable, crops: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said: Said = coverslip("predict", model, crops, *ON_CPU)
    assert said.out.splitlines()[-1] == "Next: coverslip report cells.h5ad --out report.html"
    assert [path.name for path in tmp_path.iterdir()] == ["cells.h5ad"]


def test_areas_that_hold_no_image_are_said_and_can_be_said(
    coverslip: Callable,
    tiny_model: Path,
    large: Path,
    small_blocks: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    padded = tmp_path / "padded.tif"
    cs.read.write_image_tiff(np.pad(open_image(large).read(), 40, constant_values=9999), padded)
    said = coverslip("predict", tiny_model, padded, *ON_CPU)
    assert [line for line in said.out.splitlines() if line.startswith("Note")] == [
        "Note: 1 image has areas that hold no image, as stitching or rotation leaves them (padded.tif, grey value "
        "9999): they count in no statistics, and no objects are looked for there; --nodata none takes them for image."
    ]
    found = read_labels(tmp_path / "padded.labels.tif").labels
    assert (found > 0).sum() == (found[40:-40, 40:-40] > 0).sum() > 0
    in_python = cs.predict(tiny_model, padded, device="cpu", nodata=9999)
    assert in_python.provenance["nodata"] == [9999.0]
    np.testing.assert_array_equal(in_python.labels > 0, found > 0)
    said = coverslip("predict", tiny_model, padded, *ON_CPU, "--force", "--nodata", "none", "--drop-border")
    assert "hold no image" not in said.out
    assert read_labels(tmp_path / "padded.labels.tif").provenance["model"]["input"]["nodata"] == "none"
    table = read_table(tmp_path / "padded.objects.parquet")
    assert not table["touches_border"].any()
    assert_one_sentence(coverslip("predict", tiny_model, padded, *ON_CPU, "--force", "--nodata", "black"), "nodata")


def test_nothing_that_a_result_is_made_from_is_replaced(
    coverslip: Callable, tiny_model: Path, fields: Path, tmp_path: Path
) -> None:
    """A folder that looks like labels, and holds the images too: the layout of many users."""
    mine = tmp_path / "mine"
    shutil.copytree(fields, mine)
    (mine / "sheet.csv").write_text("image\nfield0.tif\n")
    cs.read.write_labels(np.eye(3, dtype=np.uint8), mine / "field0.tif")
    before = {path.name: path.read_bytes() for path in mine.iterdir()}
    for inputs in (mine / "sheet.csv", mine / "field0.tif"):
        said = coverslip("predict", tiny_model, inputs, *ON_CPU, "--out", mine, "--force")
        assert_one_sentence(said, f"{mine} holds {mine / 'field0.tif'} itself" if inputs.suffix == ".tif" else "itself")
    result = cs.read.read_label_folder(mine / "field0.labels.tif")
    assert result.path.exists()
    assert {path.name: path.read_bytes() for path in mine.iterdir()} == before
