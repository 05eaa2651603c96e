"""The measures of label images, timed against the peers that are used for them.

Label images of round objects: 2,000 against 1,920 in 1024 x 1024 pixels, 8,000 against 7,900 in 4096 x 4096. Peers run
in this process, in interleaved rounds on the same arrays; the ratio is that of the medians, and its spread that of the
rounds' ratios. Numbers are compared too: a peer that counts otherwise stops the program.

- *StarDist*: its `matching`, at five thresholds in one call, where PYTHONPATH names the folder `stardist` of its wheel.
- *HoVer-Net*: its `get_fast_aji`, where PYTHONPATH names the folder `metrics` of its repository; else *masks*, the same
  definition with a mask of the whole image for each object, too.
- *dense*: a matrix of all pairs from `numpy.bincount`, and `linear_sum_assignment` on all of it.
- *scikit-image*: `skimage.metrics.contingency_table`, the table alone.

    python benchmarks/overlap_measures.py --out benchmarks/results/overlap_measures.csv
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from skimage.metrics import contingency_table

from coverslip.measure import (
    aggregated_jaccard,
    boundary_distances,
    count_matches,
    object_dice,
    overlap,
    panoptic_quality,
    splits_and_merges,
)

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)


def discs(objects: int, size: int, seed: int) -> np.ndarray:
    """Round objects on a grid, each a little off its place."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(objects)))
    step = size / side
    cell = (np.arange(size) // step).astype(int)
    number = cell[:, None] * side + cell[None]
    centre = (np.arange(side) + 0.5) * step
    y, x = (
        np.repeat(centre, side) + rng.normal(0, 1, side**2),
        np.tile(centre, side) + rng.normal(0, 1, side**2),
    )
    pixel = np.arange(size)
    inside = (pixel[:, None] - y[number]) ** 2 + (pixel[None] - x[number]) ** 2 < (0.42 * step) ** 2
    return np.where(inside & (number < objects), number + 1, 0).astype(np.int32)


def ours(truth: np.ndarray, prediction: np.ndarray) -> list[int]:
    return count_matches(overlap(truth, prediction), THRESHOLDS).tolist()


def ours_all(truth: np.ndarray, prediction: np.ndarray) -> tuple[Any, ...]:
    table = overlap(truth, prediction)
    counts = count_matches(table).tolist()
    return counts, panoptic_quality(table), aggregated_jaccard(table), object_dice(table), splits_and_merges(table)


def ours_jaccard(truth: np.ndarray, prediction: np.ndarray) -> float:
    return aggregated_jaccard(overlap(truth, prediction))


def loaded(name: str, **stand_ins: dict[str, Any]) -> types.ModuleType | None:
    """A module that lies on PYTHONPATH, loaded alone; what it imports but does not need here may be missing."""
    for other, content in stand_ins.items():
        if importlib.util.find_spec(other) is None:
            for part in (other, f"{other}.utils"):
                sys.modules[part] = types.ModuleType(part)
                sys.modules[part].__dict__.update(content)
    file = next((file for folder in sys.path if (file := Path(folder) / name).is_file()), None)
    spec = None if file is None else importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stardist_matching() -> Callable[[np.ndarray, np.ndarray], list[int]] | None:
    module = loaded("stardist/matching.py", csbdeep={"_raise": None})
    if module is None:
        return None
    return lambda truth, prediction: [found.tp for found in module.matching(truth, prediction, thresh=THRESHOLDS)]


def published_jaccard() -> dict[str, Any]:
    module = loaded("stats_utils.py", cv2={})
    return {"masks": (masks_jaccard, True)} if module is None else {"HoVer-Net": (module.get_fast_aji, True)}


def dense_matching(truth: np.ndarray, prediction: np.ndarray) -> list[int]:
    shape = truth.max() + 1, prediction.max() + 1
    codes = truth.ravel().astype(np.int64) * shape[1] + prediction.ravel()
    shared = np.bincount(codes, minlength=shape[0] * shape[1]).reshape(shape)
    iou = (shared / (shared.sum(axis=1, keepdims=True) + shared.sum(axis=0) - shared))[1:, 1:]
    counts = []
    for threshold in THRESHOLDS:
        rows, columns = linear_sum_assignment(iou >= threshold, maximize=True)
        counts.append(int((iou[rows, columns] >= threshold).sum()))
    return counts


def masks_jaccard(truth: np.ndarray, prediction: np.ndarray) -> float:
    masks = [prediction == label for label in range(1, prediction.max() + 1)]
    shared = together = 0
    used = set()
    for label in range(1, truth.max() + 1):
        mask = truth == label
        best, iou = 0, 0.0
        for other in np.unique(prediction[mask]):
            if other and (value := (mask & masks[other - 1]).sum() / (mask | masks[other - 1]).sum()) > iou:
                best, iou = int(other), value
        if best:
            shared += int((mask & masks[best - 1]).sum())
            together += int((mask | masks[best - 1]).sum())
            used.add(best)
        else:
            together += int(mask.sum())
    together += sum(int(mask.sum()) for label, mask in enumerate(masks, 1) if label not in used)
    return shared / together


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def compared(
    rows: list[dict[str, Any]],
    what: str,
    pair: tuple[np.ndarray, np.ndarray],
    our: Any,
    peers: dict[str, Any],
    rounds: int,
) -> None:
    """Print and note the times of one piece of work, and the ratios to its peers."""
    our(*pair)  # loads what is loaded once
    times: dict[str, list[float]] = {name: [] for name in ("coverslip", *peers)}
    for _ in range(rounds):
        spent, expected = seconds(lambda: our(*pair))
        times["coverslip"].append(spent)
        for name, (peer, same) in peers.items():
            spent, found = seconds(lambda peer=peer: peer(*pair))
            times[name].append(spent)
            if same and not np.allclose(found, expected, rtol=1e-6):
                raise SystemExit(f"{what}: {name} counts {found}, coverslip {expected}")
    for name, spent in times.items():
        ratio = np.array(spent) / np.array(times["coverslip"])
        low, middle, high = np.quantile(ratio, [0.25, 0.5, 0.75])
        milliseconds = 1000 * float(np.median(spent))
        rows.append(
            {
                "work": what,
                "by": name,
                "ms": f"{milliseconds:.1f}",
                "ratio": f"{middle:.1f}",
                "quartiles": f"{low:.1f} to {high:.1f}",
                "rounds": rounds,
            }
        )
        print(f"{what:46} {name:14} {milliseconds:9.1f} ms   {middle:6.1f} x ({low:.1f} to {high:.1f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path, help="write the table here (CSV)")
    given = parser.parse_args()

    small = discs(2000, 1024, 0), np.roll(discs(1920, 1024, 1), 1, 0)
    large = discs(8000, 4096, 0), np.roll(discs(7900, 4096, 1), 1, 0)
    peers: dict[str, Any] = {"dense": (dense_matching, True)}
    stardist = stardist_matching()
    if stardist is None:
        print("StarDist's wheel is not on PYTHONPATH: not compared.")
    else:
        stardist(*small)  # compiles its loop
        peers["StarDist"] = stardist, True
    rows: list[dict[str, Any]] = []
    rounds = given.rounds
    compared(rows, "1024², matching at 5 thresholds", small, ours, peers, rounds)
    compared(rows, "1024², table", small, overlap, {"scikit-image": (contingency_table, False)}, rounds)
    compared(rows, "1024², AJI", small, ours_jaccard, published_jaccard(), min(5, rounds))
    compared(rows, "1024², all measures at 10 thresholds", small, ours_all, {}, rounds)
    compared(rows, "4096², all measures at 10 thresholds", large, ours_all, {}, rounds)
    compared(rows, "4096², table", large, overlap, {"scikit-image": (contingency_table, False)}, min(3, rounds))

    def outlines(truth: np.ndarray, prediction: np.ndarray) -> Any:
        return boundary_distances(truth, prediction, overlap(truth, prediction))

    compared(rows, "1024², distances of outlines", small, outlines, {}, rounds)
    compared(rows, "4096², distances of outlines", large, outlines, {}, min(3, rounds))
    if given.out:
        with given.out.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
