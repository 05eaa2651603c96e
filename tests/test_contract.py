"""What every method folder promises, whoever wrote it."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import coverslip as cs
from coverslip.cli import main
from coverslip.core.card import Card
from coverslip.core.config import Config
from coverslip.core.provenance import file_hash
from coverslip.core.settings import Training
from coverslip.read import Model
from coverslip.samples.opening import open_as
from coverslip.train import Run

NAMES = [*cs.methods.names(), "toy_pca"]
"""The methods, and one that is not trained, so that nothing here takes epochs for granted."""

pytestmark = pytest.mark.usefixtures("toy_pca")

each_method = pytest.mark.parametrize("name", NAMES)


@each_method
def test_the_card_says_everything(name: str) -> None:
    card = cs.methods.get(name).CARD
    assert isinstance(card, Card)
    assert card.name == name
    assert card.takes in ("samples", "fields", "vectors")
    assert card.gives in cs.results.names()
    for text in (card.summary, card.inputs, card.outputs):
        assert text.endswith(".")
    assert re.search(r"\b(19|20)\d\d\b", card.citation)
    assert card.measured
    assert all(re.search(r"\d", found) for found in card.measured)
    assert card.limits
    assert all(item.strip() for item in (*card.measured, *card.limits, *card.notation.values()))
    assert all(text in card.markdown() for text in (card.citation, card.inputs, card.outputs, *card.limits))


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


_LOADED = """
import importlib, json, os, sys
import coverslip.methods as all

all.__path__[:], names = json.loads(sys.argv[1])

def apart(look):
    for name in names:
        if not os.fork():
            look(importlib.import_module(f"coverslip.methods.{name}"))
            print(json.dumps([name, list(sys.modules)]), flush=True)
            os._exit(0)
        os.wait()

apart(lambda method: method.CARD)
import torch, torchvision, scipy.ndimage, skimage, sklearn, pandas  # once for all: they are asked for in no case
apart(lambda method: method.predict)
"""
"""What is loaded once a card is read, then once a method is to predict: each method in a process of its own."""


@pytest.fixture(scope="module")
def loaded(toy_pca: str) -> list[dict[str, set[str]]]:
    """The modules that are loaded with the card of each method, and to predict."""
    asked = json.dumps([list(cs.methods.__path__), NAMES])
    ended = subprocess.run([sys.executable, "-c", _LOADED, asked], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    return [{name: set(modules) for name, modules in part} for part in (lines[: len(NAMES)], lines[len(NAMES) :])]


@each_method
def test_importing_a_method_imports_neither_another_nor_a_network_library(
    name: str, loaded: list[dict[str, set[str]]]
) -> None:
    with_card = loaded[0][name]
    assert not with_card & {"torch", "lightning_fabric", "sklearn", "skimage", "pandas", "matplotlib"}
    others = {f"coverslip.methods.{other}" for other in NAMES} - {f"coverslip.methods.{name}"}
    assert not with_card & others


@each_method
def test_predict_imports_no_training(name: str, loaded: list[dict[str, set[str]]]) -> None:
    assert not {module for module in loaded[1][name] if module.startswith(("coverslip.train", "lightning_fabric"))}


def brought(name: str, what: str) -> ModuleType:
    """A file beside this one that says what differs by method or by kind of result."""
    whole = f"{__package__}.{name}"
    try:
        return import_module(whole)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{whole}.".startswith(f"{error.name}."):  # something that the file imports
            raise
    pytest.fail(f"Write tests/{name.replace('.', '/')}.py with {what}.")


def example_of(method: str) -> ModuleType:
    """The tiny fit that a method brings along."""
    return brought(
        f"{method}.example",
        f"QUICK, the settings that make a fit of '{method}' take seconds, and sheet(data_folder, folder) -> Path, "
        "which writes a tiny sample sheet (where it takes vectors an .h5ad) with a column 'label' into the folder",
    )


def results_of(kind: str) -> ModuleType:
    """How the results of a kind are compared."""
    return brought(f"results.{kind}", "as_predicted, column and arrays, as in tests/results/embedding.py")


def test_what_a_new_method_or_kind_lacks_is_said() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"Write tests/unheard_of/example\.py with QUICK.* and sheet\("):
        example_of("unheard_of")
    with pytest.raises(pytest.fail.Exception, match=r"Write tests/results/unheard_of\.py with as_predicted"):
        results_of("unheard_of")


def rows_of(samples: Path) -> list[dict[str, str]]:
    """The rows of what a method is fitted to: a sheet, or an embedding."""
    if samples.suffix == ".h5ad":
        found: list[dict[str, str]] = cs.read.read_embedding(samples).adata.obs.to_dict("records")
        return found
    with samples.open() as stream:
        return list(csv.DictReader(stream))


@dataclass(frozen=True)
class Fit:
    """A method fitted to its example: by a command into `folder`, and in Python."""

    name: str
    settings: dict[str, Any]
    sheet: Path
    samples: Any
    folder: Path
    model: Model

    @property
    def config(self) -> type[Config]:
        return cs.methods.get(self.name).Config


@pytest.fixture(scope="module", params=NAMES)
def fit(
    request: pytest.FixtureRequest, toy_pca: str, data_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Fit:
    name, example, folder = request.param, example_of(request.param), tmp_path_factory.mktemp(request.param)
    method = cs.methods.get(name)
    settings = {**example.QUICK, **({"seed": 5} if "seed" in method.Config.model_fields else {})}
    sheet = example.sheet(data_folder, folder)
    samples = open_as(method.CARD.takes, sheet)
    by_command = fit_in_a_command(name, sheet, folder / "model", settings)
    in_python = cs.fit(name, samples, settings, run=Run(device="cpu", precision="fp32"))
    return Fit(name, settings, sheet, samples, by_command, in_python)


def fit_in_a_command(name: str, sheet: Path, folder: Path, settings: dict[str, Any]) -> Path:
    options = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    command = ["fit", name, str(sheet), "--out", str(folder), "--device", "cpu", "--precision", "fp32", *options]
    assert main(command) == 0
    return folder


@pytest.mark.data
def test_a_command_and_python_fit_save_and_predict_the_same(fit: Fit, tmp_path: Path) -> None:
    kind = cs.results.get(fit.model.gives)
    of_kind = results_of(kind.name)
    out = tmp_path / f"found{kind.endings[0]}"
    assert main(["predict", str(fit.folder), str(fit.sheet), "--out", str(out), "--device", "cpu"]) == 0
    written, found = cs.results.opened(out)
    assert written == kind
    assert of_kind.column(found, "label") == [row["label"] for row in rows_of(fit.sheet)]

    by_command = of_kind.arrays(of_kind.as_predicted(found))
    in_python = of_kind.arrays(cs.predict(fit.model, fit.samples, device="cpu"))
    assert len(in_python) == len(by_command)
    for one, two in zip(in_python, by_command, strict=True):  # the command has loaded what another had saved
        np.testing.assert_array_equal(one, two)
    saved = cs.load(fit.model.save(tmp_path / "again"))
    assert saved.config == fit.model.config
    assert json.dumps(saved.facts) == json.dumps(fit.model.facts)  # as text, where NaN is NaN
    assert saved.weights.keys() == fit.model.weights.keys()
    assert all(np.array_equal(saved.weights[key], fit.model.weights[key]) for key in saved.weights)
    assert max(array[np.isfinite(array)].std() for array in in_python if np.isfinite(array).any()) > 0


@pytest.mark.data
def test_the_seed_decides(fit: Fit, tmp_path: Path) -> None:
    weights, again = cs.load(fit.folder).weights, fit.model.weights
    assert weights.keys() == again.keys()
    assert all(np.array_equal(weights[key], again[key]) for key in weights)
    if "seed" in fit.config.model_fields:
        other = fit_in_a_command(fit.name, fit.sheet, tmp_path / "other", {**fit.settings, "seed": 6})
        others = cs.load(other).weights
        assert not all(np.array_equal(weights[key], others[key]) for key in weights)


@pytest.mark.data
def test_a_model_folder_says_what_it_is_and_where_it_comes_from(fit: Fit) -> None:
    trained = issubclass(fit.config, Training)
    names = {path.name for path in fit.folder.iterdir()}
    history = {"history.csv"} if trained else set()
    assert names == {"config.json", "weights.safetensors", "card.md", "provenance.json", *history}
    config = json.loads((fit.folder / "config.json").read_text())
    assert config["method"] == fit.name
    assert fit.config.parse(config["settings"]) == fit.config.parse(fit.settings)
    assert set(config["settings"]) == set(fit.config.model_fields)
    provenance = json.loads((fit.folder / "provenance.json").read_text())
    assert provenance["inputs"]["sha256"] == file_hash(fit.sheet)
    assert provenance["inputs"]["n"] == len(rows_of(fit.sheet))
    assert provenance["seed"] == fit.settings.get("seed")
    assert {"coverslip", "python", "torch", "numpy"} <= set(provenance["versions"])
    assert (fit.folder / "card.md").read_text().startswith(f"# {fit.name}")
    if trained:
        rows = (fit.folder / "history.csv").read_text().count("\n") - 1
        assert rows == len(fit.model.history) == fit.settings["epochs"] * fit.settings.get("rounds", 1)
