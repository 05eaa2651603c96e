"""Which samples train and which test: cross-validation by class and by group, or a split that is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from coverslip.core import InputError
from coverslip.measure.inputs import Labels, check_length, encode

Fold = tuple[np.ndarray, np.ndarray]
"""Indices of the training samples and of the tested ones."""

_HELD_OUT = ("test", "validation", "valid", "val")


@dataclass(frozen=True)
class Protocol:
    """How a probe is tested.

    Parameters
    ----------
    repeats : list of list of (train, test)
        For each repeat its folds; the tested samples of the folds of one repeat are disjoint.
    description : str
        In words, with what was reduced and why.
    """

    repeats: list[list[Fold]] = field(repr=False)
    description: str

    @property
    def tested(self) -> np.ndarray:
        """The samples tested, in ascending order; the same in every repeat."""
        return np.sort(np.concatenate([test for _, test in self.repeats[0]]))


def plan(labels: Labels, *, groups: Any, split: Any, folds: int, repeats: int, seed: int) -> Protocol:
    """Decide which samples train and which test.

    Parameters
    ----------
    labels : Labels
        Without missing ones.
    groups, split : array, shape (N,), or None
        Group of each sample; or what each sample is for.
    folds, repeats, seed : int
        For cross-validation. Fewer folds are used where a class has fewer samples (or groups) than `folds`.

    Raises
    ------
    InputError
        If a class cannot be in training and test both, or the split has no training or no held-out samples.
    """
    if len(labels.classes) < 2:
        raise InputError(f"A probe needs at least 2 classes, but every sample is '{labels.names[0]}'.")
    if split is not None:
        return _given(labels, groups, split)
    if folds < 2 or repeats < 1:
        raise InputError(f"Cross-validation needs at least 2 folds and 1 repeat, not {folds} and {repeats}.")
    group_codes = None if groups is None else encode_groups(groups, len(labels.codes))
    number, note = _possible(labels, group_codes, folds)
    splits = [stratified(labels.codes, group_codes, number, seed + r) for r in range(repeats)]
    words = f"{number}-fold cross-validation, stratified by class"
    words += "" if groups is None else ", whole groups held out"
    words += "" if repeats == 1 else f", {repeats} repeats"
    untaught = {c for fold in splits for train, test in fold for c in _untaught(labels, train, test)}
    notes = [note, _untaught_note(sorted(untaught), "of some folds")]
    return Protocol(splits, "; ".join([words, *filter(None, notes)]))


def _untaught(labels: Labels, train: np.ndarray, test: np.ndarray) -> list[str]:
    """Classes that are tested but not in training."""
    return [labels.names[i] for i in np.setdiff1d(labels.codes[test], labels.codes[train])]


def _untaught_note(names: list[str], where: str) -> str:
    return f"tested without being in the training samples {where}: {', '.join(names)}" if names else ""


def encode_groups(groups: Any, length: int) -> np.ndarray:
    """Groups as integers, one per sample."""
    return encode(check_length(groups, length, "groups"), "groups").codes


def stratified(codes: np.ndarray, groups: np.ndarray | None, folds: int, seed: int) -> list[Fold]:
    """Folds with about the same classes in each; no group is in two of them.

    At least one class needs `folds` members; smaller ones are missing from some folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    # Classes too small for every fold are stratified together, where scikit-learn would warn or refuse.
    small = np.bincount(codes)[codes] < folds
    strata = np.where(small, codes.max() + 1, codes)
    if 0 < small.sum() < folds:
        strata[small] = np.bincount(strata[~small]).argmax()
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    pairs = kind(folds, shuffle=True, random_state=seed).split(codes, strata, groups)
    return [(train, test) for train, test in pairs if len(test)]


def _possible(labels: Labels, groups: np.ndarray | None, folds: int) -> tuple[int, str]:
    """The number of folds that every class allows, and why it is smaller than asked for."""
    if groups is None:
        sizes, of_what = labels.counts, "sample"
    else:
        pairs = np.unique(labels.codes * (groups.max() + 1) + groups) // (groups.max() + 1)
        sizes, of_what = np.bincount(pairs, minlength=len(labels.classes)), "group"
    smallest = int(sizes.argmin())
    name, size = labels.names[smallest], int(sizes[smallest])
    if size < 2:
        raise InputError(
            f"The class '{name}' has only one {of_what}, so it cannot be in training and test both: "
            "leave it out, or merge it with another class."
        )
    if size >= folds:
        return folds, ""
    return size, f"{size} folds instead of {folds}, because the class '{name}' has only {size} {of_what}s"


def _given(labels: Labels, groups: Any, split: Any) -> Protocol:
    values = check_length(split, len(labels.codes), "split")
    if values.dtype.kind == "b":
        train, test, name = values, ~values, "held-out"
    else:
        words = np.array([str(v).strip().lower() for v in values])
        train = words == "train"
        name = next((w for w in _HELD_OUT if (words == w).any()), "test")
        test = words == name
    if not train.any() or not test.any():
        found = ", ".join(sorted({str(v) for v in values}))
        raise InputError(
            f"The split needs samples marked 'train' and samples marked 'test' (or 'validation'); it holds: {found}."
        )
    if groups is not None:
        codes = encode_groups(groups, len(labels.codes))
        shared = np.intersect1d(codes[train], codes[test])
        if len(shared):
            which = np.asarray(groups)[codes == shared[0]][0]
            raise InputError(
                f"The group '{which}' (and {len(shared) - 1} more) has samples in training and in test: "
                "split by whole groups."
            )
    return _once(labels, np.flatnonzero(train), np.flatnonzero(test), name)


def _once(labels: Labels, train: np.ndarray, test: np.ndarray, name: str) -> Protocol:
    if len(np.unique(labels.codes[train])) < 2:
        raise InputError("The training samples of the split are all of one class; a probe needs at least 2.")
    words = f"trained on {len(train)} samples, tested on {len(test)} {name} samples"
    note = _untaught_note(_untaught(labels, train, test), "of the split")
    return Protocol([[(train, test)]], "; ".join(filter(None, [words, note])))
