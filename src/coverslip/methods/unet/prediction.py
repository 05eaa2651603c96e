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
    diameter: str | None = None,
    flips: bool = False,
    threshold: float | None = None,
    min_area: int | None = None,
    drop_border: bool = False,
    fill_holes: bool = False,
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
    diameter : str, optional
        How large the objects are, such as ``"30"`` (pixels) or ``"12um"``; default: told from each image.
    flips : bool
        Average over the four flips of each tile: a little better, four times the work.
    threshold, min_area : optional
        Foreground probability and smallest area in pixels; default: what was best on held-out fields.
    drop_border, fill_holes : bool
        Leave out objects that touch the border of the image; fill the holes of objects.
    speed : Speed
        How the network is run, see `coverslip.nn.speed`.

    Yields
    ------
    LabelMap
        With the foreground probability.
    """
    segmenter = Segmenter(
        fitted,
        device=device,
        diameter=diameter,
        flips=flips,
        threshold=threshold,
        min_area=min_area,
        drop_border=drop_border,
        fill_holes=fill_holes,
        speed=speed,
    )
    for index in range(len(fields)):
        labels, probability, view = segment(segmenter, fields, index)
        size, nodata = fields.image(index).pixel_size, view.exposure.nodata
        facts = {} if nodata is None else {"nodata": list(nodata.value)}
        yield LabelMap(
            labels,
            fields.name(index),
            size,
            facts,
            probability=probability,
            zoom=view.zoom,
            inverted=view.inverted,
            doubts=view.doubts,
            expected_iou=view.expected_iou,
        )
