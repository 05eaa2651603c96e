"""What programs for single cells expect of an embedding: where each cell lies, and a name that no other has."""

from __future__ import annotations

from collections import Counter

import numpy as np

from coverslip.core import Embedding
from coverslip.io.listing import bare_name

_PLACES = (("x_um", "y_um"), ("x_px", "y_px"))
"""Columns that say where a cell lies, x first as squidpy draws it: in µm where they are known."""


def add_places(embedding: Embedding) -> None:
    """Add ``obsm["spatial"]``, (N, 2), x and y in µm (in pixels where µm are not known of all), and names of cells.

    Cells are called ``<plate>_<image>_<number>``, with the number of the object or the frame, or the window of a slide,
    so that names stay apart where tables of several images or plates are joined.
    """
    obs = embedding.adata.obs
    for columns in _PLACES:
        if all(name in obs and obs[name].dtype.kind in "iuf" for name in columns):
            places = obs[[*columns]].to_numpy(np.float64)
            if np.isfinite(places).all():
                embedding.adata.obsm["spatial"] = places
                break
    if "image" in obs:
        embedding.adata.obs_names = _names(embedding)


def _names(embedding: Embedding) -> list[str]:
    obs = embedding.adata.obs
    images = [str(text) for text in embedding.column("image")]
    number = next((name for name in ("object", "frame", "window_px") if name in obs), None)
    beside = [embedding.column(name).astype(str) for name in ("series", number or "") if name in obs]
    plates = embedding.column("plate").astype(str) if "plate" in obs else [""] * len(images)
    for called in (bare_name, str):  # the file's name, and where that is not enough its path
        names = ["_".join(filter(None, parts)) for parts in zip(plates, map(called, images), *beside, strict=True)]
        if len(set(names)) == len(names):
            return names
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return unique
