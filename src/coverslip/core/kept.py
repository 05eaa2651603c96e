"""What is done of long work on one image, kept part by part, so that work that was stopped goes on there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np


class Kept(Protocol):
    """Where the parts of an image are kept.

    Whoever keeps them may raise `coverslip.core.errors.Stopped` once a part is safe.
    """

    def get(self, part: int) -> Mapping[str, np.ndarray] | None:
        """What was kept of a part, by its number; None if nothing was."""

    def put(self, part: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep what came of a part."""
