"""How deep a network should be for images of a size: every depth fitted, and what the method's rule loses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2, prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip import methods
from coverslip.core import ArraySamples, InputError, Samples, free_memory, provenance, track
from coverslip.core.words import counted
from coverslip.io import write_table
from coverslip.io.atomic import refuse_existing
from coverslip.models.record import describe_inputs
from coverslip.samples import open_samples
from coverslip.samples.opening.resized import Aspect, ResizedSamples, Resizing
from coverslip.study.classes.bench import Divided
from coverslip.study.findings import Findings, columns
from coverslip.study.fits import fit_name, fit_once, kept_row, seeds_of
from coverslip.train.run import Run
from coverslip.train.split import training_split

if TYPE_CHECKING:
    from coverslip.core.config import Config
    from coverslip.models.folder import Model

Size = tuple[int, int]
Row = dict[str, Any]

AROUND = 2
"""So many blocks more and fewer than the rule are fitted, where nothing else is said."""


@dataclass(frozen=True)
class Line:
    """A depth rule: ``L = round(slope · log2(H · W) + offset)``."""

    slope: float
    offset: float

    def __str__(self) -> str:
        sign = "+" if self.offset >= 0 else "\u2212"
        return f"L = round({round(self.slope, 3) + 0.0:.3f} · log2(H · W) {sign} {abs(self.offset):.2f})"

    def at(self, size: Size) -> int:
        """The depth for a size, at least 1."""
        return max(1, int(np.floor(self.slope * log2(prod(size)) + self.offset + 0.5)))


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
            name = fit_name({"size": _text(size), "depth": depth, "seed": seed})
            model = fit_once(method, at_size, out / "fits" / name, chosen, run=run)
            rows.append(_measured(model, size, depth, seed))
    rules = {size: int(module.depths(config, (opened.shape[0], *size))[0]) for size in asked}
    points = _points(rows, rules)
    line = _refitted(points)
    notes = [*_upsampled(asked, opened.shape[1:]), *_notes(points, rules, line, restarts)]
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
    return _written(out, rows, points, rules, line, notes, record, len(held))


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


def _points(rows: Sequence[Row], rules: Mapping[Size, int]) -> list[Row]:
    """One per size and depth: means over restarts, and which is best and which the rule's."""
    points: list[Row] = []
    for (height, width, depth), own in _grouped(rows, ("height", "width", "depth")).items():
        each = tuple(float(row["val_loss"]) for row in own)
        point: Row = {"height": height, "width": width, "depth": depth, "restarts": len(own)}
        point |= {"value": float(np.mean(each)), "low": min(each), "high": max(each), "each": each}
        point["per_pixel"] = point["value"] / (height * width)
        for name in dict.fromkeys(name for row in own for name in row):
            if name in ("val_kl", "val_reconstruction", "active_units", "parameters"):
                point[name] = float(np.mean([row[name] for row in own]))
        point["collapsed"] = sum(bool(row.get("collapsed")) for row in own)
        point["lost"] = tuple(bool(row.get("collapsed")) for row in own)
        point["rule"] = depth == rules[height, width]
        points.append(point)
    for own in _grouped(points, ("height", "width")).values():
        # Most fits of a depth that is chosen must tell images apart, however small the loss without that.
        kept = [point for point in own if point["collapsed"] <= point["restarts"] / 2] or own
        best = min(kept, key=lambda point: point["value"])
        for point in own:
            point["best"] = point is best
    return points


def _refitted(points: Sequence[Row]) -> Line | None:
    """The line through the best depths over the logarithm of the number of pixels; None of one size."""
    best = [point for point in points if point["best"]]
    pixels = np.array([log2(point["height"] * point["width"]) for point in best])
    if len(np.unique(pixels)) < 2:
        return None
    slope, offset = np.polyfit(pixels, [point["depth"] for point in best], 1)
    return Line(float(slope), float(offset))


def _upsampled(sizes: Sequence[Size], before: Size) -> list[str]:
    larger = [size for size in sizes if size[0] > before[0] or size[1] > before[1]]
    if not larger:
        return []
    return [
        f"{', '.join(map(_text, larger))}: the images have {_text(before)} pixels, so this is upsampling, which adds "
        "pixels but no detail; images taken at that size may want another depth."
    ]


def _notes(points: Sequence[Row], rules: Mapping[Size, int], line: Line | None, restarts: int) -> list[str]:
    notes = [_of_size(own, rules[size]) for size, own in _grouped(points, ("height", "width")).items()]
    if line is not None:
        taken = [
            f"{line.at(size)} at {_text(size)}{_behind(own, line.at(size))}"
            for size, own in _grouped(points, ("height", "width")).items()
        ]
        notes.append(
            f"Refitted to these sizes: {line}. It takes {', '.join(taken)}. A line through {len(taken)} sizes is a "
            "guide between them, and nothing beyond."
        )
    if restarts < 2:
        notes.append("One fit of each: what other seeds would change is not known; say --restarts 3.")
    return notes


def _behind(own: Sequence[Row], depth: int) -> str:
    """What a depth loses to the best one, in brackets."""
    found = next((point for point in own if point["depth"] == depth), None)
    if found is None:
        return " (not fitted)"
    if found["best"]:
        return " (the best)"
    return " (collapsed)" if found["collapsed"] > found["restarts"] / 2 else f" ({_lost(own, found)} worse)"


def _lost(own: Sequence[Row], point: Row) -> str:
    best = next(each for each in own if each["best"])
    more = point["value"] - best["value"]
    # A likelihood may be below 0, where shares mean nothing.
    return f"{100 * more / best['value']:.1f} %" if best["value"] > 0 else f"{more:.3g}"


def _of_size(own: Sequence[Row], rule: int) -> str:
    """What was found at one size, as sentences."""
    best = next(point for point in own if point["best"])
    said = f"{own[0]['height']} x {own[0]['width']} pixels: depth {best['depth']} is best, with a validation loss of "
    said += f"{best['value']:.4g}. "
    taken = next((point for point in own if point["rule"]), None)
    if taken is None:
        said += f"The rule takes {rule}, which was not fitted."
    elif taken is best:
        said += "The rule takes it."
    elif taken["value"] < best["value"]:
        said += f"The rule takes {rule}, whose loss of {taken['value']:.4g} is smaller, but it collapsed."
    else:
        sure = best["high"] < taken["low"]
        spread = "every restart is better" if sure else "less than restarts differ by"
        said += f"The rule takes {rule}, whose loss of {taken['value']:.4g} is {_lost(own, taken)} worse"
        said += f" ({spread})." if best["restarts"] > 1 else "."
    lost = [f"{p['depth']} (in {p['collapsed']} of {p['restarts']} fits)" for p in own if p["collapsed"]]
    if lost:
        said += f" Collapsed, so that every image got the same vector: depth {', '.join(lost)}."
    depths = [point["depth"] for point in own]
    if len(depths) > 1 and best["depth"] == max(depths):
        said += " It is the deepest that was fitted."
    return said


def _written(
    out: Path,
    rows: list[Row],
    points: list[Row],
    rules: Mapping[Size, int],
    line: Line | None,
    notes: list[str],
    record: dict[str, Any],
    images: int,
) -> Findings:
    from coverslip.figures import save_figure
    from coverslip.figures.depths import depth_figure
    from coverslip.study.page import write_study_page

    write_table(columns(rows), out / "table.csv")
    write_table(columns(points, leave_out=("each", "lost")), out / "summary.csv")
    figure = save_figure(depth_figure(points, rules, None if line is None else line.at), out / "depth.png")
    table = [_shown(point) for point in points]
    write_study_page(
        out,
        title=f"Depth of {record['method']}",
        notes=notes,
        facts=[counted(images, "image"), counted(len(rules), "size"), counted(len(rows), "fit")],
        figures={"Validation loss by depth": (figure.read_bytes(), _CAPTION)},
        tables={"Means over restarts, with the smallest and largest": table},
        provenance=record,
    )
    return Findings(points, notes, table)


_CAPTION = (
    "Dots are single fits, hollow where they collapsed; the line is their mean, with a ring at the best depth; the "
    "band marks the depth that the rule takes. Losses are sums over the pixels of one image, so they compare within a "
    "size, not between sizes."
)


def _shown(point: Row) -> Row:
    """A row of the table that is printed and stands in the page."""
    row: Row = {"size": _text((point["height"], point["width"])), "depth": point["depth"]}
    row["val loss"] = (point["value"], point["low"], point["high"])
    row["per pixel"] = point["per_pixel"]
    names = {"val_kl": "KL", "active_units": "active units", "parameters": "parameters"}
    row |= {title: point[name] for name, title in names.items() if name in point}
    if "parameters" in row:
        row["parameters"] = int(row["parameters"])
    row["collapsed"] = f"{point['collapsed']} of {point['restarts']}" if point["collapsed"] else ""
    row["note"] = ", ".join(word for word in ("best", "rule") if point[word])
    return row


def _grouped(rows: Sequence[Row], keys: Sequence[str]) -> dict[tuple[Any, ...], list[Row]]:
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[key] for key in keys), []).append(row)
    return found


def _text(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
