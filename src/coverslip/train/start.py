"""A fit that begins from the weights of a fitted model, instead of weights drawn from the seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.core import Fitted, InputError
from coverslip.core.settings import Pretrainable
from coverslip.core.words import number_of
from coverslip.nn.weights import put_weights

if TYPE_CHECKING:
    import torch


def begin_from(start: Fitted | None, model: torch.nn.Module, method: str, config: Pretrainable, *, inputs: int) -> None:
    """Give a network the weights that its settings say it begins from; drawn ones it keeps.

    Parameters
    ----------
    start : Fitted or None
        The model that ``config.start`` names.
    model : torch.nn.Module
        The network of the fit.
    method : str
        What is fitted.
    config : Pretrainable
        Its settings.
    inputs : int
        Channels of the fields.

    Raises
    ------
    InputError
        If a start is named and not handed over, or it is of another method, other channels or another shape.
    """
    named = config.start
    if start is None:
        if config.pretrained is not None:
            raise InputError(f"The start '{named}' is a model that must be handed over; fit with coverslip.fit.")
        return
    if start.method != method:
        raise InputError(
            f"The start '{named}' is a model of {start.method}, and {method} is to be fitted; name another."
        )
    if start.facts["inputs"] != inputs:
        raise InputError(
            f"The start '{named}' was fitted to images of {number_of(start.facts['inputs'], 'channel')}, and these "
            f"have {inputs}; choose channels with --channels, or leave start out."
        )
    other = {name: getattr(start.config, name) for name in config.shape_settings}
    other = {name: value for name, value in other.items() if value != getattr(config, name)}
    if other:
        say = " ".join(f"--set {name}={value}" for name, value in other.items())
        raise InputError(f"The network of the start '{named}' has another shape than that of the settings; say {say}.")
    put_weights(model, start.weights)
