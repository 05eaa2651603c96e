"""How images with classes are divided for a study: folds, shares, and images per class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.core.words import number_of
from coverslip.measure.embeddings.folds import stratified
from coverslip.samples.sheets.splits import split_indices


@dataclass(frozen=True)
class Division:
    """Which images train, which are held out while training, and which test.

    Parameters
    ----------
    name : str
        What its folder is called.
    facts : mapping
        Columns of the tables: ``repeat``, ``fold`` or ``size``.
    train, val, test : ndarray of int
        Rows; no group is in two of them.
    """

    name: str
    facts: Mapping[str, Any]
    train: np.ndarray = field(repr=False)
    val: np.ndarray = field(repr=False)
    test: np.ndarray = field(repr=False)


def folds_of(
    codes: np.ndarray,
    groups: np.ndarray | None,
    folds: int,
    repeats: int,
    validation: float,
    seed: int,
    names: Sequence[str] = (),
) -> list[Division]:
    """Every fold of every repeat: tested once in each repeat, with part of the others held out to stop by.

    Parameters
    ----------
    codes : ndarray of int, shape (N,)
        Classes.
    groups : ndarray of int, shape (N,), optional
        Never divided.
    folds, repeats : int
        How many.
    validation : float
        Share of the images that are not tested which is held out, stratified, whole groups.
    seed : int
        Of the first repeat; each further one counts on.
    names : sequence of str, optional
        What the classes are called.

    Raises
    ------
    InputError
        If there are fewer images (or groups) of a class than folds.
    """
    if folds < 2 or repeats < 1:
        raise InputError(f"Cross-validation needs at least 2 folds and 1 repeat, not {folds} and {repeats}.")
    _enough(codes, groups, folds, names)
    found = []
    for repeat in range(repeats):
        for fold, (rest, test) in enumerate(stratified(codes, groups, folds, seed + repeat)):
            train, val = inside(rest, codes, groups, validation, seed + repeat)
            facts = {"repeat": repeat + 1, "fold": fold + 1}
            found.append(Division(f"repeat={repeat + 1},fold={fold + 1}", facts, train, val, test))
    return found


def sizes_of(
    codes: np.ndarray,
    groups: np.ndarray | None,
    sizes: Sequence[str],
    repeats: int,
    validation: float,
    seed: int,
    folds: int = 5,
    tested: np.ndarray | None = None,
    names: Sequence[str] = (),
) -> list[Division]:
    """Fewer and more labels: labelled images are divided into training and validation, and others are tested.

    Parameters
    ----------
    codes, groups, validation, seed
        As for `folds_of`.
    sizes : sequence of str
        ``"30"``: so many labelled images of each class (all of a class that has fewer), and one of `folds` parts of the
        images is tested, the same for every size of a repeat. ``"20%"``: this share of all images is labelled, and all
        others are tested. ``"20/20/60"``: shares that train, that are held out and that are tested. Larger numbers hold
        the smaller ones.
    repeats : int
        Draws of each size.
    tested : ndarray of int, optional
        Rows that are tested whatever the size; labelled are some of the others then.
    names : sequence of str, optional
        What the classes are called.

    Raises
    ------
    InputError
        If a size cannot be had.
    """
    asked = [_Size.read(text, validation) for text in sizes]
    marked: np.ndarray = np.arange(0) if tested is None else tested
    rows = np.setdiff1d(np.arange(len(codes)), marked)
    counted = any(size.number for size in asked) and tested is None
    if counted:
        _enough(codes, groups, folds, names, "give shares of all images instead (--sizes 20%,50%)")
    found = []
    for repeat in range(repeats):
        rest, test = rows, marked
        if counted:
            rest, test = stratified(codes, groups, folds, seed + repeat // folds)[repeat % folds]
        order = np.random.default_rng([seed, repeat]).permutation(rest)
        for size, text in zip(asked, sizes, strict=True):
            if size.number:
                drawn = [order[codes[order] == k][: size.number] for k in np.unique(codes)]
                labelled, others = np.sort(np.concatenate(drawn)), test
            else:
                own = None if groups is None else groups[rows]
                part = split_indices(len(rows), own, codes[rows], val=1 - size.share, seed=seed + repeat)
                labelled, others = rows[part["train"]], rows[part["val"]]
            train, val = inside(labelled, codes, groups, size.validation, seed + repeat)
            facts = {"size": text, "repeat": repeat + 1}
            name = f"size={text.replace('%', 'pc').replace('/', '-')},repeat={repeat + 1}"
            found.append(Division(name, facts, train, val, others if tested is None else tested))
    return found


@dataclass(frozen=True)
class _Size:
    """How many images are labelled: so many of each class, or a share of all; and which share of them is held out."""

    number: int
    share: float
    validation: float

    @classmethod
    def read(cls, text: str, validation: float) -> _Size:
        """Read ``"30"``, ``"20%"`` or ``"20/20/60"``.

        Raises
        ------
        InputError
            If it is none of them.
        """
        parts = text.removesuffix("%").split("/")
        if not all(part.isdecimal() and int(part) > 0 for part in parts) or len(parts) not in (1, 3):
            raise _no_size(text)
        numbers = [int(part) for part in parts]
        if len(numbers) == 3:
            if sum(numbers) != 100 or text.endswith("%"):
                raise _no_size(text)
            labelled = numbers[0] + numbers[1]
            return cls(0, labelled / 100, numbers[1] / labelled)
        if text.endswith("%"):
            if numbers[0] >= 100:
                raise _no_size(text)
            return cls(0, numbers[0] / 100, validation)
        if numbers[0] < 2:
            raise InputError("Of each class at least 2 labelled images are needed: one to train, one to stop by.")
        return cls(numbers[0], 0, validation)


def _no_size(text: str) -> InputError:
    return InputError(
        f"'{text}' is no size; write images per class (10,30,90), shares of all images (20%,40%,60%), or shares to "
        "train, to hold out and to test (20/20/60,40/20/40,60/20/20)."
    )


def inside(
    rows: np.ndarray, codes: np.ndarray, groups: np.ndarray | None, validation: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Training and validation rows; every class keeps a training image."""
    rows = np.asarray(rows)
    if validation == 0:
        return rows, rows[:0]
    part = split_indices(len(rows), None if groups is None else groups[rows], codes[rows], val=validation, seed=seed)
    return rows[part["train"]], rows[part["val"]]


def _enough(
    codes: np.ndarray, groups: np.ndarray | None, folds: int, names: Sequence[str], remedy: str = "ask for fewer"
) -> None:
    sizes = (
        np.bincount(codes)
        if groups is None
        else np.array([len(np.unique(groups[codes == k])) for k in range(codes.max() + 1)])
    )
    if sizes.min() < folds:
        held = number_of(int(sizes.min()), "image" if groups is None else "group")
        which = f", '{names[int(sizes.argmin())]}'," if names else ""
        raise InputError(
            f"The smallest class{which} has {held}, too few for {folds} folds: {remedy}, or merge it with another "
            "class."
        )
