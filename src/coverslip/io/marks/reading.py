"""Marks from a file of any of the usual forms, told by its ending and by what is in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from coverslip.core import InputError, Marks
from coverslip.io.marks.coco import coco_marks
from coverslip.io.marks.geojson import geojson_marks
from coverslip.io.marks.tables import columns_of, table_marks
from coverslip.io.marks.voc import voc_marks
from coverslip.io.reasons import reason

ENDINGS = (".xml", ".geojson", ".json", ".csv", ".parquet")
"""Of files that mark objects: Pascal VOC; GeoJSON of QuPath; COCO (or GeoJSON); tables of boxes or points."""


def read_marks(path: str | Path, image: str, size: tuple[int, int], twins: bool = False) -> Marks:
    """What a file marks in an image, as it says so: nothing is mended.

    Parameters
    ----------
    path : str or Path
        Ends in one of `ENDINGS`.
    image : str
        The path of the image, by whose name it is found in files about several.
    size : tuple of int
        Its height and width.
    twins : bool
        Whether the file is about an image of this name in another folder, too.

    Raises
    ------
    InputError
        If the file is missing, damaged or of another kind, or does not name the image.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} does not exist; it should mark the objects of {image}.")
    suffix = path.suffix.lower()
    if suffix == ".xml":
        return voc_marks(path, size)
    if suffix in (".csv", ".parquet"):
        return table_marks(path, image, twins)
    if suffix in (".json", ".geojson"):
        content = json_of(path)
        if is_coco(content):
            return coco_marks(content, path, image, twins)
        return geojson_marks(content, path)
    raise InputError(f"{path} should end in one of {', '.join(ENDINGS)}, or be a label image in the column 'mask'.")


def check_alone(path: str | Path, count: int) -> None:
    """See that a file of marks says which image each mark is in, where there are several images.

    Raises
    ------
    InputError
        If it is about one image, as Pascal VOC, GeoJSON, and tables without the column ``image`` are.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if count < 2 or not path.is_file() or suffix not in ENDINGS:
        return
    if suffix in (".csv", ".parquet"):
        alone = "image" not in columns_of(path)
    else:
        alone = suffix == ".xml" or not is_coco(json_of(path))
    if alone:
        raise InputError(f"{path} does not say which of the {count} images its marks are in; give one image at a time.")


def json_of(path: Path) -> Any:
    """What a JSON file holds; the last ones read are kept, because one may be about many images."""
    return _json(path, path.stat().st_mtime_ns)


def is_coco(content: Any) -> bool:
    """Whether it is what COCO calls a data set."""
    return isinstance(content, Mapping) and {"images", "annotations", "categories"} <= set(content)


@lru_cache(maxsize=2)
def _json(path: Path, changed: int) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError) as error:
        raise InputError(f"{path} is no valid JSON ({reason(error)}); export it again.") from None
