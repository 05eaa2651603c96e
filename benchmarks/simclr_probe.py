"""Do vectors that SimCLR learned without labels tell more of the cell cycle than PCA of equal size? Jurkat cells.

The network, PCA and the normalisation see 70 % of the cells, without their labels. A linear probe and k-NN, with their
settings chosen inside these cells, are trained on them and tested on the other 30 %, which nothing has seen (divided
as in `jurkat_probe.py`). The first recipe was chosen by folds inside the 70 %. Balanced accuracy, 95 % bootstraps over
the tested cells, those of differences paired.

    python benchmarks/simclr_probe.py ../shared/data/jurkat_cellcycle --out simclr/

A fit that is in `--out` already is not made again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

import coverslip as cs
from coverslip.cli.progress import shown_progress
from coverslip.core.samples import ArraySamples, Subset
from coverslip.measure import bootstrap, class_mean, knn_probe, linear_probe, pca_baseline
from coverslip.methods import simclr
from coverslip.read import write_table
from coverslip.samples import Normaliser, open_samples

SETTINGS = {"width": 16, "stem": "medium", "epochs": 60, "learning_rate": 0.002, "validation": 0.0}
RECIPES = {
    "light kept, channels lost": {
        "crop": 1.0,
        "brightness": 0.0,
        "contrast": 0.0,
        "drop_channel": 0.3,
        "blur": 0.5,
        "sharpen": 1.0,
    },
    "microscopy, mild": {"crop": 0.8, "brightness": 0.1, "contrast": 0.1},
}


def main() -> None:
    """Fit, probe, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("simclr"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)

    opened = open_samples(given.data)
    cells = np.arange(len(opened))
    stored, phases = opened.read(cells), opened.obs["label"].astype(str)
    samples = ArraySamples(stored)
    train, test = train_test_split(cells, test_size=0.3, stratify=phases, random_state=20240)
    scaled = Normaliser.fit(samples, indices=train).apply(stored)

    features = {"raw pixels": scaled.reshape(len(scaled), -1)}
    with shown_progress():
        for name, recipe in RECIPES.items():
            for seed in given.seeds:
                folder = given.out / f"{name.replace(', ', '-').replace(' ', '-')}-{seed}"
                if not folder.exists():
                    config = {**SETTINGS, "recipe": recipe, "seed": seed}
                    cs.fit("simclr", Subset(samples, train), config).save(folder)
                model = cs.load(folder)
                for which in ("before", "after"):
                    found = simclr.features(model, samples, which=which)
                    features[f"SimCLR ({name}), seed {seed}, {which} the head"] = found
                    size = found.shape[1]
                    features.setdefault(f"PCA {size}", pca_baseline(scaled[train], scaled, size))

    parts = np.full(len(cells), "train")
    parts[test] = "test"
    hits: dict[tuple[str, str], np.ndarray] = {}
    for name, x in features.items():
        hits["linear", name] = linear_probe(x, phases, split=parts).hits
        hits["k-NN", name] = knn_probe(x, phases, split=parts, standardise=name != "raw pixels").hits
    tested = linear_probe(features["PCA 20"], phases, split=parts).tested

    rows = []
    truth = phases[tested]
    for (probe, name), own in hits.items():
        found = {name: bootstrap(class_mean, own, truth)}
        if name.startswith("SimCLR"):
            for peer in (f"PCA {features[name].shape[1]}", "PCA 20", "raw pixels"):
                found[f"{name} - {peer}"] = bootstrap(class_mean, own - hits[probe, peer], truth)
        for label, interval in found.items():
            rows.append((probe, label, interval.value, interval.low, interval.high, len(tested)))
            print(f"{probe:7} {label:72} {interval}", flush=True)
    names = ("probe", "features", "balanced_accuracy", "low", "high", "n")
    columns = {name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    write_table(columns, given.out / "simclr_probe.csv")


if __name__ == "__main__":
    main()
