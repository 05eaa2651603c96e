"""A method that is not trained, with no epochs, losses or seed, goes through every command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from coverslip.cli import main
from coverslip.read import read_embedding, read_table

from .example import QUICK, sheet

pytestmark = pytest.mark.usefixtures("toy_pca")


@pytest.fixture(scope="module")
def images(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sheet(data_folder, tmp_path_factory.mktemp("images"))


def run(*words: object) -> int:
    return main([str(word) for word in words])


def test_it_is_fitted_applied_measured_and_shown(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, cells = tmp_path / "model", tmp_path / "cells.h5ad"
    assert run("fit", "toy_pca", images, "--out", model, "--set", f"components={QUICK['components']}") == 0
    assert capsys.readouterr().out.splitlines()[0] == f"Fitted toy_pca; the model is in {model}."
    assert "- `components`: 3" in (model / "card.md").read_text()
    assert "seed" not in json.loads((model / "config.json").read_text())["settings"]

    assert run("predict", model, images, "--out", cells) == 0
    latent = read_embedding(cells).latent
    assert latent.shape == (48, 3)
    assert (np.diff(latent.var(0)) < 0).all()  # principal components, the largest first

    assert run("evaluate", cells, "--out", tmp_path / "numbers.csv") == 0
    numbers = read_table(tmp_path / "numbers.csv")
    of_latent = (numbers["features"] == "latent") & (numbers["measure"] == "linear probe balanced accuracy")
    assert numbers["value"][of_latent].tolist() == [1.0]
    assert run("report", cells, "--out", tmp_path / "report.html") == 0
    page = (tmp_path / "report.html").read_text()
    assert "Map of pictures" in page
    assert ">Losses<" not in page


def test_its_card_has_no_layers(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("methods", "toy_pca") == 0
    assert "The principal components of the pixels." in capsys.readouterr().out
    assert run("methods", "toy_pca", "--size", "12") == 2
    assert capsys.readouterr().err == "Error: The method 'toy_pca' has no layer table.\n"


def test_its_settings_are_swept_over(images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("study", "sweep", "toy_pca", images, "--over", "components=1,3", "--out", tmp_path / "sweep") == 0
    table = read_table(tmp_path / "sweep" / "sweep.csv")
    assert table["components"].tolist() == [1, 3]
    assert table["probe"].tolist() == [1, 1]
    assert not {"seed", "seconds", "loss"} & set(table)
    made = {path.name for path in (tmp_path / "sweep").iterdir()}
    assert made == {"fits", "sweep.csv", "sweep.png", "report.html", "provenance.json"}
    assert "Figure" in capsys.readouterr().out

    sweep = ["study", "sweep", "toy_pca", images, "--over", "components=1,3", "--out", tmp_path / "unmeasured"]
    assert run(*sweep, "--label", "nothing") == 0
    assert {path.name for path in (tmp_path / "unmeasured").iterdir()} == made - {"sweep.png"}
    assert "Figure" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--restarts", "2"], "Nothing in this method is random"),
        (["--set", "seed=3"], "no setting 'seed'"),
    ],
)
def test_its_fits_have_no_seed(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    out = tmp_path / "sweep"
    assert run("study", "sweep", "toy_pca", images, "--over", "components=1,3", "--out", out, *words) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()
