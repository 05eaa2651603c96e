"""A command loads only what it needs: what is not imported costs no time."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from coverslip.cli import main

HEAVY = {
    *("torch", "torchvision", "lightning_fabric", "pandas", "sklearn", "skimage", "scipy", "zarr", "dask", "anndata"),
    *("matplotlib", "bokeh", "umap", "numba", "pyarrow"),
}

LOADED = """
import json, sys
from coverslip.cli import main
code = main(sys.argv[1:])
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]), file=sys.stderr)
"""


def loaded(*arguments: object) -> set[str]:
    """Packages that are loaded after a command, which must end well."""
    command = [sys.executable, "-c", LOADED, *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    code, names = json.loads(ended.stderr.splitlines()[-1])
    assert code == 0, ended.stderr
    return set(names)


def test_help_loads_not_even_numpy() -> None:
    assert not loaded("--help") & {*HEAVY, "numpy", "pydantic", "rich", "yaml", "tifffile"}


@pytest.mark.parametrize(
    "command",
    [
        ["methods"],
        ["models"],
        ["methods", "vae"],
        ["methods", "vae", "--size", "140", "--preset", "mp4"],
        ["fit", "--help"],
    ],
    ids=" ".join,
)
def test_cards_load_no_library_of_networks_or_tables(command: list[str]) -> None:
    if "--size" in command:  # the layers are those of the network itself
        assert not loaded(*command) & (HEAVY - {"torch", "scipy"})
    else:
        assert not loaded(*command) & HEAVY


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of four real crops."""
    from skimage.data import coins
    from tifffile import imwrite

    pixels = coins()
    for i in range(4):
        imwrite(tmp_path / f"{i}.tif", pixels[:32, 40 * i : 40 * i + 32])
    return tmp_path


def test_sheets_are_made_checked_and_divided_without_them(folder: Path) -> None:
    sheet = folder / "sheet.csv"
    assert not loaded("samples", "make", folder, "--out", sheet) & HEAVY
    assert not loaded("samples", "check", sheet) & HEAVY
    assert not loaded("samples", "split", sheet, "--out", folder / "divided.csv") & HEAVY


@pytest.mark.data
def test_predict_loads_nothing_that_trains_or_draws(data_folder: Path, tmp_path: Path) -> None:
    source = data_folder / "jurkat_cellcycle"
    with open(source / "sheet.csv") as stream:
        images = [source / row["image"] for row in list(csv.DictReader(stream))[:24]]
    sheet = tmp_path / "cells.csv"
    sheet.write_text("image\n" + "\n".join(map(str, images)) + "\n")
    model, cells = tmp_path / "model", tmp_path / "cells.h5ad"
    quick = ["--set", "epochs=1", "--set", "width=4", "--device", "cpu"]
    assert main(["fit", "vae", str(sheet), "--out", str(model), *quick]) == 0
    assert "lightning_fabric" in sys.modules
    found = loaded("predict", model, sheet, "--out", cells)
    assert "torch" in found
    assert not found & {"lightning_fabric", "umap", "numba", "matplotlib", "bokeh", "skimage", "torchvision"}
    assert cells.is_file()


def test_results_are_exported_without_the_library_of_networks(tmp_path: Path) -> None:
    labels = np.kron(np.array([[1, 0], [0, 2]]), np.ones((8, 8), int)).astype(np.uint16)
    for name in ("a.tif", "a.labels.tif"):
        tifffile.imwrite(tmp_path / name, labels)
    found = loaded("export", tmp_path / "a.labels.tif", "--csv", "--out", tmp_path / "a.csv")
    assert not found & {"torch", "torchvision", "sklearn", "lightning_fabric", "zarr"}
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 3
