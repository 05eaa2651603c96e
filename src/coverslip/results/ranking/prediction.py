"""Samples ranked, in memory or into a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from coverslip.core import Embedding, Ranking, Written, about, renamed
from coverslip.core.words import number_of
from coverslip.io.places import held
from coverslip.models.folder import Model
from coverslip.models.record import path_of, prediction_record
from coverslip.results.ranking.folder import write_ranking
from coverslip.results.ranking.options import Predict
from coverslip.results.ranking.summary import summarised
from coverslip.work.asked import Asked
from coverslip.work.claim import claimed


def predict(model: Model, inputs: Any, asked: Asked, options: Predict, given: Mapping[str, Any]) -> Ranking:
    """Rank samples; see `coverslip.predict`."""
    return _ranked(model, inputs, model.open(inputs, **asked.input), asked, options, given)


def predict_to_file(
    model: Model, inputs: str | Path, out: str | Path | None, asked: Asked, options: Predict, given: Mapping[str, Any]
) -> Written:
    """Rank samples and write the folder; see `coverslip.verbs.predict.predict_to_file`."""
    out = Path(out or f"{Path(inputs).stem}-ranking")
    with held(out):
        wanted, done = claimed(out, ("",), model, inputs, asked, options, given)
        if done is not None:
            return done
        opened = model.open(inputs, **asked.input)
        ranking = _ranked(model, inputs, opened, asked, options, given, wanted)
        write_ranking(ranking, out, overwrite=asked.force)
    facts = ranking.facts
    counted = f"Ranked {number_of(int((ranking.column('rank') > 0).sum()), 'sample')}"
    if ranking.treatments:
        counted += f" of {number_of(len(ranking.treatments['treatment']), 'treatment')}"
    notes = (*renamed(opened.adata.obs.columns, ranking.samples), f"Verdict: {facts['verdict']}: {facts['why']}")
    # What the model itself warns of is said by the verb.
    own = tuple(note for note in facts["notes"] if note not in model.warnings)
    return Written(out, counted, ranking, notes=(*notes, *own))


def _ranked(
    model: Model,
    inputs: Any,
    opened: Embedding,
    asked: Asked,
    options: Predict,
    given: Mapping[str, Any],
    wanted: Mapping[str, Any] | None = None,
) -> Ranking:
    with about(path_of(inputs)):
        found: Ranking = model.implementation.predict(model, opened, device=asked.device, **given)
        found = summarised(found, options.treatment)
    record = prediction_record(model, inputs, opened, given, model.how(asked.input), asked=wanted)
    # The images are found again by way of the vectors.
    images = {name: opened.provenance.get(name) for name in ("inputs", "model") if opened.provenance.get(name)}
    return replace(found, provenance={**record, "vectors": images})
