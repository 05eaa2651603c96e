"""NumPy ``.npy`` files, mapped into memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from coverslip.core import Image, InputError, Window
from coverslip.io.images.axes import Arrangement, arrange
from coverslip.io.reasons import reason


class ArrayReader:
    """Reads windows of an ``.npy`` file. It can be pickled and used by several threads."""

    def __init__(self, path: str, arrangement: Arrangement) -> None:
        self.path, self.arrangement = path, arrangement

    def __call__(self, window: Window) -> np.ndarray:
        """Read one window."""
        array = _mapped(self.path)
        part = self.arrangement.arrange(array[self.arrangement.stored_window(window)])
        return np.array(part, dtype=array.dtype.newbyteorder("="), order="C")


def open_array(path: Path, axes: str | None) -> Image:
    """Open an ``.npy`` file. It says nothing of its axes: two dimensions are rows and columns, more must be said."""
    name = str(path)
    array = _mapped(name)
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name} holds {array.dtype}, which are no pixels; save integers or floats.")
    if array.ndim < 2:
        raise InputError(f"{name} has shape {array.shape}; an image needs at least rows and columns.")
    arrangement = arrange(name, "Q" * (array.ndim - 2) + "YX", array.shape, axes)
    dtype = array.dtype.newbyteorder("=")
    return Image(
        arrangement.axes, arrangement.shape, dtype, name, ArrayReader(name, arrangement), metadata={"format": "npy"}
    )


def _mapped(path: str) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise InputError(f"{path} is gone since it was opened; put it back.") from error
    except Exception as error:  # a damaged header can fail anywhere
        # Also an array of Python objects: loading one would run code, so it is refused.
        raise InputError(
            f"{path} is not a usable NumPy array ({reason(error)}); save it again with numpy.save."
        ) from error
