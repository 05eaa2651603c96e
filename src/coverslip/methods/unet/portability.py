"""A fitted U-Net for other programs: one network from scaled pixels to probabilities and distances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from coverslip.core import Fitted
from coverslip.methods.unet.config import Config
from coverslip.methods.unet.decoding import PEAK
from coverslip.methods.unet.outputs import network
from coverslip.methods.unet.targets import DEPTH, OFFSET_UNIT, Separation
from coverslip.nn.blocks import fold_batch_norm
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


def _afterwards(separation: Separation, decoding: Mapping[str, Any]) -> str:
    peak, threshold, smallest = decoding.get("peak", PEAK), decoding["threshold"], int(decoding["min_area"])
    mark, grow = {
        "distance": (
            f"each top of `distance` that rises by at least {peak:g} over the saddle to the next (h-maxima)",
            "grow the marks over the foreground, downhill (watershed of -`distance`)",
        ),
        "boundary": (
            "each connected piece of the foreground where `boundary` is below 0.5",
            "grow the marks over the foreground (watershed of `boundary`)",
        ),
        "offset": (
            f"each place that many foreground pixels point to, a pixel pointing to its place + {OFFSET_UNIT:g} x its "
            "offset",
            "give each foreground pixel to the mark nearest to the place it points to",
        ),
    }[separation]
    small = f"; leave out objects of fewer than {smallest} pixels" if smallest > 1 else ""
    return f"Foreground is where `foreground` is above {threshold:g}. Mark {mark}; {grow}{small}."
