"""What a classifier is to learn: images with a class, and which of them train."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from coverslip.core import InputError, Samples, Subset
from coverslip.methods.classify.config import Config
from coverslip.samples.opening.again import as_words
from coverslip.samples.opening.joined import without_class
from coverslip.train.split import training_split


@dataclass(frozen=True)
class Task:
    """Samples with a class, and which of them train.

    Parameters
    ----------
    samples : Samples
        Those with a class.
    codes : ndarray of int, shape (N,)
        Their classes.
    classes : tuple of str
        Names.
    split : dict of str to ndarray of int
        Rows under ``train`` and ``val``.
    split_by : str
        How they were divided.
    left_out : str
        A sentence on samples without a class.
    """

    samples: Samples
    codes: np.ndarray
    classes: tuple[str, ...]
    split: dict[str, np.ndarray]
    split_by: str
    left_out: str = ""

    @property
    def training(self) -> Samples:
        """Those that train."""
        return Subset(self.samples, self.split["train"])

    @property
    def held_out(self) -> Samples:
        """Those that decide when to stop, and that calibrate."""
        return Subset(self.samples, self.split["val"])


def task_of(samples: Samples, config: Config) -> Task:
    """Read the classes of samples, and divide those that have one.

    Raises
    ------
    InputError
        If there is no such column, fewer than two classes, or one without a training image.
    """
    if config.label not in samples.obs:
        known = ", ".join(samples.obs) or "none"
        raise InputError(
            f"There is no column '{config.label}' to learn from; the columns are: {known}. Name one with label=NAME, "
            "or sort the images into a folder for each class."
        )
    words = as_words(samples.obs[config.label])
    kept = np.flatnonzero(words != "")
    if not len(kept):
        raise InputError(f"The column '{config.label}' is empty; fill in the classes of some images.")
    left_out = without_class(words, samples.obs, config.label)
    found = sorted(set(words[kept]))
    classes = config.order or tuple(found)
    if set(classes) != set(found):
        odd = sorted(set(classes) ^ set(found))[0]
        raise InputError(f"order must list just the classes there are ({', '.join(found)}); '{odd}' is in one only.")
    if len(classes) < 2:
        raise InputError(f"Every image is '{found[0]}'; a classifier needs at least two classes.")
    labelled: Samples = samples if len(kept) == len(samples) else Subset(samples, kept)
    place = {name: code for code, name in enumerate(classes)}
    codes = np.array([place[word] for word in words[kept]], np.int64)
    split, by = training_split(_Labelled(labelled, words[kept]), config)
    missing = [
        name
        for name, n in zip(classes, np.bincount(codes[split["train"]], minlength=len(classes)), strict=True)
        if not n
    ]
    if missing:
        raise InputError(f"No training image is of the class '{missing[0]}'; add some, or leave the class out.")
    return Task(labelled, codes, classes, split, by, left_out)


class _Labelled:
    """Rows with their classes in the column that a split is balanced by."""

    def __init__(self, samples: Samples, words: np.ndarray) -> None:
        self.obs: Mapping[str, np.ndarray] = {**samples.obs, "label": words}

    def __len__(self) -> int:
        return len(self.obs["label"])
