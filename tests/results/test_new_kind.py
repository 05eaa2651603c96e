"""A kind of result and a method that gives it are two folders: nothing else in the package knows of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tifffile import imwrite

import coverslip as cs
from coverslip import methods, results
from coverslip.cli import main
from coverslip.core.errors import InputError

FOLDERS = Path(__file__).parent / "new_kind"


@pytest.fixture(autouse=True)
def _two_folders_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(FOLDERS / "methods")])
    monkeypatch.setattr(results, "__path__", [*results.__path__, str(FOLDERS / "results")])


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Eight samples of brightness 10, 20, … 80."""
    folder = tmp_path / "images"
    folder.mkdir()
    for i in range(1, 9):
        imwrite(folder / f"{i}.tif", np.full((8, 8), 10 * i, np.uint8))
    return folder


def test_every_verb_knows_a_new_kind(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["fit", "brightness", "images", "--out", "model"]) == 0
    assert main(["predict", "model", "images", "--out", "found"]) == 0
    assert "Counted 4 bright of 8: found" in capsys.readouterr().out
    assert json.loads(Path("found/provenance.json").read_text())["kind"] == "tally"

    Path("truth.txt").write_text("5")
    assert main(["evaluate", "found", "truth.txt"]) == 0
    assert "right        0" in capsys.readouterr().out
    assert main(["evaluate", "found", "truth.txt", "--tolerance", "1"]) == 0
    said = capsys.readouterr().out
    assert "right        1" in said
    assert "One number is measured." in said

    assert main(["report", "found", "--out", "page.html"]) == 0
    assert '<p id="tally">4 of 8</p>' in Path("page.html").read_text()
    assert main(["export", "found", "--words", "--out", "found.txt"]) == 0
    assert Path("found.txt").read_text() == "4 are bright."


def test_its_options_are_flags_and_settings_and_are_checked(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    cs.fit("brightness", images).save("model")
    assert main(["predict", "model", "images", "--out", "a", "--twice"]) == 0
    assert main(["predict", "model", "images", "--out", "b", "--set", "twice=true", "--set", "factor=1.5"]) == 0
    said = capsys.readouterr().out
    assert "Counted 8 bright of 8: a" in said
    assert "Counted 4 bright of 8: b" in said
    assert main(["predict", "model", "images", "--out", "c", "--factor", "0"]) == 2
    assert "The option 'factor' cannot be 0" in capsys.readouterr().err
    assert main(["predict", "model", "images", "--out", "c", "--flips"]) == 2
    assert "model gives a tally, and the option 'flips' is for models that give labels" in capsys.readouterr().err
    assert main(["report", "a", "--out", "page.html", "--umap"]) == 2
    assert "a holds a tally, and the option 'umap' is for an embedding" in capsys.readouterr().err
    assert main(["predict", "--help"]) == 0
    told = capsys.readouterr().out
    assert "--twice" in told
    assert "Brightness: how many times brighter." in told
    assert cs.predict("model", images, twice=True).bright == 8


def test_a_result_of_a_kind_that_is_not_there_is_named(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cs.fit("brightness", images).save("model")
    assert main(["predict", "model", "images", "--out", "found"]) == 0
    monkeypatch.setattr(results, "__path__", results.__path__[:-1])
    with pytest.raises(cs.CoverslipError, match=r"found is a result of the kind 'tally', which this version does not"):
        results.kind_of("found")


def test_what_a_kind_cannot_do_is_said_in_words_of_the_command_line() -> None:
    words = "There is no decode of labels; there is: evaluate, measure, refine, report, export"
    with pytest.raises(InputError, match=rf"^{words}\.$"):
        cs.results.get("labels").verb("decode")
