"""`coverslip export MODEL`: what it says and refuses; what it writes is tested with the room `portable`."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from coverslip.methods import unet
from coverslip.methods.unet.outputs import build
from coverslip.portable import verb
from coverslip.read import Model

from .conftest import assert_one_sentence


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A U-Net that has not learned anything."""
    config = unet.Config(width=2, levels=1, stem=1)
    weights = {name: values.detach().numpy() for name, values in build(config, 1).state_dict().items()}
    facts = {"inputs": 1, "margin": 64, "decoding": {"threshold": 0.5, "min_area": 0}}
    return Model("unet", config, weights, facts, card=unet.CARD.markdown()).save(tmp_path / "cells")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # bioimageio.spec leaves files open
def test_a_package_is_written_and_what_it_lacks_is_said(
    coverslip: Callable, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verb, "has_onnx", lambda: False)
    said = coverslip(
        "export", folder, "--bioimageio", tmp_path / "cells.zip", "--author", "A. Nother", "--name", "Cells 1"
    )
    assert said.code == 0
    assert said.out.splitlines() == [
        f"Wrote {tmp_path / 'cells.zip'}",
        "  Weights in it: TorchScript.",
        "  Its test image is drawn; say --example IMAGE for one that shows what the model is for.",
        "  Before it can be uploaded to bioimage.io it needs --licence.",
    ]
    with zipfile.ZipFile(tmp_path / "cells.zip") as package:
        description = package.read("rdf.yaml").decode()
    assert "name: Cells 1\n" in description
    assert "name: A. Nother\n" in description
    assert_one_sentence(coverslip("export", folder, "--bioimageio", tmp_path / "cells.zip"), "exists already")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--onnx", "cells.pt"], "'cells.pt' should end in .onnx"),
        (["--bioimageio", "cells"], "'cells' should end in .zip"),
        (["--onnx", "cells.onnx", "--geojson"], "no 'geojson', which is for results"),
        (["--bioimageio", "c.zip", "--licence", "free"], "'free' is no licence of the SPDX list"),
        ([], "onnx (a file)"),
    ],
)
def test_a_wrong_wish_is_one_sentence(
    coverslip: Callable,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    part: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert_one_sentence(coverslip("export", folder, *arguments), part)
    assert [path.name for path in tmp_path.iterdir()] == ["cells"]


def test_a_model_that_is_not_there_is_named(coverslip: Callable, tmp_path: Path) -> None:
    said = coverslip("export", tmp_path / "nothing", "--onnx", tmp_path / "cells.onnx")
    assert_one_sentence(said, f"{tmp_path / 'nothing'} does not exist")
