"""Small real fits through the real command line, made once."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from coverslip.cli import main

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
