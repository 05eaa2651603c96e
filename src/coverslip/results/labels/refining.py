"""Labels made again from the maps that were kept beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from coverslip.core import InputError, LabelMap, Region, Written, track
from coverslip.core.words import number_of
from coverslip.io.atomic import atomic_path
from coverslip.io.labels import read_maps, write_labels
from coverslip.io.tags import PROVENANCE
from coverslip.nn.objects import border, not_at
from coverslip.nn.tiles import own_objects, paste, tiles
from coverslip.results.labels.folder import LabelFolder
from coverslip.results.labels.measuring import measure_to_file
from coverslip.results.labels.options import Measure
from coverslip.results.labels.placing import draw_again

BLOCK = 2048
"""Side of what is made again at once, pixels."""

Remake = Callable[[np.ndarray, Mapping[str, Any], Mapping[str, Any]], np.ndarray]
"""``remade(maps, noted, given) -> labels``: of maps ``(K, h, w)`` uint8, what was noted with them, and what is new."""


def refine(found: LabelFolder, remake: Remake, given: Mapping[str, Any]) -> Written:
    """Make the labels of a result again, and measure their objects; see `coverslip.refine`.

    Raises
    ------
    InputError
        Before anything is changed, if maps or images are missing.
    """
    if found.path.suffix.lower() == ".zarr":
        raise InputError(
            f"{found.path} holds image and labels together; predict into a folder or a .labels.tif to refine."
        )
    for i in range(len(found)):
        found.image(i)
        if read_maps(found.existing(i)) is None:
            raise InputError(
                f"{found.where(i)}: no maps were kept of {found.existing(i).name}; predict again with --set maps=true."
            )
    record = {**found.provenance, "refined": dict(given)}
    count = 0
    for i in track(range(len(found)), "Refining"):
        labels = remade(found, i, remake, given)
        count += int(labels.labels.max(initial=0))
        write_labels(replace(labels, provenance=record), found.existing(i))
        draw_again(found, i, labels.labels)
    if found.path.is_dir():
        with atomic_path(found.path / PROVENANCE) as temporary:
            temporary.write_text(json.dumps(record, indent=2, default=str), encoding="utf-8")
    measured = measure_to_file(found.path, None, None, True, {}, Measure())
    said = f"Found {number_of(count, 'object')} in {number_of(len(found), 'image')}"
    return Written(found.path, said, notes=measured.notes)


def remade(found: LabelFolder, index: int, remake: Remake, given: Mapping[str, Any]) -> LabelMap:
    """The labels of one image, made again block by block, as they were made first."""
    kept = read_maps(found.existing(index))
    assert kept is not None
    maps, noted = kept
    size = (maps.height, maps.width)
    labels, count = np.zeros(size, np.int32), 0
    for block in tiles(Region(0, 0, *size), size, side=BLOCK, margin=int(noted["margin_px"])):
        own = remake(maps.crop(block.window).read(), noted, given)
        if noted.get("drop_border"):
            own = not_at(own, border(block.window, size))
        if block.core != Region(0, 0, *size):
            own = own_objects(own, block)
        count += paste(labels[block.window.slices], own, count + 1)
    return LabelMap(labels, str(found.file(index, "image")), maps.pixel_size)
