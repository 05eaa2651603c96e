"""Nuclei by plain classical segmentation: a stain map, a threshold, a seeded watershed, a size filter.

It needs no training and no network, so it serves as a start and as the baseline that learned methods must beat.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from coverslip.classical.foreground import clean, renumber, stands_out, typical_diameter, within_areas
from coverslip.classical.touching import basins
from coverslip.core import Image, InputError, LabelMap, provenance

Stain = Literal["haematoxylin", "bright", "dark"]


def find_nuclei(
    image: Image | np.ndarray,
    *,
    stain: Stain | None = None,
    channel: int = 0,
    diameter: float | None = None,
    min_area: float | None = None,
    max_area: float | None = None,
    smoothing: float | None = None,
    local: bool | None = None,
    clear_border: bool = False,
    empty: np.ndarray | None = None,
) -> LabelMap:
    """Segment nuclei.

    Parameters
    ----------
    image : Image or ndarray
        ``YX`` or ``CYX``. Light grey values of any dtype; RGB is 8-bit, 16-bit or float in [0, 1].
    stain : {"haematoxylin", "bright", "dark"}, optional
        What nuclei look like: blue in a stained RGB section (the haematoxylin map after colour deconvolution),
        brighter (fluorescence) or darker than their surroundings. Default: haematoxylin for three-channel
        8-bit images, else bright.
    channel : int
        Which channel holds the nuclei, where `stain` is bright or dark.
    diameter : float, optional
        About how wide a nucleus is, in pixels: it sets the smoothing, the window of the local threshold and the
        smallest distance between seeds. Default: measured from a first threshold.
    min_area, max_area : float, optional
        Smaller and larger objects are dropped, in pixels. Default: a tenth and ten times the area of a disc of
        that diameter.
    smoothing : float, optional
        Standard deviation of the Gaussian applied first, in pixels; default: a twelfth of the diameter.
    local : bool, optional
        Also ask each pixel to stand out from its neighbourhood, three diameters wide; default: in sections
        (haematoxylin), whose background varies.
    clear_border : bool
        Drop objects that the border of the image cuts.
    empty : ndarray of bool, shape (H, W), optional
        Pixels that hold no image: they count in no statistics, and there are no objects.

    Returns
    -------
    LabelMap
        ``(H, W)`` int32, objects numbered from 1 in reading order; none where the image is flat or all noise, which
        its provenance then says (``note``).

    Notes
    -----
    Colour deconvolution with the stain vectors of Ruifrok and Johnston (2001), and a pixel must also be bluer than
    its neighbourhood; the threshold of Otsu (1979); seeds are the maxima of the smoothed distance to the
    background, grown by the watershed.

    Raises
    ------
    InputError
        If the image has other axes, is not RGB where haematoxylin is asked for, or lacks the channel.
    """
    from scipy import ndimage
    from skimage.filters import threshold_otsu

    if not isinstance(image, Image):
        image = Image.from_array(np.asarray(image))
    stain = _resolve_stain(image, stain)
    there = np.ones((image.height, image.width), bool) if empty is None else ~empty
    if empty is not None and there.any():
        image = _filled(image, there)
    signal = _signal(image, stain, channel)
    if not np.ptp(signal) > 0:
        return _result(image, np.zeros(signal.shape, np.int32), stain=stain)
    if diameter is None:
        diameter = typical_diameter(signal)
    if diameter <= 0:
        raise InputError(f"A nucleus of {diameter} pixels cannot be found; give a diameter above 0.")
    disc = np.pi * (diameter / 2) ** 2
    sigma = diameter / 12 if smoothing is None else smoothing
    smooth = ndimage.gaussian_filter(signal, sigma)
    threshold = float(threshold_otsu(smooth[there] if there.any() else smooth))
    local = stain == "haematoxylin" if local is None else local
    settings: dict[str, Any] = {"stain": stain, "diameter": round(float(diameter), 2)}
    if not stands_out(signal, smooth, threshold, sigma, even=not local):
        note = "Nothing stands out from the noise, so there are no nuclei."
        return _result(image, np.zeros(signal.shape, np.int32), note, **settings)
    foreground = (smooth > threshold) & there
    window = int(3 * diameter) | 1
    if local:
        foreground &= smooth > ndimage.uniform_filter(smooth, window)
    if stain == "haematoxylin":
        blue = ndimage.gaussian_filter(_blueness(image), sigma)
        foreground &= blue > ndimage.uniform_filter(blue, window)
    foreground = clean(foreground, max(int(disc / 10), 1)) & there
    labels = _divide(foreground, diameter)
    least, most = disc / 10 if min_area is None else min_area, 10 * disc if max_area is None else max_area
    labels = within_areas(labels, least, most)
    if clear_border:
        from skimage.segmentation import clear_border as cleared

        labels = cleared(labels)
    return _result(image, renumber(labels), **settings)


def _resolve_stain(image: Image, stain: Stain | None) -> Stain:
    if image.axes not in ("YX", "CYX"):
        raise InputError(
            f"{image.source}: nuclei are found in axes YX or CYX, not '{image.axes}'; select a plane and a time first."
        )
    rgb = image.axes == "CYX" and image.shape[0] == 3
    if stain is None:
        return "haematoxylin" if rgb and image.dtype == np.uint8 else "bright"
    if stain not in get_args(Stain):
        raise InputError(f"There is no stain '{stain}'; choose haematoxylin, bright or dark.")
    if stain == "haematoxylin" and not rgb:
        raise InputError(f"{image.source}: haematoxylin is found by colour, but the axes are {image.sizes}, not RGB.")
    return stain


def _signal(image: Image, stain: Stain, channel: int) -> np.ndarray:
    """A float map ``(H, W)`` that is high in nuclei."""
    pixels = image.select(C=channel).read() if stain != "haematoxylin" and "C" in image.axes else image.read()
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise InputError(f"{image.source}: there are pixels that are NaN or infinite; mend or mask them first.")
    if stain == "haematoxylin":
        from skimage.color import rgb2hed

        return rgb2hed(_rgb(image))[..., 0].astype(np.float32)
    return pixels.astype(np.float32) * (-1 if stain == "dark" else 1)


def _filled(image: Image, there: np.ndarray) -> Image:
    """The image with its median, of each channel, where there is none."""
    pixels = image.read()
    middle = np.median(pixels[..., there], axis=-1)[..., None, None].astype(pixels.dtype)
    return Image.from_array(
        np.where(there, pixels, middle), image.axes, pixel_size=image.pixel_size, source=image.source
    )


def _blueness(image: Image) -> np.ndarray:
    """How much more an RGB image absorbs of red than of blue, as optical density.

    Haematoxylin does, eosin hardly, DAB the opposite: so dark brown is not taken for a nucleus, which the
    haematoxylin map alone does where DAB is dense.
    """
    density = -np.log10(np.maximum(_rgb(image), 1 / 255))
    return density[..., 0] - density[..., 2]


def _rgb(image: Image) -> np.ndarray:
    """Red, green and blue in [0, 1], ``(H, W, 3)`` float32."""
    pixels = np.moveaxis(image.read(), 0, -1)
    return pixels.astype(np.float32) / (1 if pixels.dtype.kind == "f" else np.iinfo(pixels.dtype).max)


def _divide(foreground: np.ndarray, diameter: float) -> np.ndarray:
    """Touching nuclei apart: watershed of the distance to the background, from its well-separated maxima."""
    from scipy import ndimage

    distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(foreground), diameter / 12)
    return basins(distance, foreground, int(diameter / 3))[0]


def _result(image: Image, labels: np.ndarray, note: str = "", **settings: object) -> LabelMap:
    facts = provenance(method="classical nuclei", source=image.source, settings=settings)
    if note:
        facts["note"] = note
    return LabelMap(labels.astype(np.int32), image.source, image.pixel_size, facts)
