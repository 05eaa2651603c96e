"""How well whole objects are found by how much they overlap: Kaizen, a U-Net, and Otsu + watershed on phantoms.

Phantoms are made of the validation fields of BBBC039 (`cs.samples.overlap_phantoms`): real nuclei, cut out, are added
onto real background in pairs of which one covers 0 to 60 % of the smaller one. Whole (amodal) masks are known, and
matched one for one with what is found: Kaizen's whole masks, the labels of the others. IoU is the mean over the true
nuclei, 0 for those without a partner; recall the share with a partner at IoU >= 0.5. Intervals are over images.

    python benchmarks/kaizen_overlaps.py ../shared/data/bbbc039 --kaizen kaizen/ --unet unet/ --out overlaps/

With --absorbed the same objects are dark in transmitted light, by the law of Beer and Lambert: Kaizen explains the
optical density, and beside it the grey values with light and dark exchanged, where light does not add up.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip import load, predict
from coverslip.core.fields import ArrayFields
from coverslip.figures.style import figure_of, save_figure, styled
from coverslip.measure import AmodalEvaluation, evaluate_amodal
from coverslip.read import write_table
from coverslip.samples import open_fields, overlap_phantoms
from peers import Peer, add_peers, chosen_peers, classical

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEVELS = (*[0.0] * 3, *(round(start + more, 2) for start in np.arange(0, 0.6, 0.1) for more in (0.03, 0.05, 0.07)))
"""Three for each division of the table: what comes out differs from them by 0.02 at most, and stays in it."""


DENSEST = 1.6
"""Optical density (natural logarithm) of bright nuclei of the phantoms, one alone."""
_WHITE, _NOISE = 225, 1.5


def absorbing(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Fluorescence ``(1, H, W)`` as objects that absorb light, 8 bits: densities add up where intensities did."""
    low, high = np.percentile(image, (10, 99.5))
    light = _WHITE * np.exp(-DENSEST * np.maximum(image.astype(np.float32) - low, 0) / (high - low))
    return np.clip(np.rint(light + rng.normal(0, _NOISE, image.shape)), 0, 255).astype(np.uint8)


def for_absorbed(peers: dict[str, Peer], kaizen: Path | None, device: str) -> dict[str, Peer]:
    """The peers for objects that are dark: Kaizen on the optical density, too."""

    def inverted(peer: Peer) -> Peer:
        return lambda fields: peer(ArrayFields([255 - fields.pixels(i) for i in range(len(fields))]))

    found = {**peers, "Otsu + watershed": inverted(classical)}
    if kaizen is not None:
        model = load(kaizen)
        found["kaizen, inverted"] = inverted(found["kaizen"])
        found["kaizen"] = lambda fields: iter(predict(model, fields, device=device, light="absorbed"))
    return found


@styled
def curves(found: dict[str, AmodalEvaluation]) -> Figure:
    """IoU and recall by overlap, one line for each method."""
    figure = figure_of(8, 3.4)
    for axes, measure, title in zip(
        figure.subplots(1, 2, sharex=True),
        ("iou", "recall"),
        ("Mean IoU of whole masks", "Recall at IoU 0.5"),
        strict=True,
    ):
        for name, evaluation in found.items():
            rows = [row.__dict__ for row in evaluation.rows if row.overlap != "all"]
            at = np.arange(len(rows))
            (line,) = axes.plot(at, [row[measure] for row in rows], "o-", markersize=4, label=name)
            ends = [[row[f"{measure}_{end}"] for row in rows] for end in ("low", "high")]
            axes.fill_between(at, *ends, color=line.get_color(), alpha=0.15, linewidth=0)
        axes.set_xticks(at, [row["overlap"].replace(" %", "").replace(" to ", "-") for row in rows])
        axes.set_title(title)
        axes.set_xlabel("Overlap, % of the smaller nucleus")
        axes.set_ylim(0, 1.02)
    axes.legend()
    return figure


def main() -> None:
    """Make the phantoms, apply every method, and print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    add_peers(parser)
    parser.add_argument("--images", type=int, default=50)
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--absorbed", action="store_true", help="the objects absorb light")
    parser.add_argument("--out", type=Path, default=Path("overlaps"))
    given = parser.parse_args()

    fields = open_fields(given.data)
    rows = np.flatnonzero(fields.obs["split"].astype(str) == "validation")
    truths = overlap_phantoms(fields, rows, overlap=LEVELS, pairs=given.pairs, count=given.images, seed=given.seed)
    print(f"{len(truths)} phantoms, {sum(map(len, truths))} nuclei")
    pictures, peers = [truth.image for truth in truths], chosen_peers(given)
    if given.absorbed:
        rng = np.random.default_rng(given.seed)
        pictures = [absorbing(picture, rng) for picture in pictures]
        peers = for_absorbed(peers, given.kaizen, given.device)
    images = ArrayFields(pictures, channels=fields.channels[:1])
    found: dict[str, AmodalEvaluation] = {}
    table: list[dict[str, Any]] = []
    print(f"\n{'method':18}{'overlap':14}{'nuclei':>7}  IoU                   recall")
    for name, peer in peers.items():
        results = zip(truths, peer(images), strict=True)
        found[name] = evaluate_amodal(
            (f"{name}, phantom {i}", truth, result, truth.objects["overlap"])
            for i, (truth, result) in enumerate(results)
        )
        for row in found[name].rows:
            table.append({"method": name, **row.__dict__})
            iou = f"{row.iou:.3f} [{row.iou_low:.3f}, {row.iou_high:.3f}]"
            recall = f"{row.recall:.3f} [{row.recall_low:.3f}, {row.recall_high:.3f}]"
            print(f"{name:18}{row.overlap:14}{row.n:7}  {iou}  {recall}", flush=True)
        print(f"{name:18}AP at 0.5 {found[name].ap50:.3f}, {found[name].n_predicted} objects found", flush=True)
    write_table({key: np.array([row[key] for row in table]) for key in table[0]}, given.out / "kaizen_overlaps.csv")
    save_figure(curves(found), given.out / "kaizen_overlaps.png")


if __name__ == "__main__":
    main()
