"""Images classified, in memory or into a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import ClassScores, Embedding, Samples, Written, about, renamed
from coverslip.core.words import number_of
from coverslip.io.atomic import refuse_own
from coverslip.io.places import held
from coverslip.models.folder import Model
from coverslip.models.record import path_of, prediction_record
from coverslip.nn.device import choose_device
from coverslip.results.scores.file import table_of, write_scores
from coverslip.results.scores.options import Predict
from coverslip.samples.opening.sheet_samples import SheetSamples
from coverslip.work.asked import Asked
from coverslip.work.claim import claimed
from coverslip.work.samples import predicted

SEEN = "fitted_to_these"
"""What the provenance says of a prediction on a very sheet that the model was fitted to."""


def predict(model: Model, inputs: Any, asked: Asked, options: Predict, given: Mapping[str, Any]) -> ClassScores:
    """Classify images; see `coverslip.predict`."""
    return _of_opened(model, inputs, model.open(inputs, **asked.input), asked, options, given)


def _of_opened(
    model: Model,
    inputs: Any,
    opened: Samples | Embedding,
    asked: Asked,
    options: Predict,
    given: Mapping[str, Any],
    wanted: Mapping[str, Any] | None = None,
) -> ClassScores:
    with about(path_of(inputs)):
        scores = _scored(model, opened, asked, given)
    record = prediction_record(model, inputs, opened, given, model.how(asked.input), asked=wanted)
    fitted, now = model.provenance.get("inputs", {}), record["inputs"]
    alike = all(fitted.get(key) == now.get(key) for key in ("path", "sha256", "n"))
    if now.get("path") and (alike or now["path"] in fitted.get("paths", ())):
        record[SEEN] = True
    return replace(scores, error_rate=options.error_rate, provenance=record)


def predict_to_file(
    model: Model, inputs: str | Path, out: str | Path | None, asked: Asked, options: Predict, given: Mapping[str, Any]
) -> Written:
    """Classify images and write the scores; see `coverslip.verbs.predict.predict_to_file`."""
    source = Path(inputs).resolve()
    out = Path(out or f"{source.name if source.is_dir() else source.stem}.scores.parquet")
    with held(out):
        wanted, done = claimed(out, (".parquet", ".csv"), model, inputs, asked, options, given)
        if done is not None:
            return done
        refuse_own(out, [source])
        choose_device(asked.device)  # before the first image is read
        opened = model.open_usable(inputs, **asked.input)
        scores = _of_opened(model, inputs, opened, asked, options, given, wanted)
        write_scores(scores, out)
    notes = opened.sheet.notes if isinstance(opened, SheetSamples) else ()
    notes += renamed(opened.obs, table_of(scores))
    return Written(out, said_of(scores), scores, notes=(*notes, *doubts_of(scores)))


def said_of(scores: ClassScores, things: str = "image") -> str:
    """What came of it, in words."""
    return f"Classified {number_of(len(scores), things)}: {counted([scores])}"


def counted(several: Sequence[ClassScores]) -> str:
    """How many of each class there are in scores of one model, and how many are better left to a person."""
    scores = _joined(list(several))
    counts = np.bincount(scores.codes, minlength=len(scores.classes))
    order = np.argsort(-counts, kind="stable")
    named = ", ".join(f"{counts[k]:,} {scores.classes[k]}" for k in order if counts[k])
    unsure = int(scores.abstained.sum())
    return f"{named}; {unsure:,} better left to a person" if unsure else named


def doubts_of(scores: ClassScores) -> tuple[str, ...]:
    """What the reader should know of these scores."""
    notes = []
    if scores.plausibility is None:
        notes.append("There are no prediction sets: the fit held nothing out to calibrate them with.")
    if scores.provenance.get(SEEN):
        notes.append(
            "The model was fitted to these images: what it says of those in training it may remember; measure on "
            "others."
        )
    return tuple(notes)


def _scored(model: Model, samples: Samples | Embedding, asked: Asked, given: Mapping[str, Any]) -> ClassScores:
    if isinstance(samples, Embedding):
        found: ClassScores = model.implementation.predict(model, samples, device=asked.device, **given)
        return found
    return _joined(predicted(model, samples, asked, given))


def _joined(parts: list[ClassScores]) -> ClassScores:
    first = parts[0]
    if len(parts) == 1:
        return first
    return replace(
        first,
        probability=np.concatenate([part.probability for part in parts]),
        obs={name: np.concatenate([part.obs[name] for part in parts]) for name in first.obs},
        plausibility=None
        if first.plausibility is None
        else np.concatenate([part.plausibility for part in parts if part.plausibility is not None]),
    )
