"""Kaizen's rounds against the same search with one proposal at a time, as the algorithm is written in its source.

One at a time: the point of the largest averaged error is looked for in the whole image, one patch goes through the
network, and the loss of the whole image decides; then the next. The generator, its settings and what is accepted are
the same. It runs twice: with the network made quick as for the rounds, so that the ratio is that of the rounds alone,
and with the network as it was trained ("plain"), as a program written down from the source would run it. All run in
this process, field by field; printed are seconds per field, the ratios of their sums, and how far they agree.

    python benchmarks/kaizen_one_at_a_time.py ../shared/data/bbbc039 --kaizen nuclei-fluo-kaizen --fields 5
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from scipy import ndimage

from coverslip import load
from coverslip.core.fields import Fields
from coverslip.measure import match, overlap
from coverslip.methods.kaizen import Decomposer
from coverslip.methods.kaizen.accepting import Proposal, acceptable, same
from coverslip.methods.kaizen.flattening import flat_labels
from coverslip.methods.kaizen.inference import Proposer
from coverslip.methods.kaizen.light import Light
from coverslip.methods.kaizen.search import Search
from coverslip.read import write_table
from coverslip.samples import open_fields


def next_point(
    error: np.ndarray, internal: np.ndarray, closed: np.ndarray, noise: float, search: Search
) -> tuple[int, int] | None:
    """The point of the largest averaged error, if it matters."""
    mean = ndimage.uniform_filter(error, search.box, mode="constant")
    mean[closed] = 0
    if search.beside and internal.any():
        mean[mean <= search.beside * ndimage.maximum_filter(internal, 3 * search.box)] = 0
    y, x = np.unravel_index(mean.argmax(), mean.shape)
    return (int(y), int(x)) if mean[y, x] > max(search.noise * noise / search.box, search.faint) else None


def one_at_a_time(light: np.ndarray, noise: float, proposer: Proposer, search: Search) -> tuple[list[Proposal], int]:
    """Explain an image with one proposal at a time; gives the objects and how many points were asked about."""
    error = light.copy()
    loss = float(np.abs(error).sum(dtype=np.float64))
    objects: list[Proposal] = []
    asked = 0
    reach = search.apart // 2
    for number in range(search.passes):
        source = error.copy() if number else light
        before = len(objects)
        closed = np.zeros(light.shape, bool)
        while (point := next_point(error, light - error, closed, noise, search)) is not None:
            asked += 1
            accepted = False
            known = np.array([one.centroid for one in objects[before:]]).reshape(-1, 2)
            for _, proposal in proposer(source, np.array([point]), search, known):
                tried = error.copy()
                tried[proposal.place] -= proposal.light
                after = float(np.abs(tried).sum(dtype=np.float64))
                if acceptable(proposal, loss - after, search) and not any(same(proposal, one) for one in objects):
                    error, loss, accepted = tried, after, True
                    objects.append(proposal)
                    break
            if not accepted:
                y, x = point
                closed[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1] = True
                for one in objects:
                    down, right = y - one.top, x - one.left
                    if 0 <= down < one.mask.shape[0] and 0 <= right < one.mask.shape[1] and one.mask[down, right]:
                        closed[one.place] |= one.mask
        if len(objects) == before:
            break
    return objects, asked


def compared(decomposer: Decomposer, plain: Proposer, fields: Fields, row: int) -> dict[str, float]:
    """Times and objects of all, on one field."""
    start = time.perf_counter()
    rounds = decomposer(fields, row)
    line: dict[str, float] = {
        "objects": len(rounds),
        "proposals": int(rounds.rounds["proposals"].sum()),
        "seconds": time.perf_counter() - start,
    }
    for name, proposer in (("one_at_a_time", decomposer.proposers[0]), ("plain", plain)):
        start = time.perf_counter()
        light = Light.of(fields, row)
        noise = light.background.noise / light.unit
        objects, asked = one_at_a_time(light.read(fields, row), noise, proposer, decomposer.search)
        labels = flat_labels(fields.size(row), objects)
        seconds = time.perf_counter() - start
        agreed = match(overlap(rounds.labels, labels), 0.5)
        line |= {
            f"{name}_objects": len(objects),
            f"{name}_proposals": asked,
            f"{name}_seconds": seconds,
            f"{name}_agreement_f1": 2 * agreed.tp / max(2 * agreed.tp + agreed.fp + agreed.fn, 1),
        }
    return line


def main() -> None:
    """Time both on every field."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--kaizen", default="nuclei-fluo-kaizen", help="a model folder or the name of a shipped model")
    parser.add_argument("--fields", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=Path("time"))
    given = parser.parse_args()

    fields = open_fields(given.data)
    validation = np.flatnonzero(fields.obs["split"].astype(str) == "validation")
    rows = validation[np.linspace(0, len(validation) - 1, given.fields).round().astype(int)].tolist()
    fitted = load(given.kaizen)
    decomposer = Decomposer(fitted, device=given.device)
    plain = Proposer(fitted, device=given.device, speed="eager")
    compared(decomposer, plain, fields, rows[0])  # the first call of a network is slow
    table = []
    for row in rows:
        table.append(compared(decomposer, plain, fields, row))
        print("  ".join(f"{name} {value:.3g}" for name, value in table[-1].items()), flush=True)
    columns = {name: np.array([line[name] for line in table]) for name in table[0]}
    quick, slow = (columns[f"{name}_seconds"].sum() / columns["seconds"].sum() for name in ("one_at_a_time", "plain"))
    print(f"{columns['seconds'].mean():.2f} s per field; one at a time takes {quick:.1f} times as long, ", end="")
    print(f"with the plain network {slow:.1f} times")
    given.out.mkdir(parents=True, exist_ok=True)
    write_table(columns, given.out / "kaizen_one_at_a_time.csv")


if __name__ == "__main__":
    main()
