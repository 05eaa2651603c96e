"""Several slide stores in one folder, as one result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coverslip.core import CoverslipError, InputError
from coverslip.io.tags import provenance_of
from coverslip.results.slide_store.store import SlideStore, open_store

ENDING = ".cslip.zarr"


@dataclass(frozen=True)
class StoreFolder:
    """The stores of a folder.

    Parameters
    ----------
    path : Path
    stores : tuple of SlideStore
        In the order of their names.
    notes : tuple of str
        Which stores could not be opened, and why.
    """

    path: Path
    stores: tuple[SlideStore, ...]
    notes: tuple[str, ...] = field(default=(), repr=False)

    @property
    def provenance(self) -> Mapping[str, Any]:
        """That of the prediction; of stores that were put together by hand, that of the first."""
        return provenance_of(self.path) or self.stores[0].provenance


def holds_stores(path: Path) -> bool:
    """Whether a path is a folder with slide stores in it."""
    return path.is_dir() and any(path.glob(f"*{ENDING}"))


def opened(path: str | Path) -> SlideStore | StoreFolder:
    """Open a slide store, or the stores of a folder; one that is damaged stops no other.

    Raises
    ------
    InputError
        If it is no store, or none of a folder can be opened.
    """
    path = Path(path)
    if path.name.lower().endswith(ENDING) or not holds_stores(path):
        return open_store(path)
    stores, notes = [], []
    for each in sorted(path.glob(f"*{ENDING}")):
        try:
            stores.append(open_store(each))
        except CoverslipError as error:
            notes.append(f"{each.name} is left out: {error}")
    if not stores:
        raise InputError(f"{path} holds no slide store that can be opened. {notes[0]}")
    return StoreFolder(path, tuple(stores), tuple(notes))


def each_store(result: Any) -> tuple[tuple[SlideStore, ...], list[str]]:
    """The stores of a result, opened or not, and what could not be opened."""
    if isinstance(result, str | Path):
        result = opened(result)
    return (result.stores, list(result.notes)) if isinstance(result, StoreFolder) else ((result,), [])


def name_of(store: SlideStore) -> str:
    """What a store is called."""
    return store.path.name.removesuffix(ENDING)
