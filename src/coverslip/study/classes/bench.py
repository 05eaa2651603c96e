"""Fits of classifiers: made once each, and asked about images that they never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip import methods, results
from coverslip.core import ClassScores, InputError, Samples, Subset, track
from coverslip.io.agreement import MARK
from coverslip.io.atomic import refuse_existing
from coverslip.measure import Classification
from coverslip.models.record import describe_inputs
from coverslip.samples.opening import open_at_one_size
from coverslip.samples.opening.again import as_words
from coverslip.samples.opening.classes import classes_of
from coverslip.samples.opening.copies import copies_told
from coverslip.samples.opening.mark import mark_of
from coverslip.samples.sheets.splits import GROUPS, few_groups, group_codes, usual_groups
from coverslip.study.classes.divisions import Division
from coverslip.study.fits import begin_fit, fit_name, fit_once, forget
from coverslip.train.run import Run

if TYPE_CHECKING:
    from coverslip.core.config import Config

FIT, MODEL, SCORES = "fit.json", "model", "scores.parquet"
"""What the folder of a fit holds: what it is a fit of, its model, what it says of the tested images (written last)."""


CALIBRATING = "calibrating"
"""Under this name scores of a fit say how many images of each class calibrated its prediction sets."""


class Divided(Subset):
    """Some rows of samples, of which some train and the others are held out."""

    def __init__(self, samples: Samples, train: np.ndarray, val: np.ndarray, groups: np.ndarray | None = None) -> None:
        super().__init__(samples, np.concatenate([train, val]))
        self._more = {"split": np.array(["train"] * len(train) + ["val"] * len(val), dtype=object)}
        # Groups are those of the study, whatever their column is called; where it divides them, each sample is one.
        if groups is not None or any(name in samples.obs for name in GROUPS):
            self._more["group"] = (self.indices if groups is None else groups[self.indices]).astype(str)

    @property
    def obs(self) -> Mapping[str, np.ndarray]:
        """The columns, with the split and the groups of the study."""
        return {**super().obs, **self._more}


@dataclass(frozen=True)
class Bench:
    """What all fits of a study of classifiers share; made by `open_bench`.

    Parameters
    ----------
    method : str
        Name of the method.
    given : Any
        The samples as they were given, for provenance.
    samples : Samples
        Those with a class.
    codes : ndarray of int, shape (N,)
        Their classes.
    classes : tuple of str
        Names.
    groups : ndarray of int, shape (N,), or None
        Never divided.
    grouped_by : str
        The column; empty where there is none.
    config : Config
        Settings that all share.
    out : Path
        Folder of the study.
    run : Run
        Device and precision.
    keep_models : bool
        Whether models stay.
    notes : tuple of str
        What was done to images that differ in size, and which are there twice.
    """

    method: str
    given: Any = field(repr=False)
    samples: Samples = field(repr=False)
    codes: np.ndarray = field(repr=False)
    classes: tuple[str, ...]
    groups: np.ndarray | None = field(repr=False)
    grouped_by: str
    config: Any
    out: Path
    run: Run
    keep_models: bool = False
    notes: tuple[str, ...] = ()

    @property
    def validation(self) -> float:
        """Share of the labelled images that is held out."""
        return float(getattr(self.config, "validation", 0.2))

    @cached_property
    def mark(self) -> str:
        """What tells these images and their classes from others."""
        return mark_of(self.samples, self.config.label)

    def check_domain(self, domain: str | None) -> None:
        """Refuse a column of domains that is not there."""
        if domain is not None and domain not in self.samples.obs:
            known = ", ".join(self.samples.obs)
            raise InputError(
                f"There is no column '{domain}' of domains; the columns are: {known}. Name one of them (--domain), or "
                "give a sheet for each domain."
            )

    def run_fits(
        self, kinds: Mapping[str, Config], plan: Sequence[Division], word: str, *, equally: bool = False
    ) -> list[Tested]:
        """Make every fit that is not there yet, of every kind in every division; perhaps with equally many steps."""
        jobs = [(kind, division) for division in plan for kind in kinds]
        most = max(len(division.train) for division in plan)
        found = []
        for kind, division in track(jobs, word):
            config = kinds[kind].model_copy(update={"seed": self.config.seed + int(division.facts["repeat"]) - 1})
            if equally:
                config = evened(config, len(division.train), most)
            if order := getattr(config, "order", ()):
                there = {self.classes[code] for code in self.codes[division.train]}
                config = config.model_copy(update={"order": tuple(name for name in order if name in there)})
            name = fit_name({"kind": kind}) if len(kinds) > 1 else ""
            folder = self.out / "fits" / name / division.name
            scores = self._tested(config, division, folder)
            found.append(Tested(kind, division, scores))
        return found

    def _tested(self, config: Config, division: Division, folder: Path) -> ClassScores:
        begin_fit(folder / FIT, self._asked(config, division), folder)
        scores = results.get("scores")
        if not (folder / SCORES).is_file():
            given = Divided(self.samples, division.train, division.val, self.groups)
            model = fit_once(self.method, given, folder / MODEL, config, run=self.run)
            found = model.implementation.predict(model, Subset(self.samples, division.test), device=self.run.device)
            facts: dict[str, Any] = {
                "kind": "scores",
                "model": {"method": self.method, "settings": config.model_dump(mode="json")},
            }
            seconds = float(sum(row.get("seconds", 0.0) for row in model.history))
            facts |= {"seconds": round(seconds, 1), "epochs": len(model.history), "warnings": list(model.warnings)}
            facts[CALIBRATING] = model.facts.get(CALIBRATING)
            scores.verb("to_file")(replace(found, provenance=facts), folder / SCORES)
        if not self.keep_models:
            forget(folder / MODEL)
        opened: ClassScores = scores.verb("open")(folder / SCORES)
        return opened

    def _asked(self, config: Config, division: Division) -> dict[str, Any]:
        obs = self.samples.obs
        names = as_words(obs["image"]) if "image" in obs else np.arange(len(self.samples)).astype(str)
        rows = {part: [f"{row} {names[row]}" for row in getattr(division, part)] for part in ("train", "val", "test")}
        return {"method": self.method, "settings": config.model_dump(mode="json"), MARK: self.mark, **rows}

    def judged(self, tested: Tested) -> Classification:
        """The scores of one fit with the true classes."""
        scores, sets = tested.scores, tested.scores.sets
        return Classification(
            self.classes,
            self.codes[tested.division.test],
            placed(scores.probability, scores.classes, self.classes),
            None if sets is None else placed(sets, scores.classes, self.classes),
            scores.ordered,
        )

    def record(self, **facts: Any) -> dict[str, Any]:
        """Where the study comes from."""
        return {
            "method": self.method,
            "inputs": describe_inputs(self.given, self.samples),
            "settings": self.config.model_dump(mode="json"),
            "device": self.run.device,
            "precision": self.run.precision,
            **facts,
        }


@dataclass(frozen=True)
class Tested:
    """What one fit says of the images that it was tested on."""

    kind: str
    division: Division
    scores: ClassScores = field(repr=False)


def evened(config: Any, n: int, most: int) -> Any:
    """Settings with which `n` training images are learned from for as many optimiser steps as `most` are without.

    Patience is counted in epochs, too, and grows alike.
    """
    often = ceil(most / config.batch) / ceil(n / config.batch)
    return config.model_copy(update={name: round(getattr(config, name) * often) for name in ("epochs", "patience")})


def placed(columns: np.ndarray, classes: Sequence[str], wanted: Sequence[str]) -> np.ndarray:
    """A column per class, ``(N, K)``, in another order; of classes that are not known 0."""
    out = np.zeros((len(columns), len(wanted)), columns.dtype)
    out[:, [wanted.index(name) for name in classes]] = columns
    return out


def classifies(method: str) -> bool:
    """Whether a method learns from samples to give scores of classes."""
    card = methods.get(method).CARD
    return bool(card.takes == "samples" and card.gives == "scores")


def open_bench(
    method: str,
    samples: Any,
    out: str | Path,
    *,
    settings: Mapping[str, Any] | None = None,
    group: str | None = None,
    keep_models: bool = False,
    run: Run | None = None,
    channels: Sequence[str | int] | None = None,
    planes: str | int = "channels",
) -> Bench:
    """Check what a study is asked to do, and open its samples.

    Parameters
    ----------
    method : str
        A method that gives scores of classes.
    samples : str, Path, Sheet or Samples
        Images with a column of classes.
    out : str or Path
        Folder of the study; run again, it goes on where it was stopped.
    settings : mapping, optional
        Settings of the method.
    group : str, optional
        Column whose groups are never divided; default: the usual ones, where the samples have some.
    keep_models : bool
        Keep the model of each fit.
    run : Run, optional
        Device and precision.
    channels, planes
        As for `coverslip.fit`.

    Raises
    ------
    InputError
        If the method gives something else, a setting is wrong, or a column is missing.
    """
    if not classifies(method):
        able = ", ".join(name for name in methods.names() if classifies(name))
        card = methods.get(method).CARD
        why = f"gives {results.get(card.gives).given}" if card.gives != "scores" else f"takes {card.takes}"
        raise InputError(f"This study is for methods that tell classes of images ({able}); '{method}' {why}.")
    module = methods.get(method)
    config = module.Config.parse(settings or {})
    refuse_existing(Path(out) / "fits", force=True)
    one_size = module.one_size(config) if hasattr(module, "one_size") else None
    opened, said = open_at_one_size("samples", samples, one_size, channels=channels, planes=planes)
    kept, codes, names, unlabelled = classes_of(opened.obs, config.label, config.order)
    opened = opened if len(kept) == len(opened) else Subset(opened, kept)
    column = group or usual_groups(opened.obs)
    if column is not None and column not in opened.obs:
        raise InputError(f"There is no column '{column}' to group by; the columns are: {', '.join(opened.obs)}.")
    groups = None if column is None else group_codes(opened.obs[column])
    few = "" if column else few_groups(opened.obs, "--group {} holds whole ones out")
    return Bench(
        method,
        samples,
        opened,
        codes,
        names,
        groups,
        column or "",
        config,
        Path(out),
        run or Run(),
        keep_models,
        (*filter(None, (said, unlabelled, few)), *copies_told(opened, groups, label=config.label)),
    )
