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
from coverslip.core.region import Region
from coverslip.core.settings import Training
from coverslip.train import Run

QUICK: dict[str, dict[str, Any]] = {
    "kaizen": {"width": 4, "patch": 48, "codes": 16, "groups": 2},
    "unet": {"width": 4, "levels": 2, "patch": 128},
    "vae": {"width": 4, "latent": 3},
}
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
def sheets(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What methods learn from, by what they give: fifty real cells, or some real fields with masks."""
    folder = tmp_path_factory.mktemp("sheets")
    cells, fields = data_folder / "jurkat_cellcycle", data_folder / "bbbc039"
    with open(cells / "sheet.csv") as stream:
        rows = list(csv.DictReader(stream))[::33][:50]
    lines = [f"{cells / row['image']},{row['label']}" for row in rows]
    (folder / "cells.csv").write_text("\n".join(["image,label", *lines, ""]))
    with open(fields / "sheet.csv") as stream:
        rows = list(csv.DictReader(stream))[::25]
    lines = [f"{fields / row['image']},{fields / row['mask']},{row['well']}" for row in rows]
    (folder / "fields.csv").write_text("\n".join(["image,mask,label", *lines, ""]))
    # Searching with a network that has hardly learned anything takes long: corners of the fields will do.
    corner = Region(0, 0, 160, 176)
    cut = []
    for i, row in enumerate(rows[:3]):
        for column in ("image", "mask"):
            part = cs.open_image(fields / row[column]).crop(corner).read()
            cs.read.write_image_tiff(part, folder / f"{column}{i}.tif")
        cut.append(f"image{i}.tif,mask{i}.tif,{row['well']}")
    (folder / "corners.csv").write_text("\n".join(["image,mask,label", *cut, ""]))
    return {
        "embedding": folder / "cells.csv",
        "labels": folder / "fields.csv",
        "decomposition": folder / "corners.csv",
    }


def sheet_for(name: str, sheets: dict[str, Path]) -> Path:
    return sheets[cs.methods.get(name).CARD.gives]


def fit_in_a_command(name: str, sheet: Path, folder: Path, seed: int = 0) -> Path:
    settings = {"epochs": 2, "seed": seed, **QUICK[name]}
    options = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    command = ["fit", name, str(sheet), "--out", str(folder), "--device", "cpu", "--precision", "fp32", *options]
    assert main(command) == 0
    return folder


@pytest.mark.data
@each_method
def test_a_command_and_python_fit_save_and_predict_the_same(name: str, sheets: dict[str, Path], tmp_path: Path) -> None:
    sheet = sheet_for(name, sheets)
    folder = fit_in_a_command(name, sheet, tmp_path / "model")
    by_command = predicted_by_command(name, folder, sheet, tmp_path)

    opened = cs.samples.open_samples if cs.methods.get(name).CARD.gives == "embedding" else cs.samples.open_fields
    samples = opened(sheet)
    fitted = cs.fit(name, samples, {"epochs": 2, **QUICK[name]}, run=Run(device="cpu", precision="fp32"))
    in_python = arrays_of(cs.predict(fitted, samples, device="cpu"))
    loaded = arrays_of(cs.predict(cs.load(fitted.save(tmp_path / "again")), samples, device="cpu"))
    assert len(in_python) == len(by_command) == len(loaded)
    for one, two, three in zip(in_python, by_command, loaded, strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, three)
    assert max(array.std() for array in in_python) > 0


def predicted_by_command(name: str, model: Path, sheet: Path, folder: Path) -> list[np.ndarray]:
    """The arrays of a result, and that it keeps the facts of its sheet."""
    from coverslip.read import read_decomposition, read_embedding, read_label_folder

    with sheet.open() as stream:
        truth = [row["label"] for row in csv.DictReader(stream)]
    if cs.methods.get(name).CARD.gives == "embedding":
        assert main(["predict", str(model), str(sheet), "--out", str(folder / "cells.h5ad"), "--device", "cpu"]) == 0
        embedding = read_embedding(folder / "cells.h5ad")
        assert list(embedding.column("label")) == truth
        return arrays_of(embedding)
    assert main(["predict", str(model), str(sheet), "--out", str(folder / "found"), "--device", "cpu"]) == 0
    found = read_label_folder(folder / "found")
    assert [row["label"] for row in found.rows] == truth
    labels: list[Any] = [found.labels(i) for i in range(len(found))]
    decomposed = cs.methods.get(name).CARD.gives == "decomposition"
    return arrays_of([read_decomposition(found, i) for i in range(len(found))] if decomposed else labels)


def arrays_of(result: Any) -> list[np.ndarray]:
    if not isinstance(result, list):
        return [result.latent]
    if isinstance(result[0], cs.Decomposition):
        return [array for found in result for array in (found.labels, found.internal, *found.masks)]
    return [found.labels for found in result]


@pytest.mark.data
@each_method
def test_the_seed_decides(name: str, sheets: dict[str, Path], tmp_path: Path) -> None:
    sheet = sheet_for(name, sheets)
    one, same, other = (
        fit_in_a_command(name, sheet, tmp_path / word, seed) for word, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    weights, again, others = (cs.load(folder).weights for folder in (one, same, other))
    assert all(np.array_equal(weights[key], again[key]) for key in weights)
    assert not all(np.array_equal(weights[key], others[key]) for key in weights)


@pytest.mark.data
@each_method
def test_a_model_folder_says_what_it_is_and_where_it_comes_from(
    name: str, sheets: dict[str, Path], tmp_path: Path
) -> None:
    sheet = sheet_for(name, sheets)
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
    assert provenance["inputs"]["n"] == sheet.read_text().count("\n") - 1
    assert provenance["seed"] == 5
    assert {"coverslip", "python", "torch", "numpy"} <= set(provenance["versions"])
    assert (folder / "card.md").read_text().startswith(f"# {name}")
    if issubclass(kind, Training):
        assert (folder / "history.csv").read_text().count("\n") == 3
