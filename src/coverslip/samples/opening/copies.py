"""The same image twice, told by its pixels and not by its name: a copy in training makes held-out results flatter."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from coverslip.core import Fields, Region, Samples
from coverslip.io.paths import PARTS, part_of
from coverslip.samples.sheets.splits import given_split, group_names, usual_groups

_SIDE = 64
"""Of a field, so many pixels from its middle, each way, are looked at first."""

_LARGE = 1 << 26
"""Fields of more pixels with one middle are taken for copies: reading all of them would take long."""

_AT_ONCE = 256


def copies(samples: Samples | Fields) -> list[list[int]]:
    """Rows of images with the same pixels, those of each image together; constant images are not compared.

    Parameters
    ----------
    samples : Samples or Fields
        Samples are read whole; of fields the middles, and whole those that share theirs with another.

    Returns
    -------
    list of list of int
        Two rows or more each, ascending.
    """
    if isinstance(samples, Samples):
        parts = (range(start, min(start + _AT_ONCE, len(samples))) for start in range(0, len(samples), _AT_ONCE))
        return _alike((row, image) for rows in parts for row, image in zip(rows, samples.read(list(rows)), strict=True))
    found = []
    for rows in _alike((i, _middle(samples, i)) for i in range(len(samples))):
        height, width = samples.size(rows[0])
        found += [rows] if height * width > _LARGE else _alike((i, samples.pixels(i)) for i in rows)
    return found


def copies_told(samples: Any, grouped: np.ndarray | None = None, *, label: str | None = None) -> list[str]:
    """A sentence where samples hold an image twice, by name; none where they don't, or are no images.

    A second one where copies are of two classes.

    Parameters
    ----------
    samples : Samples or Fields
        Opened; with a column ``split``, copies in two parts are told as what they are, a leak.
    grouped : ndarray, shape (N,), optional
        Groups that are never divided: copies in one group are no leak. Default: those of the usual columns.
    label : str, optional
        Column that holds the classes, where it may be there.
    """
    if not isinstance(samples, Samples | Fields):
        return []
    found = copies(samples)
    if not found:
        return []
    return [*_of_two_classes(samples, found, label), _twice(samples, found, grouped)]


def _twice(samples: Samples | Fields, found: list[list[int]], grouped: np.ndarray | None) -> str:
    obs = samples.obs
    split = given_split(obs, len(samples))
    part = {int(row): name for name, rows in (split or {}).items() for row in rows}
    name = _namer(samples)
    divided = [rows for rows in found if len({part[row] for row in rows if row in part}) > 1]
    more = _more(divided or found)
    if divided:
        one = next(row for row in divided[0] if row in part)
        other = next(row for row in divided[0] if row in part and part[row] != part[one])
        return (
            f"{name(one)} ({part[one]}) and {name(other)} ({part[other]}) hold the same pixels{more}: the column "
            "'split' has copies in two parts, so that results on held-out images flatter; leave one of each out."
        )
    by = "group" if "group" in obs and (np.asarray(obs["group"]).astype(str) != "").any() else usual_groups(obs)
    if grouped is None and by is not None:
        grouped = group_names(obs[by])
    names = [name(row) for row in found[0][:2]]
    told = f"{' and '.join(names)} hold the same pixels{more}"
    if names[0] == names[1]:
        told = f"{names[0]} is listed twice{more}"
    if split is not None or (grouped is not None and all(len(set(grouped[rows].tolist())) == 1 for rows in found)):
        return f"{told}; copies count as often as they are there, so leave one of each out."
    return (
        f"{told}: where one trains and the other is held out, results flatter; leave one of each out, or give copies "
        "one group (a column 'group')."
    )


def _of_two_classes(samples: Samples | Fields, found: list[list[int]], label: str | None) -> list[str]:
    """What contradicts itself: one image, two classes."""
    if label is None or label not in samples.obs:
        return []
    name, classes = _namer(samples), np.asarray(samples.obs[label]).astype(str)
    labelled = [[row for row in rows if classes[row].strip()] for rows in found]
    odd = [rows for rows in labelled if len({classes[row] for row in rows}) > 1]
    if not odd:
        return []
    one = odd[0][0]
    other = next(row for row in odd[0] if classes[row] != classes[one])
    more = f" (one of {len(odd)} such images)" if len(odd) > 1 else ""
    return [
        f"{name(one)} is of the class '{classes[one]}' and {name(other)} '{classes[other]}', but both hold the same "
        f"pixels{more}; mend the one that is wrong, or delete it."
    ]


def _alike(images: Iterable[tuple[int, np.ndarray]]) -> list[list[int]]:
    rows: dict[tuple[bytes, tuple[int, ...]], list[int]] = defaultdict(list)
    for row, image in images:
        if (image != image.flat[0]).any():
            digest = hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()
            rows[digest, image.shape].append(row)
    return [found for found in rows.values() if len(found) > 1]


def _middle(fields: Fields, index: int) -> np.ndarray:
    height, width = fields.size(index)
    top, left = max(0, (height - _SIDE) // 2), max(0, (width - _SIDE) // 2)
    return fields.pixels(index, Region(top, left, min(_SIDE, height), min(_SIDE, width)))


def _namer(samples: Samples | Fields) -> Callable[[int], str]:
    obs = samples.obs

    def name(row: int) -> str:
        if "image" not in obs:
            return samples.name(row) if isinstance(samples, Fields) else f"sample {row}"
        return f"{obs['image'][row]} {part_of({key: str(obs[key][row]) for key in PARTS if key in obs})}".rstrip()

    return name


def _more(found: list[list[int]]) -> str:
    rest = sum(len(rows) - 1 for rows in found) - 1
    return f", and {rest} more {'is a copy of another' if rest == 1 else 'are copies of others'}" if rest else ""
