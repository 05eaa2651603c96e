"""What helps a user on: settings of another model, commands to paste, cards whose numbers are whose."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coverslip.cli.options import read_settings
from coverslip.cli.tables import print_next, print_prose
from coverslip.methods.vae import CARD


def test_the_configuration_of_a_model_is_a_file_of_settings(tmp_path: Path) -> None:
    content = {
        "format": 1,
        "method": "vae",
        "settings": {"latent": 4, "augment": {"dihedral": True}},
        "facts": {"x": 1},
    }
    (tmp_path / "config.json").write_text(json.dumps(content))
    assert read_settings(tmp_path / "config.json", ["latent=6"]) == {"latent": 6, "augment.dihedral": True}
    (tmp_path / "own.yaml").write_text("settings: 3\n")
    assert read_settings(tmp_path / "own.yaml", None) == {"settings": 3}


def test_a_command_to_go_on_with_can_be_pasted(capsys: pytest.CaptureFixture[str]) -> None:
    print_next("coverslip", "predict", Path("my model"), "a'b", "--out", "cells.h5ad")
    assert capsys.readouterr().out == "Next: coverslip predict 'my model' 'a'\"'\"'b' --out cells.h5ad\n"


def test_prose_fits_the_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    print_prose("Nuclei in fluorescence images of cells in culture and tissue.")
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 30
    assert " ".join(line.strip() for line in lines).startswith("Nuclei in fluorescence images of")


def test_a_model_does_not_pass_the_numbers_of_its_method_off_as_its_own() -> None:
    assert "## Measured\n" in CARD.markdown()
    assert "## Measured\n" not in CARD.markdown(of_model=True)
    assert "## Measured of the method, with other models\n" in CARD.markdown(of_model=True)
