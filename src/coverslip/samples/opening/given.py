"""What a user has in hand, as this room takes it: tensors are arrays, tables and lists of files are sheets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Image, InputError
from coverslip.samples.opening.channels import RGB
from coverslip.samples.sheets.parts import divided
from coverslip.samples.sheets.sheet import Sheet

_ARRAYS = ("__array__", "__array_interface__")
_TABLES = ("obs", "columns")
_SAMPLES = ("obs", "channels")
_WANTED = (
    "a file, a folder, a sheet or table with a column 'image', an array or tensor (C, H, W), an Image, or a list of "
    "these"
)


def given(inputs: Any) -> Any:
    """Inputs in the forms that `open_samples` and `open_fields` know.

    Parameters
    ----------
    inputs : Any
        A tensor (of torch, JAX, …) or a picture of Pillow becomes an array, one in colours, ``(H, W, 3)`` as other
        programs have them, an `Image`. A list becomes a list of `Image`, or a `Sheet` where all are paths; a table of
        pandas becomes a `Sheet`. A path, a sheet, samples and fields come back as they are.

    Raises
    ------
    InputError
        If a list is empty, or it or one of its members is nothing that holds images.
    """
    if isinstance(inputs, list | tuple):
        if not inputs:
            raise InputError("The list of images is empty; give at least one.")
        if all(isinstance(one, str | Path) for one in inputs):
            return divided(Sheet(Path(), ("image",), [{"image": str(one)} for one in inputs]))
        return [_image(one, i) for i, one in enumerate(inputs)]
    if hasattr(inputs, "columns") and hasattr(inputs, "to_dict"):
        return _of_table(inputs)
    inputs = _in_colours(as_array(inputs), "array")
    if isinstance(inputs, np.ndarray | Image | str | Path | Sheet) or all(hasattr(inputs, n) for n in _SAMPLES):
        return inputs
    raise InputError(f"A {type(inputs).__name__} holds no images to open; give {_WANTED}.")


def as_array(inputs: Any) -> Any:
    """A tensor or a picture of Pillow as an array; anything else as it is."""
    if hasattr(inputs, "detach"):  # of torch: perhaps on another device, or of a type that NumPy lacks
        inputs = inputs.detach().cpu()
        inputs = inputs.float() if str(inputs.dtype) == "torch.bfloat16" else inputs
    elif isinstance(inputs, np.ndarray) or not _has_any(inputs, _ARRAYS) or _has_any(inputs, _TABLES):
        return inputs
    return np.asarray(inputs)


def _has_any(inputs: Any, names: tuple[str, ...]) -> bool:
    return any(hasattr(inputs, name) for name in names)


def _in_colours(inputs: Any, source: str) -> Any:
    """An array ``(H, W, 3)`` or ``(H, W, 4)`` as a picture in colours; the fourth is how opaque it is, and left out."""
    if not isinstance(inputs, np.ndarray) or inputs.ndim != 3 or inputs.shape[-1] not in (3, 4):
        return inputs
    if min(inputs.shape[:2]) <= inputs.shape[-1]:
        return inputs
    pixels = np.ascontiguousarray(np.moveaxis(inputs[..., :3], -1, 0))
    return Image.from_array(pixels, "CYX", source=source, channels=RGB)


def _of_table(table: Any) -> Sheet:
    """A table of pandas as a sheet; paths in it are as seen from the working directory."""
    columns = [str(name) for name in table.columns]
    if "image" not in columns:
        raise InputError(f"The table has no column 'image'; it has: {', '.join(columns) or 'none'}.")
    known = table.notna().to_numpy()
    rows = [
        {name: str(value) if there else "" for name, value, there in zip(columns, *one, strict=True)}
        for one in zip(table.itertuples(index=False), known, strict=True)
    ]
    return divided(Sheet(Path(), tuple(columns), rows))


def _image(one: Any, number: int) -> Image:
    from coverslip.io import open_image

    if isinstance(one, str | Path):
        return open_image(one)
    one = _in_colours(as_array(one), f"array {number}")
    if isinstance(one, np.ndarray):
        return Image.from_array(one, source=f"array {number}")
    if not isinstance(one, Image):
        raise InputError(
            f"Number {number} of the list of images is a {type(one).__name__}; give arrays, tensors, images or paths."
        )
    return one
