"""Labels corrected by hand, written back so that the result stays whole: tables, counts and pictures follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from coverslip.core import InputError, Written, track
from coverslip.core.words import number_of
from coverslip.io.labels import write_labels
from coverslip.io.places import held
from coverslip.results.labels.folder import LabelFolder
from coverslip.results.labels.measuring import measure_to_file
from coverslip.results.labels.options import Measure
from coverslip.results.labels.placing import draw_again


def correct(found: LabelFolder, corrected: Sequence[np.ndarray]) -> Written:
    """Write corrected labels into the result that they are of.

    Parameters
    ----------
    found : LabelFolder
        A folder of labels, or a ``.labels.tif``, opened.
    corrected : sequence of ndarray of int, shape (H, W)
        The labels of each of its images; those that are as they were are not written.

    Returns
    -------
    Written
        The label images, the table of objects, the counts and the pictures with outlines are of the corrected labels.

    Raises
    ------
    InputError
        Before anything is written: if labels do not fit their images, or the result says more of its objects than
        labels do (decompositions), or lies in an OME-Zarr.
    """
    if any(row.get("layers") for row in found.rows) or found.path.suffix.lower() == ".zarr":
        raise InputError(
            f"{found.path} is a decomposition or an OME-Zarr, which labels are not written into; save them as a "
            ".labels.tif."
        )
    was = [found.labels(i) for i in range(len(found))]
    for i, (old, new) in enumerate(zip(was, corrected, strict=True)):
        if np.shape(new) != old.labels.shape:
            raise InputError(
                f"{found.where(i)}: the corrected labels have {' x '.join(map(str, np.shape(new)))} pixels, but the "
                f"image has {' x '.join(map(str, old.labels.shape))}."
            )
    changed = [i for i, old in enumerate(was) if not np.array_equal(old.labels, corrected[i])]
    if not changed:
        return Written(found.path, "Nothing was changed")
    with held(found.path):
        for i in track(changed, "Writing labels"):
            new = np.ascontiguousarray(corrected[i]).astype(np.int32)
            write_labels(replace(was[i], labels=new, probability=None), found.existing(i))
            draw_again(found, i, new)
        measured = measure_to_file(found.path, None, None, True, {}, Measure())
    said = f"{number_of(len(changed), 'image')} changed. {measured.said}"
    return Written(found.path, said, notes=measured.notes)
