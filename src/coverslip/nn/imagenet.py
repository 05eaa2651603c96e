"""Start weights of ImageNet, where they are asked for."""

from __future__ import annotations

import torch
from torch import nn

from coverslip.core import ModelError


def put_imagenet(
    trunk: nn.Module, kind: str, *, first: str = "conv1.weight", below: str = "", without: str = "fc."
) -> str:
    """Give a trunk torchvision's weights of ImageNet; says which, and what of the first layer could be kept.

    Parameters
    ----------
    trunk : nn.Module
        With torchvision's names; any number of channels.
    kind : str
        What torchvision calls the network.
    first : str
        The weights of the first layer, which depend on the channels.
    below : str
        With which the names of the trunk's weights begin in the whole network; that is left out.
    without : str
        With which those begin that a trunk has not.

    Raises
    ------
    ModelError
        If they can be neither found on this machine nor fetched.
    """
    from torchvision.models import get_model_weights

    weights = get_model_weights(kind).DEFAULT
    try:
        found = weights.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise ModelError(
            f"The weights of ImageNet cannot be fetched ({error}): connect to the internet, or leave start at 'random'."
        ) from None
    state = {name.removeprefix(below): value for name, value in found.items() if not name.startswith(without)}
    photographs, own = state.pop(first), trunk.get_parameter(first)
    said = f"torchvision's {weights}"
    if photographs.shape[2:] == own.shape[2:]:
        # Channels mean something else here: each begins with the mean over red, green and blue.
        spread = photographs.mean(1, keepdim=True) * 3 / own.shape[1]
        state[first] = photographs if own.shape[1] == 3 else spread.expand_as(own)
    else:
        state[first] = own.detach()
        said += "; the first layer was drawn, for it is smaller"
    with torch.no_grad():
        trunk.load_state_dict(state)
    return said
