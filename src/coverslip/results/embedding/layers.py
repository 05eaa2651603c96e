"""Embeddings as layers of napari: the map, a point for each sample, coloured by cluster."""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip.core import Embedding
from coverslip.figures.colours import category_colours
from coverslip.figures.columns import natural_key
from coverslip.figures.maps import ensure_map
from coverslip.figures.thumbnails import thumbnails
from coverslip.io.layers import Layer
from coverslip.samples.opening.again import images_of

SIDE = 1000.0
"""Of the square that the map fills, in napari's units."""

_COLOURED_BY = ("coverslip_cluster", "cluster", "label", "treatment")


def layers(result: Embedding) -> list[Layer]:
    """The map of an embedding: its UMAP where there is one, else the directions of largest variance.

    Parameters
    ----------
    result : Embedding
        Its columns are the features of the points. ``metadata["coverslip"]`` holds the vectors, and pictures of the
        samples where their images are still there, for looking at neighbours.
    """
    kind = "umap" if "X_umap" in result.adata.obsm else "pca"
    places = np.asarray(ensure_map(result, kind), dtype=np.float64)
    ends = (places.min(axis=0), places.max(axis=0)) if len(places) else (np.zeros(2), np.ones(2))
    spread = float((ends[1] - ends[0]).max()) or 1.0
    shown = (places - (ends[0] + ends[1]) / 2) * (SIDE / spread)
    points = SIDE / 2 + np.stack([-shown[:, 1], shown[:, 0]], axis=1)  # rows count downwards
    opened, _ = images_of(dict(result.adata.obs), result.provenance)
    pictures = None if opened is None else thumbnails(opened, opened.channels)
    folder = result.provenance.get("inputs", {}).get("folder", "")
    settings: dict[str, Any] = {
        "name": kind.upper(),
        "features": result.obs,
        "size": float(np.clip(SIDE / max(len(points), 1) ** 0.5 / 3, 3, 14)),
        "border_width": 0,
        "metadata": {"coverslip": {"vectors": result.latent, "pictures": pictures, "folder": folder}},
    }
    by = next((name for name in _COLOURED_BY if name in result.adata.obs), None)
    if by is not None and len(points):
        texts = result.column(by).astype(str)
        names = sorted(set(texts.tolist()), key=natural_key)
        colours = dict(zip(names, category_colours(len(names)), strict=True))
        settings["face_color"] = [colours[text] for text in texts.tolist()]
    return [(points, settings, "points")]
