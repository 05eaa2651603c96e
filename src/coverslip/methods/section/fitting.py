"""Fit a model of cells or of regions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from coverslip.core import Fields, Fitted, InputError, Length, Marks
from coverslip.measure.detections.staging import STAGING
from coverslip.methods.section.config import Config
from coverslip.methods.section.feeding import TileFeed
from coverslip.methods.section.model import build
from coverslip.methods.section.scale import reference, zoom_of
from coverslip.methods.section.staging import TABLE, fit_staging
from coverslip.methods.section.tuning import best_thresholds
from coverslip.nn.boxes import clipped
from coverslip.nn.imagenet import put_imagenet
from coverslip.samples.opening.marked import has_marks, marks_of, side_of_points
from coverslip.train.batch import Batch
from coverslip.train.loop import train
from coverslip.train.run import Run
from coverslip.train.split import training_split

_NARROWEST, _WIDEST = 32, 512


def fit(fields: Fields, config: Config | None = None, run: Run | None = None, *, start: Fitted | None = None) -> Fitted:
    """Fit a model that finds and names objects, to fields in which they are marked.

    Parameters
    ----------
    fields : Fields
        Images of any size with marks (`coverslip.samples.opening.marked`): boxes, points or outlines with a class
        each. A ``split`` column (train, val, test) is honoured; else part of the fields is held out to watch, whole
        groups (sections, patients) where there is a ``group`` column.
    config : Config, optional
        Settings.
    run : Run, optional
        Device, precision, memory, checkpoint folder.
    start : Fitted, optional
        The model that `Config.network` names.

    Returns
    -------
    Fitted
        ``facts`` holds the classes, the sides of the boxes that are tried, and the size of pixels of the fit.

    Raises
    ------
    InputError
        If nothing is marked, a class is marked that the settings do not list, regions are to be found and no outline
        is there, or a box has no area or lies outside its image.
    """
    config, run = config or Config(), run or Run()
    if start is not None:
        config = _settings_of(start, config)
    if not has_marks(fields):
        raise InputError(
            "A section model learns from marked objects, and there are none; name a file of boxes, points or outlines "
            "for each image in a column 'annotation' of the sheet."
        )
    split, split_by = training_split(fields, config)
    rows = [int(row) for row in np.concatenate([split["train"], split["val"]])]
    marks = {row: marks_of(fields, row, bad=config.bad_boxes) for row in rows}
    training = [marks[int(row)] for row in split["train"]]
    classes = _classes(fields, marks, config)
    if start is not None:
        return _with_staging(start, config, fields, marks, split, run)
    size = reference(fields, rows)
    point_side = _boxed(fields, marks, training, config) if any(own.points for own in marks.values()) else None
    zooms = {row: zoom_of(fields, row, config.zoom, size) for row in rows}
    sides = [np.sqrt(np.prod(marks[r].boxes[:, 2:] - marks[r].boxes[:, :2], axis=1)) * zooms[r] for r in zooms]
    shown = np.concatenate([s for s, r in zip(sides, zooms, strict=True) if r in set(split["train"].tolist())])
    if not len(shown):
        raise InputError(f"Nothing is marked in any of the {len(training)} training images; check their annotations.")
    anchors = config.anchors or _anchors(shown)
    feed = TileFeed(fields, marks, zooms, classes, config, run)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model = build(config, fields.count, len(classes), anchors)
    began = put_imagenet(model.backbone.body, config.backbone) if config.start == "imagenet" else None
    identity: dict[str, Any] = {
        "method": "section",
        **config.model_dump(mode="json"),
        "fields": [fields.name(i) for i in range(len(fields))],
        "train": split["train"].tolist(),
        "channels": fields.count,
        "classes": list(classes),
    }
    tiles = {part: feed.repeated(own) for part, own in split.items()}
    outcome = train(model, _step(config), feed, tiles, config, run, identity)
    longest = max(float((marks[r].boxes[:, 2:] - marks[r].boxes[:, :2]).max(initial=0)) * zooms[r] for r in zooms)
    counts = {name: int(sum((own.names == name).sum() for own in training)) for name in classes}
    facts: dict[str, Any] = {
        "inputs": fields.count,
        "channels": list(fields.channels),
        "dtype": str(fields.dtype),
        "classes": list(classes),
        "marked": counts,
        "anchors": [float(side) for side in anchors],
        "parameters": sum(p.numel() for p in model.parameters()),
        "split_by": split_by,
        "pixel_size": size,
        "point_box": point_side,
        "object_side_px": np.percentile(shown, [1, 25, 50, 75, 99]).round(1).tolist(),
        # Wide enough that an object on the border of a tile is whole in its window.
        "margin": int(np.clip(-(-longest * 1.25 // 32) * 32, _NARROWEST, _WIDEST)),
        **({"start": began} if began else {}),
        **outcome.facts,
        "train": len(split["train"]),
        "val": len(split["val"]),
    }
    fitted = Fitted("section", config, outcome.weights, facts, outcome.history)
    looked_at = {row: marks[row] for row in (split["val"] if len(split["val"]) else split["train"]).tolist()}
    facts["thresholds"] = best_thresholds(fitted, fields, looked_at, device=run.device)
    return _with_staging(fitted, config, fields, marks, split, run) if config.cells else fitted


def _settings_of(network: Fitted, config: Config) -> Config:
    """Those of a network that is taken as it is."""
    own = network.config
    if not isinstance(own, Config) or own.target != "regions":
        raise InputError(f"{config.network} finds no regions; name a model that was fitted with target=regions.")
    classes = tuple(map(str, network.facts["classes"]))  # nothing else may be marked
    return own.model_copy(update={"cells": config.cells, "network": config.network, "classes": classes})


def _with_staging(
    fitted: Fitted, config: Config, fields: Fields, marks: dict[int, Marks], split: dict[str, np.ndarray], run: Run
) -> Fitted:
    """The same model, with how cells stage its regions."""
    fitted = replace(fitted, config=config)
    staging, table, said = fit_staging(fitted, fields, marks, split, device=run.device)
    facts = {name: value for name, value in fitted.facts.items() if name != STAGING}
    facts |= {"said": said, **({STAGING: staging} if staging else {})}
    if table:
        facts["tables"] = {**fitted.tables, TABLE: table}
    return Fitted("section", config, fitted.weights, facts, fitted.history)


def _step(config: Config) -> Any:
    def step(
        module: torch.nn.Module, batch: Batch[torch.Tensor], generator: torch.Generator, epoch: int
    ) -> dict[str, torch.Tensor]:
        x = config.augment(batch.inputs, generator) if module.training else batch.inputs
        x = x.contiguous(memory_format=torch.channels_last)
        # torchvision draws which boxes it learns from with the common generator.
        cards = [x.device] if x.device.type == "cuda" else []
        with torch.random.fork_rng(devices=cards):
            torch.manual_seed(generator.initial_seed())
            terms = module(x, batch.targets)
        return {"loss": torch.stack(list(terms.values())).sum(), **terms}

    return step


def _classes(fields: Fields, marks: dict[int, Marks], config: Config) -> tuple[str, ...]:
    """Names of the classes; those of the settings, or all that are marked, by name."""
    listed = config.listed
    for row, own in marks.items():
        other = sorted(set(own.names.tolist()) - set(listed)) if listed else []
        if other:
            raise InputError(
                f"{fields.name(row)}: '{other[0]}' is marked, which is none of the classes {', '.join(listed)}; add it "
                "to --set classes=…, or rename it in the annotation."
            )
        if config.target == "regions" and len(own) and own.outlines is None:
            raise InputError(
                f"{fields.name(row)}: its objects are marked by {'points' if own.points else 'boxes'}, but regions are "
                "learned from outlines; give label images, GeoJSON or COCO polygons, or say target=cells."
            )
    found = listed or tuple(sorted({str(name) for own in marks.values() for name in own.names}))
    if not found:
        raise InputError(f"Nothing is marked in any of the {len(marks)} images; check their annotations.")
    return found


def _boxed(fields: Fields, marks: dict[int, Marks], training: list[Marks], config: Config) -> float:
    """Put boxes around marked points, in place; gives their side in pixels of the first image with points."""
    told = Length.parse(config.point_box) if config.point_box else None
    usual = side_of_points([own for own in training if own.points]) if told is None else 0.0
    first = None
    for row, own in marks.items():
        if own.points:
            side = usual if told is None else told.pixels(fields.image(row).pixel_size, fields.name(row))
            first = first or float(side)
            middle = own.centres
            boxes = np.concatenate([middle - side / 2, middle + side / 2], axis=1)
            marks[row] = Marks(clipped(boxes, fields.size(row)), own.names)
    return first or usual


def _anchors(sides: np.ndarray) -> tuple[float, ...]:
    """Four sides, each twice the one before, that lie around the marked ones."""
    low, middle, high = np.percentile(sides, [5, 50, 95])
    first = max(low, min(middle / 2, high / 8), 4.0)
    return tuple(round(float(first) * 2**level, 1) for level in range(4))
