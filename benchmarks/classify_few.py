"""How many labelled images are enough, and what a start without labels helps: Herlev Pap smears.

    python benchmarks/classify_few.py DATA OUT                      # normal against abnormal, 10, 30, 90 of each class
    python benchmarks/classify_few.py DATA OUT --task herlev7       # 7 ordered classes

DATA is the folder that holds ``herlev_papsmear``. A third of the images (whole source images) is tested and seen by
no fit. SimCLR learns from all others without their classes; of these each draw picks as many of each class as the size
says. Run again, it goes on at the unfinished fit.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from classify_folds import sheet_of
from coverslip import methods
from coverslip.cli.progress import shown_progress
from coverslip.core import Samples
from coverslip.core.samples import ArraySamples, Subset
from coverslip.figures.thumbnails import resize
from coverslip.measure import balanced_accuracy, evaluate_classes, paired_difference
from coverslip.measure.embeddings.folds import stratified
from coverslip.measure.scores import accuracy
from coverslip.read import write_table
from coverslip.samples import open_samples
from coverslip.study.classes.bench import Bench, Tested, open_bench
from coverslip.study.classes.divisions import sizes_of
from coverslip.study.classes.pooling import together
from coverslip.study.findings import columns
from coverslip.study.fits import fit_once
from coverslip.train.run import Run

KINDS: dict[str, dict[str, Any]] = {
    "resnet18": {"network": "resnet18"},
    "resnet18, simclr start": {"network": "resnet18", "start": True},
    "linear": {"network": "linear"},
    "linear, simclr start": {"network": "linear", "start": True},
    "mobincep": {"network": "mobincep"},
}
MEASURES = ("accuracy", "balanced accuracy", "AUC macro", "quadratic kappa", "coverage", "set size")


def main() -> None:
    """Fit, test, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--task", choices=("herlev2", "herlev7"), default="herlev2")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--width", type=float, default=0.5)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--start-epochs", type=int, default=60)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--sizes", default="10,30,90")
    parser.add_argument("--kinds", default=";".join(KINDS))
    asked = parser.parse_args()
    run = Run(device="cpu")
    sheet, settings = sheet_of(asked.task, asked.data, asked.out)
    shared = {**settings, "size": asked.size, "width": asked.width, "epochs": asked.epochs, "batch": 16, "patience": 10}
    with shown_progress():
        samples = shrunk(open_samples(sheet), asked.size)
        bench = open_bench("classify", samples, asked.out, settings=shared, run=run)
        sizes = asked.sizes.split(",")
        held = stratified(bench.codes, bench.groups, 3, 0)[0][1]
        plan = sizes_of(bench.codes, bench.groups, sizes, asked.draws, bench.validation, 0, tested=held)
        start = begun(bench, held, asked)
        tested = bench.run_fits(kinds_of(bench, asked.kinds.split(";"), shared, start), plan, "Few labels")
    report(bench, tested, asked.kinds.split(";"), sizes)


def shrunk(samples: Samples, size: int) -> Samples:
    """All images at one size in memory, so that every fit reads the same pixels."""
    stored = samples.read(np.arange(len(samples))).astype(np.float32)
    small = resize(stored.transpose(1, 2, 3, 0), size, size).transpose(3, 0, 1, 2)
    return ArraySamples(small.round().clip(0, 255).astype(np.uint8), samples.obs)


def begun(bench: Bench, held: np.ndarray, asked: argparse.Namespace) -> Path:
    """The folder of a SimCLR model that has seen no tested image."""
    folder = asked.out / "start"
    recipe = {"crop": 0.5, "drop_channel": 0.0}
    config = methods.simclr.Config.parse(
        {"width": int(64 * asked.width), "epochs": asked.start_epochs, "batch": 64, "learning_rate": 1e-3}
        | {"recipe": recipe, "validation": 0.0}
    )
    rest = np.setdiff1d(np.arange(len(bench.codes)), held)
    fit_once("simclr", Subset(bench.samples, rest), folder, config, run=bench.run)
    return folder


def kinds_of(bench: Bench, names: list[str], shared: dict[str, Any], start: Path) -> dict[str, Any]:
    """Settings of each kind of fit."""
    found = {}
    for name in names:
        own = {**KINDS[name]}
        if own.pop("start", False):
            own["start"] = str(start)
        found[name] = type(bench.config).parse({**shared, **own})
    return found


def report(bench: Bench, tested: list[Tested], kinds: list[str], sizes: list[str]) -> None:
    """Print and write what each kind of fit reaches with each size, and what the start adds."""
    rows: list[dict[str, Any]] = []
    for size in sizes:
        pooled = {
            kind: together(bench, [t for t in tested if t.kind == kind and t.division.facts["size"] == size])[0]
            for kind in kinds
        }
        for kind, found in pooled.items():
            rows += [
                {"size": size, "kind": kind, **row} for row in evaluate_classes(found) if row["measure"] in MEASURES
            ]
        for kind in kinds:
            plain = kind.partition(",")[0]
            if plain == kind or plain not in pooled:
                continue
            one, other = pooled[kind], pooled[plain]
            for name, statistic in (("accuracy", accuracy), ("balanced accuracy", balanced_accuracy)):
                found = paired_difference(statistic, one.predicted, other.predicted, one.codes, groups=one.groups)
                row = {"value": found.value, "low": found.low, "high": found.high, "n": len(one.codes)}
                rows.append({"size": size, "kind": f"{kind} - {plain}", "class": "all", "measure": name, **row})
    write_table(columns(rows), bench.out / "classify_few.csv")
    chance = np.bincount(bench.codes).max() / len(bench.codes)
    print(f"{len(bench.codes)} images; always the largest class: {chance:.3f}")
    for row in rows:
        if row["class"] == "all" or row["measure"] == "coverage":
            shown = f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
            print(f"{row['size']:>4} {row['kind']:34} {row['class']:20} {row['measure']:18} {shown}")


if __name__ == "__main__":
    main()
