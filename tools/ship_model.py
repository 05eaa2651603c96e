"""Put a fitted model into the package, so that `coverslip predict NAME IMAGES` works straight after installation.

    python tools/ship_model.py model/ nuclei-fluo.md ../shared/data/dsb2018_fluo/sheet.csv --split validation

The name is the title of the card. The card is written by hand: the title, a sentence on what the model finds, a
paragraph each for **Licence.** (an SPDX name), **Authors.**, **Data.** and **Numbers.**, a section `## Known failures`.
Weights are stored in half precision where that costs less than 0.001 of AP on the fields of the sheet; without a sheet,
as for models that find no objects, they stay as they are.
Provenance keeps hashes, versions and seed, but no path of the machine that fitted the model.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import coverslip as cs
from coverslip.cli.progress import shown_progress
from coverslip.core.card import card_facts
from coverslip.core.errors import InputError
from coverslip.core.fields import Fields, FieldSubset
from coverslip.core.settings import Pretrainable
from coverslip.models import shipped
from coverslip.portable.about import check_licence
from coverslip.read import Model
from coverslip.results.labels.prediction import segment
from coverslip.samples import open_fields

LARGEST = 10e6
"""Bytes that the folder of a shipped model may take."""
TOLERANCE = 1e-3
"""AP that half precision may cost."""

_PATH = re.compile(r"""(?:^|[\s"'])(?:/\w|[A-Za-z]:[\\/]|\\\\|~/)""")


def checked_card(text: str) -> str:
    """The name of a model, from its card.

    Raises
    ------
    InputError
        If the card does not say all that a card of a shipped model says.
    """
    facts = card_facts(text)
    missing = [word for word in ("title", "summary", *shipped.FACTS) if not facts.get(word)]
    if missing:
        raise InputError(f"The card has no {missing[0]}; look at the docstring of this program.")
    if not re.search(r"^## Known failures\s*$", text, re.MULTILINE):
        raise InputError("The card has no section '## Known failures'; say where the model fails.")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", facts["title"]):
        raise InputError(f"'{facts['title']}' is no name for a model; use small letters, digits and hyphens.")
    check_licence(facts["licence"])
    return facts["title"]


def in_half(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Kernels in half precision, those it cannot hold left out; biases and normalisation are small and stay."""
    return {name: _halved(a) if a.dtype == np.float32 and a.ndim > 1 else a for name, a in weights.items()}


def _halved(kernel: np.ndarray) -> np.ndarray:
    return kernel.astype(np.float16) if np.abs(kernel).max() <= np.finfo(np.float16).max else kernel


def without_paths(record: Mapping[str, Any]) -> dict[str, Any]:
    """Provenance without the places of files.

    Raises
    ------
    InputError
        If some other entry holds a path.
    """
    kept = {
        key: without_paths(value) if isinstance(value, Mapping) else value
        for key, value in record.items()
        if key not in ("path", "folder", "weights_sha256")
    }
    text = json.dumps(kept)
    if _PATH.search(text):
        raise InputError(f"The provenance holds a path: {text}; mend without_paths.")
    return kept


def average_precision(model: Model, fields: Fields) -> float:
    """Mean AP over IoU 0.5 to 0.95 of all objects of all fields."""
    found = segment(model, fields, device="cpu")
    pairs = ((fields.name(i), fields.labels(i), labels.labels) for i, labels in enumerate(found))
    return cs.measure.evaluate_labels(pairs).get("ap").value


def ship(folder: Path, card: str, fields: Fields | None) -> tuple[Path, str]:
    """Write the shipped folder.

    Parameters
    ----------
    folder : Path
        A fitted model.
    card : str
        Its card, Markdown.
    fields : Fields or None
        With masks, to compare precisions on.

    Returns
    -------
    folder : Path
        What was written.
    said : str
        Which precision, and what it does.
    """
    name = checked_card(card)
    model = replace(cs.load(folder), card=card)
    model = replace(model, provenance=without_paths(model.provenance))
    without_paths(model.facts)
    if isinstance(model.config, Pretrainable) and Path(model.config.start).is_dir():
        # Folders of this machine; what all of them began from is the model of that name before this one.
        model = replace(model, config=model.config.model_copy(update={"start": name}))
    said = "as they are"
    if fields is not None:
        model, said = in_fewer_bytes(model, fields)
    size = sum(array.nbytes for array in model.weights.values())
    if size > LARGEST:
        raise InputError(f"The weights of {folder} take {size / 1e6:.1f} MB; a shipped model takes at most 10 MB.")
    return model.save(shipped.ROOT / name), said


def in_fewer_bytes(model: Model, fields: Fields) -> tuple[Model, str]:
    """The model in half precision, where that costs little, and what it does."""
    smaller = replace(model, weights=in_half(model.weights))
    # As they will be loaded: stored in half precision, calculated with in full.
    loaded = {key: a.astype(np.float32) if a.dtype == np.float16 else a for key, a in smaller.weights.items()}
    full, half = average_precision(model, fields), average_precision(replace(model, weights=loaded), fields)
    chosen = smaller if full - half < TOLERANCE else model
    return chosen, f"{'half' if chosen is smaller else 'full'} precision; AP {half:.4f} in half, {full:.4f} in full"


def main() -> None:
    """Read the arguments, write the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="a fitted model folder")
    parser.add_argument("card", type=Path, help="its card, Markdown")
    parser.add_argument("fields", type=Path, nargs="?", help="a sheet of fields with masks, to compare precisions on")
    parser.add_argument("--split", help="only these fields of the sheet")
    arguments = parser.parse_args()
    fields = None if arguments.fields is None else open_fields(arguments.fields)
    if fields is not None and arguments.split is not None:
        fields = FieldSubset(fields, np.flatnonzero(fields.obs["split"].astype(str) == arguments.split))
    with shown_progress():
        written, said = ship(arguments.model, arguments.card.read_text(encoding="utf-8"), fields)
    print(f"Wrote {written}: {said}")


if __name__ == "__main__":
    main()
