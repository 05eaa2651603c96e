"""What every method folder promises, whoever wrote it."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import coverslip as cs
from coverslip.cli import main
from coverslip.core.card import Card
from coverslip.core.config import Config
from coverslip.core.provenance import file_hash
from coverslip.core.settings import Training

QUICK: dict[str, dict[str, Any]] = {"vae": {"width": 4, "latent": 3}}
"""Settings that make a method small, beside ``epochs=2``."""

each_method = pytest.mark.parametrize("name", cs.methods.names())


@each_method
def test_the_card_says_everything(name: str) -> None:
    card = cs.methods.get(name).CARD
    assert isinstance(card, Card)
    assert card.name == name
    for text in (card.summary, card.takes, card.gives):
        assert text.endswith(".")
    assert re.search(r"\b(19|20)\d\d\b", card.citation)
    assert card.measured
    assert all(re.search(r"\d", found) for found in card.measured)
    assert card.limits
    assert all(item.strip() for item in (*card.measured, *card.limits, *card.notation.values()))
    assert all(text in card.markdown() for text in (card.citation, card.takes, card.gives, *card.limits))


@each_method
def test_every_setting_is_described_and_survives_being_saved(name: str) -> None:
    kind = cs.methods.get(name).Config
    assert issubclass(kind, Config)
    described = kind.describe()
    assert described
    assert [row[0] for row in described if not row[2]] == []
    config = kind()
    assert kind.parse(config.model_dump()) == config
    assert kind.parse(json.loads(json.dumps(config.model_dump(mode="json")))) == config


@each_method
def test_importing_a_method_imports_neither_another_nor_a_network_library(name: str) -> None:
    code = f"import sys, coverslip.methods.{name} as m; m.CARD; m.Config; print(*sorted(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ended.stdout.split())
    assert not loaded & {"torch", "lightning", "sklearn", "skimage", "pandas", "matplotlib"}
    others = {f"coverslip.methods.{other}" for other in cs.methods.names()} - {f"coverslip.methods.{name}"}
    assert not loaded & others


@each_method
def test_predict_imports_no_training(name: str) -> None:
    code = f"import sys, coverslip.methods.{name} as m; m.predict; print(*sorted(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ended.stdout.split())
    assert not {module for module in loaded if module.startswith(("coverslip.train", "lightning"))}


@pytest.fixture(scope="module")
def sheet(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifty real cells in a sheet."""
    folder = data_folder / "jurkat_cellcycle"
    with open(folder / "sheet.csv") as stream:
        rows = list(csv.DictReader(stream))[::33][:50]
    path = tmp_path_factory.mktemp("cells") / "cells.csv"
    path.write_text("image,label\n" + "".join(f"{folder / row['image']},{row['label']}\n" for row in rows))
    return path


def fit_in_a_command(name: str, sheet: Path, folder: Path, seed: int = 0) -> Path:
    settings = {"epochs": 2, "seed": seed, **QUICK[name]}
    options = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    command = ["fit", name, str(sheet), "--out", str(folder), "--device", "cpu", "--precision", "fp32", *options]
    assert main(command) == 0
    return folder


@pytest.mark.data
@each_method
def test_a_command_and_python_fit_save_and_predict_the_same(name: str, sheet: Path, tmp_path: Path) -> None:
    from coverslip.read import read_embedding
    from coverslip.train import Run

    folder = fit_in_a_command(name, sheet, tmp_path / "model")
    assert main(["predict", str(folder), str(sheet), "--out", str(tmp_path / "cells.h5ad"), "--device", "cpu"]) == 0
    by_command = read_embedding(tmp_path / "cells.h5ad")

    samples = cs.samples.open_samples(sheet)
    run = Run(device="cpu", precision="fp32")
    fitted = cs.fit(name, samples, {"epochs": 2, **QUICK[name]}, run=run)
    in_python = cs.predict(fitted, samples, device="cpu")
    np.testing.assert_array_equal(in_python.latent, by_command.latent)
    assert in_python.latent.std() > 0
    loaded = cs.predict(cs.load(fitted.save(tmp_path / "again")), samples, device="cpu")
    np.testing.assert_array_equal(loaded.latent, in_python.latent)
    assert list(by_command.column("label")) == list(samples.obs["label"])


@pytest.mark.data
@each_method
def test_the_seed_decides(name: str, sheet: Path, tmp_path: Path) -> None:
    one, same, other = (
        fit_in_a_command(name, sheet, tmp_path / word, seed) for word, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    weights, again, others = (cs.load(folder).weights for folder in (one, same, other))
    assert all(np.array_equal(weights[key], again[key]) for key in weights)
    assert not all(np.array_equal(weights[key], others[key]) for key in weights)


@pytest.mark.data
@each_method
def test_a_model_folder_says_what_it_is_and_where_it_comes_from(name: str, sheet: Path, tmp_path: Path) -> None:
    folder = fit_in_a_command(name, sheet, tmp_path / "model", seed=5)
    names = {path.name for path in folder.iterdir()}
    assert names == {"config.json", "weights.safetensors", "history.csv", "card.md", "provenance.json"}
    config = json.loads((folder / "config.json").read_text())
    kind = cs.methods.get(name).Config
    assert config["method"] == name
    assert kind.parse(config["settings"]) == kind.parse({"epochs": 2, "seed": 5, **QUICK[name]})
    assert set(config["settings"]) == set(kind.model_fields)
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["inputs"]["sha256"] == file_hash(sheet)
    assert provenance["inputs"]["n"] == 50
    assert provenance["seed"] == 5
    assert {"coverslip", "python", "torch", "numpy"} <= set(provenance["versions"])
    assert (folder / "card.md").read_text().startswith(f"# {name}")
    if issubclass(kind, Training):
        assert (folder / "history.csv").read_text().count("\n") == 3
