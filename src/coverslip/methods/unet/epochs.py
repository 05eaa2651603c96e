"""How long an epoch is: each field is seen as often as patches cover it."""

from __future__ import annotations

import numpy as np

from coverslip.core import Fields
from coverslip.methods.unet.config import Config


def repeated(fields: Fields, rows: np.ndarray, patch: int) -> np.ndarray:
    """Rows of fields, each as often as patches of this side cover it."""
    times = [max(1, round(height * width / patch**2)) for height, width in (fields.size(int(row)) for row in rows)]
    return np.repeat(rows, times) if len(rows) else rows


def steps_per_epoch(fields: Fields, config: Config) -> int:
    """Optimiser steps that an epoch over all of some fields takes on one device.

    Parameters
    ----------
    fields : Fields
        To be trained on.
    config : Config
        Settings; `patch` and `batch` count.
    """
    patches = len(repeated(fields, np.arange(len(fields)), config.patch))
    steps = -(-patches // config.batch)
    alone = patches - (steps - 1) * config.batch < 2  # the loop leaves a batch of one patch to another epoch
    return steps - 1 if alone and steps > 1 else steps
