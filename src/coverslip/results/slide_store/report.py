"""A page of a slide store: the slide, and squares of tissue before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.figures.document import Page, write_document
from coverslip.figures.encode import webp_uri
from coverslip.models.folder import Model
from coverslip.results.slide_store.comparing import Compared, compare, original_of
from coverslip.results.slide_store.options import Report
from coverslip.results.slide_store.store import SlideStore

_SEED = 0
_ZOOM = 4


def write_report(store: SlideStore, page: Page, model: Model | None, images: Any, options: Report) -> Path:
    """Make the page of a slide store; see `coverslip.write_report`."""
    page.notes.extend(f"In the store, {one}." for one in store.damage())
    found = _compared(store, page, images, options)
    raw = store.slide.height * store.slide.width * 3
    size = store.slide.pixel_size
    facts: list[tuple[str, ...]] = [
        (f"{store.slide.height:,} × {store.slide.width:,}", "pixels"),
        (f"1:{raw / store.bytes:.0f}", "of the pixels, all bytes counted"),
        (f"{store.bytes / 1e6:.3g} MB", "the store"),
        (f"{store.facts['tiles']:,}", "tiles of tissue"),
        (f"{store.facts['glass_tiles']:,}", "tiles of glass"),
    ]
    if size is not None:
        facts.append((f"{size.x:.3g} µm", "per pixel"))
    tables: dict[str, Any] = dict(page.tables)
    pairs: list[dict[str, str]] = []
    if found is not None:
        facts += [(f"{found.scores[name].mean():.3g}", name) for name in found.scores]
        tables["Tiles"] = [
            {"row": region.y, "column": region.x, **{name: float(v[i]) for name, v in found.scores.items()}}
            for i, region in enumerate(found.regions)
        ]
        worst = np.argsort(found.scores["PSNR"], kind="stable")[: options.shown]
        pairs = [_pair(found, int(i)) for i in worst]
    return write_document(
        page.path,
        Path(__file__).parent / "assets" / "slide_store.html",
        title=page.title or "Compressed slide",
        notes=page.notes,
        facts=facts,
        figures=page.figures,
        tables=tables,
        card=model.card if model is not None else "",
        provenance=store.provenance,
        pairs=pairs,
        side=found.before.shape[1] if found is not None else 0,
    )


def _compared(store: SlideStore, page: Page, images: Any, options: Report) -> Compared | None:
    try:
        found = compare(store, original_of(store, images), options.tiles, _SEED)
    except InputError as error:
        page.notes.append(f"Nothing is compared: {error}")
        return None
    page.notes.extend(found.notes)
    return found


def _pair(found: Compared, index: int) -> dict[str, str]:
    region = found.regions[index]
    scores = ", ".join(f"{name} {values[index]:.3g}" for name, values in found.scores.items())
    before, after = found.before[index], found.after[index]
    return {
        "words": f"Row {region.y:,}, column {region.x:,}: {scores}",
        "before": webp_uri(before),
        "after": webp_uri(after),
        "before_zoom": webp_uri(_middle(before)),
        "after_zoom": webp_uri(_middle(after)),
    }


def _middle(pixels: np.ndarray) -> np.ndarray:
    height, width = (n // _ZOOM for n in pixels.shape[:2])
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width]
