"""The verb decode: what was compressed, as pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from coverslip import results
from coverslip.core import Written
from coverslip.verbs.options import for_kind


def decode(result: Any, out: str | Path | None = None, *, force: bool = False, **options: Any) -> Written:
    """Write the pixels of a compressed result as a file that other programs open.

    Parameters
    ----------
    result : SlideStore, str or Path
        What `coverslip predict` made of a slide.
    out : str or Path, optional
        Where to, ``.ome.tif``: pyramidal, for QuPath and alike; with ``dicom`` a folder. Default: named after the
        result, in the current folder.
    force : bool
        Replace what is there.
    **options
        ``compression`` of the file: ``zlib``, ``jpeg`` or ``none``; ``dicom=True`` for DICOM in place of TIFF.

    Returns
    -------
    Written
        Where it is, and which parts could not be read.

    Raises
    ------
    InputError
        If the result holds nothing that is compressed, or cannot be read.
    MissingExtra
        For DICOM without the extra ``dicom``.
    """
    kind, found = results.opened(result)
    own = for_kind(kind, "decode", options, result if isinstance(result, str | Path) else "The result")
    written: Written = kind.verb("decode")(found, out, force, own)
    return written
