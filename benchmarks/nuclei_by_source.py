"""Nuclei of many sources, found by the shipped models and by Otsu + watershed: AP at one IoU for each source.

The validation images of the Data Science Bowl differ in size, magnification and stain, and each size is a source of its
own; a set without groups is one source. Counted are all objects, and those of the diameters that the models are made
for: of a true object outside that range nothing is said, nor of what is found outside it, or in place of one. Means are
over images, with a bootstrap interval.

    python benchmarks/nuclei_by_source.py ../shared/data/dsb2018_fluo --unet nuclei-fluo --kaizen nuclei-fluo-kaizen
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from coverslip.core.fields import FieldSubset
from coverslip.measure import bootstrap, match, overlap
from coverslip.measure.intervals import Interval
from coverslip.read import write_table
from coverslip.samples import open_fields
from peers import add_peers, chosen_peers

Counts = tuple[int, int, int]
"""True positives, false positives, false negatives."""


def counts(true: np.ndarray, found: np.ndarray, iou: float, diameters: tuple[float, float]) -> tuple[Counts, Counts]:
    """Of all objects, and of those of some diameters."""
    shared = overlap(true, found)
    pairs = match(shared, iou)
    least, most = (np.pi / 4 * d**2 for d in diameters)
    lost = (shared.truth_areas >= least) & (shared.truth_areas <= most)
    wrong = (shared.prediction_areas >= least) & (shared.prediction_areas <= most)
    right = int(lost[pairs.truth].sum())
    lost[pairs.truth] = wrong[pairs.prediction] = False
    return (pairs.tp, pairs.fp, pairs.fn), (right, int(wrong.sum()), int(lost.sum()))


def mean(values: np.ndarray) -> Interval:
    """With its interval over images; without one where there is one image."""
    if len(values) > 1:
        return bootstrap(np.mean, values)
    return Interval(float(values.mean()), np.nan, np.nan, len(values))


def main() -> None:
    """Apply every method to every validation image; print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    add_peers(parser)
    parser.add_argument("--diameters", type=float, nargs=2, default=(10, 60), help="pixels")
    parser.add_argument("--iou", type=float, default=0.5)
    parser.add_argument("--out", type=Path, default=Path("sources"))
    given = parser.parse_args()

    fields = open_fields(given.data)
    rows = np.flatnonzero(fields.obs["split"].astype(str) == "validation")
    group = fields.obs.get("group", np.full(len(fields), "all"))[rows].astype(str)
    low, high = given.diameters
    table = []
    for name, peer in chosen_peers(given).items():
        labels = (getattr(found, "labels", found) for found in peer(FieldSubset(fields, rows)))
        pairs = zip((fields.labels(i) for i in rows), labels, strict=True)
        counted = np.array([counts(*pair, given.iou, (low, high)) for pair in pairs])
        with np.errstate(invalid="ignore"):  # an image without objects of these diameters says nothing
            ap = counted[:, :, 0] / counted.sum(2)
        for source in ("all", *sorted(set(group) - {"all"})):
            chosen = ap[(group == source) | (source == "all")]
            whole, ranged = (mean(column[np.isfinite(column)]) for column in chosen.T)
            print(f"{name:18}{source:10}{len(chosen):4}  all {whole}  {low:g} to {high:g} px {ranged}", flush=True)
            line: dict[str, object] = {"method": name, "source": source, "images": len(chosen)}
            for column, found in (("all", whole), ("in_range", ranged)):
                line |= {column: found.value, f"{column}_low": found.low, f"{column}_high": found.high}
            table.append(line)
    write_table({key: np.array([line[key] for line in table]) for key in table[0]}, given.out / "nuclei_by_source.csv")


if __name__ == "__main__":
    main()
