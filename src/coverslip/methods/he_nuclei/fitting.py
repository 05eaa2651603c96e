"""Warm the network on fields without a label: synthetic nuclei over many stains, and what earlier rounds found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from coverslip.core import Fields, Fitted, InputError, track
from coverslip.methods.he_nuclei.config import Config
from coverslip.methods.he_nuclei.inference import Segmenter
from coverslip.methods.he_nuclei.loss import loss_terms
from coverslip.methods.he_nuclei.network import build
from coverslip.methods.he_nuclei.patches import batch_of
from coverslip.methods.he_nuclei.scenes import DIAMETER, Scene, coarse_labels, scene
from coverslip.methods.he_nuclei.sight import Sight
from coverslip.methods.he_nuclei.synthesis import drawn_shapes
from coverslip.samples.opening.augment import Augment
from coverslip.train.ahead import made_ahead
from coverslip.train.batch import Batch
from coverslip.train.loop import train
from coverslip.train.run import Run
from coverslip.train.split import training_split

_MARGIN = 96
"""Pixels around a block, more than nuclei are wide."""
_SHAPES = 600
_OPTICS = Augment(dihedral=False, blur=1.3, noise=0.03)


def fit(fields: Fields, config: Config | None = None, run: Run | None = None) -> Fitted:
    """Warm a network.

    Parameters
    ----------
    fields : Fields
        RGB images of stained sections, of any size; masks are not looked at. A ``split`` column (train, val, test) is
        honoured.
    config : Config, optional
        Settings.
    run : Run, optional
        Device, precision, checkpoint folder.

    Returns
    -------
    Fitted
        ``facts`` holds how far blocks reach over each other.

    Raises
    ------
    InputError
        If the fields are no RGB images, or no nucleus stands out in any of them.
    """
    config, run = config or Config(), run or Run()
    split, split_by = training_split(fields, config)
    rows = np.concatenate([split["train"], split["val"]]).astype(int).tolist()
    scenes = {row: list(_first_scenes(fields, row, config)) for row in track(rows, "Looking for nuclei")}
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model = build(config)
    facts: dict[str, Any] = {
        "inputs": 3,
        "dtype": str(fields.dtype),
        "parameters": sum(p.numel() for p in model.parameters()),
        "split_by": split_by,
        "margin": _MARGIN,
    }
    history: list[dict[str, float]] = []
    for number in range(config.rounds):
        feed = _SceneFeed(scenes, config)
        patches = {part: feed.repeated(own) for part, own in split.items()}
        identity: dict[str, Any] = {
            "method": "he_nuclei",
            **config.model_dump(mode="json"),
            "fields": [fields.name(i) for i in range(len(fields))],
            "round": number,
        }
        own = run if run.folder is None else replace(run, folder=run.folder / f"round-{number + 1}")
        outcome = train(model, _step(config), feed, patches, config, own, identity)
        before = len(history)
        history += [{**row, "epoch": before + row["epoch"], "round": number + 1} for row in outcome.history]
        fitted = Fitted("he_nuclei", config, outcome.weights, {**facts, **outcome.facts}, history)
        if number + 1 < config.rounds:
            finder = Segmenter(fitted, device=run.device, adapt="none", flips=True)
            again = {row: _later_scenes(finder, fields, row) for row in track(rows, "Looking for nuclei again")}
            scenes = {row: own if any(each.cutouts for each in own) else scenes[row] for row, own in again.items()}
            model = build(config)
            model.load_state_dict({name: torch.from_numpy(a) for name, a in outcome.weights.items()})
    return replace(fitted, facts={**fitted.facts, "train": len(split["train"]), "val": len(split["val"])})


def _step(config: Config) -> Any:
    def step(
        module: torch.nn.Module, batch: Batch[torch.Tensor], generator: torch.Generator, epoch: int
    ) -> dict[str, torch.Tensor]:
        x = _OPTICS(batch.inputs, generator) if module.training else batch.inputs
        x = x.contiguous(memory_format=torch.channels_last)
        return loss_terms(module(x), batch.targets, config.geometry)

    return step


def _first_scenes(fields: Fields, row: int, config: Config) -> Iterator[Scene]:
    """What the colour alone says of a field."""
    plain = Sight.plain(fields, row, config.percentiles)
    sight = plain.showing(fields, row, plain.width_of_nuclei(fields, row))
    for part in sight.parts(fields, row):
        rgb = sight.rgb(part)
        assert sight.stain is not None
        chance = sight.stain.attention(rgb, DIAMETER)
        yield scene(rgb, chance, coarse_labels(chance))


def _later_scenes(finder: Segmenter, fields: Fields, row: int) -> list[Scene]:
    """What an earlier round says of it."""
    return [scene(*look) for look in finder.looks(fields, row, finder.view(fields, row))]


class _SceneFeed:
    """Batches of patches, drawn anew each time."""

    def __init__(self, scenes: dict[int, list[Scene]], config: Config) -> None:
        self._scenes, self._config = scenes, config
        self._shapes = drawn_shapes(_SHAPES, config, np.random.default_rng([config.seed, 4]))
        self._all = [each for own in scenes.values() for each in own]
        if not any(each.cutouts for each in self._all):
            raise InputError(
                "No nucleus stands out in any of the images; give sections stained with haematoxylin, as RGB images."
            )

    @property
    def in_memory(self) -> bool:
        return True

    def repeated(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """Rows, all equally often: together as often as patches cover all parts. Stains count, not areas."""
        area = sum(each.labels.size for row in rows for each in self._scenes[int(row)])
        times = max(1, round(area / max(len(rows), 1) / self._config.patch**2))
        return np.repeat(np.asarray(rows, np.intp), times)

    def batches(
        self, rows: Sequence[np.ndarray], seeds: Sequence[np.random.SeedSequence]
    ) -> Iterator[Batch[np.ndarray]]:
        return made_ahead(self._batch, rows, seeds)

    def _batch(self, rows: np.ndarray, seed: np.random.SeedSequence) -> Batch[np.ndarray]:
        rng = np.random.default_rng(seed)
        targets = [own[rng.integers(len(own))] for own in (self._scenes[int(row)] for row in rows)]
        return Batch(*batch_of(targets, self._all, self._shapes, self._config, rng), rows)
