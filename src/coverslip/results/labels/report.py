"""A page of label images: outlines over the images, the worst first, and what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Image, InputError, track
from coverslip.core.words import number_of, word_for
from coverslip.figures.document import Page, save_figures
from coverslip.figures.overlays import CLASSES
from coverslip.models.folder import Model
from coverslip.results.labels.drawings import draw_image
from coverslip.results.labels.folder import LabelFolder
from coverslip.results.labels.judging import ODD, judge_by_looks, judge_by_truth, pairs_of, worst_first
from coverslip.results.labels.objects import objects_of
from coverslip.results.labels.options import Report
from coverslip.results.labels.page import Shot, write_label_page
from coverslip.results.labels.seen import doubts_noted
from coverslip.results.labels.summaries import (
    class_colours,
    figures_of,
    groups_of,
    image_columns,
    image_name,
    numbers_at_the_top,
    of_classes,
    resampled_groups,
    tables_of,
)

MOST_PICTURES = 48
"""More images than this, and only the worst and an even sample of the others are drawn."""

_WORST = 36

_DETAILS = 24
"""At most so many details of large images in all, and four of each."""

_STRETCHED = "Pictures are stretched each for itself, dim parts brightened."


def write_report(
    found: LabelFolder, page: Page, model: Model | None, images: str | Path | None, options: Report
) -> Path:
    """Make the page of label images; see `coverslip.write_report`."""
    things, said = page.things or "objects", page.notes
    said += doubts_noted(found.rows)
    table = objects_of(found, images, said)
    own = found.own_rows(table)
    groups = groups_of(found, options.group)
    pairs = pairs_of(found, options.truth, options.partial, said)
    evaluation = None
    if pairs:
        evaluation, judged = judge_by_truth(found, pairs, resampled_groups(found), images)
    else:
        judged = judge_by_looks(table, own)
    order = worst_first(judged, pairs, None if evaluation is None else evaluation.per_image["ap50"])
    columns = image_columns(found, table, own, judged, groups, pairs, evaluation)
    classes = {} if evaluation is not None else class_colours(table)
    shots: list[Shot] = []
    complaint = ""
    shown = chosen_images(order, MOST_PICTURES, _WORST)
    left = options.megapixels * 1e6
    for i in track(shown, "Drawing images"):
        image, why = _image(found, i, images)
        complaint = complaint or why
        name, note = image_name(found, i), _note(columns, i)
        drawn_classes = of_classes(table, own[i], classes) if classes else None
        shots += draw_image(found, i, image, judged[i], name, note, min(_DETAILS // len(shown), 4), drawn_classes, left)
        left = options.megapixels * 1e6 - sum(shot.tiles.pixels for shot in shots if shot.tiles is not None)
    coarse = sum(shot.coarse for shot in shots)
    if coarse:
        said.append(
            f"{coarse} of {number_of(len(shown), 'picture')} {word_for(coarse, 'has', 'have')} a lower resolution "
            f"than the image: the page holds {options.megapixels:g} million pixels for a closer look (--megapixels)."
        )
    if complaint:
        said.append(f"The images are not shown: {complaint}")
    drawn = page.figures | figures_of(table, own, judged, groups, evaluation, model, page.first_epoch, things)
    if page.figures_folder is not None:
        save_figures(drawn, page.figures_folder)
    return write_label_page(
        page.path,
        shots,
        columns,
        title=page.title or "Segmentation",
        notes=said,
        facts=numbers_at_the_top(found, table, evaluation, things),
        measured=evaluation is not None,
        ordered=_ordered(evaluation is not None),
        key=[(CLASSES[code], name) for name, code in classes.items()] or None,
        result=found.path.name,
        figures=drawn,
        tables=page.tables | tables_of(table, evaluation, things),
        card=model.card if model is not None else "",
        provenance=found.provenance,
    )


def chosen_images(order: np.ndarray, most: int, worst: int) -> list[int]:
    """The images that are drawn, in their order: all, or the `worst` first ones and an even sample of the others."""
    if len(order) <= most:
        return [int(i) for i in order]
    rest = np.linspace(worst, len(order) - 1, most - worst).round().astype(int)
    return [int(i) for i in order[np.r_[:worst, rest]]]


def _image(found: LabelFolder, index: int, images: str | Path | None) -> tuple[Image | None, str]:
    try:
        return found.image(index, images), ""
    except InputError as error:
        if images is not None:
            raise
        return None, str(error)


def _note(columns: Mapping[str, tuple[Any, str]], index: int) -> str:
    """What stands under a picture."""

    def of(name: str) -> Any:
        return columns[name][0][index]

    if "AP@0.5" not in columns or np.isnan(of("AP@0.5")):
        return f"{of('found')} found" + (f" · {of('odd')} odd" if "odd" in columns else "")
    return f"AP {of('AP@0.5'):.2f} · {of('right'):.0f} right, {of('false'):.0f} false, {of('missed'):.0f} missed"


def _ordered(measured: bool) -> str:
    """What the order of the pictures means."""
    if measured:
        return (
            "From the lowest AP at IoU 0.5 on: right / (right + false + missed). Right is an object that shares at "
            f"least half of the pixels it and a true one cover together. {_STRETCHED}"
        )
    return (
        f"No truth was given. Odd is an object whose size or solidity lies more than {ODD} robust standard deviations "
        "from the median of all; images without any object come first, then those with the largest share of odd ones. "
        + _STRETCHED
    )
