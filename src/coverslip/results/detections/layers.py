"""What lies over detections: regions that cells are assigned to, and areas that are left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from coverslip.core import Detections, InputError
from coverslip.core.marks import Rings
from coverslip.io.marks.reading import check_alone, read_marks
from coverslip.measure.detections.places import in_regions, outside
from coverslip.measure.detections.staging import LEAST_SHARE, STAGING, Staging, restaged
from coverslip.results.detections.folder import OBJECTS, read_detections


def check_layers(regions: str | None, exclude: str | None, count: int) -> None:
    """See that what lies over detections says which of so many images it is of.

    Raises
    ------
    InputError
        If it is of one image.
    """
    for named in filter(None, (regions, exclude)):
        check_alone(named, count)


def regions_of(named: str | None, found: Detections) -> Detections | None:
    """The regions of an image: those that a result of a region model has, or that a GeoJSON outlines.

    Raises
    ------
    InputError
        If there are none of this image, or they have no outlines.
    """
    if not named:
        return None
    path = Path(named)
    if (path / OBJECTS).is_file():
        result = read_detections(path)
        at = [i for i in range(len(result)) if Path(result.found[i].source).resolve() == Path(found.source).resolve()]
        if not at:
            raise InputError(f"{path} holds no regions of {found.source}; predict them with the region model first.")
        regions = result.detections(at[0])
        if regions.outlines is None:
            raise InputError(f"{path} holds boxes, not regions; fit a model with --set target=regions for these.")
    else:
        regions = _drawn(path, found)
    if regions.size != found.size:
        raise InputError(
            f"{path} is of an image of {regions.size[1]} x {regions.size[0]} pixels, but {found.source} has "
            f"{found.size[1]} x {found.size[0]}; give the regions of this image."
        )
    return regions


def excluded_of(named: str | None, found: Detections) -> tuple[Rings, ...]:
    """Areas of an image that are left out.

    Raises
    ------
    InputError
        If the file cannot be read, or holds no outlines.
    """
    if not named:
        return ()
    marks = read_marks(named, found.source, found.size)
    if marks.outlines is None:
        raise InputError(f"{named} holds no outlines; draw the areas to be left out as polygons and export GeoJSON.")
    return marks.outlines


def left(found: Detections, regions: Detections | None, excluded: tuple[Rings, ...]) -> Detections:
    """Detections outside of what is excluded, with the region of each; regions whose middle is excluded go, too."""
    found = replace(found.take(outside(found, excluded)), excluded=excluded) if excluded else found
    if regions is None:
        return found
    regions = regions.take(outside(regions, excluded)) if excluded else regions
    return in_regions(found, regions)


def staged_by_cells(found: Detections, least_share: float | None = None) -> Detections:
    """Cells whose regions are staged by them, where the model that found the regions learned how.

    Parameters
    ----------
    found : Detections
        Cells, perhaps with regions.
    least_share : float, optional
        What a class needs; default: as for the regions.
    """
    if found.regions is None or STAGING not in found.regions.provenance:
        return found
    facts = found.regions.provenance
    least = facts.get("options", {}).get("least_share", LEAST_SHARE) if least_share is None else least_share
    return restaged(found, Staging.of(facts[STAGING]), float(least))


def _drawn(path: Path, found: Detections) -> Detections:
    """Regions that were drawn by hand."""
    marks = read_marks(path, found.source, found.size)
    if marks.outlines is None:
        raise InputError(f"{path} holds no outlines; draw regions as polygons and export GeoJSON.")
    classes = tuple(dict.fromkeys(map(str, marks.names)))
    codes = np.array([classes.index(str(name)) for name in marks.names], np.intp)
    return Detections(
        classes or ("region",),
        marks.boxes,
        codes,
        np.ones(len(marks)),
        found.source,
        found.size,
        found.pixel_size,
        outlines=marks.outlines,
    )
