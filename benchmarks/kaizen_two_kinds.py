"""Two kinds of object in one image, and a generator for each: alone, side by side, and competing.

Phantoms: nuclei of the validation fields of BBBC039 and hollow beads, added onto real background in pairs of which one
covers 0 to 60 % of the smaller one (`cs.samples.overlap_phantoms`): two nuclei, two beads, or one of each. Beads are
drawn by a stated model: dye on the surface of a sphere, so that light is what a shell of 1.5 pixels has along the line
of sight; radius 9 to 17 pixels; brightness log-normal (0.3) around that of nuclei; blurred by a Gaussian of 1 pixel,
with the noise of one photon per grey value. All whole masks are known.

The generator of nuclei is a shipped model that has never seen a bead. That of beads is fitted here, on phantoms of the
training fields in which beads alone are labelled. Objects are counted for each kind by itself, as what the model that
made them is for: a bead that is called a nucleus is a missed bead and a wrong nucleus. `side by side` is what both
find, each on the image as it is, put together; `together` is one search in which both propose (``rivals``).

    python benchmarks/kaizen_two_kinds.py ../shared/data/bbbc039 --out kinds/
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

import coverslip as cs
from coverslip.core import Decomposition
from coverslip.core.fields import ArrayFields, Fields
from coverslip.measure import bootstrap, match
from coverslip.measure.objects.amodal import AmodalMasks, amodal_masks, amodal_overlap
from coverslip.read import write_table
from coverslip.samples import open_fields, overlap_phantoms
from coverslip.samples.cutting.phantoms import Phantom
from coverslip.train import Run

SHELL, BLUR, OFFSET = 1.5, 1.0, 150
KINDS = ("nucleus", "bead")
LEVELS = (0.0, 0.0, *np.arange(0.05, 0.6, 0.1).round(2))
FIT = {"patch": 48, "width": 16, "epochs": 60, "overlap": 0.5, "zoom": 1.0}


def beads(rng: np.random.Generator, brightness: float, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A field of beads apart from each other: image uint16, and labels."""
    light, labels = np.zeros(shape, np.float32), np.zeros(shape, np.int32)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    step = 58
    for top in range(0, shape[0] - step, step):
        for left in range(0, shape[1] - step, step):
            centre = np.array([top, left]) + step / 2 + rng.uniform(-4, 4, 2)
            radius = rng.uniform(9, 17)
            away = np.hypot(y - centre[0], x - centre[1])
            through = [np.sqrt(np.maximum(r**2 - away**2, 0)) for r in (radius, radius - SHELL)]
            shell = 2 * (through[0] - through[1])
            light += brightness * rng.lognormal(0, 0.3) * shell / shell[away < radius].mean()
            labels[away < radius] = labels.max() + 1
    seen = rng.poisson(ndimage.gaussian_filter(light, BLUR) + OFFSET)
    return np.clip(seen, 0, 65535).astype(np.uint16), labels


def material(fields: Fields, rows: Sequence[int], seed: int) -> tuple[ArrayFields, list[int]]:
    """Fields of nuclei, half as many of beads behind them (more of theirs stand alone), and the rows of both."""
    rng = np.random.default_rng(seed)
    images, labels = [fields.pixels(row)[0] for row in rows], [fields.labels(row) for row in rows]
    light = [image[mask > 0].mean() - np.median(image[mask == 0]) for image, mask in zip(images, labels, strict=True)]
    drawn = [beads(rng, float(np.median(light)), images[0].shape) for _ in rows[::2]]
    both = ArrayFields([*images, *(image for image, _ in drawn)], [*labels, *(mask for _, mask in drawn)])
    return both, list(range(len(both)))


def phantoms(fields: Fields, rows: Sequence[int], count: int, pairs: int, singles: int, seed: int) -> list[Phantom]:
    """Images of both kinds; the backgrounds are those of nuclei."""
    both, all_rows = material(fields, rows, seed)
    return overlap_phantoms(both, all_rows, overlap=LEVELS, pairs=pairs, singles=singles, count=count, seed=seed)


def kind_of(truth: Phantom, nuclei_fields: int) -> np.ndarray:
    """Of each object: 0 a nucleus, 1 a bead."""
    return (truth.objects["field"] >= nuclei_fields).astype(int)


def only(found: Any, chosen: np.ndarray) -> AmodalMasks:
    """Some of the objects of a phantom or a decomposition."""
    masks = amodal_masks(found)
    return AmodalMasks([masks.masks[int(i)] for i in np.flatnonzero(chosen)], masks.corners[chosen], masks.shape)


def fitted_to_beads(fields: Fields, folder: Path, seed: int) -> cs.Model:
    """The generator of beads; what is in the folder is taken."""
    if not (folder / "config.json").exists():
        training = np.flatnonzero(fields.obs["split"].astype(str) == "train")[:8].tolist()
        made = phantoms(fields, training, 8, 0, 80, seed + 1)
        labels = []
        for truth in made:
            kinds = np.append(0, kind_of(truth, len(training)))
            labels.append(np.where(kinds[truth.labels] == 1, truth.labels, 0))
        learned = ArrayFields([truth.image for truth in made], labels)
        run = Run(folder=folder.with_name("fit"), resume=True)
        cs.fit("kaizen", learned, {**FIT, "seed": seed}, run=run).save(folder)
    return cs.load(folder)


def measured(truths: Sequence[Phantom], nuclei_fields: int, found: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """AP and recall at IoU 0.5 of whole masks, for each way and kind, pooled and as a mean over images."""
    for way, results in found.items():
        for number, kind in enumerate(KINDS):
            counts = []
            for truth, result in zip(truths, results, strict=True):
                own = only(truth, kind_of(truth, nuclei_fields) == number)
                pair = match(amodal_overlap(own, result[number]), 0.5)
                counts.append((pair.tp, pair.fp, pair.fn))
            yield {"way": way, "kind": kind, **scores(np.array(counts))}


def scores(counts: np.ndarray) -> dict[str, Any]:
    """Of hits, wrong and missed ones of each image ``(images, 3)``; intervals by resampling images."""

    def ap(rows: np.ndarray) -> float:
        return float(rows[:, 0].sum() / rows.sum())

    def recall(rows: np.ndarray) -> float:
        return float(rows[:, 0].sum() / rows[:, [0, 2]].sum())

    line: dict[str, Any] = dict(zip(("hits", "wrong", "missed"), counts.sum(0).tolist(), strict=True))
    for name, measure in (("ap50", ap), ("recall", recall)):
        interval = bootstrap(measure, counts)
        line |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return line | {"ap50_mean": float(np.mean(counts[:, 0] / counts.sum(1)))}


def parted(made: Decomposition) -> list[AmodalMasks]:
    """Objects by the model that made them."""
    return [only(made, made.objects["generator"] == number) for number in range(len(KINDS))]


def main() -> None:
    """Make the phantoms, fit what is not fitted, apply all, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--kaizen", default="nuclei-fluo-kaizen", help="a model folder or the name of a shipped model")
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--passes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fit-only", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("kinds"))
    given = parser.parse_args()

    fields = open_fields(given.data)
    models = [cs.load(given.kaizen), fitted_to_beads(fields, given.out / "beads", given.seed)]
    if given.fit_only:
        return
    rows = np.flatnonzero(fields.obs["split"].astype(str) == "validation")
    rows = rows[np.linspace(0, len(rows) - 1, given.images).round().astype(int)].tolist()
    truths = phantoms(fields, rows, given.images, given.pairs, 0, given.seed)
    images = ArrayFields([truth.image for truth in truths])
    how = {"search": {"passes": given.passes}}
    nuclei, round_ones = (list(cs.predict(model, images, **how)) for model in models)
    together = list(cs.predict(models[0], images, rivals=[models[1]], **how))
    none = [AmodalMasks([], np.zeros((0, 2)), truth.labels.shape) for truth in truths]
    alone = [list(map(amodal_masks, found)) for found in (nuclei, round_ones)]
    found: dict[str, list[Any]] = {
        "nuclei alone": list(zip(alone[0], none, strict=True)),
        "beads alone": list(zip(none, alone[1], strict=True)),
        "side by side": list(zip(*alone, strict=True)),
        "together": [parted(made) for made in together],
    }
    table = list(measured(truths, len(rows), found))
    for line in table:
        if line["hits"] or line["wrong"]:
            ap, recall = (
                f"{name} {line[name]:.3f} [{line[f'{name}_low']:.3f}, {line[f'{name}_high']:.3f}]"
                for name in ("ap50", "recall")
            )
            counted = f"hits {line['hits']} wrong {line['wrong']} missed {line['missed']}"
            print(f"{line['way']:14}{line['kind']:9}{ap} (mean {line['ap50_mean']:.3f})  {recall}  {counted}")
    write_table({key: np.array([line[key] for line in table]) for key in table[0]}, given.out / "kaizen_two_kinds.csv")


if __name__ == "__main__":
    main()
