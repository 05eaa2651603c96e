"""What methods show of themselves, drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.core import Illustration, Samples, is_colour
from coverslip.figures.latents import kl_per_dimension
from coverslip.figures.pictures import heat_overlays, reconstruction_grid, traversals
from coverslip.figures.thumbnails import fit_display, thumbnails

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIDE = 128
"""Longest side of a picture under a map, pixels."""


def drawn(illustration: Illustration, samples: Samples) -> Figure:
    """Draw what a method shows.

    Parameters
    ----------
    illustration : Illustration
        What it yields.
    samples : Samples
        Of which it is; their channels and dtype decide the colours.
    """
    figure: Figure = _FORMS[illustration.form](samples, **illustration.content)
    return figure


def _rgb(samples: Samples) -> bool | None:
    return is_colour(samples) or None


def _pairs(samples: Samples, inputs: np.ndarray, outputs: np.ndarray) -> Any:
    return reconstruction_grid(inputs, outputs, samples.channels, rgb=_rgb(samples))


def _heat(samples: Samples, maps: np.ndarray) -> Any:
    return heat_overlays(thumbnails(samples, size=_SIDE), maps)


def _series(samples: Samples, images: np.ndarray, values: np.ndarray, names: list[str], like: np.ndarray) -> Any:
    return traversals(images, values, names=names, display=fit_display(like, samples.channels, rgb=_rgb(samples)))


def _latents(samples: Samples, kl: np.ndarray, empirical: np.ndarray, collapsed: np.ndarray) -> Any:
    return kl_per_dimension(kl, empirical, collapsed=collapsed)


_FORMS: dict[str, Callable[..., Any]] = {"pairs": _pairs, "heat": _heat, "series": _series, "latents": _latents}
