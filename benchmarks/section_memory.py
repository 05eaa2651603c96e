"""A section of 30,000 x 30,000 pixels under a bound of memory, killed half way and resumed.

    python benchmarks/section_memory.py model/ laboratories/section_1.tif --work work --out results.csv --channels 0

The section is a phantom repeated (its first channel), a tiled TIFF of 1.8 GB in the folder ``--work``. The model may be
any `section` model; how good it is does not matter here. Memory is the most that the process ever held (VmHWM).
"""

from __future__ import annotations

import argparse
import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile

STEP = 512


def write_section(source: Path, out: Path, side: int) -> None:
    """A phantom repeated up to `side`, in tiles."""
    pixels = tifffile.imread(source)
    pixels = pixels[0] if pixels.ndim == 3 else pixels

    def parts() -> Iterator[np.ndarray]:
        for y in range(0, side, STEP):
            for x in range(0, side, STEP):
                rows, columns = (
                    (np.arange(at, at + STEP) % length) for at, length in zip((y, x), pixels.shape, strict=True)
                )
                yield pixels[np.ix_(rows, columns)]

    unfinished = out.with_suffix(".part")
    tifffile.imwrite(
        unfinished,
        parts(),
        shape=(side, side),
        dtype=pixels.dtype,
        tile=(STEP, STEP),
        bigtiff=True,
        resolution=(20000, 20000),
        resolutionunit="CENTIMETER",
    )
    unfinished.rename(out)


def held(pid: int) -> float:
    """The most memory that a process held, GB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024 / 1e9
    return 0.0


def watched(command: list[str], blocks: Path, kill_at: float) -> tuple[int | None, float, dict[str, int]]:
    """Run a command; kill it when as many tiles are done. Gives its code, its memory and when tiles were written."""
    process, most = subprocess.Popen(command), 0.0
    seen: dict[str, int] = {}
    while process.poll() is None:
        try:
            most = max(most, held(process.pid))
            with os.scandir(blocks) as listed:
                seen |= {e.name: e.stat().st_mtime_ns for e in listed if e.name[0] != "." and e.name.endswith(".npz")}
        except (FileNotFoundError, ProcessLookupError):
            pass
        if len(seen) >= kill_at:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return None, most, seen
        time.sleep(0.1)
    return process.returncode, most, seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("phantom", type=Path)
    parser.add_argument("--side", type=int, default=30_000)
    parser.add_argument("--max-ram", default="4GB")
    parser.add_argument("--kill-at", type=int, default=200, help="Tiles after which the first run is killed.")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given, options = parser.parse_known_args()  # what is not known here is for predict
    given.work.mkdir(exist_ok=True)
    section, out = given.work / f"section_{given.side}.tif", given.work / f"found-{given.model.name}"
    if not section.exists():
        write_section(given.phantom, section, given.side)
    command = [sys.executable, "-m", "coverslip", "predict", str(given.model), str(section), "--out", str(out)]
    command += ["--device", "cpu", "--max-ram", given.max_ram, "--resume", *options]
    blocks = out.with_name(out.name + ".predicting") / "blocks" / section.stem
    began = time.monotonic()
    _, first, before = watched(command, blocks, given.kill_at)
    code, second, after = watched(command, blocks, float("inf"))
    again = sum(after.get(name, when) != when for name, when in before.items())
    row = {
        "model": given.model.name,
        "side": given.side,
        "max_ram": given.max_ram,
        "killed_after_tiles": len(before),
        "tiles": len(after),
        "repeated": again,
        "peak_gb_before": round(first, 2),
        "peak_gb_after": round(second, 2),
        "seconds": round(time.monotonic() - began),
        "exit": code,
    }
    print(row)
    new = not given.out.exists()
    with given.out.open("a", newline="") as stream:
        writer = csv.DictWriter(stream, list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)


if __name__ == "__main__":
    main()
