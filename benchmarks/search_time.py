"""How long an exact search takes: an index of 100,000 and of 1,000,000 vectors of 128 numbers.

    python benchmarks/search_time.py [--lancedb]

One process; each round asks each of them for the 10 nearest of the same query, one after the other. The peers are
NumPy, as one would write it (all vectors normalised before and in memory, ``argsort`` of the products), and LanceDB's
flat scan. ``tissue`` is one of 20 texts, so that ``tissue = 't3'`` leaves a twentieth of the rows. Medians over the
rounds with quartiles, in ms, and the ratio of each peer to ours in the same round.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from coverslip.io.index.nearest import nearest
from coverslip.io.index.store import create_index, open_index

DIMENSIONS = 128
TOP = 10
TISSUES = np.array([f"t{number}" for number in range(20)], object)
ONE = "tissue = 't3'"


def vectors(count: int, seed: int) -> np.ndarray:
    """Vectors in clusters, as embeddings are."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(200, DIMENSIONS)).astype(np.float32)
    found = centres[rng.integers(200, size=count)]
    found += 0.7 * rng.standard_normal(found.shape, dtype=np.float32)
    return found


def naive(data: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    unit = data / np.linalg.norm(data, axis=1, keepdims=True)
    return lambda query: np.argsort(-(unit @ (query / np.linalg.norm(query))))[:TOP]


def lance(data: np.ndarray, tissue: np.ndarray, folder: Path) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    import lancedb
    import pyarrow as pa

    columns = {
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(data.ravel()), DIMENSIONS),
        "row": pa.array(np.arange(len(data))),
        "tissue": pa.array(tissue),
    }
    table = lancedb.connect(folder / "lance").create_table("vectors", pa.table(columns))

    def search(query: np.ndarray, where: str = "") -> np.ndarray:
        asked = table.search(query).distance_type("cosine").limit(TOP)
        found = (asked.where(where, prefilter=True) if where else asked).select(["row", "_distance"]).to_arrow()
        return np.asarray(found["row"])

    return {"LanceDB": search, "LanceDB, a filter": lambda query: search(query, ONE)}


def measured(count: int, rounds: int, with_lance: bool) -> None:
    data, queries = vectors(count, 0), vectors(rounds + 2, 1)
    tissue = TISSUES[np.random.default_rng(2).integers(len(TISSUES), size=count)]
    ids = np.char.add("cell ", np.arange(count).astype(str)).astype(object)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        create_index(folder / "v.index", DIMENSIONS).add(data, {"id": ids, "tissue": tissue})
        index = open_index(folder / "v.index")
        row = {one: i for i, one in enumerate(ids)}

        def ours(query: np.ndarray, where: str = "") -> np.ndarray:
            return np.array([row[one] for one in nearest(index, query, TOP, where=where).rows["id"]])

        ways = {"ours": ours, "ours, a filter": lambda query: ours(query, ONE), "NumPy": naive(data)}
        if with_lance:
            ways |= lance(data, tissue, folder)
        times: dict[str, list[float]] = {name: [] for name in ways}
        for number, query in enumerate(queries):
            found = {}
            for name, search in ways.items():
                start = time.perf_counter()
                found[name] = search(query)
                if number >= 2:  # the first ones read the files
                    times[name].append(1000 * (time.perf_counter() - start))
            assert all(set(found[name]) == set(found["ours"]) for name in ways if "filter" not in name)
            assert (tissue[found["ours, a filter"]] == "t3").all()
    for name, each in times.items():
        low, middle, high = np.percentile(each, (25, 50, 75))
        base = times["ours, a filter" if "filter" in name else "ours"]
        low_r, ratio, high_r = np.percentile(np.divide(each, base), (25, 50, 75))
        said = "" if name.startswith("ours") else f"   {ratio:.1f} x ours [{low_r:.1f}, {high_r:.1f}]"
        print(f"{count:>9,}  {name:18s} {middle:7.1f} ms [{low:.1f}, {high:.1f}]{said}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--counts", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--lancedb", action="store_true", help="also LanceDB (pip install lancedb)")
    asked = parser.parse_args()
    for count in asked.counts:
        measured(count, asked.rounds, asked.lancedb)
