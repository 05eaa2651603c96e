"""Segmentation without learning, which comes before cutting; it lives in `coverslip.classical`."""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip import classical
from coverslip.core import Image, LabelMap, NoDataRule
from coverslip.core.fields import ArrayFields
from coverslip.samples.opening.given import as_array
from coverslip.samples.opening.nodata import NoData


def find_nuclei(image: Image | np.ndarray, *, nodata: NoDataRule = "auto", **options: Any) -> LabelMap:
    """Segment nuclei by a stain map, a threshold, a seeded watershed and a size filter.

    Parameters
    ----------
    image : Image or ndarray
        ``YX`` or ``CYX``. Light grey values of any dtype; RGB is 8-bit, 16-bit or float in [0, 1].
    nodata : float or {"auto", "none"}
        Which pixels hold no image, such as margins of stitching; see `open_fields`.
    **options
        ``stain``, ``diameter`` and the others of `coverslip.classical.find_nuclei`, which says more.

    Returns
    -------
    LabelMap
        ``(H, W)`` int32, objects numbered from 1 in reading order; none where the image is flat or all noise.

    Raises
    ------
    InputError
        If the image has other axes, is not RGB where haematoxylin is asked for, or lacks the channel.
    """
    image = as_array(image)
    if not isinstance(image, Image):
        image = Image.from_array(image)
    if image.axes in ("YX", "CYX"):
        fields = ArrayFields([image.read()], nodata=nodata)
        found = NoData.of(fields, 0)
        if found is not None:
            options = {"empty": found.read(fields, 0)[1], **options}
    return classical.find_nuclei(image, **options)
