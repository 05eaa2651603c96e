"""How deep a network should be for images of a size: every depth fitted, and what the method's rule loses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip import methods
from coverslip.core import ArraySamples, InputError, Samples, free_memory, provenance, track
from coverslip.io.atomic import refuse_existing
from coverslip.models.record import describe_inputs
from coverslip.samples import open_samples
from coverslip.samples.opening.copies import copies_told
from coverslip.samples.opening.resized import Aspect, ResizedSamples, Resizing
from coverslip.study.classes.bench import Divided
from coverslip.study.findings import Findings
from coverslip.study.fits import fit_name, fit_once, kept_row, seeds_of
from coverslip.study.sweeps.depth_page import notes_of, upsampled, written
from coverslip.study.sweeps.depth_rule import Row, Size, points_of, refitted, size_text
from coverslip.train.run import Run
from coverslip.train.split import training_split

if TYPE_CHECKING:
    from coverslip.core.config import Config
    from coverslip.models.folder import Model


AROUND = 2
"""So many blocks more and fewer than the rule are fitted, where nothing else is said."""


def depth_study(
    method: str,
    samples: Any,
    out: str | Path,
    *,
    sizes: Sequence[Size] | None = None,
    depths: Sequence[int] | None = None,
    aspect: Aspect = "same",
    restarts: int = 3,
    settings: Mapping[str, Any] | None = None,
    channels: Sequence[str | int] | None = None,
    planes: str | int = "channels",
    run: Run | None = None,
) -> Findings:
    """Fit a network of each depth to images of each size, and judge the method's depth rule by the validation loss.

    All fits hold out the same images: those of the split ``val``, else a share of them.

    Parameters
    ----------
    method : str
        A method with a depth rule, such as ``"vae"``.
    samples : str, Path, Sheet or Samples
        What it is fitted to.
    out : str or Path
        Folder: ``fits/<size, depth, seed>``, ``table.csv`` (a row per fit), ``summary.csv`` (a row per size and depth),
        ``depth.png``, ``report.html``, ``provenance.json``. Fits that are there are not made again, and one that was
        stopped goes on.
    sizes : sequence of (int, int), optional
        Heights and widths that the images are resized to; default: as they are.
    depths : sequence of int, optional
        Default: up to two more and two fewer than the rule takes, as far as a size can be halved. Of depths that are
        named, those that a size is too small for are left out.
    aspect : {"same", "pad", "stretch"}
        What becomes of images of other proportions, see `coverslip.samples.Resizing`.
    restarts : int
        Fits of each depth and size, with other seeds.
    settings : mapping, optional
        Of the method.
    channels, planes
        As for `coverslip.fit`.
    run : coverslip.train.Run, optional
        Device and precision.

    Returns
    -------
    Findings
        One point per size and depth.

    Raises
    ------
    InputError
        If the method has no depth rule, a size or a setting cannot be, or nothing is held out, before anything is
        fitted.
    """
    out, run = Path(out), run or Run()
    module = _module(method)
    config: Any = module.Config.parse(_without_depth(settings or {}))
    seeds = seeds_of(module.Config, settings or {}, restarts)
    refuse_existing(out / "fits", force=True)
    opened = open_samples(samples, channels=channels, planes=planes)
    held = _held_out(opened, config)
    asked = list(dict.fromkeys(sizes or [opened.shape[1:]]))
    resizings = {size: Resizing(size, aspect) for size in asked}
    for size, resizing in resizings.items():
        resizing.place(*opened.shape[1:], "The samples")
        module.depths(config, (opened.shape[0], *size))  # says why a size cannot be
    plan = [(size, depth) for size in asked for depth in _depths(module, config, opened.shape[0], size, depths)]
    rows = []
    for size in asked:
        at_size = _at_size(held, resizings[size])
        fits = [(depth, seed) for each, depth in plan if each == size for seed in seeds]
        for depth, seed in track(fits, f"{size[0]} x {size[1]} pixels"):
            chosen = module.Config.parse({**config.model_dump(), "depth": depth, "seed": seed})
            name = fit_name({"size": size_text(size), "depth": depth, "seed": seed})
            model = fit_once(method, at_size, out / "fits" / name, chosen, run=run)
            rows.append(_measured(model, size, depth, seed))
    rules = {size: int(module.depths(config, (opened.shape[0], *size))[0]) for size in asked}
    points = points_of(rows, rules)
    line = refitted(points)
    notes = [*upsampled(asked, opened.shape[1:]), *notes_of(points, rules, line, restarts), *copies_told(opened)]
    record = provenance(
        study="depth",
        method=method,
        inputs=describe_inputs(samples, opened),
        settings=config.model_dump(mode="json"),
        sizes=[list(size) for size in asked],
        seeds=list(seeds),
        aspect=aspect,
        refitted=None if line is None else {"slope": line.slope, "offset": line.offset},
    )
    return written(out, rows, points, rules, line, notes, record, len(held))


def _module(method: str) -> Any:
    module = methods.get(method)
    if not hasattr(module, "depths"):
        able = [name for name in methods.names() if hasattr(methods.get(name), "depths")]
        raise InputError(f"The method '{method}' has no depth rule; study that of {', '.join(able)}.")
    return module


def _without_depth(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    if settings.get("depth", "auto") != "auto":
        raise InputError("This study varies the depth itself: leave depth out, or name depths with --depths 2,3,4.")
    return settings


def _held_out(opened: Samples, config: Any) -> Divided:
    """The samples with a split that all fits share, whatever their seed."""
    parts, _ = training_split(opened, config)
    if not len(parts["val"]):
        raise InputError(
            "Depths are judged by the loss of held-out images: mark some with the split 'val', or leave validation "
            "above 0."
        )
    return Divided(opened, parts["train"], parts["val"])


def _depths(module: Any, config: Config, channels: int, size: Size, depths: Sequence[int] | None) -> list[int]:
    """Those that are fitted for a size."""
    rule, most = module.depths(config, (channels, *size))
    if depths is None:
        return list(range(max(1, rule - AROUND), min(most, rule + AROUND) + 1))
    if min(depths) < 1:
        raise InputError(f"A network is at least 1 block deep, not {min(depths)}; say --depths 2,3,4.")
    found = sorted({depth for depth in depths if depth <= most})
    if not found:
        raise InputError(f"{size[0]} x {size[1]} pixels can be halved {most} times at most; name smaller depths.")
    return found


def _at_size(held: Divided, resizing: Resizing) -> Samples:
    """The samples at a size, in memory where they fit: every fit reads them again."""
    small = held if held.shape[1:] == resizing.to else ResizedSamples(held, resizing)
    if len(small) * prod(small.shape) * small.dtype.itemsize > free_memory() // 4:
        return small
    pieces = [small.read(part) for part in np.array_split(np.arange(len(small)), -(-len(small) // 256))]
    obs: dict[str, Any] = dict(small.obs)
    return ArraySamples(np.concatenate(pieces), obs, small.channels)


def _measured(model: Model, size: Size, depth: int, seed: int) -> Row:
    found = kept_row(model)
    row: Row = {"height": size[0], "width": size[1], "depth": depth, "seed": seed}
    row |= {name: value for name, value in found.items() if name.startswith("val_")}
    row |= {name: model.facts[name] for name in ("active_units", "parameters") if name in model.facts}
    if "active_units" in row:
        row["collapsed"] = row["active_units"] == 0
    row["epochs"] = len(model.history)
    row["seconds"] = round(sum(each["seconds"] for each in model.history), 1)
    return row
