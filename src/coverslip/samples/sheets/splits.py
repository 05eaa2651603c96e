"""Training, validation and test: whole groups stay together, classes stay balanced, the seed decides the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.core.words import number_of
from coverslip.io.paths import PARTS
from coverslip.samples.opening.again import as_words
from coverslip.samples.sheets.sheet import Sheet

SPLITS = ("train", "val", "test")
"""The words of the column ``split``."""

GROUPS = ("group", "plate", "source_image")
"""Columns that hold groups, the first that has enough of them counts: crops of one image are alike, so that a split by
crop would measure memory."""

_ENOUGH = 5

_WORDS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "holdout": "test",
    "": "",
}


def split_word(text: str) -> str:
    """``"train"``, ``"val"``, ``"test"`` or ``""`` for what people write in a column ``split``.

    Raises
    ------
    InputError
        If it is none of them.
    """
    try:
        return _WORDS[text.strip().lower()]
    except KeyError:
        raise InputError(f"'{text}' is not a split; write train, val or test.") from None


def split_indices(
    n: int,
    groups: Sequence[str] | np.ndarray | None = None,
    labels: Sequence[str] | np.ndarray | None = None,
    *,
    val: float = 0.15,
    test: float = 0.0,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Divide `n` samples into training, validation and test.

    Parameters
    ----------
    n : int
        Number of samples.
    groups : sequence of str, shape (n,), optional
        Samples of one group (a patient, a plate, a source image) never lie in two parts. An empty text is
        a group of its own.
    labels : sequence of str, shape (n,), optional
        The parts get each class in equal proportion, as nearly as whole groups allow.
    val, test : float
        Fractions of the samples, each in [0, 1); what is left trains. 0 leaves a part empty, any other
        value gives it at least one group.
    seed : int
        The same seed gives the same parts.

    Returns
    -------
    dict of str to ndarray of int
        Sorted indices under ``"train"``, ``"val"`` and ``"test"``.

    Notes
    -----
    Without groups each class is shuffled and cut at the fractions. With groups, these are taken from the largest
    to the smallest, in random order among equals, and each goes where it brings the class counts nearest to those
    wanted, by the chi-square distance: differences squared, over what is wanted. So a small part gets large groups,
    too, in proportion; by the mere differences all of them would train, and what is held out would be unlike it.

    Raises
    ------
    InputError
        If the fractions leave nothing to train on, or there are fewer groups than parts.
    """
    if not (0 <= val < 1 and 0 <= test < 1 and val + test < 1):
        raise InputError(f"Fractions of {val} for validation and {test} for test leave nothing to train on.")
    wanted = np.array([1 - val - test, val, test])
    unit = _units(n, groups)
    units = int(unit.max(initial=-1)) + 1
    parts = int((wanted > 0).sum())
    if units < parts:
        there = number_of(units, "sample" if groups is None else "group")
        raise InputError(f"{there} cannot be divided into {parts} parts; give more, or set a fraction to 0.")
    names = np.zeros(n, dtype=str) if labels is None else np.asarray(labels).astype(str)
    _check_length("labels", len(names), n)
    classes, code = np.unique(names, return_inverse=True)
    part = _cut_classes(code, wanted, np.random.default_rng(seed)) if units == n else None
    if part is None:
        held = np.zeros((units, len(classes)))  # how many samples of each class a group holds
        np.add.at(held, (unit, code), 1)
        part = _assign_groups(held, wanted, np.random.default_rng(seed))[unit]
    return {name: np.flatnonzero(part == i) for i, name in enumerate(SPLITS)}


def split_sheet(
    sheet: Sheet,
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15),
    *,
    by: str | None = "group",
    stratify: str | None = "label",
    seed: int = 0,
) -> Sheet:
    """Fill the column ``split`` of a sheet with ``train``, ``val`` and ``test``.

    Parameters
    ----------
    sheet : Sheet
        The samples.
    fractions : tuple of float
        Of training, validation and test; they are divided by their sum.
    by : str or None
        The column that holds groups. The default is used only where the sheet has it; without it, crops of one plate or
        source image stay together where there are five of these or more, see `groups_of_sheet`.
    stratify : str or None
        The column that holds classes; the default is used only where the sheet has it.
    seed : int
        The same seed gives the same parts.

    Raises
    ------
    InputError
        If a column other than the defaults is asked for and missing, or the split is impossible.
    """
    share = np.asarray(fractions, dtype=float)
    if share.shape != (3,) or (share < 0).any() or share[0] <= 0:
        raise InputError(f"The fractions {fractions} are not three numbers, training first and above 0.")
    share /= share.sum()
    by = groups_of_sheet(sheet) if by == "group" else by

    def column(name: str | None, default: str) -> list[str] | None:
        return None if name is None or (name == default and name not in sheet.columns) else sheet.column(name)

    found = split_indices(
        len(sheet), column(by, "group"), column(stratify, "label"), val=share[1], test=share[2], seed=seed
    )
    words = np.empty(len(sheet), dtype=object)
    for name, indices in found.items():
        words[indices] = name
    return sheet.with_column("split", words.tolist())


def groups_of_sheet(sheet: Sheet) -> str | None:
    """The column whose groups stay together where nobody names one: ``group``, or else the usual others."""
    if sheet.has("group"):
        return "group"
    return usual_groups({name: np.array(sheet.column(name)) for name in GROUPS if sheet.has(name)})


def given_split(obs: Mapping[str, np.ndarray], n: int) -> dict[str, np.ndarray] | None:
    """The parts that a column ``split`` states.

    Parameters
    ----------
    obs : mapping of str to ndarray, shape (n,)
        Columns of facts, as of `Samples`.
    n : int
        Number of samples.

    Returns
    -------
    dict of str to ndarray of int, or None
        As `split_indices` gives them; rows where the column is empty belong to no part. None where there is no
        such column, or all of it is empty.

    Raises
    ------
    InputError
        If the column holds a word that is not a split; ``validation`` and the like are understood.
    """
    texts = [str(text) for text in obs.get("split", [""] * n)]
    try:
        words = np.array([split_word(text) for text in texts], dtype="U5")
    except InputError as error:
        row = next(row for row, text in enumerate(texts) if text.strip().lower() not in _WORDS)
        whose = str(obs["image"][row]) if "image" in obs else f"sample {row}"
        raise InputError(f"{whose}: {error}") from None
    return {name: np.flatnonzero(words == name) for name in SPLITS} if (words != "").any() else None


def divided_groups(obs: Mapping[str, np.ndarray]) -> str:
    """A sentence on groups, or images, that a column ``split`` puts into two parts; empty where it divides none."""
    parts = given_split(obs, len(next(iter(obs.values()), ())))
    if parts is None:
        return ""
    by = "group" if "group" in obs and (obs["group"].astype(str) != "").any() else usual_groups(obs)
    if by is not None and (said := _in_two(obs[by].astype(str), parts)):
        return (
            f"The column 'split' divides the {by} {said}, so that results on held-out images flatter; make "
            f"new splits with coverslip samples split --by {by}."
        )
    if "image" in obs:
        columns = [obs[name].astype(str) for name in ("image", *PARTS) if name in obs]
        if said := _in_two(np.array([" ".join(filter(None, row)) for row in zip(*columns, strict=True)]), parts):
            return (
                f"The column 'split' has the image {said} in two parts, so that results on held-out images flatter; "
                "delete one of its rows."
            )
    return ""


def _in_two(names: np.ndarray, parts: Mapping[str, np.ndarray]) -> str:
    """The names that lie in two parts, in words; empty for none."""
    within = [set(names[rows]) - {"", "nan", "None"} for rows in parts.values()]
    divided = sorted({str(name) for i, one in enumerate(within) for other in within[:i] for name in one & other})
    return f"'{divided[0]}'{f' and {len(divided) - 1} more' if len(divided) > 1 else ''}" if divided else ""


def train_and_test(obs: Mapping[str, np.ndarray], n: int) -> np.ndarray | None:
    """What each sample is for where a measure is learned on some and scored on others, by a column ``split``.

    Parameters
    ----------
    obs, n
        As for `given_split`.

    Returns
    -------
    ndarray of str as objects, shape (n,), or None
        ``"train"``; ``"test"`` of the test part, or where there is none of the validation part; else empty. None where
        the column does not state both.
    """
    parts = given_split(obs, n)
    if parts is None:
        return None
    scored = parts["test"] if len(parts["test"]) else parts["val"]
    if not len(parts["train"]) or not len(scored):
        return None
    words = np.full(n, "", dtype=object)
    words[parts["train"]], words[scored] = "train", "test"
    return words


def group_names(column: Sequence[Any] | np.ndarray) -> np.ndarray:
    """The groups of a column as texts ``(N,)``; a sample of which it says nothing is a group of its own."""
    names = as_words(np.asarray(column)).astype(str)
    # No CSV field holds the first character of these.
    alone = np.char.add("\0", np.arange(len(names)).astype(str))
    return np.where(names == "", alone, names)


def group_codes(column: Sequence[Any] | np.ndarray) -> np.ndarray:
    """The same as numbers from 0."""
    return np.unique(group_names(column), return_inverse=True)[1]


def _units(n: int, groups: Sequence[str] | np.ndarray | None) -> np.ndarray:
    if groups is None:
        return np.arange(n)
    _check_length("groups", len(groups), n)
    return group_codes(groups)


def _check_length(what: str, found: int, n: int) -> None:
    if found != n:
        raise InputError(f"There are {found} {what} for {n} samples; give one for each.")


def _cut_classes(code: np.ndarray, wanted: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """The part of each of N free samples, each class cut at the wanted fractions; None where a part stays empty."""
    n = len(code)
    order = rng.permutation(n)
    order = order[np.argsort(code[order], kind="stable")]
    size = np.bincount(code)
    rank = np.arange(n) - np.repeat(np.cumsum(size) - size, size)  # position within the class
    ends = np.rint(np.cumsum(wanted)[:2] * size[:, None]).astype(int)[code[order]]
    part = np.empty(n, dtype=int)
    part[order] = (rank[:, None] >= ends).sum(axis=1)
    return part if ((np.bincount(part, minlength=3) > 0) == (wanted > 0)).all() else None


def _assign_groups(held: np.ndarray, wanted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The part (0, 1, 2) of each group, ``(G,)``, from the classes each holds, ``(G, K)``."""
    order = rng.permutation(len(held))
    order = order[np.argsort(-held[order].sum(axis=1), kind="stable")]
    share = held / held.sum(axis=0)  # of each class, so that rare classes count as much as common ones
    lacking = np.outer(wanted, np.ones(held.shape[1]))
    weight = np.divide(1, wanted, where=wanted > 0, out=np.zeros_like(wanted))
    part = np.zeros(len(held), dtype=int)
    empty = [i for i in range(len(wanted)) if wanted[i] > 0]
    for done, g in enumerate(order):
        nearer = weight * ((2 * lacking - share[g]) @ share[g])  # by so much the distance falls
        choice = int(np.argmax(np.where(wanted > 0, nearer, -np.inf)))
        if len(empty) >= len(order) - done:  # the last groups go to parts that have none yet
            choice = choice if choice in empty else empty[0]
        part[g] = choice
        lacking[choice] -= share[g]
        if choice in empty:
            empty.remove(choice)
    return part


def usual_groups(columns: Mapping[str, np.ndarray]) -> str | None:
    """The column whose groups should not be divided: the first of `GROUPS` that has enough of them, or None."""
    enough = (name for name in GROUPS if name in columns and len(np.unique(columns[name].astype(str))) >= _ENOUGH)
    return next(enough, None)


def few_groups(columns: Mapping[str, np.ndarray], remedy: str) -> str:
    """A sentence on groups that are divided because they are fewer than can be held out whole; empty where none is.

    Parameters
    ----------
    columns : mapping of str to ndarray, shape (n,)
        Facts of the samples, of which single ones are held out.
    remedy : str
        How to hold out whole ones in spite of it, with ``{}`` for the name of the column.
    """
    for name in GROUPS if usual_groups(columns) is None else ():
        words = as_words(columns[name]) if name in columns else np.array([])
        count = len(set(words.tolist()) - {""})
        if 1 < count < len(words):
            return (
                f"The column '{name}' has only {count} groups, and whole ones are held out from {_ENOUGH} on: single "
                "images are, so that numbers flatter where those of a group are alike; " + remedy.format(name) + "."
            )
    return ""
