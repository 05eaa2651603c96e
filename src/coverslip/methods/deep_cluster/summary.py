"""The layer table of deep clustering for an image size."""

from __future__ import annotations

from coverslip.methods.deep_cluster.config import Config
from coverslip.nn.summary import Layer, layer_table


def layers(config: Config, shape: tuple[int, int, int]) -> tuple[list[Layer], dict[str, str]]:
    """List the layers for an input shape.

    Parameters
    ----------
    config : Config
        Settings; `depth`, `width`, `latent` and `regulariser` count.
    shape : tuple of int
        Channels, height and width.

    Returns
    -------
    rows : list of Layer
        In the order they run.
    facts : dict
        How often the image is halved, the deepest map.

    Raises
    ------
    InputError
        If the image is too small.
    """
    from coverslip.methods.deep_cluster.inference import autoencoder_for

    model = autoencoder_for(config, shape)
    rows = layer_table(model, model, shape)
    plan = model.architecture
    why = "the rule for this size" if config.depth == "auto" else "as set"
    deepest = f"{plan.widths[-1]} x {plan.deepest[0]} x {plan.deepest[1]}"
    return rows, {"halved": f"{plan.depth} times ({why})", "deepest map": deepest, "latent": str(config.latent)}
