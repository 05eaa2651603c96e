"""What went wrong while fitting is said wherever the model and its results are used."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import tifffile

import coverslip as cs
from coverslip.figures import illustrations
from coverslip.io.tags import provenance_of

from ..unet.blobs import blob_fields
from ..vae.conftest import discs

SMALL = ["--set", "width=4", "--set", "latent=3", "--set", "epochs=4", "--device", "cpu"]
NONE_IN_USE = "None of the 3 latent dimensions is in use, so every sample gets the same vector (posterior collapse)"


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty discs as a stack each."""
    folder = tmp_path_factory.mktemp("crops")
    for i, pixels in enumerate(discs(40).read(np.arange(40))):
        tifffile.imwrite(folder / f"disc{i:02}.tif", pixels, metadata={"axes": "CYX"}, imagej=True)
    return folder


def test_a_collapsed_vae_says_so_wherever_it_is_used(
    coverslip: Callable, crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, cells, page = tmp_path / "model", tmp_path / "cells.h5ad", tmp_path / "report.html"
    counted = []

    def draw(*arguments: object, **options: object) -> object:
        figure = cs.figures.kl_per_dimension(*arguments, **options)
        counted.append(figure.axes[-1].get_xlabel())
        return figure

    monkeypatch.setattr(illustrations, "kl_per_dimension", draw)
    assert f"Note: {NONE_IN_USE}" in coverslip("fit", "vae", crops, "--out", model, "--set", "beta=1000", *SMALL).out
    _, about_this_model = (model / "card.md").read_text(encoding="utf-8").split("## This model")
    assert f"- Note: {NONE_IN_USE}" in about_this_model.split("## Settings")[0]
    assert f"Note: {NONE_IN_USE}" in coverslip("predict", model, crops, "--out", cells, "--clusters", 0).out
    (warning,) = provenance_of(cells)["model"]["warnings"]
    assert warning.startswith(NONE_IN_USE)
    assert cs.predict(model, crops, clusters=0).provenance["model"]["warnings"] == [warning]
    assert coverslip("report", cells, "--out", page).code == 0
    assert counted == ["0 of 3 in use, on grey: collapsed"]
    html = unescape(page.read_text(encoding="utf-8"))
    assert html.index(warning) < html.index("Use of the latent dimensions")
    assert "Every term is a sum over the pixels of one image, averaged over the images." in html
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    (model / "config.json").write_text(json.dumps({**config, "facts": {}}), encoding="utf-8")
    assert coverslip("report", cells, "--out", page, "--force").code == 0
    html = unescape(page.read_text(encoding="utf-8"))
    assert "The model is not shown:" in html
    assert warning in html  # the result knows
    assert "Use of the latent dimensions" not in html


def test_a_sweep_says_which_fits_collapsed(coverslip: Callable, crops: Path, tmp_path: Path) -> None:
    over = ["--over", "beta=0.001,1000", *(f"--set={one}" for one in ("width=4", "latent=3", "batch=8", "epochs=20"))]
    said = coverslip("study", "sweep", "vae", crops, *over, "--out", tmp_path, "--device", "cpu")
    (note,) = (line for line in said.out.splitlines() if line.startswith("Note: ") and "None of" in line)
    assert note.startswith(f"Note: beta=1000,seed=0: {NONE_IN_USE}")
    table = cs.read.read_table(tmp_path / "sweep.csv")
    assert table["active_units"][1] == 0 < table["active_units"][0]
    assert NONE_IN_USE in table["note"][1]


@pytest.mark.parametrize("which", ["tiny_model", "tiny_kaizen"])
def test_results_of_every_kind_carry_the_warnings_of_their_model(
    which: str, coverslip: Callable, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    fitted = cs.load(request.getfixturevalue(which))
    model = tmp_path / "model"
    replace(fitted, facts={**fitted.facts, "warnings": ["It saw few images."]}).save(model)
    field, out = tmp_path / "field.tif", tmp_path / "out"
    cs.read.write_image_tiff(blob_fields(1, (48, 48)).pixels(0)[0], field)
    said = coverslip("predict", model, field, "--out", out, "--device", "cpu").out
    assert "\nNote: It saw few images.\n" in said
    assert coverslip("report", out, "--out", tmp_path / "report.html").code == 0
    assert "It saw few images." in (tmp_path / "report.html").read_text(encoding="utf-8").split("<figure")[0]
    assert "It saw few images." in (model / "card.md").read_text(encoding="utf-8")
    again = coverslip("predict", model, field, "--out", out, "--resume", "--device", "cpu").out
    assert again == f"{out} is already finished; use --force to make it again.\nNote: It saw few images.\n"
