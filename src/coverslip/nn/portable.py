"""Fitted networks as other programs run them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class OutputMap:
    """One channel, or number, of what a network gives.

    Parameters
    ----------
    name : str
        In small letters, digits and underscores.
    description : str
        One sentence.
    bounds : tuple of float or None
        Smallest and largest value, where they are certain.
    """

    name: str
    description: str
    bounds: tuple[float, float] | None = None


@dataclass(frozen=True)
class Portable:
    """A network from scaled pixels to maps, with all that a program needs to know to run it.

    A method that can be exported has a function ``portable(fitted) -> Portable``.

    Parameters
    ----------
    network : nn.Module
        From ``(N, C, H, W)`` to ``(N, K, H, W)``, or ``(N, K)`` of a classifier, float32, in evaluation mode, with
        every activation. Pixels come scaled per image and channel so that the percentiles are 0 and 1, not clipped.
    inputs : tuple of str
        Names of the C channels.
    outputs : tuple of OutputMap
        The K channels.
    percentiles : tuple of float
        Of each image and channel, which become 0 and 1.
    multiple : int
        H and W are multiples of this.
    reach : int
        How far an output pixel sees, pixels.
    diameter : float
        Of a usual object, pixels.
    afterwards : str
        What makes objects of the maps, in words (Markdown).
    task : str
        What it does, for titles and tags: ``"segmentation"``.
    program : str
        What makes objects of the maps as a Python program that needs NumPy, SciPy and scikit-image alone:
        ``objects(maps)`` gives labels. Of a classifier there is none.
    papers : tuple of (str, str)
        What to cite, each with its DOI.
    sides : (int, int) or None
        H and W, where they are fixed.
    stored : bool
        Whether the network takes pixels as they are stored, so that no percentiles are needed.
    grey : tuple of float
        Between which values pixels usually lie, to compare the network with what was made of it.
    """

    network: nn.Module = field(repr=False)
    inputs: tuple[str, ...]
    outputs: tuple[OutputMap, ...]
    percentiles: tuple[float, float]
    multiple: int
    reach: int
    diameter: float
    afterwards: str
    task: str
    program: str = ""
    papers: tuple[tuple[str, str], ...] = ()
    sides: tuple[int, int] | None = None
    stored: bool = False
    grey: tuple[float, float] = (-0.2, 2.2)
