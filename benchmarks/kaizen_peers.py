"""AP and time of Kaizen beside Otsu + watershed, a U-Net, and StarDist and Cellpose where they are at hand.

All are given the same validation images of BBBC039. AP is TP / (TP + FP + FN) at an IoU threshold: of all objects of
all images taken together (`pooled`), and as the mean over the images (`image mean`), each with its interval over
images. Kaizen is judged by its flat labels, in which no two objects share a pixel, as the others' are. Seconds are
those of one image after the other, without the first; set OMP_NUM_THREADS.

    python benchmarks/kaizen_peers.py ../shared/data/bbbc039 --kaizen kaizen/ --unet unet/ --out peers/
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core.fields import Fields, FieldSubset
from coverslip.core.results import LabelMap
from coverslip.measure import evaluate_labels
from coverslip.read import write_table
from coverslip.samples import open_fields
from peers import Peer, add_peers, chosen_peers

SHOWN = ("ap50", "ap60", "ap70", "ap80", "ap90", "ap")


def timed(peer: Peer, fields: Fields) -> tuple[list[np.ndarray], np.ndarray]:
    """The labels of each field, and the seconds they took."""
    # The first field comes twice: building and warming up a network is no part of the time of an image.
    running = peer(FieldSubset(fields, np.r_[0, np.arange(len(fields))]))
    found, seconds = [], []
    for _ in range(len(fields) + 1):
        start = time.perf_counter()
        one = next(running)
        seconds.append(time.perf_counter() - start)
        found.append(one if isinstance(one, np.ndarray) else one.labels)
    return found[1:], np.array(seconds[1:])


def rows_of(name: str, fields: Fields, found: list[np.ndarray], seconds: np.ndarray) -> list[dict[str, Any]]:
    """Pooled, and as the mean over images."""
    table = evaluate_labels(
        (fields.name(i), fields.labels(i), LabelMap(labels.astype(np.int32), fields.name(i)))
        for i, labels in enumerate(found)
    )
    low, middle, high = np.quantile(seconds, [0.25, 0.5, 0.75])
    rows = []
    for average in ("pooled", "image mean"):
        row: dict[str, Any] = {"method": name, "average": average, "images": len(found)}
        for measure in SHOWN:
            one = table.get(measure)
            ends = (one.value, one.low, one.high) if average == "pooled" else (one.mean, one.mean_low, one.mean_high)
            row |= dict(zip((measure, f"{measure}_low", f"{measure}_high"), ends, strict=True))
        rows.append({**row, "seconds": middle, "seconds_low": low, "seconds_high": high})
    return rows


def main() -> None:
    """Apply every peer, and print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    add_peers(parser)
    parser.add_argument("--split", default="validation")
    parser.add_argument("--out", type=Path, default=Path("peers"))
    given = parser.parse_args()

    fields = open_fields(given.data)
    chosen = FieldSubset(fields, np.flatnonzero(fields.obs["split"].astype(str) == given.split))
    peers = chosen_peers(given)
    rows: list[dict[str, Any]] = []
    print(f"\n{'method':18}{'average':12}" + "".join(f"{name:>7}" for name in SHOWN) + "  seconds (quartiles)")
    for name, peer in peers.items():
        rows += rows_of(name, chosen, *timed(peer, chosen))
        for row in rows[-2:]:
            numbers = "".join(f"{row[measure]:7.3f}" for measure in SHOWN)
            spent = f"{row['seconds']:.2f} ({row['seconds_low']:.2f} to {row['seconds_high']:.2f})"
            print(f"{row['method']:18}{row['average']:12}{numbers}  {spent}", flush=True)
    write_table({name: np.array([row[name] for row in rows]) for name in rows[0]}, given.out / "kaizen_peers.csv")


if __name__ == "__main__":
    main()
