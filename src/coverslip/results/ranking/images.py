"""Pictures of ranked samples, found by what the vectors say of their images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError, Ranking, Subset
from coverslip.figures.thumbnails import thumbnails
from coverslip.io.paths import PARTS
from coverslip.results.ranking.summary import words


def pictures_of(ranking: Ranking, rows: Sequence[int], images: Any) -> tuple[dict[int, np.ndarray], str]:
    """Small pictures of some samples, all with the same grey scale; or none and why not.

    Parameters
    ----------
    ranking : Ranking
    rows : sequence of int
    images : optional
        The folder that the paths start from; default: where provenance says.
    """
    from coverslip.samples import Sheet, open_samples

    vectors = ranking.provenance.get("vectors") or {}
    if "image" not in ranking.samples:
        return {}, "the ranking does not say where they are (no column 'image')."
    folder = images or (vectors.get("inputs") or {}).get("folder")
    if folder is None or not Path(folder).is_dir():
        return {}, "the folder of the images was not found; name it (--images)."
    columns = [name for name in ("image", *PARTS, "axes") if name in ranking.samples]
    texts = {name: words(ranking.samples[name]) for name in columns}
    chosen = list(dict.fromkeys(rows))
    table = [{name: str(texts[name][row]) for name in columns} for row in chosen]
    try:
        opened = open_samples(
            Sheet(Path(folder), tuple(columns), table), **((vectors.get("model") or {}).get("input") or {})
        )
        channels = opened.shape[0]
        if channels == 3 and all(name.startswith("plane") for name in opened.channels):
            return _grey(opened, chosen), ""
        drawn = thumbnails(Subset(opened, np.arange(len(chosen))), opened.channels, size=92)
    except InputError as error:
        return {}, str(error)
    return dict(zip(chosen, drawn, strict=True)), ""


def _grey(opened: Any, chosen: list[int]) -> dict[int, np.ndarray]:
    """Focal planes are no colours: the middle one is shown."""
    pixels = opened.read(np.arange(len(chosen)))[:, 1:2]
    drawn = thumbnails(pixels, size=92)
    return dict(zip(chosen, drawn, strict=True))
