"""A fitted classifier for other programs: one network from stored pixels to calibrated probabilities."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from coverslip.core import Fitted
from coverslip.methods.classify.config import Config
from coverslip.methods.classify.inference import CENTRES, network, shown_shape
from coverslip.methods.classify.model import Classifier, Neighbours
from coverslip.nn.portable import OutputMap, Portable
from coverslip.samples.opening.normalise import Normaliser


def portable(fitted: Fitted) -> Portable:
    """The network of a fitted classifier with its scaling, its rule and its temperature.

    Parameters
    ----------
    fitted : Fitted
        A fitted classifier.

    Returns
    -------
    Portable
        Its images have the height and width that the network was shown; with the setting ``size`` they are resized
        before. Prediction sets are not part of it.
    """
    config = fitted.config
    assert isinstance(config, Config)
    normaliser = Normaliser.from_dict(fitted.facts["normaliser"])
    channels, height, width = shown_shape(config, tuple(fitted.facts["shape"]))
    names = fitted.facts.get("channels") or [f"channel_{i}" for i in range(channels)]
    classes = fitted.facts["classes"]
    resized = f" Resize images to {height} x {width} (bilinear) before." if config.size else ""
    return Portable(
        network=_Whole(network(fitted), normaliser, fitted.facts["temperature"], fitted.weights.get(CENTRES)).eval(),
        inputs=tuple(map(str, names)),
        outputs=tuple(
            OutputMap(f"class_{k}", f"Probability of the class {name}.", (0, 1)) for k, name in enumerate(classes)
        ),
        percentiles=(0, 100),
        stored=True,
        multiple=1,
        reach=0,
        diameter=0,
        afterwards=f"The class is the place of the largest of {len(classes)} numbers: {', '.join(classes)}.{resized}",
        task="classification",
        sides=(height, width),
        grey=(min(normaliser.offset), max(o + s for o, s in zip(normaliser.offset, normaliser.scale, strict=True))),
    )


class _Whole(nn.Module):
    """The network between stored pixels and probabilities."""

    offset: Tensor
    scale: Tensor

    def __init__(
        self, model: Classifier, normaliser: Normaliser, temperature: float, centres: np.ndarray | None
    ) -> None:
        super().__init__()
        if isinstance(model.head, Neighbours):
            model.head.count = int(model.head.nearest)
        self.model = model
        self.temperature = temperature
        self.register_buffer("offset", torch.tensor(normaliser.offset)[:, None, None])
        self.register_buffer("scale", torch.tensor(normaliser.scale)[:, None, None])
        self.centres = None if centres is None else torch.from_numpy(np.array(centres))

    def forward(self, pixels: Tensor) -> Tensor:
        """Probabilities ``(N, K)`` of stored pixels ``(N, C, H, W)``, float32."""
        z = self.model(((pixels - self.offset) / self.scale).clamp(0, 1))[1]
        if self.centres is not None:
            z = -0.5 * (z[:, None] - self.centres[None]).square().sum(2)
        return F.softmax(z / self.temperature, dim=1)
