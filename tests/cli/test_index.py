"""An index from the command line: made of embeddings, searched by images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import coverslip as cs
from coverslip.cli import main
from coverslip.read import read_table

from .conftest import assert_one_sentence

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def cells(crops: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("index") / "cells.h5ad"
    assert main(["predict", str(model), str(crops), "--out", str(out), "--device", "cpu"]) == 0
    return out


def test_images_find_what_is_most_like_them(
    coverslip: Callable, crops: Path, model: Path, cells: Path, tmp_path: Path
) -> None:
    index, page, table = tmp_path / "cells.index", tmp_path / "hits.html", tmp_path / "hits.csv"
    n = len(cs.read.read_embedding(cells))
    assert f"{n:,} samples" in coverslip("index", index, cells).out
    said = coverslip("search", index, crops, "--top", 3, "-o", page, "-o", table, "--device", "cpu")
    assert f"{3 * n:,} hits" in said.out
    found = read_table(table)
    latent = cs.read.read_embedding(cells).latent.astype(float)
    unit = latent / np.linalg.norm(latent, axis=1, keepdims=True)
    apart = 1 - unit @ unit.T
    np.fill_diagonal(apart, np.inf)  # a query is no hit of its own
    np.testing.assert_allclose(found["distance"], np.sort(apart, axis=1)[:, :3].ravel(), atol=1e-5)
    text = page.read_text()
    assert "What is most like each query" in text
    assert "pictures are not shown" not in text


def test_conditions_replacing_and_removing(coverslip: Callable, cells: Path, tmp_path: Path) -> None:
    index = tmp_path / "cells.index"
    coverslip("index", index, cells)
    assert_one_sentence(coverslip("index", index, cells), "say --replace")
    n = len(cs.read.read_embedding(cells))
    assert f"{n:,} samples" in coverslip("index", index, cells, "--replace").out
    cluster = cs.read.read_embedding(cells).column("cluster").astype(str)
    hits = cs.search(index, cells, top=2, where="cluster = 1")
    assert set(hits.rows["cluster"]) == {"1"}
    left = coverslip("index", index, "--remove", "cluster = 1").out
    assert f"Removed {(cluster == '1').sum():,}." in left
    one = str(hits.rows["id"][0])
    assert_one_sentence(coverslip("search", index, "--like", one), "There is no")
    assert_one_sentence(coverslip("search", index, cells, "--apart", "patient"), "no column 'patient'")
    assert_one_sentence(coverslip("search", index), "Say what to look for")
