"""Kaizen as its source prints it (recipe ``seed``) beside ours, and what the generator and the search each do.

The generator of the recipe learns pixels alone (one codebook, patches of 40, any pixel of an object as the centre) and
its objects are cut at 10 % of the mean light of the image; its search takes squares of 32 x 32 around the largest
error in boxes of 7 x 7, adds all predictions of a round that would lower the loss, and searches error images until one
brings nothing. Printed is AP at IoU 0.5 to 0.9 of flat labels on validation fields of BBBC039, pooled, with intervals
by resampling fields, and as a mean over fields.

    coverslip fit kaizen ../shared/data/bbbc039/sheet.csv --set recipe=seed --set width=24 --set epochs=8 --out seed/
    python benchmarks/kaizen_seed.py ../shared/data/bbbc039 --seed-model seed/ --out kaizen_seed/
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

import coverslip as cs
from coverslip.core.fields import FieldSubset
from coverslip.measure import bootstrap, count_matches, overlap
from coverslip.methods.kaizen.search import SEED
from coverslip.read import write_table
from coverslip.samples import open_fields

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
_ROUNDS = SEED.model_dump(include={"recipe", "apart", "box", "beside", "ways", "passes", "faint", "noise"})
_HOUSE = {"recipe": "house", "apart": 15, "box": 5, "beside": 0.25, "ways": 4, "passes": 3, "worth": 0.3}


def counts_of(fields: FieldSubset, model: cs.Model, search: dict[str, Any] | None) -> tuple[np.ndarray, float]:
    """Hits, wrong and missed ones ``(fields, thresholds, 3)``, and seconds per field."""
    start = time.perf_counter()
    found = cs.predict(model, fields, device="cpu", search=search)
    seconds = (time.perf_counter() - start) / len(fields)
    counts = []
    for i, one in enumerate(found):
        shared = overlap(fields.labels(i), one.labels)
        hits = count_matches(shared, THRESHOLDS)
        counts.append(np.stack([hits, shared.n_predicted - hits, shared.n_true - hits], 1))
    return np.stack(counts), seconds


def pooled(counts: np.ndarray) -> list[float]:
    """AP at each threshold over all objects."""
    summed = counts.sum(0)
    return [float(value) for value in summed[:, 0] / np.maximum(summed.sum(1), 1)]


def main() -> None:
    """Measure all, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seed-model", type=Path, required=True)
    parser.add_argument("--kaizen", default="nuclei-fluo-kaizen", help="a model folder or the name of a shipped model")
    parser.add_argument("--fields", type=int, default=10)
    parser.add_argument("--only", help="these rows, by the number in their names")
    parser.add_argument("--out", type=Path, default=Path("kaizen_seed"))
    given = parser.parse_args()
    fields = open_fields(given.data)
    rows = np.flatnonzero(fields.obs["split"].astype(str) == "validation")
    chosen = FieldSubset(fields, rows[np.linspace(0, len(rows) - 1, given.fields).round().astype(int)])
    ours, seed = cs.load(given.kaizen), cs.load(given.seed_model)
    ways: dict[str, tuple[cs.Model, dict[str, Any] | None]] = {
        "1 ours": (ours, None),
        "2 our generator, rounds as printed": (ours, _ROUNDS),
        "3 generator of the source, our rounds": (seed, _HOUSE),
        "4 the source": (seed, None),
    }
    table = []
    for name, (model, search) in ways.items():
        if given.only and name[0] not in given.only:
            continue
        counts, seconds = counts_of(chosen, model, search)
        each = counts[..., 0] / np.maximum(counts.sum(-1), 1)
        print(f"{name}: {seconds:.1f} s a field, hits/wrong/missed at 0.5 {counts[:, 0].sum(0).tolist()}")
        for i, at in enumerate(THRESHOLDS):
            interval = bootstrap(lambda part, i=i: pooled(part)[i], counts)
            table.append({"way": name, "iou": at, "ap": interval.value, "low": interval.low, "high": interval.high})
            table[-1]["mean"] = float(each[:, i].mean())
            print(
                f"  {at}  {interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]  mean {table[-1]['mean']:.3f}"
            )
    write_table({key: np.array([row[key] for row in table]) for key in table[0]}, given.out / "kaizen_seed.csv")


if __name__ == "__main__":
    main()
