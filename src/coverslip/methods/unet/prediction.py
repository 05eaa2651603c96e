"""Segment fields with a fitted U-Net."""

from __future__ import annotations

from collections.abc import Iterator

from coverslip.core import Fields, Fitted, LabelMap
from coverslip.methods.unet.inference import Segmenter, segment
from coverslip.nn.speed import Speed


def predict(
    fitted: Fitted,
    fields: Fields,
    *,
    device: str = "auto",
    flips: bool = False,
    threshold: float | None = None,
    min_area: int | None = None,
    speed: Speed = "auto",
) -> Iterator[LabelMap]:
    """Segment fields one after the other.

    Parameters
    ----------
    fitted : Fitted
        A fitted U-Net.
    fields : Fields
        Images of any size, with the channels it was fitted to.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    flips : bool
        Average over the four flips of each tile: a little better, four times the work.
    threshold, min_area : optional
        Foreground probability and smallest area in pixels; default: what was best on held-out fields.
    speed : Speed
        How the network is run, see `coverslip.nn.speed`.

    Yields
    ------
    LabelMap
        With the foreground probability.
    """
    segmenter = Segmenter(fitted, device=device, flips=flips, threshold=threshold, min_area=min_area, speed=speed)
    for index in range(len(fields)):
        labels, probability = segment(segmenter, fields, index)
        image = fields.image(index)
        yield LabelMap(labels, fields.name(index), image.pixel_size, probability=probability)
