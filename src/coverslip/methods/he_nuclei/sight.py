"""How a field is seen: its colours, how large its nuclei are, and the network adapted to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from coverslip.classical.foreground import typical_diameter
from coverslip.core import Fields, InputError, Length
from coverslip.core.words import number_of
from coverslip.methods.he_nuclei.attention import Stain
from coverslip.methods.he_nuclei.brown import DAB, WithoutBrown, holds_brown
from coverslip.methods.he_nuclei.scenes import DIAMETER
from coverslip.methods.he_nuclei.stain import Matrix, density, haematoxylin
from coverslip.samples.opening.exposure import HEADROOM, Exposure
from coverslip.samples.opening.looks import sample
from coverslip.samples.opening.view import Shown, View
from coverslip.samples.opening.zoomed import covering

PART = 1024
"""Side of the up to four parts of a field that tell how it is to be seen, shown pixels."""
_USUAL_UM = 7.0
"""Diameter of nuclei, micrometres: where the size of pixels is known, the first guess."""
_WIDER = 1.2
"""Nuclei are so many times as wide as the parts of them that a first threshold finds."""
_ZOOMS = (0.2, 1.5)
"""Enlarged further, the grain of small nuclei is taken for nuclei (points of brca_m2c: F1 .81 for .85)."""
_AS_IT_IS = 1.1
"""An image whose zoom would be nearer to 1 than this factor is shown as it is."""
_DARK = 0.25
"""Brightness of the middle pixel below which an image is taken for fluorescence: sections are lit from below."""


@dataclass(frozen=True)
class Sight(View):
    """How a field is seen.

    Parameters
    ----------
    exposure, zoom
        As of `View`.
    white : float
        Grey value of light that nothing took anything out of.
    stain : Stain or None
        Of the field; None while it is not known.
    weights : mapping of str to ndarray, or None
        Of the network adapted to it; None: as it was fitted.
    """

    white: float = 255.0
    stain: Stain | None = None
    weights: Mapping[str, np.ndarray] | None = field(default=None, repr=False)

    @classmethod
    def plain(
        cls, fields: Fields, index: int, percentiles: tuple[float, float], without_dab: bool | None = None
    ) -> Sight:
        """A field at its own size, without its brown stain where it has one (or as said).

        Raises
        ------
        InputError
            If it is no RGB image.
        """
        check_colours(fields, index)
        exposure = Exposure.of(fields, index, percentiles)
        found = cls(exposure, white=white_of(fields.dtype, float(exposure.high.max())))
        if without_dab is None:
            without_dab = holds_brown([found.rgb(part) for part in found.parts(fields, index)])
        if not without_dab:
            return found
        bare = WithoutBrown(fields, found.white)
        return replace(found, exposure=Exposure.of(bare, index, percentiles), without=DAB)

    def of(self, fields: Fields, index: int) -> Shown:
        """The field, shown so."""
        return super().of(WithoutBrown(fields, self.white) if self.without else fields, index)

    def width_of_nuclei(self, fields: Fields, index: int, said: Length | None = None) -> float:
        """About how wide nuclei are, in pixels of the field: as said, else usual in tissue, else what stands out.

        Raises
        ------
        InputError
            If the field is as dark as fluorescence, or a size in micrometres is of no use.
        """
        size = fields.image(index).pixel_size
        parts = [self.rgb(part) for part in self.parts(fields, index)]
        refuse_dark(fields.name(index), parts)
        if said is not None:
            return said.pixels(size, fields.name(index))
        if size is not None:
            return _USUAL_UM / float(np.sqrt(size.y * size.x))
        return _WIDER * float(np.median([typical_diameter(haematoxylin(density(part))) for part in parts]))

    def showing(self, fields: Fields, index: int, width: float, stains: Matrix = "fixed") -> Sight:
        """The field at the zoom that shows nuclei of a width (pixels) 24 pixels wide, with its stain as it is there."""
        zoom = float(np.clip(DIAMETER / width, *_ZOOMS))
        there = replace(self, zoom=1.0 if 1 / _AS_IT_IS < zoom < _AS_IT_IS else zoom, stain=None)
        parts = [there.rgb(part) for part in there.parts(fields, index)]
        return replace(there, stain=Stain.of(parts, DIAMETER, stains))

    @property
    def diameter(self) -> float:
        """Of typical nuclei, in pixels of the field."""
        return DIAMETER / self.zoom

    def rgb(self, scaled: np.ndarray) -> np.ndarray:
        """Colours in [0, 1] of pixels ``(3, H, W)`` as the network is shown them."""
        low, high = (level[:, None, None] for level in (self.exposure.low, self.exposure.high))
        return np.clip((HEADROOM * scaled * (high - low) + low) / self.white, 0, 1).astype(np.float32)

    def parts(self, fields: Fields, index: int, side: int = PART) -> list[np.ndarray]:
        """Up to four parts of a field, scaled, about `side` shown pixels wide; each ``(3, h, w)``."""
        shown = self.of(fields, index)
        regions = sample(fields.size(index), max(1, round(side / self.zoom)))
        return [shown.read(covering(region, self.zoom, shown.size))[0] for region in regions]


def check_colours(fields: Fields, index: int) -> None:
    """Refuse a field that has no colours.

    Raises
    ------
    InputError
        If it has another number of channels than three.
    """
    if fields.count == 3:
        return
    what = f"{fields.name(index)} has {number_of(fields.count, 'channel')}"
    if fields.count == 4:
        raise InputError(f"{what}: say which are red, green and blue, such as --channels 0,1,2.")
    raise InputError(
        f"{what}, but nuclei of stained sections are found by their colour: give RGB images; for fluorescence there is "
        "nuclei-fluo."
    )


def white_of(dtype: np.dtype, brightest: float) -> float:
    """Grey value of white: of 8 bits 255; else the largest number of as many bits as the brightest pixel takes."""
    if dtype.kind == "f" and brightest <= 1.001:
        return 1.0
    if dtype == np.uint8 or brightest <= 255:
        return 255.0
    return float(2 ** int(np.ceil(np.log2(brightest + 1))) - 1)


def refuse_dark(name: str, parts: Sequence[np.ndarray]) -> None:
    """Refuse what is no section in transmitted light.

    Raises
    ------
    InputError
        If most of it is dark.
    """
    if float(np.median(np.concatenate([part.max(axis=0).ravel() for part in parts]))) < _DARK:
        raise InputError(
            f"{name} is dark where nothing is, as fluorescence is; nuclei of stained sections are dark on a bright "
            "ground. For fluorescence use nuclei-fluo with one channel, such as --channels 0."
        )
