"""Sets of sample pictures, by kind: who made them, under which licence, and how they are had."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from coverslip.core import Image, InputError, PixelSize
from coverslip.io import write_image_tiff, write_labels
from coverslip.io.atomic import atomic_folder, refuse_existing
from coverslip.samples.examples.drawn import UM_PER_PIXEL, draw_nuclei
from coverslip.samples.sheets.sheet import Sheet, read_sheet, write_sheet


@dataclass(frozen=True)
class Example:
    """A set of sample pictures.

    Parameters
    ----------
    sentence : str
        What they show.
    licence, source : str
        Of the pictures, and who they are by.
    next : str
        A command to go on with; ``{out}`` is the folder.
    write : callable
        ``write(folder) -> rows of a sheet``.
    online : bool
        Whether scikit-image downloads them on first use (and keeps them); else they are here.
    """

    sentence: str
    licence: str
    source: str
    next: str
    write: Callable[[Path], list[dict[str, str]]]
    online: bool = False


def fetch(name: str, out: str | Path, *, force: bool = False) -> Sheet:
    """Write a set of sample pictures, a sheet of them, and their licence.

    Parameters
    ----------
    name : str
        One of `EXAMPLES`.
    out : str or Path
        The folder.
    force : bool
        Replace what is there.

    Returns
    -------
    Sheet
        Its images, with masks where the truth is known.

    Raises
    ------
    InputError
        If there is no such set, the place is taken, or pictures cannot be downloaded.
    """
    if name not in EXAMPLES:
        raise InputError(f"There are no sample pictures '{name}'; there are: {', '.join(EXAMPLES)}.")
    out, example = Path(out), EXAMPLES[name]
    refuse_existing(out, force)
    with atomic_folder(out, overwrite=force) as folder:
        rows = example.write(folder)
        columns = tuple(dict.fromkeys(key for row in rows for key in row))
        write_sheet(Sheet(folder, columns, rows), folder / "sheet.csv")
        text = f"{example.sentence}\nSource: {example.source}\nLicence: {example.licence}\n"
        (folder / "LICENCE.txt").write_text(text, encoding="utf-8")
    return read_sheet(out / "sheet.csv")


def _drawn(folder: Path) -> list[dict[str, str]]:
    rows = []
    size = PixelSize(UM_PER_PIXEL, UM_PER_PIXEL)
    (folder / "masks").mkdir()
    for number in range(6):
        treated = number >= 3
        image, labels = draw_nuclei(number, treated=treated)
        name = f"{'treated' if treated else 'control'}-{number % 3 + 1}"
        write_image_tiff(image, folder / f"{name}.tif", pixel_size=size, channels=("DNA",))
        write_labels(labels, folder / "masks" / f"{name}.labels.tif", pixel_size=size)
        row = {"image": f"{name}.tif", "mask": f"masks/{name}.labels.tif"}
        rows.append({**row, "treatment": name.split("-")[0], "well": f"{'AB'[treated]}{number % 3 + 1:02d}"})
    return rows


def _of_skimage(
    name: str, file: str, axes: str, um: float | None, channels: tuple[str, ...] = ()
) -> Callable[..., list[dict[str, str]]]:
    def write(folder: Path) -> list[dict[str, str]]:
        pixels = _loaded(name)
        if axes == "YXC":
            pixels, kept = np.moveaxis(pixels, -1, 0), "CYX"
        elif axes == "ZCYX":
            pixels, kept = np.moveaxis(pixels, 1, 0), "CZYX"
        else:
            kept = axes
        image = Image.from_array(np.ascontiguousarray(pixels), kept, source=f"{name} (scikit-image)")
        size = None if um is None else PixelSize(um, um)
        write_image_tiff(image, folder / file, pixel_size=size, channels=channels)
        return [{"image": file}]

    return write


def _loaded(name: str) -> np.ndarray:
    from skimage import data

    try:
        return np.asarray(getattr(data, name)())
    except Exception as error:  # of whichever library goes for it
        raise InputError(
            f"scikit-image could not get its picture '{name}' ({type(error).__name__}): it is downloaded on first use, "
            "which needs the internet and the package pooch (pip install pooch); nuclei, stained and phase do not."
        ) from error


_CC0 = "CC0 1.0 (public domain)"

EXAMPLES: dict[str, Example] = {
    "nuclei": Example(
        "Fluorescent nuclei, drawn: six fields, three of them 'treated', with the true labels; 0.5 µm a pixel.",
        _CC0,
        "drawn by Coverslip (coverslip.samples.examples.drawn); no photograph",
        "coverslip predict nuclei-fluo {out} --out found",
        _drawn,
    ),
    "stained": Example(
        "A stained section: colon, haematoxylin (blue) and DAB (brown, FHL2), 512 x 512 pixels, RGB.",
        "No known copyright restrictions",
        "immunohistochemistry of scikit-image; Center for Microscopy And Molecular Imaging (CMMI)",
        "coverslip predict he-nuclei {out} --out found",
        _of_skimage("immunohistochemistry", "colon.tif", "YXC", None, ("red", "green", "blue")),
    ),
    "phase": Example(
        "One cell in saline, quantitative phase, 0.107 µm a pixel: to label and fit to; no shipped model is for such.",
        _CC0,
        "cell of scikit-image; Schürmann et al., J. Biophotonics 2016",
        "coverslip samples check {out}",
        _of_skimage("cell", "cell.tif", "YX", 0.107),
    ),
    "mitosis": Example(
        "Fluorescent nuclei, photographed: human cells, some in mitosis, 512 x 512 pixels.",
        _CC0,
        "human_mitosis of scikit-image; David Root, Moffat et al., Cell 2006",
        "coverslip predict nuclei-fluo {out} --out found",
        _of_skimage("human_mitosis", "mitosis.tif", "YX", None),
        online=True,
    ),
    "planes": Example(
        "Membranes and nuclei of human cells in 60 focal planes, fluorescence, 0.26 µm a pixel.",
        _CC0,
        "cells3d of scikit-image; Allen Institute for Cell Science",
        "coverslip predict nuclei-fluo {out} --out found --channels nuclei --planes sharpest",
        _of_skimage("cells3d", "cells3d.tif", "ZCYX", 0.26, ("membrane", "nuclei")),
        online=True,
    ),
}
