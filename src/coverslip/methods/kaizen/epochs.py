"""How long an epoch is: every object once, and the empty places that go with them."""

from __future__ import annotations

import numpy as np

from coverslip.core import Fields
from coverslip.methods.kaizen.config import Config
from coverslip.train.epochs import steps_of


def with_empty(objects: int, config: Config) -> int:
    """How many empty places go with a number of objects, so that `centred` of all patches have one."""
    return max(1, round(objects * (1 - config.centred) / config.centred))


def steps_per_epoch(fields: Fields, config: Config) -> int:
    """Optimiser steps that an epoch over all of some fields takes on one device; their masks are read.

    Parameters
    ----------
    fields : Fields
        To be trained on.
    config : Config
        Settings; `centred` and `batch` count.
    """
    objects = sum(int(np.count_nonzero(np.unique(fields.labels(i)))) for i in range(len(fields)))
    return steps_of(objects + with_empty(objects, config), config.batch)
