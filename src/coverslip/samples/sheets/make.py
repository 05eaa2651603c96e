"""Sheets from file names: a pattern says which part of a name is the well, the site, the channel."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from coverslip.core import InputError
from coverslip.core.words import number_of, word_for
from coverslip.io.images.axes import check_letters
from coverslip.io.paths import relative_path
from coverslip.samples.sheets.parts import divided
from coverslip.samples.sheets.sheet import SHEET_NAMES, Sheet, folder_sheet, images_in, names_one_image, undivided

_FIELD = re.compile(r"\{(\w*)(?::(d))?\}|(\*\*/|\*)")

_SHARED = {"label", "group"}  # what many images have in common by its meaning


def make_sheet(
    folder: str | Path, pattern: str | None = None, *, axes: str | None = None, frames: str | None = None
) -> Sheet:
    r"""Make a sheet of the images in a folder, with columns taken from their names.

    Parameters
    ----------
    folder : str or Path
        Where the images are; with a pattern, in any depth.
    pattern : str, optional
        Either a template such as ``"{well}_s{site:d}_{channel}.tif"``: each ``{name}`` becomes a column and
        matches as little as it can without a ``/``, ``{name:d}`` matches digits only, ``{}`` and ``*`` match
        anything and are dropped. Or a regular expression with named groups such as
        ``r"(?P<well>[A-H]\d+)_.*\.tif"``. It must match the whole name; one that holds a ``/`` is compared with
        the path below `folder`, any other with the file name. Without a pattern the folder is read as
        `read_sheet` reads one.
    axes : str, optional
        Axes of the images, such as ``"ZYX"``, for the column ``axes``.
    frames : str, optional
        ``"all"`` or ``"every=5"``: a row for each frame of a movie, or for every fifth.

    Returns
    -------
    Sheet
        With paths relative to `folder`, in natural order, and masks in a column ``mask``, also those beside their
        images; `Sheet.notes` says which files were left out, did not match, or cannot be told apart by their fields.

    Raises
    ------
    InputError
        If there are no images, none matches, or the pattern or the axes cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the folder that holds the images.")
    if pattern is not None:
        sheet = _matched(folder, pattern)
    elif names_one_image(folder) or any((folder / name).is_file() for name in SHEET_NAMES):
        sheet = undivided(folder)
    else:
        sheet = folder_sheet(folder, beside=True)
    if axes is not None:
        check_letters(axes)
        sheet = sheet.with_column("axes", [axes] * len(sheet))
    return divided(sheet, frames=frames)


def _matched(folder: Path, pattern: str) -> Sheet:
    matcher = compile_pattern(pattern)
    whole = "/" in pattern
    pairs = images_in(folder, beside=True)
    images, with_masks = pairs.images, bool(pairs.masks)
    rows, missed = [], []
    for file in images:
        name = relative_path(file, folder)
        found = matcher.fullmatch(name if whole else file.name)
        if found is None:
            missed.append(name)
        else:
            mask = pairs.masks.get(file)
            own = {"mask": relative_path(mask, folder) if mask else ""} if with_masks else {}
            rows.append({"image": name, **own, **{key: value or "" for key, value in found.groupdict().items()}})
    if not rows:
        raise InputError(
            f"None of the {len(images)} images in {folder} matches '{pattern}' (the first is '{missed[0]}'); "
            "change the pattern."
        )
    fields = tuple(matcher.groupindex)
    columns = dict.fromkeys(("image", *["mask"] * with_masks, *fields))
    return Sheet(folder, tuple(columns), rows, notes=(*pairs.notes, *_notes(rows, fields, missed, len(images))))


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """The regular expression of a pattern; see `make_sheet`.

    Raises
    ------
    InputError
        If it names a column twice, names ``image``, or is not a regular expression.
    """
    text = pattern if "(?P<" in pattern else _template(pattern)
    try:
        matcher = re.compile(text)
    except re.error as error:
        raise InputError(f"The pattern '{pattern}' cannot be read: {error}; mend it at that place.") from None
    if "image" in matcher.groupindex:
        raise InputError(f"The pattern '{pattern}' names a field 'image', which holds the path; call it otherwise.")
    return matcher


def _template(pattern: str) -> str:
    parts, end = [], 0
    for field in _FIELD.finditer(pattern):
        parts.append(re.escape(pattern[end : field.start()]))
        name, digits, star = field.groups()
        if star == "**/":
            parts.append("(?:.*/)?")
        elif star or not name:
            parts.append("[^/]*?")
        else:
            parts.append(f"(?P<{name}>{r'[0-9]+' if digits else '[^/]+?'})")
        end = field.end()
    return "".join([*parts, re.escape(pattern[end:])])


def _notes(rows: list[dict[str, str]], fields: tuple[str, ...], missed: list[str], total: int) -> list[str]:
    notes = []
    if missed:
        shown = ", ".join(missed[:3]) + (", …" if len(missed) > 3 else "")
        notes.append(f"Left out {len(missed)} of {total} images that do not match the pattern: {shown}.")
    if _SHARED.intersection(fields):
        return notes
    counts = Counter(tuple(row[name] for name in fields) for row in rows)
    alike = {key for key, count in counts.items() if count > 1}
    if fields and alike and len(alike) < len(counts):
        first = [row["image"] for row in rows if tuple(row[name] for name in fields) == min(alike)][:2]
        notes.append(
            f"{number_of(len(alike), 'combination')} of {', '.join(fields)} {word_for(len(alike), 'stands', 'stand')} "
            f"for more than one image, as in {' and '.join(first)}; is one a copy?"
        )
    return notes
