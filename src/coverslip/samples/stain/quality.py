"""Whether labels made from a stain can be trusted: facts of each image, and flags where something is odd."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from math import nan, pi, sqrt

import numpy as np

from coverslip.classical.touching import passes
from coverslip.core import PixelSize
from coverslip.samples.sheets.inspection import FULL, SATURATED
from coverslip.samples.stain.labels import StainLabels

FLAGS = {
    "empty": "no object was found; is there a nucleus?",
    "low_contrast": "nuclei are less than 8 times the noise brighter than their surroundings: edges are uncertain",
    "out_of_focus": "edges are more than a quarter of a diameter wide: nuclei are blurred and come out too large",
    "saturated": "more than 1 % of the nuclei's pixels have the highest value: touching nuclei are hard to divide",
    "uneven_background": "the background varies by more than the nuclei stand out from it: dim ones may be missing",
    "too_many_touching": "more than half of the nuclei touch another one: some will be joined, some cut in two",
    "clumps": "more than a fifth of what was found is in objects of over four times the median area: are they nuclei?",
}
"""What is flagged, and what it means."""

_CONTRAST = 8.0
_EDGE = 0.25
_UNEVEN = 1.0
_TOUCHING = 0.5
_CLUMPS = 0.2
_CLUMP = 4


@dataclass(frozen=True)
class StainFacts:
    """What is known of the labels of one image.

    Parameters
    ----------
    objects, at_border : int
        Nuclei, and how many of them the border of the image cuts (they are kept).
    foreground : float
        Share of the pixels in nuclei.
    diameter_px, diameter_um : float
        Median diameter of discs of the nuclei's areas; NaN where there is none, or no pixel size.
    rule : str
        ``otsu`` or ``local``.
    threshold : float
        Grey value above the background from which pixels were taken; of a local threshold the median at the edges.
    contrast : float
        How much brighter nuclei are than their surroundings, median of medians, grey values.
    noise, snr : float
        Standard deviation of the background after smoothing, grey values; contrast by noise.
    unevenness : float
        How much the background varies over the image (5th to 95th percentile), by contrast.
    saturated : float
        Share of the nuclei's pixels that have the highest value, where that is the highest a camera can give.
    touching : float
        Share of the nuclei that touch another one.
    clumps : float
        Share of the foreground in objects of over four times the median area.
    edge : float
        Median width of edges (contrast by steepness, less what smoothing adds), by diameter.
    flags : tuple of str
        Keys of `FLAGS`, in their order.
    """

    objects: int = 0
    at_border: int = 0
    foreground: float = 0.0
    diameter_px: float = nan
    diameter_um: float = nan
    rule: str = ""
    threshold: float = nan
    contrast: float = nan
    noise: float = nan
    snr: float = nan
    unevenness: float = nan
    saturated: float = nan
    touching: float = nan
    clumps: float = nan
    edge: float = nan
    flags: tuple[str, ...] = ()

    def texts(self) -> dict[str, str]:
        """The facts as cells of a sheet; empty where unknown, flags with spaces between."""
        return {name: _text(value) for name, value in asdict(self).items()}


def judge_stain(found: StainLabels, pixels: np.ndarray, pixel_size: PixelSize | None = None) -> StainFacts:
    """Measure labels made from a stain, and flag what is out of the ordinary.

    Parameters
    ----------
    found : StainLabels
        From `segment_stain`.
    pixels : ndarray, shape (H, W)
        The stain as stored.
    pixel_size : PixelSize, optional
        Micrometres per pixel.

    Returns
    -------
    StainFacts
    """
    from scipy import ndimage

    labels = found.labels
    count = int(labels.max(initial=0))
    if not count:
        return StainFacts(rule=found.rule, threshold=found.threshold, noise=found.noise, flags=("empty",))
    area = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    # Medians: the mean of a nucleus holds its dim edges.
    inside = np.asarray(ndimage.median(found.smooth - found.around, labels, np.arange(1, count + 1)))
    contrast = float(np.median(inside))
    diameter = 2 * sqrt(float(np.median(area)) / pi)
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    one, other, _ = passes(labels, found.smooth)
    nuclear = labels > 0
    facts = StainFacts(
        objects=count,
        at_border=len(np.unique(rim[rim > 0])),
        foreground=float(nuclear.mean()),
        diameter_px=diameter,
        diameter_um=diameter * sqrt(pixel_size.y * pixel_size.x) if pixel_size else nan,
        rule=found.rule,
        threshold=found.threshold,
        contrast=contrast,
        noise=found.noise,
        snr=contrast / found.noise,
        unevenness=float(np.ptp(np.percentile(found.background, [5, 95]))) / contrast,
        saturated=_saturated(pixels, nuclear),
        touching=len(np.union1d(one, other)) / count,
        clumps=float(area[area > _CLUMP * np.median(area)].sum() / area.sum()),
        edge=_edge_width(found, inside) / diameter,
    )
    raised = {
        "low_contrast": facts.snr < _CONTRAST,
        "out_of_focus": facts.edge > _EDGE,
        "saturated": facts.saturated > SATURATED,
        "uneven_background": facts.unevenness > _UNEVEN,
        "too_many_touching": facts.touching > _TOUCHING,
        "clumps": facts.clumps > _CLUMPS,
    }
    return replace(facts, flags=tuple(flag for flag in FLAGS if raised.get(flag)))


def _saturated(pixels: np.ndarray, nuclear: np.ndarray) -> float:
    top = pixels.max()
    return float((pixels[nuclear] == top).mean()) if pixels.dtype.kind in "ui" and top in FULL else 0.0


def _edge_width(found: StainLabels, inside: np.ndarray) -> float:
    """Median over edges towards the background of contrast by gradient, as it was before smoothing, pixels."""
    from scipy import ndimage

    labels = found.labels
    edge = (labels > 0) & (ndimage.minimum_filter(labels, 3) == 0)
    steepness = ndimage.gaussian_gradient_magnitude(found.smooth, 1.0)[edge]
    seen = steepness > 0
    if not seen.any():
        return nan
    width = float(np.median(inside[labels[edge][seen] - 1] / steepness[seen]))
    # A step that is smoothed twice, here and before, is sqrt(2 pi (sigma² + 1)) wide.
    return sqrt(max(width**2 - 2 * pi * (found.smoothing**2 + 1), 0.0))


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(value)
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.5g}"
    return str(value)
