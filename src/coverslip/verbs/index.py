"""The verb index: embeddings become an index that is searched; samples are added to one and removed from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Embedding, InputError, Written, about, free_name, provenance
from coverslip.core.words import number_of
from coverslip.io.atomic import free_place
from coverslip.io.h5ad import write_embedding
from coverslip.io.index.nearest import rows_at
from coverslip.io.index.store import ENDING, Index, Metric, create_index, is_index, open_index
from coverslip.io.paths import PARTS, part_of, resolve_path
from coverslip.results.embedding.places import add_places
from coverslip.results.embedding.prediction import add_clusters
from coverslip.verbs.vectors import vectors_of

_OURS = ("query", "rank", "distance", "id")


def index(
    folder: str | Path,
    embeddings: Any = None,
    *,
    metric: Metric | None = None,
    replaces: bool = False,
    force: bool = False,
    model: Any = None,
    device: str = "auto",
    patch: int | None = None,
    count: int | None = None,
    notes: list[str] | None = None,
) -> Index:
    """Open an index, make one, or add to it.

    Parameters
    ----------
    folder : str or Path
        The index; it ends in ``.index``.
    embeddings : str, Path, Embedding, AnnData, ndarray or list of these, optional
        What is added: embeddings, slide stores, or with `model` images and slides; without any the index is opened as
        it is.
    metric : {"cosine", "euclidean"}, optional
        The distance of a new index; default cosine.
    replaces : bool
        Whether samples take the place of those with the same id.
    force : bool
        Add vectors also where another model made them, or where that is not known.
    model : Model, str or Path, optional
        The model that embeds images and slides.
    device : str
        Where they are embedded.
    patch, count : int, optional
        Of slides: the side of the patches in pixels (default 256), and how many of each are drawn (default all).
    notes : list of str, optional
        Sentences on what was left out are appended.

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
    if not given:
        raise InputError("There is nothing to add; give embeddings, such as coverslip predict writes, or slide stores.")
    found = open_index(folder) if is_index(folder) else None
    if found is not None and metric not in (None, found.metric):
        raise InputError(f"The distance of {folder} is {found.metric}; it was chosen when the index was made.")
    known = {} if found is None else dict(found.model)
    opened = []
    for each in given:
        embedding, said = vectors_of(each, known=known, model=model, device=device, patch=patch, count=count)
        known = known or embedding.provenance.get("model", {})
        opened.append(embedding)
        if notes is not None:
            notes.extend(said)
    if found is None:
        found = create_index(folder, opened[0].latent.shape[1], metric=metric or "cosine", model=known)
    for each, embedding in zip(given, opened, strict=True):
        with about(each if isinstance(each, str | Path) else None):
            if not force:
                _refuse_another_model(found, embedding)
            name = Path(each).stem if isinstance(each, str | Path) else ""
            found = found.add(embedding.latent, described(embedding, name), replaces=replaces)
    if notes is not None:
        notes.extend(filter(None, [_called_alike(found)]))
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


def _called_alike(found: Index) -> str:
    """A sentence on slides of one name; empty where there are none."""
    files: dict[str, dict[str, None]] = {}
    for segment in found.segments:
        if {"slide", "image"} <= set(segment.table):
            for pair in dict.fromkeys(
                zip(*(segment.table[name][segment.kept] for name in ("slide", "image")), strict=True)
            ):
                files.setdefault(str(pair[0]), {})[str(pair[1])] = None
    twice = [(name, list(images)) for name, images in files.items() if len(images) > 1]
    if not twice:
        return ""
    name, images = twice[0]
    return (
        f"Slides are called alike ('{name}': {images[0]} and {images[1]}), so that --by slide takes them for one, and "
        "--apart slide too; say --by image for each by itself."
    )


def _said(value: Any) -> str:
    if value is None or value != value:
        return ""
    return str(int(value)) if isinstance(value, float) else str(value)


def _refuse_another_model(found: Index, embedding: Embedding) -> None:
    mine, theirs = found.model, embedding.provenance.get("model", {})
    differs = [key for key in ("method", "settings", "patch_px") if mine.get(key) != theirs.get(key)]
    differs += ["sphering"] if bool(mine.get("sphering")) != bool(theirs.get("sphering")) else []
    # Embeddings of older versions do not say which weights they are of.
    hashes = {each["weights_sha256"] for each in (mine, theirs) if each.get("weights_sha256")}
    if differs == ["patch_px"] and len(hashes) < 2:
        raise InputError(
            f"{found.folder} holds patches of {mine.get('patch_px')} pixels, and these are of "
            f"{theirs.get('patch_px')}; choose the same size (--patch)."
        )
    if differs or len(hashes) > 1:
        raise InputError(
            f"{found.folder} holds vectors of {_named(mine)}, and these are of {_named(theirs)}: distances between "
            f"them mean nothing; make another index ({ENDING}), or say --force if you know that they are of one model."
        )


def _named(model: Any) -> str:
    if not model:
        return "a model that is not known"
    folder = model.get("folder")
    named = f"the model {Path(folder).name} ({model.get('method')})" if folder else f"a model of {model.get('method')}"
    return f"{named}, sphered" if model.get("sphering") else named


def export_index(index: Index, path: str | Path, *, where: str = "", force: bool = False) -> Written:
    """Write what is in an index as an embedding, to look at it as a map.

    Parameters
    ----------
    index : Index
    path : str or Path
        An ``.h5ad``.
    where : str
        Conditions that samples fulfil, as for `coverslip.search`.
    force : bool
        Replace a file that is there.

    Raises
    ------
    InputError
        If nothing fulfils them, or the place is taken.
    """
    path = free_place(path, (".h5ad",), force)
    kept = [segment.where(where, index.columns) for segment in index.segments]
    places = np.flatnonzero(np.concatenate(kept)) if kept else np.zeros(0, int)
    if not len(places):
        raise InputError(f"{index.folder} has no samples" + (f" that fulfil {where}." if where else "."))
    latent = np.concatenate([segment.vectors[one] for segment, one in zip(index.segments, kept, strict=True)])
    rows = {name: column for name, column in rows_at(index, places).items() if name != "id"}
    record = provenance(kind="embedding", model=dict(index.model), inputs={"folder": "/"})
    embedding = Embedding.from_arrays(latent, rows, provenance=record)
    add_places(embedding)
    if "cluster" not in rows:
        add_clusters(embedding, "auto")
    write_embedding(embedding, path)
    return Written(path, f"{number_of(len(embedding), 'sample')} of {number_of(latent.shape[1], 'dimension')}")
