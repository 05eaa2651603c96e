"""A page of detections: images with what was found, what there is of each class, and, with a truth, what is right."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import UNNAMED, Detections, InputError
from coverslip.core.words import counted, number_of
from coverslip.figures import loss_curves
from coverslip.figures.classes import confusion_figure
from coverslip.figures.colours import category_colours
from coverslip.figures.detections import section_jpeg
from coverslip.figures.document import Page, save_figures, write_document
from coverslip.figures.sections import composition_figure, expression_figure
from coverslip.io.marks.writing import colours_of
from coverslip.measure.detections.against import against
from coverslip.measure.detections.agreement import staged
from coverslip.measure.detections.evaluate import ALL
from coverslip.measure.detections.markers import expression
from coverslip.measure.detections.places import composition, region_table
from coverslip.measure.detections.staging import BECAUSE, CHANCE, FAMILIAR, RATHER, SPEAKS
from coverslip.models.folder import Model
from coverslip.results.detections.evaluation import measured, told
from coverslip.results.detections.folder import DetectionFolder, palette
from coverslip.results.detections.marked import as_expected, odd_ones
from coverslip.results.detections.options import Report
from coverslip.results.detections.tables import marker_names
from coverslip.results.detections.truth import Judged, detections_of, judged

_SHOWN, _SIDE = 24, 1400
_ROWS = 60
"""Regions that the page lists, at most; the table in the folder has all."""
_SPOKE = (
    "Regions are staged by the cells in them. 'because' lists what spoke most for the class of a region rather than "
    "for the next likely one: types of cells of which there are none, few or many, or whose depth tells, the "
    "density of all, and the votes of the network; as log odds, of which 3 are 20 to 1."
)
_FIRST = ("region", "class", RATHER, BECAUSE, "score", FAMILIAR)
"""Of regions that cells staged, the columns that the page begins with."""
_AT_THE_TOP = ("mean AP50", "macro F1", "detection F1", "stage right, of staged")


def write_report(result: DetectionFolder, page: Page, model: Model | None, images: Any, options: Report) -> Path:
    """Make the page of detections; see `coverslip.write_report`."""
    page.notes.extend(result.notes())
    known = _known(result, page, options)
    tables: dict[str, Any] = {**page.tables}
    figures: dict[str, Any] = {**page.figures}
    rows: list[dict[str, Any]] = []
    classes = result.detections(0).classes
    if known is not None:
        rows, sums, notes = measured(known)
        page.notes.extend(notes)
        tables |= _by_class(rows)
        figures["What was called what"] = (
            confusion_figure(sums.confusion, [*classes, "none"]),
            "Rows are true classes, columns what they were called. The last row are detections of no true object, the "
            "last column true objects that were missed.",
        )
    totals = _totals(result)
    tables["Composition"] = totals
    for marker in marker_names(result.detections(0)):
        figures[f"Expression of {marker}"] = _expressed(result, marker)
    if options.profile is not None:
        tables["Markers as expected"] = expressed = as_expected(result.found, options.profile)
        page.notes.append(odd_ones(expressed))
    if options.against is not None:
        _beside(result, options.against, page, tables, figures)
    layered = [one for one in result.found if one.regions is not None]
    if layered:
        figures["Cells in regions"] = _spread(layered)
        tables["Regions"] = [row for i in range(len(result)) for row in _region_rows(result, i)][:_ROWS]
        if spoke := _spoke([one.regions for one in layered if one.regions is not None]):
            tables["What spoke for the classes of regions"] = spoke
            page.notes.append(_SPOKE)
    elif result.detections(0).outlines is not None:
        tables["Regions and their votes"] = [row for i in range(len(result)) for row in _votes(result, i)][:_ROWS]
    if model is not None and model.history:
        curves = loss_curves({model.method: model.history}, first_epoch=page.first_epoch)
        figures["Losses"] = (curves, model.implementation.CARD.losses)
    if page.figures_folder is not None:
        save_figures(figures, page.figures_folder)
    return write_document(
        page.path,
        Path(__file__).parent / "assets" / "detections.html",
        title=page.title or "Detections",
        notes=page.notes,
        facts=_facts(result, rows, page.things or "objects"),
        figures=figures,
        tables={**tables, **(model.tables if model else {})},
        card=model.card if model is not None else "",
        provenance=result.provenance,
        pictures=_pictures(result, images, page, known),
        explained=_explained(result, known),
    )


def _known(result: DetectionFolder, page: Page, options: Report) -> Judged | None:
    """The truth, where there is one; the page says why there is none, if one is named."""
    try:
        return judged(result, options.truth, split=None, partial=options.partial, bad=options.bad_boxes)
    except InputError as error:
        if options.truth is not None:
            raise
        if any(row.get("source_annotation") for row in result.rows):
            page.notes.append(f"Nothing is measured: {error}")
        return None


def _facts(result: DetectionFolder, rows: list[dict[str, Any]], things: str) -> list[tuple[str, ...]]:
    objects = sum(map(len, result.found))
    facts: list[tuple[str, ...]] = [
        (f"{objects:,}", things),
        counted(len(result), "image"),
    ]
    regions = sum(len(one.regions) for one in result.found if one.regions is not None)
    facts += [counted(regions, "region")] if regions else []
    for row in rows:
        if row["class"] == ALL and row["measure"] in _AT_THE_TOP and np.isfinite(row["value"]):
            interval = f"{row['low']:.3f} – {row['high']:.3f}" if np.isfinite(row["low"]) else ""
            facts.append((f"{row['value']:.3f}", row["measure"], interval))
    return facts


def _by_class(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """A table of the measures of all classes, and one with a row for each class."""
    whole = [{"measure": r["measure"], "value": (r["value"], r["low"], r["high"])} for r in rows if r["class"] == ALL]
    each: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["class"] != ALL:
            own = each.setdefault(row["class"], {"class": row["class"], "true objects": row["n"]})
            own[row["measure"]] = (row["value"], row["low"], row["high"])
    return {"All classes": whole, "Each class": list(each.values())}


def _totals(result: DetectionFolder) -> list[dict[str, Any]]:
    """Counts over all images: a row for each class of regions, with all cells at the end."""
    sums: dict[str, dict[str, float]] = {}
    classes = result.detections(0).classes
    for one in result.found:
        for row in composition(one):
            own = sums.setdefault(str(row["region"]), dict.fromkeys(classes, 0.0) | {"area": 0.0, "known": 1.0})
            own[str(row["class"])] += int(row["count"])
            if row["class"] == classes[0]:
                own["area"] += float(row.get("area_mm2", np.nan))
    rows = []
    for name, own in sums.items():
        total = int(sum(own[each] for each in classes))
        shown: dict[str, Any] = {
            "regions" if len(sums) > 1 else "where": name,
            **{each: int(own[each]) for each in classes},
        }
        shown["together"] = total
        if np.isfinite(own["area"]):
            shown |= {"area, mm²": own["area"], "per mm²": total / own["area"] if own["area"] else np.nan}
        rows.append(shown)
    return rows


def _beside(result: DetectionFolder, named: str, page: Page, tables: dict[str, Any], figures: dict[str, Any]) -> None:
    """What there is of each class here and in another result."""
    here, there, other = result.found, detections_of(named), Path(named).name
    rows = against(here, there)
    page.notes.extend(told(rows))
    classes, table = here[0].classes, []
    for place, name in dict.fromkeys((row["region"], row["class"]) for row in rows):
        own = {row["measure"]: row for row in rows if (row["region"], row["class"]) == (place, name)}
        headings = {"share": "share here", "share against": f"share in {other}", "difference": "difference"}
        shown = {text: tuple(own[key][part] for part in ("value", "low", "high")) for key, text in headings.items()}
        table.append({"regions": place, "class": name, **shown})
    tables[f"Against {other}"] = table
    counts = np.array(
        [[sum(int((one.names == name).sum()) for one in some) for name in classes] for some in (here, there)]
    )
    colours = colours_of(classes, category_colours(len(classes)))
    figure = composition_figure(counts, classes, [result.path.name, other], colours)
    figures[f"Beside {other}"] = (figure, "Shares of the classes here and there; above the bars the number of objects.")


def _spread(layered: list[Detections]) -> tuple[Any, str]:
    classes, regions = layered[0].classes, layered[0].regions
    assert regions is not None
    names = [*regions.classes, UNNAMED, "outside"]
    counts = np.zeros((len(names), len(classes)), int)
    for one in layered:
        for row in composition(one):
            if row["region"] in names:
                counts[names.index(str(row["region"])), classes.index(str(row["class"]))] += int(row["count"])
    shown = counts.sum(axis=1) > 0
    colours = colours_of(classes, category_colours(len(classes)))
    figure = composition_figure(counts[shown], classes, [n for n, s in zip(names, shown, strict=True) if s], colours)
    return figure, "Which cells lie in regions of each class; above the bars their number."


def _expressed(result: DetectionFolder, marker: str) -> tuple[Any, str]:
    """The percentage of positive cells over all images, by class and by the region they lie in."""
    classes, first = result.detections(0).classes, result.detections(0)
    names = [*(first.regions.classes if first.regions is not None else ()), "all"]
    sums = np.zeros((2, len(names), len(classes)))
    for one in result.found:
        for row in expression(one, marker):
            at = names.index(str(row["region"])), classes.index(str(row["class"]))
            sums[0][at] += row["positive"]
            sums[1][at] += row["cells"]
    percent = np.where(sums[1] > 0, 100 * sums[0] / np.maximum(sums[1], 1), np.nan)
    colours = dict(zip(names, category_colours(len(names)), strict=True))
    figure = expression_figure(percent, classes, names, colours, marker)
    return figure, "Positive: the mean is above the threshold, and 65 % of the pixels are above half of it."


def _region_rows(result: DetectionFolder, index: int) -> list[dict[str, Any]]:
    table = region_table(result.detections(index))
    if BECAUSE in table:  # the table in the folder has the parts that it sums up
        table = {name: column for name, column in table.items() if not name.startswith((SPEAKS, CHANCE, "vote_"))}
        kept = [text.replace(" ", "\N{NO-BREAK SPACE}") for text in table[BECAUSE].tolist()]
        table[BECAUSE] = np.array([text.replace(",\N{NO-BREAK SPACE}", ", ") for text in kept], object)
        table = {name: table[name] for name in dict.fromkeys([*_FIRST, *table])}
    count = len(next(iter(table.values()), ()))
    image = Path(result.rows[index]["image"]).name
    return [{"image": image, **{name: column[i] for name, column in table.items()}} for i in range(count)]


def _spoke(layers: list[Detections]) -> list[dict[str, Any]]:
    """Of regions that cells staged: how each type of cells spoke for their class, on average."""
    layers = [one for one in layers if BECAUSE in one.columns]
    if not layers:
        return []
    classes, names = layers[0].classes, np.concatenate([one.names for one in layers])
    speaks = {name: np.concatenate([one.columns[name] for one in layers]) for name in layers[0].columns}
    rows = []
    for name in (*classes, UNNAMED):
        own = names == name
        if own.any():
            means = {k.removeprefix(SPEAKS): float(v[own].mean()) for k, v in speaks.items() if k.startswith(SPEAKS)}
            rows.append({"class": name, "regions": int(own.sum()), **means})
    return rows


def _votes(result: DetectionFolder, index: int) -> list[dict[str, Any]]:
    """Of each region the class, and how the pieces that tiles saw of it voted."""
    found = result.detections(index)
    image = Path(result.rows[index]["image"]).name
    return [
        {"image": image, "region": i + 1, "class": found.names[i], **{n: c[i] for n, c in found.columns.items()}}
        for i in range(len(found))
    ]


def _pictures(result: DetectionFolder, images: Any, page: Page, known: Judged | None) -> list[dict[str, str]]:
    found = []
    for i in range(min(len(result), _SHOWN)):
        file = result.image(i)
        one = result.detections(i)
        try:
            image = result.opened(i, images)
        except InputError as error:
            page.notes.append(f"The images are not shown: {error}")
            return []
        picture = section_jpeg(image, one, palette(one), _SIDE, _wrong(one, i, known))
        uri = "data:image/jpeg;base64," + base64.b64encode(picture).decode("ascii")
        found.append({"uri": uri, "name": file.name, "note": number_of(len(one), "object")})
    if len(result) > _SHOWN:
        page.notes.append(f"Pictures are shown of the first {_SHOWN} of {len(result):,} images.")
    return found


def _wrong(found: Detections, index: int, known: Judged | None) -> np.ndarray | None:
    """Regions that the truth calls otherwise; they are outlined in red."""
    if known is None or found.outlines is None or index not in known.places:
        return None
    own = staged(found, known.true[known.places.index(index)], found.classes)
    wrong = np.zeros(len(found), bool)
    wrong[own.which] = own.found != own.true
    return wrong


def _explained(result: DetectionFolder, known: Judged | None) -> str:
    words = "Colours are those of the classes; press a picture to enlarge it."
    if known is not None and result.detections(0).outlines is not None:
        words += " Regions that the annotation calls otherwise have a red line."
    return words
