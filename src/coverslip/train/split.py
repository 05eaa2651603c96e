"""Which samples train and which are held out to watch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from coverslip.core import InputError, Training
from coverslip.samples.sheets.splits import given_split, group_codes, split_indices, usual_groups


class Rows(Protocol):
    """Samples or fields: something with a table of facts, one row each."""

    @property
    def obs(self) -> Mapping[str, np.ndarray[Any, Any]]:
        """One column per fact."""

    def __len__(self) -> int: ...


def training_split(samples: Rows, settings: Training) -> tuple[dict[str, np.ndarray], str]:
    """Row numbers for training and validation, and a word on how they were divided.

    A column ``split`` is honoured; without one whole groups are held out, and single samples only where there
    are fewer than five groups.

    Returns
    -------
    parts : dict
        ``"train"`` and ``"val"``; the latter may be empty.
    by : str
        ``"split"``, the name of the group column, or ``"sample"``.

    Raises
    ------
    InputError
        If nothing is left to train on.
    """
    obs = samples.obs
    given = given_split(obs, len(samples))
    if given is not None:
        if not len(given["train"]):
            raise InputError("No row of the sheet has the split 'train'; mark some, or leave the column out.")
        return {"train": given["train"], "val": given["val"]}, "split"
    if settings.validation == 0 or len(samples) < 4:
        return {"train": np.arange(len(samples)), "val": np.arange(0)}, "sample"
    by = usual_groups(obs)
    groups = group_codes(obs[by]) if by else None
    parts = split_indices(len(samples), groups, obs.get("label"), val=settings.validation, seed=settings.seed)
    return {"train": parts["train"], "val": parts["val"]}, by or "sample"
