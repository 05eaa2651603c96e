"""What all fits of a study share: fields with masks, settings, seeds, equally many optimiser steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip import methods, results
from coverslip.core import Fields, FieldSubset, InputError, track
from coverslip.io.atomic import refuse_existing
from coverslip.models.record import describe_inputs
from coverslip.samples.opening.copies import copies_told
from coverslip.study.fields.fits import CLASSICAL, Fit, Outcome, run_fits
from coverslip.study.fits import seeds_of
from coverslip.train.run import Run

if TYPE_CHECKING:
    from coverslip.core.settings import Training


@dataclass(frozen=True)
class Bench:
    """What all fits of a study share; made by `open_bench`.

    Parameters
    ----------
    method : str
        Name of the method.
    samples : Any
        As it was given, for provenance.
    fields : Fields
        With masks.
    config : Training
        Settings; each fit has its own seed and epochs.
    seeds : range
        One per restart.
    steps : int or None
        Optimiser steps asked for.
    out : Path
        Folder of the study.
    run : Run
        Device, precision, memory.
    keep_models : bool
        Whether the models stay.
    channels, planes
        What the fields were opened with.
    doubts : tuple of str
        Which of them are there twice.
    """

    method: str
    samples: Any = field(repr=False)
    fields: Fields = field(repr=False)
    config: Training
    seeds: range
    steps: int | None
    out: Path
    run: Run
    keep_models: bool
    channels: tuple[str | int, ...] | None = None
    planes: str | int = "channels"
    doubts: tuple[str, ...] = ()

    def objects(self, rows: np.ndarray) -> dict[int, int]:
        """How many objects the mask of each row holds; a mask that cannot be read is found before hours of fitting."""
        counts = {}
        for row in track([int(r) for r in np.unique(rows)], "Reading masks"):
            counts[row] = int((np.unique(self.fields.labels(row)) > 0).sum())
        return counts

    def length(self, plan: Sequence[Fit]) -> int:
        """Optimiser steps of each fit: as asked, else what the epochs take over the largest training set."""
        return self.steps or self.config.epochs * max(self._epoch(fit) for fit in plan)

    def run_fits(self, plan: Sequence[Fit], objects: Mapping[int, int], word: str) -> list[Outcome]:
        """Give every fit its seed and its epochs, make those that are not there yet, and evaluate them."""
        length = self.length([fit for fit in plan if len(fit.train)])
        ready = []
        for fit in plan:
            if len(fit.train):
                epochs = max(1, round(length / self._epoch(fit)))
                config = self.config.model_copy(update={"epochs": epochs, "seed": self.seeds[fit.restart]})
                seen = sum(objects[int(row)] for row in fit.train)
                fit = replace(fit, config=config, steps=epochs * self._epoch(fit), objects=seen)
            channels = self.channels if fit.channels is None else fit.channels
            ready.append(replace(fit, channels=channels, planes=self.planes))
        return run_fits(self.method, ready, self.out, run=self.run, keep_models=self.keep_models, word=word)

    def classical(self, evaluated: np.ndarray, **facts: Any) -> Fit:
        """The baseline that needs no training, on some rows."""
        return Fit(CLASSICAL, {"trained_on": CLASSICAL, **facts}, self.fields, evaluated[:0], evaluated)

    def record(self, **facts: Any) -> dict[str, Any]:
        """Where the study comes from, as JSON-able facts."""
        return {
            "method": self.method,
            "inputs": describe_inputs(self.samples, self.fields),
            "settings": self.config.model_dump(mode="json"),
            "seeds": list(self.seeds),
            "device": self.run.device,
            "precision": self.run.precision,
            **facts,
        }

    def _epoch(self, fit: Fit) -> int:
        return int(methods.get(self.method).steps_per_epoch(FieldSubset(fit.fields, fit.train), self.config))


def open_bench(
    method: str,
    samples: Any,
    out: str | Path,
    *,
    settings: Mapping[str, Any] | None = None,
    restarts: int = 3,
    steps: int | None = None,
    keep_models: bool = True,
    run: Run | None = None,
    channels: Sequence[str | int] | None = None,
    planes: str | int = "channels",
) -> Bench:
    """Check what a study is asked to do, and open its fields.

    Parameters
    ----------
    method : str
        A method that finds objects.
    samples : str, Path, Sheet or Fields
        Fields with masks.
    out : str or Path
        Folder of the study; run again, it goes on where it was stopped.
    settings : mapping, optional
        Settings of the method; ``seed`` is that of the first restart.
    restarts : int
        Fits of each kind, with different seeds.
    steps : int, optional
        Optimiser steps of each fit, to the nearest epoch; default: what the epochs of the settings take over the
        largest training set.
    keep_models : bool
        Keep the model of each fit.
    run : coverslip.train.Run, optional
        Device, precision and memory.
    channels, planes
        As for `coverslip.fit`.

    Raises
    ------
    InputError
        If the method does not find objects, a setting is wrong, there are no masks, or nothing can be written.
    """
    from coverslip.samples import open_fields

    module = find_segmenter(method)
    given = dict(settings or {})
    config: Training = module.Config.parse(given)
    if config.patience:
        raise InputError(
            "The fields held out in a study are for evaluation alone, so that no fit can stop early by them: leave out "
            f"patience (it is {config.patience})."
        )
    if steps is not None and steps < 1:
        raise InputError(f"A fit takes at least 1 optimiser step, not {steps}; say --steps 2000, or leave it out.")
    seeds = seeds_of(module.Config, given, restarts)
    refuse_existing(Path(out) / "fits", force=True)
    fields = open_fields(samples, channels=channels, planes=planes)
    if not fields.has_labels:
        raise InputError("A study needs fields with masks; name the label images in a column 'mask' of the sheet.")
    picked = None if channels is None else tuple(channels)
    own = Path(out), run or Run(), keep_models, picked, planes
    return Bench(method, samples, fields, config, seeds, steps, *own, tuple(copies_told(fields)))


def find_segmenter(method: str) -> ModuleType:
    """The method of a name, which must find objects and count the steps of its epochs.

    Raises
    ------
    InputError
        Naming those that do.
    """
    module = methods.get(method)
    if not finds_objects(method):
        able = [name for name in methods.names() if finds_objects(name)]
        finds, given = _finds_objects(module), results.get(module.CARD.gives).given
        lack = "does not count the steps of an epoch" if finds else f"gives {given}"
        raise InputError(
            f"This study is for methods that find objects ({', '.join(able)}); '{method}' {lack}: compare its settings "
            "with coverslip study sweep."
        )
    return module


def finds_objects(method: str) -> bool:
    """Whether this is a method that finds objects, and says how long its epochs are."""
    if method not in methods.names():
        return False
    module = methods.get(method)
    return _finds_objects(module) and hasattr(module, "steps_per_epoch")


def _finds_objects(module: ModuleType) -> bool:
    return "segment" in results.get(module.CARD.gives).verbs
