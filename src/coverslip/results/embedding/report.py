"""A page of an embedding, with what its model makes of the images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Embedding, Samples, Subset
from coverslip.figures import latent_map, loss_curves, save_figure, thumbnail_map
from coverslip.figures.document import Page, save_figures
from coverslip.figures.illustrations import drawn
from coverslip.figures.maps import ensure_map
from coverslip.figures.thumbnails import thumbnails
from coverslip.models.folder import Model
from coverslip.results.embedding.options import Report
from coverslip.results.embedding.page import write_page
from coverslip.samples.opening.again import images_of


def write_report(embedding: Embedding, page: Page, model: Model | None, images: Any, options: Report) -> Path:
    """Make the page of an embedding; see `coverslip.write_report`."""
    kind = "umap" if options.umap else "pca"
    ensure_map(embedding, kind)
    opened, complaint = images_of(dict(embedding.adata.obs), embedding.provenance, images)
    if complaint:
        page.notes.append(f"The crops are not shown: {complaint}")
    shown = dict(page.figures)
    if model is not None:
        shown |= _model_figures(model, opened, page.first_epoch)
    pictures = None if opened is None else thumbnails(opened, opened.channels)
    if pictures is not None and len(pictures) > 1:
        shown["Map of pictures"] = (
            thumbnail_map(ensure_map(embedding, kind), pictures),
            "Each place of the map shows the nearest picture.",
        )
    if page.figures_folder is not None:
        _save_map(embedding, options.colour, kind, page.figures_folder)
        save_figures(shown, page.figures_folder)
    return write_page(
        embedding,
        page.path,
        thumbnails=pictures,
        figures=shown,
        tables={**page.tables, **(model.tables if model else {})},
        title=page.title or "Cells",
        notes=page.notes,
        things=page.things or "cells",
        colour_by=options.colour,
    )


def _model_figures(model: Model, samples: Samples | None, first_epoch: int) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    if model.history:
        curves = loss_curves({model.method: model.history}, first_epoch=first_epoch)
        figures["Losses"] = (curves, model.implementation.CARD.losses)
    illustrate = getattr(model.implementation, "illustrate", None)
    if illustrate is None or samples is None:
        return figures
    rows = np.linspace(0, len(samples) - 1, min(len(samples), 2048)).round().astype(int)
    shown = Subset(samples, np.unique(rows))
    for illustration in illustrate(model, shown):
        figures[illustration.name] = (drawn(illustration, samples), illustration.caption)
    return figures


def _save_map(embedding: Embedding, colour: str | None, kind: str, folder: Path) -> None:
    chosen = colour or ("cluster" if "cluster" in embedding.adata.obs else None)
    values = None if chosen is None else embedding.column(chosen)
    save_figure(latent_map(ensure_map(embedding, kind), values, name=chosen or ""), folder / f"map-{kind}.png")
