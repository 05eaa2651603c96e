"""Nuclei of stained sections without an annotation: plain Otsu, a classical setting, the network as it was warmed, the
same adapted to each image, and the method as it was published; against the truth, image by image.

    python benchmarks/he_nuclei.py ../shared/data results.csv
    python benchmarks/he_nuclei.py ../shared/data results.csv --rows otsu classical --sets dsb2018_stained
    python benchmarks/he_nuclei.py ../shared/data shifts.csv --shifts

Settings were chosen on every second image of dsb2018_stained (from the first), every third of monuseg and the first
half of the training tiles of brca_m2c; `part` in the table says ``chosen`` of these and ``held out`` of the others.
No row looks at a mask or a point: they serve to measure alone.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from skimage.color import hsv2rgb, rgb2hed, rgb2hsv
from skimage.feature import peak_local_max
from skimage.filters import threshold_local, threshold_otsu
from skimage.segmentation import watershed

import coverslip as cs
from coverslip.io.cells import read_cells
from coverslip.measure.intervals import bootstrap, paired_difference
from coverslip.measure.objects.instances import aggregated_jaccard
from coverslip.measure.objects.overlaps import overlap
from coverslip.read import read_labels

NEAR = 6
"""Pixels that a point may lie beside an object and still be found by it."""


@dataclass(frozen=True)
class Case:
    """An image with what is true of it."""

    name: str
    rgb: np.ndarray
    truth: np.ndarray
    part: str


def cases(data: Path, name: str) -> list[Case]:
    """The images of a set: ``truth`` is a label image, or points ``(n, 2)`` of rows and columns."""
    rows = read_cells(data / name / "sheet.csv").rows
    step = {"dsb2018_stained": 2, "monuseg": 3}.get(name)
    found = []
    for i, row in enumerate(rows):
        rgb = cs.open_image(data / name / row["image"]).read()[:3]
        if step:
            truth, chosen = read_labels(data / name / row["mask"]).labels, i % step == 0
        else:
            points = read_cells(data / name / row["points"]).rows
            truth = np.array([(float(p["y_px"]), float(p["x_px"])) for p in points]).reshape(-1, 2)
            chosen = i < 16
        found.append(Case(Path(row["image"]).stem, rgb, truth, "chosen" if chosen else "held out"))
    return found


# ---- rows ------------------------------------------------------------------------------------------------------------


def _divided(mask: np.ndarray, area: int) -> np.ndarray:
    distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(mask), 1)
    pieces, _ = ndimage.label(mask)
    peaks = peak_local_max(distance, min_distance=5, labels=pieces, exclude_border=False)
    markers = np.zeros(mask.shape, np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    labels = watershed(-distance, markers, mask=mask)
    kept = np.bincount(labels.ravel()) >= area
    kept[0] = False
    return (np.cumsum(kept) * kept)[labels].astype(np.int32)


def otsu(rgb: np.ndarray) -> np.ndarray:
    """Otsu's threshold of haematoxylin, watershed of the distance."""
    amount = rgb2hed(np.moveaxis(rgb, 0, -1))[..., 0]
    return _divided(amount > threshold_otsu(amount), 60)


def classical(rgb: np.ndarray) -> np.ndarray:
    """Haematoxylin, sigma 1.5, half local and half Otsu's threshold, at least 60 pixels."""
    amount = ndimage.gaussian_filter(rgb2hed(np.moveaxis(rgb, 0, -1))[..., 0], 1.5)
    mask = amount > 0.5 * threshold_local(amount, 51) + 0.5 * threshold_otsu(amount)
    return _divided(ndimage.binary_opening(ndimage.binary_fill_holes(mask)), 60)


def find_nuclei(rgb: np.ndarray) -> np.ndarray:
    """The package's own classical segmentation."""
    return cs.samples.find_nuclei(cs.Image.from_array(rgb, "CYX")).labels


def ours(model: Any, **options: Any) -> Callable[[np.ndarray], np.ndarray]:
    """The network, with some options of `coverslip predict`."""
    return lambda rgb: cs.predict(model, rgb, device="cpu", **options).labels


def rows_of(model: Any) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """All rows of the table."""
    return {
        "otsu": otsu,
        "classical": classical,
        "find_nuclei": find_nuclei,
        "warmed": ours(model, adapt="none"),
        "adapted": ours(model),
        "adapted, alpha 0": ours(model, alpha=0.0),
        "adapted, alpha 0.6": ours(model, alpha=0.6),
        "adapted, alpha 1": ours(model, alpha=1.0),
        "adapted, macenko": ours(model, stains="macenko"),
        "adapted, flips": ours(model, flips=True),
        "seed": ours(model, recipe="seed"),
    }


# ---- measures --------------------------------------------------------------------------------------------------------


def point_counts(points: np.ndarray, labels: np.ndarray) -> tuple[int, int, int]:
    """Points found by an object of their own (in it, or within 6 pixels), objects without a point, points missed."""
    count = int(labels.max(initial=0))
    gain = np.zeros((len(points), count + 1))
    for i, (y, x) in enumerate(points):
        rows, columns = (slice(max(0, int(at) - NEAR), int(at) + NEAR + 1) for at in (y, x))
        near = labels[rows, columns]
        yy, xx = np.mgrid[rows.start : rows.start + near.shape[0], columns.start : columns.start + near.shape[1]]
        far = np.hypot(yy - y, xx - x)
        for label in np.unique(near[(near > 0) & (far <= NEAR)]):
            gain[i, label] = 2 - far[near == label].min() / (NEAR + 1)
    matched = linear_sum_assignment(-gain[:, 1:]) if count and len(points) else (np.zeros(0, int),) * 2
    right = int((gain[:, 1:][matched] > 0).sum())
    return right, count - right, len(points) - right


def measured(found: Sequence[tuple[Case, np.ndarray]], seed: int = 0) -> Iterator[dict[str, Any]]:
    """Rows of the table: each measure as a mean over images and of all together, with 95 % intervals over images."""
    if found[0][0].truth.ndim == 2 and found[0][0].truth.shape[1] == 2:
        counts = np.array([point_counts(case.truth, labels) for case, labels in found], float)
        f1 = 2 * counts[:, 0] / np.maximum(2 * counts[:, 0] + counts[:, 1] + counts[:, 2], 1)
        mean = bootstrap(mean_of, f1, seed=seed)
        right, false, missed = counts.sum(axis=0)
        yield {"measure": "f1", "mean": mean.value, "low": mean.low, "high": mean.high}
        yield {"measure": "f1 pooled", "mean": 2 * right / (2 * right + false + missed)}
        return
    result = cs.measure.evaluate_labels([(case.name, case.truth, labels) for case, labels in found], seed=seed)
    for name in ("aji", "pixel_f1", "ap50"):
        row = result.get(name)
        yield {"measure": name, "mean": row.mean, "low": row.mean_low, "high": row.mean_high}
        yield {"measure": f"{name} pooled", "mean": row.value, "low": row.low, "high": row.high}


def compared(a: Sequence[tuple[Case, np.ndarray]], b: Sequence[tuple[Case, np.ndarray]]) -> Any:
    """How much better the one is than the other on the same images (AJI, or F1 of points), with its interval."""
    one, other = (np.array([quality(case, labels) for case, labels in found]) for found in (a, b))
    return paired_difference(mean_of, one, other)


def mean_of(values: np.ndarray) -> float:
    """The mean of one value per image."""
    return float(np.mean(values))


def quality(case: Case, labels: np.ndarray) -> float:
    """AJI of an image, or F1 of its points."""
    if case.truth.shape[1] == 2:
        right, false, missed = point_counts(case.truth, labels)
        return 2 * right / max(2 * right + false + missed, 1)
    return aggregated_jaccard(overlap(case.truth, labels))


# ---- robustness ------------------------------------------------------------------------------------------------------


def shifts() -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """What is done to images: each name ends with how much of it."""
    found: dict[str, Callable[[np.ndarray], np.ndarray]] = {"none 0": lambda rgb: rgb}
    for turn in (-0.08, -0.04, 0.04, 0.08):
        found[f"hue {turn}"] = lambda rgb, turn=turn: _hue(rgb, turn)
    for factor in (0.6, 0.8, 1.2):
        found[f"brightness {factor}"] = lambda rgb, factor=factor: _bytes(rgb * factor)
    for sigma in (1, 2):
        found[f"blur {sigma}"] = lambda rgb, sigma=sigma: _bytes(ndimage.gaussian_filter(rgb * 1.0, (0, sigma, sigma)))
    for zoom in (0.5, 0.7, 1.4, 2.0):
        found[f"zoom {zoom}"] = lambda rgb, zoom=zoom: _bytes(_zoomed(rgb, zoom))
    return found


def _bytes(rgb: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)


def _hue(rgb: np.ndarray, turn: float) -> np.ndarray:
    hsv = rgb2hsv(np.moveaxis(rgb, 0, -1))
    hsv[..., 0] = (hsv[..., 0] + turn) % 1
    return _bytes(255 * np.moveaxis(hsv2rgb(hsv), -1, 0))


def _zoomed(rgb: np.ndarray, zoom: float) -> np.ndarray:
    smooth = ndimage.gaussian_filter(rgb * 1.0, (0, *(0.5 * max(1 / zoom - 1, 0),) * 2))
    return ndimage.zoom(smooth, (1, zoom, zoom), order=1, grid_mode=True, mode="nearest")


def run(
    data: Path, sets: Sequence[str], wanted: Sequence[str], model: Any, shifted: bool, every: int
) -> Iterator[dict[str, Any]]:
    """All rows of the table."""
    rows = {name: find for name, find in rows_of(model).items() if name in wanted}
    for name in sets:
        images = cases(data, name)[:: 6 if shifted else every]
        for shift, change in shifts().items() if shifted else (("none 0", shifts()["none 0"]),):
            found: dict[str, list[tuple[Case, np.ndarray]]] = {}
            for row, find in rows.items():
                begun = time.monotonic()
                pairs = [(case, _back(find(change(case.rgb)), case.rgb.shape[1:])) for case in images]
                seconds = (time.monotonic() - begun) / len(images)
                found[row] = pairs
                for part in ("all",) if shifted else ("chosen", "held out", "all"):
                    own = [pair for pair in pairs if part in ("all", pair[0].part)]
                    for line in measured(own) if own else ():
                        first = {"set": name, "shift": shift, "part": part, "row": row, "images": len(own)}
                        yield {**first, **line, "seconds": seconds}
            if not shifted and {"warmed", "adapted"} <= set(found):
                gain = compared(found["adapted"], found["warmed"])
                line = {"measure": "gain of adapting", "mean": gain.value, "low": gain.low, "high": gain.high}
                yield {"set": name, "shift": shift, "part": "all", "row": "adapted", "images": len(images), **line}


def _back(labels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Labels of a zoomed image on the pixels of the image."""
    if labels.shape == size:
        return labels
    at = [
        np.clip(((np.arange(n) + 0.5) * m / n).astype(int), 0, m - 1) for n, m in zip(size, labels.shape, strict=True)
    ]
    return labels[np.ix_(*at)]


def main() -> None:
    """Read the arguments, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder of the sets")
    parser.add_argument("out", type=Path, help="the table, .csv")
    parser.add_argument("--model", default="he-nuclei", help="a model folder or a shipped name")
    parser.add_argument("--sets", nargs="+", default=["dsb2018_stained", "monuseg", "brca_m2c"])
    parser.add_argument("--rows", nargs="+", default=["otsu", "classical", "find_nuclei", "warmed", "adapted"])
    parser.add_argument("--shifts", action="store_true", help="every sixth image, shifted in many ways")
    parser.add_argument("--every", type=int, default=1, help="every so many images of each set")
    arguments = parser.parse_args()
    model = cs.load(arguments.model)
    columns = ["set", "shift", "part", "row", "images", "measure", "mean", "low", "high", "seconds"]
    with arguments.out.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        for line in run(arguments.data, arguments.sets, arguments.rows, model, arguments.shifts, arguments.every):
            said = {name: f"{value:.4f}" if isinstance(value, float) else value for name, value in line.items()}
            writer.writerow(said)
            stream.flush()
            print(*said.values(), sep="  ", flush=True)


if __name__ == "__main__":
    main()
