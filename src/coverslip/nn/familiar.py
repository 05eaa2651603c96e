"""Whether an image is like those that a model was fitted to, by what the model itself finds in it.

A model finds something in almost any picture. What tells whether it is at home there is how sure it is, whether what it
found stands out of its ground as the objects of its fit do, and whether outlines are as sharp.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

_LEVELS = 256
_LEAST = 1e-3
_SPREADS = 2.0
"""Beyond the least familiar image of the fit, in units of the spread of all: what is further is told."""
_ROOM, _FEW = 0.1, 10
_FEWEST = 30
"""Pixels: less is nothing to judge by."""

BRIGHT = "the ground is as bright as in no image of the fit"
NOTHING = "nothing was found in it"

_WORDS = {
    "sure": "the model is unsure of what it found",
    "brighter": "what it found does not stand out as its objects do",
    "ground": BRIGHT,
    "sharp": "it is out of focus, or its objects have no outline",
}


def traits(parts: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray | None]], threshold: float) -> dict[str, float]:
    """What is told of an image.

    Parameters
    ----------
    parts : iterable of (ndarray of shape (C, H, W), ndarray of shape (H, W), ndarray of bool (H, W) or None)
        Of parts of the image: scaled grey values in [0, 1], foreground probabilities, and where there is no image.
    threshold : float
        Probability from which a pixel is of an object.

    Returns
    -------
    dict of str to float
        Empty, where nothing was found. All are unbounded, so that distances mean something:

        ``sure``: log odds of the IoU that probabilities let expect of the foreground. ``brighter``: log odds that a
        pixel of an object is brighter than one of the ground (of the channel in which that differs most from 1/2).
        ``ground``: log of how bright objects are (median) in units of their ground, same channel. ``sharp``: log of how
        steep outlines are, per pixel, in units of the difference of the two.
    """
    grey: np.ndarray | float = 0.0
    chance, rim = np.zeros(2), 0.0
    steep: np.ndarray | float = 0.0
    for pixels, probability, empty in parts:
        there = np.ones(probability.shape, bool) if empty is None else ~empty
        inside = (probability > threshold) & there
        outside = ~inside & there
        levels = np.minimum((pixels * _LEVELS).astype(np.intp), _LEVELS - 1)
        grey = grey + np.array(
            [[np.bincount(one[where], minlength=_LEVELS) for where in (outside, inside)] for one in levels]
        )
        chance += [probability[inside].sum(), inside.sum() + probability[outside].sum()]
        edge = (inside ^ ndimage.binary_erosion(inside)) & there
        rim += edge.sum()
        steep = steep + np.array([np.hypot(*np.gradient(one))[edge].sum() for one in pixels])
    counts = np.asarray(grey, np.float64)
    if counts.ndim < 3 or counts[0].sum(1).min() < _FEWEST or not rim:
        return {}
    share = counts / counts.sum(2, keepdims=True)
    below = np.cumsum(share[:, 0], axis=1) - share[:, 0] / 2
    odds = _log_odds((share[:, 1] * below).sum(1))
    best = int(np.abs(odds).argmax())
    out, within = ((np.cumsum(one).searchsorted(0.5) + 0.5) / _LEVELS for one in share[best])
    return {
        "sure": float(_log_odds(chance[0] / chance[1])),
        "brighter": float(odds[best]),
        "ground": float(np.log(within / out)),
        "sharp": float(np.log(max(np.asarray(steep)[best] / rim / max(abs(within - out), 1 / _LEVELS), _LEAST))),
    }


def expected_iou(found: Mapping[str, float]) -> float:
    """The IoU with the truth that a model's own probabilities let expect, from `traits`; 0 where it found nothing."""
    return float(1 / (1 + np.exp(-found["sure"]))) if found else 0.0


@dataclass(frozen=True)
class Familiar:
    """The traits of the images that a model was fitted to.

    Parameters
    ----------
    limits : mapping of str to (float, float)
        Of each trait which way it points, 1 or -1, and how far at least.
    """

    limits: Mapping[str, tuple[float, float]]

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> Familiar | None:
        """As a fit noted them, ``familiar``; None if it did not."""
        found = facts.get("familiar")
        return None if not found else cls({name: (float(way), float(least)) for name, (way, least) in found.items()})

    @classmethod
    def noted(cls, seen: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
        """What a fit notes: limits from the traits of images; those without any trait do not count."""
        seen = [one for one in seen if one]
        noted = {}
        for name in seen[0] if seen else ():
            values = np.array([one[name] for one in seen])
            way = 1.0 if name in ("sure", "sharp") or np.median(values) >= 0 else -1.0
            values = np.sort(values * way)
            spread = float(1.4826 * np.median(np.abs(values - np.median(values))))
            # One image in fifty may be of a kind that is no example. Of few images little is known of others.
            room = (_SPREADS * spread + _ROOM) * (1 + _FEW / len(values))
            least = float(values[len(values) // 50]) - room
            noted[name] = [way, round(least, 3)]
        return noted

    def doubts(self, found: Mapping[str, float]) -> tuple[str, ...]:
        """What is not as in the fit, in words; none of a familiar image."""
        if not found:
            return (NOTHING,)
        return tuple(_WORDS[name] for name, (way, least) in self.limits.items() if found[name] * way < least)


def _log_odds(share: Any) -> Any:
    share = np.clip(share, _LEAST, 1 - _LEAST)
    return np.log(share / (1 - share))
