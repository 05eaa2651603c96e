"""Which fields of a study train and which are held out, once and for all its fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from coverslip.core import Fields, InputError
from coverslip.core.words import number_of, word_for

if TYPE_CHECKING:
    from coverslip.core.settings import Training


def held_out(fields: Fields, config: Training, group: str | None = None) -> tuple[np.ndarray, np.ndarray, str]:
    """Rows to train on, rows to evaluate on, and how they were divided.

    A column ``split`` is honoured (``train`` trains, ``val`` evaluates, ``test`` is left for the last measurement).
    Without one the share `validation` is held out, whole groups as in `coverslip.fit`; if the study goes over groups
    itself (`group`), the share is taken from each of them.

    Raises
    ------
    InputError
        If nothing is left to train or to evaluate on.
    """
    from coverslip.samples import given_split, split_indices
    from coverslip.samples.sheets.splits import usual_groups
    from coverslip.train.split import training_split

    if group is None or given_split(fields.obs, len(fields)) is not None:
        parts, by = training_split(fields, config)
    else:
        other = usual_groups({name: column for name, column in fields.obs.items() if name != group})
        kept = fields.obs[other] if other else None
        parts = split_indices(len(fields), kept, groups_of(fields, group), val=config.validation, seed=config.seed)
        by = other or "sample"
    if not len(parts["val"]):
        raise InputError(
            "No field is left to evaluate the fits on: mark some rows with the split 'val' (and others 'train'), or "
            "give at least four fields and set validation above 0."
        )
    return parts["train"], parts["val"], by


def groups_of(fields: Fields, column: str) -> np.ndarray:
    """The group of each row, as text.

    Raises
    ------
    InputError
        If there is no such column, or a row says nothing.
    """
    if column not in fields.obs:
        known = ", ".join(fields.obs) or "none"
        raise InputError(f"There is no column '{column}' to group the fields by; the columns are: {known}.")
    names = np.array([str(value) for value in fields.obs[column]], dtype=object)
    empty = [row for row, name in enumerate(names) if name in ("", "nan", "None")]
    if empty:
        others = len(empty) - 1
        nor = f", {word_for(others, 'nor does', 'nor do')} {number_of(others, 'other')}" if others else ""
        raise InputError(f"{fields.name(empty[0])} says nothing in the column '{column}'{nor}; fill it in.")
    return names


def check_objects(objects: Mapping[int, int], training: np.ndarray, evaluated: np.ndarray, group: str = "") -> None:
    """Refuse masks without a single object to learn from or to be found.

    Raises
    ------
    InputError
        Saying which.
    """
    of = f" of the group '{group}'" if group else ""
    for rows, word in ((training, "training"), (evaluated, "held-out")):
        if not any(objects[int(row)] for row in rows):
            raise InputError(
                f"None of the {len(rows)} {word} masks{of} holds an object; check the column 'mask', or leave these "
                "rows out."
            )
