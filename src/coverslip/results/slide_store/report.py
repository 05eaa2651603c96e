"""A page of slide stores: the slides, and squares of tissue before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.core.words import counted
from coverslip.figures.document import Page, write_document
from coverslip.figures.encode import webp_uri
from coverslip.models.folder import Model
from coverslip.results.slide_store.comparing import Compared, compare, original_of
from coverslip.results.slide_store.folder import StoreFolder, each_store, name_of
from coverslip.results.slide_store.options import Report
from coverslip.results.slide_store.store import SlideStore

_SEED = 0
_ZOOM = 4

Each = list[tuple[SlideStore, Compared | None]]


def write_report(
    result: SlideStore | StoreFolder, page: Page, model: Model | None, images: Any, options: Report
) -> Path:
    """Make the page of a slide store, or of a folder of them; see `coverslip.write_report`."""
    stores, notes = each_store(result)
    page.notes.extend(notes)
    count = max(1, options.tiles // len(stores))
    each: Each = []
    for store in stores:
        page.notes.extend(f"In {store.path.name}, {one}." for one in store.damage())
        each.append((store, _compared(store, page, images, count)))
    compared = [(store, found) for store, found in each if found is not None]
    tables: dict[str, Any] = dict(page.tables)
    if len(stores) > 1:
        tables["Slides"] = [_line(store, found) for store, found in each]
    if compared:
        tables["Tiles"] = [
            {"slide": name_of(store), "row": region.y, "column": region.x}
            | {name: float(values[i]) for name, values in found.scores.items()}
            for store, found in compared
            for i, region in enumerate(found.regions)
        ]
    worst = sorted(
        ((store, found, i) for store, found in compared for i in found.worst(options.shown)),
        key=lambda one: float(one[1].scores["PSNR"][one[2]]),
    )[: options.shown]
    return write_document(
        page.path,
        Path(__file__).parent / "assets" / "slide_store.html",
        title=page.title or ("Compressed slide" if len(stores) == 1 else "Compressed slides"),
        notes=page.notes,
        facts=_facts(each),
        figures=page.figures,
        tables=tables,
        card=model.card if model is not None else "",
        provenance=result.provenance,
        pairs=[_pair(store, found, i, len(stores) > 1) for store, found, i in worst],
        side=compared[0][1].before.shape[1] if compared else 0,
    )


def _facts(each: Each) -> list[tuple[str, ...]]:
    stores = [store for store, _ in each]
    raw, size = sum(map(_raw, stores)), sum(store.bytes for store in stores)
    first = stores[0].slide
    facts: list[tuple[str, ...]] = [
        (f"{first.height:,} × {first.width:,}", "pixels") if len(stores) == 1 else (f"{len(stores)}", "slides"),
        (f"1:{raw / size:.3g}", "of the pixels, all bytes counted"),
        (f"{size / 1e6:.3g} MB", "the store" if len(stores) == 1 else "the stores"),
        counted(sum(store.facts["tiles"] for store in stores), "tile of tissue", "tiles of tissue"),
        counted(sum(store.facts["glass_tiles"] for store in stores), "tile of glass", "tiles of glass"),
    ]
    if len(stores) == 1 and first.pixel_size is not None:
        facts.append((f"{first.pixel_size.x:.3g} µm", "per pixel"))
    kept = [store.facts["kept"] for store in stores if "kept" in store.facts]
    if kept:
        words = f"MB of it, for regions kept within {max(one['error'] for one in kept)} grey values"
        facts.append((f"{sum(one['bytes'] for one in kept) / 1e6:.3g}", words))
    found = [one.scores for _, one in each if one is not None]
    names = [name for name in (found[0] if found else {}) if all(name in own for own in found)]
    return facts + [(f"{np.mean([own[name].mean() for own in found]):.3g}", name) for name in names]


def _line(store: SlideStore, found: Compared | None) -> dict[str, Any]:
    means = {} if found is None else {name: float(values.mean()) for name, values in found.scores.items()}
    return {
        "slide": name_of(store),
        "rows": store.slide.height,
        "columns": store.slide.width,
        "MB": store.bytes / 1e6,
        "ratio": _raw(store) / store.bytes,
        **{name: means.get(name, float("nan")) for name in ("PSNR", "SSIM", "MS-SSIM")},
    }


def _raw(store: SlideStore) -> int:
    return store.slide.height * store.slide.width * 3


def _compared(store: SlideStore, page: Page, images: Any, count: int) -> Compared | None:
    try:
        found = compare(store, original_of(store, images), count, _SEED)
    except InputError as error:
        page.notes.append(f"Of {name_of(store)} nothing is compared: {error}")
        return None
    page.notes.extend(found.notes)
    return found


def _pair(store: SlideStore, found: Compared, index: int, named: bool) -> dict[str, str]:
    words = found.words(index)
    before, after = found.before[index], found.after[index]
    return {
        "words": f"{name_of(store)}, {words}" if named else words[0].upper() + words[1:],
        "before": webp_uri(before),
        "after": webp_uri(after),
        "before_zoom": webp_uri(_middle(before)),
        "after_zoom": webp_uri(_middle(after)),
    }


def _middle(pixels: np.ndarray) -> np.ndarray:
    height, width = (n // _ZOOM for n in pixels.shape[:2])
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width]
