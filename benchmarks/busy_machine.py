"""Coverslip beside other programs: how much longer it takes than on a quiet machine.

As many programs as there are cores loop beside it (or `--others`). Each command runs in a process of its own, in
interleaved rounds: quiet, busy, and quiet with what the OpenMP library does by itself. Printed are the
medians in seconds and the ratios; a fair share of two cores with two others beside is 2.

    python benchmarks/busy_machine.py ../shared/data/bbbc039/sheet.csv
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from coverslip.core.cores import cores
from coverslip.samples import read_sheet, write_sheet

LOOP = "while True: pass"
LEFT_ALONE = {"KMP_BLOCKTIME": "200"}
"""A setting of another library: where users have set anything of the kind, Coverslip sets nothing."""


@contextmanager
def others(count: int) -> Iterator[None]:
    """Programs that loop."""
    running = [subprocess.Popen([sys.executable, "-c", LOOP]) for _ in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def seconds(command: list[str], **settings: str) -> float:
    """How long a command takes."""
    start = time.perf_counter()
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "GOMP_", "KMP_"))}
    subprocess.run(
        [sys.executable, "-m", "coverslip", *command, "--force"],
        check=True,
        capture_output=True,
        env={**environment, **settings},
    )
    return time.perf_counter() - start


def main() -> None:
    """Time both commands, and print what the others cost them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sheet", type=Path, help="a sheet of fields with masks")
    parser.add_argument("--only", choices=("predict", "fit"))
    parser.add_argument("--fields", type=int, default=2)
    parser.add_argument("--others", type=int, default=cores())
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        few, out = Path(folder) / "few.csv", Path(folder) / "out"
        sheet = read_sheet(arguments.sheet)
        write_sheet(sheet.subset(list(range(arguments.fields))), few)
        commands = {
            "predict": ["predict", "nuclei-fluo-kaizen", str(few), "--out", f"{out}-labels"],
            "fit": ["fit", "unet", str(few), "--out", f"{out}-model", "--set", "epochs=1", "--set", "width=16"],
        }
        print(f"{'':10}{'quiet':>8}{'busy':>8}{'ratio':>8}{'quiet, spinning':>18}{'ratio':>8}")
        for name, command in commands.items():
            if arguments.only not in (None, name):
                continue
            times: dict[str, list[float]] = {"quiet": [], "busy": [], "spinning": []}
            for _ in range(arguments.rounds):
                times["quiet"].append(seconds(command))
                times["spinning"].append(seconds(command, **LEFT_ALONE))
                with others(arguments.others):
                    times["busy"].append(seconds(command))
            quiet, busy, spinning = (median(times[key]) for key in ("quiet", "busy", "spinning"))
            print(f"{name:10}{quiet:8.1f}{busy:8.1f}{busy / quiet:8.2f}{spinning:18.1f}{quiet / spinning:8.2f}")


if __name__ == "__main__":
    main()
