"""How well does deep clustering tell digits apart without labels? USPS or MNIST, beside k-means and PCA + k-means.

All images are fitted to, no label is used; accuracy (best one-to-one match of clusters and digits) and NMI of the same
images. The rows are settings: the five of the source's ablation, and the recommended preset. Rows that share a first
stage share its fit only in name: each is a fit of its own, kept in `--out`, and not made again.

    python benchmarks/deep_cluster_digits.py ../shared/data/digits/usps_all.mat --out digits/ --seeds 3
    python benchmarks/deep_cluster_digits.py ../shared/data/digits/t10k-images-idx3-ubyte.gz --out mnist/ --seeds 3

`--epochs` shortens the fits: 300 epochs of the source's network take an hour on one core.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.cli.progress import shown_progress
from coverslip.core.samples import ArraySamples
from coverslip.io.bundles import read_bundle
from coverslip.measure import bootstrap, cluster, clustering_accuracy, normalised_mutual_information, pca_baseline
from coverslip.methods import deep_cluster
from coverslip.read import write_table
from coverslip.train.run import Run

ROWS: dict[str, dict[str, Any]] = {
    "autoencoder": {"regulariser": "none", "clustering": False},
    "autoencoder, clustering": {"regulariser": "none"},
    "KL": {"regulariser": "kl", "clustering": False},
    "MMD": {"clustering": False},
    "MMD, clustering (seed)": {},
    "recommended": {"preset": "recommended"},
}
K = 10


def fitted_clusters(images: np.ndarray, settings: dict[str, Any], file: Path) -> tuple[np.ndarray, float]:
    """Cluster of each image and the seconds that the fit took."""
    if not file.exists():
        started = time.monotonic()
        samples = ArraySamples(images)
        fitted = deep_cluster.fit(samples, deep_cluster.Config(clusters=K, **settings), Run())
        seconds = time.monotonic() - started
        clusters = deep_cluster.predict(fitted, samples).column("cluster").astype(int)
        np.savez(file, clusters=clusters, seconds=seconds, epochs=len(fitted.history))
    kept = np.load(file)
    return kept["clusters"], float(kept["seconds"])


def main() -> None:
    """Fit, score, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("digits"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=list(ROWS))
    parser.add_argument("--epochs", type=int, nargs=2, help="of both stages together, and of the clustering stage")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    images, digits = read_bundle(arguments.data)
    assert digits is not None
    pixels = images.reshape(len(images), -1).astype(np.float32)

    rows = []

    def score(name: str, seed: int, clusters: np.ndarray, seconds: float) -> None:
        accuracy = bootstrap(clustering_accuracy, clusters, digits)
        mutual = bootstrap(normalised_mutual_information, clusters, digits)
        scores = (found for each in (accuracy, mutual) for found in (each.value, each.low, each.high))
        rows.append((name, seed, *scores, seconds))
        print(f"{name:26} seed {seed}  accuracy {accuracy}  NMI {mutual}  {seconds:.0f} s", flush=True)

    with shown_progress():
        for seed in range(arguments.seeds):
            for name, features in {"k-means": pixels, "PCA 10, k-means": pca_baseline(pixels, pixels, 10)}.items():
                started = time.monotonic()
                score(name, seed, cluster(features, K, seed=seed).labels, time.monotonic() - started)
        for name in arguments.rows:
            settings = dict(ROWS[name])
            if arguments.epochs and "preset" not in settings:
                settings |= {"epochs": arguments.epochs[0], "clustering_epochs": arguments.epochs[1]}
                if settings.get("clustering") is False:
                    settings["epochs"] -= arguments.epochs[1]
            for seed in range(arguments.seeds):
                file = arguments.out / f"{name.replace(' ', '_')}-{settings.get('epochs', 'all')}-{seed}.npz"
                score(name, seed, *fitted_clusters(images, {**settings, "seed": seed}, file))

    for name in dict.fromkeys(row[0] for row in rows):
        found = np.array([[row[2], row[5]] for row in rows if row[0] == name])
        mean, low, high = found.mean(axis=0), found.min(axis=0), found.max(axis=0)
        texts = [f"{mean[i]:.3f} ({low[i]:.3f} to {high[i]:.3f})" for i in (0, 1)]
        print(f"{name:26} accuracy {texts[0]}  NMI {texts[1]}")
    names = ("features", "seed", "accuracy", "accuracy_low", "accuracy_high", "nmi", "nmi_low", "nmi_high", "seconds")
    write_table(
        {name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)},
        arguments.out / "deep_cluster_digits.csv",
    )


if __name__ == "__main__":
    main()
