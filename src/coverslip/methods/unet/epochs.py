"""How long an epoch is: each field is seen as often as patches cover it."""

from __future__ import annotations

from coverslip.core import Fields
from coverslip.methods.unet.config import Config
from coverslip.train.epochs import steps_of, times_covered


def steps_per_epoch(fields: Fields, config: Config) -> int:
    """Optimiser steps that an epoch over all of some fields takes on one device.

    Parameters
    ----------
    fields : Fields
        To be trained on.
    config : Config
        Settings; `patch` and `batch` count.
    """
    patches = sum(times_covered(fields.size(row), config.patch) for row in range(len(fields)))
    return steps_of(patches, config.batch)
