"""The layer table of SimCLR for an image size."""

from __future__ import annotations

from coverslip.methods.simclr.config import Config
from coverslip.nn.summary import Layer, layer_table


def layers(config: Config, shape: tuple[int, int, int]) -> tuple[list[Layer], dict[str, str]]:
    """List the layers for an input shape.

    Parameters
    ----------
    config : Config
        Settings; `trunk`, `width`, `stem`, `hidden` and `latent` count.
    shape : tuple of int
        Channels, height and width.

    Returns
    -------
    rows : list of Layer
        In the order they run.
    facts : dict
        The first layer, and the lengths of the vectors.

    Raises
    ------
    InputError
        If the image is too small.
    """
    from coverslip.methods.simclr.inference import build

    model = build(config, shape)
    sides = model.trunk.conv1
    stem = "large" if sides.kernel_size == (7, 7) else "small" if sides.stride == (1, 1) else "medium"
    facts = {
        "trunk": config.trunk,
        "stem": f"{stem} ({'the rule for this size' if config.stem == 'auto' else 'as set'})",
        "vector before the head": str(model.trunk.features),
        "after it": str(config.latent),
    }
    return layer_table(model, model, shape), facts
