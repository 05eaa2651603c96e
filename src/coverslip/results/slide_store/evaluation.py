"""What was lost: stores against the slides that they were made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import CoverslipError, InputError, Measured
from coverslip.io.atomic import atomic_folder
from coverslip.measure import bootstrap
from coverslip.results.slide_store.comparing import Compared, KeptCompared, compare, compare_kept, original_of
from coverslip.results.slide_store.folder import each_store, name_of
from coverslip.results.slide_store.objects import agreement, segmenter
from coverslip.results.slide_store.options import Evaluate
from coverslip.results.slide_store.pictures import write_pair
from coverslip.results.slide_store.store import SlideStore

_NAMED = 3
"""How many of the worst squares are named."""


def evaluate(result: Any, truth: Any, images: Any, seed: int, options: Evaluate) -> Measured:
    """Measure stores; see `coverslip.evaluate`. ``truth`` is the slide, or a folder of slides; default: as recorded."""
    folder = options.pictures
    if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} already holds something; name another folder for the pictures.")
    stores, notes = each_store(result)
    several = len(stores) + len(notes) > 1
    compared: list[tuple[SlideStore, Compared]] = []
    kept: list[list[dict[str, Any]]] = []
    for store in stores:
        damaged = [f"In {store.path.name}, {one}." for one in store.damage()]
        try:
            original = original_of(store, truth if truth is not None else images)
            found = compare(store, original, options.tiles, seed)
            held = compare_kept(store, original, options.tiles, seed)
        except CoverslipError as error:
            if not several:
                raise
            notes += [*damaged, f"{store.path.name} is left out: {error}"]
            continue
        notes += [*damaged, *found.notes]
        compared.append((store, found))
        kept.append([] if held is None else _kept_rows(store, held))
        notes += [] if held is None else held.notes
    if not compared:
        raise InputError(notes[-1])
    scores = [found.scores for _, found in compared]
    if options.nuclei is not None:
        segment = segmenter(options.nuclei)
        scores = [found.scores | agreement(found, segment) for _, found in compared]
    rows = [
        _rows(store, found, own, seed) + regions
        for (store, found), own, regions in zip(compared, scores, kept, strict=True)
    ]
    if several:
        names = [name_of(store) for store, _ in compared]
        rows = [[{"slide": name, **row} for row in own] for name, own in zip(names, rows, strict=True)]
    if len(rows) > 1:
        rows.append([{"slide": "mean of slides", **row} for row in _means(scores, seed)])
    worst = _worst(compared, options.shown)
    notes += [f"Lost most in {name_of(store)}: {found.words(i)}." for store, found, i in worst[:_NAMED]]
    if folder is not None:
        _draw(worst, folder)
        notes.append(f"Pictures of the {len(worst)} squares that lost most, before and after: {folder}")
    return Measured([row for own in rows for row in own], tuple(notes))


def _rows(store: SlideStore, found: Compared, scores: Mapping[str, np.ndarray], seed: int) -> list[dict[str, Any]]:
    rows = []
    for name, values in scores.items():
        rows.append(_mean(name, values, seed))
        if name in found.scores:
            rows.append(_row(f"{name}, worst", float(values.min()), n=len(values)))
    raw = store.slide.height * store.slide.width * 3
    return [
        *rows,
        _row("bits per pixel, streams", found.bits),
        _row("ratio, streams", 24 / found.bits if found.bits else float("inf")),
        _row("ratio, all bytes", raw / store.bytes),
    ]


def _kept_rows(store: SlideStore, found: KeptCompared) -> list[dict[str, Any]]:
    """Of regions that are kept."""
    kept = store.facts["kept"]
    return [
        _row("PSNR, kept regions", found.psnr, n=found.tiles),
        _row("largest error, kept regions", found.largest, n=found.tiles),
        _row("bits per pixel more, kept regions", 8 * kept["bytes"] / kept["pixels"]),
        _row("bytes, kept regions", kept["bytes"]),
    ]


def _means(scores: Sequence[Mapping[str, np.ndarray]], seed: int) -> list[dict[str, Any]]:
    """Means over slides, each of which counts the same whatever its size."""
    shared = [name for name in scores[0] if all(name in own for own in scores)]
    return [_mean(name, np.array([np.nanmean(own[name]) for own in scores]), seed) for name in shared]


def _mean(name: str, values: np.ndarray, seed: int) -> dict[str, Any]:
    kept = values[np.isfinite(values)]
    if len(kept) < 2:
        return _row(name, float(kept.mean()) if len(kept) else float("nan"), n=len(kept))
    interval = bootstrap(lambda v: float(v.mean()), kept, seed=seed)
    return _row(name, interval.value, interval.low, interval.high, len(kept))


def _row(name: str, value: float, low: float = float("nan"), high: float = float("nan"), n: int = 1) -> dict[str, Any]:
    return {"measure": name, "value": value, "low": low, "high": high, "n": n}


def _worst(compared: list[tuple[SlideStore, Compared]], count: int) -> list[tuple[SlideStore, Compared, int]]:
    every = [(store, found, i) for store, found in compared for i in found.worst(count)]
    return sorted(every, key=lambda one: float(one[1].scores["PSNR"][one[2]]))[:count]


def _draw(worst: list[tuple[SlideStore, Compared, int]], out: Path) -> None:
    with atomic_folder(out) as folder:
        for rank, (store, found, i) in enumerate(worst, 1):
            region = found.regions[i]
            path = folder / f"{rank:02d}_{name_of(store)}_y{region.y}x{region.x}.png"
            write_pair(found.before[i], found.after[i], path)
