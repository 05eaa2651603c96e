"""Phantom sections from images to tables: stages, cells, markers, seams, another laboratory, an absent type of cells.

    make() { coverslip samples phantom-sections --out "$@"; }
    make train --set size=3072 --set sections=6 --set seed=1
    make cells --set size=1536 --set sections=6 --set seed=5
    make section --set size=8192 --set sections=1 --set seed=2 --set markers=SOX9,SALL4,SCP3,CREM,PNA
    make laboratories --set size=4096 --set sections=4 --set laboratories=4 --set seed=3
    make knockout --set size=4096 --set sections=1 --set seed=4 --set "absent=El spt late"
    coverslip predict cell-model train/cells.csv --rotations 1 --tile 1024 --out train-cells
    coverslip fit section train/regions.csv … --set cells=cells --out region-model
    python benchmarks/section_phantoms.py . --regions region-model --cells cell-model --work work --out results.csv

The models are fitted to `train` and `cells`, sections of the first laboratory; settings are in results/README.md. The
column `cells` names what the cell model found in the sections of `train`, to which it was not fitted.
What was predicted stays in the folder ``--work``, so that a run that was killed goes on.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import coverslip as cs
from coverslip.core import Detections, Region
from coverslip.io.tables import read_table
from coverslip.measure.detections.agreement import steps_apart
from coverslip.measure.detections.matching import match_boxes
from coverslip.results.detections.truth import detections_of
from coverslip.samples import open_fields, read_sheet
from coverslip.samples.opening.marked import marks_of
from coverslip.samples.sections.testis import MARKERS, STAGES
from coverslip.verbs.predict import predict_to_file
from coverslip.work.asked import Asked

ABSENT = "El spt late"
SIDE = 768
"""Of the parts that are looked at as one tile and as many."""

Row = dict[str, Any]


def row(part: str, measure: str, value: float, n: int, of: str = "all") -> Row:
    """A line of the table."""
    print(f"{part:14} {of:14} {measure:28} {value:.4f}  (n = {n:,})", flush=True)
    return {"part": part, "class": of, "measure": measure, "value": float(value), "n": n}


def predicted(model: Path, sheet: Path, out: Path, **options: Any) -> list[Detections]:
    """What the command line finds; what is there already is taken as it is."""
    predict_to_file(model, sheet, out, asked=Asked(device="cpu", resume=True), options=options)
    return detections_of(out)


def stages(part: str, found: Detections, sheet: Path, index: int, likely: str = "vote_") -> Iterator[Row]:
    """How tubules were staged, those in doubt left out or not; what was not found, or not staged, is not right.

    Columns that begin with `likely` say how likely each stage is.
    """
    true = marks_of(open_fields(read_sheet(sheet)), index)
    pairs = match_boxes(found.boxes, found.score, true.boxes)
    truth = np.array([STAGES.index(str(name)) for name in true.names])[pairs.true]
    called, named = found.codes[pairs.found], found.named[pairs.found]
    away = steps_apart(truth[named], called[named], len(STAGES))
    yield row(part, "tubules found", len(pairs.true) / len(true), len(true))
    yield row(part, "spurious regions", (len(found) - len(pairs.true)) / len(found), len(found))
    yield row(part, "staged, of found", float(named.mean()), len(named))
    for steps, what in ((0, "stage right"), (1, "stage right or next")):
        yield row(part, f"{what}, of all", float((away <= steps).sum() / len(true)), len(true))
        yield row(part, f"{what}, of staged", float((away <= steps).mean()), int(named.sum()))
    votes = np.stack([np.asarray(found.columns[f"{likely}{name}"], float)[pairs.found] for name in STAGES], axis=1)
    away = steps_apart(truth, votes.argmax(axis=1), len(STAGES))
    for steps, what in ((0, "stage right"), (1, "stage right or next")):
        yield row(part, f"{what}, of all, if all are staged", float((away <= steps).sum() / len(true)), len(true))


def by_cells(part: str, found: Detections, sheet: Path, index: int) -> Iterator[Row]:
    """The same with the cells in them, and how alike they are to what the fit knows."""
    assert found.regions is not None
    for own in stages(part, found.regions, sheet, index, "chance_"):
        if "stage" in own["measure"]:
            yield {**own, "measure": f"{own['measure']}, by cells"}
    familiar = np.asarray(found.regions.columns["familiar"], float)
    yield row(part, "familiar, by cells", float((familiar >= 0.5).mean()), len(familiar))


def cells(part: str, out: Path, sheet: Path) -> Iterator[Row]:
    """F1 of cells."""
    for own in cs.evaluate(out, str(sheet)):
        if "F1" in own["measure"]:
            yield row(part, own["measure"], own["value"], own["n"], own["class"])


def positives(found: Detections, truth: dict[str, np.ndarray]) -> Iterator[Row]:
    """Per cent of positive cells: of all, and of those of the types that express a marker; found minus true."""
    for name in MARKERS:
        if f"positive_{name}" not in found.columns:
            continue
        bright, true = (np.asarray(x[f"positive_{name}"], bool) for x in (found.columns, truth))
        express, expressed = (np.isin(x, MARKERS[name]) for x in (found.names, truth["class"]))
        yield row(
            "markers", "positive of all cells, points apart", 100 * (bright.mean() - true.mean()), len(true), name
        )
        apart = 100 * (bright[express].mean() - true[expressed].mean())
        yield row("markers", "positive of its types, points apart", apart, int(expressed.sum()), name)


def seams(model: cs.Model, sheet: Path) -> Iterator[Row]:
    """Cells counted in four parts of a section, tile by tile and as one tile."""
    image = open_fields(read_sheet(sheet)).image(0)
    pixels = [image.crop(Region(y, x, SIDE, SIDE)).read()[:1] for y in (300, 1500) for x in (400, 1700)]
    counts = [
        sum(len(cs.predict(model, p, device="cpu", channels=[0], tile=tile)) for p in pixels) for tile in (256, 2048)
    ]
    yield row("seams", "cells, one tile each", counts[1], counts[1])
    yield row("seams", "cells, tiles of 256", counts[0], counts[1])
    yield row("seams", "apart", counts[0] / counts[1] - 1, counts[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="Holds the folders section, laboratories and knockout.")
    parser.add_argument("--regions", type=Path, required=True)
    parser.add_argument("--cells", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rotations", type=int, default=4, help="Directions of the cell model.")
    parser.add_argument("--tile", type=int, default=1024)
    parser.add_argument("--parts", nargs="*", default=["stages", "laboratories", "seams", "absent", "cells"])
    given = parser.parse_args()
    given.work.mkdir(exist_ok=True)
    how = {"rotations": given.rotations, "tile": given.tile}
    section, laboratories, knockout = (given.folder / name for name in ("section", "laboratories", "knockout"))
    rows: list[Row] = []
    if "stages" in given.parts:
        tubules = predicted(given.regions, section / "regions.csv", given.work / "tubules")
        rows += stages("section", tubules[0], section / "regions.csv", 0)
    if "laboratories" in given.parts:
        sheet = laboratories / "regions.csv"
        for i, found in enumerate(predicted(given.regions, sheet, given.work / "laboratories")):
            rows += stages(f"laboratory {i + 1}", found, sheet, i)
        out, sheet = given.work / f"laboratories-cells-{given.rotations}", laboratories / "cells.csv"
        regions, options = laboratories / "regions.csv", {"regions": str(given.work / "laboratories"), **how}
        for i, found in enumerate(predicted(given.cells, sheet, out, **options)):
            rows += by_cells(f"laboratory {i + 1}", found, regions, i)
    if "seams" in given.parts:
        rows += seams(cs.load(given.cells), laboratories / "cells.csv")
    if "absent" in given.parts:
        tubules = predicted(given.regions, knockout / "regions.csv", given.work / "knockout-tubules")
        rows += stages("knock-out", tubules[0], knockout / "regions.csv", 0)
        out, sheet = given.work / f"knockout-cells-{given.rotations}", knockout / "cells.csv"
        (found,) = predicted(given.cells, sheet, out, regions=str(given.work / "knockout-tubules"), **how)
        rows += by_cells("knock-out", found, knockout / "regions.csv", 0)
        rows.append(row("knock-out", "cells of the absent type", (found.names == ABSENT).mean(), len(found), ABSENT))
        rows += cells("knock-out", out, sheet)
    if "cells" in given.parts:
        out, sheet = given.work / f"cells-{given.rotations}", section / "cells.csv"
        markers = ",".join(f"{name}=otsu" for name in ("SOX9", "SALL4", "SCP3", "CREM", "PNA"))
        (found,) = predicted(given.cells, sheet, out, regions=str(given.work / "tubules"), markers=markers, **how)
        rows += by_cells("section", found, section / "regions.csv", 0)
        rows += cells("section", out, sheet)
        rows += positives(found, read_table(section / "truth.parquet"))
    with given.out.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
