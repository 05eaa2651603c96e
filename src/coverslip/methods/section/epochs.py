"""How long an epoch is: each field is seen as often as tiles cover it."""

from __future__ import annotations

from coverslip.core import Fields, InputError
from coverslip.methods.section.config import Config
from coverslip.methods.section.scale import reference, zoom_of
from coverslip.train.epochs import steps_of, times_covered


def steps_per_epoch(fields: Fields, config: Config) -> int:
    """Optimiser steps that an epoch over all of some fields takes on one device.

    Parameters
    ----------
    fields : Fields
        To be trained on.
    config : Config
        Settings; `tile`, `zoom` and `batch` count.

    Raises
    ------
    InputError
        If boxes are to be found, for steps are counted to compare what has pixels.
    """
    if config.target != "regions":
        raise InputError(
            "The boxes of a section model have no pixels to compare with masks: say --set target=regions (Mask R-CNN)."
        )
    rows = range(len(fields))
    size = reference(fields, rows)
    tiles = 0
    for row in rows:
        zoom = zoom_of(fields, row, config.zoom, size)
        height, width = fields.size(row)
        tiles += times_covered((round(height * zoom), round(width * zoom)), config.tile)
    return steps_of(tiles, config.batch)
