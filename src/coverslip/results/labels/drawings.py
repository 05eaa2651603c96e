"""Pictures of label images: each whole, and of large ones the places with most mistakes at full resolution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from coverslip.core import Image, Region
from coverslip.figures.encode import png_uri
from coverslip.figures.overlays import FALSE, RIGHT, SIDE, Overlay, draw_overlay, shrink_image, shrink_labels
from coverslip.figures.tiles import draw_tiles
from coverslip.io.labels import read_maps
from coverslip.results.labels.folder import LabelFolder
from coverslip.results.labels.judging import Judged
from coverslip.results.labels.page import Shot

_DETAIL = 700
"""Pixels along the sides of a detail."""


def draw_image(
    found: LabelFolder,
    index: int,
    image: Image | None,
    judged: Judged,
    name: str,
    note: str,
    details: int,
    classes: Mapping[int, np.ndarray] | None = None,
    pixels: float = 0,
) -> list[Shot]:
    """The pictures of one image.

    Parameters
    ----------
    found, index : LabelFolder, int
        The labels.
    image : Image or None
        The image, where it is still there.
    judged : Judged
        Which objects are right.
    name, note : str
        What stands under the picture.
    details : int
        At most so many details of an image too large to be shown in full; those with most objects false, missed or odd.
    classes : mapping of int to ndarray, optional
        The objects of each class, by its kind of outline; instead of what is right and false.
    pixels : float
        How many pixels the tiles for a closer look may have.

    Returns
    -------
    list of Shot
        The whole image first.
    """
    labels = found.labels(index).labels
    missed = None
    if judged.truth is not None and len(judged.missed):
        true = judged.truth.read(labels.shape)
        true = np.asarray(getattr(true, "labels", true))
        missed = np.where(np.isin(true, judged.missed), true, 0)
    kinds = {RIGHT: judged.right, FALSE: judged.false} if classes is None else classes
    overlay = draw_overlay(image, labels, kinds, missed)
    kept = read_maps(found.existing(index)) if found.path.suffix.lower() != ".zarr" else None
    tiles = draw_tiles(image, labels, kinds, missed, look=overlay.look, pixels=pixels) if pixels > 0 else None
    large = max(labels.shape) > SIDE
    coarse = large and not (tiles is not None and tiles.full)
    shots = [Shot(name, note, index, overlay, *_mixed(kept, None, overlay), tiles, coarse)]
    if large:
        for region, count in _worst_places(labels, judged.false, missed, details):
            window = region.slices
            overlay = draw_overlay(
                None if image is None else image.crop(region),
                labels[window],
                kinds,
                None if missed is None else missed[window],
                look=shots[0].overlay.look,
            )
            what = f"{count} odd here" if judged.truth is None else f"{count} false or missed here"
            where = f"{name}, from row {region.y}, column {region.x}"
            shots.append(Shot(where, what, index, overlay, *_mixed(kept, region, overlay)))
    return shots


def _mixed(
    kept: tuple[Image, Mapping[str, Any]] | None, region: Region | None, overlay: Overlay
) -> tuple[str, Mapping[str, float]]:
    """The two maps of a picture, and how they were mixed; nothing where none were kept, or they are not mixed."""
    if kept is None or kept[1].get("alpha") is None or kept[1].get("threshold") is None:
        return "", {}
    maps, noted = kept
    part = maps.select(C=slice(0, 2)) if region is None else maps.select(C=slice(0, 2)).crop(region)
    step = -(-max(part.height, part.width) // max(overlay.height, overlay.width))
    two = np.rint(shrink_image(part, step)).astype(np.uint8)
    return png_uri(np.dstack([*two, np.zeros_like(two[0])])), {k: float(noted[k]) for k in ("alpha", "threshold")}


def _worst_places(
    labels: np.ndarray, false: np.ndarray, missed: np.ndarray | None, most: int
) -> list[tuple[Region, int]]:
    """Squares of the image with the number of wrong objects in each, the most first; none without any."""
    step = max(_DETAIL // 64, 1)
    across = -(-labels.shape[1] // _DETAIL)
    count = np.zeros(-(-labels.shape[0] // _DETAIL) * across, np.int64)
    small = shrink_labels(labels, step)
    for wrong in (np.where(np.isin(small, false), small, 0), None if missed is None else shrink_labels(missed, step)):
        if wrong is None:
            continue
        y, x = np.nonzero(wrong)
        place = (y * step // _DETAIL).clip(max=len(count) // across - 1) * across + x * step // _DETAIL
        # Each object once for each square it reaches into.
        pairs = np.unique(np.stack([place, wrong[y, x].astype(np.int64)]), axis=1)
        count += np.bincount(pairs[0], minlength=len(count))
    found = []
    for place in np.argsort(-count, kind="stable")[:most]:
        if count[place]:
            top, left = (int(part) * _DETAIL for part in divmod(int(place), across))
            size = min(_DETAIL, labels.shape[0] - top), min(_DETAIL, labels.shape[1] - left)
            found.append((Region(top, left, *size), int(count[place])))
    return found
