"""Rows of a sheet as samples or fields, and what is done to their pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def open_as(takes: str, inputs: Any, **how: Any) -> Any:
    """Open inputs in the form that a method takes.

    Parameters
    ----------
    takes : {"samples", "fields", "vectors"}
        What its card says: equally shaped samples, fields of any size, or an embedding.
    inputs
        A sheet, a folder, arrays and so on.
    **how
        ``channels``, ``planes`` and ``pixel_size``.

    Raises
    ------
    InputError
        If they cannot be opened so.
    """
    from coverslip.samples import open_fields, open_samples
    from coverslip.samples.opening.vectors import open_vectors

    opening: dict[str, Callable[..., Any]] = {
        "samples": open_samples,
        "fields": open_fields,
        "vectors": open_vectors,
    }
    return opening[takes](inputs, **how)


def open_at_one_size(takes: str, inputs: Any, one_size: Mapping[str, Any] | None, **how: Any) -> tuple[Any, str]:
    """Open inputs for a method that can be shown images of any size at one.

    Parameters
    ----------
    takes, inputs, **how
        As for `open_as`.
    one_size : mapping or None
        ``size`` and ``aspect``, for images that differ in size; those of equal size stay as they are. None: the method
        takes equal ones only.

    Returns
    -------
    opened : Samples, Fields or Embedding
    said : str
        What was done to images that differ in size; empty where they do not.

    Raises
    ------
    InputError
        If they cannot be opened so.
    """
    from coverslip.samples.opening.resized import SizesDiffer

    try:
        return open_as(takes, inputs, **how), ""
    except SizesDiffer:
        if one_size is None:
            raise
    size, aspect = one_size["size"], one_size["aspect"]
    what = "its proportions kept and the rest filled with the grey of its border" if aspect == "pad" else "stretched"
    said = (
        f"The images differ in size: each was brought to {size} x {size} pixels, {what}. Sizes and proportions may "
        "tell classes by themselves; 'coverslip study shortcut' says whether they do."
    )
    return open_as(takes, inputs, **how, size=size, aspect=aspect), said


def opened_with(samples: Any) -> dict[str, Any]:
    """What samples were opened with beside their sheet (``channels``, ``size``, …), also of some of them."""
    return dict(getattr(whole_of(samples), "how", {}))


def whole_of(samples: Any) -> Any:
    """What some rows of samples were taken from."""
    while hasattr(samples, "samples"):
        samples = samples.samples
    return samples
