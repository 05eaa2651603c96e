"""Naming at most 20 clusters against probes with 100 labels, and with 10 of each class, on cells that neither saw.

    python benchmarks/naming.py cells.h5ad other.h5ad

takes embeddings with a column ``label``. Ten times, half of the cells are drawn (stratified): k-means makes clusters
of them, each gets the class of most of the *six cells that the page shows as typical* (an expert who errs never, and
looks at nothing else), and the other half gets the names of its nearest neighbours. The same half is classified by
probes that were given 100 cells drawn at random, or 10 of each class (all, where there are fewer). Names by the six
random cells, too, and by the true majority of all, stand beside. Printed are means over the draws with their range.
"""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np

import coverslip as cs
from coverslip.core import Embedding
from coverslip.measure import accuracy, balanced_accuracy, cluster, cluster_samples, neighbour_shares
from coverslip.methods import probe
from coverslip.results.embedding.naming import Names, label_cells

DRAWS = 10
K = 20
SHOWN = 6


def halves(labels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    return np.sort(order[::2]), np.sort(order[1::2])


def majority(labels: np.ndarray) -> str:
    return Counter(labels.tolist()).most_common(1)[0][0]


def named(latent: np.ndarray, labels: np.ndarray, tests: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Labels of the tests after naming the clusters by what a person has looked at."""
    clusters = (cluster(latent, K, seed=seed).labels + 1).astype(str)
    shares, names = neighbour_shares(latent, clusters)
    own = shares[np.arange(len(latent)), np.searchsorted(names, clusters)]
    reference = Embedding.from_arrays(latent, {"cluster": clusters})
    shown = {one.name: one for one in cluster_samples(latent, clusters, own, count=SHOWN, seed=seed)}
    looks = {
        "the six typical cells": {name: majority(labels[one.typical]) for name, one in shown.items()},
        "six typical and six random": {
            name: majority(labels[np.r_[one.typical, one.random]]) for name, one in shown.items()
        },
        "every cell of the cluster": {name: majority(labels[clusters == name]) for name in shown},
    }
    cells = Embedding.from_arrays(tests, {})
    return {look: label_cells(reference, cells, Names(names=given)).label for look, given in looks.items()}


def probed(latent: np.ndarray, labels: np.ndarray, rows: np.ndarray, tests: np.ndarray) -> np.ndarray:
    few = Embedding.from_arrays(latent[rows], {"label": labels[rows]})
    fitted = probe.fit(few, probe.Config(curve=(), folds=3))
    return probe.predict(fitted, Embedding.from_arrays(tests, {})).predicted


def main(path: str) -> None:
    cells = cs.read.read_embedding(path)
    labels, latent = cells.column("label").astype(str), cells.latent
    found: dict[str, list[tuple[float, float]]] = {}
    for draw in range(DRAWS):
        rng = np.random.default_rng(draw)
        known, tested = halves(labels, rng)
        x, y, tests, truth = latent[known], labels[known], latent[tested], labels[tested]
        said = {f"{K} clusters named by {look}": each for look, each in named(x, y, tests, draw).items()}
        said["probe, 100 labels"] = probed(x, y, rng.permutation(len(x))[:100], tests)
        each = np.concatenate([rng.permutation(np.flatnonzero(y == name))[:10] for name in np.unique(y)])
        said[f"probe, 10 of each class ({len(each)})"] = probed(x, y, each, tests)
        said["probe, every label"] = probed(x, y, np.arange(len(x)), tests)
        for how, classes in said.items():
            scores = accuracy(truth, classes), balanced_accuracy(truth, classes)
            found.setdefault(how, []).append(scores)
    print(f"{path}: {len(labels)} cells, {len(set(labels))} classes, {latent.shape[1]} values, {DRAWS} draws of halves")
    for how, scores in found.items():
        (right, balanced), (low, high) = np.mean(scores, axis=0), np.percentile([s[1] for s in scores], [0, 100])
        print(f"{how:48} accuracy {right:.3f}   balanced {balanced:.3f} [{low:.3f}, {high:.3f}]")


if __name__ == "__main__":
    for each in sys.argv[1:]:
        main(each)
