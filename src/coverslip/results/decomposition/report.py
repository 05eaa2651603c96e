"""A page of decompositions: each image replayed, the worst first, what is left of it, and what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from coverslip.core import Decomposition, InputError, track
from coverslip.core.words import number_of
from coverslip.figures.document import Page, save_figures
from coverslip.io.images.opening import open_image
from coverslip.measure.objects.unexplained import unexplained_regions
from coverslip.models.folder import Model
from coverslip.results.decomposition.folder import read_decomposition, read_layers
from coverslip.results.decomposition.options import Report
from coverslip.results.decomposition.page import write_decomposition_page
from coverslip.results.decomposition.replays import Replay, draw_replay
from coverslip.results.labels.folder import LabelFolder
from coverslip.results.labels.judging import Judged, judge_by_looks, judge_by_truth, pairs_of, worst_first
from coverslip.results.labels.objects import Table, objects_of
from coverslip.results.labels.report import chosen_images
from coverslip.results.labels.seen import doubts_noted
from coverslip.results.labels.summaries import (
    Columns,
    figures_of,
    groups_of,
    image_columns,
    image_name,
    numbers_at_the_top,
    resampled_groups,
    tables_of,
)

MOST_REPLAYS = 24
"""More images than this, and only the worst and an even sample of the others can be replayed."""

_WORST = 18


@dataclass(frozen=True)
class Explained:
    """How well one image is explained.

    Parameters
    ----------
    share : float
        Of the loss there was before the first round, what is gone; NaN where there was nothing to explain.
    loss : float
        What is left of it: mean absolute error, grey values.
    rounds, objects, overlapping : int
        How many rounds, objects, and objects that share pixels with another.
    regions : mapping of str to ndarray
        Unexplained regions; see `coverslip.measure.unexplained_regions`.
    """

    share: float
    loss: float
    rounds: int
    objects: int
    overlapping: int
    regions: Mapping[str, np.ndarray]


def write_report(
    found: LabelFolder, page: Page, model: Model | None, images: str | Path | None, options: Report
) -> Path:
    """Make the page of decompositions; see `coverslip.write_report`."""
    things, said = page.things or "objects", page.notes
    said += doubts_noted(found.rows)
    table = _with_diameters(objects_of(found, images, said, read_layers))
    own = found.own_rows(table)
    groups = groups_of(found, options.group)
    pairs = pairs_of(found, options.truth, options.partial, said)
    explained = [how_explained(*read_explained(found, i)) for i in track(range(len(found)), "Looking for what is left")]
    evaluation = None
    if pairs:
        evaluation, judged = judge_by_truth(found, pairs, resampled_groups(found), images)
        order = worst_first(judged, pairs, evaluation.per_image["ap50"])
    else:
        judged = judge_by_looks(table, own)
        order = np.argsort([one.share for one in explained], kind="stable")
    columns = _columns(image_columns(found, table, own, judged, groups, pairs, evaluation), explained)
    drawn = page.figures | figures_of(table, own, judged, groups, evaluation, model, page.first_epoch, things)
    replays = [
        _replay(found, i, explained[i], judged[i], columns)
        for i in track(chosen_images(order, MOST_REPLAYS, _WORST), "Packing images")
    ]
    if page.figures_folder is not None:
        save_figures(drawn, page.figures_folder)
    return write_decomposition_page(
        page.path,
        replays,
        columns,
        title=page.title or "Decomposition",
        notes=said,
        facts=_facts(numbers_at_the_top(found, table, evaluation, things), explained),
        ordered="From the lowest AP at IoU 0.5 on." if pairs else "The least explained first.",
        figures=drawn,
        tables=page.tables | tables_of(table, evaluation, things),
        card=model.card if model is not None else "",
        provenance=found.provenance,
    )


def read_explained(found: LabelFolder, index: int) -> tuple[Decomposition, np.ndarray]:
    """The decomposition of an image, and what it leaves of it: ``(H, W)`` float32 grey values.

    Raises
    ------
    InputError
        Naming the row, if a file is missing or of another size than its labels.
    """
    result = read_decomposition(found, index)
    file = found.file(index, "error")
    if file is None or not file.exists():
        what = f"there is no error image {file}" if file else "the column 'error' is empty"
        raise InputError(f"{found.where(index)}: {what}; copy the whole folder again from its source.")
    error = open_image(file).read()
    if error.shape != result.labels.shape:
        sizes = [" x ".join(map(str, shape)) for shape in (error.shape, result.labels.shape)]
        raise InputError(
            f"{file} is {sizes[0]} pixels, but its labels are {sizes[1]}; files of one image belong together: copy "
            "them again from their source."
        )
    return result, error.astype(np.float32, copy=False)


def how_explained(result: Decomposition, error: np.ndarray) -> Explained:
    """How well an image is explained by its objects, and what is not.

    Parameters
    ----------
    result : Decomposition
    error : ndarray, shape (H, W)
        Image minus explanation.
    """
    rounds = len(result.rounds["loss"])
    covered = np.zeros(error.shape, np.uint16)
    places = result.places()
    for place, mask in zip(places, result.masks, strict=True):
        covered[place] += mask
    overlapping = sum(bool((covered[place][mask] > 1).any()) for place, mask in zip(places, result.masks, strict=True))
    regions = unexplained_regions(error, result.internal - result.background)
    # What was lost on the background alone is noise, and no share of it is to be explained.
    nothing = not len(result) and not len(regions["sum"])
    return Explained(
        share=np.nan if nothing else float(result.rounds["explained"][-1]) if rounds else 0.0,
        loss=float(np.abs(error, dtype=np.float64).mean()),
        rounds=rounds,
        objects=len(result),
        overlapping=overlapping,
        regions=regions,
    )


def _with_diameters(table: Table) -> Table:
    """The table of objects; where nothing was measured of them, their sizes follow from their areas."""
    if "equivalent_diameter_px" in table:
        return table
    return {**table, "equivalent_diameter_px": np.sqrt(4 / np.pi * np.asarray(table["area_px"], float))}


def _columns(columns: Columns, explained: Sequence[Explained]) -> Columns:
    """The table of images: what the objects explain beside what label images have."""
    added: Columns = {
        "explained, %": (np.array([100 * one.share for one in explained]).round(2), "share of the first loss"),
        "loss": (np.array([one.loss for one in explained]), "mean absolute error that is left, grey values"),
        "rounds": (np.array([one.rounds for one in explained]), "rounds of proposals, over all passes"),
        "objects": (np.array([one.objects for one in explained]), "objects accepted, those wholly covered too"),
        "overlapping": (np.array([one.overlapping for one in explained]), "objects that share pixels with another"),
        "regions left": (
            np.array([len(one.regions["sum"]) for one in explained]),
            "connected places brighter than what explains them, above the noise",
        ),
    }
    kept = {name: column for name, column in columns.items() if name not in ("found", "odd")}
    first = next(iter(kept))
    return {first: kept.pop(first), **added, **kept}


def _replay(found: LabelFolder, index: int, explained: Explained, judged: Judged, columns: Columns) -> Replay:
    count = number_of(explained.objects, "object")
    note = (
        f"{100 * explained.share:.1f} % explained · {count}" if np.isfinite(explained.share) else "nothing to explain"
    )
    if found.rows[index].get("light") == "absorbed":
        note += " · optical density"
    measured = judged.truth is not None
    if measured and np.isfinite(columns["AP@0.5"][0][index]):
        note += f" · AP {columns['AP@0.5'][0][index]:.2f}"
    return draw_replay(
        *read_explained(found, index),
        explained.regions,
        name=image_name(found, index),
        note=note,
        row=index,
        right=judged.right if measured else None,
    )


def _facts(facts: list[tuple[str, str, str]], explained: Sequence[Explained]) -> list[tuple[str, str, str]]:
    """The facts beside the title, with those of the decomposition after images and objects."""
    shares = 100 * np.array([one.share for one in explained if np.isfinite(one.share)])
    spread = f"{shares.min():.1f} – {shares.max():.1f} %" if len(shares) > 1 else ""
    overlapping = sum(one.overlapping for one in explained)
    rounds = [one.rounds for one in explained]
    added = [
        (f"{overlapping:,}", "of them overlap", ""),
        (f"{shares.mean():.1f} %" if len(shares) else "–", "explained", spread),
        (f"{np.median(rounds):g}", "rounds", f"{min(rounds)} – {max(rounds)}" if min(rounds) < max(rounds) else ""),
    ]
    return [*facts[:2], *added, *facts[2:]]
