"""How many strokes instead of masks give what, and whether what a model is least sure of teaches it most.

Three questions, of images in transmitted light:

- phase: strokes are drawn in some of the true cells of some fields of phase contrast, lines in the ground; everything
  else stays unlabelled. Dice of all pixels and AP at IoU 0.5 are of whole fields that were left out, beside a fit to
  whole masks;
- stained: of tissue images the two the model is least sure of get strokes next, or two drawn at random;
- spheroids: strokes that a person drew on two of three brightfield spheroids; Dice on the pixels stroked in the third.

    python benchmarks/scribbles.py ../shared/data --out scribbles/ --question phase

Fits that are in `--out` already are not made again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage, stats

import coverslip as cs
from coverslip.core.fields import ArrayFields
from coverslip.measure import evaluate_labels
from coverslip.methods.unet.targets import scribbled
from coverslip.train import Run

STEPS = 150
SETTINGS: dict[str, Any] = {
    "scribbles": True,
    "separation": "distance",
    "width": 16,
    "batch": 4,
    "patch": 128,
    "validation": 0,
    "seed": 0,
}
LONG, WIDE = 16, 3
"""Pixels of a stroke, along and across."""


def strokes(mask: np.ndarray, objects: int, lines: int, seed: int) -> np.ndarray:
    """Strokes as a person draws them: one along the middle of some objects, lines in the ground; 0 elsewhere."""
    rng = np.random.default_rng(seed)
    drawn = np.zeros(mask.shape, np.int32)
    inside = ndimage.distance_transform_edt(mask > 0)
    numbers = np.unique(mask[mask > 0])
    for number in rng.permutation(numbers)[:objects]:
        y, x = np.nonzero(mask == number)
        deep = inside[y, x] >= min(WIDE, inside[y, x].max())
        y, x = y[deep], x[deep]
        at = int(inside[y, x].argmax())
        near = np.argsort(np.hypot(y - y[at], x - x[at]))[: LONG * WIDE]
        drawn[y[near], x[near]] = number + 1
    ground = ndimage.distance_transform_edt(mask == 0)
    for y, x in rng.permutation(np.argwhere(ground > 4))[:lines]:
        angle = rng.uniform(0, np.pi)
        along = np.linspace(-LONG, LONG, 4 * LONG)
        rows, columns = (
            np.rint(at + along * turn).astype(int) for at, turn in ((y, np.sin(angle)), (x, np.cos(angle)))
        )
        there = (rows >= 1) & (columns >= 1) & (rows < mask.shape[0] - 1) & (columns < mask.shape[1] - 1)
        line = np.zeros(mask.shape, bool)
        line[rows[there], columns[there]] = True
        drawn[ndimage.binary_dilation(line) & (ground > 2)] = 1
    return drawn


def fitted(images: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> Any:
    """A U-Net after so many steps, however many fields there are."""
    patches = sum(max(1, round(mask.size / SETTINGS["patch"] ** 2)) for mask in masks)
    epochs = max(1, round(STEPS / max(1, patches // SETTINGS["batch"])))
    return cs.fit("unet", ArrayFields(images, masks), {**SETTINGS, "epochs": epochs}, run=Run(device="cpu"))


def judged(model: Any, images: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> dict[str, Any]:
    """Dice of all pixels, AP at IoU 0.5, and of each image its Dice and how sure the model is."""
    found = [cs.predict(model, image) for image in images]
    seen = [label.labels > 0 for label in found]
    counts = np.array([[2 * (s & (m > 0)).sum(), s.sum() + (m > 0).sum()] for s, m in zip(seen, masks, strict=True)])
    table = evaluate_labels(
        (str(i), mask, label.labels) for i, (mask, label) in enumerate(zip(masks, found, strict=True))
    )
    return {
        "dice": float(counts[:, 0].sum() / max(counts[:, 1].sum(), 1)),
        "ap50": float(table.get("ap50").value),
        "each": (counts[:, 0] / np.maximum(counts[:, 1], 1)).tolist(),
        "sure": [float(label.expected_iou) for label in found],
    }


def reduced(pixels: np.ndarray, step: int) -> np.ndarray:
    """Means of blocks of an image ``(C, H, W)``: what is to be found is large, and the fits are many."""
    height, width = (length // step * step for length in pixels.shape[1:])
    blocks = pixels[:, :height, :width].reshape(len(pixels), height // step, step, width // step, step)
    return blocks.mean((2, 4)).astype(pixels.dtype)


def read(folder: Path, names: Sequence[str]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Images ``(C, H, W)`` and their masks."""
    masks = folder / ("masks" if (folder / "masks").is_dir() else "labels")
    images = [cs.open_image(folder / "images" / name).read() for name in names]
    true = [cs.open_image(next(masks.glob(f"{Path(name).stem}.*"))).read().squeeze().astype(np.int32) for name in names]
    return [image if image.ndim == 3 else image[None] for image in images], true


def phase(data: Path, out: Path) -> None:
    """Strokes in fields of phase contrast, whole fields to judge by."""
    names = sorted(path.name for path in (data / "usiigaci_phase" / "images").iterdir())
    images, masks = read(data / "usiigaci_phase", names)
    images, masks = [reduced(image, 2) for image in images], [mask[1::2, 1::2] for mask in masks]
    held_out = slice(4, None)
    for fields in (4, 1):
        for objects in (10, 40):
            drawn = [strokes(mask, objects, objects, seed=i) for i, mask in enumerate(masks[:fields])]
            share = float(np.mean([(one > 0).mean() for one in drawn]))
            said = {"fields": fields, "strokes each": 2 * objects, "labelled": share}
            once(
                out,
                f"phase-{fields}-{objects}",
                said,
                lambda d=drawn, n=fields: judged(fitted(images[:n], d), images[held_out], masks[held_out]),
            )
        whole = [np.where(mask > 0, mask + 1, 1) for mask in masks[:fields]]
        once(
            out,
            f"phase-{fields}-whole",
            {"fields": fields, "strokes each": "whole masks", "labelled": 1.0},
            lambda w=whole, n=fields: judged(fitted(images[:n], w), images[held_out], masks[held_out]),
        )


def stained(data: Path, out: Path) -> None:
    """What to label next: where the model is least sure, or anything."""
    folder = data / "dsb2018_stained"
    names = sorted(path.name for path in (folder / "images").iterdir())
    names = np.random.default_rng(0).permutation(names).tolist()
    images, masks = read(folder, names)
    pool, test = range(24), slice(24, None)

    def after(rows: Sequence[int]) -> Any:
        drawn = [strokes(masks[row], 10, 10, seed=row) for row in rows]
        return fitted([images[row] for row in rows], drawn)

    for start in range(3):
        first = [start * 2, start * 2 + 1]
        rest = [row for row in pool if row not in first]

        def begun(first: list[int] = first, rest: list[int] = rest) -> dict[str, Any]:
            model = after(first)
            unlabelled = judged(model, [images[row] for row in rest], [masks[row] for row in rest])
            return {**judged(model, images[test], masks[test]), "pool": unlabelled}

        found = once(
            out,
            f"stained-{start}-first",
            {"labelled": first},
            begun,
        )
        sure, dice = (np.array(found["pool"][name]) for name in ("sure", "each"))
        print(f"  sure and Dice of {len(sure)} images: Spearman {stats.spearmanr(sure, dice).statistic:.2f}")
        least = [rest[i] for i in np.argsort(sure)[:2]]
        drawn = np.random.default_rng(start).permutation(rest)[:2].tolist()
        for how, more in (("least-sure", least), ("random", drawn)):
            rows = [*first, *more]
            once(
                out,
                f"stained-{start}-{how}",
                {"labelled": rows},
                lambda r=rows: judged(after(r), images[test], masks[test]),
            )


def spheroids(data: Path, out: Path) -> None:
    """Strokes of a person on three brightfield spheroids: each is left out once."""
    folder = data / "spheroids_brightfield"
    drawn = sorted((folder / "scribbles").iterdir())
    masks = [cs.open_image(path).read().squeeze().astype(np.int32)[2::4, 2::4] for path in drawn]
    files = [folder / "spheroids" / path.name.removeprefix("Annotation of ") for path in drawn]
    images = [reduced(cs.open_image(path).read().reshape(1, 1024, 1024), 4) for path in files]
    for left in range(3):

        def fold(left: int = left) -> dict[str, Any]:
            others = [i for i in range(3) if i != left]
            model = fitted([images[i] for i in others], [masks[i] for i in others])
            seen, true = cs.predict(model, images[left]).labels > 0, scribbled(masks[left])
            there = true >= 0
            both = (seen & (true > 0)).sum()
            return {
                "dice": float(2 * both / (seen[there].sum() + (true > 0).sum())),
                "accuracy": float((seen == (true > 0))[there].mean()),
            }

        once(out, f"spheroids-{left}", {"left out": files[left].name}, fold)


def once(out: Path, name: str, said: dict[str, Any], work: Any) -> dict[str, Any]:
    """The numbers of a fit, from the file where they are known."""
    file = out / f"{name}.json"
    if not file.exists():
        file.write_text(json.dumps({**said, **work()}), encoding="utf-8")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    numbers = {key: round(found[key], 3) for key in ("dice", "ap50", "accuracy") if key in found}
    print(name, {key: found[key] for key in said}, numbers, flush=True)
    return found


def main() -> None:
    """Answer one question after the other, or one of them."""
    questions = {"phase": phase, "stained": stained, "spheroids": spheroids}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("scribbles"))
    parser.add_argument("--question", choices=list(questions))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in [arguments.question] if arguments.question else questions:
        questions[name](arguments.data, arguments.out)


if __name__ == "__main__":
    main()
