"""A small U-Net with normalisation that does something, and what is written of it, made once."""

from __future__ import annotations

import gc
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from coverslip.methods.unet.config import Config
from coverslip.methods.unet.outputs import build
from coverslip.portable.verb import Exported, export_model
from coverslip.read import Model

from ..once import made_once

CARD = """# cells-drawn

Discs in noise.

**Licence.** CC0-1.0

**Authors.** A. Nother; B. Esides

**Data.** Four drawn fields.

**Numbers.** AP 0.5 on none.
"""


def small_model(card: str = CARD, **settings: object) -> Model:
    config = Config(**{"width": 4, "levels": 2, "stem": 2, "patch": 64, "separation": "distance", **settings})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build(config, 2)
        network.train()
        with torch.no_grad():
            for _ in range(4):
                network(torch.rand(2, 2, 64, 64))
            network.exit.bias.add_(0.3)
    weights = {name: values.detach().numpy().copy() for name, values in network.state_dict().items()}
    facts = {
        "inputs": 2,
        "channels": ["DNA", "actin"],
        "margin": 64,
        "decoding": {"threshold": 0.45, "min_area": 12, "peak": 0.25},
        "object_diameter_px": [8.0, 12.0, 16.0, 20.0, 30.0],
        "input": {"channels": None, "planes": "channels"},
    }
    inputs = {"path": "/home/someone/sheet.csv", "n": 4, "sha256": "ab" * 32}
    return Model("unet", config, weights, facts, provenance={"inputs": inputs}, card=card)


@pytest.fixture(scope="session")
def model() -> Model:
    return small_model()


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Exported]:
    """Both forms of the model."""
    folder = made_once(tmp_path_factory, "exported", _write_both)
    notes = json.loads((folder / "notes.json").read_text("utf-8"))
    return [Exported(folder / name, tuple(said)) for name, said in notes.items()]


def _write_both(folder: Path) -> None:
    folder.mkdir()
    with warnings.catch_warnings(action="ignore"):
        found = export_model(small_model(), onnx=folder / "cells.onnx", bioimageio=folder / "cells.zip")
        gc.collect()  # bioimageio.spec leaves files open
    notes = json.dumps({one.path.name: one.notes for one in found})
    (folder / "notes.json").write_text(notes, encoding="utf-8")


@pytest.fixture(scope="session")
def onnx_file(written: list[Exported]) -> Path:
    return written[0].path


@pytest.fixture(scope="session")
def package(written: list[Exported]) -> Path:
    return written[1].path


def grey_values(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height).uniform(-0.2, 2.2, (count, 2, height, width)).astype(np.float32)
