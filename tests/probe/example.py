"""A tiny fit of the probe: vectors of three classes that lie beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import coverslip as cs

QUICK: dict[str, Any] = {"curve": "2,5", "draws": 2}


def embedding(count: int = 60, seed: int = 0) -> cs.Embedding:
    """Classes whose vectors overlap a little, with a label each."""
    rng = np.random.default_rng(seed)
    classes = np.arange(count) % 3
    latent = rng.normal(size=(count, 4)) + 2.0 * np.eye(4)[classes]
    return cs.Embedding.from_arrays(latent, {"label": np.array(["early", "late", "middle"])[classes]})


def sheet(data_folder: Path, folder: Path) -> Path:
    return cs.read.write_embedding(embedding(), folder / "cells.h5ad")
