"""Small real fits through the real command line, made once."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import coverslip as cs
from coverslip.cli import main
from coverslip.core.image import PixelSize
from coverslip.read import read_labels, read_table
from coverslip.results.labels import prediction
from coverslip.work.crew import Piece
from coverslip.work.workers import Threads

from ..unet.blobs import blob_fields

TINY = ["--set", "width=4", "--set", "latent=3", "--set", "epochs=2", "--device", "cpu", "--precision", "fp32"]
"""A fit of a second."""


class Said(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def coverslip(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run a command in this process: ``coverslip("fit", "vae", folder, …)``."""

    def run(*arguments: object) -> Said:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Said(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def crops(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sheet of eight real cells of each of six phases."""
    folder = data_folder / "jurkat_cellcycle"
    with open(folder / "sheet.csv") as stream:
        rows = list(csv.DictReader(stream))
    phases = ["Anaphase", "G1", "G2", "Metaphase", "Prophase", "S_phase"]
    chosen = [row for phase in phases for row in [r for r in rows if r["label"] == phase][:8]]
    sheet = tmp_path_factory.mktemp("crops") / "cells.csv"
    with open(sheet, "w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "label", "day"])
        writer.writerows([folder / row["image"], row["label"], i % 3] for i, row in enumerate(chosen))
    return sheet


@pytest.fixture(scope="session")
def model(crops: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder, as the command line writes it."""
    folder = tmp_path_factory.mktemp("model") / "model"
    assert main(["fit", "vae", str(crops), "--out", str(folder), *TINY]) == 0
    return folder


@pytest.fixture(scope="session")
def cells(crops: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedding of the crops by the model."""
    path = tmp_path_factory.mktemp("cells") / "cells.h5ad"
    assert main(["predict", str(model), str(crops), "--out", str(path), "--device", "cpu"]) == 0
    return path


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    """A folder where a refused command must leave nothing."""
    folder = tmp_path / "out"
    folder.mkdir()
    yield folder
    assert not list(folder.iterdir())


def assert_one_sentence(said: Said, *parts: str) -> None:
    """Assert that a command refused its input as promised."""
    assert said.code == 2
    (line,) = said.err.splitlines()
    assert line.startswith("Error: ")
    assert line.endswith((".", "?"))
    assert "Traceback" not in line
    for part in parts:
        assert part in line


SIDE = 96
"""The side of small blocks."""


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks so small that a small image has many."""
    monkeypatch.setattr(prediction, "FOOTPRINT", replace(prediction.FOOTPRINT, largest=SIDE))


@pytest.fixture(scope="session")
def fields(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three fields of different sizes in a folder, with µm."""
    folder = tmp_path_factory.mktemp("fields") / "fields"
    folder.mkdir()
    for i, size in enumerate([(120, 96), (97, 131), (64, 64)]):
        pixels = blob_fields(1, size, seed=40 + i).pixels(0)
        cs.read.write_image_tiff(pixels[0], folder / f"field{i}.tif", pixel_size=PixelSize(0.5, 0.5))
    return folder


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image of twelve small blocks."""
    path = tmp_path_factory.mktemp("large") / "large.tif"
    cs.read.write_image_tiff(blob_fields(1, (270, 350), seed=7).pixels(0)[0], path)
    return path


@pytest.fixture
def found_blocks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The images of the blocks that were computed, in order."""
    seen: list[str] = []
    before = Threads._done

    def done(self: Threads, piece: Piece) -> Any:
        seen.append(Path(self._inputs.name(*piece.rows)).name)
        return before(self, piece)

    monkeypatch.setattr(Threads, "_done", done)
    return seen


def assert_same_result(one: Path, other: Path) -> None:
    """Assert that two results of one image are equal, labels and table."""
    np.testing.assert_array_equal(read_labels(one).labels, read_labels(other).labels)
    tables = [read_table(path.with_name(path.name.replace(".labels.tif", ".objects.parquet"))) for path in (one, other)]
    assert tables[0].keys() == tables[1].keys()
    for name, column in tables[0].items():
        np.testing.assert_array_equal(column, tables[1][name], err_msg=name)
