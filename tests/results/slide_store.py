"""What the contract tests take from slide stores."""

from __future__ import annotations

import numpy as np

from coverslip.core import Region
from coverslip.results.slide_store.store import SlideStore


def as_predicted(opened: SlideStore) -> SlideStore:
    """An opened result as `coverslip.predict` gives it."""
    return opened


def column(opened: SlideStore, name: str) -> list[str]:
    """A column of the sheet, as an opened result keeps it."""
    return [opened.facts["row"][name]]


def arrays(predicted: SlideStore) -> list[np.ndarray]:
    """All that was predicted, as arrays to compare."""
    slide = predicted.slide
    return [slide.read(Region(0, 0, level.height, level.width), i) for i, level in enumerate(slide.levels)]
