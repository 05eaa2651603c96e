"""Crops of any type and channels to small colour pictures that can be compared with each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from coverslip.core import ArraySamples, InputError, Samples, is_colour, task
from coverslip.core.spread import evenly
from coverslip.figures.colours import GREY, channel_colours, to_rgb

_LOOKED_AT = 512
"""Samples whose pixels decide the display range: enough for percentiles, few enough to read at once."""

_BATCH = 512


@dataclass(frozen=True)
class Display:
    """How the channels of a set of crops are shown; the same for every crop of the set.

    Parameters
    ----------
    low, high : ndarray of float32, shape (C,)
        Pixel values shown black and at full brightness.
    colours : tuple of str
        ``#rrggbb`` per channel.
    rgb : bool
        The three channels are red, green and blue already.
    """

    low: np.ndarray
    high: np.ndarray
    colours: tuple[str, ...]
    rgb: bool = False

    def scale(self, crops: np.ndarray) -> np.ndarray:
        """Crops ``(n, C, H, W)`` to float32 in [0, 1]; what is not a number becomes 0."""
        low, high = self.low[:, None, None], self.high[:, None, None]
        scaled = (crops.astype(np.float32) - low) / np.where(high > low, high - low, 1)
        return np.clip(np.nan_to_num(scaled, nan=0, posinf=1, neginf=0), 0, 1)

    def compose(self, crops: np.ndarray) -> np.ndarray:
        """Crops ``(n, C, H, W)`` to colour, float32 ``(n, H, W, 3)`` in [0, 1].

        Channels are laid over each other as with slide projectors (screen blending: 1 − Π (1 − colour · value)), so
        none hides another. Transmitted light is dimmed where stains lie over it.
        """
        scaled = self.scale(crops)
        if self.rgb:
            return np.moveaxis(scaled, 1, -1)
        weights = to_rgb(self.colours)
        grey = np.array([colour == GREY for colour in self.colours])
        if len(grey) > 1 and not grey.all():
            weights[grey] *= 0.55
        dark = np.ones((len(crops), *crops.shape[2:], 3), dtype=np.float32)
        for channel, weight in enumerate(weights):
            dark *= 1 - scaled[:, channel, :, :, None] * weight
        return 1 - dark


def fit_display(
    crops: np.ndarray,
    channels: Sequence[str] = (),
    *,
    rgb: bool | None = None,
    colours: Sequence[str] | None = None,
    percentiles: tuple[float, float] = (0.5, 99.8),
) -> Display:
    """Find the display range and colours of a set of crops.

    The range is taken per channel over the whole set, never per crop: a dim cell stays dim.

    Parameters
    ----------
    crops : ndarray, shape (N, C, H, W)
        Any number type.
    channels : sequence of str, optional
        Channel names; they decide the colours where known.
    rgb : bool, optional
        Whether the channels are red, green and blue and shown as stored. Default: three channels of unsigned 8-bit
        without other names are.
    colours : sequence of str, optional
        ``#rrggbb`` per channel instead of the house's.
    percentiles : (float, float)
        Of the pixel values, shown black and at full brightness.

    Returns
    -------
    Display

    Raises
    ------
    InputError
        If the shape is not ``(N, C, H, W)``, no pixel is finite, or `rgb` or `colours` do not fit the channels.
    """
    if crops.ndim != 4 or 0 in crops.shape:
        raise InputError(f"Crops are an array (N, C, H, W) with none of them 0, not {crops.shape}.")
    count = crops.shape[1]
    if rgb is None:
        rgb = is_colour(ArraySamples(crops, channels=channels))
    if rgb:
        if count != 3:
            raise InputError(f"Red, green and blue are 3 channels, but the crops have {count}; leave out rgb=True.")
        full = 255.0 if crops.dtype == np.uint8 else float(_finite(crops).max())
        return Display(np.zeros(3, np.float32), np.full(3, full, np.float32), ("#ff0000", "#00ff00", "#0000ff"), True)
    if colours is not None and len(colours) != count:
        raise InputError(f"{len(colours)} colours were given for {count} channels.")
    looked_at = crops[evenly(len(crops), _LOOKED_AT)]
    cuts = np.array(
        [np.percentile(_finite(looked_at[:, c]), [percentiles[0], 50, percentiles[1]]) for c in range(count)]
    )
    low, middle, high = cuts.T.astype(np.float32)
    # Stained pixels are few and bright, so the median lies near the bottom; in transmitted light it lies in the middle.
    transmitted = (middle - low) > 0.3 * (high - low)
    chosen = (
        tuple(colours) if colours is not None else channel_colours(count, channels, list(transmitted & (high > low)))
    )
    return Display(low, high, chosen)


def thumbnails(
    crops: np.ndarray | Samples,
    channels: Sequence[str] = (),
    *,
    size: int = 64,
    rgb: bool | None = None,
    colours: Sequence[str] | None = None,
    percentiles: tuple[float, float] = (0.5, 99.8),
) -> np.ndarray:
    """Small colour pictures of crops.

    Parameters
    ----------
    crops : ndarray, shape (N, C, H, W) or (N, H, W), or Samples
        Any number type. Samples are read a batch at a time.
    channels : sequence of str, optional
        Channel names; taken from Samples where those know them.
    size : int
        Longest side of a picture, pixels. Larger crops are shrunk to it, averaging over the pixels that fall together;
        smaller ones stay as they are.
    rgb, colours, percentiles
        As for `fit_display`.

    Returns
    -------
    ndarray of uint8, shape (N, h, w, 3)

    Raises
    ------
    InputError
        As `fit_display`.
    """
    samples = ArraySamples(crops) if isinstance(crops, np.ndarray) else crops
    channels = channels or samples.channels
    if rgb is None and getattr(samples, "colour", False):
        rgb = True
    spread = evenly(len(samples), _LOOKED_AT)
    display = fit_display(samples.read(spread), channels, rgb=rgb, colours=colours, percentiles=percentiles)
    _, height, width = samples.shape
    shrink = min(1.0, size / max(height, width))
    h, w = max(1, round(height * shrink)), max(1, round(width * shrink))
    pictures = np.empty((len(samples), h, w, 3), dtype=np.uint8)
    line = task("Drawing thumbnails", len(samples))
    for start in range(0, len(samples), _BATCH):
        rows = np.arange(start, min(start + _BATCH, len(samples)))
        coloured = resize(display.compose(samples.read(rows)), h, w)
        pictures[rows] = np.round(coloured * 255).astype(np.uint8)
        line.advance(len(rows))
    line.close()
    return pictures


def resize(pictures: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize many pictures at once, bilinear with the filter widened when shrinking, so that nothing aliases.

    Parameters
    ----------
    pictures : ndarray of float, shape (N, H, W, 3)
    height, width : int
        New size, pixels.

    Returns
    -------
    ndarray of float32, shape (N, height, width, 3)
    """
    down, across = _weights(pictures.shape[1], height), _weights(pictures.shape[2], width)
    return np.einsum("ih,nhwc,jw->nijc", down, pictures, across, optimize=True).astype(np.float32)


def _weights(old: int, new: int) -> np.ndarray:
    """How much each old pixel gives to each new one, ``(new, old)``; rows sum to 1."""
    ratio = old / new
    centres = (np.arange(new) + 0.5) * ratio - 0.5
    distance = np.abs(centres[:, None] - np.arange(old)[None, :]) / max(ratio, 1.0)
    weights = np.maximum(0, 1 - distance)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _finite(pixels: np.ndarray) -> np.ndarray:
    found = pixels[np.isfinite(pixels)].astype(np.float32)
    if not found.size:
        raise InputError("A channel of the crops has no finite pixel, so there is nothing to show.")
    return found
