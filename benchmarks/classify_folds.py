"""Classifiers in the same folds: networks, their losses, baselines, prediction sets.

    python benchmarks/classify_folds.py herlev2 DATA OUT            # normal against abnormal
    python benchmarks/classify_folds.py herlev7 DATA OUT            # 7 classes, ordered
    python benchmarks/classify_folds.py jurkat DATA OUT             # 7 phases of the cell cycle

DATA is the folder that holds ``herlev_papsmear`` and ``jurkat_cellcycle``. Folds are stratified and grouped (Herlev: by
source image, which the names of the files begin with); 20 % of the rest decides when to stop and calibrates. Run again,
it goes on at the unfinished fold. The defaults are what fits on a small computer; the full run of the source is
``--size 224 --width 1 --epochs 100``.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.measure import evaluate_classes
from coverslip.read import write_table
from coverslip.study.classes.bench import open_bench
from coverslip.study.classes.chance import coverage_rows
from coverslip.study.classes.divisions import folds_of
from coverslip.study.classes.pooling import compared, together
from coverslip.study.findings import columns
from coverslip.train.run import Run

NORMAL = ("normal_superficiel", "normal_intermediate", "normal_columnar")
ORDER = (*NORMAL, "light_dysplastic", "moderate_dysplastic", "severe_dysplastic", "carcinoma_in_situ")

KINDS: dict[str, dict[str, Any]] = {
    "mobincep": {"network": "mobincep"},
    "mobincep, cross-entropy only": {"network": "mobincep", "between": 0.0, "within": 0.0},
    "mobincep, last epoch": {"network": "mobincep", "patience": 0},
    "wavem_cnn": {"network": "wavem_cnn"},
    "organet": {"network": "organet"},
    "organet, no mmd": {"network": "organet", "mmd": 0.0},
    "mobilenet_v2": {"network": "mobilenet_v2"},
    "resnet18": {"network": "resnet18"},
    "linear": {"network": "linear"},
    "knn": {"network": "knn"},
    "linear, held out": {"network": "linear", "cross": 0},
    "knn, held out": {"network": "knn", "cross": 0},
}


def sheet_of(task: str, data: Path, out: Path) -> tuple[Path, dict[str, Any]]:
    """A sheet of the images, and what the task sets."""
    out.mkdir(parents=True, exist_ok=True)
    path, lines = out / f"{task}.csv", []
    if task == "jurkat":
        with open(data / "jurkat_cellcycle" / "sheet.csv") as stream:
            lines = [(data / "jurkat_cellcycle" / row["image"], row["label"], "") for row in csv.DictReader(stream)]
        settings: dict[str, Any] = {"imbalance": "weights"}
    else:
        for folder in sorted((data / "herlev_papsmear" / "images").iterdir()):
            name = folder.name if task == "herlev7" else "normal" if folder.name in NORMAL else "abnormal"
            lines += [(file, name, "-".join(file.stem.split("-")[:2])) for file in sorted(folder.iterdir())]
        settings = {"order": ORDER} if task == "herlev7" else {}
    with open(path, "w", newline="") as stream:
        csv.writer(stream).writerows([("image", "label", "group"), *lines])
    return path, settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("herlev2", "herlev7", "jurkat"))
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--width", type=float, default=0.5)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--patience", type=int, default=0, help="0: the best epoch of all, by the held-out images")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--kinds", default="mobincep;mobincep, cross-entropy only;resnet18;linear;knn")
    parser.add_argument("--precision", default="fp32")
    asked = parser.parse_args()
    sheet, settings = sheet_of(asked.task, asked.data, asked.out)
    shared = {**settings, "size": asked.size, "width": asked.width, "epochs": asked.epochs}
    shared |= {"patience": asked.patience or asked.epochs, "batch": asked.batch, "learning_rate": asked.learning_rate}
    bench = open_bench("classify", sheet, asked.out, settings=shared, run=Run(device="cpu", precision=asked.precision))
    kinds = {name: type(bench.config).parse({**shared, **KINDS[name]}) for name in asked.kinds.split(";")}
    plan = folds_of(bench.codes, bench.groups, asked.folds, 1, bench.validation, seed=0)
    tested = bench.run_fits(kinds, plan, asked.task)
    pooled = {kind: together(bench, [each for each in tested if each.kind == kind]) for kind in kinds}
    rows = [{"kind": kind, **row} for kind, (found, _, _) in pooled.items() for row in evaluate_classes(found)]
    differences = compared(pooled, list(kinds))
    chance_of = {
        (kind, row["class"]): row["by chance"]
        for kind, (found, _, _) in pooled.items()
        for row in coverage_rows(found, [t for t in tested if t.kind == kind], evaluate_classes(found))
    }
    write_table(columns(rows), asked.out / "summary.csv")
    chance = np.bincount(bench.codes).max() / len(bench.codes)
    print(f"{len(bench.codes)} images, {len(bench.classes)} classes; always the largest: {chance:.3f}")
    for row in rows:
        if row["class"] == "all" or row["measure"] == "coverage":
            expected = chance_of.get((row["kind"], row["class"])) if row["measure"] == "coverage" else None
            by_chance = f"  by chance {expected}" if expected else ""
            print(f"{row['kind']:30} {row['class']:20} {row['measure']:18} {_shown(row, '.3f')}{by_chance}")
    for row in differences:
        print(f"{row['first']} - {row['minus']}: {row['measure']} {_shown(row, '+.3f')}")


def _shown(row: dict[str, Any], form: str) -> str:
    return f"{row['value']:{form}} [{row['low']:{form}}, {row['high']:{form}}]"


if __name__ == "__main__":
    main()
