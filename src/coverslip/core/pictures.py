"""Small pictures of labels for notebooks; nothing beyond NumPy is needed."""

from __future__ import annotations

import base64
import struct
import zlib
from html import escape

import numpy as np

_SIDE = 360


def shown(words: str, labels: np.ndarray) -> str:
    """HTML of a line of words and a picture of labels, for a notebook."""
    return f'<p>{escape(words)}</p><img alt="objects in colours" src="{labels_uri(labels)}">'


def labels_uri(labels: np.ndarray) -> str:
    """Labels ``(H, W)`` in colours, 0 black, as a PNG in a data URI; at most 360 pixels along the longer side."""
    step = -(-max(labels.shape) // _SIDE)
    small = labels[step // 2 :: step, step // 2 :: step] if min(labels.shape) > step else labels
    # Hues by the golden ratio: neighbours in number are far apart.
    hue = small.astype(np.float64) * 0.618034 % 1
    turned = np.abs((hue[..., None] * 6 + [0, 4, 2]) % 6 - 3) - 1
    colours = np.where(small[..., None] > 0, 90 + 165 * turned.clip(0, 1), 0)
    return "data:image/png;base64," + base64.b64encode(_png(colours.round().astype(np.uint8))).decode("ascii")


def _png(pixels: np.ndarray) -> bytes:
    """Colours ``(h, w, 3)`` uint8 as a PNG file."""
    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)  # no filter
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
