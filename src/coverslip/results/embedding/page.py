"""One self-contained page to look at an embedding: it opens from a file, offline, and sends nothing anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.core import Embedding, InputError
from coverslip.core.spread import evenly
from coverslip.core.words import counted
from coverslip.figures.colours import CONTINUOUS, MISSING, OTHER
from coverslip.figures.columns import Column, describe_column
from coverslip.figures.document import page_path, write_document
from coverslip.figures.encode import column_json, script_json, webp_pictures
from coverslip.figures.maps import ensure_map, pca_map
from coverslip.figures.plot import bokeh_script, scatter_item
from coverslip.io.paths import PATH_COLUMNS
from coverslip.results.embedding.groups import groups_to_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_PICTURES = 20_000
"""More cells than this, and only an even sample of them carries a picture; the page says so."""

MOST_BYTES = 36_000_000
"""Likewise, where rows and pictures would take more than this: a page of 40 MB still opens at once."""

_LOOKED_AT = 100
"""Pictures whose size says how many fit."""

_MAP_NOTES = {
    "pca": "Directions of largest variance.",
    "umap": "Neighbours stay together; distances between groups mean little.",
    "latents": "The two latents as the model made them.",
}

_FIRST_CHOICES = ("label", "cluster", "group", "treatment", "split")
"""Columns people want to see coloured first."""


def write_page(
    embedding: Embedding,
    path: str | Path,
    *,
    thumbnails: np.ndarray | None = None,
    pictured: np.ndarray | None = None,
    maps: Mapping[str, np.ndarray] | None = None,
    figures: Mapping[str, Figure | bytes | tuple[Figure | bytes, str]] | None = None,
    tables: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    title: str = "Cells",
    notes: str | Sequence[str] = (),
    colour_by: str | None = None,
    hover: Sequence[str] | None = None,
    things: str = "cells",
    first_map: str = "",
    clusters: str = "cluster",
) -> Path:
    """Write the report page of an embedding.

    The page holds everything it shows (scripts, pictures, rows) and forbids its browser every request by a content
    security policy. All text of the embedding is shown as text, whatever it looks like.

    Parameters
    ----------
    embedding : Embedding
        N samples with their columns and provenance.
    path : str or Path
        The ``.html`` to write, whole or not at all.
    thumbnails : ndarray of uint8, shape (N, h, w, 3), optional
        A picture per sample, as `coverslip.figures.thumbnails` draws them.
    pictured : ndarray of int, shape (M,), optional
        The samples that the pictures are of, where there are M of them and not one for each.
    maps : mapping of str to ndarray, shape (N, 2), optional
        Two-dimensional maps by name. Default: those that cost nothing, which are the latents if there are two, PCA,
        and a UMAP that the embedding already holds.
    figures : mapping, optional
        Caption to matplotlib figure or PNG bytes, or to a pair of that and a longer text.
    tables : mapping, optional
        Heading to rows; each row maps column to value. A triple ``(value, low, high)``, or what has these three as
        attributes or columns (`coverslip.measure`), is shown as a value with its interval.
    title : str
        Of the page.
    notes : str or sequence of str
        Paragraphs under the title: what was done, what to look at.
    colour_by : str, optional
        The column that colours the map at first.
    hover : sequence of str, optional
        Columns beside the picture under the pointer; default: the first eight.
    things : str
        What the samples are, in the plural.
    first_map : str
        The map that is shown at first; default: the first there is.
    clusters : str
        The column whose groups are shown to be named, where there is one.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    InputError
        If lengths do not fit, a column is unknown, a map holds values that are not finite, or the file cannot be
        written there.
    """
    path = page_path(path)
    count = len(embedding)
    if not count:
        raise InputError(f"{path}: there is no sample in the embedding, so there is nothing to report.")
    maps = _checked_maps(embedding, maps)
    if first_map in maps:
        maps = {first_map: maps.pop(first_map), **maps}
    rows = np.arange(count) if pictured is None else pictured
    if thumbnails is not None and (
        thumbnails.ndim != 4 or len(thumbnails) != len(rows) or thumbnails.dtype != np.uint8
    ):
        raise InputError(
            f"{path}: thumbnails must be uint8 ({len(rows)}, h, w, 3), one per sample, "
            f"not {thumbnails.dtype} {thumbnails.shape}."
        )
    columns = [describe_column(str(name), embedding.adata.obs[name]) for name in embedding.adata.obs.columns]
    for name in [*(hover or ()), *([colour_by] if colour_by else [])]:
        embedding.column(name)  # says which columns there are, if this is none of them
    first = colour_by or _first_colour(columns)
    data = {
        "ids": [str(name) for name in embedding.adata.obs_names],
        "columns": [column_json(column) for column in columns],
        "maps": [
            {"name": name, "note": _MAP_NOTES.get(name.casefold(), ""), "xy": np.round(xy, 5).T.tolist()}
            for name, xy in maps.items()
        ],
        # Drawn in a random order, the same each time, so that no class covers the others.
        "order": np.random.default_rng(0).permutation(count).tolist(),
        "first": first,
        "hover": list(hover) if hover is not None else _hover_columns(columns, first),
        "things": things,
        "file": "".join(c if c.isalnum() else "-" for c in path.stem) or "cells",
        "scale": _scale(),
        "missing": MISSING,
        "other": OTHER,
    }
    data |= _pictures(thumbnails, rows, MOST_BYTES - len(script_json(data)))
    shown = len(data["pictures"]) if thumbnails is not None else 0
    data["naming"] = groups_to_name(embedding, clusters, np.array(data["pictured"], dtype=int))
    return write_document(
        path,
        Path(__file__).parent / "assets" / "page.html",
        title=title,
        notes=notes,
        facts=_facts(embedding, columns, things),
        figures=figures,
        tables=tables,
        provenance=embedding.provenance,
        things=things,
        naming=data["naming"] is not None,
        sampled=f"{shown:,} of {count:,}" if 0 < shown < count else "",
        maps=list(maps),
        data=script_json(data),
        plot=script_json(scatter_item(count)),
        bokeh=bokeh_script(count),
    )


def _checked_maps(embedding: Embedding, maps: Mapping[str, np.ndarray] | None) -> dict[str, np.ndarray]:
    if maps is None:
        maps = {"Latents": ensure_map(embedding, "latent")} if embedding.latent.shape[1] == 2 else {}
        maps["PCA"] = pca_map(embedding.latent)[0]
        if "X_umap" in embedding.adata.obsm:
            maps["UMAP"] = ensure_map(embedding, "umap")
    checked = {str(name): np.asarray(xy, dtype=np.float64) for name, xy in maps.items()}
    if not checked:
        raise InputError("The page needs at least one map; leave out maps= to get the PCA.")
    for name, xy in checked.items():
        if xy.shape != (len(embedding), 2) or not np.isfinite(xy).all():
            raise InputError(f"The map '{name}' must be finite numbers ({len(embedding)}, 2), not {xy.shape}.")
    return checked


def _first_colour(columns: Sequence[Column]) -> str | None:
    colourable = [column.name for column in columns if column.kind != "text"]
    wanted = [name for name in _FIRST_CHOICES if name in colourable]
    return next(iter(wanted + colourable), None)


def _hover_columns(columns: Sequence[Column], first: str | None) -> list[str]:
    # Paths say little under a pointer, and fill it.
    names = [column.name for column in columns if column.name != first and column.name not in PATH_COLUMNS]
    return [*([first] if first else []), *names][:8]


def _pictures(thumbnails: np.ndarray | None, rows: np.ndarray, most: int) -> dict[str, Any]:
    """Base64 pictures of about so many bytes, and the rows they belong to."""
    if thumbnails is None:
        return {"pictures": [], "pictured": []}
    looked_at = webp_pictures(thumbnails[evenly(len(rows), _LOOKED_AT)])
    fitting = int(most * len(looked_at) / sum(map(len, looked_at)))
    kept = evenly(len(rows), min(MOST_PICTURES, max(_LOOKED_AT, fitting)))
    return {"pictures": webp_pictures(thumbnails[kept]), "pictured": rows[kept].tolist()}


def _scale() -> list[str]:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(colour) for colour in colormaps[CONTINUOUS](np.linspace(0, 1, 64))]


def _facts(embedding: Embedding, columns: Sequence[Column], things: str) -> list[tuple[str, str]]:
    """The numbers at the top of the page."""
    facts = [(f"{len(embedding):,}", things), counted(embedding.latent.shape[1], "latent dimension")]
    for name in ("image", "source"):
        if name in embedding.adata.obs:
            images = embedding.adata.obs[name].nunique()
            if 1 <= images < len(embedding):
                facts.append(counted(images, "image"))
            break
    label = next((column for column in columns if column.name == "label" and column.kind == "category"), None)
    if label is not None:
        facts.append(counted(len(label.categories), "label"))
    method = embedding.provenance.get("method") or embedding.provenance.get("model")
    if isinstance(method, str):
        facts.append((method, "method"))
    return facts
