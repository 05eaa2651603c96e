"""Label images against true ones, in memory or in files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from coverslip.core import InputError, LabelMap, Measured, track
from coverslip.core.words import number_of
from coverslip.measure.objects.segmentation import evaluate_labels
from coverslip.measure.objects.specks import without_specks
from coverslip.results.labels.options import Evaluate
from coverslip.results.labels.pairs import Labelled, labelled, own_truth, paired
from coverslip.samples.sheets.instances import doubts_about, shortened
from coverslip.samples.sheets.splits import split_word, usual_groups


def evaluate(result: Any, truth: Any, images: Any, seed: int, options: Evaluate) -> Measured:
    """Measure label images; see `coverslip.evaluate`."""
    pairs, notes = pairs_to_measure(result, truth, options)
    return measured_by_split(pairs, notes, seed, options)


def measured_by_split(
    pairs: Sequence[tuple[Labelled, Labelled]], notes: Sequence[str], seed: int, options: Evaluate
) -> Measured:
    """The measures of what was paired; where there are several splits, those of each by itself before all together."""
    whole = measured(pairs, notes, seed, options)
    parts = parts_of(pairs)
    if len(parts) < 2:
        return whole
    # Fields that the model has seen say little of others: each part by itself, what was held out first, all together
    # last.
    rows = [
        {"split": split, **row}
        for split, part in parts.items()
        for row in measured(part, (), seed, options, part=True).rows
    ]
    return replace(whole, rows=rows + [{"split": "all", **row} for row in whole.rows])


_MIXED = (
    "Training images are among those measured: each split has its own numbers, held-out ones first; --split val or "
    "--split test leaves the others out."
)


def parts_of(pairs: Sequence[tuple[Labelled, Labelled]]) -> dict[str, list[tuple[Labelled, Labelled]]]:
    """The pairs of each split that there is, ``test`` first, images without one last as ``none``."""
    words = [split_word(image.facts.get("split", "")) or "none" for _, image in pairs]
    order = [word for word in ("test", "val", "train", "none") if word in words]
    return {word: [pair for pair, one in zip(pairs, words, strict=True) if one == word] for word in order}


def measured(
    pairs: Sequence[tuple[Labelled, Labelled]], notes: Sequence[str], seed: int, options: Evaluate, part: bool = False
) -> Measured:
    """The measures of what was paired; a `part` may lie in one group, over which there are no intervals."""
    doubts: list[str] = []
    groups = groups_of(pairs, options.group)
    if part and groups is not None and len(set(groups)) < 2:
        groups = None
    table = evaluate_labels(_read(pairs, doubts, options.min_area), groups=groups, seed=seed)
    said = [f"Objects of fewer than {options.min_area} pixels count neither for nor against."] * bool(options.min_area)
    return Measured(table.records(), (*notes, *said, *shortened(doubts)), table.per_image)


def pairs_to_measure(result: Any, truth: Any, options: Evaluate) -> tuple[list[tuple[Labelled, Labelled]], list[str]]:
    """Each label image that is measured with the true one, and sentences on what is left out."""
    split = options.split
    found = labelled(result, "result")
    true = own_truth(found) if truth is None else labelled(truth, "truth")
    notes = []
    if split is not None:
        true = _part(true, split)
    pairs = paired(found, true, options.partial)
    if len({split_word(image.facts.get("split", "")) for _, image in pairs} - {""}) > 1:
        notes.append(_MIXED)
    if len(true) > len(pairs):
        notes.append(f"Left out {number_of(len(true) - len(pairs), 'image')} whose truth has no result.")
    if len(found) > len(pairs) and split is None:
        notes.append(f"Left out {number_of(len(found) - len(pairs), 'image')} whose result has no truth.")
    return pairs, notes


def _part(images: Sequence[Labelled], split: str) -> list[Labelled]:
    wanted = split_word(split)
    if not wanted or not any(image.facts.get("split") for image in images):
        raise InputError(
            f"The truth has no column 'split' that could say which images are '{split}'; give a sheet that has one, "
            "or leave the split out."
        )
    part = [image for image in images if split_word(image.facts.get("split", "")) == wanted]
    if not part:
        raise InputError(f"No image of the truth has the split '{wanted}'; name another one, or leave the split out.")
    return part


def _read(pairs: Sequence[tuple[Labelled, Labelled]], doubts: list[str], least: int) -> Iterator[tuple[str, Any, Any]]:
    for result, truth in track(pairs, "Measuring labels"):
        found = result.read()
        true = truth.read(_array(found).shape)
        doubts += doubts_about(_array(true), truth.name)
        if least:
            large = without_specks(_array(true), _array(found), least)
            true, found = (_with(labels, pixels) for labels, pixels in zip((true, found), large, strict=True))
        yield truth.name, true, found


def _with(labels: LabelMap | np.ndarray, pixels: np.ndarray) -> LabelMap | np.ndarray:
    return replace(labels, labels=pixels) if isinstance(labels, LabelMap) else pixels


def _array(labels: LabelMap | np.ndarray) -> np.ndarray:
    return labels.labels if isinstance(labels, LabelMap) else labels


def groups_of(pairs: Sequence[tuple[Labelled, Labelled]], group: str | None) -> np.ndarray | None:
    """The group of each image; None where each stands alone."""
    facts = [{**result.facts, **truth.facts} for result, truth in pairs]
    columns = {
        name: np.array([row.get(name, "") for row in facts]) for name in dict.fromkeys(k for f in facts for k in f)
    }
    if group is None:
        group = usual_groups({name: column for name, column in columns.items() if (column != "").all()})
    elif group not in columns:
        raise InputError(
            f"There is no column '{group}' with groups; name one of {', '.join(columns) or 'a sheet with masks'}."
        )
    return None if group is None else columns[group]
