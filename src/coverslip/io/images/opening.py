"""Open an image of any supported format."""

from __future__ import annotations

from pathlib import Path

from coverslip.core import Image, InputError, PixelSize
from coverslip.io.bundles import BUNDLES
from coverslip.io.images.inventory import Inventory

_SLIDE = (".svs", ".ndpi", ".scn", ".bif", ".qptiff", ".ptif", ".ptiff", ".zif")
_TIFF = (".tif", ".tiff", ".btf", ".tf2", ".tf8", ".lsm", ".stk", ".flex", ".gel", ".qpi", ".pcoraw", *_SLIDE)
_PICTURE = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".jp2", ".j2k", ".pgm", ".ppm", ".pbm", ".pnm", ".avif")
_VENDOR = (".nd2", ".lif", ".czi")
_OPENSLIDE = (".mrxs", ".vms", ".vmu", ".svslide", ".dcm")
ZARR_ZIP = (".zarr.zip", ".ozx")
"""The endings of Zarr folders in one zip file."""

IMAGE_SUFFIXES = (*_TIFF, *_PICTURE, ".npy", ".zarr", *ZARR_ZIP, *_VENDOR, *_OPENSLIDE)
"""The endings of image files (and of image folders, ``.zarr``), in lower case."""

AS_OME_TIFF = "export it as OME-TIFF (Fiji with Bio-Formats opens most formats)"
"""The way out for files of other formats."""

_MAGIC = (
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
    (b"\x89PNG\r\n\x1a\n", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"GIF8", "picture"),
    (b"RIFF", "picture"),  # WebP
    (b"\0\0\0\x0cjP  ", "picture"),  # JPEG 2000, in a file or bare
    (b"\xff\x4f\xff\x51", "picture"),
    (b"BM", "picture"),
    *((b"P%d" % kind, "picture") for kind in range(1, 7)),  # PBM, PGM, PPM
    (b"\x93NUMPY", "array"),
)


def is_image_name(path: str | Path) -> bool:
    """Whether a file or folder is an image, to judge by its ending."""
    return Path(path).name.lower().endswith(IMAGE_SUFFIXES)


def open_image(
    path: str | Path,
    *,
    axes: str | None = None,
    pixel_size: PixelSize | float | str | None = None,
    series: int | str | None = None,
    level: int = 0,
) -> Image:
    """Open an image; its pixels stay in the file until a window of them is read.

    Supported are OME-TIFF, ImageJ and plain TIFF (tiled, pyramidal, Aperio ``.svs`` and MetaMorph ``.stk`` too), PNG,
    JPEG, JPEG 2000, BMP, GIF, WebP, AVIF and PNM, OME-Zarr 0.4 and 0.5 (``.zarr.zip`` too), NumPy ``.npy``, and with
    the extra ``vendors`` Nikon ``.nd2``, Leica ``.lif`` and Zeiss ``.czi``, and with the extra ``slides`` slides as
    MIRAX ``.mrxs``, Hamamatsu ``.vms``, Sakura ``.svslide`` and DICOM ``.dcm``.
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
    pixel_size : PixelSize, float or str, optional
        Micrometres per pixel; wins over what the file says. Files are believed between 5 nm and 20 µm per pixel only,
        whichever program wrote them, PNG and JPEG never: beyond that they describe paper and screens.
    series : int or str, optional
        Which image, where a file holds several (`inventory` lists them): its number from 0, or its name. Default: the
        first that is an image, not a label, a macro picture or a thumbnail of a larger one.
    level : int
        Which resolution, where it holds several; 0 is the full one.

    Returns
    -------
    Image
        Axes a subset of ``TCZYX``; the samples of a colour image are channels; axes of length 1 are dropped (not
        ``Y`` and ``X``); dtype as stored, in native byte order. Palette PNGs become RGB, or grey where all of their
        colours are; an alpha channel is dropped where it is opaque everywhere and kept as a channel named ``alpha``
        where it is not (in TIFF it is always kept). Pictures are turned as EXIF says; a TIFF in which 0 is white is
        inverted, so that more is brighter (of one bit, true stays true); a palette TIFF keeps its indices.

    Raises
    ------
    InputError
        One sentence naming the file and what to do: missing, empty, not an image, cut short, declaring more pixels
        than it can hold, of unclear or wrong axes, without that series or level. Damage inside compressed pixels
        is found when they are read, with the same kind of error.
    MissingExtra
        For a format of an extra without it.
    """
    path = Path(path)
    image = _open(path, axes, series, level)
    if pixel_size is None:
        return image
    from dataclasses import replace

    from coverslip.io.images.calibration import given

    size = given(pixel_size, path)
    if size.z is None and image.pixel_size is not None:
        size = replace(size, z=image.pixel_size.z)
    return replace(image, pixel_size=size)


def inventory(path: str | Path) -> Inventory:
    """What a file holds: which images, and what beside them.

    Parameters
    ----------
    path : str or Path
        The file, or the folder of a Zarr image, plate or well.

    Returns
    -------
    Inventory
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
        from coverslip.io.images.ome_zarr import inventory_of_zarr

        return inventory_of_zarr(path)
    if kind == "vendor":
        from coverslip.io.images.vendors import inventory_of_vendor

        return inventory_of_vendor(path)
    if kind == "tiff":
        from coverslip.io.images.tiff import inventory_of_tiff

        return inventory_of_tiff(path)
    return Inventory()


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
    if kind == "openslide":
        from coverslip.io.images.openslide import open_by_openslide

        return open_by_openslide(path, axes, series, level)
    if Inventory().find(str(path), series) or level:
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
    if not path.is_file():
        raise InputError(f"{path} is a pipe or a device, not a file; give a file, or a folder of files.")
    suffix = path.suffix.lower()
    if suffix == ".zarr":
        raise InputError(f"{path} is a file where a .zarr folder was expected; zipped, it should end in .zarr.zip.")
    if path.name.lower().endswith(BUNDLES):
        raise InputError(f"{path} holds arrays, not one image: coverslip samples unpack {path} --out FOLDER.")
    if suffix == ".h5ad":
        raise InputError(
            f"{path} holds vectors, not images; give the images, or a method that takes vectors, such as probe."
        )
    if not is_image_name(path):
        raise InputError(
            f"{path} is of a format that is not read; {AS_OME_TIFF}. Supported are {', '.join(IMAGE_SUFFIXES)}."
        )
    try:
        with open(path, "rb") as file:
            head = file.read(16)
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror}); check its permissions.") from error
    if not head:
        raise InputError(f"{path} is empty (0 bytes); copy it again from its source.")
    if path.name.lower().endswith(ZARR_ZIP):
        return "zarr"
    if suffix in _VENDOR:
        return "vendor"
    if suffix in _OPENSLIDE:
        return "openslide"
    kind = next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)
    if head[4:12] in (b"ftypavif", b"ftypavis"):
        kind = "picture"
    if kind is None:
        raise InputError(
            f"{path} is not an image, whatever its name says: it does not begin like a TIFF, a picture or a NumPy "
            "file; remove it from the folder or export the image again."
        )
    return kind
