"""Damaged models and results, and truths that do not fit, end with code 2 and one sentence; nothing is written."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from .conftest import assert_one_sentence

pytestmark = pytest.mark.data


class Touch:
    """Leaves a trace when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (self.path, "w")


def with_another_setting(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["settings"]["latent"] = 4
    (folder / "config.json").write_text(json.dumps(config))


def with_another_fact(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["facts"]["depth"] = 1
    (folder / "config.json").write_text(json.dumps(config))


def with_half_a_config(folder: Path) -> None:
    (folder / "config.json").write_text((folder / "config.json").read_text()[:40])


def with_half_the_weights(folder: Path) -> None:
    weights = (folder / "weights.safetensors").read_bytes()
    (folder / "weights.safetensors").write_bytes(weights[: len(weights) // 2])


def with_one_bit_flipped(folder: Path) -> None:
    weights = bytearray((folder / "weights.safetensors").read_bytes())
    weights[-7] ^= 1
    (folder / "weights.safetensors").write_bytes(weights)


def with_foreign_weights(folder: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"w": np.zeros(3, np.float32)}, folder / "weights.safetensors")


def with_a_pickle(folder: Path) -> None:
    (folder / "weights.safetensors").write_bytes(pickle.dumps(Touch(folder.parent / "executed")))


def without_weights(folder: Path) -> None:
    (folder / "weights.safetensors").unlink()


SPOILT = [
    with_another_setting,
    with_another_fact,
    with_half_a_config,
    with_half_the_weights,
    with_one_bit_flipped,
    with_foreign_weights,
    with_a_pickle,
    without_weights,
]


@pytest.mark.parametrize("spoil", SPOILT)
@pytest.mark.parametrize("verb", ["predict", "report"])
def test_a_spoilt_model_is_refused_and_nothing_of_it_runs(
    coverslip: Callable, model: Path, crops: Path, cells: Path, tmp_path: Path, out: Path, spoil: Callable, verb: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    spoil(folder)
    if verb == "predict":
        said = coverslip("predict", folder, crops, "--out", out / "cells.h5ad")
    else:
        said = coverslip("report", cells, "--model", folder, "--out", out / "report.html")
    assert_one_sentence(said, str(folder))
    assert not (tmp_path / "executed").exists()


def test_a_pickle_would_have_run(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Touch(tmp_path / "executed"))).close()
    assert (tmp_path / "executed").exists()


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:9000])


def of_no_bytes(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("no table")


def gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("spoil", [cut_short, of_no_bytes, text, gone])
@pytest.mark.parametrize("verb", ["evaluate", "report"])
def test_a_damaged_result_is_refused(
    coverslip: Callable, cells: Path, tmp_path: Path, out: Path, spoil: Callable, verb: str
) -> None:
    path = tmp_path / "cells.h5ad"
    shutil.copy(cells, path)
    spoil(path)
    ending = {"evaluate": "numbers.csv", "report": "report.html"}[verb]
    assert_one_sentence(coverslip(verb, path, "--out", out / ending), str(path))


def without(column: str, cells: Path, path: Path) -> Path:
    import anndata

    table = anndata.read_h5ad(cells)
    del table.obs[column]
    table.write_h5ad(path)
    return path


def test_a_result_without_images_is_reported_without_pictures(coverslip: Callable, cells: Path, tmp_path: Path) -> None:
    path = without("image", cells, tmp_path / "cells.h5ad")
    assert coverslip("report", path, "--out", tmp_path / "report.html").code == 0
    page = (tmp_path / "report.html").read_text()
    assert "The crops are not shown: the result does not say where they are" in page


def test_a_result_without_images_cannot_be_matched(
    coverslip: Callable, cells: Path, crops: Path, tmp_path: Path
) -> None:
    path = without("image", cells, tmp_path / "cells.h5ad")
    assert_one_sentence(coverslip("evaluate", path, crops), str(path), "no column 'image'")


def test_cells_of_one_class_are_measured_without_it(coverslip: Callable, cells: Path, tmp_path: Path) -> None:
    import anndata

    table = anndata.read_h5ad(cells)
    table.obs["label"] = "G1"
    table.write_h5ad(tmp_path / "cells.h5ad")
    said = coverslip("evaluate", tmp_path / "cells.h5ad", "--no-baseline")
    assert said.code == 0
    assert "All samples of the column 'label' are of one class" in said.out
    assert "silhouette of clusters" in said.out
    assert "probe" not in said.out


def test_a_result_without_labels_takes_them_from_a_sheet(
    coverslip: Callable, cells: Path, crops: Path, tmp_path: Path
) -> None:
    path = without("label", cells, tmp_path / "cells.h5ad")
    alone = coverslip("evaluate", path, "--no-baseline")
    assert alone.code == 0
    assert "There is no column 'label', so only the separation of clusters is measured" in alone.out
    with_sheet = coverslip("evaluate", path, crops, "--no-baseline")
    assert with_sheet.code == 0
    assert with_sheet.out == coverslip("evaluate", cells, "--no-baseline").out


def test_a_sheet_of_half_the_images_is_refused(coverslip: Callable, cells: Path, crops: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.csv"
    half.write_text("\n".join(crops.read_text().splitlines()[:20]) + "\n")
    assert_one_sentence(coverslip("evaluate", cells, half), str(half), "has no row for", "G2_")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--label", "phase"], "no column 'phase'"),
        (["--group", "patient"], "no column 'patient'"),
        (["--factors", "day,area"], "no column 'area'"),
        (["--label", "image"], "has only one sample"),
        (["--out", "numbers.txt"], "end in .csv or .parquet"),
    ],
)
def test_evaluate_refuses_what_is_not_there(coverslip: Callable, cells: Path, options: list[str], words: str) -> None:
    assert_one_sentence(coverslip("evaluate", cells, *options), words)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--colour", "phase"], "no column 'phase'"),
        (["--images", "nowhere"], "no folder nowhere"),
        (["--model", "nowhere"], "no model folder 'nowhere' here"),
        (["--first-epoch", "50"], "epoch 50"),
    ],
)
def test_report_refuses_what_is_not_there(
    coverslip: Callable, cells: Path, out: Path, options: list[str], words: str
) -> None:
    assert_one_sentence(coverslip("report", cells, "--out", out / "report.html", *options), words)


def test_a_model_is_no_result(coverslip: Callable, model: Path, out: Path) -> None:
    for verb in (["report", model, "--out", out / "page.html"], ["evaluate", model]):
        assert_one_sentence(coverslip(*verb), f"{model} is a model, not a result; apply it first: coverslip predict")
