"""Whether something that should not count tells the classes: borders, sizes, colours, files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Image, InputError, provenance, track
from coverslip.io import write_table
from coverslip.io.atomic import refuse_existing
from coverslip.measure import linear_probe
from coverslip.samples import Sheet, read_sheet
from coverslip.samples.opening.planes import Planes
from coverslip.samples.sheets.rows import check_finite, frame_of, open_cell
from coverslip.samples.sheets.splits import group_codes, usual_groups
from coverslip.study.findings import Findings, columns

WHOLE = "whole image"
"""What is not a shortcut, for comparison."""

_SIDE = 16
_RIM = 0.06
"""Width of the border, as a share of the shorter side; at least a pixel."""

_SURE = 0.05
"""So much above chance the lower end of the interval must lie to be warned of."""


def shortcuts(
    samples: str | Path | Sheet,
    out: str | Path,
    *,
    label: str = "label",
    group: str | None = None,
    planes: str | int = "channels",
    seed: int = 0,
) -> Findings:
    """Score what should not tell classes with a linear probe, cross-validated as classifiers are.

    Parameters
    ----------
    samples : str, Path or Sheet
        Images with a column of classes; they may differ in size.
    out : str or Path
        Folder for ``summary.csv``, ``report.html`` and ``provenance.json``.
    label : str
        Column of classes; rows without one are left out.
    group : str, optional
        Column whose groups are never divided; default: the usual ones, where there are some.
    planes : str or int
        What becomes of focal planes.
    seed : int
        Decides the folds.

    Returns
    -------
    Findings
        Balanced accuracy by shortcut; the notes warn of those that tell the classes.

    Raises
    ------
    InputError
        If there is no such column, or an image cannot be read.
    """
    sheet = samples if isinstance(samples, Sheet) else read_sheet(samples)
    out = Path(out)
    refuse_existing(out / "summary.csv", force=True)
    if label in sheet.columns and not sheet.has(label):
        raise InputError(f"{sheet.name}: the column '{label}' is empty; fill in the classes of some images.")
    if label not in sheet.columns:
        raise InputError(f"{sheet.name} has no column '{label}'; the columns are: {', '.join(sheet.columns)}.")
    rows = [i for i, text in enumerate(sheet.column(label)) if text]
    labels = np.array([sheet.column(label)[i] for i in rows])
    obs = {name: np.array([sheet.rows[i].get(name, "") for i in rows]) for name in sheet.columns}
    by = group or usual_groups(obs)
    if by is not None and by not in obs:
        raise InputError(f"{sheet.name} has no column '{by}' to group by; the columns are: {', '.join(sheet.columns)}.")
    files = list(sheet.files("image"))
    looks = [_looks(sheet, i, Planes.parse(planes), files[i]) for i in track(rows, "Looking for shortcuts")]
    odd = next((i for i, each in zip(rows, looks, strict=True) if len(each[WHOLE]) != len(looks[0][WHOLE])), None)
    if odd is not None:
        whose = files[odd] if sheet.path is None else f"{sheet.where(odd)}: {files[odd]}"
        raise InputError(
            f"{whose} has other channels than the first image; colours and borders compare only where all have the "
            "same."
        )
    found = []
    chance = 1 / len(set(labels))
    for name, meaning in SHORTCUTS.items():
        features = np.array([each[name] for each in looks])
        features = features[:, features.std(axis=0) > 1e-9]
        if not features.shape[1]:
            found.append(
                {"what": name, "value": chance, "low": chance, "high": chance, "meaning": f"{meaning}; all alike"}
            )
            continue
        value = linear_probe(features, labels, groups=group_codes(obs[by]) if by else None, seed=seed).balanced_accuracy
        found.append({"what": name, "value": value.value, "low": value.low, "high": value.high, "meaning": meaning})
    notes = _notes(found, chance, by)
    write_table(columns(found), out / "summary.csv")
    record = provenance(study="shortcut", inputs=sheet.origin, label=label, group=by, seed=seed)
    table = [
        {"what": f["what"], "balanced accuracy": (f["value"], f["low"], f["high"]), "what it looks at": f["meaning"]}
        for f in found
    ]
    _page(out, sheet, table, notes, chance, len(rows), record)
    return Findings(found, notes, table)


SHORTCUTS = {
    WHOLE: f"all of the image, averaged down to {_SIDE} x {_SIDE}: no shortcut, for comparison",
    "blanked centre": "the same without the inner half of its height and width",
    "border": "mean and deviation along each side, of each channel",
    "mean colour": "mean and deviation of each channel, wherever it is",
    "size": "height and width of the image, and of what differs from its corners (padded canvases)",
    "file": "bytes of the file, and how far they are compressed",
}
"""What is looked at, and in words."""


def _looks(sheet: Sheet, row: int, planes: Planes, file: Path) -> dict[str, np.ndarray]:
    """The numbers of an image that each shortcut is judged by."""
    image = frame_of(sheet, row, open_cell(sheet, row, "image"))
    stored = planes.read(image)
    check_finite(stored, image.source)
    pixels = stored.astype(np.float32)
    small = _shrunk(pixels)
    blank = small.copy()
    quarter = _SIDE // 4
    blank[:, quarter:-quarter, quarter:-quarter] = 0
    return {
        WHOLE: small.ravel(),
        "blanked centre": blank.ravel(),
        "border": _of_parts(_sides(pixels)),
        "mean colour": _of_parts([pixels.reshape(len(pixels), -1)]),
        "size": _extent(pixels),
        "file": _of_file(file, image, pixels),
    }


def _of_parts(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Mean and deviation of each channel of each part ``(C, n)``."""
    return np.concatenate([np.r_[part.mean(axis=1), part.std(axis=1)] for part in parts])


def _sides(pixels: np.ndarray) -> list[np.ndarray]:
    rim = max(1, round(_RIM * min(pixels.shape[1:])))
    sides = (pixels[:, :rim], pixels[:, -rim:], pixels[:, :, :rim], pixels[:, :, -rim:])
    return [side.reshape(len(pixels), -1) for side in sides]


def _shrunk(pixels: np.ndarray) -> np.ndarray:
    from coverslip.figures.thumbnails import resize

    return resize(pixels[:, :, :, None], _SIDE, _SIDE)[..., 0]


def _extent(pixels: np.ndarray) -> np.ndarray:
    """Height and width, of the image and of what differs from the median of its corners by over 4 % of its range."""
    corners = np.median(pixels[:, [0, 0, -1, -1], [0, -1, 0, -1]], axis=1)
    spread = np.ptp(pixels, axis=(1, 2)) + 1e-6
    other = (np.abs(pixels - corners[:, None, None]) > 0.04 * spread[:, None, None]).any(axis=0)
    rows, cols = np.flatnonzero(other.any(axis=1)), np.flatnonzero(other.any(axis=0))
    inside = (np.ptp(rows) + 1, np.ptp(cols) + 1) if len(rows) else (0, 0)
    return np.array([*pixels.shape[1:], *inside, other.sum()], np.float64)


def _of_file(file: Path, image: Image, pixels: np.ndarray) -> np.ndarray:
    size = file.stat().st_size
    whole = pixels.size * image.dtype.itemsize
    return np.array([np.log(size + 1), size / whole], np.float64)


def _notes(found: Sequence[dict[str, Any]], chance: float, by: str | None) -> list[str]:
    grouped = f", whole groups of the column '{by}' held out" if by else ""
    notes = [f"Linear probe, cross-validated{grouped}; by chance the balanced accuracy is {chance:.3f}."]
    warned = [f for f in found if f["what"] != WHOLE and f["low"] > chance + _SURE]
    for each in sorted(warned, key=lambda f: -f["value"]):
        notes.append(
            f"Careful: '{each['what']}' tells the classes with a balanced accuracy of {each['value']:.3f} "
            f"[{each['low']:.3f}, {each['high']:.3f}] ({each['meaning']}). "
            "A network can learn that instead of the cells."
        )
    if not warned:
        notes.append("None of the shortcuts tells the classes by more than chance.")
    return notes


def _page(
    out: Path, sheet: Sheet, table: list[dict[str, Any]], notes: list[str], chance: float, images: int, record: Any
) -> None:
    from coverslip.figures.classes import dots_figure
    from coverslip.study.page import write_study_page

    measure = "balanced accuracy"
    figure = dots_figure({row["what"]: {measure: row[measure]} for row in table}, {measure: chance})
    write_study_page(
        out,
        title="Shortcuts",
        notes=notes,
        facts=[(f"{images:,}", "images"), (f"{chance:.3f}", "by chance")],
        figures={"How well each tells the classes": (figure, "Dots with 95 % intervals; the dashed line is chance.")},
        tables={f"Balanced accuracy of a linear probe, {sheet.name}": table},
        provenance=record,
    )
