"""What a recipe makes of images: views to look at, and what becomes of the grey values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from coverslip.core import InputError, Samples
from coverslip.core.spread import evenly
from coverslip.samples.opening.normalise import Kind, Normaliser
from coverslip.samples.opening.recipes import Recipe

if TYPE_CHECKING:
    from torch import Tensor

MOST_CUT_OFF = 0.05
"""A recipe that sends a larger share of all grey values to 0 or 1 than were there before gets a warning."""

_COUNTED = 64


@dataclass(frozen=True)
class Preview:
    """Images beside their views, and their grey values.

    Parameters
    ----------
    originals : ndarray, shape (n, C, H, W), float32
        Normalised images.
    views : ndarray, shape (n, k, C, H, W), float32
        Views of each.
    rows : ndarray of int, shape (n,)
        Which samples these are.
    grey : list of dict
        For ``originals`` and ``views``: ``values``, how many different ones an image has, and ``at 0``, ``at 1``, the
        shares at or beyond the ends, of up to 64 images.
    warnings : list of str
        That the recipe destroys grey values, where it does.
    """

    originals: np.ndarray
    views: np.ndarray
    rows: np.ndarray
    grey: list[dict[str, str | float]]
    warnings: list[str]

    @property
    def grid(self) -> np.ndarray:
        """Each image, then its views, ``(n, 1 + k, C, H, W)``."""
        return np.concatenate([self.originals[:, None], self.views], axis=1)


def preview(
    samples: Samples, recipe: Recipe, *, images: int = 8, views: int = 5, normalise: Kind = "percentile", seed: int = 0
) -> Preview:
    """Make views of evenly spread samples.

    Parameters
    ----------
    samples : Samples
        Images of one size.
    recipe : Recipe
        How views are made.
    images, views : int
        How many images, and views of each.
    normalise : {"percentile", "dtype"}
        How grey values come to [0, 1]; see `Normaliser`.
    seed : int
        The same seed gives the same views.
    """
    import torch

    if images < 1 or views < 1:
        raise InputError("At least one image and one view are shown.")
    normaliser = Normaliser.fit(samples, normalise, seed=seed)
    counted = evenly(len(samples), max(_COUNTED, images))
    x = torch.from_numpy(np.asarray(normaliser.apply(samples.read(counted))))
    generator = torch.Generator().manual_seed(seed)
    grey: list[dict[str, str | float]] = [{"images": "originals", **grey_values(x)}]
    grey.append({"images": f"views ({recipe.name})", **grey_values(recipe(x, generator))})
    shown = evenly(len(x), images)
    repeated = x[torch.from_numpy(shown)].repeat_interleave(views, 0)
    made = recipe(repeated, generator).unflatten(0, (len(shown), views))
    warnings = destroyed(x, recipe, seed)
    return Preview(x[torch.from_numpy(shown)].numpy(), made.numpy(), counted[shown], grey, warnings)


def grey_values(x: Tensor) -> dict[str, float]:
    """Different values of an image (the median over images), and the shares of all values at or beyond 0 and 1."""
    different = np.median([len(one.unique()) for one in x])
    return {"values": int(different), "at 0": float((x <= 0).float().mean()), "at 1": float((x >= 1).float().mean())}


def destroyed(x: Tensor, recipe: Recipe, seed: int = 0) -> list[str]:
    """A sentence, where a recipe that clips sends many grey values of normalised images to 0 or 1; else nothing."""
    import torch

    if not recipe.clip:
        return []
    before, after = grey_values(x), grey_values(recipe(x, torch.Generator().manual_seed(seed)))
    more = sum(after[end] - before[end] for end in ("at 0", "at 1"))
    if more <= MOST_CUT_OFF:
        return []
    return [
        f"The recipe '{recipe.name}' sends {100 * more:.0f} % more of the grey values to the darkest or brightest "
        "there is: choose a milder one, unless 'coverslip samples preview' shows that nothing is lost."
    ]
