"""Boxes and outlines as COCO has them: one JSON for many images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError, Marks, about
from coverslip.core.marks import Rings
from coverslip.io.meant import Meant


def coco_marks(content: Mapping[str, Any], path: Path, image: str, twins: bool = False) -> Marks:
    """The marks of one image.

    Raises
    ------
    InputError
        If the image is not among those of the file, or an entry lacks what it should have.
    """
    try:
        number = image_number(content, path, image, twins)
        names = {one["id"]: str(one["name"]) for one in content["categories"]}
        own = [one for one in content["annotations"] if one["image_id"] == number and not one.get("iscrowd")]
        found = [names[one["category_id"]] for one in own]
        boxes = np.array([one["bbox"] for one in own], np.float64).reshape(-1, 4)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: an entry lacks {error}, or it is not as COCO has it; export it again.") from None
    boxes[:, 2:] += boxes[:, :2]
    outlines = [_rings(one.get("segmentation")) for one in own]
    whole = tuple(rings for rings in outlines if rings is not None)
    return Marks(boxes, np.array(found, object), whole if len(whole) == len(own) else None)


def image_number(content: Mapping[str, Any], path: Path, image: str, twins: bool = False) -> Any:
    """The id of an image by its name (`Meant`)."""
    with about(path):
        found = Meant([one["file_name"] for one in content["images"]]).by(image, twins)
    if not found:
        raise InputError(f"{path} says nothing of {image}; add it to its images, or leave it out.")
    if len(found) > 1:
        raise InputError(
            f"{path} has {len(found)} images that may be {image}; write their folders into 'file_name', or give each "
            "folder a file of its own."
        )
    return content["images"][found[0]]["id"]


def _rings(polygons: Any) -> Rings | None:
    if not isinstance(polygons, list) or not polygons:
        return None  # run lengths, or no outline at all
    return tuple(np.asarray(ring, np.float64).reshape(-1, 2) for ring in polygons)
