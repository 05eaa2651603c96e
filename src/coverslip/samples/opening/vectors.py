"""Vectors that were made before: an embedding for a method that learns from vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Embedding, InputError
from coverslip.core.words import number_of, word_for
from coverslip.io.h5ad import read_embedding
from coverslip.io.named import embedding_of, read_named


def open_vectors(inputs: Any, **images: Any) -> Embedding:
    """Open an embedding.

    Parameters
    ----------
    inputs : str, Path, Embedding, AnnData or ndarray
        An ``.h5ad`` file, what is in one, or an array ``(N, D)``; or the ``.parquet`` that ``coverslip label`` wrote
        of an embedding, whose columns then go before those of the embedding.
    **images
        How images are opened, such as ``channels``: nothing of it may be chosen, since vectors have none.

    Returns
    -------
    Embedding

    Raises
    ------
    InputError
        If it is none, if a vector has a value that is not finite, or channels, planes and so on are chosen.
    """
    chosen = [name for name, value in images.items() if value not in (None, "channels")]
    if chosen:
        raise InputError(f"The method takes vectors, which have no {' or '.join(chosen)}; leave that out.")
    found = _as_embedding(inputs)
    odd = ~np.isfinite(found.latent).all(axis=1)
    if odd.any():
        raise InputError(
            f"{odd.sum()} of {number_of(len(found), 'vector')} {word_for(odd.sum(), 'holds', 'hold')} values that are "
            f"no finite numbers, the first that of row {int(odd.argmax())}; embed these samples again, or leave them "
            "out."
        )
    return found


def _as_embedding(inputs: Any) -> Embedding:
    if isinstance(inputs, Embedding):
        return inputs
    if isinstance(inputs, np.ndarray) and inputs.ndim == 2 and inputs.dtype.kind in "fiu":
        return Embedding.from_arrays(inputs, {})
    if isinstance(inputs, str | Path) and Path(inputs).suffix.lower() == ".h5ad":
        return read_embedding(inputs)
    if isinstance(inputs, str | Path) and Path(inputs).suffix.lower() == ".parquet":
        return _of_named(Path(inputs))
    if hasattr(inputs, "obsm") and hasattr(inputs, "obs"):
        return Embedding.of(inputs)
    what = str(inputs) if isinstance(inputs, str | Path) else f"a {type(inputs).__name__}"
    raise InputError(
        f"The method takes vectors of samples, not {what}: give an .h5ad file, such as 'coverslip predict MODEL "
        "SAMPLES' writes with a model of vae, deep_cluster or simclr."
    )


def _of_named(path: Path) -> Embedding:
    """The embedding that a table of labels is of, with its columns."""
    named = read_named(path)
    found = read_embedding(embedding_of(named, path))
    count = len(next(iter(named.columns.values())))
    if count != len(found):
        raise InputError(f"{path} has {count} rows, but its embedding {len(found)}; label the cells anew.")
    beside = {str(name): np.asarray(found.adata.obsm[name]) for name in found.adata.obsm if name != "latent"}
    return Embedding.from_arrays(found.latent, {**found.obs, **named.columns}, obsm=beside, provenance=found.provenance)
