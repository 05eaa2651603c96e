"""The vectors that are compared: of each method, of components, of the pixels; and the same made again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from coverslip.core import Embedding, InputError, Samples, Subset, free_memory, provenance, track
from coverslip.measure import pca_baseline
from coverslip.measure.embeddings.kept import SAMPLES
from coverslip.models.folder import Model
from coverslip.models.record import describe_inputs
from coverslip.results.embedding.views import embedded_views
from coverslip.samples.opening.views import Views
from coverslip.study.fits import fit_name, fit_once
from coverslip.train.run import Run

PCA, RAW = "pca", "raw"
"""What is compared with: principal components of the pixels, as many as the smallest embedding has, and the pixels."""


class Kept(NamedTuple):
    """Vectors of some rows by other fits, and of changed images by the same fit."""

    rows: np.ndarray
    refits: list[np.ndarray]
    views: list[np.ndarray]


def representations(
    opened: Samples,
    configs: Mapping[str, Any],
    of: Sequence[str],
    split: np.ndarray | None,
    out: Path,
    run: Run,
    channels: Sequence[str | int] | None,
    planes: str | int,
    seeds: Mapping[str, range],
) -> tuple[dict[str, np.ndarray], dict[str, float], dict[str, Kept]]:
    """Vectors by name, seconds for 1,000 samples, and vectors by other fits and of changed images."""
    from coverslip.io.h5ad import write_embedding
    from coverslip.verbs.predict import predict

    found: dict[str, np.ndarray] = {}
    seconds: dict[str, float] = {}
    kept: dict[str, Kept] = {}
    how: dict[str, Any] = {"run": run, "channels": channels, "planes": planes}
    for name in track(list(configs), "Representations"):
        model = fit_once(name, opened, out / "fits" / name, configs[name], **how)
        kept[name] = _embedded_again(model, opened, name, out, configs[name], seeds[name], how)
        start = perf_counter()
        embedding = predict(model, opened, device=run.device, clusters=0)
        seconds[name] = 1000 * (perf_counter() - start) / len(opened)
        write_embedding(embedding, out / "embeddings" / f"{name}.h5ad")
        found[name] = embedding.latent
    if PCA in of or RAW in of:
        needed, free = 8 * len(opened) * prod(opened.shape), free_memory()
        if needed > free // 3:
            raise InputError(
                f"The pixels of {len(opened)} samples take {needed / 1e9:.0f} GB of {free / 1e9:.0f} GB free; "
                "leave pca and raw out of --of."
            )
        start = perf_counter()
        pixels = opened.read(np.arange(len(opened))).reshape(len(opened), -1).astype(np.float32)
        reading = 1000 * (perf_counter() - start) / len(opened)
        train = pixels if split is None else pixels[split == "train"]
        size = min([each.shape[1] for each in found.values()] + [64, *train.shape])
        start = perf_counter()
        components = pca_baseline(train, pixels, size)
        seconds[PCA] = reading + 1000 * (perf_counter() - start) / len(opened)
        rows = _some_rows(len(opened))
        changed = Views(Subset(opened, rows)).read(np.arange(len(rows))).reshape(len(rows), -1).astype(np.float32)
        kept[PCA], kept[RAW] = Kept(rows, [], [pca_baseline(train, changed, size)]), Kept(rows, [], [changed])
        if PCA in of:
            facts = provenance(kind="embedding", inputs=describe_inputs(opened, opened))
            of_pixels = Embedding.from_arrays(components, opened.obs, provenance=facts)
            write_embedding(of_pixels, out / "embeddings" / "pca.h5ad")
        seconds[RAW] = reading
        found |= {name: values for name, values in {PCA: components, RAW: pixels}.items() if name in of}
    return {name: found[name] for name in of}, seconds, kept


def _embedded_again(
    model: Model, opened: Samples, name: str, out: Path, config: Any, seeds: range, how: Mapping[str, Any]
) -> Kept:
    """By fits from the other seeds, and changed images by the model itself."""
    rows = _some_rows(len(opened))
    some, device = Subset(opened, rows), how["run"].device
    refits = []
    for seed in seeds[1:]:
        folder = out / "fits" / f"{name},{fit_name({'seed': seed})}"
        other = fit_once(name, opened, folder, config.model_copy(update={"seed": seed}), **how)
        refits.append(other.implementation.predict(other, some, device=device).latent)
    return Kept(rows, refits, embedded_views(model, some, 1, device=device))


def _some_rows(count: int) -> np.ndarray:
    """Rows that are embedded again: all, or so many drawn."""
    if count <= SAMPLES:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, SAMPLES, replace=False))
