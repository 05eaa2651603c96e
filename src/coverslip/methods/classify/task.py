"""What a classifier is to learn: images with a class, and which of them train."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from coverslip.core import InputError, Samples, Subset
from coverslip.methods.classify.config import Config
from coverslip.samples.opening.classes import classes_of
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
    kept, codes, classes, left_out = classes_of(samples.obs, config.label, config.order)
    labelled: Samples = samples if len(kept) == len(samples) else Subset(samples, kept)
    split, by = training_split(_Labelled(labelled, np.array(classes)[codes]), config)
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
