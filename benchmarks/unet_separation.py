"""Which description of objects separates touching ones best: distance, boundary or offset?

For each kind first its ceiling: what remains of the true objects when they are turned into perfect maps and back. Then
one U-Net each, with the same settings and budget, trained on the training fields and judged on the validation fields,
beside classical segmentation (threshold and watershed).

    python benchmarks/unet_separation.py ../shared/data/bbbc039 --out separation/ --epochs 6

Fits that are in `--out` already are not made again.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.cli.progress import shown_progress
from coverslip.core.fields import Fields, FieldSubset
from coverslip.measure import evaluate_labels
from coverslip.methods.unet.decoding import decode
from coverslip.methods.unet.targets import CHANNELS, Separation, targets
from coverslip.read import write_table
from coverslip.results.labels.prediction import segment
from coverslip.samples import find_nuclei, open_fields
from coverslip.train import Run
from coverslip.train.patches import compact_labels
from coverslip.verbs.fit import fit_to_folder

SHOWN = ("ap50", "ap60", "ap70", "ap80", "ap90", "ap")
CEILING_FIELDS = 30


def scores(fields: Fields, found: Iterable[np.ndarray]) -> dict[str, Any]:
    """Pooled AP of label images, with the interval of their mean."""
    pairs = ((fields.name(i), fields.labels(i), labels) for i, labels in enumerate(found))
    table = evaluate_labels(pairs)
    return {name: table.get(name).value for name in SHOWN} | {"low": table.get("ap").low, "high": table.get("ap").high}


def perfect(fields: Fields, kind: Separation) -> Iterator[np.ndarray]:
    """The objects that come back from perfect maps."""
    for i in range(len(fields)):
        yield decode(targets(compact_labels(fields.labels(i)), kind), kind)


def main() -> None:
    """Compute the ceilings, fit each kind, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("separation"))
    parser.add_argument("--epochs", type=int, default=6)
    arguments = parser.parse_args()

    fields = open_fields(arguments.data)
    split = fields.obs["split"].astype(str)
    train, val = (FieldSubset(fields, np.flatnonzero(split == part)) for part in ("train", "validation"))
    rows: list[dict[str, Any]] = []

    def add(kind: str, what: str, measured: Callable[[], dict[str, Any]]) -> None:
        rows.append({"kind": kind, "what": what, **measured()})
        print("  ".join(f"{v:.3f}" if isinstance(v, float) else f"{v:<22}" for v in rows[-1].values()), flush=True)

    print(f"{'kind':<22}  {'what':<22}  " + "  ".join(f"{name:<5}" for name in (*SHOWN, "low", "high")))
    few = FieldSubset(train, np.arange(0, len(train), max(1, len(train) // CEILING_FIELDS)))
    for kind in CHANNELS:
        add(kind, "perfect maps", lambda kind=kind: scores(few, perfect(few, kind)))
    add("classical", "validation", lambda: scores(val, (find_nuclei(val.image(i)).labels for i in range(len(val)))))
    with shown_progress():
        for kind in CHANNELS:
            model = arguments.out / kind
            settings = {"separation": kind, "epochs": arguments.epochs, "patch": 128, "batch": 8}
            fit_to_folder("unet", arguments.data / "sheet.csv", model, settings, run=Run(resume=True))
            add(kind, "validation", lambda m=model: scores(val, (f.labels for f in segment(m, val))))
    write_table({key: np.array([row[key] for row in rows]) for key in rows[0]}, arguments.out / "separation.csv")


if __name__ == "__main__":
    main()
