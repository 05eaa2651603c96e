"""A page of scores: the images by class and confidence, and, where their classes are known, what was right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import ClassScores, InputError, Samples, Subset
from coverslip.core.words import counted
from coverslip.figures import loss_curves
from coverslip.figures.classes import (
    Curve,
    confusion_figure,
    curve_figure,
    gallery_figure,
    reliability_figure,
    roc_figure,
)
from coverslip.figures.document import Page, save_figures, write_document
from coverslip.figures.encode import script_json, webp_pictures
from coverslip.figures.illustrations import drawn
from coverslip.figures.thumbnails import thumbnails
from coverslip.measure import auroc, confused_pairs, evaluate_classes, reliability, roc_curve
from coverslip.measure.classes.evaluate import ALL, Classification
from coverslip.measure.classes.ranking import micro_auroc, pooled_curve
from coverslip.models.folder import Model
from coverslip.results.scores.options import Report
from coverslip.results.scores.prediction import doubts_of
from coverslip.results.scores.truth import Judged, judged, label_column
from coverslip.samples.opening.again import images_of

MOST_PICTURES = 6_000
"""More images than this, and only the least confident carry a picture; the page says so."""

LEARNED = "Learning curve"
"""The table in the card of a probe that is drawn."""

_AT_THE_TOP = ("accuracy", "balanced accuracy", "AUC macro")
_SHOWN_PER_PAIR = 12


def write_report(scores: ClassScores, page: Page, model: Model | None, images: Any, options: Report) -> Path:
    """Make the page of scores; see `coverslip.write_report`."""
    if not len(scores):
        raise InputError(f"{page.path}: there is no image in the scores, so there is nothing to report.")
    if options.error_rate is not None:
        scores = replace(scores, error_rate=options.error_rate)
    known = _judged(scores, page, options)
    opened, complaint = images_of(scores.obs, scores.provenance, images)
    if complaint:
        page.notes.append(f"The images are not shown: {complaint}")
    page.notes.extend(doubts_of(scores) if known is None else known.notes)
    rows = evaluate_classes(known.found) if known else []
    figures = {**page.figures, **_figures(known), **_model_figures(model, known, scores, opened, page.first_epoch)}
    if page.figures_folder is not None:
        save_figures(figures, page.figures_folder)
    return write_document(
        page.path,
        Path(__file__).parent / "assets" / "scores.html",
        title=page.title or "Classes",
        notes=page.notes,
        facts=_facts(scores, known, rows, page.things or "images"),
        figures=figures,
        tables={**page.tables, **_tables(known, rows), **(model.tables if model else {})},
        card=model.card if model is not None else "",
        provenance=scores.provenance,
        judged=known is not None,
        sets=scores.sets is not None,
        explained=_explained(scores, known is not None),
        data=script_json(_data(scores, known, opened, page)),
    )


def _judged(scores: ClassScores, page: Page, options: Report) -> Judged | None:
    """The scores with their true classes; None where nobody says which these are."""
    try:
        return judged(scores, None, options)
    except InputError as error:
        if options.label is not None or options.split is not None:
            raise
        if label_column(scores) in scores.obs:
            page.notes.append(f"Nothing is measured: {error}")
        return None


def _facts(scores: ClassScores, known: Judged | None, rows: list[dict[str, Any]], things: str) -> list[tuple[str, ...]]:
    facts: list[tuple[str, ...]] = [(f"{len(scores):,}", things), counted(len(scores.classes), "class", "classes")]
    for row in rows:
        if row["class"] == ALL and row["measure"] in _AT_THE_TOP:
            facts.append((f"{row['value']:.3f}", row["measure"], f"{row['low']:.3f} – {row['high']:.3f}"))
    if scores.sets is not None:
        # Beside measures of some images, of the same ones.
        asked = scores if known is None else known.scores
        facts.append((f"{asked.abstained.mean():.0%}", "left to a person"))
    return facts


def _explained(scores: ClassScores, measured: bool) -> str:
    words = "The number is the probability of the class that stands beside it."
    if measured:
        words += " A red line is under images that are of another class."
    if scores.sets is not None:
        words += (
            f" Dashed: unsure, for at an error rate of {scores.error_rate:g} not exactly one class is left; pointing "
            "at a picture tells which are."
        )
    return words


def _data(scores: ClassScores, known: Judged | None, opened: Samples | None, page: Page) -> dict[str, Any]:
    truth: list[int | None] = [None] * len(scores)
    if known is not None:
        for row, code in zip(known.rows.tolist(), known.found.codes.tolist(), strict=True):
            truth[row] = code
    pictures: dict[int, str] = {}
    if opened is not None:
        shown = np.sort(np.argsort(scores.confidence, kind="stable")[:MOST_PICTURES])
        if len(shown) < len(scores):
            page.notes.append(f"Pictures are kept for the {len(shown):,} least confident images.")
        pictures = dict(zip(shown.tolist(), webp_pictures(thumbnails(Subset(opened, shown), size=96)), strict=True))
    names = scores.obs.get("image", np.arange(1, len(scores) + 1))
    return {
        "ids": [str(name) for name in np.asarray(names).tolist()],
        "classes": list(scores.classes),
        "called": scores.codes.tolist(),
        "confidence": [round(float(value), 4) for value in scores.confidence],
        "abstained": scores.abstained.tolist(),
        "sets": None if scores.sets is None else scores.set_names().tolist(),
        "truth": truth if known is not None else None,
        "pictures": pictures,
        "things": page.things or "images",
    }


def _tables(known: Judged | None, rows: list[dict[str, Any]]) -> dict[str, Any]:
    if known is None:
        return {}
    whole = [{"measure": r["measure"], "value": (r["value"], r["low"], r["high"])} for r in rows if r["class"] == ALL]
    by_class: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["class"] != ALL:
            of_class = by_class.setdefault(row["class"], {"class": row["class"], "images": row["n"]})
            of_class[row["measure"]] = (row["value"], row["low"], row["high"])
    tables = {"All classes": whole, "Each class": list(by_class.values())}
    pairs = confused_pairs(known.found)
    return {**tables, "Most confused": pairs} if pairs else tables


def _figures(known: Judged | None) -> dict[str, Any]:
    if known is None:
        return {}
    found = known.found
    right, confidence = found.predicted == found.codes, found.probability.max(axis=1)
    return {
        "Confusions": (
            confusion_figure(found.confusion, found.classes),
            "Rows are true classes, columns what they were called; the shade is the share of the row.",
        ),
        "ROC": (roc_figure(_curves(found)), "Each class against all others, with the area under its curve."),
        "Calibration": (
            reliability_figure(reliability(right, confidence)),
            "Of images with a confidence, how many are right; larger dots are of more images.",
        ),
    }


def _curves(found: Classification) -> dict[str, Curve]:
    """One against the others; of two classes the curve of the second says everything."""
    two = len(found.classes) == 2
    shown = [k for k in range(int(two), len(found.classes)) if 0 < (found.codes == k).sum() < len(found.codes)]
    curves: dict[str, Curve] = {}
    if not two:
        curves["all (micro)"] = (
            *pooled_curve(found.codes, found.probability),
            micro_auroc(found.codes, found.probability),
        )
    for k in shown:
        truth, score = found.codes == k, found.probability[:, k]
        curves[str(found.classes[k])] = (*roc_curve(truth, score), auroc(truth, score))
    return curves


def _model_figures(
    model: Model | None, known: Judged | None, scores: ClassScores, opened: Samples | None, first_epoch: int
) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    if model is not None and len(model.history) > 1:  # what is not trained epoch by epoch has no curve
        curves = loss_curves({model.method: model.history}, first_epoch=first_epoch)
        figures["Losses"] = (curves, model.implementation.CARD.losses)
    if model is not None and (curve := model.tables.get(LEARNED)):
        said = "Means over draws of the labels, with the least and the most. Where it still climbs, more labels help."
        figures[LEARNED] = (curve_figure([_point(row) for row in curve]), said)
    if opened is None:
        return figures
    illustrate = None if model is None else getattr(model.implementation, "illustrate", None)
    for heading, rows in _galleries(known, scores).items():
        those = Subset(opened, rows)
        shown = [] if illustrate is None else list(illustrate(model, those))
        for one in shown:
            figures[f"{one.name}: {heading}"] = (drawn(one, those), one.caption)
        if known is not None and not shown:
            pictures = thumbnails(those, size=96)
            words = [f"{value:.2f}" for value in scores.confidence[rows]]
            said = "Those called so most surely, with the probability of the class that they were called."
            figures[f"Most confused: {heading}"] = (gallery_figure(pictures, words), said)
    return figures


def _point(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the learning curve in a model's card, to be drawn."""
    return {
        "kind": "",
        "size": row["labels of each class"],
        "measure": "balanced accuracy",
        "value": row["balanced accuracy"],
        "low": row["least"],
        "high": row["most"],
        "each": [],
    }


def _galleries(known: Judged | None, scores: ClassScores) -> dict[str, np.ndarray]:
    """Which images are looked at closely: of the most confused pairs those that were called most surely."""
    if known is None:
        sure = np.argsort(-scores.confidence, kind="stable")
        return {"the surest": sure[:_SHOWN_PER_PAIR]}
    place = {name: k for k, name in enumerate(scores.classes)}
    found, galleries = known.found, {}
    for pair in confused_pairs(found, 3):
        here = (found.codes == place[pair["true"]]) & (found.predicted == place[pair["called"]])
        rows = np.flatnonzero(here)
        rows = rows[np.argsort(-found.probability[rows].max(axis=1), kind="stable")][:_SHOWN_PER_PAIR]
        galleries[f"{pair['true']} called {pair['called']}"] = known.rows[rows]
    return galleries
