"""The colours of figures and pages, chosen to stay apart for colour-blind readers too."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Sequence

import numpy as np

from coverslip.core import InputError

CATEGORIES = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#832db6",
    "#a96b59",
    "#92dadd",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#94a4a2",
)
"""Colours of categories: the ten of Petroff (2021, arXiv:2107.02270) with the two greys last.
Any two differ by at least 11.5 (CIEDE2000), also under simulated protanopia, deuteranopia and tritanopia."""

OTHER = "#c3c9d1"
"""Categories beyond the palette."""

MISSING = "#e3e6ea"
"""No value."""

ACCENT = "#0b6e99"
"""The one colour of things that are neither a category nor a value."""

CONTINUOUS = "viridis"
"""The colour map of numbers: perceptually even, readable in grey."""

GREY = "#ffffff"
# The stains people expect to see in a colour, then safe ones in turn: magenta with green, and cyan, keep apart for
# readers who confuse red and green.
_STAINS = (
    (re.compile(r"dapi|hoechst|dna|nucle|draq|propidium", re.I), "#00d5ff"),
    (re.compile(r"gfp|fitc|488|green", re.I), "#35e04b"),
    (re.compile(r"rfp|mcherry|tritc|cy3|561|594|phalloidin|actin|red", re.I), "#ff3ea5"),
    (re.compile(r"cy5|647|far.?red|mito", re.I), "#ff9d1c"),
)
_FLUORESCENT = ("#ff3ea5", "#35e04b", "#00d5ff", "#ffb02e", "#8f7bff", "#fff27a")
_TRANSMITTED = re.compile(r"bright.?field|^bf$|phase|^dic$|transmi", re.I)


def category_colours(count: int) -> tuple[str, ...]:
    """A colour for each of so many categories: those of `CATEGORIES`, then hues in turn, light and dark.

    Parameters
    ----------
    count : int
        Of categories.

    Returns
    -------
    tuple of str
        ``#rrggbb`` for each; no two are the same.
    """
    further = range(max(count - len(CATEGORIES), 0))
    # The golden ratio keeps hues of the next few apart; three depths keep those apart that come near later.
    depths = ((0.75, 0.85), (0.55, 0.55), (0.35, 0.95))
    mixed = (colorsys.hsv_to_rgb(n * 0.618034 % 1, *depths[n % 3]) for n in further)
    return (*CATEGORIES[:count], *("#" + "".join(f"{round(255 * part):02x}" for part in rgb) for rgb in mixed))


def series_colours(count: int) -> list[str]:
    """A colour for each of so many lines: those of `CATEGORIES`; of more than these, in order along `CONTINUOUS`."""
    if count <= len(CATEGORIES):
        return list(CATEGORIES[:count])
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(colormaps[CONTINUOUS](0.95 * i / (count - 1))) for i in range(count)]


def to_rgb(colours: Sequence[str]) -> np.ndarray:
    """Hexadecimal colours ``#rrggbb`` as numbers.

    Returns
    -------
    ndarray of float32, shape (len(colours), 3)
        Red, green and blue in [0, 1].
    """
    for colour in colours:
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
            raise InputError(f"'{colour}' is not a colour; write it as '#rrggbb', such as '#ff3ea5'.")
    return np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in colours], dtype=np.float32)


def channel_colours(count: int, names: Sequence[str] = (), transmitted: Sequence[bool] = ()) -> tuple[str, ...]:
    """A display colour for every channel of a composite.

    A single channel is grey. Of several, those seen in transmitted light are grey, stains whose name is
    known get their usual colour where it is colour-blind safe, and the rest take magenta, green, cyan, amber … in turn.

    Parameters
    ----------
    count : int
        Number of channels.
    names : sequence of str, optional
        Channel names.
    transmitted : sequence of bool, optional
        Channels known to be transmitted light whatever their name (`coverslip.figures.thumbnails` finds out).

    Returns
    -------
    tuple of str
        ``#rrggbb`` for each channel.
    """
    if count == 1:
        return (GREY,)
    names = list(names) if len(names) == count else [""] * count
    transmitted = list(transmitted) if len(transmitted) == count else [False] * count
    chosen: list[str | None] = []
    for name, through in zip(names, transmitted, strict=True):
        if through or _TRANSMITTED.search(name):
            chosen.append(GREY)
            continue
        usual = next((colour for pattern, colour in _STAINS if pattern.search(name)), None)
        chosen.append(usual if usual not in chosen else None)
    free = [colour for colour in _FLUORESCENT if colour not in chosen]
    spare = iter(free * (count // max(len(free), 1) + 1))
    return tuple(colour or next(spare) for colour in chosen)
