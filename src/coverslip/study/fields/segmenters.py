"""Several methods that find objects, side by side: fitted to the same fields, evaluated on the same held-out ones."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coverslip import results
from coverslip.core import FieldSubset, InputError, track
from coverslip.core.spread import evenly
from coverslip.core.words import counted, number_of
from coverslip.io.atomic import refuse_existing
from coverslip.models.loading import load
from coverslip.models.record import describe_inputs
from coverslip.samples.opening.copies import copies_told
from coverslip.study.fields.bench import find_segmenter
from coverslip.study.fields.fits import CLASSICAL, MODEL, Fit, Outcome, classical, run_fits
from coverslip.study.fields.output import write_study
from coverslip.study.fields.parts import check_objects, held_out
from coverslip.study.fields.tables import ALL
from coverslip.study.findings import Findings, Rows
from coverslip.study.fits import fit_name, seeds_of
from coverslip.train.run import Run

_SHOWN = 3
"""Held-out fields that are drawn: the one that all find worst, a middling one, the best."""
_OF_CURVES = 12
"""Held-out fields, evenly chosen, whose pixels make the ROC curves."""
_EVERY = 5
"""Every so many pixels along each side are of them."""

_WORDS = (
    "Each method was fitted with its own settings, for its own number of epochs, to the same training fields; nothing "
    "of a fit, not even its threshold, has seen the held-out fields."
)


def compare_segmenters(
    samples: Any,
    of: Sequence[str],
    out: str | Path,
    *,
    configs: Mapping[str, Any],
    restarts: int = 1,
    channels: Sequence[str | int] | None = None,
    planes: str | int = "channels",
    run: Run | None = None,
) -> Findings:
    """Fit several methods that find objects to the same fields and evaluate all on the same held-out ones.

    Parameters
    ----------
    samples : str, Path, Sheet or Fields
        Fields with masks. Evaluated are those whose ``split`` is ``val``; without such a column a share is held out.
    of : sequence of str
        Methods that find objects, and ``"classical"`` (Otsu and watershed, first channel).
    out : str or Path
        Folder of the study; run again, it goes on where it was stopped.
    configs : mapping of str to Config
        Settings of each method.
    restarts : int
        Fits of each method, with different seeds.
    channels, planes
        As for `coverslip.fit`.
    run : Run, optional
        Device and precision.

    Returns
    -------
    Findings
        One point per method and measure.

    Raises
    ------
    InputError
        If the study cannot be made, before anything is fitted.
    """
    from coverslip.figures.studies import methods_figure
    from coverslip.samples import open_fields

    out, run = Path(out), run or Run()
    if not configs:
        raise InputError("Name at least one method that is fitted, such as --of unet,classical.")
    seeds = {
        name: seeds_of(find_segmenter(name).Config, config.model_dump(), restarts) for name, config in configs.items()
    }
    refuse_existing(out / "fits", force=True)
    fields = open_fields(samples, channels=channels, planes=planes)
    if not fields.has_labels:
        raise InputError("Methods are compared on fields with masks; name them in a column 'mask' of the sheet.")
    training, evaluated, by = held_out(fields, next(iter(configs.values())))
    objects = {int(row): int((np.unique(fields.labels(int(row))) > 0).sum()) for row in np.r_[training, evaluated]}
    check_objects(objects, training, evaluated)
    picked = None if channels is None else tuple(channels)
    seen = sum(objects[int(row)] for row in training)
    outcomes: list[Outcome] = []
    for name in of:
        plan = [Fit(CLASSICAL, {"method": name}, fields, training[:0], evaluated)]
        if name != CLASSICAL:
            module, config = find_segmenter(name), configs[name]
            steps = config.epochs * int(module.steps_per_epoch(FieldSubset(fields, training), config))
            plan = [
                Fit(
                    fit_name({"method": name, "seed": seed}),
                    {"method": name},
                    fields,
                    training,
                    evaluated,
                    config.model_copy(update={"seed": seed}),
                    restart,
                    steps,
                    seen,
                    picked,
                    planes,
                )
                for restart, seed in enumerate(seeds[name])
            ]
        outcomes += run_fits(name, plan, out, run=run, word=name)
    divided = "as the sheet says" if by == "split" else f"held out by {by}"
    notes, doubts = [_WORDS, f"Evaluated on {number_of(len(evaluated), 'field')}, {divided}."], copies_told(fields)
    return write_study(
        out,
        "compare",
        outcomes,
        keys=("method",),
        groups=None,
        draw=methods_figure,
        title="Methods compared",
        notes=lambda points: [*notes, *_best(points), *doubts],
        facts=[
            counted(len(of), "method"),
            counted(len(training), "training field"),
            counted(len(evaluated), "held-out field"),
        ],
        record={
            "inputs": describe_inputs(samples, fields),
            "of": list(of),
            "settings": {name: config.model_dump(mode="json") for name, config in configs.items()},
            "restarts": restarts,
            "divided_by": by,
        },
        more=_pictures(outcomes, out, run.device),
    )


def _best(points: Rows) -> list[str]:
    found = {p["method"]: p for p in points if p["measure"] == "ap50" and p["group"] == ALL}
    best = max(found, key=lambda name: float(found[name]["value"]))
    others = {name: point for name, point in found.items() if name != best}
    apart = all(found[best]["low"] > point["high"] for point in others.values())
    said = f"AP at IoU 0.5 is highest for {best}: {found[best]['value']:.3f} [{found[best]['low']:.3f}, "
    said += f"{found[best]['high']:.3f}]"
    return [f"{said}." if apart or not others else f"{said}; intervals overlap, so other fields may change the order."]


def _pictures(outcomes: Sequence[Outcome], out: Path, device: str) -> dict[str, tuple[Any, str]]:
    """ROC curves of pixels, and outlines of all methods on some fields, by the first restart of each."""
    from coverslip.figures.classes import roc_figure
    from coverslip.figures.comparison import outlines_figure
    from coverslip.figures.overlays import coloured
    from coverslip.measure import auroc, roc_curve

    first = [outcome for outcome in outcomes if outcome.fit.restart == 0]
    fields, evaluated = first[0].fit.fields, first[0].fit.evaluated
    order = np.argsort(np.mean([np.nan_to_num(o.images["ap50"]) for o in first], axis=0), kind="stable")
    places = evenly(len(order), _SHOWN)
    shown = evaluated[order[places]]
    of_curves = evaluated[np.unique(np.linspace(0, len(evaluated) - 1, min(_OF_CURVES, len(evaluated))).astype(int))]
    rows = np.unique(np.r_[shown, of_curves])
    drawn: dict[str, list[np.ndarray]] = {}
    curves = {}
    truth = np.concatenate([(fields.labels(int(row)) > 0)[::_EVERY, ::_EVERY].ravel() for row in of_curves])
    for outcome in track(first, "Drawing"):
        fit, name = outcome.fit, str(outcome.fit.facts["method"])
        part = FieldSubset(fields, rows)
        if fit.config is None:
            found = list(classical(part))
        else:
            model = load(out / "fits" / fit.name / MODEL)
            found = list(results.get(model.gives).verb("segment")(model, part, device))
        by_row = dict(zip(rows.tolist(), found, strict=True))
        drawn[name] = [by_row[int(row)].labels for row in shown]
        chances = [by_row[int(row)].probability for row in of_curves]
        if all(chance is not None for chance in chances):
            score = np.concatenate([chance[::_EVERY, ::_EVERY].ravel() for chance in chances])
            curves[name] = (*roc_curve(truth, score), auroc(truth, score))
    pictures = [coloured(fields.image(int(row))) for row in shown]
    outlines = outlines_figure(
        pictures, [fields.name(int(row)) for row in shown], [fields.labels(int(row)) for row in shown], drawn
    )
    made: dict[str, tuple[Any, str]] = {
        "Outlines": (_png(outlines), "Parts of the field that all find worst, of a middling one and of the best.")
    }
    if curves:
        without = [str(o.fit.facts["method"]) for o in first if o.fit.facts["method"] not in curves]
        said = f"Pixels of {number_of(len(of_curves), 'held-out field')}, every {_EVERY}th along each side."
        said += f" {' and '.join(without)} give{'s' * (len(without) == 1)} no probability." if without else ""
        made["ROC of pixels"] = (roc_figure(curves), said)
    return made


def _png(figure: Any) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()
