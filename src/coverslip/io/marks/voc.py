"""Boxes as Pascal VOC and labelImg write them: an XML file for each image."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from coverslip.core import InputError, Marks

_EDGES = ("xmin", "ymin", "xmax", "ymax")


def voc_marks(path: Path, size: tuple[int, int]) -> Marks:
    """The boxes of a VOC file; edges are taken as they stand, counted from the left and upper edge of the image.

    Raises
    ------
    InputError
        If it is no such file, or one of an image of another size.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, OSError, ValueError) as error:
        raise InputError(f"{path} is no valid XML ({error}); export it again.") from None
    if root.tag != "annotation":
        raise InputError(f"{path} is XML, but no Pascal VOC annotation (it begins with <{root.tag}>); give one.")
    said = tuple(int(float(root.findtext(f"size/{name}") or 0)) for name in ("height", "width"))
    if all(said) and said != size:
        raise InputError(
            f"{path} is of an image of {said[1]} x {said[0]} pixels, but its image has {size[1]} x {size[0]}; is it "
            "that of another image?"
        )
    boxes, names = [], []
    for number, item in enumerate(root.iter("object"), 1):
        try:
            boxes.append([float(item.findtext(f"bndbox/{edge}") or "") for edge in _EDGES])
        except ValueError:
            raise InputError(f"{path}: object {number} has no box of four numbers; mend it or delete it.") from None
        names.append((item.findtext("name") or "").strip())
    return Marks(np.array(boxes, np.float64).reshape(-1, 4), np.array(names, object)) if boxes else Marks.none()
