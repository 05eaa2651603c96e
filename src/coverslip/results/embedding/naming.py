"""Clusters that a person named, as names of cells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from coverslip.core import Embedding, InputError
from coverslip.core.words import number_of
from coverslip.io.reasons import reason
from coverslip.measure import neighbour_shares, worth_a_look

OF_MODEL, OF_RESULT = "model", "result"
"""Whose the clusters are: a model's own, which other results of it have too, or those of one result."""

UNNAMED = ""
"""Clusters that nobody named: their cells have no label."""

_NONE = " "
"""What stands for it among names, none of which is a blank."""


class Names(BaseModel):
    """What the page exports: names by cluster, and of single cells.

    Parameters
    ----------
    column : str
        The column that holds the clusters.
    names : dict of str to str
        Name of each cluster; clusters of one name are merged, those without one are left out.
    sizes : dict of str to int
        Cells of each cluster when it was named: names of another result are noticed by them.
    cells : dict of str to str
        Names of single cells by their ids; they go before those of their clusters.
    of : {"", "model", "result"}
        Whether the clusters are those of a model, or were found in the result that was named; empty: not said.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    coverslip: str = "names"
    column: str = "cluster"
    names: dict[str, str]
    sizes: dict[str, int] = {}
    cells: dict[str, str] = {}
    of: Literal["", "model", "result"] = ""


def read_names(path: str | Path) -> Names:
    """Read names.

    Parameters
    ----------
    path : str or Path
        The JSON of the page, or one written by hand: ``{"names": {"1": "G1", "2": "G2"}}``.

    Raises
    ------
    InputError
        If it is missing or holds something else.
    """
    path = Path(path)
    try:
        names = Names.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(map(str, problem["loc"])) or "the file"
        raise InputError(
            f'{path} holds no names of clusters ({where}: {problem["msg"].lower()}); write {{"names": {{"1": "G1"}}}}.'
        ) from error
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; give the JSON that the page exports.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as names of clusters ({reason(error)}).") from error
    if not any(name.strip() for name in [*names.names.values(), *names.cells.values()]):
        raise InputError(f"{path} holds no name at all; type some into the page, and export them again.")
    return names


@dataclass(frozen=True)
class Labelled:
    """Cells with the names of their clusters.

    Parameters
    ----------
    label : ndarray of str, shape (N,)
        Empty where the cluster has no name.
    confidence : ndarray of float, shape (N,)
        Share of the 15 nearest neighbours that have this name, too; 1 for a cell that was named by itself.
    cluster : ndarray of str, shape (N,)
        Of each cell; for cells of another embedding that of most of its neighbours.
    look : ndarray of int
        Rows of those worth a look, the first one first.
    """

    label: np.ndarray = field(repr=False)
    confidence: np.ndarray = field(repr=False)
    cluster: np.ndarray = field(repr=False)
    look: np.ndarray = field(repr=False)


def label_cells(reference: Embedding, cells: Embedding, names: Names, *, count: int = 20, seed: int = 0) -> Labelled:
    """Give cells the names of clusters.

    Parameters
    ----------
    reference : Embedding
        The one whose clusters were named.
    cells : Embedding
        The same, or other cells embedded by the same model: these get the name of most of their nearest neighbours.
    names : Names
        By `read_names`.
    count : int
        How many cells to look at next.
    seed : int
        Of more than 10,000 neighbours so many are drawn with it.

    Raises
    ------
    InputError
        If the names are not those of the clusters of the reference.
    """
    clusters = reference.column(names.column).astype(str)
    _check(names, clusters, list(map(str, reference.adata.obs_names)))
    given = np.array([names.names.get(cluster, UNNAMED).strip() or _NONE for cluster in clusters], dtype=object)
    ids = list(map(str, reference.adata.obs_names))
    single = {row: names.cells[name].strip() for row, name in enumerate(ids) if names.cells.get(name, "").strip()}
    for row, name in single.items():
        given[row] = name
    if _same(reference, cells):
        shares, known = neighbour_shares(reference.latent, given, seed=seed)
        label, cluster = given, clusters
        alone = np.fromiter(single, int, len(single))
    else:
        shares, known = neighbour_shares(cells.latent, given, reference.latent, seed=seed)
        label = np.asarray(known)[shares.argmax(axis=1)].astype(object)
        of_cluster, kinds = neighbour_shares(cells.latent, clusters, reference.latent, seed=seed)
        cluster = np.asarray(kinds)[of_cluster.argmax(axis=1)]
        alone = np.zeros(0, int)
    place = {name: k for k, name in enumerate(known)}
    confidence = shares[np.arange(len(label)), [place[name] for name in label]]
    confidence[alone] = 1.0
    label = np.where(label == _NONE, UNNAMED, label)
    return Labelled(label, confidence, cluster, worth_a_look(cells.latent, confidence, count))


def of_clusters(names: Names, cells: Embedding) -> Names:
    """Names of a model's own clusters, as far as they are about these cells.

    Of other cells than those that were named the clusters have other sizes, or may be empty, and ids mean other cells.

    Raises
    ------
    InputError
        If the model has no cluster that is named.
    """
    clusters, counts = np.unique(cells.column(names.column).astype(str), return_counts=True)
    sizes = dict(zip(clusters.tolist(), counts.tolist(), strict=True))
    if names.sizes and all(sizes.get(name, 0) == size for name, size in names.sizes.items()):
        return names
    model = [str(k + 1) for k in range(cells.adata.obsm["membership"].shape[1])]
    unknown = [name for name in names.names if name not in model]
    if unknown:
        raise InputError(f"The model has no cluster '{unknown[0]}': its clusters are {', '.join(model)}.")
    there = {name: given for name, given in names.names.items() if name in sizes}
    return names.model_copy(update={"names": there, "sizes": {}, "cells": {} if names.sizes else names.cells})


def _same(one: Embedding, other: Embedding) -> bool:
    return one is other or (one.latent.shape == other.latent.shape and np.array_equal(one.latent, other.latent))


def _check(names: Names, clusters: np.ndarray, ids: list[str]) -> None:
    there: Mapping[str, Any] = dict(zip(*np.unique(clusters, return_counts=True), strict=True))
    unknown = [name for name in names.names if name not in there]
    if unknown:
        raise InputError(
            f"There is no cluster '{unknown[0]}' in the column '{names.column}', which holds {', '.join(there)}; give "
            "the result in which the clusters were named."
        )
    other = [name for name, size in names.sizes.items() if there.get(name) != size]
    if other:
        raise InputError(
            f"Cluster '{other[0]}' had {number_of(names.sizes[other[0]], 'cell')} when it was named and has "
            f"{there.get(other[0], 0)} now: give the result in which the clusters were named, or name them anew."
        )
    strange = set(names.cells) - set(ids)
    if strange:
        raise InputError(f"There is no cell '{min(strange)}'; give the result in which the cells were named.")
