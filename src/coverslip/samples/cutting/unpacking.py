"""Images out of files that hold many of them as arrays, as a stack and a sheet."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from coverslip.core import InputError, file_hash, provenance
from coverslip.samples.sheets.masks import write_masks_sheet
from coverslip.samples.sheets.sheet import Sheet, read_sheet

_STACK = "images.tif"


def unpack(path: str | Path, out: str | Path, *, overwrite: bool = False) -> Sheet:
    """Write the images of a ``.mat``, ``.npz``, ``.npy`` or IDX file as one stack, and a sheet with a row for each.

    Parameters
    ----------
    path : str or Path
        What `coverslip.io.bundles.read_bundle` reads.
    out : str or Path
        Folder to write: ``images.tif``, pixels unchanged, and ``sheet.csv`` with ``image``, ``frame`` and, where the
        file has them, ``label``.
    overwrite : bool
        Replace what is there.

    Returns
    -------
    Sheet

    Raises
    ------
    InputError
        If no images can be told in the file.
    """
    from coverslip.io import atomic_folder, write_image_tiff
    from coverslip.io.bundles import read_bundle

    path, out = Path(path), Path(out)
    images, labels = read_bundle(path)
    if images.dtype.kind == "b" or images.dtype.itemsize > 4:
        images = images.astype(np.uint8 if images.dtype.kind == "b" else np.float32)
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        raise InputError(f"{path} holds pixels that are NaN or infinite; mend them first.")
    rows = [{"image": _STACK, "frame": str(i)} for i in range(len(images))]
    if labels is not None:
        for row, label in zip(rows, labels, strict=True):
            row["label"] = str(label) if isinstance(label, str) else f"{label:g}"
    with atomic_folder(out, overwrite=overwrite) as folder:
        if images.ndim == 4:
            write_image_tiff(np.moveaxis(images, -1, 1), folder / _STACK, axes="TCYX")
        else:
            write_image_tiff(images, folder / _STACK, axes="TYX")
        origin = {"file": str(path), "sha256": file_hash(path)}
        write_masks_sheet(folder, rows, provenance(made_by="coverslip samples unpack", inputs=origin))
    return read_sheet(out)
