"""Files that hold many small images and their labels: MATLAB ``.mat``, NumPy ``.npz``, ``.npy``, IDX as of MNIST."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.io.reasons import reason

BUNDLES = (".mat", ".npz", "ubyte", "ubyte.gz")
"""How the names of files end that hold nothing else; a ``.npy`` may hold one image, too."""

_IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def read_bundle(path: str | Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Images and labels of a file of arrays.

    Parameters
    ----------
    path : str or Path
        ``.mat`` (up to version 7.2), ``.npz`` or ``.npy``: the largest array holds the images, one with a number or a
        word for each image the labels, that called ``label`` or ``y`` before others. Or IDX, packed or not, whose
        labels lie beside it (``t10k-images-idx3-ubyte.gz`` and ``t10k-labels-idx1-ubyte.gz``).

    Returns
    -------
    images : ndarray, shape (N, H, W) or (N, H, W, C)
        Dtype as stored; of ``(N, C, H, W)`` the channels come last. Rows of a flat array ``(N, P)`` are square images,
        row by row; where P is a square and one more, the last number is the label.
    labels : ndarray, shape (N,), or None

    Raises
    ------
    InputError
        If it cannot be read, no array can be told to hold the images, or there are other than one label for each.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no file {path}; give a .mat, .npz, .npy or IDX file that holds images.")
    try:
        arrays = _arrays(path)
    except InputError:
        raise
    except Exception as error:  # a damaged file can fail anywhere
        if "pickle" in str(error):  # NumPy takes what it does not know for one, and says how to open it unsafely
            raise InputError(
                f"{path} is damaged, or holds objects of Python, which are never read; save arrays of numbers."
            ) from None
        raise InputError(f"{path} cannot be read ({reason(error)}); copy it again from its source.") from error
    usable = {name: array for name, array in arrays.items() if array.dtype.kind in "biuf" and array.size > 1}
    if not usable:
        raise InputError(f"{path} holds no array of numbers; give a file that holds images.")
    name = max(usable, key=lambda each: usable[each].size)
    images, labels = _as_images(usable.pop(name), f"{path}, array '{name}'")
    if labels is None:
        rest = {each: array for each, array in arrays.items() if each != name and array.dtype.kind in "biufU"}
        each = min((each for each in rest if rest[each].size == len(images)), key=_is_no_label, default=None)
        labels = None if each is None else rest[each].ravel()
        lost = next((each for each in rest if each.lower() in ("label", "labels", "y")), None)
        if labels is None and lost is not None:
            raise InputError(
                f"{path} holds {len(images)} images, but its array '{lost}' {rest[lost].size} labels; give one for "
                "each, or leave the array out."
            )
    return images, labels


def _is_no_label(name: str) -> bool:
    return "label" not in name.lower() and name.lower() != "y"


def _arrays(path: Path) -> Mapping[str, Any]:
    if path.suffix.lower() == ".mat":
        from scipy.io import loadmat

        return {name: array for name, array in loadmat(path).items() if isinstance(array, np.ndarray)}
    if path.suffix.lower() == ".npz":
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    if path.suffix.lower() == ".npy":
        return {"images": np.load(path, allow_pickle=False)}
    if path.name.lower().removesuffix(".gz").endswith("ubyte"):
        beside = path.with_name(path.name.replace("images-idx3", "labels-idx1"))
        labels = {"labels": _idx(beside)} if beside != path and beside.is_file() else {}
        return {"images": _idx(path), **labels}
    raise InputError(f"{path} is no file of arrays; give one that ends in .mat, .npz, .npy, -ubyte or -ubyte.gz.")


def _idx(path: Path) -> np.ndarray:
    """An IDX file: two zeros, the type, the number of dimensions, their lengths, the numbers; all big-endian."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    dtype = np.dtype(_IDX_TYPES[data[2]])
    dimensions = data[3]
    shape = np.frombuffer(data, ">u4", dimensions, 4)
    values = np.frombuffer(data, dtype, offset=4 + 4 * dimensions)
    return values.reshape(shape).astype(dtype.newbyteorder("="))


def _as_images(array: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    if array.ndim == 2:
        side = isqrt(array.shape[1])
        if side > 1 and side**2 == array.shape[1]:
            return array.reshape(-1, side, side), None
        if side > 1 and side**2 + 1 == array.shape[1]:
            return array[:, :-1].reshape(-1, side, side), array[:, -1]
    elif array.ndim == 3 or (array.ndim == 4 and array.shape[3] in (1, 3, 4)):
        return array, None
    elif array.ndim == 4 and array.shape[1] < min(array.shape[2:]):
        return np.moveaxis(array, 1, -1), None
    raise InputError(
        f"{name} has the shape {array.shape}; images are (N, H, W), (N, channels, H, W), (N, H, W, colours) or rows "
        "(N, P) of square ones."
    )
