"""`coverslip predict` with a model that decomposes, and what takes its folder."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

import coverslip as cs
from coverslip.core.decomposition import COLUMNS, Decomposition
from coverslip.core.image import PixelSize
from coverslip.core.region import Region
from coverslip.core.results import LabelMap
from coverslip.methods.kaizen.prediction import Decomposer
from coverslip.read import (
    open_image,
    read_decomposition,
    read_label_folder,
    read_table,
    write_decomposition_folder,
    write_image_tiff,
    write_labels,
)
from coverslip.results.decomposition import prediction
from coverslip.work import cluster
from coverslip.work.unfinished import Parts, Work

from ..results.overlaps import decomposition_of_discs
from ..unet.blobs import blob_fields
from .conftest import Said, assert_one_sentence

ON_CPU = ["--device", "cpu"]
KINDS = ("labels", "layers", "generated", "background", "internal", "error")


@pytest.fixture(scope="session")
def fields(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small fields of different sizes in a folder, with µm."""
    folder = tmp_path_factory.mktemp("fields") / "fields"
    folder.mkdir()
    for i, size in enumerate([(64, 72), (50, 61), (48, 48)]):
        pixels = blob_fields(1, size, seed=40 + i).pixels(0)
        write_image_tiff(pixels[0], folder / f"field{i}.tif", pixel_size=PixelSize(0.5, 0.5))
    return folder


@pytest.fixture
def decomposed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The images that were decomposed, in order."""
    seen: list[str] = []
    before = Decomposer.__call__

    def call(self: Decomposer, fields: cs.samples.Fields, index: int, *rest: Any) -> Decomposition:
        seen.append(Path(fields.name(index)).name)
        return before(self, fields, index, *rest)

    monkeypatch.setattr(Decomposer, "__call__", call)
    return seen


def assert_same(one: Decomposition, other: Decomposition) -> None:
    """Assert that two decompositions are equal in what every one has."""
    for name in COLUMNS:
        np.testing.assert_array_equal(one.objects[name], other.objects[name], err_msg=name)
    for name in ("labels", "background", "internal"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for arrays, others in ((one.masks, other.masks), (one.pixels, other.pixels)):
        assert [array.tolist() for array in arrays] == [array.tolist() for array in others]


def test_one_image_gives_a_folder_named_after_it(
    coverslip: Callable, tiny_kaizen: Path, fields: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = coverslip("predict", tiny_kaizen, fields / "field0.tif", *ON_CPU)
    assert [path.name for path in tmp_path.iterdir()] == ["field0-decomposition"]
    folder = tmp_path / "field0-decomposition"
    assert {path.name for path in folder.iterdir()} == {
        *(f"field0.{kind}.tif" for kind in KINDS),
        "images.csv",
        "objects.parquet",
        "rounds.parquet",
        "sheet.csv",
        "provenance.json",
    }
    found = read_decomposition(folder)
    assert len(found) >= 3
    assert said.out.splitlines() == [
        f"Found {len(found)} objects in 1 image: field0-decomposition",
        "Next: coverslip report field0-decomposition --out report.html",
    ]
    in_python = cs.predict(tiny_kaizen, fields / "field0.tif", device="cpu")
    assert isinstance(in_python, cs.Decomposition)
    assert_same(found, in_python)
    assert found.source == str(fields / "field0.tif")
    assert found.pixel_size == PixelSize(0.5, 0.5)
    assert found.provenance["model"] == in_python.provenance["model"]
    assert found.provenance["model"]["method"] == "kaizen"


def test_a_folder_gives_a_folder_whose_table_measures_whole_objects(
    coverslip: Callable, tiny_kaizen: Path, fields: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert coverslip("predict", tiny_kaizen, fields, *ON_CPU).code == 0
    folder = tmp_path / "fields-decomposition"
    in_python = cs.predict(tiny_kaizen, fields, device="cpu")
    for i, expected in enumerate(in_python):
        assert_same(read_decomposition(folder, i), expected)
    found = read_decomposition(folder)
    pixels = open_image(fields / "field0.tif").read()
    means = [pixels[place][mask].mean() for place, mask in zip(found.places(), found.masks, strict=True)]
    np.testing.assert_allclose(found.objects["intensity_mean"], means)
    np.testing.assert_allclose(found.objects["area_um2"], found.objects["area_px"] / 4)
    table = read_table(folder / "objects.parquet")
    assert list(table["label"]) == [n for each in in_python for n in range(1, len(each) + 1)]
    assert list(table)[:2] == ["image", "label"]
    assert "layer" in table
    assert json.loads((folder / "provenance.json").read_text())["inputs"]["n"] == 3


def test_several_threads_and_a_dask_cluster_give_the_same(
    coverslip: Callable, tiny_kaizen: Path, fields: Path, tmp_path: Path
) -> None:
    distributed = pytest.importorskip("distributed")
    command = ["predict", tiny_kaizen, fields, *ON_CPU, "--out"]
    assert coverslip(*command, tmp_path / "one").code == 0
    assert coverslip(*command, tmp_path / "two", "--devices", 2, "--max-ram", "6GB").code == 0
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as own:
        assert coverslip(*command, tmp_path / "three", "--dask", own.scheduler_address).code == 0
    for i in range(3):
        one, two, three = (read_decomposition(tmp_path / name, i) for name in ("one", "two", "three"))
        assert_same(two, one)
        assert_same(three, one)


def test_in_python_the_flat_labels_can_be_asked_for(tiny_kaizen: Path, fields: Path) -> None:
    (labels,) = cs.results.get("decomposition").verb("segment")(cs.load(tiny_kaizen), fields / "field1.tif", "cpu")
    assert isinstance(labels, LabelMap)
    np.testing.assert_array_equal(labels.labels, cs.predict(tiny_kaizen, fields / "field1.tif", device="cpu").labels)


def test_a_sheet_keeps_its_columns_and_is_evaluated(
    coverslip: Callable, tiny_kaizen: Path, fields: Path, tmp_path: Path
) -> None:
    lines = ["image,mask,well,layers"]
    for i, size in ((2, (48, 48)), (0, (64, 72))):
        write_labels(blob_fields(1, size, seed=40 + i).labels(0).astype(np.uint16), tmp_path / f"mask{i}.tif")
        lines.append(f"{fields}/field{i}.tif,mask{i}.labels.tif,A{i},of mine")
    (tmp_path / "sheet.csv").write_text("\n".join([*lines, ""]))
    assert coverslip("predict", tiny_kaizen, tmp_path / "sheet.csv", "--out", tmp_path / "out", *ON_CPU).code == 0
    found = read_label_folder(tmp_path / "out")
    assert [(row["well"], row["layers"]) for row in found.rows] == [
        ("A2", "field2.layers.tif"),
        ("A0", "field0.layers.tif"),
    ]
    assert coverslip("evaluate", tmp_path / "out", "--out", tmp_path / "table.csv").code == 0
    with open(tmp_path / "table.csv", encoding="utf-8-sig") as stream:
        values = {row["measure"]: float(row["value"]) for row in csv.DictReader(stream)}
    assert 0.3 < values["rq"] <= 1


@pytest.mark.parametrize(
    ("option", "column", "unit"), [("--min-area", "area_px", 1), ("--min-confidence", "confidence", 0.001)]
)
def test_objects_below_a_bound_are_not_accepted(
    coverslip: Callable, tiny_kaizen: Path, fields: Path, tmp_path: Path, option: str, column: str, unit: float
) -> None:
    command = ["predict", tiny_kaizen, fields / "field0.tif", *ON_CPU, "--out"]
    assert coverslip(*command, tmp_path / "all").code == 0
    values = read_decomposition(tmp_path / "all").objects[column]
    bound = round((np.median(values) // unit + 1) * unit, 3)
    bound = int(bound) if unit == 1 else bound
    assert coverslip(*command, tmp_path / "some", option, bound).code == 0
    kept = read_decomposition(tmp_path / "some")
    assert 0 < len(kept) < len(values)
    assert (kept.objects[column] >= bound).all()
    assert kept.provenance["options"] == {option.removeprefix("--").replace("-", "_"): bound}


def test_rivals_take_part_and_are_recorded(
    coverslip: Callable, tiny_kaizen: Path, fields: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_kaizen, tmp_path / "rival")
    rivals = ["--rival", tmp_path / "rival", "--rival", tiny_kaizen]
    out = tmp_path / "out"
    assert coverslip("predict", tiny_kaizen, fields / "field2.tif", "--out", out, *rivals, *ON_CPU).code == 0
    found = read_decomposition(out)
    in_python = cs.predict(
        tiny_kaizen, fields / "field2.tif", device="cpu", rivals=[tmp_path / "rival", cs.load(tiny_kaizen)]
    )
    assert_same(found, in_python)
    assert [rival["folder"] for rival in found.provenance["rivals"]] == [str(tmp_path / "rival"), str(tiny_kaizen)]
    assert found.provenance["rivals"] == in_python.provenance["rivals"]
    assert len(found.provenance["rivals"][0]["weights_sha256"]) == 64


def test_a_rival_of_another_method_is_refused(
    coverslip: Callable, tiny_kaizen: Path, tiny_model: Path, fields: Path, out: Path
) -> None:
    command = ["predict", tiny_kaizen, fields, "--out", out / "a", *ON_CPU, "--rival"]
    assert_one_sentence(coverslip(*command, tiny_model), "'unet', which cannot compete with one of 'kaizen'")
    assert_one_sentence(coverslip(*command, out / "absent"), "absent")


def killed(self: Work, *rest: object) -> None:
    """A way to finish an image that is cut short right afterwards."""
    FINISH(self, *rest)
    raise SystemExit


FINISH = Work.finish


def begin_and_leave(coverslip: Callable, command: list[object]) -> None:
    """Run a command that is killed once one image is done."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Work, "finish", killed)
        with pytest.raises(SystemExit):
            coverslip(*command)


def test_killed_it_goes_on_with_the_images_that_are_left(
    coverslip: Callable, tiny_kaizen: Path, fields: Path, tmp_path: Path, decomposed: list[str]
) -> None:
    command = ["predict", tiny_kaizen, fields, *ON_CPU, "--out"]
    begin_and_leave(coverslip, [*command, tmp_path / "out"])
    assert not (tmp_path / "out").exists()
    assert_one_sentence(coverslip(*command, tmp_path / "out"), "holds an unfinished prediction", "--resume")
    assert coverslip(*command, tmp_path / "out", "--resume").code == 0
    assert decomposed == ["field0.tif", "field1.tif", "field2.tif"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert coverslip(*command, tmp_path / "whole").code == 0
    for i in range(3):
        assert_same(read_decomposition(tmp_path / "out", i), read_decomposition(tmp_path / "whole", i))
    for name in ("objects.parquet", "rounds.parquet"):
        one, other = (read_table(tmp_path / folder / name) for folder in ("out", "whole"))
        assert one.keys() == other.keys()
        for column in one:
            np.testing.assert_array_equal(one[column], other[column], err_msg=column)
    assert "is already finished" in coverslip(*command, tmp_path / "out", "--resume").out


def test_ctrl_c_stops_after_the_image(
    coverslip: Callable, tiny_kaizen: Path, fields: Path, tmp_path: Path, decomposed: list[str]
) -> None:
    def finish(self: Work, *rest: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        FINISH(self, *rest)

    command = ["predict", tiny_kaizen, fields, "--out", tmp_path / "out", *ON_CPU]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Work, "finish", finish)
        said: Said = coverslip(*command)
    assert said.code == 130
    assert said.err.splitlines()[-1] == (
        "Stopped after 1 of 3 images; what is done is saved: run the same command with --resume to go on."
    )
    assert decomposed == ["field0.tif"]
    assert coverslip(*command, "--resume").code == 0
    assert decomposed == ["field0.tif", "field1.tif", "field2.tif"]


def test_a_large_image_goes_on_with_the_parts_that_are_left(
    coverslip: Callable, tiny_kaizen: Path, fields: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction, "FOOTPRINT", replace(prediction.FOOTPRINT, largest=40))
    searched: list[Region] = []
    search, put = Decomposer._part, Parts.put

    def counted(self: Decomposer, shown: Any, part: Any, *rest: Any) -> Any:
        searched.append(part.core)
        return search(self, shown, part, *rest)

    def interrupted(self: Parts, part: int, arrays: Any) -> None:
        if part == 1:
            os.kill(os.getpid(), signal.SIGINT)
        put(self, part, arrays)

    monkeypatch.setattr(Decomposer, "_part", counted)
    command = ["predict", tiny_kaizen, fields / "field0.tif", *ON_CPU, "--out"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Parts, "put", interrupted)
        said: Said = coverslip(*command, tmp_path / "out")
    assert said.code == 130
    assert said.err.splitlines()[-1] == (
        "Stopped after 0 of 1 image and 2 parts of the next; what is done is saved: run the same command with "
        "--resume to go on."
    )
    assert coverslip(*command, tmp_path / "out", "--resume").code == 0
    assert len(searched) == len(set(searched)) == 4
    assert coverslip(*command, tmp_path / "whole").code == 0
    assert_same(read_decomposition(tmp_path / "out"), read_decomposition(tmp_path / "whole"))


def test_an_image_that_changed_or_was_left_out_since(
    coverslip: Callable, tiny_kaizen: Path, fields: Path, tmp_path: Path, decomposed: list[str]
) -> None:
    shutil.copytree(fields, tmp_path / "fields")
    (tmp_path / "fields" / "sheet.csv").write_text("image\nfield0.tif\nfield1.tif\nfield2.tif\n")  # all are meant
    whole = (tmp_path / "fields" / "field1.tif").read_bytes()
    (tmp_path / "fields" / "field1.tif").write_bytes(whole[:2000] + bytes(len(whole) - 2000))
    command = ["predict", tiny_kaizen, tmp_path / "fields", "--out", tmp_path / "out", *ON_CPU]
    assert_one_sentence(coverslip(*command), "field1.tif is damaged", "what was done before is kept, for --resume")
    (tmp_path / "fields" / "sheet.csv").write_text("image\nfield0.tif\nfield2.tif\n")
    (tmp_path / "fields" / "field1.tif").unlink()
    shutil.copy(fields / "field2.tif", tmp_path / "fields" / "field0.tif")
    decomposed.clear()
    assert coverslip(*command, "--resume").code == 0
    assert decomposed == ["field0.tif", "field2.tif"]
    assert {path.name.split(".")[0] for path in (tmp_path / "out").glob("*.tif")} == {"field0", "field2"}
    expected = cs.predict(tiny_kaizen, fields / "field2.tif", device="cpu")
    for i in range(2):
        assert_same(read_decomposition(tmp_path / "out", i), expected)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--min-area", "30"], "min_area=default, not 30"),
        (["--rival", "{model}"], "other rivals"),
        (["--planes", "max"], "planes=channels, not max"),
    ],
)
def test_another_command_does_not_resume(
    coverslip: Callable, tiny_kaizen: Path, fields: Path, tmp_path: Path, options: list[str], words: str
) -> None:
    command = ["predict", tiny_kaizen, fields, "--out", tmp_path / "out", *ON_CPU]
    begin_and_leave(coverslip, command)
    options = [option.format(model=tiny_kaizen) for option in options]
    assert_one_sentence(coverslip(*command, "--resume", *options), words, "--force instead of --resume")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--clusters", "3"], "option 'clusters' is for models that give an embedding"),
        (["--flips"], "gives decompositions, and the option 'flips' is for models that give labels"),
        (["--threshold", "0.5"], "option 'threshold' is for models that give detections or labels"),
        (["--probability"], "option 'probability' is for models that give labels"),
        (["--max-ram", "10MB"], "too little for this model"),
        (["--dask", "tcp://127.0.0.1:1"], "No Dask scheduler with workers answers at tcp://127.0.0.1:1"),
        (["--devices", "0"], "At least one device"),
        (["--device", "tpu"], "no device 'tpu'"),
        (["--min-confidence", "2"], "confidence"),
        (["--channels", "4"], "no channel '4'"),
        (["--out", "{out}/a.tif"], "name a folder, such as a-decomposition"),
        (["--out", "{out}/a.h5ad"], "is no place for a decomposition"),
        (["--out", "{fields}"], "is what is to be decomposed"),
    ],
)
def test_what_cannot_be_is_refused(
    coverslip: Callable,
    tiny_kaizen: Path,
    fields: Path,
    out: Path,
    options: list[str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "_PATIENCE", 0.5)
    monkeypatch.chdir(out)
    options = [option.format(out=out, fields=fields) for option in options]
    assert_one_sentence(coverslip("predict", tiny_kaizen, fields, *ON_CPU, *options), words)


def test_an_image_that_does_not_fit_the_model(
    coverslip: Callable, tiny_kaizen: Path, tmp_path: Path, out: Path
) -> None:
    tifffile.imwrite(tmp_path / "two.tif", np.zeros((2, 40, 40), np.uint16), photometric="minisblack")
    said = coverslip("predict", tiny_kaizen, tmp_path / "two.tif", "--out", out / "a", *ON_CPU)
    assert_one_sentence(said, "two.tif", "channel")


def test_an_empty_image_has_no_object(coverslip: Callable, tiny_kaizen: Path, tmp_path: Path) -> None:
    write_image_tiff(np.full((40, 50), 300, np.uint16), tmp_path / "empty.tif")
    said = coverslip("predict", tiny_kaizen, tmp_path / "empty.tif", "--out", tmp_path / "out", *ON_CPU)
    assert said.out.splitlines()[0] == f"Found 0 objects in 1 image: {tmp_path / 'out'}"
    found = read_decomposition(tmp_path / "out")
    assert len(found) == 0
    np.testing.assert_allclose(found.background, 300, atol=1)


def test_what_is_there_is_replaced_only_when_told(
    coverslip: Callable, tiny_kaizen: Path, fields: Path, tmp_path: Path
) -> None:
    command = ["predict", tiny_kaizen, fields / "field2.tif", *ON_CPU, "--out"]
    assert coverslip(*command, tmp_path / "out").code == 0
    (tmp_path / "out" / "field2.layers.tif").unlink()
    assert_one_sentence(coverslip(*command, tmp_path / "out"), "exists already", "--force")
    assert coverslip(*command, tmp_path / "out", "--force").code == 0
    assert len(read_decomposition(tmp_path / "out")) > 0
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("precious")
    assert_one_sentence(coverslip(*command, tmp_path / "mine", "--force"), "holds other things")
    assert (tmp_path / "mine" / "notes.txt").read_text() == "precious"


def ring_area(ring: list[list[float]]) -> float:
    x, y = np.array(ring, float).T
    return abs(float(x[:-1] @ y[1:] - x[1:] @ y[:-1])) / 2


def test_objects_are_exported_whole(coverslip: Callable, tmp_path: Path) -> None:
    decomposition, image = decomposition_of_discs(source=str(tmp_path / "field.tif"))
    write_image_tiff(image, tmp_path / "field.tif")
    write_decomposition_folder([(decomposition, image)], tmp_path / "found", [{"image": "field.tif"}], tmp_path)
    assert coverslip("export", tmp_path / "found", "--geojson", "--rois", "--csv").code == 0
    text = (tmp_path / "found-geojson" / "field.geojson").read_text(encoding="utf-8")
    features = json.loads(text)["features"]
    assert [feature["properties"]["name"] for feature in features] == ["1", "2", "3", "4"]
    areas = [ring_area(feature["geometry"]["coordinates"][0]) for feature in features]
    assert areas == [mask.sum() for mask in decomposition.masks]
    assert areas[1] > np.count_nonzero(decomposition.labels == 2)
    assert features[0]["properties"]["measurements"]["Gain"] == 900
    assert (tmp_path / "found-rois" / "field.rois.zip").is_file()
    assert (tmp_path / "found.objects.csv").read_text().count("\n") == 5
