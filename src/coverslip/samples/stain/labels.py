"""Nuclei from a nuclear stain: background off, smoothed, a global or local threshold, touching ones apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import pi, sqrt

import numpy as np

from coverslip.classical.foreground import clean, renumber, typical_diameter, within_areas
from coverslip.classical.touching import basins, join_shallow
from coverslip.core import InputError, PixelSize
from coverslip.samples.sheets.rows import check_finite
from coverslip.samples.stain.settings import StainSettings

REACH = 0.7
"""Standard deviation of the window in which nuclei and surroundings are averaged, in diameters."""

WIDE = 3.0
"""``auto`` is local in images at least so many diameters wide; in smaller ones a window is the whole image."""

QUIET = 16.0
"""Smoothing goes on until nuclei are so many times the noise brighter than their surroundings."""

_ROUNDS = 3
_WIDE_WINDOW = 5.0
_SMALL_WINDOW = 24
"""The window of the top-hat is shrunk to about so many pixels: background is smooth, and it costs nothing then."""


@dataclass(frozen=True)
class StainLabels:
    """Nuclei of one image, and what is needed to judge them.

    Parameters
    ----------
    labels : ndarray of int32, shape (H, W)
        Nuclei from 1 in reading order; 0 is background.
    rule : str
        ``otsu`` or ``local``; empty for a flat image.
    threshold : float
        Grey value above the background from which pixels are taken; of a local one the median over the nuclei's edges.
    diameter : float
        About how wide a nucleus is, pixels.
    smoothing : float
        Standard deviation of the Gaussian that was applied, pixels.
    smooth : ndarray of float32, shape (H, W)
        The stain without its background, smoothed.
    background : ndarray of float32, shape (H, W)
        What was taken off (also where nothing was: what would have been).
    around : ndarray of float32, shape (H, W)
        Mean of what is not nucleus, near each pixel.
    noise : float
        Standard deviation of `smooth` in the background.
    """

    labels: np.ndarray
    rule: str = ""
    threshold: float = float("nan")
    diameter: float = float("nan")
    smoothing: float = 0.0
    smooth: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32), repr=False)
    background: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32), repr=False)
    around: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32), repr=False)
    noise: float = float("nan")


def segment_stain(
    pixels: np.ndarray,
    settings: StainSettings | None = None,
    *,
    pixel_size: PixelSize | None = None,
    source: str = "The stain",
) -> StainLabels:
    """Find nuclei that are brighter than their surroundings.

    Parameters
    ----------
    pixels : ndarray, shape (H, W)
        Grey values, any dtype.
    settings : StainSettings, optional
        Default: all defaults.
    pixel_size : PixelSize, optional
        Micrometres per pixel, for settings in µm.
    source : str
        What to call the image in messages.

    Returns
    -------
    StainLabels
        Without any object where the image is flat.

    Raises
    ------
    InputError
        If the pixels are no plane or not finite, or settings in µm meet an image without a pixel size.

    Notes
    -----
    1. Background: the lower envelope of the image (a grey opening with a square window of `window` diameters, smoothed)
       is subtracted.
    2. The global threshold is Otsu's (1979). The local one starts from every pixel that reaches `faintest` of the way
       from the median below Otsu's threshold to the median above it. Then, three times, means of nuclei and of
       surroundings are taken in a Gaussian window of 0.7 diameters, and parts that lie above the `level` between the
       two and hold such a pixel are nuclei: the iterated mean of Ridler and Calvard (1978), taken at each place. Dim
       nuclei beside bright ones keep their size.
    3. ``auto`` is local, but Otsu's in images narrower than three diameters. Otsu's threshold was not the better
       one on any kind of image that was tried: sparse or dense, clean or noisy.
    4. Peaks of the distance to the background (for ``split="both"`` times the smoothed brightness, relative to that of
       the neighbourhood) are seeds of a watershed; parts are joined again where the pass between them is higher than
       `neck` times the lower of their peaks.
    """
    from scipy import ndimage
    from skimage.filters import threshold_otsu

    settings = settings or StainSettings()
    if pixels.ndim != 2 or 0 in pixels.shape:
        raise InputError(f"{source}: nuclei are found in one plane of rows and columns, not in {pixels.shape}.")
    check_finite(pixels, source)
    lengths = settings.in_pixels(pixel_size, source)
    signal = pixels.astype(np.float32)
    if not np.ptp(signal) > 0:
        return StainLabels(np.zeros(signal.shape, np.int32))
    diameter = lengths.diameter or _measured_diameter(signal, settings.window)
    background = lower_envelope(signal, settings.window * diameter)
    if settings.background == "tophat":
        signal = signal - background
    if not np.ptp(signal) > 0:
        return StainLabels(np.zeros(signal.shape, np.int32))
    sigma = _smoothing(signal, diameter, lengths.smoothing)
    smooth = ndimage.gaussian_filter(signal, sigma)
    cut = float(threshold_otsu(smooth))
    disc = pi * (diameter / 2) ** 2
    bright = smooth > cut
    noise = noise_of(smooth[~bright], 1.0 if pixels.dtype.kind in "uib" else float(np.ptp(pixels)) / 65535)
    rule = settings.threshold
    if rule == "auto":
        rule = "local" if min(pixels.shape) >= WIDE * diameter else "otsu"
    found = bright
    if rule == "local":
        found = local_foreground(smooth, bright, REACH * diameter, settings.level, settings.faintest)
    foreground = clean(found, settings.hole * disc)
    _, around = two_means(smooth, foreground, REACH * diameter)
    labels = _divide(foreground, smooth - around, diameter, settings)
    labels = within_areas(labels, *lengths.areas(diameter))
    labels = renumber(_standing_out(labels, smooth - around, settings.contrast * noise))
    if rule == "local":
        edge = labels > 0
        edge &= ~ndimage.binary_erosion(edge)
        cut = float(np.median(smooth[edge])) if edge.any() else float("nan")
    return StainLabels(labels, rule, cut, diameter, sigma, smooth, background, around, noise)


def _measured_diameter(signal: np.ndarray, window: float) -> float:
    """How wide nuclei are, also where the background varies more than they stand out."""
    first = typical_diameter(signal)
    # Of an uneven background half is above the first threshold: then that half is no nucleus.
    flat = signal - lower_envelope(signal, min(window * first, min(signal.shape) / 2))
    return typical_diameter(flat) if np.ptp(flat) > 0 else first


def _smoothing(signal: np.ndarray, diameter: float, given: float | None) -> float:
    """Just so much that little noise is left: more costs small nuclei and narrow gaps."""
    from scipy import ndimage
    from skimage.filters import threshold_otsu

    if given is not None:
        return given
    smooth = ndimage.gaussian_filter(signal, diameter / 40)
    bright = smooth > threshold_otsu(smooth)
    contrast = float(np.median(signal[bright]) - np.median(signal[~bright])) if bright.any() else 0.0
    # Immerkær (1996): what is left of an image when all that is locally a plane is taken off it, is noise.
    mask = np.outer([1, -2, 1], [1, -2, 1]).astype(np.float32)
    grain = 1.4826 * float(np.median(np.abs(ndimage.convolve(signal, mask)))) / 6
    # Noise of neighbours that know nothing of each other falls to 1 / (2 sqrt(pi) sigma) of what it was.
    needed = QUIET * grain / (2 * sqrt(pi) * contrast) if contrast > 0 else 0.0
    return min(max(diameter / 40, needed), diameter / 8)


def lower_envelope(signal: np.ndarray, window: float) -> np.ndarray:
    """What remains of an image ``(H, W)`` when all that is narrower than a square window (pixels) is taken off it."""
    from scipy import ndimage
    from skimage.transform import resize

    step = max(1, int(window / _SMALL_WINDOW))
    shape = tuple(-(-n // step) for n in signal.shape)
    small = resize(signal, shape, order=1, mode="edge", anti_aliasing=True) if step > 1 else signal
    side = max(int(window / step), 1) | 1
    near, far = np.pad(small, side, mode="symmetric"), (slice(side, -side),) * 2
    # Continued over the border as it goes on (odd), so that a slope does not end below the image there; in the image
    # itself that would be wrong, where nuclei are cut.
    low = np.pad(ndimage.minimum_filter(near, side)[far], 2 * side, mode="reflect", reflect_type="odd")
    opened = ndimage.gaussian_filter(ndimage.maximum_filter(low, side), side / 4)[
        2 * side : -2 * side, 2 * side : -2 * side
    ]
    return resize(opened, signal.shape, order=1, mode="edge") if step > 1 else opened


def local_foreground(smooth: np.ndarray, bright: np.ndarray, reach: float, level: float, faintest: float) -> np.ndarray:
    """Pixels above a threshold of their own: `level` of the way from the surroundings to the nuclei near them.

    Parameters
    ----------
    smooth : ndarray of float32, shape (H, W)
        Grey values.
    bright : ndarray of bool, shape (H, W)
        What a global threshold finds: it says how bright nuclei are.
    reach : float
        Standard deviation of the window, pixels.
    level, faintest : float
        As in `StainSettings`.
    """
    from scipy import ndimage

    low, high = float(np.median(smooth[~bright])), float(np.median(smooth[bright]))
    candidates = smooth > low + faintest * (high - low)
    found = candidates
    for _ in range(_ROUNDS):
        inside, outside = two_means(smooth, found, reach)
        above = smooth > outside + level * (inside - outside)
        parts, count = ndimage.label(above)
        kept = np.bincount(parts[candidates], minlength=count + 1) > 0
        kept[0] = False
        found = kept[parts]
        if not found.any():
            return candidates
    return found


def two_means(smooth: np.ndarray, foreground: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Means of what is foreground and of what is not, in a Gaussian window around each pixel.

    Where there is none of a kind far and wide, its mean over the whole image stands in.
    """
    from scipy import ndimage

    def near(values: np.ndarray) -> np.ndarray:
        if reach < _WIDE_WINDOW:
            return ndimage.gaussian_filter(values, reach, truncate=3)
        side = int(sqrt(4 * reach**2 + 1)) // 2 * 2 + 1
        for _ in range(3):  # as good as a Gaussian of that width, and costs the same however wide it is
            values = ndimage.uniform_filter(values, side)
        return values

    weight = foreground.astype(np.float32)
    share, part, whole = near(weight).clip(0, 1), near(smooth * weight), near(smooth)
    few = np.float32(1e-3)
    inside = smooth[foreground].mean() if foreground.any() else smooth.max()
    outside = smooth[~foreground].mean() if not foreground.all() else smooth.min()
    return (part + few * inside) / (share + few), (whole - part + few * outside) / (1 - share + few)


def noise_of(background: np.ndarray, step: float) -> float:
    """The standard deviation of background: from what lies below its commonest value, where no nucleus adds anything.

    Parameters
    ----------
    background : ndarray of float, shape (n,)
        Grey values.
    step : float
        How far apart two grey values of the file are: less noise than its rounding is not to be had.
    """
    low, high = np.percentile(background, [0.1, 99.9])
    if not high > low:
        return 0.3 * step
    count, edges = np.histogram(background, 256, (low, high))
    count = np.convolve(count, np.hanning(9)[1:-1], "same")
    commonest = edges[count.argmax()]
    below = commonest - background[background < commonest]
    return max(1.4826 * float(np.median(below)) if len(below) else 0.0, 0.3 * step)


def _divide(foreground: np.ndarray, above: np.ndarray, diameter: float, settings: StainSettings) -> np.ndarray:
    """Number the objects of a mask; `above` is how much brighter than its surroundings a pixel is."""
    from scipy import ndimage

    if settings.split == "none" or not foreground.any():
        return ndimage.label(foreground)[0]
    landscape = ndimage.gaussian_filter(ndimage.distance_transform_edt(foreground).astype(np.float32), diameter / 20)
    if settings.split == "both":
        near, _ = two_means(above, foreground, diameter / 8)
        far, _ = two_means(above, foreground, diameter / 2)
        least = np.maximum(np.abs(near) / 5, np.finfo(np.float32).tiny)  # further apart they are not told
        landscape *= np.clip(near / np.maximum(far, least), 0.2, 3)
    landscape[~foreground] = 0
    labels, heights = basins(landscape, foreground, int(diameter / 5))
    return join_shallow(labels, landscape, heights, settings.neck)


def _standing_out(labels: np.ndarray, above: np.ndarray, least: float) -> np.ndarray:
    """The labels of objects that are on average at least so much brighter than their surroundings."""
    area = np.bincount(labels.ravel())
    mean = np.bincount(labels.ravel(), above.ravel()) / np.maximum(area, 1)
    keep = mean >= least
    keep[0] = False
    return np.where(keep[labels], labels, 0)
