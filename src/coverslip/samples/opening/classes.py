"""The classes of samples, as a column names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from coverslip.core import InputError
from coverslip.samples.opening.again import as_words
from coverslip.samples.opening.joined import without_class


class Classes(NamedTuple):
    """Which rows have a class, and which.

    Parameters
    ----------
    rows : ndarray of int, shape (N,)
        Those with a class.
    codes : ndarray of int, shape (N,)
        The class of each, counted from 0.
    names : tuple of str
        What they are called.
    left_out : str
        A sentence on rows without a class; empty where all have one.
    """

    rows: np.ndarray
    codes: np.ndarray
    names: tuple[str, ...]
    left_out: str


def classes_of(obs: Mapping[str, np.ndarray], label: str, order: Sequence[str] = ()) -> Classes:
    """Read the classes of samples.

    Parameters
    ----------
    obs : mapping of str to ndarray, shape (n,)
        Columns.
    label : str
        The one that names the classes.
    order : sequence of str, optional
        All classes, where their order means something.

    Raises
    ------
    InputError
        If there is no such column, fewer than two classes, or others than those of `order`.
    """
    if label not in obs:
        known = ", ".join(obs) or "none"
        raise InputError(
            f"There is no column '{label}' to learn from; the columns are: {known}. Name one with label=NAME, or sort "
            "the images into a folder for each class."
        )
    words = as_words(obs[label])
    rows = np.flatnonzero(words != "")
    if not len(rows):
        raise InputError(f"The column '{label}' is empty; fill in the classes of some images.")
    left_out = without_class(words, obs, label)
    found = sorted(set(words[rows]))
    names = tuple(order) or tuple(found)
    if set(names) != set(found):
        odd = sorted(set(names) ^ set(found))[0]
        raise InputError(f"order must list just the classes there are ({', '.join(found)}); '{odd}' is in one only.")
    if len(names) < 2:
        raise InputError(f"Every image is '{found[0]}'; there must be at least two classes to tell apart.")
    place = {name: code for code, name in enumerate(names)}
    return Classes(rows, np.array([place[word] for word in words[rows]], np.int64), names, left_out)
