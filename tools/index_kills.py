"""Kill processes that add to an index at many moments, let two add at once, and search from forked processes.

    python tools/index_kills.py --kills 20

A process adds one batch after the other and says after each that it is in; it is killed (SIGKILL) at a random moment.
Afterwards every batch that was said to be in must be there, whole and with its own vectors, none may be there in part,
and the next process must be able to go on. Ends with 1 where that is not so.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from coverslip.core import InputError
from coverslip.io.index.nearest import nearest
from coverslip.io.index.store import create_index, open_index

BATCH, DIMENSIONS = 400, 64


def batch(who: str, number: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The vectors of a batch, which follow from its name."""
    vectors = np.random.default_rng([*who.encode(), number]).normal(size=(BATCH, DIMENSIONS)).astype(np.float32)
    return vectors, {"id": np.array([f"{who}-{number}-{i}" for i in range(BATCH)], object)}


def adding(folder: Path, who: str, first: int, last: int, said: int) -> None:
    """Add batches, each said once it is in; wait where another process adds."""
    for number in range(first, last):
        while True:
            try:
                open_index(folder).add(*batch(who, number))
                break
            except InputError:
                time.sleep(0.005 * random.random())
        os.write(said, f"{number}\n".encode())


def forked(folder: Path, who: str, first: int, last: int) -> tuple[int, int]:
    """Such a process: its id, and where it says what is in."""
    reader, writer = os.pipe()
    process = os.fork()
    if not process:
        os.close(reader)
        try:
            adding(folder, who, first, last, writer)
        finally:
            os._exit(0)
    os.close(writer)
    return process, reader


def heard(reader: int) -> list[int]:
    """What a process has said till its end."""
    with os.fdopen(reader, "rb") as file:
        return [int(line) for line in file.read().split(b"\n")[:-1]]


def wrong(folder: Path, said: dict[str, set[int]]) -> list[str]:
    """What is not as it should be."""
    index = open_index(folder)
    found: dict[tuple[str, int], int] = {}
    problems = []
    for segment in index.segments:
        ids = [str(one) for one in segment.table["id"]]
        who, number, _ = ids[0].split("-")
        vectors, rows = batch(who, int(number))
        found[who, int(number)] = found.get((who, int(number)), 0) + 1
        if ids != list(rows["id"]) or not np.array_equal(segment.vectors, vectors):
            problems.append(f"the batch {who}-{number} is there in part, or with other vectors")
    problems += [f"the batch {who}-{number} is there {n} times" for (who, number), n in found.items() if n > 1]
    problems += [f"the batch {who}-{n} is lost" for who, ns in said.items() for n in ns if (who, n) not in found]
    return problems


def searched(folder: Path) -> list[str]:
    """What a forked process finds."""
    index = _INDEX[0] if _INDEX else open_index(folder)
    return [str(one) for one in nearest(index, batch("a", 0)[0][:5], 3).rows["id"]]


_INDEX: list = []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    problems: list[str] = []
    with TemporaryDirectory() as name:
        folder = Path(name) / "kills.index"
        create_index(folder, DIMENSIONS).add(*batch("a", 0))  # what is imported for it is, then
        said: dict[str, set[int]] = {"a": {0}}
        for _ in range(asked.kills):
            there = {str(s.table["id"][0]).split("-")[1] for s in open_index(folder).segments}
            process, reader = forked(folder, "a", 1 + max(map(int, there)), 10**6)
            time.sleep(rng.uniform(0.02, 1.0))
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            said["a"] |= set(heard(reader))
            problems += wrong(folder, said)
        print(f"{asked.kills} kills, {len(open_index(folder).segments)} batches in, {len(problems)} problems")
        folder = Path(name) / "two.index"
        create_index(folder, DIMENSIONS)
        children = [(who, *forked(folder, who, 0, 15)) for who in "ab"]
        for _, process, _ in children:
            os.waitpid(process, 0)
        both = wrong(folder, {who: set(heard(reader)) for who, _, reader in children})
        total = len(open_index(folder))
        both += [f"{total} samples in place of {2 * 15 * BATCH}"] if total != 2 * 15 * BATCH else []
        print(f"two at once: {total:,} samples, {len(both)} problems")
        _INDEX.append(open_index(folder))
        mine = searched(folder)  # the parent has searched before it forks
        with get_context("fork").Pool(4) as pool:
            results = pool.map_async(searched, [folder] * 8).get(timeout=60)
        other = [f"a forked process found {found[:3]} in place of {mine[:3]}" for found in results if found != mine]
        print(f"forked: 8 searches in 4 processes, {len(other)} problems")
        problems += both + other
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
