"""What a user has in hand, as this room takes it: tensors are arrays, a list of files is a sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Image, InputError
from coverslip.samples.sheets.parts import divided
from coverslip.samples.sheets.sheet import Sheet


def given(inputs: Any) -> Any:
    """Inputs in the forms that `open_samples` and `open_fields` know.

    Parameters
    ----------
    inputs : Any
        A tensor (of torch, JAX, …) becomes an array. A list becomes a list of `Image` and arrays, or a `Sheet` where
        all are paths. Anything else comes back as it is.

    Raises
    ------
    InputError
        If a list is empty, or one of its members is no image.
    """
    if isinstance(inputs, list | tuple):
        if not inputs:
            raise InputError("The list of images is empty; give at least one.")
        if all(isinstance(one, str | Path) for one in inputs):
            return divided(Sheet(Path(), ("image",), [{"image": str(one)} for one in inputs]))
        return [_image(one, i) for i, one in enumerate(inputs)]
    return as_array(inputs)


def as_array(inputs: Any) -> Any:
    """A tensor as an array; anything else as it is."""
    if hasattr(inputs, "detach"):  # of torch: perhaps on another device, or of a type that NumPy lacks
        inputs = inputs.detach().cpu()
        inputs = inputs.float() if str(inputs.dtype) == "torch.bfloat16" else inputs
    elif isinstance(inputs, np.ndarray) or not hasattr(inputs, "__array__") or hasattr(inputs, "obs"):
        return inputs
    return np.asarray(inputs)


def _image(one: Any, number: int) -> Image:
    from coverslip.io import open_image

    if isinstance(one, str | Path):
        return open_image(one)
    one = as_array(one)
    if isinstance(one, np.ndarray):
        return Image.from_array(one, source=f"array {number}")
    if not isinstance(one, Image):
        raise InputError(
            f"Number {number} of the list of images is a {type(one).__name__}; give arrays, tensors, images or paths."
        )
    return one
