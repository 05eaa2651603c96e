"""The layer table of the U-Net for an image size."""

from __future__ import annotations

from coverslip.core import InputError
from coverslip.methods.unet.config import Config
from coverslip.nn.summary import Layer, layer_table


def layers(config: Config, shape: tuple[int, int, int]) -> tuple[list[Layer], dict[str, str]]:
    """List the layers for an input shape.

    Parameters
    ----------
    config : Config
        Settings; `width`, `levels`, `stem` and `separation` count.
    shape : tuple of int
        Channels, height and width.

    Returns
    -------
    rows : list of Layer
        In the order they run.
    facts : dict
        How far an output pixel sees, and by what sizes are divisible.

    Raises
    ------
    InputError
        If height or width is not a multiple of what the network halves (`predict` pads, a table does not).
    """
    from coverslip.methods.unet.outputs import build

    channels, height, width = shape
    if height % config.multiple or width % config.multiple:
        raise InputError(
            f"{height} x {width} pixels cannot be halved {config.levels - 1} times; give a size in multiples of "
            f"{config.multiple}, such as 256x256."
        )
    model = build(config, channels)
    facts = {"reach": f"{model.reach} pixels", "sizes in multiples of": str(config.multiple)}
    return layer_table(model, model, shape), facts
