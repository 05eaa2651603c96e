"""What a method shows of itself on a page, as arrays: methods don't draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Illustration:
    """One figure with its caption.

    Parameters
    ----------
    name : str
        Its heading.
    caption : str
        What to look at.
    form : {"pairs", "heat", "series", "latents"}
        How it is drawn. ``pairs``: ``inputs`` above ``outputs``, ``(n, C, H, W)`` each. ``heat``: the samples above,
        ``maps`` ``(n, h, w)`` from 0 to 1 laid over them below. ``series``: rows of images
        ``(rows, steps, C, H, W)`` under ``images``, the ``values`` that they run over, ``names`` of the rows and
        ``like``, images ``(n, C, H, W)`` whose grey values decide the display. ``latents``:
        what each dimension says, ``kl`` and ``empirical``, and which of them say nothing, ``collapsed``, ``(D,)`` each.
    content : mapping
        The arrays that the form names.
    """

    name: str
    caption: str
    form: Literal["pairs", "heat", "series", "latents"]
    content: Mapping[str, Any] = field(repr=False)
