"""The result of ranking: samples and treatments in order along a scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from coverslip.core.errors import InputError


@dataclass(frozen=True)
class Ranking:
    """Samples in order along a scale, with what each of several strategies says.

    Parameters
    ----------
    samples : mapping of str to ndarray, shape (N,)
        One row per sample: the columns that were given, and those that `facts` names under ``columns``: ``score`` (0
        at the low controls, 1 at the high ones; NaN where there is none), ``rank`` (from 1, the least; 0 where there
        is none), ``rank_low`` and ``rank_high`` (over refits and strategies), ``score_<strategy>``, ``role`` (``"low
        control"``, ``"high control"``, ``"sample"``, ``"before"``) and ``scored`` (``"held out"``, ``"new"``, ``"in
        the fit"``, ``"no"``); ``nearest``, the row of the control with the nearest vector, -1 for none.
    scales : mapping of str to ndarray, shape (N,)
        Scores by each ruler: strategy, distance, and the class that it is measured from.
    treatments : mapping of str to ndarray, shape (T,)
        One row per treatment, the least first: ``treatment``, ``wells``, ``plates``, ``score``, ``low``, ``high``,
        ``rank``, ``rank_low``, ``rank_high``, and ``score_<anchor>`` of each further scale; empty
        where there are fewer than two.
    doses : mapping of str to ndarray, shape (D,)
        One row per drug with enough doses: the four-parameter curve, see `coverslip.measure.DoseCurve`; else empty.
    facts : mapping
        JSON-able: ``anchors``, ``label``, ``columns``, ``rulers``, ``notes``, and of the order as a whole ``z_prime``,
        ``agreement``, ``p``, ``resolved``, ``verdict`` and ``why``.
    provenance : mapping
        Vectors and images, model, seed and versions.
    """

    samples: Mapping[str, np.ndarray] = field(repr=False)
    scales: Mapping[str, np.ndarray] = field(repr=False)
    treatments: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    doses: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    facts: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(next(iter(self.samples.values()), ()))

    def column(self, name: str) -> np.ndarray:
        """A column of the samples: one of its own by its usual name, else one that was given.

        Raises
        ------
        InputError
            If there is none of that name; the message lists those there are.
        """
        name = self.facts.get("columns", {}).get(name, name)
        if name not in self.samples:
            raise InputError(f"There is no column '{name}' in this ranking; it has: {', '.join(self.samples)}.")
        return self.samples[name]

    @property
    def anchors(self) -> tuple[str, ...]:
        """The classes at the ends of the scale, the low one first."""
        return tuple(map(str, self.facts.get("anchors", ())))
