"""A page and pictures to check labels that were made from a stain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from coverslip.core import Image, track
from coverslip.core.words import counted, number_of
from coverslip.figures.overlay_files import overlay_png
from coverslip.figures.overlays import FALSE, RIGHT, Overlay, draw_overlay
from coverslip.figures.style import short
from coverslip.io.paths import part_of
from coverslip.results.labels.page import Shot, write_label_page
from coverslip.samples.stain.fields import Labelled
from coverslip.samples.stain.quality import FLAGS, StainFacts

PAGE = "check.html"
PICTURES = "overlays"

MOST_PICTURES = 48
"""More images than this, and only the worst and an even sample of the others are drawn."""

_WORST = 36
_SIDE = 1400

_COLUMNS = (
    ("objects", "nuclei found"),
    ("at_border", "nuclei that the border of the image cuts; they are kept"),
    ("foreground", "share of the pixels in nuclei"),
    ("diameter_px", "median diameter of discs of their areas, pixels"),
    ("diameter_um", "the same in micrometres"),
    ("snr", "how much brighter nuclei are than their surroundings, by the noise of the background"),
    ("unevenness", "how much the background varies, by the contrast of the nuclei"),
    ("saturated", "share of the nuclei's pixels at the highest value a camera gives"),
    ("touching", "share of the nuclei that touch another one"),
    ("clumps", "share of the foreground in objects of over four times the median area"),
    ("edge", "width of their edges, by diameter"),
    ("rule", "otsu: one threshold; local: one for each place"),
    ("threshold", "grey value above the background"),
)


def write_stain_page(folder: Path, made: Labelled) -> None:
    """Write ``check.html`` and ``overlays/*.png`` into a folder of labels made from stains.

    Give it to `coverslip.samples.label_from_stain` as `also`.

    Parameters
    ----------
    folder : Path
        Where the labels are.
    made : Labelled
        What they were made from, and what is known of them.
    """
    from coverslip.io import read_labels

    order = _worst_first(made.facts)
    (folder / PICTURES).mkdir()
    names = [_name(row) for row in made.rows]
    shots = []
    for i in track(_drawn(order), "Drawing images"):
        facts, file = made.facts[i], made.rows[i]["mask"]
        drawn = _overlays(made, i, read_labels(folder / file).labels)
        stem = file.removesuffix(".labels.tif")
        (folder / PICTURES / f"{stem}.png").write_bytes(overlay_png(list(drawn.values())))
        shots += [Shot(f"{names[i]} · {what}", _note(facts), i, overlay) for what, overlay in drawn.items()]
    columns = {"image": (np.array(names, object), "the field"), "flags": (_flags(made.facts), "see below")}
    for key, meant in _COLUMNS:
        values = np.array([getattr(facts, key) for facts in made.facts])
        if values.dtype.kind != "f" or np.isfinite(values).any():
            columns[key.replace("_px", ", px").replace("_um", ", µm").replace("_", " ")] = (values, meant)
    write_label_page(
        folder / PAGE,
        shots,
        columns,
        title="Labels made from a stain",
        notes=[
            "Look at the flagged images first. Leave out what is wrong by deleting its row in sheet.csv, or change a "
            "setting and make the labels again.",
        ],
        facts=_numbers(made.facts),
        odd="cut by the border",
        ordered="Images with the most flags come first, of those the ones with the weakest nuclei. Pictures are "
        "stretched each for itself, dim parts brightened.",
        tables={"Flags": _flag_rows(made.facts)},
        provenance=made.provenance,
    )


def _worst_first(facts: Sequence[StainFacts]) -> np.ndarray:
    flags = np.array([len(FLAGS) * ("empty" in one.flags) + len(one.flags) for one in facts])
    return np.lexsort((np.nan_to_num([one.snr for one in facts]), -flags))


def _drawn(order: np.ndarray) -> list[int]:
    """The images that get a picture, in their order: the worst, and an even sample of the others."""
    if len(order) <= MOST_PICTURES:
        return order.tolist()
    rest = np.linspace(_WORST, len(order) - 1, MOST_PICTURES - _WORST).round().astype(int)
    return order[np.r_[:_WORST, rest]].tolist()


def _overlays(made: Labelled, index: int, labels: np.ndarray) -> dict[str, Overlay]:
    """The outlines over the stain, and over the image that is to be learnt from."""
    rim = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    found = np.unique(labels)[1:] if (labels == 0).any() else np.unique(labels)
    kinds = {RIGHT: np.setdiff1d(found, rim), FALSE: np.intersect1d(found, rim)}
    stained = made.stained
    image = stained.image(index)
    shown = {"stain": Image.from_array(stained.pixels(index))}
    if stained.column != "image" or image.sizes.get("C", 1) > 1:
        shown["image"] = image
    return {what: draw_overlay(one, labels, kinds, side=_SIDE) for what, one in shown.items()}


def _name(row: dict[str, str]) -> str:
    name = row["image"].rsplit("/", 1)[-1]
    return ", ".join(filter(None, (name, part_of(row))))


def _note(facts: StainFacts) -> str:
    count = number_of(facts.objects, "nucleus", "nuclei")
    return f"{count} · {_words(facts.flags)}" if facts.flags else count


def _words(flags: Sequence[str]) -> str:
    return ", ".join(flag.replace("_", " ") for flag in flags)


def _flags(facts: Sequence[StainFacts]) -> np.ndarray:
    return np.array([_words(one.flags) for one in facts], object)


def _numbers(facts: Sequence[StainFacts]) -> list[tuple[str, str, str]]:
    """The numbers at the top of the page."""
    nuclei = sum(one.objects for one in facts)
    flagged = sum(bool(one.flags) for one in facts)
    numbers = [
        (*counted(len(facts), "image"), ""),
        (*counted(nuclei, "nucleus", "nuclei"), ""),
    ]
    for unit in ("um", "px"):
        widths = [value for one in facts if np.isfinite(value := getattr(one, f"diameter_{unit}"))]
        if widths:
            numbers.append((short(float(np.median(widths))), f"median diameter, {unit.replace('um', 'µm')}", ""))
            break
    return [*numbers, (str(flagged), "flagged", "")]


def _flag_rows(facts: Sequence[StainFacts]) -> list[dict[str, object]]:
    return [
        {"flag": flag.replace("_", " "), "images": sum(flag in one.flags for one in facts), "means": meant}
        for flag, meant in FLAGS.items()
    ]
