"""The loss of the nuclei of sections: of what is known of each patch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from coverslip.nn.losses import soft_dice_loss

_GEOMETRY = 3.0
_BETA = 0.1
_INSIDE = 2.0


def loss_terms(outputs: Tensor, targets: Tensor, weight: float) -> dict[str, Tensor]:
    """The loss and its parts, over the pixels that are known.

    Parameters
    ----------
    outputs : Tensor, shape (N, 2, H, W)
        Nucleus and how central in it, before the sigmoid.
    targets : Tensor, shape (N, 3, H, W)
        The same as they should be, in [0, 1]; and whether that is known.
    weight : float
        Of the second.

    Returns
    -------
    dict
        ``loss``; ``nucleus``, soft Dice plus half the binary cross-entropy (equation 4.7, with both terms of the
        cross-entropy); ``centre``, three times the smooth L1 loss, nuclei counting three times.
    """
    outputs = outputs.float()
    inside, central, known = targets.unbind(1)
    pixels = known.sum().clamp_min(1)
    chance, centre = torch.sigmoid(outputs).unbind(1)
    entropy = F.binary_cross_entropy_with_logits(outputs[:, 0], inside, weight=known, reduction="sum") / pixels
    nucleus = soft_dice_loss(chance * known, inside * known) + 0.5 * entropy
    off = F.smooth_l1_loss(centre, central, beta=_BETA, reduction="none") * known * (1 + _INSIDE * inside)
    apart = _GEOMETRY * off.sum() / pixels
    return {"loss": nucleus + weight * apart, "nucleus": nucleus, "centre": apart}
