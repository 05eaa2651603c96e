"""Thumbnails and tables in the forms a page carries: data URIs and JSON."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np

from coverslip.core import task
from coverslip.figures.columns import Column
from coverslip.figures.thumbnails import resize

_LARGEST = 96
"""Pixels along the longer side of a picture on the page."""

_BATCH = 512

_SMALL = 48
"""Smaller pictures are enlarged before compression: WebP keeps colour at half the resolution."""


def webp_pictures(pictures: np.ndarray) -> list[str]:
    """Pictures as Base64 WebP, about 1 kB each.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (N, h, w, 3)

    Returns
    -------
    list of str
        Without the ``data:image/webp;base64,`` before each.
    """
    from PIL import Image

    height, width = pictures.shape[1:3]
    longest = max(height, width)
    scale = 2.0 if longest <= _SMALL else min(1.0, _LARGEST / longest)
    encoded = []
    line = task("Packing pictures", len(pictures))
    for start in range(0, len(pictures), _BATCH):
        batch = pictures[start : start + _BATCH]
        if scale != 1:
            resized = resize(batch.astype(np.float32), max(1, round(height * scale)), max(1, round(width * scale)))
            batch = np.round(resized).astype(np.uint8)
        for picture in batch:
            stream = io.BytesIO()
            Image.fromarray(picture).save(stream, "WEBP", quality=84, method=2)
            encoded.append(base64.b64encode(stream.getvalue()).decode("ascii"))
        line.advance(len(batch))
    line.close()
    return encoded


def webp_uri(picture: np.ndarray) -> str:
    """One picture, uint8 ``(h, w, 3)``, as the data URI of a WebP."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "WEBP", quality=82, method=4)
    return "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def png_uri(picture: np.ndarray) -> str:
    """One picture, uint8 ``(h, w, 3)``, without loss, as the data URI of a PNG."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG", optimize=False)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def column_json(column: Column) -> dict[str, Any]:
    """A column as the page reads it; values that are missing or not finite become null."""
    if column.kind == "category":
        return {
            "name": column.name,
            "kind": "category",
            "values": column.values.tolist(),
            "categories": list(column.categories),
            "colours": list(column.colours),
            "counts": column.counts.tolist(),
        }
    if column.kind == "text":
        return {"name": column.name, "kind": "text", "values": [str(value) for value in column.values]}
    values = column.values
    if values.dtype.kind in "iu":
        return {"name": column.name, "kind": "number", "values": values.tolist(), "range": cuts(values)}
    # By way of text, so that a float32 of 0.1 is 0.1 and not 0.10000000149.
    numbers = [float(str(value)) if np.isfinite(value) else None for value in values]
    return {"name": column.name, "kind": "number", "values": numbers, "range": cuts(values)}


def cuts(values: np.ndarray) -> list[float]:
    """The 1st and 99th percentile of the finite values: the ends of a colour scale."""
    finite = values[np.isfinite(values)].astype(np.float64)
    return [float(cut) for cut in np.percentile(finite, [1, 99])] if finite.size else [0.0, 1.0]


def script_json(value: Any) -> str:
    """JSON that can stand inside a ``<script>`` element whatever text it holds."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
