"""The verbs on real cells: what they say, what they write, how they are stopped."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from coverslip.core.provenance import file_hash

from ..processes import Command
from .conftest import TINY

pytestmark = pytest.mark.data


def test_fit_says_what_came_out_and_what_comes_next(coverslip: Callable, crops: Path, tmp_path: Path) -> None:
    said = coverslip("fit", "vae", crops, "--out", tmp_path / "model", *TINY)
    first, *_, last = said.out.splitlines()
    assert first.startswith("Fitted vae in 2 epochs (loss ")
    assert first.endswith(f"; the model is in {tmp_path / 'model'}.")
    assert last == f"Next: coverslip predict {tmp_path / 'model'} {crops} --out cells.h5ad"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_finished_fit_is_not_made_again(coverslip: Callable, crops: Path, model: Path) -> None:
    before = (model / "weights.safetensors").stat().st_mtime_ns
    said = coverslip("fit", "vae", crops, "--out", model, "--resume", *TINY)
    assert said.code == 0
    assert "already finished" in said.out
    assert (model / "weights.safetensors").stat().st_mtime_ns == before


def test_predict_evaluate_report(coverslip: Callable, cells: Path, tmp_path: Path) -> None:
    said = coverslip("evaluate", cells, "--out", tmp_path / "numbers.csv")
    assert said.code == 0
    header, _, *lines = said.out.split("\n\n")[0].splitlines()
    assert header.split() == ["features", "measure", "value", "low", "high", "n", "note"]
    assert any(line.startswith("latent    ") and "linear probe balanced accuracy" in line for line in lines)
    assert any(line.startswith("PCA 3") for line in lines)
    assert (tmp_path / "numbers.csv").read_text().count("\n") == len(lines) + 1
    figures = tmp_path / "figures"
    said = coverslip("report", cells, "--out", tmp_path / "report.html", "--colour", "label", "--figures", figures)
    assert said.out == f"Open {tmp_path / 'report.html'} in a browser.\n"
    page = (tmp_path / "report.html").read_text()
    assert all(heading in page for heading in ("Losses", "Reconstructions", "Traversals", "Map of pictures"))
    assert {"losses.png", "map-pca.png", "map-of-pictures.png", "traversals.png"} <= {f.name for f in figures.iterdir()}


def test_a_sheet_can_say_which_axis_is_which(coverslip: Callable, tmp_path: Path) -> None:
    for i in range(3):
        np.save(tmp_path / f"stack{i}.npy", np.random.default_rng(i).integers(0, 255, (4, 16, 16)).astype(np.uint8))
    assert coverslip("samples", "check", tmp_path).code == 2
    sheet = tmp_path / "sheet.csv"
    assert coverslip("samples", "make", tmp_path, "--axes", "ZYX", "--out", sheet).code == 0
    said = coverslip("samples", "check", sheet)
    assert said.code == 0
    assert "ZYX 4 x 16 x 16" in said.out


def test_a_kill_between_saving_and_tidying_up_can_be_resumed(
    coverslip: Callable, crops: Path, model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "model"
    shutil.copytree(model, out)
    (tmp_path / "model.fitting").mkdir()  # what is left of a fit killed at that moment
    assert coverslip("fit", "vae", crops, "--out", out, "--resume", *TINY).code == 0
    assert not (tmp_path / "model.fitting").exists()


def test_the_embedding_opens_as_anndata_with_all_that_is_known(cells: Path, crops: Path, model: Path) -> None:
    import anndata

    table = anndata.read_h5ad(cells)
    assert table.X.shape == table.obsm["latent"].shape == (48, 3)
    np.testing.assert_array_equal(table.X, table.obsm["latent"])
    assert {"image", "label", "day", "cluster", "reconstruction_error", "kl", "anomaly"} <= set(table.obs)
    assert table.obs["label"].value_counts().to_dict() == dict.fromkeys(table.obs["label"].unique(), 8)
    assert table.obs["day"].tolist() == [i % 3 for i in range(48)]
    provenance = json.loads(table.uns["coverslip"]["provenance"])
    assert provenance["inputs"]["sha256"] == file_hash(crops)
    assert provenance["model"]["folder"] == str(model.resolve())
    assert provenance["model"]["settings"]["latent"] == 3
    assert provenance["versions"]["coverslip"]
    assert provenance["seed"] == 0


def test_crops_of_fields_keep_where_they_were(coverslip: Callable, data_folder: Path, tmp_path: Path) -> None:
    """Fields with masks → crops → model → embedding, with the centre of each object in pixels and µm."""
    import anndata
    import tifffile

    fields = data_folder / "bbbc039"
    rows = (fields / "sheet.csv").read_text().splitlines()
    names, lines = [], ["image,mask,well"]
    for row in rows[1:3]:
        image, mask, _, well, _ = row.split(",")
        names.append(f"{well}.tif")
        pixels = tifffile.imread(fields / image)
        tifffile.imwrite(
            tmp_path / names[-1],
            pixels,
            imagej=True,
            resolution=(1 / 0.65, 1 / 0.65),
            metadata={"unit": "um", "axes": "YX"},
        )
        lines.append(f"{names[-1]},{fields / mask},{well}")
    (tmp_path / "fields.csv").write_text("\n".join(lines) + "\n")
    assert coverslip("samples", "check", tmp_path / "fields.csv", "--quick").code == 0
    said = coverslip(
        "samples", "crop", tmp_path / "fields.csv", "--size", "26", "--unit", "um", "--out", tmp_path / "c"
    )
    assert "crops of 26 um" in said.out
    assert coverslip("fit", "vae", tmp_path / "c", "--out", tmp_path / "model", *TINY).code == 0
    assert coverslip("predict", tmp_path / "model", tmp_path / "c", "--out", tmp_path / "n.h5ad").code == 0
    obs = anndata.read_h5ad(tmp_path / "n.h5ad").obs
    assert set(obs["well"]) == {row.split(",")[3] for row in rows[1:3]}
    assert {Path(name).name for name in obs["source_image"]} == set(names)
    np.testing.assert_allclose(obs["x_um"], obs["x_px"] * 0.65, rtol=1e-3)
    np.testing.assert_allclose(obs["y_um"], obs["y_px"] * 0.65, rtol=1e-3)


def test_what_a_kind_does_not_look_at_is_said(
    coverslip: Callable, data_folder: Path, model: Path, tmp_path: Path
) -> None:
    cell = data_folder / "jurkat_cellcycle" / "G1" / "G1_0000.tif"
    said = coverslip("predict", model, cell, "--out", tmp_path / "cells.h5ad", "--device", "cpu", "--max-ram", "8GB")
    assert said.code == 0
    assert "Not looked at where a model gives an embedding: max_ram." in said.out + said.err


@pytest.mark.parametrize("kind", ["one image", "class folders", "OME-Zarr"])
def test_other_inputs_are_embedded_too(
    coverslip: Callable, data_folder: Path, model: Path, tmp_path: Path, kind: str
) -> None:
    import shutil

    import anndata

    from coverslip.read import open_image, write_image_zarr

    cell = data_folder / "jurkat_cellcycle" / "G1" / "G1_0000.tif"
    expected = 1
    if kind == "one image":
        inputs = cell
    elif kind == "OME-Zarr":
        inputs = tmp_path / "cell.ome.zarr"
        write_image_zarr(open_image(cell), inputs)
    else:
        inputs, expected = tmp_path / "classes", 6
        for phase in ("G1", "G2"):
            (inputs / phase).mkdir(parents=True)
            for i in range(3):
                shutil.copy(data_folder / "jurkat_cellcycle" / phase / f"{phase}_{i:04d}.tif", inputs / phase)
    said = coverslip("predict", model, inputs, "--out", tmp_path / "cells.h5ad", "--device", "cpu")
    assert said.err == ""
    table = anndata.read_h5ad(tmp_path / "cells.h5ad")
    assert table.n_obs == expected
    if kind == "class folders":
        assert sorted(table.obs["label"]) == ["G1"] * 3 + ["G2"] * 3
    else:
        assert coverslip("predict", model, cell, "--out", tmp_path / "cell.h5ad", "--device", "cpu").code == 0
        np.testing.assert_array_equal(table.X, anndata.read_h5ad(tmp_path / "cell.h5ad").X)


def test_ctrl_c_in_a_fit_saves_it_and_says_how_to_go_on(coverslip: Callable, crops: Path, tmp_path: Path) -> None:
    fit = ["fit", "vae", crops, "--out", tmp_path / "model", *TINY, "--set", "epochs=100000"]
    command = Command(tmp_path / "said", *fit)
    command.wait_for((tmp_path / "model.fitting" / "checkpoint.safetensors").exists)
    command.interrupt()
    err = command.said("err")
    assert command.process.exitcode == 130
    assert command.said("out") == ""
    assert "--resume" in err.splitlines()[-1]
    assert "Traceback" not in err
    assert not (tmp_path / "model").exists()
    refused = coverslip(*fit)
    assert refused.code == 2
    assert "say --resume to go on" in refused.err
    other = coverslip(*fit, "--resume", "--set", "latent=5")
    assert "begun with latent=3, not 5" in other.err


def test_ctrl_c_in_predict_leaves_nothing(crops: Path, model: Path, tmp_path: Path) -> None:
    many = tmp_path / "many.csv"
    header, *rows = crops.read_text().splitlines()
    many.write_text("\n".join([header, *rows * 2000]) + "\n")
    out = tmp_path / "out" / "cells.h5ad"
    command = Command(tmp_path / "said", "predict", model, many, "--out", out, "--device", "cpu")
    command.wait_for(lambda: command.begun)
    time.sleep(2)
    command.interrupt()
    assert command.said("err").splitlines()[-1] == "Stopped."
    assert command.process.exitcode == 130
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("launcher", ["devices", "torchrun"])
def test_two_processes_fit_one_model_and_speak_once(crops: Path, model: Path, tmp_path: Path, launcher: str) -> None:
    from safetensors.numpy import load_file

    fit = ["fit", "vae", str(crops), "--out", str(tmp_path / "model"), *TINY]
    if launcher == "devices":
        command = [sys.executable, "-m", "coverslip", *fit, "--devices", "2"]
    else:
        run = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "coverslip"]
        command = [sys.executable, *run, *fit]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=200, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("Fitted vae") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    facts = json.loads((tmp_path / "model" / "config.json").read_text())["facts"]
    assert facts["devices"] == 2
    together, alone = (load_file(folder / "weights.safetensors") for folder in (tmp_path / "model", model))
    # The same batches and gradients, but other noise and another order of sums.
    for name in alone:
        np.testing.assert_allclose(together[name], alone[name], atol=0.01)
