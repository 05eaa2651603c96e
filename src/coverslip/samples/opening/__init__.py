"""Rows of a sheet as samples or fields, and what is done to their pixels."""

from __future__ import annotations

from collections.abc import Callable
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
