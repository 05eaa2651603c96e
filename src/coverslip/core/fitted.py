"""What fitting a method yields: plain settings, plain arrays, plain facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from coverslip.core.config import Config


@dataclass(frozen=True)
class Fitted:
    """A fitted method, as a method's ``fit`` returns it and its ``predict`` takes it.

    Parameters
    ----------
    method : str
        Name of the method's folder, such as ``"vae"``.
    config : Config
        Every setting it was fitted with.
    weights : mapping of str to ndarray
        The parameters and buffers by name.
    facts : mapping
        What was found while fitting and is needed or worth knowing afterwards, JSON-able:
        the input shape, the normalisation, the depth chosen, ``warnings``, ``tables``; ``said``, a sentence on
        what came out.
    history : list of dict
        One row per epoch: ``epoch`` and the losses.
    """

    method: str
    config: Config
    weights: Mapping[str, np.ndarray] = field(repr=False)
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False)
    history: list[dict[str, float]] = field(default_factory=list, repr=False)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what went wrong while fitting; whoever uses the model or its results is told."""
        return tuple(self.facts.get("warnings", ()))

    @property
    def tables(self) -> Mapping[str, list[dict[str, Any]]]:
        """What was found while fitting, as rows under headings; the card and the page show them."""
        found: Mapping[str, list[dict[str, Any]]] = self.facts.get("tables", {})
        return found
