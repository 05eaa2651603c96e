"""Scores as tables: a row per image, with the class, the probability of each, and what cannot be ruled out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import ClassScores, InputError, beside
from coverslip.io.atomic import atomic_path
from coverslip.io.tables import read_table, write_table
from coverslip.io.tags import NOTE, beside_csv, provenance_of
from coverslip.samples.opening.columns import TEXT_COLUMNS

CLASS, CONFIDENCE, SET, ABSTAINED = "class", "confidence", "set", "abstained"
PROBABILITY, PLAUSIBILITY = "probability_", "plausibility_"
_FORM, _TEXT = "scores", "text"
"""Under this name the provenance in the file says how columns are to be read; in it, which of the user's are text."""


def our_columns(scores: ClassScores) -> dict[str, np.ndarray]:
    """What scores say, as the columns of a table."""
    ours = {
        CLASS: scores.predicted,
        CONFIDENCE: scores.confidence,
        SET: scores.set_names(),
        ABSTAINED: scores.abstained,
        **{PROBABILITY + name: scores.probability[:, k] for k, name in enumerate(scores.classes)},
    }
    if scores.plausibility is not None:
        ours |= {PLAUSIBILITY + name: scores.plausibility[:, k] for k, name in enumerate(scores.classes)}
    return ours


def table_of(scores: ClassScores) -> dict[str, np.ndarray]:
    """The user's columns, then ours; none is replaced."""
    return beside({name: np.asarray(column) for name, column in scores.obs.items()}, our_columns(scores))


def write_scores(scores: ClassScores, path: str | Path) -> Path:
    """Write scores as a table.

    Parameters
    ----------
    scores : ClassScores
        What is written.
    path : str or Path
        ``.parquet``, which carries its provenance, or ``.csv``, beside which it lies as ``<name>.provenance.json``.

    Returns
    -------
    Path
        The table.

    Raises
    ------
    InputError
        If the ending is another, or a column cannot be stored.
    """
    path = Path(path)
    table = table_of(scores)
    form = {
        "classes": list(scores.classes),
        "ordered": scores.ordered,
        "error_rate": scores.error_rate,
        "columns": dict(zip(our_columns(scores), list(table)[len(scores.obs) :], strict=True)),
        _TEXT: [name for name, column in scores.obs.items() if np.asarray(column).dtype.kind in "OU"],
    }
    facts = json.dumps({**scores.provenance, "kind": "scores", _FORM: form}, default=str)
    if path.suffix.lower() == ".csv":
        write_table(table, path)
        with atomic_path(beside_csv(path)) as temporary:
            temporary.write_text(facts, encoding="utf-8")
        return path
    return write_table(table, path, notes={NOTE: facts})


def read_scores(path: str | Path) -> ClassScores:
    """Read scores.

    Parameters
    ----------
    path : str or Path
        A table that `write_scores` wrote, or any with the columns ``probability_<class>``.

    Raises
    ------
    InputError
        If the file is missing or damaged, or holds no scores.
    """
    path = Path(path)
    facts = provenance_of(path)
    noted: Any = facts.get(_FORM)
    text = noted.get(_TEXT) if isinstance(noted, dict) else None
    table = read_table(path, text=list(map(str, text)) if isinstance(text, list) else TEXT_COLUMNS)
    if len(table) == 1:
        raise InputError(f"{path} does not divide its columns by commas; save it again so, with points in numbers.")
    form = noted if isinstance(noted, dict) else _guessed(table)
    if not form.get("classes"):
        raise InputError(f"{path} holds no scores: no column is called {PROBABILITY}<class>; give a result of predict.")
    try:
        classes, columns = tuple(map(str, form["classes"])), dict(form["columns"])
        probability = _matrix(table, [columns[PROBABILITY + name] for name in classes])
        known = [PLAUSIBILITY + name for name in classes if PLAUSIBILITY + name in columns]
        plausibility = _matrix(table, [columns[name] for name in known]) if known else None
        error_rate, ordered = float(form.get("error_rate", 0.1)), bool(form.get("ordered"))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} does not hold the columns that its provenance names ({error}); predict anew."
        ) from error
    obs = {name: column for name, column in table.items() if name not in columns.values()}
    rest = {name: value for name, value in facts.items() if name != _FORM}
    return ClassScores(classes, probability, obs, plausibility, error_rate, ordered, rest)


def holds_scores(path: Path) -> bool:
    """Whether the first line of a table, or its schema, names probabilities."""
    try:
        if path.suffix.lower() == ".csv":
            with open(path, encoding="utf-8", errors="replace") as stream:
                names = re.split("[,;\t]", stream.readline().strip())  # a spreadsheet may have saved it again
        else:
            from pyarrow import parquet

            names = parquet.read_schema(path).names
    except Exception:  # whatever is wrong with it, reading it says so better
        return False
    return sum(PROBABILITY in name for name in names) >= 2


def _guessed(table: Mapping[str, Any]) -> dict[str, Any]:
    """What a table of another program, or one that lost its provenance, says by its names."""
    classes = [name.removeprefix(PROBABILITY) for name in table if name.startswith(PROBABILITY)]
    ours = [
        CLASS,
        CONFIDENCE,
        SET,
        ABSTAINED,
        *(PROBABILITY + c for c in classes),
        *(PLAUSIBILITY + c for c in classes),
    ]
    return {"classes": classes, "columns": {name: name for name in ours if name in table}}


def _matrix(table: Mapping[str, np.ndarray], names: list[str]) -> np.ndarray:
    return np.stack([table[name].astype(np.float32) for name in names], axis=1)
