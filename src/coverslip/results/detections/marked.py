"""Markers that cells express, from further channels of their image, and whether these are the expected cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from coverslip.core import Detections, Image, InputError, Region
from coverslip.io.images.opening import open_image
from coverslip.measure.detections.markers import Area, expression, levels, otsu, positive
from coverslip.results.detections.tables import POSITIVE, marker_names
from coverslip.samples.opening.planes import pick_channels
from coverslip.samples.sections.testis import MARKERS

_CONTROL = 99.0
"""Percentile of the pixels of a negative control that a positive cell is brighter than."""
_EXPRESSING = 50.0
"""Per cent of the cells of a type that are positive, from which on the type expresses a marker."""
PROFILES: dict[str, Mapping[str, tuple[str, ...]]] = {"testis": MARKERS}
"""What ``profile=NAME`` stands for: the classes that express each marker."""


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


def asked_profile(text: str) -> Mapping[str, tuple[str, ...]]:
    """Read ``"testis"``, or ``"SOX9=Sertoli,USF1=Sertoli+Spg"``: the classes that should express each marker.

    Raises
    ------
    InputError
        If it is neither.
    """
    if text in PROFILES:
        return PROFILES[text]
    found: dict[str, tuple[str, ...]] = {}
    for part in text.split(","):
        marker, sign, classes = part.partition("=")
        found[marker.strip()] = tuple(name.strip() for name in classes.split("+") if name.strip())
        if not sign or not marker.strip() or not found[marker.strip()]:
            raise InputError(
                f"'{part.strip()}' is no part of a profile; write {', '.join(PROFILES)}, or a marker and its classes: "
                "SOX9=Sertoli,USF1=Sertoli+Spg."
            )
    return found


def as_expected(some: Sequence[Detections], text: str) -> list[dict[str, Any]]:
    """Whether the classes that should express a marker do so, over all images.

    Returns
    -------
    list of dict
        ``marker``, ``class``, ``cells``, ``positive, %``, ``expected`` (yes or no) and ``found`` (yes from half of the
        cells on).

    Raises
    ------
    InputError
        If none of the markers was measured, or a class is not among those of the result.
    """
    profile, classes = asked_profile(text), some[0].classes
    measured = [name for name in marker_names(some[0]) if name in profile]
    if not measured:
        known = ", ".join(marker_names(some[0])) or "none"
        raise InputError(f"The profile is of {', '.join(profile)}, but the markers of the result are: {known}.")
    rows: list[dict[str, Any]] = []
    for marker in measured:
        other = [name for name in profile[marker] if name not in classes]
        if other:
            raise InputError(f"The profile names '{other[0]}', which is none of the classes {', '.join(classes)}.")
        sums = dict.fromkeys(classes, (0, 0))
        for row in (row for one in some for row in expression(one, marker) if row["region"] == "all"):
            cells, bright = sums[row["class"]]
            sums[row["class"]] = (cells + row["cells"], bright + row["positive"])
        for name, (cells, bright) in sums.items():
            percent = 100 * bright / cells if cells else float("nan")
            expected, found = name in profile[marker], percent >= _EXPRESSING
            rows.append(
                {
                    "marker": marker,
                    "class": name,
                    "cells": cells,
                    "positive, %": percent,
                    "expected": "yes" if expected else "no",
                    "found": ("yes" if found else "no") if cells else "",
                }
            )
    return rows


def odd_ones(rows: Sequence[Mapping[str, Any]]) -> str:
    """Of `as_expected`, what is not so, in words."""
    odd = [row for row in rows if row["found"] and row["found"] != row["expected"]]
    said = ", ".join(f"{row['marker']} in {row['class']} ({row['positive, %']:.0f} %)" for row in odd)
    return f"Markers are expressed otherwise than expected: {said}." if odd else "Markers are expressed as expected."
