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
        Its images have the height and width of those that it was fitted to; the setting ``size`` is part of the
        network. Prediction sets are not.
    """
    config = fitted.config
    assert isinstance(config, Config)
    normaliser = Normaliser.from_dict(fitted.facts["normaliser"])
    channels, height, width = fitted.facts["shape"]
    shown = shown_shape(config, (channels, height, width))[1:]
    names = fitted.facts.get("channels") or [f"channel_{i}" for i in range(channels)]
    classes = fitted.facts["classes"]
    given = fitted.facts.get("input", {})
    one_size = "Bring each image to this size as coverslip.samples.Resizing does" if "size" in given else ""
    scaled = ", after each channel was scaled between its percentiles 0.1 and 99.9" if given.get("joined") else ""
    whole = _Whole(network(fitted), normaliser, fitted.facts["temperature"], fitted.weights.get(CENTRES))
    if shown != (height, width):
        whole.resize((height, width), shown)
    return Portable(
        network=whole.eval(),
        inputs=tuple(map(str, names)),
        outputs=tuple(
            OutputMap(f"class_{k}", f"Probability of the class {name}.", (0, 1)) for k, name in enumerate(classes)
        ),
        percentiles=(0, 100),
        stored=True,
        multiple=1,
        reach=0,
        diameter=0,
        afterwards=f"The class is the place of the largest of {len(classes)} numbers: {', '.join(classes)}."
        + (f" {one_size}{scaled}." if one_size else ""),
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
        self.rows: Tensor | None = None
        self.columns: Tensor | None = None

    def resize(self, before: tuple[int, int], after: tuple[int, int]) -> None:
        """Bring images of one size to another first, by the weights that `preparation` gives each pixel."""
        shrunk = min(after) < max(before)
        self.rows = _spread(before[0], after[0], shrunk)
        self.columns = _spread(before[1], after[1], shrunk).T.contiguous()

    def forward(self, pixels: Tensor) -> Tensor:
        """Probabilities ``(N, K)`` of stored pixels ``(N, C, H, W)``, float32."""
        x = ((pixels - self.offset) / self.scale).clamp(0, 1)
        if self.rows is not None and self.columns is not None:
            x = self.rows @ x @ self.columns
        z = self.model(x)[1]
        if self.centres is not None:
            z = -0.5 * (z[:, None] - self.centres[None]).square().sum(2)
        return F.softmax(z / self.temperature, dim=1)


def _spread(before: int, after: int, shrunk: bool) -> Tensor:
    """How much of each of `before` pixels goes into each of `after` ones, ``(after, before)``."""
    each = torch.eye(before)[None, None]
    return F.interpolate(each, (after, before), mode="bilinear", antialias=shrunk)[0, 0]
