"""A folder of images of spheroids as squares to learn from, with flags, features and pairs of days."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from coverslip.core import Embedding, InputError, provenance, track
from coverslip.core.words import number_of, word_for
from coverslip.samples.sheets.make import make_sheet
from coverslip.samples.sheets.rows import frame_of, open_cell
from coverslip.samples.sheets.sheet import Sheet, read_sheet
from coverslip.samples.spheroids.features import FEATURES, spheroid_features
from coverslip.samples.spheroids.finding import Found, find_spheroid, square
from coverslip.samples.spheroids.flags import blurred, flags_of
from coverslip.samples.spheroids.settings import SpheroidSettings
from coverslip.samples.spheroids.stack import Planes, three_planes
from coverslip.samples.spheroids.wells import at_edge, few, pairs, read_layout, well_name

VECTORS, REJECTED = "features.h5ad", "rejected.csv"

CHANGES = ("area", "light", "dark_core", "core_darkness", "debris_area", "roughness")
"""Features whose change from the first to the last day gets a column of its own."""


@dataclass(frozen=True)
class Prepared:
    """One image on its way.

    Parameters
    ----------
    name : str
        What it is called in notes: its row in a sheet, its name in a folder.
    whole : ndarray, shape (H, W)
        Its sharpest plane.
    found : Found
    corner : (int, int)
        Top and left of the square.
    side : int
        Of the square.
    flags : list of str
    """

    name: str
    whole: np.ndarray
    found: Found
    corner: tuple[int, int]
    side: int
    flags: list[str]


def prepare_spheroids(
    folder: str | Path,
    out: str | Path,
    settings: SpheroidSettings | None = None,
    *,
    pattern: str | None = None,
    layout: str | Path | None = None,
    overwrite: bool = False,
    watch: Callable[[Prepared], None] | None = None,
    also: Callable[[Sheet, Path], None] | None = None,
) -> Sheet:
    """Make images of spheroids ready for learning.

    Of each image the three sharpest planes are taken (fewer are repeated) and moved over each other; the spheroid is
    found in the sharpest; a square around it and its debris is cut out and made smaller. Grey values and their type
    stay as they are.

    Parameters
    ----------
    folder : str or Path
        Images of 1, 3 or 5 planes, mixed, or a sheet of them.
    out : str or Path
        Folder to write: ``<image>.tif`` (CYX, three planes), ``sheet.csv`` (usable images, with the columns of the
        names and of the layout, ``edge``, ``before`` (the image of the first day), and the features), ``rejected.csv``
        (the others, with their flags), ``features.h5ad`` (the features as vectors, for ``rank``) and
        ``provenance.json``.
    settings : SpheroidSettings, optional
    pattern : str, optional
        What parts of file names mean, as for `coverslip.samples.make_sheet`: ``"{plate}_{well}_day{day:d}.tif"``.
    layout : str or Path, optional
        Table of wells, see `read_layout`.
    overwrite : bool
        Replace a folder that was made so.
    watch : callable, optional
        Is given each image as it is found, for pictures.
    also : callable, optional
        ``also(sheet, folder)`` writes further files into the folder before it appears.

    Returns
    -------
    Sheet
        ``out/sheet.csv``; its notes say what was left out and what lacks something.

    Raises
    ------
    InputError
        If there are no images, a name is no well, or nothing usable is left.
    """
    from coverslip.io import atomic_folder, write_image_tiff, write_table
    from coverslip.io.h5ad import write_embedding
    from coverslip.samples.sheets.masks import refuse_other_things
    from coverslip.samples.sheets.sheet import write_rows

    settings = settings or SpheroidSettings()
    source = make_sheet(folder, pattern) if pattern else read_sheet(folder)
    out = Path(out)
    if overwrite:
        refuse_other_things(out, "prepared spheroids", (VECTORS,), own=source.sources())
    rows, notes = _with_layout(source, layout)
    opened = [frame_of(source, i, open_cell(source, i)) for i in range(len(source))]
    called = _called(source)
    notes += _mixed_types([str(image.dtype) for image in opened], called)
    shapes = [image.shape[-2:] for image in opened]
    side = settings.side or min(min(shape) for shape in shapes)
    longest = min(max(shape) for shape in shapes)
    if side > longest:
        raise InputError(f"A square of {side} pixels is larger than an image of {longest}; make it smaller.")
    measured: list[dict[str, float]] = []
    flags: list[list[str]] = []
    facts: list[dict[str, str]] = []
    widest = 0
    with atomic_folder(out, overwrite=overwrite) as temporary:
        names = _file_names(rows)
        for i in track(range(len(rows)), "Preparing spheroids"):
            planes = three_planes(_stack(opened[i].read(), opened[i].axes, str(opened[i].source)), opened[i].source)
            found, corner, crop = _cropped(planes, side, settings)
            whole = planes.pixels[planes.chosen.index(planes.sharpest)]
            flags.append(flags_of(found, whole, corner, side, settings))
            measured.append(spheroid_features(found, side))
            if found.spheroid.any():
                box = found.spheroid_box()
                widest = max(widest, box[2] - box[0], box[3] - box[1])
            facts.append(
                {
                    "planes": ",".join(str(z + 1) for z in planes.chosen),
                    "shift_px": f"{planes.shift:.2f}",
                    "sharpness": f"{planes.sharpness:.5g}",
                }
            )
            write_image_tiff(crop, temporary / names[i], axes="CYX", channels=("plane 1", "plane 2", "plane 3"))
            if watch is not None:
                watch(Prepared(called[i], whole, found, corner, side, flags[-1]))
        if side < widest <= longest:
            notes.append(
                f"A spheroid is {widest} pixels wide, more than the square of {side}: --set side={widest} holds it."
            )
        days = [row.get("day", "") for row in rows]
        soft = blurred(np.array([float(fact["sharpness"]) for fact in facts]), days, settings)
        for i in np.flatnonzero(soft).tolist():
            if "empty" not in flags[i]:
                flags[i].append("out_of_focus")
        usable = [i for i, own in enumerate(flags) if not own]
        if not usable:
            raise InputError(
                f"None of the {len(rows)} images is usable ({_counted(flags)}); look at one, and change the settings."
            )
        places = [(row.get("plate", ""), row.get("well", "")) for row in rows]
        before, said = pairs([places[i] for i in usable], [days[i] for i in usable], [called[i] for i in usable])
        notes += said
        table = []
        for place, i in enumerate(usable):
            partner = usable[before[place]] if before[place] >= 0 else None
            own = {name: f"{value:.6g}" for name, value in measured[i].items()}
            changes = {f"change_{name}": "" for name in CHANGES}
            if partner is not None:
                changes = {f"change_{n}": f"{measured[i][n] - measured[partner][n]:.6g}" for n in CHANGES}
            pair = {"before": "" if partner is None else names[partner]}
            table.append({**rows[i], "image": names[i], **pair, **facts[i], **own, **changes})
        left = [{**rows[i], "flags": " ".join(said), **facts[i]} for i, said in enumerate(flags) if said]
        for name, said in zip(names, flags, strict=True):
            if said:
                (temporary / name).unlink()
        if left:
            were = word_for(len(left), "was", "were")
            notes.append(
                f"{len(left)} of {len(rows)} images {were} left out ({_counted(flags)}); see {out / REJECTED}."
            )
            write_table(
                {key: np.array([row.get(key, "") for row in left], object) for key in left[0]}, temporary / REJECTED
            )
        sheet = Sheet(temporary, tuple(table[0]), table, notes=(*source.notes, *notes))
        write_rows(sheet, temporary / "sheet.csv", temporary)
        made = provenance(
            made_by="coverslip samples spheroids", inputs=source.origin, settings=settings.model_dump(mode="json")
        )
        (temporary / "provenance.json").write_text(json.dumps(made, indent=2, default=str) + "\n", encoding="utf-8")
        write_embedding(_vectors([measured[i] for i in usable], table, out), temporary / VECTORS)
        if also is not None:
            also(sheet, temporary)
    found_sheet = read_sheet(out)
    return Sheet(found_sheet.folder, found_sheet.columns, found_sheet.rows, found_sheet.path, notes=sheet.notes)


def _with_layout(source: Sheet, layout: str | Path | None) -> tuple[list[dict[str, str]], list[str]]:
    """The rows of the sheet, each with what the layout says of its well."""
    rows = [dict(row) for row in source.rows]
    notes: list[str] = []
    if not source.has("well"):
        if layout is not None:
            raise InputError("A layout says what was done to each well; say what file names mean with --pattern.")
        return rows, notes
    for i, row in enumerate(rows):
        try:
            row["well"] = well_name(row["well"])
        except InputError as error:
            raise InputError(f"{source.where(i)}: {error}") from None
    for row, edge in zip(rows, at_edge([row["well"] for row in rows]), strict=True):
        row["edge"] = "yes" if edge else "no"
    if layout is None:
        return rows, notes
    wells = read_layout(layout)
    columns = dict.fromkeys(name for facts in wells.values() for name in facts)
    if twice := [name for name in columns if source.has(name)]:
        raise InputError(
            f"{layout} has a column '{twice[0]}', which the images have of their own; rename it, or leave it out."
        )
    unknown = []
    for i, row in enumerate(rows):
        facts = wells.get((row.get("plate", ""), row["well"]), wells.get(("", row["well"])))
        unknown += [i] if facts is None else []
        row.update({name: (facts or {}).get(name, "") for name in columns})
    if unknown:
        places = dict.fromkeys(" ".join(filter(None, (rows[i].get("plate"), rows[i]["well"]))) for i in unknown)
        notes.append(
            f"{number_of(len(unknown), 'image lies', 'images lie')} in wells that {layout} does not list "
            f"({few(list(places))}), and no treatment is known."
        )
    return rows, notes


def _mixed_types(types: list[str], called: list[str]) -> list[str]:
    counts = Counter(types)
    if len(counts) < 2:
        return []
    usual = counts.most_common(1)[0][0]
    odd = [i for i, name in enumerate(types) if name != usual]
    return [
        f"{number_of(len(odd), 'image is', 'images are')} not {usual} as the others: "
        f"{few([called[i] for i in odd])}; grey values of another range do not compare, so learn from them apart."
    ]


def _called(source: Sheet) -> list[str]:
    """What images are called in notes: their row in a sheet, their name in a folder."""
    if source.path is not None:
        return [f"row {number}" for number in source.numbers]
    return [Path(row["image"]).name for row in source.rows]


def _stack(pixels: np.ndarray, axes: str, source: str) -> np.ndarray:
    """Planes first: of axes YX, ZYX or, for stacks whose file does not say Z, CYX."""
    if axes not in ("YX", "ZYX", "CYX"):
        raise InputError(f"{source}: a brightfield image has axes YX or ZYX, not '{axes}'; take one channel and time.")
    return pixels


def _cropped(planes: Planes, side: int, settings: SpheroidSettings) -> tuple[Found, tuple[int, int], np.ndarray]:
    found = find_spheroid(planes.pixels[planes.chosen.index(planes.sharpest)], settings.bright)
    top, left = square(found, side)
    height, width = planes.pixels.shape[1:]
    inside = planes.pixels[:, max(top, 0) : top + side, max(left, 0) : left + side]
    missing = [(max(-start, 0), max(start + side - n, 0)) for start, n in ((top, height), (left, width))]
    crop = np.pad(inside, [(0, 0), *missing], mode="edge") if any(map(any, missing)) else inside
    return found, (top, left), _resized(crop, settings.size)


def _resized(crop: np.ndarray, size: int) -> np.ndarray:
    from skimage.transform import resize

    smaller = resize(
        crop.astype(np.float32),
        (len(crop), size, size),
        order=1,
        anti_aliasing=crop.shape[1] > size,
        preserve_range=True,
    )
    if crop.dtype.kind == "f":
        return np.asarray(smaller, crop.dtype)
    limits = np.iinfo(crop.dtype)
    return np.clip(np.round(smaller), limits.min, limits.max).astype(crop.dtype)


def _file_names(rows: list[dict[str, str]]) -> list[str]:
    from coverslip.io.paths import distinct_stems

    stems = [Path(row["image"]).name.split(".")[0] for row in rows]
    return [f"{stem}.tif" for stem in distinct_stems(stems, range(2, len(rows) + 2))]


def _counted(flags: list[list[str]]) -> str:
    return ", ".join(f"{name} {n}" for name, n in Counter(flag for own in flags for flag in own).most_common())


def _vectors(measured: list[dict[str, float]], table: list[dict[str, str]], out: Path) -> Embedding:
    """The features as an embedding, with the columns of the sheet."""
    vectors = np.array([[row[name] for name in FEATURES] for row in measured], dtype=np.float32)
    columns = {}
    for name in table[0]:
        texts = [row.get(name, "") for row in table]
        number = name in FEATURES or name.startswith("change_") or name in ("sharpness", "shift_px")
        columns[name] = np.array([float(t) if t else np.nan for t in texts]) if number else np.array(texts, object)
    record = provenance(
        kind="embedding",
        model={"method": "human-readable features", "names": list(FEATURES)},
        inputs={"folder": str(out.resolve()), "n": len(table)},
    )
    return Embedding.from_arrays(vectors, columns, provenance=record)
