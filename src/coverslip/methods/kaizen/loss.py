"""The loss of the generator."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from coverslip.methods.kaizen.model import Generated

_ORDINARY_AREA = 400.0
_HEAVIEST = 6.0
_SMOOTH = 2.0
_PIXELS = 2.0
_ENTROPY = 4.0
_SQUARES = 10.0
"""About one over the variance of the targets."""


def loss_terms(generated: Generated, mask: Tensor, target: Tensor, *, masks: bool = True) -> dict[str, Tensor]:
    """The loss and its parts, means over the batch.

    Every object counts about the same, however small: one minus its soft Dice coefficient, and a binary cross-entropy
    with weight ``(400 / area)^½`` in [1, 6].

    Parameters
    ----------
    generated : Generated
        Of ``N`` patches.
    mask, target : Tensor, shape (N, P, P)
        The central object, 0 or 1, and the square root of its light; all 0 where there is none.
    masks : bool
        Else the loss is that of pixels alone, in the whole patch: ten times the mean squared error, and ``codes``.

    Returns
    -------
    dict
        ``loss``; ``mask`` (four times the cross-entropy, plus the Dice loss); ``pixels`` (twice the mean absolute
        error inside masks); ``codes`` (commitment, and what moves codes that are learned by gradients); ``perplexity``.
    """
    quantised = generated.quantised
    codes = {"codes": quantised.loss.detach(), "perplexity": quantised.perplexity.detach()}
    if not masks:
        pixels = _SQUARES * (generated.pixels.float() - target).square().mean()
        return {"loss": pixels + quantised.loss, "pixels": pixels, **codes}
    logits = generated.mask.float()
    area = mask.sum((1, 2))
    weight = torch.where(area > 0, (_ORDINARY_AREA / area.clamp(min=1)).sqrt().clamp(1, _HEAVIEST), 1.0)
    entropy = F.binary_cross_entropy_with_logits(logits, mask, reduction="none").mean((1, 2)) * weight
    probability = torch.sigmoid(logits)
    shared = (probability * mask).sum((1, 2))
    dice = 1 - (2 * shared + _SMOOTH) / (probability.sum((1, 2)) + area + _SMOOTH)
    found = (_ENTROPY * entropy + dice).mean()
    wrong = ((generated.pixels.float() - target).abs() * mask).sum((1, 2)) / area.clamp(min=1)
    pixels = _PIXELS * wrong.sum() / (area > 0).sum().clamp(min=1)
    return {"loss": found + pixels + quantised.loss, "mask": found, "pixels": pixels, **codes}
