"""Open an image of any supported format; find the images in a folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from coverslip.core import Image, InputError, PixelSize
from coverslip.io.images.contents import Contents, is_zarr

_TIFF = (".tif", ".tiff", ".btf", ".tf8", ".svs", ".ndpi", ".scn", ".qptiff", ".lsm")
_PICTURE = (".png", ".jpg", ".jpeg")
_VENDOR = (".nd2", ".lif", ".czi")
IMAGE_SUFFIXES = (*_TIFF, *_PICTURE, ".npy", ".zarr", *_VENDOR)
"""The endings of image files (and of image folders, ``.zarr``), in lower case."""

_RESULT = re.compile(r"\.(labels|probability)\.")

_MAGIC = (
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
    (b"\x89PNG\r\n\x1a\n", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"\x93NUMPY", "array"),
)


def open_image(
    path: str | Path,
    *,
    axes: str | None = None,
    pixel_size: PixelSize | float | None = None,
    series: int | str | None = None,
    level: int = 0,
) -> Image:
    """Open an image; its pixels stay in the file until a window of them is read.

    Supported are OME-TIFF, ImageJ and plain TIFF (tiled, pyramidal and Aperio ``.svs`` too), PNG and JPEG, OME-Zarr
    0.4 and 0.5, NumPy ``.npy``, and with the extra ``vendors`` Nikon ``.nd2``, Leica ``.lif`` and Zeiss ``.czi``.
    The bytes decide, not the ending: a PNG named ``.jpg`` opens.

    Parameters
    ----------
    path : str or Path
        The file, or the folder of a Zarr image.
    axes : str, optional
        What the dimensions of the file are, one letter of ``TCZYXS`` each, in the order of the file (dimensions of
        length 1 may be left out). It wins over what the file says. Needed where the file does not say, such as a
        plain TIFF of several pages or an ``.npy`` of three dimensions: whether these are channels, focal planes or
        time points is never guessed.
    pixel_size : PixelSize or float, optional
        Micrometres per pixel; wins over what the file says. Resolution tags of plain TIFF are only believed between
        5 nm and 20 µm per pixel, those of PNG and JPEG never: they describe paper and screens.
    series : int or str, optional
        Which image, where a file holds several (`contents` lists them): its number from 0, or its name. Default: the
        first that is an image, not a label, a macro picture or a thumbnail of a larger one.
    level : int
        Which resolution, where it holds several; 0 is the full one.

    Returns
    -------
    Image
        Axes a subset of ``TCZYX``; the samples of a colour image are channels; axes of length 1 are dropped (not
        ``Y`` and ``X``); dtype as stored, in native byte order. Palette PNGs become RGB; an alpha channel is dropped
        where it is opaque everywhere and kept as a channel named ``alpha`` where it is not (in TIFF it is always
        kept). The value order is that of the file: a min-is-white TIFF is not inverted, a palette TIFF keeps its
        indices.

    Raises
    ------
    InputError
        One sentence naming the file and what to do: missing, empty, not an image, cut short, declaring more pixels
        than it can hold, of unclear or wrong axes, without that series or level. Damage inside compressed pixels
        is found when they are read, with the same kind of error.
    MissingExtra
        For a vendor format without the extra.
    """
    path = Path(path)
    image = _open(path, axes, series, level)
    if pixel_size is None:
        return image
    from dataclasses import replace

    size = pixel_size if isinstance(pixel_size, PixelSize) else PixelSize(float(pixel_size), float(pixel_size))
    if not (size.y > 0 and size.x > 0):
        raise InputError(f"A pixel size must be above 0 µm, not {size.y} x {size.x}, which was given for {path}.")
    return replace(image, pixel_size=size)


def contents(path: str | Path) -> Contents:
    """What a file holds: which images, and what beside them.

    Parameters
    ----------
    path : str or Path
        The file, or the folder of a Zarr image, plate or well.

    Returns
    -------
    Contents
        Its ``images`` are those to learn from. The positions, scenes and series of a file are all among them.

    Raises
    ------
    InputError
        As for `open_image`.
    MissingExtra
        For a vendor format without the extra.
    """
    path = Path(path)
    kind = _kind(path)
    if kind == "zarr":
        from coverslip.io.images.ome_zarr import contents_of_zarr

        return contents_of_zarr(path)
    if kind == "vendor":
        from coverslip.io.images.vendors import contents_of_vendor

        return contents_of_vendor(path)
    if kind == "tiff":
        from coverslip.io.images.tiff import contents_of_tiff

        return contents_of_tiff(path)
    return Contents()


def _open(path: Path, axes: str | None, series: int | str | None, level: int) -> Image:
    kind = _kind(path)
    if kind == "zarr":
        from coverslip.io.images.ome_zarr import open_zarr

        return open_zarr(path, axes, series, level)
    if kind == "vendor":
        from coverslip.io.images.vendors import open_vendor

        return open_vendor(path, axes, series, level)
    if kind == "tiff":
        from coverslip.io.images.tiff import open_tiff

        return open_tiff(path, axes, series, level)
    if Contents().find(str(path), series) or level:
        raise InputError(f"{path} holds one image at one resolution; leave out series={series} and level={level}.")
    if kind == "picture":
        from coverslip.io.images.pictures import open_picture

        return open_picture(path, axes)
    from coverslip.io.images.arrays import open_array

    return open_array(path, axes)


def _kind(path: Path) -> str:
    """How a file is to be read, by its ending and its first bytes."""
    if not path.exists():
        raise InputError(f"{path} does not exist; check the name and the folder it is looked for in.")
    if path.is_dir():
        return "zarr"
    suffix = path.suffix.lower()
    if suffix not in IMAGE_SUFFIXES or suffix == ".zarr":
        what = "is a file where a .zarr folder was expected" if suffix == ".zarr" else "is of an unsupported format"
        raise InputError(f"{path} {what}; supported are {', '.join(IMAGE_SUFFIXES)}.")
    try:
        with open(path, "rb") as file:
            head = file.read(16)
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror}); check its permissions.") from error
    if not head:
        raise InputError(f"{path} is empty (0 bytes); copy it again from its source.")
    if suffix in _VENDOR:
        return "vendor"
    kind = next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)
    if kind is None:
        raise InputError(
            f"{path} is not an image, whatever its name says: it does not begin like a TIFF, PNG, JPEG or NumPy file; "
            "remove it from the folder or export the image again."
        )
    return kind


def list_images(folder: str | Path) -> list[Path]:
    """Every image in a folder and its subfolders, in natural order (``cell2`` before ``cell10``).

    Hidden files, hidden folders, label images (``*.labels.*``, as `write_labels` names them) and the probabilities
    beside them (``*.probability.*``) are left out; a ``.zarr`` folder is one image.

    Parameters
    ----------
    folder : str or Path
        Where to look.

    Raises
    ------
    InputError
        If it is no folder, or holds no image.
    """
    folder = Path(folder)
    if not folder.exists():
        raise InputError(f"{folder} does not exist; check the name and the folder it is looked for in.")
    if not folder.is_dir():
        raise InputError(f"{folder} is a file; give a folder of images.")
    found = sorted(_walk(folder), key=_natural)
    if not found:
        raise InputError(
            f"{folder} holds no image, nor do its subfolders; put images there ({', '.join(IMAGE_SUFFIXES)})."
        )
    return found


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        is_result = _RESULT.search(path.name.lower())
        if path.is_dir():
            if not is_zarr(path):
                yield from _walk(path)
            elif not is_result:
                yield path
        elif path.suffix.lower() in IMAGE_SUFFIXES and path.suffix.lower() != ".zarr" and not is_result:
            yield path


def _natural(path: Path) -> list[list[tuple[int, int, str]]]:
    # Numbers compare as numbers and come before words; the exact text settles what is equal otherwise.
    def key(part: str) -> list[tuple[int, int, str]]:
        pieces = re.findall(r"\d+|\D+", part)
        return [(0, int(p), p) if p.isdecimal() else (1, 0, p.casefold()) for p in pieces]

    return [key(part) for part in path.parts]
