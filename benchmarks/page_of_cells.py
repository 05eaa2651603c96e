"""A page of 100,000 cells: its size, and how long it takes to open, to draw around half of the cells, to colour.

    python benchmarks/page_of_cells.py ../shared/data/jurkat_cellcycle/sheet.csv [--count 100000] [--keep cells.html]

The cells of the sheet (at most 10 principal components of their pixels) are repeated with noise until there are
enough, with 20 clusters and the facts of the sheet. `coverslip report` writes the page, as a user would; Chromium
without a graphics card, which is the slowest case, opens it from the file. Seconds are by the clock of the page, in
each round in a new window, until two frames have been drawn after the event; medians over the rounds, with extremes.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

import coverslip as cs

DRAWN = (
    """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"""
)
HALF = """() => {  // where half of the cells lie to the left, on the screen
  const view = [...Bokeh.index][0], cells = Bokeh.documents[0].get_model_by_name("cells");
  const box = view.el.getBoundingClientRect(), { bbox, x_scale } = view.frame;
  const xs = [...cells.data.x].sort((a, b) => a - b);
  return { left: box.x + bbox.left + 2, top: box.y + bbox.top + 2, bottom: box.y + bbox.bottom - 2,
           middle: box.x + x_scale.compute(xs[xs.length >> 1]) };
}"""
LASSO_STEPS = 40


def many(sheet: Path, count: int) -> cs.Embedding:
    """An embedding of so many cells, near those of the sheet."""
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    samples = cs.samples.open_samples(cs.samples.read_sheet(sheet))
    pixels = samples.read(np.arange(len(samples))).reshape(len(samples), -1).astype(np.float32)
    pixels = (pixels - pixels.mean(0)) / np.maximum(pixels.std(0), 1e-6)
    known = PCA(min(10, len(samples)), random_state=0).fit_transform(pixels)
    rng = np.random.default_rng(0)
    rows = np.arange(count) % len(known)
    latent = (known[rows] + 0.1 * known.std(0) * rng.normal(size=(count, known.shape[1]))).astype(np.float32)
    groups = KMeans(20, n_init=1, random_state=0).fit(known.astype(np.float32)).predict(latent)
    facts = {name: np.asarray(values)[rows] for name, values in samples.obs.items()}
    means = {f"mean_{i}": (known[rows, i] + rng.normal(size=count)).round(3) for i in range(3)}
    plates = np.array([f"P{number}" for number in range(1, 5)])[rng.integers(4, size=count)]
    return cs.Embedding.from_arrays(latent, {**facts, "cluster": groups.astype(str), "plate": plates, **means})


def opened_and_used(browser: Any, page: Path) -> dict[str, float]:
    window = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
    window.goto(page.resolve().as_uri(), wait_until="commit")
    window.wait_for_selector("body[data-ready]", timeout=120_000)
    seconds = {"opened": window.evaluate(DRAWN) / 1000}

    def timed(action: Any, *given: Any) -> float:
        start = window.evaluate("performance.now()")
        action(*given)
        return (window.evaluate(DRAWN) - start) / 1000

    window.locator("#plot").scroll_into_view_if_needed()
    place = window.evaluate(HALF)
    left, middle, top, bottom = (place[name] for name in ("left", "middle", "top", "bottom"))
    corners = [(left, top), (middle, top), (middle, bottom), (left, bottom)]
    outline = [
        (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share)
        for a, b in pairwise(corners)
        for share in np.linspace(0, 1, LASSO_STEPS // 3)
    ]
    seconds["pointing at a cell"] = float(
        np.median([timed(window.mouse.move, middle + 7 * i, (top + bottom) / 2) for i in range(20)])
    )
    window.mouse.move(left, top)
    window.mouse.down()
    seconds["one step of the lasso"] = float(np.median([timed(window.mouse.move, x, y) for x, y in outline]))
    seconds["half of the cells chosen"] = timed(window.mouse.up)
    chosen = window.evaluate("Bokeh.documents[0].get_model_by_name('cells').selected.indices.length")
    total = window.evaluate("Bokeh.documents[0].get_model_by_name('cells').data.x.length")
    assert 0.4 < chosen / total < 0.6, f"{chosen} of {total} were chosen"
    window.keyboard.press("Escape")
    for name, column in (("coloured by a class", "plate"), ("coloured by a number", "mean_0")):
        seconds[name] = timed(window.select_option, "#colour", column)
    window.context.close()
    return seconds


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--keep", type=Path, help="where the page is kept")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        result, page = Path(name) / "cells.h5ad", Path(name) / "cells.html"
        cs.read.write_embedding(many(asked.sheet, asked.count), result)
        start = time.perf_counter()
        command = ["report", result, "--out", page, "--images", asked.sheet.parent]
        subprocess.run([sys.executable, "-m", "coverslip", *map(str, command)], check=True)
        print(
            f"{asked.count:,} cells: {page.stat().st_size / 1e6:.1f} MB, written in {time.perf_counter() - start:.0f} s"
        )
        with sync_playwright() as playwright:
            path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
            rounds = [opened_and_used(browser, page) for _ in range(asked.rounds)]
            browser.close()
        for what in rounds[0]:
            each = [one[what] for one in rounds]
            print(f"{what:26s} {np.median(each):6.3f} s [{min(each):.3f}, {max(each):.3f}]")
        if asked.keep:
            shutil.copy(page, asked.keep)


if __name__ == "__main__":
    main()
