"""What lies in a folder: images, masks, results of other programs, and what is none of these.

Names decide here; only the standard library is used. Which mask belongs to which image is said by the names, too:
`bare_name` is what an image is called, whatever its ending, and `mask_name` what the image of a mask is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coverslip.core import InputError
from coverslip.io.images.opening import IMAGE_SUFFIXES, is_image_name
from coverslip.io.paths import folded
from coverslip.io.tags import PROVENANCE

OUTLINES = (".geojson", ".json", ".roi", ".zip")
"""The endings of objects drawn as outlines: GeoJSON of QuPath, ROIs of ImageJ."""

CELLPOSE = "_seg.npy"
"""How Cellpose calls what it keeps of an image."""

_ENDINGS = sorted((*IMAGE_SUFFIXES, *OUTLINES), key=len, reverse=True)

# Of other programs, besides masks: flows, outlines and probabilities of Cellpose and ilastik, thumbnails of MetaXpress.
_RESULT = re.compile(
    r"(\.(probability|overlay|maps)|[_.](flows|dp|outlines)(_cp_masks\w*)?|_cp_output\w*|_cp_outlines"
    r"|[_ -]probabilities|[_ -]simple segmentation|[_ -]object predictions|[_.-]thumb(nail)?s?[\d_a-f-]*)$",
    re.IGNORECASE,
)
_MASK = re.compile(r"(\.labels|_cp_masks\w*|[_ -]object identities)$", re.IGNORECASE)
# What may stand behind the name of an image in that of its mask; an image of its own may be called so, too.
_TAIL = re.compile(
    r"([_.\- ]+(cp_masks?|object identities|seg|segmentation|masks?|labels?|labelled|instances|rois?|roiset"
    r"|annotations?|outlines|gt))+$",
    re.IGNORECASE,
)
# Neither images nor anything that could be one: texts, tables, documents, programs, other results of ours.
_OTHER = """
txt csv tsv md rst json xml yaml yml toml log ini cfg conf ome nd htd html htm css js py r m ijm groovy ipynb sh bat
cppipe cpproj qpdata qpproj ilp db lnk url pdf doc docx rtf odt xls xlsx ods ppt pptx parquet h5ad safetensors pkl
pickle pt pth onnx lock bak tmp
"""
_BESIDE = frozenset(f".{ending}" for ending in _OTHER.split())


def bare_name(path: str | Path) -> str:
    """What a file of an image or of labels is called: ``a`` for ``a.tif``, ``a.ome.tif``, ``a.labels.tif``, ``a``.

    Other points are part of the name: ``S21.107.svs`` is ``S21.107``.
    """
    name = _without_ending(path)
    for inner in (".labels", ".ome", ".cslip"):
        name = name[: -len(inner)] if name.lower().endswith(inner) and len(name) > len(inner) else name
    return name


def _without_ending(path: str | Path) -> str:
    name = Path(path).name
    ending = next((ending for ending in _ENDINGS if name.lower().endswith(ending) and len(name) > len(ending)), "")
    return name[: len(name) - len(ending)]


def mask_name(path: str | Path) -> str:
    """What the image of a mask is called: ``a`` for ``a_cp_masks.tif``, ``a_seg.npy``, ``a_mask.png``."""
    name = bare_name(path)
    return _TAIL.sub("", name) or name


def is_outlines(path: str | Path) -> bool:
    """Whether a file holds outlines, to judge by its ending."""
    return Path(path).suffix.lower() in OUTLINES and not is_image_name(path)


def mask_rank(path: str | Path) -> int:
    """Which of several masks of one image is taken, lowest first: label images, those of Cellpose, outlines."""
    if is_outlines(path):
        return 2 + (Path(path).suffix.lower() in (".roi", ".zip"))
    return int(Path(path).name.lower().endswith(CELLPOSE))


def preferred(masks: Sequence[Path]) -> list[Path]:
    """Of masks that are called alike those of the lowest rank, in the order given."""
    lowest: dict[str, int] = {}
    for mask in masks:
        name = folded(mask_name(mask))
        lowest[name] = min(lowest.get(name, mask_rank(mask)), mask_rank(mask))
    return [mask for mask in masks if mask_rank(mask) == lowest[folded(mask_name(mask))]]


@dataclass
class Contents:
    """The files in a folder and below it, in natural order.

    Parameters
    ----------
    folder : Path
        The folder.
    images : list of Path
        Images (a ``.zarr`` folder is one).
    masks : list of Path
        By their names: ``.labels.``, ``_cp_masks``, ``_seg.npy``, GeoJSON, ROIs; ``a_mask.png`` where ``a.tif`` lies
        beside it.
    results : list of Path
        Results of programs, other than masks: flows, probabilities, thumbnails; folders that hold results of ours.
    others : list of Path
        Files of formats that are not read, and pipes. Texts, tables, documents and programs are not among them.
    """

    folder: Path
    images: list[Path] = field(default_factory=list)
    masks: list[Path] = field(default_factory=list)
    results: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)


def contents(folder: str | Path) -> Contents:
    """Look at what a folder holds; hidden files and folders are left alone.

    Raises
    ------
    InputError
        If it is no folder.
    """
    folder = Path(folder)
    if not folder.exists():
        raise InputError(f"{folder} does not exist; check the name and the folder it is looked for in.")
    if not folder.is_dir():
        raise InputError(f"{folder} is a file; give a folder of images.")
    found = Contents(folder)
    files = sorted(_walk(folder, found), key=_natural)
    # Where an image is called like the rest of a name, the longer name is that of its mask.
    images = {(file.parent, folded(bare_name(file))) for file in files if is_image_name(file)}
    for file in files:
        _kind(file, found, images).append(file)
    dicom = [file for file in found.images if file.suffix.lower() == ".dcm"]
    if dicom:
        from coverslip.io.images.openslide import one_of_each_series

        kept = set(one_of_each_series(dicom))
        found.images = [file for file in found.images if file not in dicom or file in kept]
    return found


def _kind(file: Path, found: Contents, images: set[tuple[Path, str]]) -> list[Path]:
    """The list that a file belongs to."""
    stem = _without_ending(file)
    if _RESULT.search(stem):
        return found.results
    named = {(file.parent, folded(name)) for name in (bare_name(file), mask_name(file))} & images
    if is_image_name(file):
        called_so = _MASK.search(stem) or file.name.lower().endswith(CELLPOSE)
        return found.masks if called_so or len(named) > 1 else found.images
    if file.suffix.lower() in (".geojson", ".roi") or (file.suffix.lower() == ".zip" and named):
        return found.masks
    return [] if file.suffix.lower() in _BESIDE else found.others


def list_images(folder: str | Path) -> list[Path]:
    """Every image in a folder and its subfolders, in natural order (``cell2`` before ``cell10``).

    Hidden files and folders, masks and results of programs are left out, as `contents` tells them apart: label images
    (``*.labels.*``, as `write_labels` names them), ``*_cp_masks.*``, flows, probabilities, thumbnails, folders of
    results; a ``.zarr`` folder is one image.

    Parameters
    ----------
    folder : str or Path
        Where to look.

    Raises
    ------
    InputError
        If it is no folder, or holds no image.
    """
    found = contents(folder)
    if not found.images:
        raise InputError(
            f"{folder} holds no image, nor do its subfolders; put images there ({', '.join(IMAGE_SUFFIXES)})."
        )
    return found.images


def _walk(folder: Path, found: Contents) -> Iterator[Path]:
    for entry in os.scandir(folder):
        path = folder / entry.name
        if entry.name.startswith("."):
            continue
        if not entry.is_dir():
            if entry.is_file() or entry.is_symlink():
                yield path
            else:  # a pipe: reading it would wait for ever
                found.others.append(path)
        elif is_image_name(path):
            yield path
        elif (path / PROVENANCE).is_file():
            found.results.append(path)
        else:
            yield from _walk(path, found)


def _natural(path: Path) -> list[list[tuple[int, int, str]]]:
    # Numbers compare as numbers and come before words; the exact text settles what is equal otherwise.
    def key(part: str) -> list[tuple[int, int, str]]:
        pieces = re.findall(r"\d+|\D+", part)
        return [(0, int(p), p) if p.isdecimal() else (1, 0, p.casefold()) for p in pieces]

    return [key(part) for part in path.parts]
