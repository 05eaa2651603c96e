"""`coverslip evaluate` of embeddings: how well the model gives the images back, beside as many components."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA

import coverslip as cs
from coverslip.core import InputError
from coverslip.methods import vae
from coverslip.read import read_embedding, read_table, write_embedding

PREDICTED = ("reconstruction", "reconstruction by PCA 3", "reconstruction - PCA 3")


def rows_of(rows: list[dict]) -> dict[tuple[str, str], dict]:
    return {(row["features"], row["measure"]): row for row in rows if row["features"].startswith("reconstruction")}


def by_hand(model: Path, crops: Path, train: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, x_hat = vae.reconstruct(cs.load(model), cs.samples.open_samples(crops))
    flat = x.reshape(len(x), -1).astype(np.float64)
    pca = PCA(3, svd_solver="full").fit(flat[train])
    return x, x_hat, pca.inverse_transform(pca.transform(flat)).reshape(x.shape).clip(0, 1)


def test_reconstructions_are_measured_beside_as_many_principal_components(
    coverslip: Callable, cells: Path, model: Path, crops: Path, tmp_path: Path
) -> None:
    said = coverslip("evaluate", cells, "--out", tmp_path / "numbers.csv", "--no-baseline")
    assert said.code == 0, said.err
    table = read_table(tmp_path / "numbers.csv")
    rows = rows_of([dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)])
    assert set(rows) == {(name, measure) for name in PREDICTED for measure in ("mse", "psnr", "ssim")}
    x, x_hat, components = by_hand(model, crops, np.arange(48))
    mse, psnr = ((x - x_hat) ** 2).mean(axis=(1, 2, 3)), -10 * np.log10(((x - components) ** 2).mean(axis=(1, 2, 3)))
    assert rows["reconstruction", "mse"]["value"] == pytest.approx(mse.mean(), rel=1e-5)
    assert rows["reconstruction by PCA 3", "psnr"]["value"] == pytest.approx(psnr.mean(), rel=1e-5)
    difference = rows["reconstruction - PCA 3", "ssim"]
    expected = [rows[name, "ssim"]["value"] for name in PREDICTED[:2]]
    assert difference["value"] == pytest.approx(expected[0] - expected[1])
    assert difference["low"] < difference["value"] < difference["high"]
    assert rows["reconstruction", "psnr"]["n"] == 48
    assert "0 to 1" in rows["reconstruction", "psnr"]["note"]


def test_with_a_split_components_are_of_the_training_part_and_the_other_is_measured(
    cells: Path, model: Path, crops: Path, tmp_path: Path
) -> None:
    embedding = read_embedding(cells)
    test = np.arange(48) % 3 == 0
    embedding.adata.obs["split"] = np.where(test, "test", "train")
    rows = rows_of(cs.evaluate(embedding, baseline=False))
    x, x_hat, components = by_hand(model, crops, ~test)
    for name, version in zip(PREDICTED[:2], (x_hat, components), strict=True):
        errors = ((x - version) ** 2).mean(axis=(1, 2, 3))[test]
        assert rows[name, "mse"]["value"] == pytest.approx(errors.mean(), rel=1e-5)
        assert rows[name, "mse"]["n"] == 16


def test_they_can_be_left_out(cells: Path) -> None:
    assert rows_of(cs.evaluate(cells, baseline=False, reconstruction=False)) == {}


@pytest.mark.parametrize(("kept", "sentence"), [("images", "the model is not at"), ("model", "there is no file")])
def test_where_the_model_or_the_images_have_moved_a_note_says_so(
    coverslip: Callable, cells: Path, tmp_path: Path, kept: str, sentence: str
) -> None:
    embedding = read_embedding(cells)
    facts = embedding.provenance
    if kept == "images":
        facts["model"]["folder"] = str(tmp_path / "moved")
    else:
        facts["inputs"]["folder"] = str(tmp_path / "moved")
        embedding.adata.obs["image"] = [f"{i}.tif" for i in range(len(embedding))]
    write_embedding(embedding, tmp_path / "cells.h5ad")
    said = coverslip("evaluate", tmp_path / "cells.h5ad", "--no-baseline")
    assert said.code == 0, said.err
    assert "linear probe" in said.out
    assert "Reconstructions are not measured: " in said.out
    assert sentence in said.out


def test_baselines_whose_images_have_moved_are_missed_aloud_and_found_again(
    coverslip: Callable, cells: Path, tmp_path: Path
) -> None:
    embedding = read_embedding(cells)
    (tmp_path / "there").mkdir()
    before = [shutil.copy(image, tmp_path / "there" / f"{i}.tif") for i, image in enumerate(embedding.column("image"))]
    embedding.adata.obs["image"] = [image.name for image in before]
    embedding.provenance["inputs"]["folder"] = str(tmp_path / "moved")
    write_embedding(embedding, tmp_path / "cells.h5ad")
    said = coverslip("evaluate", tmp_path / "cells.h5ad", "--no-reconstruction")
    assert "PCA and raw pixels are not compared: " in said.out
    assert "raw pixels  " not in said.out
    found = coverslip("evaluate", tmp_path / "cells.h5ad", "--no-reconstruction", "--images", tmp_path / "there")
    assert "raw pixels  " in found.out
    assert "not compared" not in found.out


def test_without_classes_the_separation_of_clusters_is_measured(cells: Path) -> None:
    embedding = read_embedding(cells)
    del embedding.adata.obs["label"]
    rows = cs.evaluate(embedding, baseline=False, reconstruction=False)
    measures = {row["measure"] for row in rows}
    assert "silhouette of clusters" in measures
    assert not measures & {"probe accuracy", "k-NN accuracy", "clustering accuracy"}
    with pytest.raises(InputError, match="no column 'phase'"):
        cs.evaluate(embedding, label="phase")


def test_a_damaged_model_is_a_note_and_another_program_says_nothing(
    coverslip: Callable, cells: Path, model: Path, tmp_path: Path
) -> None:
    embedding = read_embedding(cells)
    shutil.copytree(model, tmp_path / "model")
    (tmp_path / "model" / "weights.safetensors").write_bytes(b"no weights")
    embedding.provenance["model"]["folder"] = str(tmp_path / "model")
    write_embedding(embedding, tmp_path / "damaged.h5ad")
    said = coverslip("evaluate", tmp_path / "damaged.h5ad", "--no-baseline")
    assert said.code == 0
    assert "Reconstructions are not measured: " in said.out
    del embedding.adata.uns["coverslip"]
    write_embedding(embedding, tmp_path / "foreign.h5ad")
    assert "Reconstructions" not in coverslip("evaluate", tmp_path / "foreign.h5ad", "--no-baseline").out
