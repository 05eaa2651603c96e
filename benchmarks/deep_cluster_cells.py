"""Do clusters and vectors of deep clustering tell more of the cell cycle than PCA of equal size? Jurkat cells.

Networks and PCA are fitted to all cells, without labels; the linear probe is cross-validated by cell, so that only the
probe is judged on cells it never saw. Clusters (K = 7) are compared with the phases, which are of very unequal size.

    python benchmarks/deep_cluster_cells.py ../shared/data/jurkat_cellcycle --out cells/
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.cli.progress import shown_progress
from coverslip.core.samples import ArraySamples
from coverslip.measure import (
    bootstrap,
    cluster,
    clustering_accuracy,
    knn_probe,
    linear_probe,
    normalised_mutual_information,
    pca_baseline,
)
from coverslip.methods import deep_cluster
from coverslip.read import write_table
from coverslip.samples import Normaliser, open_samples
from coverslip.train.run import Run

TURNED = {"dihedral": True, "rotation": 10.0, "shift": 0.1, "zoom": 0.1}
ROWS: dict[str, dict[str, Any]] = {
    "seed": {"epochs": 60, "clustering_epochs": 20},
    "recommended": {"preset": "recommended"},
    "recommended, turned": {"preset": "recommended", "augment": TURNED},
}
K = 7


def main() -> None:
    """Fit, measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("cells"))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=list(ROWS))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    opened = open_samples(arguments.data)
    samples = ArraySamples(opened.read(np.arange(len(opened))))
    phases = opened.obs["label"].astype(str)
    rows = []

    def score(name: str, seed: int, features: np.ndarray, clusters: np.ndarray) -> None:
        found = {
            "linear probe": linear_probe(features, phases, seed=seed).balanced_accuracy,
            "nearest neighbours": knn_probe(features, phases, seed=seed).balanced_accuracy,
            "cluster accuracy": bootstrap(clustering_accuracy, clusters, phases),
            "NMI": bootstrap(normalised_mutual_information, clusters, phases),
        }
        rows.extend((name, seed, measure, each.value, each.low, each.high) for measure, each in found.items())
        print(f"{name:20} seed {seed}  " + "  ".join(f"{key} {value}" for key, value in found.items()), flush=True)

    with shown_progress():
        scaled = Normaliser.fit(samples).apply(samples.read(np.arange(len(samples))))
        components = pca_baseline(scaled, scaled, 10)
        for seed in range(arguments.seeds):
            score("PCA 10, k-means", seed, components, cluster(components, K, seed=seed).labels)
            for name in arguments.rows:
                file = arguments.out / f"{name.replace(', ', '-')}-{seed}.npz"
                if not file.exists():
                    config = deep_cluster.Config(clusters=K, seed=seed, **ROWS[name])
                    found = deep_cluster.predict(deep_cluster.fit(samples, config, Run()), samples)
                    np.savez(file, latent=found.latent, clusters=found.column("cluster").astype(int))
                kept = np.load(file)
                score(name, seed, kept["latent"], kept["clusters"])
    names = ("features", "seed", "measure", "value", "low", "high")
    write_table(
        {name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)},
        arguments.out / "deep_cluster_cells.csv",
    )


if __name__ == "__main__":
    main()
