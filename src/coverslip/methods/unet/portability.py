"""A fitted U-Net for other programs: one network from scaled pixels to probabilities and distances."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import getsource
from typing import Any

import torch
from torch import Tensor, nn

from coverslip.core import Fitted
from coverslip.methods.unet.config import Config
from coverslip.methods.unet.decoding import (
    PEAK,
    STEP,
    VOTES_APART,
    VOTES_BLUR,
    VOTES_FAR,
    VOTES_FEWEST,
    by_boundary,
    by_distance,
    by_offset,
    decode,
    without_small,
)
from coverslip.methods.unet.outputs import network
from coverslip.methods.unet.targets import DEPTH, OFFSET_UNIT, Separation
from coverslip.nn.blocks import fold_batch_norm
from coverslip.nn.objects import in_one_piece
from coverslip.nn.portable import OutputMap, Portable
from coverslip.samples.opening.exposure import HEADROOM

_PAPERS = (
    (
        "Ronneberger, Fischer, Brox: U-Net: Convolutional Networks for Biomedical Image Segmentation, MICCAI 2015",
        "10.1007/978-3-319-24574-4_28",
    ),
)
_ORDINARY_DIAMETER = 24.0


def portable(fitted: Fitted) -> Portable:
    """The network of a fitted model with everything around it that can be calculated in it.

    Parameters
    ----------
    fitted : Fitted
        A fitted U-Net.

    Returns
    -------
    Portable
        Normalisation is folded into the convolutions; the clipping of grey values and the activations are part of the
        network. Making objects of its maps is not: `Portable.afterwards` says how.

    Raises
    ------
    ModelError
        If the weights are not those of a U-Net.
    """
    config = fitted.config
    assert isinstance(config, Config)
    model = network(fitted)
    inputs = int(fitted.facts["inputs"])
    names = fitted.facts.get("channels") or [f"channel_{i}" for i in range(inputs)]
    diameters = fitted.facts.get("object_diameter_px")
    return Portable(
        network=_Scaled(fold_batch_norm(model), 2 if config.separation == "boundary" else 1).eval(),
        inputs=tuple(map(str, names)),
        outputs=_outputs(config.separation),
        percentiles=config.percentiles,
        multiple=model.multiple,
        reach=model.reach,
        diameter=float(diameters[len(diameters) // 2]) if diameters else _ORDINARY_DIAMETER,
        afterwards=_afterwards(config.separation, fitted.facts["decoding"]),
        program=_program(config.separation, fitted.facts["decoding"]),
        task="segmentation",
        papers=_PAPERS,
    )


class _Scaled(nn.Module):
    """The network between pixels whose percentiles are 0 and 1 and activated maps."""

    def __init__(self, network: nn.Module, probabilities: int) -> None:
        super().__init__()
        self.network = network
        self.probabilities = probabilities

    def forward(self, pixels: Tensor) -> Tensor:
        """From ``(N, C, H, W)`` to ``(N, K, H, W)``."""
        found = self.network((pixels / HEADROOM).clamp(0, 1))
        chances = torch.sigmoid(found[:, : self.probabilities])
        return torch.cat([chances, found[:, self.probabilities :]], dim=1)


def _outputs(separation: Separation) -> tuple[OutputMap, ...]:
    foreground = OutputMap("foreground", "Probability that a pixel is of an object.", (0, 1))
    if separation == "boundary":
        return foreground, OutputMap("boundary", "Probability that a pixel is of the border of an object.", (0, 1))
    if separation == "offset":
        ways = (("rows", "down"), ("columns", "to the right"))
        text = "Way from here to the centre of the object, {}, in units of {:g} pixels."
        return foreground, *(OutputMap(f"offset_{n}", text.format(way, OFFSET_UNIT)) for n, way in ways)
    return foreground, OutputMap(
        "distance", f"Depth below the border of the object, 1 from {DEPTH:g} pixels on, about 0 outside."
    )


def _decoding(decoding: Mapping[str, Any]) -> tuple[float, float, int]:
    return float(decoding["threshold"]), float(decoding.get("peak", PEAK)), int(decoding["min_area"])


def _afterwards(separation: Separation, decoding: Mapping[str, Any]) -> str:
    threshold, peak, smallest = _decoding(decoding)
    how = {
        "distance": (
            f"Marks are the tops of `distance` that rise by at least {peak:g} over the saddle to the next, found "
            f"without regard to the foreground: cut = reconstruction by dilation of `distance` - {peak:g} under "
            f"`distance`; tops are where cut exceeds the reconstruction of cut - {STEP:g} under cut by more than "
            f"{STEP / 2:g}. What of the tops lies in the foreground is numbered, 8-connected, and grows over the "
            "foreground by a watershed of -`distance` (4-connected)."
        ),
        "boundary": (
            "Marks are the 4-connected pieces of the foreground where `boundary` is below 0.5; they grow over the "
            "foreground by a watershed of `boundary` (4-connected)."
        ),
        "offset": (
            f"Each foreground pixel votes for the pixel it points to, its place + {OFFSET_UNIT:g} x its offset, "
            f"rounded and kept inside the image. The votes are blurred (Gaussian, {VOTES_BLUR:g} pixels); centres are "
            f"where they are above {VOTES_FEWEST:g} and the highest of {VOTES_APART} x {VOTES_APART} pixels, "
            "8-connected. A "
            "pixel belongs to the centre nearest to where it points, if that is at most "
            f"{VOTES_FAR} pixels away."
        ),
    }[separation]
    small = f" Objects of fewer than {smallest} pixels are left out." if smallest > 1 else ""
    return (
        f"Foreground is where `foreground` is above {threshold:g}. {how} Foreground that no mark reaches is an object "
        "of its own, each 4-connected piece of it. Of an object in several 8-connected pieces the largest "
        f"stays.{small}"
    )


def _program(separation: Separation, decoding: Mapping[str, Any]) -> str:
    """The decoding itself, as a file: what is imported from Coverslip stands in it."""
    threshold, peak, smallest = _decoding(decoding)
    constants = {"OFFSET_UNIT": OFFSET_UNIT, "STEP": STEP, "PEAK": PEAK}
    constants |= {"VOTES_BLUR": VOTES_BLUR, "VOTES_APART": VOTES_APART, "VOTES_FEWEST": VOTES_FEWEST}
    said = "\n".join(f"{name} = {value!r}" for name, value in (constants | {"VOTES_FAR": VOTES_FAR}).items())
    functions = (decode, by_distance, by_boundary, by_offset, without_small, in_one_piece)
    return _PROGRAM.format(
        constants=said,
        functions="\n\n".join(getsource(function) for function in functions).rstrip(),
        separation=separation,
        threshold=threshold,
        peak=peak,
        smallest=smallest,
    )


_PROGRAM = '''"""Objects from the maps of the network: python postprocessing.py maps.npy labels.npy

Needs NumPy, SciPy and scikit-image. Written by Coverslip, whose own decoding this is.
"""

from __future__ import annotations

import sys

import numpy as np
from scipy import ndimage
from skimage.morphology import reconstruction
from skimage.segmentation import watershed

Separation = str
{constants}


def objects(maps: np.ndarray) -> np.ndarray:
    """Labels (H, W) of the maps (K, H, W) of one image."""
    return decode(maps, {separation!r}, threshold={threshold!r}, peak={peak!r}, min_area={smallest!r})


{functions}


if __name__ == "__main__":
    found = np.load(sys.argv[1])
    np.save(sys.argv[2], objects(found[0] if found.ndim == 4 else found))
'''
