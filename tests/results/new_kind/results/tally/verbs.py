"""What the verbs do for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coverslip.results.tally.options import Evaluate, Export, Predict

from coverslip.core.kind import Measured, Written
from coverslip.figures.document import Page, write_document
from coverslip.io import atomic_folder, atomic_path
from coverslip.io.tags import PROVENANCE
from coverslip.models import Model, prediction_record
from coverslip.work.asked import Asked


@dataclass(frozen=True)
class Tally:
    """Its value; a kind that users handle in Python has it in `coverslip.core`."""

    bright: int
    total: int
    provenance: dict[str, Any]


def open(path: Path) -> Tally:
    facts = json.loads((path / "tally.json").read_text())
    return Tally(**facts, provenance=json.loads((path / PROVENANCE).read_text()))


def predict(model: Model, inputs: Any, asked: Asked, options: Predict, given: Mapping[str, Any]) -> Tally:
    samples = model.open(inputs, **asked.input)
    found = model.implementation.predict(model, samples, device=asked.device, **given)
    count = int(found.sum()) * (2 if options.twice else 1)
    return Tally(count, len(found), prediction_record(model, inputs, samples, given))


def write(
    model: Model, inputs: str | Path, out: str | Path | None, asked: Asked, options: Predict, given: Mapping[str, Any]
) -> Written:
    found = predict(model, inputs, asked, options, given)
    target = Path(out or "tally")
    with atomic_folder(target, overwrite=asked.force) as folder:
        (folder / PROVENANCE).write_text(json.dumps(found.provenance))
        (folder / "tally.json").write_text(json.dumps({"bright": found.bright, "total": found.total}))
    return Written(target, f"Counted {found.bright} bright of {found.total}", found)


def evaluate(result: Any, truth: Any, images: Any, seed: int, options: Evaluate) -> Measured:
    found = result if isinstance(result, Tally) else open(Path(result))
    right = abs(found.bright - int(Path(truth).read_text())) <= options.tolerance
    return Measured([{"measure": "right", "value": float(right)}], ("One number is measured.",))


def report(found: Tally, page: Page, model: Any, images: Any, options: Any) -> Path:
    template = Path(__file__).parent / "assets" / "tally.html"
    facts = {"provenance": found.provenance, "bright": found.bright, "total": found.total}
    return write_document(page.path, template, title="Tally", **facts)


def export(found: Tally, out: str | Path | None, images: Any, force: bool, options: Export) -> list[Written]:
    target = Path(out or "tally.txt")
    with atomic_path(target) as temporary:
        temporary.write_text(f"{found.bright} are bright." if options.words else str(found.bright))
    return [Written(target)]
