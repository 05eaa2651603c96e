"""What Cellpose keeps of an image, ``*_seg.npy``: a pickled dictionary, read without running anything in it."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.io.reasons import reason


def read_cellpose(path: Path) -> np.ndarray:
    """The masks in a ``_seg.npy``.

    Parameters
    ----------
    path : Path
        The file. Arrays, numbers, texts and containers of these are read, and nothing else.

    Returns
    -------
    ndarray of int, shape (H, W)

    Raises
    ------
    InputError
        If the file is damaged, asks for anything else to be loaded, or holds no masks of one plane.
    """
    try:
        with path.open("rb") as stream:
            major, _ = np.lib.format.read_magic(stream)
            reads = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
            shape, _, dtype = reads[major](stream)
            if shape != () or not dtype.hasobject:
                raise InputError(f"{path} holds an array, not what Cellpose keeps; name it without '_seg'.")
            kept = _Plain(stream).load()
    except InputError:
        raise
    except Exception as error:  # a pickle can fail in any way
        raise InputError(
            f"{path} is no Cellpose result that can be read safely ({reason(error)}); save the masks as TIFF or PNG."
        ) from error
    kept = kept.item() if isinstance(kept, np.ndarray) and kept.shape == () else kept
    masks = kept.get("masks") if isinstance(kept, dict) else None
    if not isinstance(masks, np.ndarray) or np.squeeze(masks).ndim != 2 or masks.dtype.kind not in "iub":
        raise InputError(f"{path} holds no masks of one plane; save them as TIFF from Cellpose.")
    return np.squeeze(masks)


def _empty(*_: Any) -> np.ndarray:
    """What an array begins as; its pixels follow, and are checked against its shape."""
    return np.ndarray.__new__(np.ndarray, (0,), "b")


def _scalar(dtype: np.dtype[Any], data: Any = b"") -> Any:
    return np.frombuffer(data, dtype, 1)[0] if isinstance(data, bytes) and not dtype.hasobject else data


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any, *_: Any) -> np.ndarray:
    return np.frombuffer(data, dtype).reshape(shape, order=order)


def _latin1(text: str, _: str) -> bytes:
    return text.encode("latin1")


_NUMPY = {"_reconstruct": _empty, "scalar": _scalar, "_frombuffer": _from_buffer, "dtype": np.dtype}
_OTHER = {("_codecs", "encode"): _latin1, ("builtins", "set"): set, ("collections", "OrderedDict"): dict}


class _Plain(pickle._Unpickler):
    """Loads plain data; whatever else a pickle names is refused, not called.

    The one written in Python: that in C would fill the memory if a pickle numbers what it remembers oddly.
    """

    def find_class(self, module: str, name: str) -> Any:
        """What a pickle may name."""
        if module.split(".")[0] == "numpy":
            found = np.ndarray if name == "ndarray" else _NUMPY.get(name)
        else:
            found = _OTHER.get((module.replace("__builtin__", "builtins"), name))
        if found is None:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return found
