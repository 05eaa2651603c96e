"""Samples predicted by several workers, a part at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from coverslip.core import Samples, Subset
from coverslip.models.folder import Model
from coverslip.work.asked import Asked
from coverslip.work.crew import Piece, Trade, crew

_AT_ONCE = 4096
"""Samples that a worker is given at a time."""


def predicted(model: Model, samples: Samples, asked: Asked, given: Mapping[str, Any]) -> list[Any]:
    """What a model says of samples, in their order.

    Parameters
    ----------
    model : Model
        Its method takes samples.
    samples : Samples
        What it is applied to.
    asked : Asked
        Devices, or a Dask cluster.
    given : mapping
        Options of the method.

    Returns
    -------
    list
        What the method's ``predict`` gives: once for all samples, or where several workers are asked for, for one part
        of them after the other.
    """
    if asked.devices == 1 and asked.dask is None:
        return [model.implementation.predict(model, samples, device=asked.device, **given)]
    rows = np.arange(len(samples))
    pieces = (Piece(tuple(rows[start : start + _AT_ONCE].tolist())) for start in range(0, len(rows), _AT_ONCE))
    with crew(Trade(_tool, _predict), model, samples, asked, given) as gathered:
        return list(gathered.workers.found(pieces))


def _tool(model: Model, device: str, given: Mapping[str, Any]) -> Any:
    return model, device, given


def _predict(tool: Any, samples: Samples, rows: tuple[int, ...], part: Any) -> Any:
    model, device, given = tool
    return model.implementation.predict(model, Subset(samples, np.array(rows)), device=device, **given)
