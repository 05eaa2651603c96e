"""Lengths as they are written by hand: in pixels, or in micrometres."""

from __future__ import annotations

import re
from typing import NamedTuple

from coverslip.core.errors import InputError
from coverslip.core.image import PixelSize


class Length(NamedTuple):
    """A length in an image.

    Parameters
    ----------
    value : float
        How long, above 0.
    unit : {"px", "um"}
        Pixels or micrometres.
    """

    value: float
    unit: str

    @classmethod
    def parse(cls, text: str) -> Length:
        """Read a length such as ``"30"``, ``"30px"`` or ``"12um"``.

        Raises
        ------
        InputError
            If it is none.
        """
        found = re.fullmatch(r"\s*(\d*\.?\d+)\s*(px|um|µm|μm)?\s*", text)
        if not found or not float(found[1]):
            raise InputError(f"'{text}' is no length; write it like 30 (pixels) or 12um.")
        return cls(float(found[1]), "um" if found[2] not in (None, "px") else "px")

    def pixels(self, size: PixelSize | None, name: str) -> float:
        """In pixels of an image.

        Parameters
        ----------
        size : PixelSize or None
            Of the image.
        name : str
            What the image is called in messages.

        Raises
        ------
        InputError
            If micrometres are meant, and the size of the image's pixels is not known.
        """
        if self.unit == "px":
            return self.value
        if size is None:
            raise InputError(f"{name} does not say how large its pixels are; give the length in pixels.")
        return self.value / float((size.y * size.x) ** 0.5)
