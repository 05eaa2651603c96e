"""Samples embedded, in memory or into a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Embedding, Samples, Written, about, free_name, own_name, renamed
from coverslip.core.words import number_of
from coverslip.io.h5ad import stored_names, write_embedding
from coverslip.io.places import held
from coverslip.models.folder import Model
from coverslip.models.record import path_of, prediction_record
from coverslip.nn.device import choose_device
from coverslip.results.embedding.options import Predict
from coverslip.results.embedding.places import add_places
from coverslip.results.embedding.sphering import about_sphering, add_sphering
from coverslip.samples.opening.sheet_samples import SheetSamples
from coverslip.work.asked import Asked
from coverslip.work.claim import claimed
from coverslip.work.samples import predicted


def predict(model: Model, inputs: Any, asked: Asked, options: Predict, given: Mapping[str, Any]) -> Embedding:
    """Embed samples; see `coverslip.predict`."""
    return _of_opened(model, inputs, model.open(inputs, **asked.input), asked, options, given)


def _of_opened(
    model: Model,
    inputs: Any,
    opened: Samples,
    asked: Asked,
    options: Predict,
    given: Mapping[str, Any],
    wanted: Mapping[str, Any] | None = None,
) -> Embedding:
    with about(path_of(inputs)):
        embedding = _joined(predicted(model, opened, asked, given))
    add_places(embedding)
    how = model.how(asked.input)
    embedding.adata.uns["coverslip"] = prediction_record(model, inputs, opened, given, how, asked=wanted)
    if options.sphere is not None:
        add_sphering(embedding, options.sphere, options.sphere_by)
    add_clusters(embedding, options.clusters)
    return embedding


def predict_to_file(
    model: Model, inputs: str | Path, out: str | Path | None, asked: Asked, options: Predict, given: Mapping[str, Any]
) -> Written:
    """Embed samples and write the embedding; see `coverslip.verbs.predict.predict_to_file`."""
    source = Path(inputs).resolve()
    out = Path(out or f"{source.name if source.is_dir() else source.stem}.h5ad")
    with held(out):
        wanted, done = claimed(out, (".h5ad",), model, inputs, asked, options, given)
        if done is not None:
            return done
        choose_device(asked.device)  # before the first image is read
        opened = model.open_usable(inputs, **asked.input)
        embedding = _of_opened(model, inputs, opened, asked, options, given, wanted)
        write_embedding(embedding, out)
    counts = zip(embedding.latent.shape, ("sample", "dimension"), strict=True)
    samples, dimensions = (number_of(n, word) for n, word in counts)
    notes = opened.sheet.notes if isinstance(opened, SheetSamples) else ()
    notes += tuple(about_sphering(embedding))
    notes += renamed(opened.obs, embedding.adata.obs.columns)
    names = stored_names(embedding.adata.obs.columns)
    if names:
        listed = ", ".join(f"'{name}' as '{stored}'" for name, stored in names.items())
        notes += (f"Names in an .h5ad have no slash, so other programs find {listed}; Coverslip reads its own names.",)
    return Written(out, f"Embedded {samples} in {dimensions}", embedding, notes=notes)


def _joined(parts: list[Embedding]) -> Embedding:
    if len(parts) == 1:
        return parts[0]
    first = parts[0].adata
    beside = [name for name in first.obsm if name != "latent"]
    return Embedding.from_arrays(
        np.concatenate([part.latent for part in parts]),
        {str(name): np.concatenate([part.column(name) for part in parts]) for name in first.obs.columns},
        obsm={name: np.concatenate([part.adata.obsm[name] for part in parts]) for name in beside},
    )


def add_clusters(embedding: Embedding, clusters: str | int) -> None:
    """Add a column ``cluster`` from k-means: so many, as many as fit (``"auto"``), or none (0)."""
    from coverslip.measure import cluster

    latent = embedding.latent
    if clusters == 0 or len(latent) < 4:
        return
    if clusters == "auto" and "membership" in embedding.adata.obsm:
        return  # the method has clusters of its own
    found = cluster(latent, k=clusters, seed=0)  # type: ignore[arg-type]  # its options made sure
    import pandas as pd

    obs = embedding.adata.obs
    # A method may have clusters of its own; those asked for take their place.
    name = own_name if "membership" in embedding.adata.obsm else free_name
    obs[name("cluster", obs)] = pd.Categorical([str(c + 1) for c in found.labels])
