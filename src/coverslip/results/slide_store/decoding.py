"""The pixels of a store as a file that every viewer of slides opens."""

from __future__ import annotations

from pathlib import Path

from coverslip.core import InputError, Written
from coverslip.core.words import number_of
from coverslip.io.atomic import free_place, refuse_existing, refuse_own
from coverslip.io.listing import bare_name
from coverslip.io.writing.slide_dicom import write_slide_dicom
from coverslip.io.writing.slide_tiff import write_slide_tiff
from coverslip.results.slide_store.folder import StoreFolder
from coverslip.results.slide_store.options import Decode
from coverslip.results.slide_store.store import SlideStore


def decode(store: SlideStore | StoreFolder, out: str | Path | None, force: bool, options: Decode) -> Written:
    """Write the pixels of a store as pyramidal OME-TIFF or DICOM; see `coverslip.verbs.decode.decode`."""
    if isinstance(store, StoreFolder):
        raise InputError(f"{store.path} holds {len(store.stores)} slides; decode one, such as {store.stores[0].path}.")
    levels, name = store.slide.levels, bare_name(store.path)
    if options.dicom:
        out = Path(out or f"{name}-dicom")
        refuse_existing(out, force)
        refuse_own(out, [store.path])
        path, notes = write_slide_dicom(
            levels, out, compression=options.compression, magnification=store.facts.get("magnification"), force=force
        )
    else:
        out = Path(out or f"{name}.ome.tif")
        free_place(out, (".tif", ".tiff"), force)
        refuse_own(out, [store.path])
        path, notes = write_slide_tiff(levels, out, compression=options.compression)
    said = f"Decoded {store.slide.height:,} x {store.slide.width:,} pixels, {number_of(len(levels), 'level')}"
    return Written(path, said, notes=tuple(notes))
