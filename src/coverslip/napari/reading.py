"""What napari opens by drag and drop: results of every kind that has layers, slides, and images of microscopes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from coverslip import results
from coverslip.core import Kind
from coverslip.core.errors import CoverslipError
from coverslip.io import open_image
from coverslip.io.layers import Layer, picture_layer
from coverslip.io.tags import provenance_of

Reader = Callable[[str | Sequence[str]], list[Layer]]

_RESULTS = (".labels.tif", ".labels.tiff", ".h5ad")


def reader_of(path: str | Sequence[str]) -> Reader | None:
    """The function that reads these files, or None where they are left to others; nothing is read yet.

    Parameters
    ----------
    path : str or sequence of str
        Dropped files or folders.
    """
    paths = [path] if isinstance(path, str) else list(path)
    return read if paths and all(_is_ours(Path(one)) for one in paths) else None


def read(path: str | Sequence[str]) -> list[Layer]:
    """The layers of files or folders, one after the other.

    Raises
    ------
    InputError
        If one cannot be opened; napari shows the sentence.
    """
    paths = [path] if isinstance(path, str) else list(path)
    return [layer for one in paths for layer in _layers(Path(one))]


def _layers(path: Path) -> list[Layer]:
    kind = _kind(path)
    if kind is not None:
        made: list[Layer] = kind.verb("layers")(kind.verb("open")(path))
        return made
    layer = picture_layer([open_image(path)], [path.stem])
    return [layer] if layer is not None else []


def _kind(path: Path) -> Kind | None:
    """The kind of result that `path` is; None: an image, or nothing of ours."""
    if path.is_dir() and path.suffix.lower() == ".zarr" and (path / "labels").is_dir():
        return results.get("labels")
    try:
        if path.is_file() and not path.name.lower().endswith(_RESULTS):
            return None
        if path.is_dir() and not (provenance_of(path).get("kind") or (path / "sheet.csv").is_file()):
            return None
        kind = results.kind_of(path)
    except CoverslipError:
        return None
    return kind if "layers" in kind.verbs else None


def _is_ours(path: Path) -> bool:
    if not path.exists():
        return False
    return path.is_file() or path.suffix.lower() == ".zarr" or _kind(path) is not None
