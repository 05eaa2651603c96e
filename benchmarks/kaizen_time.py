"""Time of Kaizen against the number of objects: it should be proportional to it.

Phantoms of one size (`cs.samples.overlap_phantoms`) hold 0 to 1,000 real nuclei of BBBC039 that stand alone. All are
decomposed in this process, in interleaved rounds; a time is the median of the rounds, in seconds of processor time (set
OMP_NUM_THREADS=1). Printed are the line fitted to the times and its R².

    python benchmarks/kaizen_time.py ../shared/data/bbbc039 --kaizen kaizen/ --out time/
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from coverslip.core.fields import ArrayFields
from coverslip.figures.style import figure_of, save_figure, styled
from coverslip.read import write_table
from coverslip.samples import Phantom, open_fields, overlap_phantoms
from peers import of_model

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COUNTS = (0, 50, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000)


def with_objects(known: Phantom, count: int) -> np.ndarray:
    """A phantom with its first objects only, so that each image holds those of the one before it."""
    total = known.background.astype(np.float64)
    for place, added in zip(known.places()[:count], known.pixels[:count], strict=True):
        total[place] += added
    return np.minimum(total, np.iinfo(known.background.dtype).max).astype(known.background.dtype)


@styled
def line_through(counts: np.ndarray, times: np.ndarray, slope: float, start: float, r_squared: float) -> Figure:
    """The times of all rounds, and the line."""
    figure = figure_of(4.6, 3.4)
    axes = figure.subplots()
    axes.plot(np.repeat(counts, times.shape[1]), times.ravel(), "o", markersize=3, alpha=0.5)
    axes.plot(counts, start + slope * counts)
    axes.set_title(f"{1000 * slope:.2f} ms per nucleus, R² = {r_squared:.4f}")
    axes.set_xlabel("Nuclei in the image")
    axes.set_ylabel("Processor time, seconds")
    axes.set_ylim(0)
    return figure


def main() -> None:
    """Time every phantom, fit the line, and draw it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--kaizen", type=Path, required=True, help="folder of a model")
    parser.add_argument("--size", type=int, default=1536)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("time"))
    given = parser.parse_args()

    fields = open_fields(given.data)
    rows = np.flatnonzero(fields.obs["split"].astype(str) == "validation")[:20]
    size = (given.size, given.size)
    (known,) = overlap_phantoms(fields, rows, pairs=0, singles=max(COUNTS), size=size, count=1)
    images = [with_objects(known, count) for count in COUNTS]
    kaizen = of_model(given.kaizen, "cpu")
    seconds = np.zeros((len(COUNTS), given.rounds))
    found = np.zeros(len(COUNTS), int)
    for number in range(given.rounds):
        # The first comes twice: building and warming up the network is no part of the time of an image.
        running = kaizen(ArrayFields([images[3], *images]))
        next(running)
        for i in range(len(COUNTS)):
            start = time.process_time()
            found[i] = len(next(running))
            seconds[i, number] = time.process_time() - start
    counts, middle = np.array(COUNTS), np.median(seconds, axis=1)
    slope, start_at = np.polyfit(counts, middle, 1)
    left = middle - (start_at + slope * counts)
    r_squared = 1 - (left**2).sum() / ((middle - middle.mean()) ** 2).sum()
    for count, n, one in zip(counts, found, middle, strict=True):
        print(f"{count:5} nuclei, {n:5} found: {one:.3f} s")
    print(f"{start_at:.3f} s and {1000 * slope:.2f} ms per nucleus, R² = {r_squared:.4f}")
    columns = {"nuclei": counts, "found": found, "seconds": middle}
    columns |= {"seconds_low": seconds.min(axis=1), "seconds_high": seconds.max(axis=1)}
    write_table(columns, given.out / "kaizen_time.csv")
    save_figure(line_through(counts, seconds, slope, start_at, r_squared), given.out / "kaizen_time.png")


if __name__ == "__main__":
    main()
