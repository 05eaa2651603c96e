"""Markers that cells express, from further channels of their image."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from coverslip.core import Detections, Image, InputError, Region
from coverslip.io.images.opening import open_image
from coverslip.measure.detections.markers import Area, levels, otsu, positive
from coverslip.results.detections.folder import POSITIVE
from coverslip.samples.opening.planes import pick_channels

_CONTROL = 99.0
"""Percentile of the pixels of a negative control that a positive cell is brighter than."""


class Marker(NamedTuple):
    """A marker that was asked for.

    Parameters
    ----------
    channel : str
        Its channel, by name or by number from 0.
    rule : str
        A grey value, ``otsu``, or the path of a negative control.
    """

    channel: str
    rule: str


def asked_markers(text: str | None) -> list[Marker]:
    """Read ``"SOX9=120,SALL4=otsu"``.

    Raises
    ------
    InputError
        If it is no such list.
    """
    found = []
    for part in (text or "").split(","):
        if part.strip():
            channel, sign, rule = part.partition("=")
            if not sign or not channel.strip() or not rule.strip():
                raise InputError(
                    f"'{part.strip()}' is no marker; write channel and threshold: SOX9=120, SOX9=otsu, or "
                    "SOX9=control.tif (a negative control)."
                )
            found.append(Marker(channel.strip(), rule.strip()))
    return found


def with_markers(found: Detections, image: Image, markers: list[Marker], area: Area = "ellipse") -> Detections:
    """Cells with the columns ``mean_<marker>``, ``threshold_<marker>`` and ``positive_<marker>``.

    Raises
    ------
    InputError
        If the image has no such channel, or a rule is none.
    """
    for marker in markers:
        channel = _channel(image, marker.channel)

        def read(region: Region, channel: Image = channel) -> np.ndarray:
            return channel.crop(region).read().reshape(region.height, region.width)

        means = np.zeros(len(found))
        for i, values in levels(found, read, area):
            means[i] = values.mean()
        threshold = _threshold(marker, means)
        bright = np.zeros(len(found), bool)
        for i, values in levels(found, read, area):
            bright[i] = positive(values, threshold)
        name = marker.channel
        found = found.with_columns(
            **{
                f"mean_{name}": means,
                f"threshold_{name}": np.full(len(found), threshold),
                f"{POSITIVE}{name}": bright,
            }
        )
    return found


def _channel(image: Image, wanted: str) -> Image:
    if "T" in image.axes or "Z" in image.axes:
        raise InputError(f"{image.source} has the axes {image.axes}; markers are measured in images of one plane.")
    (at,) = pick_channels(image.channels, image.sizes.get("C", 1), [wanted], image.source)
    return image.select(C=at) if "C" in image.axes else image


def _threshold(marker: Marker, means: np.ndarray) -> float:
    if marker.rule == "otsu":
        return otsu(means)
    try:
        return float(marker.rule)
    except ValueError:
        pass
    if not Path(marker.rule).exists():
        raise InputError(
            f"'{marker.channel}={marker.rule}': say a grey value, otsu, or the image of a negative control."
        )
    control = open_image(marker.rule)
    channel = control if "C" not in control.axes else _channel(control, marker.channel)
    return float(np.percentile(channel.read(), _CONTROL))
