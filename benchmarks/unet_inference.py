"""Speed of U-Net inference on the processor, against the network as it was trained (eager, fp32), and what it costs.

The network of `coverslip fit unet` at its default settings and a U-Net of the classical shape (no stem, five levels),
on one image of 1024 x 1024 pixels, each in every speed of `coverslip.nn.speed`. All run in this process in
interleaved rounds; a ratio is that of the medians. With a model and a sheet of fields with masks, the AP of the
objects found at each speed is compared too: the default must be the fastest that loses no more than 0.002.

    python benchmarks/unet_inference.py --model model/ --fields ../shared/data/bbbc039/sheet.csv --split validation

Compiling takes a minute for each network; `--skip compiled` leaves it out.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch

import coverslip as cs
from coverslip.cli.progress import shown_progress
from coverslip.core.fields import Fields, FieldSubset
from coverslip.core.progress import track
from coverslip.measure.objects.matching import THRESHOLDS, match
from coverslip.measure.objects.overlaps import overlap
from coverslip.methods.unet import Config, Segmenter
from coverslip.methods.unet.inference import segment
from coverslip.methods.unet.outputs import build
from coverslip.nn.speed import Quick, Speed
from coverslip.read import write_table
from coverslip.samples import open_fields

SPEEDS: tuple[Speed, ...] = tuple(speed for speed in get_args(Speed) if speed != "auto")
NETWORKS = {"default": Config(), "classical": Config(stem=1, levels=5)}
SPREAD = 0.2
"""Ratios that spread by more than this part are thrown away."""


def megapixels(side: int, speeds: list[Speed], rounds: int) -> list[dict[str, Any]]:
    """One row per network and speed: megapixels per second, and the ratio to eager with its quartiles."""
    x = torch.rand(1, 1, side, side, generator=torch.Generator().manual_seed(0))
    rows = []
    for name, config in NETWORKS.items():
        torch.manual_seed(0)
        network = build(config, 1)
        runners = {speed: Quick(network, "cpu", speed) for speed in speeds}
        for runner in runners.values():  # warm up: buffers, kernels, compilation
            runner(x)
        seconds: dict[str, list[float]] = {speed: [] for speed in speeds}
        for _ in track(range(rounds), f"Rounds of the {name} network"):
            for speed, runner in runners.items():
                started = time.perf_counter()
                runner(x)
                seconds[speed].append(time.perf_counter() - started)
        eager = np.array(seconds["eager"])
        for speed in speeds:
            low, high = np.quantile(eager / np.array(seconds[speed]), [0.25, 0.75])
            ratio = float(np.median(eager) / np.median(seconds[speed]))
            steady = high - low <= SPREAD * ratio
            rows.append(
                {
                    "network": name,
                    "speed": speed,
                    "megapixels_per_s": side**2 / 1e6 / float(np.median(seconds[speed])),
                    "ratio": ratio if steady else np.nan,
                    "ratio_low": float(low),
                    "ratio_high": float(high),
                }
            )
    return rows


def precision(model: Any, fields: Fields, speed: Speed) -> tuple[float, float]:
    """AP at IoU 0.5, and the mean over IoU 0.5 to 0.95, of all objects of all fields taken together."""
    segmenter = Segmenter(model, device="cpu", speed=speed)
    counts = np.zeros((len(THRESHOLDS), 2))
    for i in track(range(len(fields)), f"Fields, {speed}"):
        shared = overlap(fields.labels(i), segment(segmenter, fields, i)[0])
        found = [match(shared, at) for at in THRESHOLDS]
        counts += [(m.tp, m.tp + m.fp + m.fn) for m in found]
    each = counts[:, 0] / counts[:, 1]
    return float(each[0]), float(each.mean())


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=1024, help="side of the image, pixels")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--skip", nargs="*", default=[], choices=[s for s in SPEEDS if s != "eager"])
    parser.add_argument("--model", type=Path, help="a fitted U-Net, for AP")
    parser.add_argument("--fields", type=Path, help="a sheet of fields with masks, for AP")
    parser.add_argument("--split", help="only these fields of the sheet")
    parser.add_argument("--out", type=Path, help="write the table here (.csv)")
    arguments = parser.parse_args()
    speeds = [speed for speed in SPEEDS if speed not in arguments.skip]

    found = {}
    with shown_progress():
        if arguments.model is not None and arguments.fields is not None:
            model, fields = cs.load(arguments.model), open_fields(arguments.fields)
            if arguments.split is not None:
                fields = FieldSubset(fields, np.flatnonzero(fields.obs["split"].astype(str) == arguments.split))
            found = {speed: precision(model, fields, speed) for speed in speeds}
        rows = megapixels(arguments.side, speeds, arguments.rounds)

    print(f"{torch.get_num_threads()} thread(s), {arguments.side} x {arguments.side} pixels")
    print(f"{'network':10} {'speed':14} {'megapixels/s':>12} {'ratio to eager (quartiles)':>28}")
    for row in rows:
        ratio = "too unsteady" if np.isnan(row["ratio"]) else f"{row['ratio']:.2f}"
        quartiles = f"({row['ratio_low']:.2f} to {row['ratio_high']:.2f})"
        print(f"{row['network']:10} {row['speed']:14} {row['megapixels_per_s']:12.2f} {ratio:>12} {quartiles:>15}")
    for speed, (half, mean) in found.items():
        change = (half - found["eager"][0], mean - found["eager"][1])
        print(f"{speed:14} AP@0.5 {half:.4f} ({change[0]:+.4f})   mean AP {mean:.4f} ({change[1]:+.4f})")
    if any(np.isnan(row["ratio"]) for row in rows):
        print("Ratios that spread by more than 20 % were thrown away: this machine is too busy, run it again.")
    if arguments.out is not None:
        for row in rows:
            half, mean = found.get(row["speed"], (np.nan, np.nan))
            known = row["network"] == "default"
            row |= {"ap50": half if known else np.nan, "ap": mean if known else np.nan}
        write_table({key: np.array([row[key] for row in rows]) for key in rows[0]}, arguments.out)


if __name__ == "__main__":
    main()
