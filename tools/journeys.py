"""Three journeys of new users, from an empty folder: a folder and a laptop, a notebook, a method of one's own.

    python tools/journeys.py OUT [folder] [notebook] [method]

Ends with 1 where a journey does not arrive. The notebook needs scanpy, squidpy and spatialdata beside Coverslip; the
method needs the repository, with the tools of its tests. The last output stands in docs/project/journeys.md.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
FAULTS: list[str] = []

# ---- a method as CONTRIBUTING.md says, steps 1 to 5 and the example of step 7 ----------------------------------------

METHOD = {
    "__init__.py": '''"""A linear autoencoder."""

import lazy_loader

from coverslip.core.card import Card

CARD = Card(
    name="linear",
    summary="A linear autoencoder: the subspace of the principal components, found by gradient descent.",
    takes="samples",
    gives="embedding",
    citation="Baldi and Hornik. Neural networks and principal component analysis. Neural Networks, 1989.",
    inputs="Images of one size, (N, C, H, W).",
    outputs="One vector per image.",
    measured=("With 3 latents it explains as much as 3 principal components, to 1 %.",),
    limits=("What is not linear it cannot say.",),
)

FACTS = {"shape": list, "normaliser": dict}
"""Facts that predicting needs, and what they are."""

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"config": ["Config"], "fitting": ["fit"], "prediction": ["predict"]}
)
''',
    "config.py": '''"""Settings."""

from pydantic import Field

from coverslip.core import Training


class Config(Training):
    """Settings of the linear autoencoder."""

    latent: int = Field(4, ge=1, description="Dimensions of the vectors.")
''',
    "model.py": '''"""The network."""

import torch
from torch import nn


class Linear(nn.Module):
    """Down to the latents and up again."""

    def __init__(self, size: int, latent: int) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(size, latent), nn.Linear(latent, size)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What comes back of ``(N, C, H, W)``."""
        return self.up(self.down(x.flatten(1))).view_as(x)
''',
    "fitting.py": '''"""Fit the linear autoencoder."""

from __future__ import annotations

from math import prod
from typing import Any

import torch

from coverslip.core import Fitted, Samples, Subset
from coverslip.methods.linear.config import Config
from coverslip.methods.linear.model import Linear
from coverslip.samples.opening.normalise import Normaliser
from coverslip.train.batch import Batch
from coverslip.train.feed import Feed
from coverslip.train.loop import train
from coverslip.train.run import Run
from coverslip.train.split import training_split


def fit(samples: Samples, config: Config | None = None, run: Run | None = None) -> Fitted:
    """Fit it to images of one size."""
    config, run = config or Config(), run or Run()
    split, split_by = training_split(samples, config)
    normaliser = Normaliser.fit(Subset(samples, split["train"]), kind="zscore", seed=config.seed)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model = Linear(prod(samples.shape), config.latent)

    def step(
        module: torch.nn.Module, batch: Batch[torch.Tensor], generator: torch.Generator, epoch: int
    ) -> dict[str, torch.Tensor]:
        return {"loss": (module(batch.inputs) - batch.inputs).square().mean()}

    identity: dict[str, Any] = {
        "method": "linear", **config.model_dump(), "samples": len(samples), "shape": samples.shape
    }
    outcome = train(model, step, Feed(samples, normaliser.apply, run), split, config, run, identity)
    facts = {
        "shape": list(samples.shape),
        "channels": list(samples.channels),
        "parameters": sum(p.numel() for p in model.parameters()),
        "normaliser": normaliser.to_dict(),
        "split_by": split_by,
        **outcome.facts,
    }
    return Fitted("linear", config, outcome.weights, facts, outcome.history)
''',
    "prediction.py": '''"""Embed images with a fitted linear autoencoder."""

from __future__ import annotations

import numpy as np

from coverslip.core import Embedding, Fitted, Samples
from coverslip.samples.opening.alike import as_fitted


def predict(fitted: Fitted, samples: Samples, *, device: str = "auto") -> Embedding:
    """Embed images."""
    flat = np.concatenate([x.flatten(1).numpy() for _, x in as_fitted(fitted, samples, "cpu")])
    return Embedding.from_arrays(flat @ fitted.weights["down.weight"].T + fitted.weights["down.bias"], samples.obs)
''',
}

EXAMPLE = '''"""A tiny fit: images of two classes, each with its own brightness."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import coverslip as cs

QUICK: dict[str, Any] = {"epochs": 2, "latent": 3}


def sheet(data_folder: Path, folder: Path) -> Path:
    rng = np.random.default_rng(0)
    lines = ["image,label"]
    for i in range(48):
        pixels = rng.integers(0, 200, (12, 12)) + 400 * (i % 2)
        cs.read.write_image_tiff(cs.Image.from_array(pixels.astype(np.uint16)), folder / f"{i}.tif")
        lines.append(f"{i}.tif,{('dark', 'light')[i % 2]}")
    (folder / "sheet.csv").write_text("\\n".join([*lines, ""]))
    return folder / "sheet.csv"
'''


def check(what: str, holds: bool, seen: object = "") -> None:
    print(f"{'ok   ' if holds else 'FAULT'} {what}{f': {seen}' if seen != '' else ''}", flush=True)
    if not holds:
        FAULTS.append(what)


def run(words: list[str], folder: Path, **more: str) -> tuple[int, str, float]:
    start = time.monotonic()
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, env={**os.environ, **more})
    return done.returncode, done.stdout + done.stderr, time.monotonic() - start


def coverslip(line: str, folder: Path) -> float:
    code, said, seconds = run([sys.executable, "-m", "coverslip", *line.split()], folder)
    print(f"$ coverslip {line}    # {seconds:.0f} s")
    check("it ended well", code == 0, said.strip().splitlines()[-1] if code else "")
    return seconds


def folder_journey(out: Path) -> None:
    """A folder and a laptop: count, table in µm, overlay, groups in four commands and five minutes."""
    coverslip("samples fetch nuclei --out fields", out)
    seconds = [
        coverslip(line, out)
        for line in (
            "predict nuclei-fluo fields --out nuclei",
            "samples crop nuclei --size 64 --out crops",
            "fit vae crops --out model --set epochs=30",
            "predict model crops --out cells.h5ad",
        )
    ]
    from coverslip.read import read_embedding, read_table

    counts, objects = read_table(out / "nuclei" / "images.csv"), read_table(out / "nuclei" / "objects.parquet")
    check("a count for each of six images", len(counts["objects"]) == 6, counts["objects"].tolist())
    check("a table in µm, with the treatment", {"area_um2", "treatment"} <= set(objects), len(objects["label"]))
    check("an overlay for each", len(list((out / "nuclei").glob("*.overlay.jpg"))) == 6)
    clusters = read_embedding(out / "cells.h5ad").column("cluster")
    check("groups", len(set(clusters)) > 1, f"{len(set(clusters))} of {len(clusters)} cells")
    check("four commands, five minutes", sum(seconds) < 300, f"{sum(seconds):.0f} s")


def notebook_journey(out: Path) -> None:
    """A notebook: from arrays to scanpy, squidpy and SpatialData, by the tutorial."""
    program = ROOT / "docs" / "tutorials" / "06_into_scverse.py"
    code, said, seconds = run([sys.executable, "-W", "ignore", str(program)], out)
    check("the tutorial ran without a traceback", code == 0 and "Traceback" not in said, f"{seconds:.0f} s")
    check("files for scanpy and SpatialData", (out / "umap.png").is_file() and (out / "cells.h5ad").is_file())
    if code:
        print(said[-2000:])


def method_journey(out: Path) -> None:
    """A method of one's own, untrained and trained, by CONTRIBUTING.md alone: the contract tests are green."""
    copy = out / "repository"
    skipped = shutil.ignore_patterns(".git", ".venv", "_build", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, copy, ignore=skipped)
    folder = copy / "src" / "coverslip" / "methods" / "linear"
    folder.mkdir()
    for name, text in METHOD.items():
        (folder / name).write_text(text, encoding="utf-8")
    (copy / "tests" / "linear").mkdir()
    (copy / "tests" / "linear" / "example.py").write_text(EXAMPLE, encoding="utf-8")
    where = {"PYTHONPATH": str(copy / "src"), "OMP_NUM_THREADS": "1"}
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_contract.py"]
    for name in ("toy_pca", "linear"):
        code, said, _ = run([*tests, "-k", name], copy, **where)
        kind = "an untrained" if name == "toy_pca" else "a trained"
        check(f"contract tests of {kind} method", code == 0, f"{said.strip().splitlines()[-1]}")
        if code:
            print(said[-3000:])
    for program in ("ruff", "lint-imports"):
        words = [program, "check", str(folder)] if program == "ruff" else [program]
        code, said, _ = run([str(Path(sys.executable).with_name(words[0])), *words[1:]], copy, **where)
        check(f"{program} of the trained method", code == 0, "" if code == 0 else said[-600:])
    shutil.rmtree(copy)


JOURNEYS = {"folder": folder_journey, "notebook": notebook_journey, "method": method_journey}


def main(out: Path, names: list[str]) -> int:
    for name in names or list(JOURNEYS):
        print(f"\n== {name}: {(JOURNEYS[name].__doc__ or '').split(':')[0]}")
        place = out / name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        JOURNEYS[name](place)
    print(f"\n{len(FAULTS)} faults")
    return int(bool(FAULTS))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute(), sys.argv[2:]))
