"""What was found in a field as a result: objects, rounds and pictures in grey values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from coverslip.core import Decomposition, Fields
from coverslip.methods.kaizen.explaining import Accepted, Round
from coverslip.methods.kaizen.flattening import flat_labels
from coverslip.methods.kaizen.light import Light
from coverslip.samples.opening.absorbed import Absorbed


class Found(NamedTuple):
    """What is found in a field.

    Parameters
    ----------
    objects : list of Accepted
        In the order they were accepted.
    rounds : list of Round
        One row each.
    loss : float
        Without any object, in units of the light.
    """

    objects: list[Accepted]
    rounds: list[Round]
    loss: float


def merged(rounds: Sequence[Round]) -> list[Round]:
    """Rounds of the same number in several parts of an image as one."""
    found: dict[tuple[int, int], Round] = {}
    for number, turn, proposals, accepted, gained in rounds:
        _, _, p, a, g = found.get((number, turn), (number, turn, 0, 0, 0.0))
        found[number, turn] = (number, turn, p + proposals, a + accepted, g + gained)
    return [found[key] for key in sorted(found)]


def share_explained(rounds: Sequence[Round], loss: float) -> float:
    """Which part of the loss without objects is gone."""
    return sum(row[4] for row in rounds) / loss if loss else 0.0


def decomposition(
    fields: Fields,
    index: int,
    light: Light,
    background: np.ndarray,
    found: Found,
    zoom: float,
) -> Decomposition:
    """The result, in grey values."""
    objects, rounds, loss = found
    proposals = [one.proposal for one in objects]
    size = fields.size(index)
    centroids = np.array([p.centroid for p in proposals], np.float64).reshape(-1, 2)
    table = {
        "object": np.arange(1, len(objects) + 1),
        "y_px": centroids[:, 0],
        "x_px": centroids[:, 1],
        "top_px": np.array([p.top for p in proposals], np.int64),
        "left_px": np.array([p.left for p in proposals], np.int64),
        "area_px": np.array([int(p.mask.sum()) for p in proposals], np.int64),
        "pass": np.array([one.at[0] for one in objects], np.int64),
        "round": np.array([one.at[1] for one in objects], np.int64),
        "gain": np.array([one.gain * light.unit for one in objects], np.float64),
        "confidence": np.array([p.confidence for p in proposals], np.float64),
        "generator": np.array([p.generator for p in proposals], np.int64),
    }
    lost = np.cumsum([0.0, *(row[4] for row in rounds)])[1:]
    columns = list(zip(*rounds, strict=True)) if rounds else [()] * 5
    told = {
        "pass": np.array(columns[0], np.int64),
        "round": np.array(columns[1], np.int64),
        "proposals": np.array(columns[2], np.int64),
        "accepted": np.array(columns[3], np.int64),
        "loss": (loss - lost) * light.unit / (size[0] * size[1] * zoom**2),
        "explained": lost / loss if loss else lost,
    }
    return Decomposition(
        source=fields.name(index),
        labels=flat_labels(size, proposals),
        objects=table,
        masks=tuple(p.mask for p in proposals),
        pixels=tuple(p.light * np.float32(light.unit) for p in proposals),
        background=background,
        rounds=told,
        pixel_size=fields.image(index).pixel_size,
        provenance={} if light.nodata is None else {"nodata": _stored(fields, light.nodata.value)},
        zoom=zoom,
    )


def _stored(fields: Fields, values: Sequence[float]) -> list[float]:
    """Grey values as they are in the file."""
    return [fields.stored(value) for value in values] if isinstance(fields, Absorbed) else list(values)
