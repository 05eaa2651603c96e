"""The verb index: embeddings become an index that is searched; samples are added to one and removed from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Embedding, InputError, about, free_name
from coverslip.io.index.store import ENDING, Index, Metric, create_index, is_index, open_index
from coverslip.io.paths import PARTS, part_of, resolve_path
from coverslip.samples.opening.vectors import open_vectors

_OURS = ("query", "rank", "distance", "id")


def index(
    folder: str | Path,
    embeddings: Any = None,
    *,
    metric: Metric | None = None,
    replaces: bool = False,
    force: bool = False,
) -> Index:
    """Open an index, make one, or add to it.

    Parameters
    ----------
    folder : str or Path
        The index; it ends in ``.index``.
    embeddings : str, Path, Embedding, AnnData, ndarray or list of these, optional
        What is added; without any the index is opened as it is.
    metric : {"cosine", "euclidean"}, optional
        The distance of a new index; default cosine.
    replaces : bool
        Whether samples take the place of those with the same id.
    force : bool
        Add vectors also where another model made them, or where that is not known.

    Returns
    -------
    Index
        ``len(index)`` samples; `coverslip.search` looks in it.

    Raises
    ------
    InputError
        If embeddings do not fit the index or each other. What was added before the first that does not fit stays.
    """
    if embeddings is None:
        return open_index(folder)
    given = embeddings if isinstance(embeddings, list | tuple) else [embeddings]
    opened = []
    for each in given:
        with about(each if isinstance(each, str | Path) else None):
            opened.append(open_vectors(each))
    if not opened:
        raise InputError("There is nothing to add; give embeddings, such as coverslip predict writes.")
    if is_index(folder):
        found = open_index(folder)
        if metric is not None and metric != found.metric:
            raise InputError(f"The distance of {folder} is {found.metric}; it was chosen when the index was made.")
    else:
        first = opened[0]
        model = first.provenance.get("model", {})
        found = create_index(folder, first.latent.shape[1], metric=metric or "cosine", model=model)
    for each, embedding in zip(given, opened, strict=True):
        with about(each if isinstance(each, str | Path) else None):
            if not force:
                _refuse_another_model(found, embedding)
            name = Path(each).stem if isinstance(each, str | Path) else ""
            found = found.add(embedding.latent, described(embedding, name), replaces=replaces)
    return found


def described(embedding: Embedding, name: str = "") -> dict[str, np.ndarray]:
    """What an index keeps of each sample of an embedding: ``id``, and every column.

    The id is the image, with its folder, and the part of it that is meant; without an image `name` and the sample's
    name. Columns that are called like those of a search get ``coverslip_`` in front.
    """
    obs = embedding.adata.obs
    columns = {str(c): np.asarray(obs[c].astype(object) if obs[c].dtype == "category" else obs[c]) for c in obs.columns}
    if "image" in columns:
        folder = Path(embedding.provenance.get("inputs", {}).get("folder") or ".")
        columns["image"] = np.array([str(resolve_path(folder, str(one))) for one in columns["image"]], object)
        parts = [name for name in PARTS if name in columns]
        rows = ({name: _said(columns[name][i]) for name in parts} for i in range(len(obs)))
        ids = [" ".join(filter(None, (image, part_of(row)))) for image, row in zip(columns["image"], rows, strict=True)]
    else:
        ids = [f"{name}:{one}" if name else str(one) for one in obs.index]
    kept: dict[str, np.ndarray] = {"id": np.array(ids, object)}
    for column, values in columns.items():
        kept[free_name(column, {*kept, *_OURS})] = values
    return kept


def _said(value: Any) -> str:
    if value is None or value != value:
        return ""
    return str(int(value)) if isinstance(value, float) else str(value)


def _refuse_another_model(found: Index, embedding: Embedding) -> None:
    mine, theirs = found.model, embedding.provenance.get("model", {})
    differs = [key for key in ("method", "settings", "weights_sha256") if mine.get(key) != theirs.get(key)]
    if differs:
        raise InputError(
            f"{found.folder} holds vectors of {_named(mine)}, and these are of {_named(theirs)}: distances between "
            f"them mean nothing; make another index ({ENDING}), or say --force if you know that they are of one model."
        )


def _named(model: Any) -> str:
    if not model:
        return "a model that is not known"
    folder = model.get("folder")
    return f"the model {Path(folder).name} ({model.get('method')})" if folder else f"a model of {model.get('method')}"
