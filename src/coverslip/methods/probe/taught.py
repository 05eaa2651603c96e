"""What the probe learns from, and what it is measured on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from coverslip.core import Embedding, InputError
from coverslip.measure.inputs import as_features
from coverslip.methods.probe.config import Config
from coverslip.samples.opening.again import alike, as_words
from coverslip.samples.sheets.splits import divided_groups, given_split, group_codes, usual_groups


class Part(NamedTuple):
    """Some of the vectors.

    Parameters
    ----------
    x : ndarray, shape (N, D)
        Vectors.
    codes : ndarray of int, shape (N,)
        Class of each.
    groups : ndarray of int or None, shape (N,)
        What is never divided.
    """

    x: np.ndarray
    codes: np.ndarray
    groups: np.ndarray | None

    def rows(self, which: np.ndarray) -> Part:
        """Some of these."""
        return Part(self.x[which], self.codes[which], None if self.groups is None else self.groups[which])


class Taught(NamedTuple):
    """What is learned, from what.

    Parameters
    ----------
    classes : list of str
        Names of the classes.
    train : Part
        What is learned from.
    test : Part or None
        What a split holds out.
    notes : list of str
        What a user should know.
    """

    classes: list[str]
    train: Part
    test: Part | None
    notes: list[str]


def taught(samples: Embedding, config: Config) -> Taught:
    """Choose what there is to learn.

    Raises
    ------
    InputError
        If a column is missing, or the labels teach nothing.
    """
    obs = samples.obs
    for name in filter(None, (config.label, config.group)):
        if name not in obs:
            raise InputError(
                f"There is no column '{name}' to learn from; name one of {', '.join(obs)} (--set label=NAME), or label "
                "clusters first (coverslip label)."
            )
    words = as_words(obs[config.label])
    if not (words != "").any():
        raise InputError(f"The column '{config.label}' is empty; label some cells first (coverslip label).")
    train, test = _parts(samples, words != "")
    kinds, counts = np.unique(words[train].astype(str), return_counts=True)
    classes, single = kinds[counts > 1].tolist(), kinds[counts < 2].tolist()
    if len(classes) < 2:
        raise InputError(
            f"A probe tells classes apart, and the column '{config.label}' holds fewer than two with at least two "
            "labelled cells; name more."
        )
    place = {name: code for code, name in enumerate(classes)}
    codes = np.array([place.get(word, -1) for word in words])
    by = config.group or usual_groups(obs)
    groups = group_codes(obs[by]) if by else None
    whole = Part(as_features(samples.latent, "vectors"), codes, groups)
    notes = [f"Classes with a single label are not learned: {', '.join(single)}."] if single else []
    notes += filter(None, [alike(kinds), divided_groups(obs)])
    held_out = np.flatnonzero(test & (codes >= 0))
    return Taught(
        classes,
        whole.rows(np.flatnonzero(train & (codes >= 0))),
        whole.rows(held_out) if len(held_out) else None,
        notes,
    )


def _parts(samples: Embedding, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which labelled rows are learned from, and which a column ``split`` holds out; ``(N,)`` bool each."""
    none = np.zeros(len(known), bool)
    parts = given_split(samples.obs, len(samples))
    if parts is None or not known[parts["train"]].any():
        return known, none
    train, test = none.copy(), none.copy()
    train[parts["train"]] = True
    test[parts["test"] if len(parts["test"]) else parts["val"]] = True
    return train & known, test & known
