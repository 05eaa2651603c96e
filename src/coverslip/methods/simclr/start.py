"""Start weights of ImageNet, where they are asked for."""

from __future__ import annotations

import torch

from coverslip.core import InputError
from coverslip.methods.simclr.model import Trunk


def put_imagenet(trunk: Trunk, kind: str) -> str:
    """Give a trunk torchvision's weights of ImageNet; says which, and what of the first layer could be kept.

    Raises
    ------
    InputError
        If they can be neither found on this machine nor fetched.
    """
    from torchvision.models import get_model_weights

    weights = get_model_weights(kind).DEFAULT
    try:
        state = weights.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"The weights of ImageNet cannot be fetched ({error}): connect to the internet, or leave start at 'random'."
        ) from None
    state = {name: value for name, value in state.items() if not name.startswith("fc.")}
    first, own = state.pop("conv1.weight"), trunk.conv1.weight
    said = f"torchvision's {weights}"
    if first.shape[2:] == own.shape[2:]:
        # Channels mean something else here: each begins with the mean over red, green and blue.
        spread = first.mean(1, keepdim=True) * 3 / own.shape[1]
        state["conv1.weight"] = first if own.shape[1] == 3 else spread.expand_as(own)
    else:
        state["conv1.weight"] = own.detach()
        said += "; the first layer was drawn, for it is smaller"
    with torch.no_grad():
        trunk.load_state_dict(state)
    return said
