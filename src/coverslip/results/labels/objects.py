"""The table of objects of a label result: as it was written, or measured from the labels and their images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from coverslip.core import InputError, track
from coverslip.results.labels.folder import KEYS, LabelFolder

Table = dict[str, np.ndarray]
"""Column name to one value per object."""


def objects_of(found: LabelFolder, images: str | Path | None = None) -> Table:
    """One row per object of all images of a label result.

    Parameters
    ----------
    found : LabelFolder
        The result.
    images : str or Path, optional
        The folder that the images have moved to since.

    Returns
    -------
    dict of str to ndarray
        What tells the images apart (`LabelFolder.key`), ``label``, and the measures of
        `coverslip.measure.object_table`. Where the result has no table they are measured, intensities only where the
        images are still there.

    Raises
    ------
    InputError
        If a label image is missing, or `images` was given and lacks one.
    """
    written = found.objects()
    if written is not None:
        return written
    tables = []
    for i in track(range(len(found)), "Measuring objects"):
        measured = _measured(found, i, images)
        count = len(measured["label"])
        tables.append({**{key: np.full(count, text, object) for key, text in found.key(i).items()}, **measured})
    return _joined(tables)


def _measured(found: LabelFolder, index: int, images: str | Path | None) -> Table:
    from coverslip.measure import object_table
    from coverslip.samples.opening.planes import Planes

    labels = found.labels(index)
    try:
        image = found.image(index, images)
    except InputError:
        if images is not None:
            raise
        return object_table(labels)
    if (image.height, image.width) != labels.labels.shape or "T" in image.axes:
        return object_table(labels)
    planes = Planes.parse("channels")
    return object_table(
        labels,
        lambda region: planes.read(image.crop(region)),
        planes.names(image),
        pixel_size=labels.pixel_size or image.pixel_size,
    )


def _joined(tables: Sequence[Table]) -> Table:
    """Tables one below the other; what a table lacks is missing."""
    texts = KEYS
    names = list(dict.fromkeys(name for table in tables for name in table))
    names.sort(key=lambda name: name not in texts)
    return {
        name: np.concatenate(
            [table.get(name, np.full(len(table["label"]), None if name in texts else np.nan)) for table in tables]
        )
        for name in names
    }
