"""The map coloured back onto the tissue: what each patch is called, where it lies on its slide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Embedding, InputError, Region, Samples
from coverslip.figures.tissue import Overview, tissue_map
from coverslip.io.images.slides import open_slide
from coverslip.io.paths import resolve_path
from coverslip.samples.slides.tissue import overview

_MOST = 8
"""Slides that are shown."""
_ACROSS = 700
"""Pixels along the longer side of a picture of a slide, about."""
_FIRST = ("cluster", "label")


def tissue_figure(embedding: Embedding, opened: Samples | None, colour: str | None, notes: list[str]) -> dict[str, Any]:
    """The figure of a page, where the samples are patches of slides that are still there; else none.

    Parameters
    ----------
    embedding : Embedding
    opened : Samples, optional
        The images, which tell how large patches are where they are files of their own.
    colour : str, optional
        The column that colours them, unless all patches of each slide have one value in it; default: clusters.
    notes : list of str
        Sentences on slides that are not shown are appended.
    """
    places = _places(embedding, opened)
    values = _values(embedding)
    name = next((name for name in (colour, *_FIRST) if name in values and _differs(values[name], places)), None)
    if not places or name is None:
        return {}
    slides = list(dict.fromkeys(path for path, _ in places))
    # Those of a placed result come last, and are what is looked for.
    new = {path for (path, _), said in zip(places, _placed(embedding), strict=True) if said == "new"}
    slides = sorted(slides, key=lambda path: path not in new)
    shown = []
    for path in slides[:_MOST]:
        rows = np.array([i for i, (own, _) in enumerate(places) if own == path])
        try:
            shown.append(_overview(path, rows, [places[i][1] for i in rows]))
        except InputError as error:
            notes.append(f"The tissue of {path.name} is not shown: {error}")
    if len(slides) > _MOST:
        notes.append(f"Of {len(slides)} slides the tissue of {_MOST} is shown.")
    if not shown:
        return {}
    try:
        figure = tissue_map(shown, values[name], name)
    except InputError as error:
        notes.append(str(error))
        return {}
    return {"On the tissue": (figure, f"Each patch on its slide in the colour of its {name}.")}


def _values(embedding: Embedding) -> dict[str, np.ndarray]:
    """The columns; of placed samples the cluster is what those nearest to them are called, since theirs are others."""
    columns = {str(name): embedding.column(str(name)) for name in embedding.adata.obs.columns}
    known = next((name for name in ("label", "cluster") if name in columns), None)
    if "said" in columns and known is not None:
        new = np.array(_placed(embedding)) == "new"
        columns[known] = np.where(new, columns["said"].astype(str), columns[known].astype(str))
    return columns


def _differs(values: np.ndarray, places: list[tuple[Path, Region]]) -> bool:
    """Whether a column differs within a slide."""
    slides = [path for path, _ in places]
    return len(set(zip(slides, values.astype(str).tolist(), strict=False))) > len(set(slides))


def _placed(embedding: Embedding) -> list[str]:
    obs = embedding.adata.obs
    return [str(said) for said in obs["placed"]] if "placed" in obs else [""] * len(obs)


def _places(embedding: Embedding, opened: Samples | None) -> list[tuple[Path, Region]]:
    """The slide of each sample, and where it lies on it; empty where they are no patches."""
    obs = embedding.adata.obs
    folder = Path(embedding.provenance.get("inputs", {}).get("folder") or ".")
    if "window_px" in obs and "image" in obs and not obs["window_px"].isna().any():
        files, texts = obs["image"].astype(str), obs["window_px"].astype(str)
        return [(resolve_path(folder, file), Region.parse(text)) for file, text in zip(files, texts, strict=True)]
    if opened is None or not {"source_image", "patch_y_px", "patch_x_px"} <= set(obs):
        return []
    height, width = opened.shape[1:]
    corners = obs[["patch_y_px", "patch_x_px"]].to_numpy(float)
    if not np.isfinite(corners).all():
        return []
    files = obs["source_image"].astype(str)
    return [
        (resolve_path(folder, file).resolve(), Region(int(y), int(x), height, width))
        for file, (y, x) in zip(files, corners, strict=True)
    ]


def _overview(path: Path, rows: np.ndarray, regions: list[Region]) -> Overview:
    slide = open_slide(path)
    pixels, factor = overview(slide, max(slide.height, slide.width) / _ACROSS)
    boxes = np.array([(r.y, r.x, r.height, r.width) for r in regions]) / factor
    return Overview(path.name, pixels, boxes, rows)
