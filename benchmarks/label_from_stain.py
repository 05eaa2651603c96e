"""Labels made from a stain against true ones: which threshold, which background, how good, how fast.

BBBC039 and the fluorescence images of the Data Science Bowl of 2018 are stains with true nuclei. Settings are compared
on their training images, and the defaults measured once more on the validation images, beside `find_nuclei` (Otsu and
a watershed of the distances) in the same run. On twenty training images of BBBC039 backgrounds are compared too, with
and without a slope that rises by three times the brightness of nuclei over the field.

    python benchmarks/label_from_stain.py ../shared/data --out stain/
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy import ndimage

from coverslip.classical.foreground import typical_diameter
from coverslip.cli.progress import shown_progress
from coverslip.core.image import Image
from coverslip.core.progress import track
from coverslip.measure import evaluate_labels
from coverslip.read import open_image, read_labels, write_table
from coverslip.samples import Sheet, StainSettings, find_nuclei, judge_stain, read_sheet, segment_stain
from coverslip.samples.stain.labels import lower_envelope

Method = Callable[[np.ndarray], np.ndarray]
Row = dict[str, Any]
Threshold = Literal["otsu", "local"]

SHOWN = ("ap50", "ap60", "ap70", "ap80", "ap90", "ap", "f1", "pixel_f1")


def stain(**settings: object) -> Method:
    """A method: labels with these settings."""
    chosen = StainSettings.parse(settings)
    return lambda pixels: segment_stain(pixels, chosen).labels


METHODS: dict[str, Method] = {
    "find_nuclei": lambda pixels: find_nuclei(Image.from_array(pixels)).labels,
    "otsu": stain(threshold="otsu"),
    "local": stain(threshold="local"),
    "auto": stain(),
    "local, split by shape": stain(threshold="local", split="shape"),
    "local, level 0.5": stain(threshold="local", level=0.5),
    "local, level 0.4": stain(threshold="local", level=0.4),
    "local, faintest 0.2": stain(threshold="local", faintest=0.2),
}
VALIDATED = ("find_nuclei", "otsu", "auto")


def smooth_ball(pixels: np.ndarray, window: float) -> np.ndarray:
    """The rolling ball of scikit-image on an image shrunk to a twelfth of the window, as ImageJ shrinks it."""
    from skimage.restoration import ellipsoid_kernel, rolling_ball
    from skimage.transform import resize

    step = max(1, int(window / 12))
    small = resize(pixels, tuple(-(-n // step) for n in pixels.shape), order=1, mode="edge", anti_aliasing=True)
    side = int(window / step) | 1
    ball = rolling_ball(small, kernel=ellipsoid_kernel((side, side), float(np.ptp(small))))
    return resize(ball, pixels.shape, order=1, mode="edge")


BACKGROUNDS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "none": lambda pixels, window: np.zeros_like(pixels),
    "tophat": lower_envelope,
    "gaussian": lambda pixels, window: ndimage.gaussian_filter(pixels, window / 2),
    "rolling ball": smooth_ball,
}


def read_pair(sheet: Sheet, index: int) -> tuple[str, np.ndarray, np.ndarray]:
    """The name, the stain and the true labels of an image."""
    file, mask = sheet.file(index), sheet.file(index, "mask")
    assert file is not None
    assert mask is not None
    return file.stem, open_image(file).read(), read_labels(mask).labels


def labelled(
    sheet: Sheet, name: str, method: Method, change: Callable[[np.ndarray], np.ndarray] = lambda pixels: pixels
) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Truth and labels of every image."""
    pairs = []
    for i in track(range(len(sheet)), name):
        image, pixels, truth = read_pair(sheet, i)
        pairs.append((image, truth, method(change(pixels))))
    return pairs


def row_of(kind: dict[str, str], pairs: list[tuple[str, np.ndarray, np.ndarray]]) -> Row:
    """Pooled measures with their intervals over images."""
    evaluation = evaluate_labels(pairs)
    row: Row = {**kind, "images": len(pairs), "nuclei": sum(len(np.unique(true)) - 1 for _, true, _ in pairs)}
    for measure in SHOWN:
        found = evaluation.get(measure)
        row |= {measure: found.value, f"{measure}_low": found.low, f"{measure}_high": found.high}
    return row


def compare(sheet: Sheet, kind: dict[str, str], names: tuple[str, ...]) -> list[Row]:
    """Methods on a set, over all images and for each group."""
    rows = []
    groups = np.array(sheet.column("group")) if "group" in sheet.columns else np.array([""] * len(sheet))
    for name in names:
        pairs = labelled(sheet, f"{kind['set']} {kind['part']}: {name}", METHODS[name])
        rows.append(row_of({**kind, "group": "", "method": name}, pairs))
        for group in sorted(set(groups) - {""}):
            own = [pair for pair, of in zip(pairs, groups, strict=True) if of == group]
            rows.append(row_of({**kind, "group": group, "method": name}, own))
    return rows


def without(background: Callable[[np.ndarray, float], np.ndarray], rule: Threshold) -> Method:
    """Labels of what is left without a background in a window of six diameters."""

    def method(pixels: np.ndarray) -> np.ndarray:
        # The diameter is that of the field without its slope: found the same way for all.
        diameter = typical_diameter(pixels - lower_envelope(pixels, min(pixels.shape) / 2))
        settings = StainSettings(background="none", threshold=rule, diameter=diameter)
        return segment_stain(pixels - background(pixels, 6 * diameter), settings).labels

    return method


def backgrounds(sheet: Sheet) -> list[Row]:
    """What is subtracted, on flat and on sloping fields."""

    def sloping(pixels: np.ndarray) -> np.ndarray:
        across = np.linspace(0, 3 * (np.percentile(pixels, 97) - np.median(pixels)), pixels.shape[1])
        return (pixels + across).astype(np.float32)

    rules: tuple[Threshold, ...] = ("otsu", "local")
    rows = []
    for kind, change in (("flat", lambda pixels: pixels.astype(np.float32)), ("sloping", sloping)):
        for name, background in BACKGROUNDS.items():
            for rule in rules:
                pairs = labelled(sheet, f"{kind}: {name}, {rule}", without(background, rule), change)
                rows.append(row_of({"field": kind, "background": name, "threshold": rule}, pairs))
    return rows


def flags(sheet: Sheet, name: str) -> list[Row]:
    """The flags of each image beside how good its labels are."""
    rows = []
    for i in track(range(len(sheet)), f"{name}: flags"):
        image, pixels, truth = read_pair(sheet, i)
        found = segment_stain(pixels)
        facts = judge_stain(found, pixels)
        right = evaluate_labels([(image, truth, found.labels)]).get("ap50").value if truth.any() else np.nan
        rows.append({"set": name, "image": image, "ap50": right, **facts.texts()})
    return rows


def speed(sheet: Sheet, rounds: int = 5) -> None:
    """Processor time of one image, interleaved, and the ratio to `find_nuclei`."""
    fields = [read_pair(sheet, i)[1] for i in range(len(sheet))]
    spent: dict[str, list[float]] = {name: [] for name in VALIDATED}
    for _ in track(range(rounds), "Speed"):
        for name in VALIDATED:
            start = time.process_time()
            for pixels in fields:
                METHODS[name](pixels)
            spent[name].append(1000 * (time.process_time() - start) / len(fields))
    for name in VALIDATED:
        ratios = np.array(spent[name]) / np.array(spent["find_nuclei"])
        low, middle, high = np.percentile(ratios, [25, 50, 75])
        print(f"{name}: {np.median(spent[name]):.0f} ms per image, ratio {middle:.2f} ({low:.2f} to {high:.2f})")


def save(rows: list[Row], path: Path) -> None:
    write_table({name: np.array([row[name] for row in rows]) for name in rows[0]}, path)


def show(rows: list[Row], names: tuple[str, ...]) -> None:
    """Print a table."""
    print("Pooled over images:", "  ".join(SHOWN))
    for row in rows:
        said = "  ".join(str(row[name]) for name in names if row[name])
        numbers = "  ".join(f"{row[measure]:.3f}" for measure in SHOWN)
        print(f"{said:58}  {numbers}")


def main() -> None:
    """Measure what is asked for, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("stain"))
    parser.add_argument("--only", choices=("methods", "backgrounds", "flags", "speed"), help="one part")
    arguments = parser.parse_args()

    parts = {}
    for name in ("bbbc039", "dsb2018_fluo"):
        sheet = read_sheet(arguments.data / name)
        for split in ("train", "validation"):
            rows = [i for i, text in enumerate(sheet.column("split")) if text == split]
            parts[name, split] = sheet.subset(rows)
    with shown_progress():
        if arguments.only in (None, "methods"):
            table: list[Row] = []
            for (name, split), sheet in parts.items():
                names = tuple(METHODS) if split == "train" else VALIDATED
                table += compare(sheet, {"set": name, "part": split}, names)
                save(table, arguments.out / "label_from_stain.csv")
            show(table, ("set", "part", "group", "method"))
        if arguments.only in (None, "backgrounds"):
            compared = backgrounds(parts["bbbc039", "train"].subset(list(range(0, 100, 5))))
            save(compared, arguments.out / "label_from_stain_background.csv")
            show(compared, ("field", "background", "threshold"))
        if arguments.only in (None, "flags"):
            judged = [row for (name, split), sheet in parts.items() if split == "train" for row in flags(sheet, name)]
            save(judged, arguments.out / "label_from_stain_flags.csv")
            for name in ("bbbc039", "dsb2018_fluo"):
                for flagged in (False, True):
                    right = [row["ap50"] for row in judged if row["set"] == name and bool(row["flags"]) == flagged]
                    said = "flagged" if flagged else "not flagged"
                    print(f"{name}: {len(right)} images {said}, mean AP at 0.5 {np.nanmean(right or [np.nan]):.3f}")
        if arguments.only in (None, "speed"):
            speed(parts["bbbc039", "train"].subset(list(range(0, 100, 10))))


if __name__ == "__main__":
    main()
