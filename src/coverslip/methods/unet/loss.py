"""The loss of the U-Net."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from coverslip.methods.unet.targets import Separation
from coverslip.nn.losses import dice_bce

# Weights that bring the parts to like sizes; `beta` is where the smooth L1 loss turns from squared to absolute.
_GEOMETRY = 2.0
_BETA = 0.1
_NOTHING = -30.0
"""Output of which the sigmoid is 0: the soft Dice loss, which knows no weights, sees no foreground there."""


def loss_terms(outputs: Tensor, target: Tensor, weight: Tensor, separation: Separation) -> dict[str, Tensor]:
    """The loss and its parts, means over the batch.

    Parameters
    ----------
    outputs, target : Tensor, shape (N, K, H, W)
        Network outputs before any activation; targets as `targets` makes them.
    weight : Tensor, shape (N, H, W)
        How much each pixel counts, as `emphasis` says; brought to a mean of 1 here. What weighs 0 counts for nothing.
    separation : {"distance", "boundary", "offset"}
        What the channels after the first mean.

    Returns
    -------
    dict
        ``loss``, ``foreground`` (binary cross-entropy + half the soft Dice loss) and ``separation``: the same for a
        boundary, twice the smooth L1 loss for a distance, and for an offset that over the foreground.
    """
    outputs, silent = outputs.float(), weight == 0
    if silent.any():  # of scribbles alone; without them nothing is copied, and fits stay the same bit for bit
        outputs = outputs.masked_fill(silent[:, None], _NOTHING)
    weight = weight / weight.mean().clamp(min=1e-6)
    foreground = dice_bce(outputs[:, 0], target[:, 0], weight=weight)
    if separation == "boundary":
        apart = dice_bce(outputs[:, 1], target[:, 1], weight=weight)
    else:
        each = F.smooth_l1_loss(outputs[:, 1:], target[:, 1:], beta=_BETA, reduction="none").sum(1) * weight
        if separation == "offset":  # the background has no object to point to
            each = each * target[:, 0] * (target[:, 0].numel() / torch.clamp(target[:, 0].sum(), min=1))
        apart = _GEOMETRY * each.mean()
    return {"loss": foreground + apart, "foreground": foreground, "separation": apart}
