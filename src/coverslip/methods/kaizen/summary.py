"""The layer table of the generator."""

from __future__ import annotations

from coverslip.core import InputError
from coverslip.methods.kaizen.config import Config
from coverslip.nn.summary import Layer, layer_table


def layers(config: Config, shape: tuple[int, int, int]) -> tuple[list[Layer], dict[str, str]]:
    """List the layers.

    Parameters
    ----------
    config : Config
        Settings.
    shape : tuple of int
        Channels, height and width of a patch.

    Returns
    -------
    rows : list of Layer
        In the order they run.
    facts : dict
        How many numbers and codes a patch becomes.

    Raises
    ------
    InputError
        If it is no patch of these settings.
    """
    from coverslip.methods.kaizen.inference import build

    side = config.patch
    if shape != (1, side, side):
        raise InputError(
            f"The generator sees patches of one channel, {side} x {side} pixels; say --size {side}x{side}, or another "
            "--set patch=…"
        )
    model = build(config)
    places = (side // 4) ** 2
    return layer_table(model, model, shape), {
        "codes of a patch": f"{places} places x {config.groups} tables, each one of {config.codes}",
    }
