"""The layer table of the VAE for an image size, as the source's Appendix A prints it."""

from __future__ import annotations

from coverslip.core import InputError
from coverslip.methods.vae.architecture import deepest, depth_rule, plan
from coverslip.methods.vae.config import Config
from coverslip.nn.summary import Layer, layer_table


def depths(config: Config, shape: tuple[int, int, int]) -> tuple[int, int]:
    """What depth there can be for an input shape, for `coverslip study depth`.

    Parameters
    ----------
    config : Config
        Settings; `preset` and `downsample` count.
    shape : tuple of int
        Channels, height and width.

    Returns
    -------
    rule, most : int
        The depth that ``depth=auto`` takes, and the greatest.

    Raises
    ------
    InputError
        If the image is too small, or the settings leave no choice.
    """
    if config.preset or config.downsample == "residual":
        fixed = f"preset={config.preset}" if config.preset else "downsample=residual"
        raise InputError(f"With {fixed} the depth is that of this network; leave it out.")
    plan(shape)
    return depth_rule(*shape[1:]), deepest(*shape[1:])


def layers(config: Config, shape: tuple[int, int, int]) -> tuple[list[Layer], dict[str, str]]:
    """List the layers for an input shape.

    Parameters
    ----------
    config : Config
        Settings; `depth`, `downsample`, `width`, `preset` and `latent` count.
    shape : tuple of int
        Channels, height and width.

    Returns
    -------
    rows : list of Layer
        In the order they run.
    facts : dict
        The depth and how it came about, the deepest map.

    Raises
    ------
    InputError
        If the image is too small.
    """
    import torch

    from coverslip.methods.vae.model import VAE

    architecture = plan(
        shape, depth=config.depth, downsample=config.downsample, width=config.width, preset=config.preset
    )
    model = VAE(architecture, config.latent, bounded=config.normalise != "zscore")
    rows = layer_table(model, lambda x: model(x, torch.zeros(1, config.latent)), shape)
    if config.preset:
        why = f"preset {config.preset}"
    elif config.downsample == "residual":
        why = "the stages of ResNet-18"
    else:
        why = "the rule for this size" if config.depth == "auto" else "as set"
    c, h, w = architecture.bottleneck
    facts = {"depth": f"{architecture.depth} ({why})", "deepest map": f"{c} x {h} x {w}", "latent": str(config.latent)}
    return rows, facts
