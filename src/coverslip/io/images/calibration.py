"""How large a pixel is: one rule decides what is believed, whichever program wrote the file."""

from __future__ import annotations

from collections.abc import Mapping

from coverslip.core import InputError, PixelSize

BELIEVABLE = (0.005, 20.0)
"""What a microscope can make, µm per pixel. Programs that know nothing of microscopes write screen and printer values
(72 to 1200 dpi: 353 to 21 µm), one pixel per inch or metre, or a size in a unit that they do not name."""

Sizes = Mapping[str, float | None]
"""µm per pixel by axis, as a file says; None: it says that it does not know, or gives no length."""


def calibrated(said: Sizes | None, axes: str, zoom: tuple[float, float] = (1.0, 1.0)) -> PixelSize | None:
    """The pixel size of an image, or None where it is unknown.

    Parameters
    ----------
    said : mapping of str to float or None, or None
        µm per pixel along ``Y``, ``X`` and perhaps ``Z`` at full resolution.
    axes : str
        The axes of the image: the distance of focal planes is kept only where there are such.
    zoom : (float, float)
        How many pixels of full resolution a pixel of this level is high and wide.

    Returns
    -------
    PixelSize or None
        Known only where height and width both are between the bounds of `BELIEVABLE`.
    """
    y, x, z = ((said or {}).get(axis) for axis in "YXZ")
    if y is None or x is None or not all(BELIEVABLE[0] <= n <= BELIEVABLE[1] for n in (y, x)):
        return None
    return PixelSize(y * zoom[0], x * zoom[1], z if "Z" in axes else None)


def given(size: PixelSize | float | str, path: object) -> PixelSize:
    """The pixel size that a user gives for a file: µm, as a text also height x width, such as ``"0.5x0.25"``.

    Raises
    ------
    InputError
        If it is no number, or no microscope makes such pixels: then another unit was meant.
    """
    if not isinstance(size, PixelSize):
        try:
            numbers = [float(text) for text in str(size).split("x")]
            y, x = numbers * 2 if len(numbers) == 1 else numbers
            size = PixelSize(y, x)
        except (TypeError, ValueError):
            raise InputError(
                f"The pixel size '{size}', given for {path}, is no number; give it in µm, such as 0.325 (or 0.5x0.25, "
                "height x width)."
            ) from None
    if not all(BELIEVABLE[0] <= n <= BELIEVABLE[1] for n in (size.y, size.x)):
        low, high = BELIEVABLE
        raise InputError(
            f"The pixel size given for {path} is {size.y:g} x {size.x:g} µm, but pixels of microscopes have {low:g} to "
            f"{high:g} µm; give it in µm."
        )
    return size
