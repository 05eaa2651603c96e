"""A page of an embedding, with what its model makes of the images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Embedding, InputError, Samples, Subset
from coverslip.core.spread import evenly
from coverslip.figures import latent_map, loss_curves, save_figure, thumbnail_map
from coverslip.figures.document import Page, save_figures
from coverslip.figures.illustrations import drawn
from coverslip.figures.maps import ensure_map
from coverslip.figures.thumbnails import thumbnails
from coverslip.io.h5ad import write_embedding
from coverslip.models.folder import Model
from coverslip.results.embedding.clusters import about_clusters
from coverslip.results.embedding.groups import check_groups
from coverslip.results.embedding.options import Report
from coverslip.results.embedding.page import MOST_PICTURES, write_page
from coverslip.results.embedding.placing import about_placed, comparable, placed, placed_rows, with_further
from coverslip.results.embedding.sphering import about_sphering
from coverslip.results.embedding.tissue import tissue_figure
from coverslip.results.embedding.trust import TRUST, page_rows, treatment_rows
from coverslip.samples.opening.again import images_of

EXPLAINED = "What the clusters go with"


def write_report(embedding: Embedding, page: Page, model: Model | None, images: Any, options: Report) -> Path:
    """Make the page of an embedding; see `coverslip.write_report`."""
    if options.place is not None:
        comparable(embedding, options.place)  # before the map is laid out
    if options.clusters != Report().clusters:
        check_groups(embedding, options.clusters)
    if options.colour is not None:
        embedding.column(options.colour)
    are_patches = not {"window_px", "patch_y_px"}.isdisjoint(embedding.adata.obs)
    things = page.things or ("patches" if are_patches else "cells")
    kind = "umap" if options.umap else "pca"
    laid_out = kind == "umap" and "X_umap" not in embedding.adata.obsm
    ensure_map(embedding, kind)
    if laid_out and page.result is not None:
        page.notes.extend(_keep(embedding, page.result))
    opened, complaint = images_of(dict(embedding.adata.obs), embedding.provenance, images)
    if complaint:
        page.notes.append(f"The crops are not shown: {complaint}")
    page.notes.extend(about_sphering(embedding))
    page.notes.extend(_at_border(embedding))
    said, explained = about_clusters(embedding, options.clusters)
    page.notes.extend(said)
    shown = dict(page.figures)
    if model is not None:
        shown |= _model_figures(model, opened, page.first_epoch)
    pictured = evenly(len(embedding), MOST_PICTURES)
    pictures = None if opened is None else thumbnails(Subset(opened, pictured), opened.channels)
    if pictures is not None and len(pictures) > 1:
        shown["Map of pictures"] = (
            thumbnail_map(ensure_map(embedding, kind)[pictured], pictures),
            "Each place of the map shows the nearest picture.",
        )
    tables = {**page.tables, **({EXPLAINED: explained} if explained else {})}
    # What was measured of the fit is measured here anew, of what is shown.
    tables |= {name: rows for name, rows in (model.tables if model else {}).items() if name != TRUST}
    if options.trust:
        trusted = page_rows(embedding, opened)
        tables |= {TRUST: trusted} if trusted else {}
        batch, again = treatment_rows(embedding)
        tables |= {f"Treatments found again across {batch}": again} if again else {}
    if options.place is not None:
        known = embedding
        embedding, maps = placed(known, options.place)
        page.notes.append(about_placed(embedding))
        pictures = with_further(pictures, options.place)
        pictured = np.concatenate([pictured, np.arange(len(known), len(embedding))])
        tables = {"Samples placed on the map": placed_rows(embedding), **tables}
    else:
        maps = None
    shown |= tissue_figure(embedding, opened, options.colour, page.notes)
    if page.figures_folder is not None:
        _save_map(embedding, options.colour, kind, page.figures_folder)
        save_figures(shown, page.figures_folder)
    return write_page(
        embedding,
        page.path,
        thumbnails=pictures,
        pictured=pictured,
        maps=maps,
        figures=shown,
        tables=tables,
        title=page.title or ("Patches" if are_patches else "Cells"),
        notes=page.notes,
        things=things,
        colour_by=options.colour or ("placed" if maps else None),
        clusters=options.clusters if maps is None else "",  # two clusterings have no names in common
        first_map="UMAP" if options.umap else "",
    )


def _keep(embedding: Embedding, path: Path) -> list[str]:
    """Keep a UMAP in the result, so that whoever looks again, or places further samples, finds the same map."""
    if embedding.provenance.get("kind") != "embedding":
        return []  # a file of another program is not changed
    try:
        write_embedding(embedding, path)
    except InputError as error:
        return [f"The UMAP was not kept in the result, and is laid out again next time: {error}"]
    return []


def _at_border(embedding: Embedding) -> list[str]:
    """A sentence on cells that the border of their image may cut: they look alike for that reason alone."""
    obs = embedding.adata.obs
    name = next((name for name in ("coverslip_touches_border", "touches_border") if name in obs), None)
    at = 0 if name is None else int((np.asarray(obs[name]).astype(str) == "True").sum())
    if not at:
        return []
    return [
        f"{at:,} of {len(embedding):,} touch the border of their image, which may cut them: colour the map by "
        f"'{name}' to see whether a group is made of these, and leave them out with 'coverslip samples crop "
        "--border drop'."
    ]


def _model_figures(model: Model, samples: Samples | None, first_epoch: int) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    if model.history:
        curves = loss_curves({model.method: model.history}, first_epoch=first_epoch)
        figures["Losses"] = (curves, model.implementation.CARD.losses)
    illustrate = getattr(model.implementation, "illustrate", None)
    if illustrate is None or samples is None:
        return figures
    rows = evenly(len(samples), 2048)
    shown = Subset(samples, np.unique(rows))
    for illustration in illustrate(model, shown):
        figures[illustration.name] = (drawn(illustration, samples), illustration.caption)
    return figures


def _save_map(embedding: Embedding, colour: str | None, kind: str, folder: Path) -> None:
    chosen = colour or ("cluster" if "cluster" in embedding.adata.obs else None)
    values = None if chosen is None else embedding.column(chosen)
    save_figure(latent_map(ensure_map(embedding, kind), values, name=chosen or ""), folder / f"map-{kind}.png")
