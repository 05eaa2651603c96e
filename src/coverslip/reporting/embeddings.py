"""A page of an embedding, with what its model makes of the images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coverslip import methods
from coverslip.core.results import Embedding
from coverslip.core.samples import Samples
from coverslip.origins import images_of, model_of
from coverslip.read.models import Model


def write_embedding_report(
    embedding: Embedding,
    path: str | Path,
    *,
    model: Model | str | Path | None,
    images: Any,
    colour: str | None,
    umap: bool,
    first_epoch: int,
    title: str,
    notes: str | Sequence[str],
    things: str,
    figures: Mapping[str, Any] | None,
    tables: Mapping[str, Any] | None,
    figures_folder: str | Path | None,
) -> Path:
    """Make the page of an embedding; everything as for `coverslip.write_report`."""
    from coverslip.report import page, thumbnails
    from coverslip.report.figures import thumbnail_map
    from coverslip.report.maps import ensure_map

    if umap:
        ensure_map(embedding, "umap")
    opened, complaint = images_of(embedding, images)
    fitted = model_of(embedding, model)
    notes = [notes] if isinstance(notes, str) else list(notes)
    if complaint:
        notes.append(f"The crops are not shown: {complaint}")
    shown = dict(figures or {})
    if fitted is not None:
        shown |= _model_figures(fitted, opened, first_epoch)
    pictures = None if opened is None else thumbnails.thumbnails(opened, opened.channels)
    if pictures is not None and len(pictures) > 1:
        shown["Map of pictures"] = (
            thumbnail_map(ensure_map(embedding, "umap" if umap else "pca"), pictures),
            "Each place of the map shows the nearest picture.",
        )
    if figures_folder is not None:
        _save_figures(embedding, shown, colour, umap, Path(figures_folder))
    return page.write_page(
        embedding,
        path,
        thumbnails=pictures,
        figures=shown,
        tables=tables,
        title=title,
        notes=notes,
        things=things,
        colour_by=colour,
    )


def _model_figures(model: Model, samples: Samples | None, first_epoch: int) -> dict[str, Any]:
    from coverslip.core.samples import Subset
    from coverslip.report import figures
    from coverslip.report.thumbnails import fit_display

    drawn: dict[str, Any] = {}
    if model.history:
        drawn["Losses"] = (
            figures.loss_curves({model.method: model.history}, first_epoch=first_epoch),
            "Every term is a sum over the pixels of one image, averaged over the images.",
        )
    illustrate = getattr(methods.get(model.method), "illustrate", None)
    if illustrate is None or samples is None:
        return drawn
    rows = np.linspace(0, len(samples) - 1, min(len(samples), 2048)).round().astype(int)
    arrays = illustrate(model, Subset(samples, np.unique(rows)))
    rgb = True if not samples.channels and samples.shape[0] == 3 and samples.dtype == np.uint8 else None
    display = fit_display(arrays["inputs"], samples.channels, rgb=rgb)
    drawn["Reconstructions"] = (
        figures.reconstruction_grid(arrays["inputs"], arrays["outputs"], samples.channels, rgb=rgb),
        "Inputs above, reconstructions below; from the best to the worst reconstructed.",
    )
    kl = arrays["kl_per_dimension"]
    names = [f"z{d} · {kl[d]:.2g} nats" for d in arrays["traversal_dimensions"]]
    drawn["Traversals"] = (
        figures.traversals(arrays["traversals"], arrays["traversal_values"], names=names, display=display),
        "One latent dimension varied at a time, the others at 0; the dimensions that say most come first.",
    )
    drawn["Use of the latent dimensions"] = (
        figures.kl_per_dimension(kl, arrays["empirical_kl"]),
        "Nats per dimension; a dimension near 0 says nothing about any sample.",
    )
    return drawn


def _save_figures(embedding: Embedding, shown: Mapping[str, Any], colour: str | None, umap: bool, folder: Path) -> None:
    from coverslip.report.figures import latent_map, save_figure
    from coverslip.report.maps import ensure_map

    chosen = colour or ("cluster" if "cluster" in embedding.adata.obs else None)
    values = None if chosen is None else embedding.column(chosen)
    kind = "umap" if umap else "pca"
    save_figure(latent_map(ensure_map(embedding, kind), values, name=chosen or ""), folder / f"map-{kind}.png")
    for caption, figure in shown.items():
        drawn = figure[0] if isinstance(figure, tuple) else figure
        if not isinstance(drawn, bytes):
            save_figure(drawn, folder / f"{caption.lower().replace(' ', '-')}.png")
