"""What makes an image of a spheroid unfit to be learned from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from coverslip.samples.spheroids.finding import Found
from coverslip.samples.spheroids.settings import SpheroidSettings

FLAGS = {
    "empty": "no spheroid was found",
    "cut": "the spheroid reaches out of the image or the square",
    "elongated": "much longer than wide",
    "artefact": "many pixels at the end of their range, or a body that fills the square",
    "out_of_focus": "blurred beside the other images of its day",
}


def flags_of(
    found: Found, plane: np.ndarray, corner: tuple[int, int], side: int, settings: SpheroidSettings
) -> list[str]:
    """The flags of one image; focus is judged beside others, by `blurred`."""
    from skimage.measure import regionprops

    flags = ["artefact"] if _saturated(plane, settings.bright) > settings.saturated else []
    share = found.spheroid.sum() / side**2
    if share < settings.least_area or found.contrast < settings.contrast:
        return [*flags, "empty"]
    top, left, bottom, right = found.spheroid_box()
    height, width = plane.shape
    inside = top >= corner[0] and left >= corner[1] and bottom <= corner[0] + side and right <= corner[1] + side
    if min(top, left) <= 0 or bottom >= height or right >= width or not inside:
        flags.append("cut")
    body = regionprops(found.spheroid.astype(np.uint8))[0]
    if body.axis_major_length > settings.longest * max(body.axis_minor_length, 1e-6):
        flags.append("elongated")
    if share > settings.largest and not flags.count("artefact"):
        flags.append("artefact")
    return flags


def blurred(sharpness: np.ndarray, days: Sequence[str], settings: SpheroidSettings) -> np.ndarray:
    """Which images are out of focus beside those of the same day, where there are five or more."""
    found = np.zeros(len(sharpness), bool)
    of_day = np.asarray(days, object)
    for day in set(days):
        here = of_day == day
        if here.sum() >= 5:
            found[here] = sharpness[here] < settings.focus * np.median(sharpness[here])
    return found


def _saturated(plane: np.ndarray, bright: bool) -> float:
    """Share of pixels at an end of their range; black is no artefact where spheroids shine."""
    if plane.dtype.kind != "u":
        return 0.0
    limits = np.iinfo(plane.dtype)
    return float(((plane == limits.max) | ((plane == limits.min) & (not bright))).mean())
