"""Where to look: points of an image that are not explained yet."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field
from scipy import ndimage
from skimage.feature import peak_local_max

from coverslip.core import Config

BOX = 5
"""Side of the box that the error is averaged in, pixels, unless said otherwise."""

QUIET = 6.0
"""In units of its noise: an averaged error below is noise for sure."""


class Search(Config):
    """How an image is searched for objects; chosen on held-out fields after training, and kept with the model."""

    recipe: Literal["house", "seed"] = Field(
        "house", description="seed: rounds as the source has them; box, apart, noise, faint and passes count."
    )
    mask: float = Field(0.5, gt=0, lt=1, description="Probability from which a pixel is of the object.")
    brightness: float = Field(
        0.0, ge=0, description="Of a model without masks: share of the mean light from which a pixel is of the object."
    )
    confidence: float = Field(
        0.6, ge=0, le=1, description="Objects of whose masks a lower IoU is expected are refused."
    )
    small: int = Field(0, ge=0, description="Objects of fewer pixels are specks, many of them debris.")
    small_confidence: float = Field(0.6, ge=0, le=1, description="What `confidence` is for others, for specks.")
    worth: float = Field(0.3, ge=0, le=1, description="Share of its own light that an object must explain at least.")
    min_area: int = Field(0, ge=0, description="Objects of fewer pixels are not accepted.")
    apart: int = Field(15, ge=3, description="Side of the square in which one point is proposed at most, pixels.")
    box: int = Field(BOX, ge=1, description="Side of the box that the error is averaged in, pixels.")
    noise: float = Field(
        QUIET, gt=0, description="Averaged error from which a point is proposed, in units of its noise."
    )
    faint: float = Field(0.0, ge=0, description="The same, in units of the light of bright objects of the image.")
    beside: float = Field(
        0.25, ge=0, description="Beside or on explained objects, the error must be this share of their light to matter."
    )
    ways: Literal[0, 1, 2, 4, 8] = Field(
        4, description="Symmetries of a patch that an object's second look is averaged over; 0: no second look."
    )
    passes: int = Field(3, ge=1, description="Most error images that are searched, the image itself included.")

    def of_image(self, light: np.ndarray) -> Search:
        """The same with `mask` as the brightness of an image wants it; see `as_probability`."""
        if not self.brightness:
            return self
        least = as_probability(self.brightness * max(float(light.mean()), 1e-6))
        return self.model_copy(update={"mask": least})


SEED = Search(
    recipe="seed",
    brightness=0.1,
    confidence=0,
    small_confidence=0,
    worth=0,
    apart=32,
    box=7,
    beside=0,
    ways=0,
    passes=100,
)
"""The search as the source has it."""


def as_probability(light: Any) -> Any:
    """Light, a number or an array, in [0, 1), in its order: the probability of a pixel for a model without masks."""
    return light / (1 + light)


def unexplained_points(
    error: np.ndarray, internal: np.ndarray, closed: np.ndarray, noise: float, search: Search
) -> np.ndarray:
    """Points at which the averaged error is largest, kept apart from each other.

    Parameters
    ----------
    error : ndarray of float32, shape (H, W)
        The image without what is explained: what is missing is above 0.
    internal : ndarray of float32, same shape
        What is explained. Of the light of an object some is left on it and around it, blurred by the optics; asking
        about that is in vain.
    closed : ndarray of bool, shape (H, W)
        Pixels that were asked about in vain.
    noise : float
        Standard deviation of single pixels of the error where all is explained.
    search : Search
        `box`, `apart`, `noise`, `faint` and `beside` count.

    Returns
    -------
    ndarray of int, shape (n, 2)
        Rows and columns, the largest error first.
    """
    mean = ndimage.uniform_filter(error, search.box, mode="constant")
    mean[closed] = 0
    bright = mean > max(search.noise * noise / search.box, search.faint)
    if bright.any() and search.beside and internal.any():
        bright &= mean > search.beside * ndimage.maximum_filter(internal, 3 * search.box)
    if not bright.any():
        return np.zeros((0, 2), np.intp)
    found = peak_local_max(
        np.where(bright, mean, 0), min_distance=search.apart // 2, threshold_abs=0, exclude_border=False
    )
    return np.asarray(found)


def distant_points(error: np.ndarray, closed: np.ndarray, noise: float, search: Search) -> np.ndarray:
    """Points as the source picks them: the largest averaged error, a square around it set to 0, the next, and so on.

    Parameters
    ----------
    error, closed, noise, search
        As for `unexplained_points`; `box`, `apart`, `noise` and `faint` count. The source does not say how many points
        are picked: here it is all above the noise.

    Returns
    -------
    ndarray of int, shape (n, 2)
    """
    mean = ndimage.uniform_filter(error, search.box, mode="constant")
    mean[closed] = 0
    least = max(search.noise * noise / search.box, search.faint)
    half = search.apart // 2
    found: list[tuple[int, int]] = []
    while True:
        y, x = divmod(int(mean.argmax()), mean.shape[1])
        if not mean[y, x] > least:
            return np.array(found, np.intp).reshape(-1, 2)
        found.append((y, x))
        mean[max(y - half, 0) : y - half + search.apart, max(x - half, 0) : x - half + search.apart] = 0
