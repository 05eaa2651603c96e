"""Each focal plane alone, and several together: which are needed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations as subsets
from math import comb
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.core import Fields, InputError
from coverslip.core.words import counted, number_of
from coverslip.study.fields.bench import open_bench
from coverslip.study.fields.fits import Fit
from coverslip.study.fields.output import write_study
from coverslip.study.fields.parts import check_objects, held_out
from coverslip.study.findings import Findings, Rows
from coverslip.study.fits import fit_name

if TYPE_CHECKING:
    pass

Chosen = list[tuple[str, tuple[int, ...]]]
"""Why a set of planes was chosen, and the planes."""


def focal_planes(
    method: str,
    samples: Any,
    out: str | Path,
    *,
    counts: Sequence[int] | None = None,
    combinations: int = 10,
    channels: Sequence[str | int] | None = None,
    **shared: Any,
) -> Findings:
    """Fit a method to each focal plane alone and to several together, and evaluate all on the same held-out fields.

    Parameters
    ----------
    method, out
        As for `open_bench`.
    samples : str, Path or Sheet
        Images with a Z axis, with masks. Evaluated are those whose ``split`` is ``val``; without such a column the
        share `validation` of the settings. `coverslip.samples.tile_sheet` cuts few large fields into tiles.
    counts : sequence of int, optional
        Numbers of planes; default: 1, 2, 3 and all.
    combinations : int
        Where there are at most so many sets of a number of planes, all are fitted; else two: the planes spread evenly
        from the first to the last, and the sharpest (by mean gradient, over the training fields). Single planes are
        all fitted.
    channels : sequence of str or int, optional
        Channels to use, by name or number, of images that have several beside their planes.
    **shared
        ``restarts``, ``steps``, ``settings``, ``keep_models`` and ``run``, as for `open_bench`.

    Returns
    -------
    Findings
        One point per set of planes and measure.

    Raises
    ------
    InputError
        If the study cannot be made, before anything is fitted.
    """
    bench = open_bench(method, samples, out, **shared)
    from coverslip.figures.studies import focal_planes_figure
    from coverslip.samples import Sheet, open_fields

    if not isinstance(samples, str | Path | Sheet):
        raise InputError(
            "Focal planes are chosen while images are opened: give a sheet or a folder, not opened fields."
        )
    planes = _planes_of(bench.fields)
    training, evaluated, by = held_out(bench.fields, bench.config)
    picked = _channels_of(bench.fields, planes, channels)
    objects = bench.objects(np.concatenate([training, evaluated]))
    check_objects(objects, training, evaluated)
    order = _sharpest_first(bench.fields, training, planes, picked)
    sets = _sets(planes, _counts(counts, planes), combinations, order)

    opened = {}
    for _, chosen in sets:
        opened[chosen] = tuple(channel * planes + plane for channel in picked for plane in chosen)
    fields = {chosen: open_fields(samples, channels=numbers) for chosen, numbers in opened.items()}
    plan = []
    for restart, seed in enumerate(bench.seeds):
        for why, chosen in sets:
            text = "+".join(map(str, chosen))
            facts = {"planes": text, "count": len(chosen), "choice": why}
            called = fit_name({"planes": text, "seed": seed})
            plan.append(
                Fit(called, facts, fields[chosen], training, evaluated, restart=restart, channels=opened[chosen])
            )
    length = bench.length(plan)
    outcomes = bench.run_fits(plan, objects, "Focal planes")
    return write_study(
        bench.out,
        "planes",
        outcomes,
        keys=("planes", "count", "choice"),
        groups=None,
        draw=focal_planes_figure,
        title=f"Focal planes for {method}",
        notes=lambda points: [*_notes(points, sets, planes, order, length, len(evaluated)), *bench.doubts],
        facts=[
            counted(planes, "focal plane"),
            counted(len(sets), "set of planes", "sets of planes"),
            counted(len(bench.seeds), "restart"),
            counted(len(evaluated), "held-out field"),
        ],
        record=bench.record(
            steps=length,
            sets=["+".join(map(str, chosen)) for _, chosen in sets],
            sharpest_first=order,
            channels=None if channels is None else list(channels),
            divided_by=by,
        ),
    )


def _planes_of(fields: Fields) -> int:
    """How many focal planes every image has.

    Raises
    ------
    InputError
        If an image has no Z axis, only one plane, or another number than the first.
    """
    first = fields.image(0).sizes.get("Z", 0)
    for row in range(len(fields)):
        image = fields.image(row)
        if image.sizes.get("Z", 0) < 2:
            raise InputError(
                f"{image.source} has no focal planes (axes '{image.axes}', {' x '.join(map(str, image.shape))}); if it "
                "has, say which axis they are in a column 'axes', such as ZYX."
            )
        if image.sizes["Z"] != first:
            raise InputError(
                f"{image.source} has {image.sizes['Z']} focal planes, the first image {first}; study images of one "
                "number of planes."
            )
    return first


def _channels_of(fields: Fields, planes: int, wanted: Sequence[str | int] | None) -> list[int]:
    """Numbers of the channels asked for, planes left aside."""
    from coverslip.samples.opening.planes import pick_channels

    image = fields.image(0)
    count = fields.count // planes
    return list(range(count)) if wanted is None else pick_channels(image.channels, count, wanted, image.source)


def _sharpest_first(fields: Fields, rows: np.ndarray, planes: int, channels: Sequence[int]) -> list[int]:
    """The planes from the sharpest to the least sharp, by their mean rank over some fields."""
    from coverslip.samples import sharpness

    ranks = np.zeros(planes)
    for row in rows:
        pixels = fields.pixels(int(row))
        score = sharpness(pixels.reshape(-1, planes, *pixels.shape[1:])[list(channels)]).sum(axis=0)
        ranks += np.argsort(np.argsort(-score, kind="stable"))
    return [int(plane) for plane in np.argsort(ranks, kind="stable")]


def _counts(asked: Sequence[int] | None, planes: int) -> list[int]:
    if asked is None:
        return sorted({count for count in (1, 2, 3, planes) if count <= planes})
    counts = sorted(set(asked))
    if not counts or counts[0] < 1 or counts[-1] > planes:
        raise InputError(f"Numbers of planes go from 1 to {planes} here; say --counts 1,2,{planes}.")
    return counts


def _sets(planes: int, counts: Sequence[int], most: int, sharpest: Sequence[int]) -> Chosen:
    """The sets of planes to fit, each once."""
    sets: Chosen = []
    for count in counts:
        if count == 1 or comb(planes, count) <= most:
            sets += [("every", chosen) for chosen in subsets(range(planes), count)]
            continue
        spread = tuple(int(plane) for plane in np.linspace(0, planes - 1, count).round())
        sharp = tuple(sorted(sharpest[:count]))
        sets += [("spread", spread)] if sharp == spread else [("spread", spread), ("sharpest", sharp)]
    return sets


def _notes(points: Rows, sets: Chosen, planes: int, sharpest: Sequence[int], length: int, evaluated: int) -> list[str]:
    counts = sorted({len(chosen) for _, chosen in sets})
    every = [count for count in counts if all(why == "every" for why, chosen in sets if len(chosen) == count)]
    few = [count for count in counts if count not in every]
    notes = [
        f"Every fit took about {length:,} optimiser steps and was evaluated on the same "
        f"{number_of(evaluated, 'field')}, which no fit has seen. Planes count from 0; from the sharpest to the least "
        f"sharp they are {', '.join(map(str, sharpest))}."
    ]
    if few:
        notes.append(
            f"Of {', '.join(map(str, few))} of the {planes} planes together, two sets were fitted: spread evenly from "
            "the first to the last, and the sharpest."
        )
    means = {}
    for count in counts:
        values = [p["value"] for p in points if p["count"] == count and p["measure"] == "pixel_error"]
        means[count] = 1 - float(np.mean(values))
    listed = ", ".join(f"{means[count]:.3f} with {count}" for count in counts)
    return [*notes, f"F1 of pixels, mean over the sets of planes: {listed}."]
