"""A decomposition packed for the page that replays it: pictures as bytes that add up, objects and regions as tables.

A picture is one byte per pixel on a scale that all pictures of the image share, each byte written as its difference
from the one before, deflated. The page needs them exactly, and the canvas of a browser need not give back a PNG or WebP
as it was.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from coverslip.core import Decomposition, Region
from coverslip.figures.encode import webp_uri
from coverslip.figures.thumbnails import resize

SIDE = 720
"""Of an image that is larger along a side, a part of so many pixels is shown."""

REGIONS = 40
"""Unexplained regions that are listed, at most."""

_GAMMA = 0.7
_THUMBNAIL = 220


@dataclass(frozen=True)
class Replay:
    """One image of the page.

    Parameters
    ----------
    name, note : str
        What the image is called, and how well it is explained.
    row : int
        Its row in the table of images.
    data : mapping
        What the page reads: the pictures, tables and scales of `draw_replay`.
    """

    name: str
    note: str
    row: int
    data: Mapping[str, Any]


def draw_replay(
    result: Decomposition,
    error: np.ndarray,
    regions: Mapping[str, np.ndarray],
    *,
    name: str,
    note: str = "",
    row: int = 0,
    right: np.ndarray | None = None,
) -> Replay:
    """Pack one image.

    Parameters
    ----------
    result : Decomposition
        What it was explained by.
    error : ndarray, shape (H, W)
        What is left of the image.
    regions : mapping of str to ndarray
        From `coverslip.measure.unexplained_regions`.
    name, note, row
        As for `Replay`.
    right : ndarray of int, optional
        Numbers of the objects that match a true one, where the truth is known.

    Returns
    -------
    Replay
    """
    internal = result.internal
    part = shown_part(result, regions)
    window = part.slices
    image = internal[window] + error[window]
    low, high = _range(image, result, window)
    scale = 255 / (high - low)
    dark = float(np.median(np.clip((image - low) * scale, 0, 255))) < 0.3 * 255
    rows = _rows_inside(result, part)
    crops = _crops([result.pixels[i] * scale for i in rows], [result.masks[i] for i in rows])
    total = float(np.abs(error, dtype=np.float64).sum())
    inside = (regions["y_px"] >= part.y) & (regions["y_px"] < part.stop_y)
    inside &= (regions["x_px"] >= part.x) & (regions["x_px"] < part.stop_x)
    listed = {key: values[inside][:REGIONS] for key, values in regions.items()}
    size = result.pixel_size
    data = {
        "top": part.y,
        "left": part.x,
        "height": part.height,
        "width": part.width,
        "whole": list(result.labels.shape),
        "objects_in_all": len(result),
        "pixel_size": None if size is None else [size.y, size.x],
        "low": low,
        "high": high,
        "gamma": _GAMMA if dark else 1.0,
        "thumbnail": _thumbnail((image - low) * scale / 255, _GAMMA if dark else 1.0),
        "image": pack(_bytes(image, low, scale)),
        "background": pack(_bytes(result.background[window], low, scale)),
        **crops,
        "objects": _objects(result, rows, right),
        "rounds": _rounds(result),
        "regions": {key: _numbers(values) for key, values in listed.items()}
        | {"share": _numbers(listed["sum"] / total if total else 0 * listed["sum"])},
        "more_regions": int(inside.sum()) - len(listed["sum"]),
        "regions_outside": int((~inside).sum()),
    }
    return Replay(name, note, row, data)


def shown_part(result: Decomposition, regions: Mapping[str, np.ndarray], side: int = SIDE) -> Region:
    """The part of an image that is shown: all of it, or where most is unexplained, with an object at least.

    Parameters
    ----------
    result : Decomposition
        Objects and size.
    regions : mapping of str to ndarray
        Unexplained regions, for their places and sums.
    side : int
        Pixels along the longer side of the part, at most.

    Returns
    -------
    Region
    """
    height, width = result.labels.shape
    tops, lefts = (np.unique(np.r_[0 : max(n - side, 0) + 1 : side // 4, max(n - side, 0)]) for n in (height, width))

    def summed(y: np.ndarray, x: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """What lies in each part, ``(tops, lefts)``."""
        down = ((y >= tops[:, None]) & (y < tops[:, None] + side)).astype(float)
        across = ((x >= lefts[:, None]) & (x < lefts[:, None] + side)).astype(float)
        return (down * weights) @ across.T

    unexplained = summed(regions["y_px"], regions["x_px"], regions["sum"])
    objects = summed(result.objects["y_px"], result.objects["x_px"], np.ones(len(result)))
    # Where nothing is left anywhere, the part with most objects.
    best = np.lexsort((objects.ravel(), unexplained.ravel(), objects.ravel() > 0))[-1]
    top, left = (int(i) for i in np.unravel_index(best, objects.shape))
    return Region(int(tops[top]), int(lefts[left]), min(side, height), min(side, width))


def pack(values: np.ndarray) -> str:
    """Bytes as the page reads them: differences from byte to byte, deflated, Base64."""
    flat = np.ascontiguousarray(values, np.uint8).ravel()
    differences = np.diff(flat, prepend=np.uint8(0))  # modulo 256
    return base64.b64encode(zlib.compress(differences.tobytes(), 9)).decode("ascii")


def _bytes(picture: np.ndarray, low: float, scale: float) -> np.ndarray:
    return np.clip(np.round((picture - low) * scale), 0, 255).astype(np.uint8)


def _range(image: np.ndarray, result: Decomposition, window: tuple[slice, slice]) -> tuple[float, float]:
    """Grey values shown black and white: of few small objects too the light is seen."""
    low, high = (float(cut) for cut in np.percentile(image, [0.5, 99.8]))
    inside = image[result.labels[window] > 0]
    if len(inside):
        high = max(high, float(np.percentile(inside, 98)))
    return low, (high if high > low else low + 1)


def _rows_inside(result: Decomposition, part: Region) -> list[int]:
    """The objects that reach into a part, in the order they were accepted."""
    inside = [
        i
        for i, (y, x) in enumerate(result.places())
        if y.start < part.stop_y and y.stop > part.y and x.start < part.stop_x and x.stop > part.x
    ]
    steps = _steps(result)
    return sorted(inside, key=lambda i: (steps[i], result.objects["object"][i]))


def _steps(result: Decomposition) -> list[int]:
    """The round of each object, counted from 1 over all passes."""
    known = zip(result.rounds["pass"].tolist(), result.rounds["round"].tolist(), strict=True)
    number = {key: i for i, key in enumerate(known, 1)}
    found = zip(result.objects["pass"].tolist(), result.objects["round"].tolist(), strict=True)
    return [number.get(key, len(number)) for key in found]


def _crops(pixels: list[np.ndarray], masks: list[np.ndarray]) -> dict[str, Any]:
    """All generated crops in a row: 0 outside the mask, and 1 to 255 from the lowest value to the highest."""
    values = [crop[mask] for crop, mask in zip(pixels, masks, strict=True) if mask.any()]
    low = float(min((one.min() for one in values), default=0))
    high = float(max((one.max() for one in values), default=0))
    step = (high - low) / 254 or 1.0
    coded = [np.zeros(0, np.uint8)]
    for crop, mask in zip(pixels, masks, strict=True):
        coded.append(np.where(mask, np.round((crop - low) / step) + 1, 0).clip(0, 255).astype(np.uint8).ravel())
    return {"crops": pack(np.concatenate(coded)), "crop_low": low, "crop_step": step}


def _objects(result: Decomposition, rows: list[int], right: np.ndarray | None) -> dict[str, Any]:
    """The table of the objects that are shown."""
    table = {key: np.asarray(result.objects[key])[rows] for key in result.objects}
    steps = np.array(_steps(result), np.int64)[rows]
    first = first_loss(result)
    whole = np.nan if first is None else first * result.labels.size
    columns = {
        "number": table["object"],
        **{name: table[f"{name}_px"] for name in ("y", "x", "top", "left", "area")},
        "height": np.array([result.masks[i].shape[0] for i in rows], np.int64),
        "width": np.array([result.masks[i].shape[1] for i in rows], np.int64),
        "step": steps,
        **{name: table[name] for name in ("pass", "round", "gain", "confidence", "generator")},
        "share": table["gain"] / whole,
    }
    data: dict[str, Any] = {name: _numbers(values) for name, values in columns.items()}
    if right is not None:
        data["right"] = np.isin(table["object"], right).tolist()
    return data


def _rounds(result: Decomposition) -> dict[str, Any]:
    """The rounds, with what there was before the first."""
    data: dict[str, Any] = {name: _numbers(values) for name, values in result.rounds.items()}
    first = first_loss(result)
    return {**data, "first_loss": first if first is None else float(f"{first:.7g}")}


def first_loss(result: Decomposition) -> float | None:
    """The loss of the background alone, from the rounds; None where all of it or nothing is known."""
    explained = np.asarray(result.rounds["explained"], float)
    loss = np.asarray(result.rounds["loss"], float)
    left = 1 - explained
    if not len(left) or not left[0] > 1e-9:
        return None
    return float(loss[0] / left[0])


def _numbers(values: Any) -> list[Any]:
    values = np.asarray(values)
    if values.dtype.kind in "iu":
        return values.tolist()
    if values.dtype.kind == "f":
        return [float(f"{value:.7g}") if np.isfinite(value) else None for value in values.tolist()]
    return [str(value) for value in values.tolist()]


def _thumbnail(scaled: np.ndarray, gamma: float) -> str:
    height, width = scaled.shape
    shrunk = min(1.0, _THUMBNAIL / max(height, width))
    size = max(1, round(height * shrunk)), max(1, round(width * shrunk))
    small = resize(np.clip(scaled, 0, 1)[None, :, :, None].astype(np.float32), *size)[0, :, :, 0]
    grey = np.round(255 * np.clip(small, 0, 1) ** gamma).astype(np.uint8)
    return webp_uri(np.repeat(grey[:, :, None], 3, axis=2))
