"""The rows of a folder: its images, each with its mask, and in words what was left out and what has no pair.

This is the one rule by which images and masks find each other by name. A folder called ``masks`` (or ``labels``)
belongs to the folder ``images`` beside it, else to the images in the folder that holds it, else to the only other
folder of images there; capitals make no difference. Within them, and where masks lie beside images, a mask is that of
the image with the same file name; else of the one with the same name without endings (``a.tif``, ``a.ome.tif``,
``a.labels.tif``); else of the one called like it without what programs add (``a_cp_masks.tif``, ``a_seg.npy``,
``a_mask.png``, ``a.geojson``, ``a_rois.zip``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coverslip.core.words import number_of
from coverslip.io.images.opening import AS_OME_TIFF
from coverslip.io.listing import Contents, bare_name, folded, is_outlines, mask_name, mask_rank
from coverslip.io.paths import relative_path

_MASK_FOLDERS = ("masks", "mask", "labels", "label", "annotations", "rois")
_IMAGE_FOLDERS = ("images", "image", "imgs", "img", "raw")
_SHOWN = 3

_NAMES: tuple[Callable[[Path], str], ...] = (lambda file: file.name, bare_name, mask_name)
"""What an image and its mask have in common, the surest first."""

Place = tuple[Path, Path]
"""Where an image looks for its mask: the folder that is searched, and the way from there."""


@dataclass
class Pairs:
    """The images of a folder with their masks.

    Parameters
    ----------
    images : list of Path
        In natural order.
    masks : dict of Path to Path
        The mask of each image that has one.
    apart : bool
        Whether masks lie in a folder of their own.
    notes : list of str
        Sentences on what was left out, and what has no pair.
    """

    images: list[Path]
    masks: dict[Path, Path] = field(default_factory=dict)
    apart: bool = False
    notes: list[str] = field(default_factory=list)


def pair(found: Contents, beside: bool = False) -> Pairs:
    """Find the mask of each image in a folder.

    Parameters
    ----------
    found : Contents
        What the folder holds.
    beside : bool
        Take masks that lie beside their images, too, such as those that Cellpose writes; else they are left out, for
        they may be results that nobody has looked at.
    """
    owners = _mask_folders(found)

    def mask_folder(file: Path) -> Path | None:
        return next((parent for parent in file.parents if parent in owners), None)

    inside = [
        file
        for file in (*found.images, *found.masks, *(f for f in found.others if is_outlines(f)))
        if mask_folder(file)
    ]
    pairs = Pairs([file for file in found.images if file not in set(inside)], apart=bool(owners))
    places: dict[Place, list[Path]] = defaultdict(list)
    for mask in inside:
        home = mask_folder(mask)
        assert home is not None
        places[owners[home], mask.parent.relative_to(home)].append(mask)
    near = [mask for mask in found.masks if mask not in set(inside)]
    if beside:
        for mask in near:
            places[mask.parent, Path()].append(mask)
    wanted: dict[Place, list[Path]] = defaultdict(list)
    for image in pairs.images:
        for parent in image.parents:
            wanted[parent, image.parent.relative_to(parent)].append(image)
            if parent == found.folder:
                break
    for place, masks in places.items():
        _pair(wanted[place], masks, pairs.masks)
    taken = set(pairs.masks.values())
    others = [file for file in found.others if file not in set(inside)]
    lonely = [mask for masks in places.values() for mask in masks if mask not in taken]
    _note(found, pairs, [] if beside else near, lonely, others)
    return pairs


def _pair(images: Sequence[Path], masks: Sequence[Path], found: dict[Path, Path]) -> None:
    """Give images that have no mask yet theirs; where several would do equally well, none."""
    free = list(masks)
    for name_of in _NAMES:
        by_name: dict[str, list[Path]] = defaultdict(list)
        for image in images:
            if image not in found:
                # The name of an image is what it is; only that of a mask has something added.
                by_name[folded((bare_name if name_of is mask_name else name_of)(image))].append(image)
        for name, called in by_name.items():
            fitting = sorted((m for m in free if folded(name_of(m)) == name), key=mask_rank)
            best = [mask for mask in fitting if mask_rank(mask) == mask_rank(fitting[0])]
            if len(called) == len(best) == 1:
                found[called[0]] = best[0]
                free.remove(best[0])


def _mask_folders(found: Contents) -> dict[Path, Path]:
    """Each folder of masks, with the folder of images that it belongs to."""

    def folders(files: Sequence[Path]) -> set[Path]:
        return {parent for file in files for parent in file.parents if found.folder in parent.parents}

    homes = folders(found.images)
    outlines = [file for file in found.others if is_outlines(file)]
    every = homes | folders(found.masks) | folders(outlines)
    masks = {home for home in every if home.name.casefold() in _MASK_FOLDERS}
    direct = {image.parent for image in found.images}
    owners = {}
    for home in masks:
        siblings = [other for other in homes - masks if other.parent == home.parent]
        named = [other for other in siblings if other.name.casefold() in _IMAGE_FOLDERS]
        if len(named) == 1:
            owners[home] = named[0]
        elif home.parent in direct:
            owners[home] = home.parent
        elif len(siblings) == 1:
            owners[home] = siblings[0]
    return owners


def _note(found: Contents, pairs: Pairs, near: Sequence[Path], lonely: Sequence[Path], others: Sequence[Path]) -> None:
    folder = found.folder
    if near:
        pairs.notes.append(
            f"Left out {_some(near, folder, 'mask')} beside images; if they are right, coverslip samples make names "
            "them in the column 'mask'."
        )
    if found.results:
        pairs.notes.append(f"Left out {_some(found.results, folder, 'result')} of programs, which are no images.")
    if others:
        pairs.notes.append(f"Left out {_some(others, folder, 'file')} of formats that are not read; {AS_OME_TIFF}.")
    if lonely:
        pairs.notes.append(
            f"Left out {_some(lonely, folder, 'mask')} without an image of that name, or beside a better one; call "
            "each mask like its image."
        )
    bare = [image for image in pairs.images if image not in pairs.masks]
    if bare and (pairs.masks or pairs.apart):
        pairs.notes.append(f"Found no mask for {_some(bare, folder, 'image')}; call each mask like its image.")


def _some(files: Sequence[Path], folder: Path, word: str) -> str:
    """``3 masks (a.png, b.png, …)``."""
    names = [relative_path(file, folder) for file in files[:_SHOWN]] + ["…"] * (len(files) > _SHOWN)
    return f"{number_of(len(files), word)} ({', '.join(names)})"
