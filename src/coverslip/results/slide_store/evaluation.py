"""What was lost: a store against the slide that it was made from."""

from __future__ import annotations

from typing import Any

from coverslip.core import Measured
from coverslip.measure import bootstrap
from coverslip.results.slide_store.comparing import compare, original_of
from coverslip.results.slide_store.options import Evaluate
from coverslip.results.slide_store.store import SlideStore, open_store


def evaluate(result: Any, truth: Any, images: Any, seed: int, options: Evaluate) -> Measured:
    """Measure a store; see `coverslip.evaluate`. ``truth`` is the slide, by default where provenance says."""
    store = result if isinstance(result, SlideStore) else open_store(result)
    damaged = list(store.damage())
    original = original_of(store, truth if truth is not None else images)
    found = compare(store, original, options.tiles, seed)
    rows: list[dict[str, Any]] = []
    for name, values in found.scores.items():
        interval = bootstrap(lambda v: float(v.mean()), values, seed=seed)
        rows.append(_row(name, interval.value, interval.low, interval.high, len(values)))
        rows.append(_row(f"{name}, worst", float(values.min()), n=len(values)))
    raw = original.height * original.width * 3
    rows += [
        _row("bits per pixel, streams", found.bits),
        _row("ratio, streams", 24 / found.bits if found.bits else float("inf")),
        _row("ratio, all bytes", raw / store.bytes),
    ]
    return Measured(rows, (*(f"In the store, {one}." for one in damaged), *found.notes))


def _row(name: str, value: float, low: float = float("nan"), high: float = float("nan"), n: int = 1) -> dict[str, Any]:
    return {"measure": name, "value": value, "low": low, "high": high, "n": n}
