"""How often files are read: a table once for a report, a field once for a prediction, and overlaps counted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from coverslip.core.image import Image
from coverslip.core.region import Region
from coverslip.measure.objects import overlaps, segmentation
from coverslip.read import read_label_folder, write_image_tiff
from coverslip.results.labels import folder as label_folder
from coverslip.samples import open_fields
from coverslip.samples.opening.planes import Planes

from .test_decomposition_report import written as decompositions
from .test_label_report import written as labels


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each table was read."""
    counted: Counter[str] = Counter()
    read = label_folder.read_table

    def counting(path: Path) -> dict[str, np.ndarray]:
        counted[Path(path).name] += 1
        return read(path)

    monkeypatch.setattr(label_folder, "read_table", counting)
    return counted


@pytest.fixture
def pixels(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many pixels of each image were read."""
    counted: Counter[str] = Counter()
    read = Planes.read

    def counting(planes: Planes, image: Image) -> np.ndarray:
        found = read(planes, image)
        counted[Path(image.source).name] += found.size
        return found

    monkeypatch.setattr(Planes, "read", counting)
    return counted


def test_a_report_of_decompositions_reads_each_table_once(
    coverslip: Callable, tmp_path: Path, tables: Counter[str]
) -> None:
    assert coverslip("report", decompositions(tmp_path, with_truth=True), "--out", tmp_path / "page.html").code == 0
    assert tables == {"objects.parquet": 1, "rounds.parquet": 1}


def test_objects_of_many_images_are_told_apart_in_one_pass(tmp_path: Path) -> None:
    found = read_label_folder(labels(tmp_path, False))
    table = found.objects()
    assert table is not None
    for index, own in enumerate(found.own_rows(table)):
        (image,) = found.key(index).values()
        assert own.tolist() == np.flatnonzero(table["image"] == image).tolist()
    asked = Counter[str]()

    class Column(np.ndarray):
        def tolist(self) -> list[str]:
            asked["column"] += 1
            return super().tolist()

    found.own_rows({"image": table["image"].view(Column)})
    assert asked == {"column": 1}


def test_a_report_with_a_truth_counts_overlaps_once_for_each_image(
    coverslip: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = []
    count = overlaps.overlap

    def counting(truth: np.ndarray, prediction: np.ndarray) -> overlaps.Overlap:
        counted.append(truth.shape)
        return count(truth, prediction)

    from coverslip import measure

    monkeypatch.setattr(segmentation, "overlap", counting)
    monkeypatch.setattr(measure, "overlap", counting)
    assert coverslip("report", labels(tmp_path, True), "--out", tmp_path / "page.html").code == 0
    assert len(counted) == 4


def test_what_was_counted_before_gives_the_same_measures() -> None:
    rng = np.random.default_rng(0)
    images = [(str(i), rng.integers(4, size=(9, 9)), rng.integers(4, size=(9, 9))) for i in range(3)]
    plain = segmentation.evaluate_labels(images)
    given = segmentation.evaluate_labels((*image, None, overlaps.overlap(*image[1:])) for image in images)
    np.testing.assert_equal(given.records(), plain.records())


def spots(folder: Path) -> Path:
    y, x = np.mgrid[:96, :128]
    rng = np.random.default_rng(0)
    light = sum(900 * np.exp(-((y - r) ** 2 + (x - c) ** 2) / 60) for r in (20, 48, 76) for c in (20, 60, 100))
    folder.mkdir()
    for name in ("a", "b"):
        write_image_tiff((light + rng.normal(100, 5, y.shape)).astype(np.uint16), folder / f"{name}.tif")
    return folder


@pytest.mark.parametrize("model", ["nuclei-fluo", "nuclei-fluo-kaizen"])
def test_scaling_the_network_and_measuring_read_each_image_once(
    coverslip: Callable, tmp_path: Path, pixels: Counter[str], model: str
) -> None:
    said = coverslip("predict", model, spots(tmp_path / "images"), "--out", tmp_path / "result", "--device", "cpu")
    assert said.code == 0, said.err
    assert "Found" in said.out
    assert pixels == {"a.tif": 96 * 128, "b.tif": 96 * 128}


def test_parts_of_a_field_that_was_read_whole_are_the_same_and_can_be_changed(
    tmp_path: Path, pixels: Counter[str]
) -> None:
    fields = open_fields(spots(tmp_path / "images"))
    part = Region(10, 20, 30, 40)
    apart = fields.pixels(0, part)
    assert pixels["a.tif"] == 30 * 40  # a part alone reads no more than itself
    whole = fields.pixels(0)
    np.testing.assert_array_equal(fields.pixels(0, part), apart)
    np.testing.assert_array_equal(apart, whole[(slice(None), *part.slices)])
    fields.pixels(0, part)[:] = 0
    fields.pixels(0)[:] = 0
    np.testing.assert_array_equal(fields.pixels(0), whole)
    assert pixels["a.tif"] == 30 * 40 + 96 * 128
