"""The layer table of a section model."""

from __future__ import annotations

from coverslip.core import InputError
from coverslip.methods.section.config import Config
from coverslip.nn.summary import Layer, layer_table

_CLASSES = 3
_ANCHORS = (16.0, 32.0, 64.0, 128.0)


def layers(config: Config, shape: tuple[int, int, int]) -> tuple[list[Layer], dict[str, str]]:
    """List the layers of the trunk and the pyramid for an input shape.

    Parameters
    ----------
    config : Config
        Settings.
    shape : tuple of int
        Channels, height and width.

    Returns
    -------
    rows : list of Layer
        In the order they run.
    facts : dict
        What sizes are divisible by.

    Raises
    ------
    InputError
        If height or width is no multiple of 32.
    """
    from coverslip.methods.section.model import build

    channels, height, width = shape
    if height % 32 or width % 32:
        raise InputError(f"{height} x {width} pixels cannot be halved five times; give multiples of 32: 256x256.")
    model = build(config, channels, max(len(config.listed), _CLASSES), config.anchors or _ANCHORS)
    total = sum(p.numel() for p in model.parameters())
    return layer_table(model.backbone, model.backbone, shape), {
        "numbers of the whole network": f"{total:,}",
        "sizes in multiples of": "32",
    }
