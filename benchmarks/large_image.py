"""An image of 20,000 x 20,000 pixels segmented within 3 GB, killed on the way and resumed.

The image is a mosaic of real fields, flipped at random, written as a tiled TIFF of 16 bits. `coverslip predict` is
killed (SIGKILL) once half of the blocks are done, and resumed; with ``--compare`` an uninterrupted run follows, and
both results must be equal. Printed are the peak memory of each process (as the system counts it), the blocks that it
computed, and its speed.

    python benchmarks/large_image.py MODEL ../shared/data/bbbc039/images --folder large --compare
"""

from __future__ import annotations

import argparse
import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from coverslip.core.image import Image, Window
from coverslip.read import list_images, open_image, read_labels, read_table, write_image_tiff

COUNTED = """
import sys
from coverslip.work.workers import Threads
count, done = 0, Threads._done
def counted(self, piece):
    global count
    count += 1
    return done(self, piece)
Threads._done = counted
from coverslip.cli import main
code = main(sys.argv[1:])
print("blocks", count)
sys.exit(code)
"""


class Mosaic:
    """Fields side by side, each flipped its own way; read window by window."""

    def __init__(self, files: list[Path], seed: int = 0) -> None:
        self.fields = [open_image(file).read() for file in files]
        self.height, self.width = self.fields[0].shape
        self.seed = seed

    def __call__(self, window: Window) -> np.ndarray:
        rows, columns = window
        out = np.empty((rows.stop - rows.start, columns.stop - columns.start), self.fields[0].dtype)
        for i in range(rows.start // self.height, -(-rows.stop // self.height)):
            for j in range(columns.start // self.width, -(-columns.stop // self.width)):
                y, x = i * self.height, j * self.width
                top, bottom = max(rows.start, y), min(rows.stop, y + self.height)
                left, right = max(columns.start, x), min(columns.stop, x + self.width)
                part = self.field(i, j)[top - y : bottom - y, left - x : right - x]
                out[top - rows.start : bottom - rows.start, left - columns.start : right - columns.start] = part
        return out

    def field(self, row: int, column: int) -> np.ndarray:
        rng = np.random.default_rng([self.seed, row, column])
        field = self.fields[rng.integers(len(self.fields))]
        return field[:: rng.choice([1, -1]), :: rng.choice([1, -1])]


def run(arguments: list[object], kill_at: int | None = None, unfinished: Path | None = None) -> dict[str, float]:
    """Run `coverslip predict`, killed once so many blocks are done; its seconds, peak memory and blocks."""
    started = time.monotonic()
    command = [sys.executable, "-c", COUNTED, "predict", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    done = 0
    while kill_at is not None and unfinished is not None and done < kill_at and process.poll() is None:
        time.sleep(0.05)
        done = len(list((unfinished / "blocks").rglob("0*.npz")))
    if kill_at is not None:
        process.send_signal(signal.SIGKILL)
    output = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    if kill_at is None:
        assert os.waitstatus_to_exitcode(status) == 0, output
        done = int(output.split("blocks")[-1])
        print(output.splitlines()[0])
    elif unfinished is not None:
        done = len(list((unfinished / "blocks").rglob("0*.npz")))
    return {"blocks": done, "seconds": seconds, "peak_gb": usage.ru_maxrss * 1024 / 1e9}


def main() -> None:
    """Make the image, kill, resume, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("images", type=Path, help="Folder of fields of one size.")
    parser.add_argument("--folder", type=Path, required=True, help="For the image and the results: about 3 GB.")
    parser.add_argument("--side", type=int, default=20_000)
    parser.add_argument("--max-ram", default="3GB")
    parser.add_argument("--kill-at", type=int, help="Blocks; default: half of them.")
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--out", type=Path, help="Write the numbers here (.csv).")
    given = parser.parse_args()

    given.folder.mkdir(parents=True, exist_ok=True)
    source = given.folder / f"mosaic{given.side}.tif"
    if not source.exists():
        mosaic = Mosaic(list_images(given.images)[:40])
        shape = (given.side, given.side)
        write_image_tiff(Image("YX", shape, mosaic.fields[0].dtype, "mosaic", mosaic), source)

    def command(name: str, *more: object) -> list[object]:
        out = given.folder / f"{name}.labels.tif"
        return [given.model, source, "--out", out, "--device", "cpu", "--max-ram", given.max_ram, *more]

    unfinished = given.folder / "killed.labels.tif.predicting"
    megapixels = given.side**2 / 1e6
    kill_at = given.kill_at or max(1, round((given.side / 2048) ** 2 / 2))
    runs = {"killed": run([*command("killed"), "--force"], kill_at, unfinished)}
    runs["resumed"] = run([*command("killed"), "--resume"])
    runs["both"] = {
        "blocks": runs["killed"]["blocks"] + runs["resumed"]["blocks"],
        "seconds": runs["killed"]["seconds"] + runs["resumed"]["seconds"],
        "peak_gb": max(one["peak_gb"] for one in runs.values()),
    }
    if given.compare:
        runs["uninterrupted"] = run([*command("whole"), "--force"])
        one, other = (read_labels(given.folder / f"{name}.labels.tif").labels for name in ("killed", "whole"))
        tables = [read_table(given.folder / f"{name}.objects.parquet") for name in ("killed", "whole")]
        same = np.array_equal(one, other) and all(
            np.array_equal(tables[0][name], tables[1][name], equal_nan=tables[0][name].dtype.kind == "f")
            for name in tables[0]
        )
        print(f"Labels and table of the resumed run equal those of the uninterrupted one: {same}")
    rows = []
    for name, found in runs.items():
        # Of a run that was killed it is not known how much of a block it had done.
        speed = "" if name in ("killed", "resumed") else f"{megapixels / found['seconds']:.2f}"
        row = {"run": name, "blocks": int(found["blocks"]), "seconds": round(found["seconds"])}
        rows.append({**row, "peak_gb": round(found["peak_gb"], 2), "megapixels_per_second": speed})
        print("  ".join(f"{key} {value}" for key, value in rows[-1].items()))
    if given.out is not None:
        with given.out.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
