"""The layer table of a classifier for an image size."""

from __future__ import annotations

from coverslip.methods.classify.config import Config
from coverslip.nn.summary import Layer, layer_table


def layers(config: Config, shape: tuple[int, int, int]) -> tuple[list[Layer], dict[str, str]]:
    """List the layers for an input shape, with two classes.

    Parameters
    ----------
    config : Config
        Settings; `network`, `size`, `width` and `wavelet` count.
    shape : tuple of int
        Channels, height and width.

    Returns
    -------
    rows : list of Layer
        In the order they run.
    facts : dict
        The network, and the length of the features.

    Raises
    ------
    InputError
        If the image is too small.
    """
    from coverslip.methods.classify.inference import shown_shape
    from coverslip.methods.classify.model import build

    shown = shown_shape(config, shape)
    model = build(config, shown, 2, known=2).eval()
    facts = {"network": config.network, "features": str(model.trunk.features), "classes": "2, as an example"}
    return layer_table(model, model, shown), facts
