"""What the measures accept, checked once: a bad array is named in one sentence, not met deep inside a library."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from coverslip.core import InputError


def as_features(features: Any, name: str = "features") -> np.ndarray:
    """One vector per sample as float64, ``(N, D)``; images ``(N, …)`` are flattened, ``(N,)`` becomes ``(N, 1)``.

    Raises
    ------
    InputError
        If there are no samples, no dimensions, or a value is not finite (the first such sample is named).
    """
    array = np.asarray(features)
    if array.dtype.kind not in "biuf":
        raise InputError(f"The {name} must be numbers, not {array.dtype}.")
    if array.ndim == 0 or array.size == 0:
        raise InputError(f"The {name} must hold one vector per sample, but their shape is {array.shape}.")
    array = array.reshape(len(array), -1).astype(np.float64)
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        row, more = int(np.argmin(finite)), int((~finite).sum()) - 1
        others = f" (and {more} more)" if more else ""
        raise InputError(
            f"The {name} hold a NaN or infinite value at sample {row}{others}; leave those samples out or find where "
            "the values come from."
        )
    return array


def check_length(array: Any, length: int, name: str) -> np.ndarray:
    """The array, if it is one value per sample.

    Raises
    ------
    InputError
        If it is not.
    """
    array = np.asarray(array)
    if array.shape != (length,):
        raise InputError(f"The {name} must be one value for each of the {length} samples, but have {array.shape}.")
    return array


@dataclass(frozen=True)
class Labels:
    """Labels as integers.

    Parameters
    ----------
    codes : ndarray of int, shape (N,)
        Index into `classes`; -1 where the label is missing.
    classes : ndarray, shape (K,)
        The different labels, sorted.
    """

    codes: np.ndarray = field(repr=False)
    classes: np.ndarray

    @property
    def names(self) -> list[str]:
        """The classes as text."""
        return [str(c) for c in self.classes]

    @property
    def counts(self) -> np.ndarray:
        """Samples per class, ``(K,)``."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.classes))


def missing(values: np.ndarray) -> np.ndarray:
    """Where a label is missing: NaN, None, NA or empty text; ``(N,)`` bool."""
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind in "US":
        return values == np.zeros((), values.dtype)
    if values.dtype.kind == "O":
        # pandas' NA is equal to nothing, not even false: its type's name tells it without importing pandas.
        return np.array([v is None or v == "" if isinstance(v, str | None) else _is_nan(v) for v in values], dtype=bool)
    return np.zeros(len(values), dtype=bool)


def _is_nan(value: Any) -> bool:
    return type(value).__name__ in ("NAType", "NaTType") or bool(value != value)


def encode(labels: Any, name: str = "labels", *, allow_missing: bool = False) -> Labels:
    """Labels of any kind (text, numbers, a pandas column) as integers.

    Raises
    ------
    InputError
        If they are not one per sample, are missing somewhere (unless allowed), or look like measurements.
    """
    values = np.asarray(labels)
    if values.ndim != 1 or len(values) == 0:
        raise InputError(f"The {name} must be one value per sample, but their shape is {values.shape}.")
    absent = missing(values)
    if absent.any() and not allow_missing:
        raise InputError(
            f"The {name} are missing for {int(absent.sum())} of {len(values)} samples, first for sample "
            f"{int(np.argmax(absent))}; leave these samples out."
        )
    present = values[~absent]
    if present.dtype.kind == "O" and len({type(v) for v in present}) > 1:
        present = np.array([str(v) for v in present])
    classes, inverse = np.unique(present, return_inverse=True)
    if classes.dtype.kind == "f" and len(classes) > max(20, len(present) // 2) and (classes % 1 != 0).any():
        raise InputError(
            f"The {name} hold {len(classes)} different fractional numbers among {len(present)} samples, as "
            "measurements do; sort them into classes first."
        )
    codes = np.full(len(values), -1, dtype=np.intp)
    codes[~absent] = inverse
    return Labels(codes, classes)
