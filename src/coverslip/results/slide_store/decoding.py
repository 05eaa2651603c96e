"""The pixels of a store as a file that every viewer of slides opens."""

from __future__ import annotations

from pathlib import Path

from coverslip.core import InputError, Written
from coverslip.io.atomic import free_place, refuse_own
from coverslip.io.writing.slide_tiff import write_slide_tiff
from coverslip.results.slide_store.folder import StoreFolder
from coverslip.results.slide_store.options import Decode
from coverslip.results.slide_store.store import SlideStore


def decode(store: SlideStore | StoreFolder, out: str | Path | None, force: bool, options: Decode) -> Written:
    """Write the pixels of a store as pyramidal OME-TIFF; see `coverslip.verbs.decode.decode`."""
    if isinstance(store, StoreFolder):
        raise InputError(f"{store.path} holds {len(store.stores)} slides; decode one, such as {store.stores[0].path}.")
    out = Path(out or f"{store.path.name.split('.')[0]}.ome.tif")
    free_place(out, (".tif", ".tiff"), force)
    refuse_own(out, [store.path])
    levels = store.slide.levels
    path, notes = write_slide_tiff(levels, out, compression=options.compression)
    said = f"Decoded {store.slide.height:,} x {store.slide.width:,} pixels, {len(levels)} levels"
    return Written(path, said, notes=tuple(notes))
