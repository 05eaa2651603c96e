"""From the networks as they are trained to networks of integers, which give the same on every processor.

Sums of floating-point numbers depend on their order, and so on threads and processors; a prior that differs in one bit
decodes to garbage. Sums of integers that stay below 2^24 in single precision (2^53 in double) do not. So weights and
what flows between layers are integers held in floating-point numbers, every layer is checked to stay below the limit,
and between layers there is one multiplication and one rounding, both of which IEEE 754 fixes to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from coverslip.methods.slide_codec.config import Config
from coverslip.methods.slide_codec.model import Codec, Expectation, Residual, between, scale_log

LATENT = 32
"""Integers per step of the middle level: the grid of latents."""
LARGEST_LATENT = 4095
STEPS = 8
"""Levels of quality between two that were trained, in whole steps; each has its own table of numbers."""
SHARPNESS = 8
"""Tables of the prior per factor e of the scale."""
LOWEST, HIGHEST = -4.0, 4.5
"""Logs of the scales that there are tables for, in steps of the quantiser; below the lowest a latent is its mean."""
HIDDEN = 256
"""Grid of what flows in the network of the prior."""
STREAM = 64
"""Grid of what flows between the blocks of the synthesis, beside its 8-bit inputs."""
GREY = 16
"""Integers per grey value of 255 at its end."""
_EXACT = 2**24 - 1
_WEIGHTS = 2**12
_TOP = 255


def levels_of(config: Config) -> int:
    """How many levels of quality a model offers, those between included."""
    return (len(config.rates) - 1) * STEPS + 1


@torch.no_grad()
def frozen(codec: Codec, config: Config, batches: Iterable[Tensor]) -> dict[str, np.ndarray]:
    """The weights of the codec as it is used.

    Parameters
    ----------
    codec : Codec
        As trained.
    config : Config
    batches : iterable of Tensor, each (N, 3, H, W)
        What to measure ranges on, 0 to 1.

    Returns
    -------
    dict of str to ndarray
        ``analysis.…`` as trained; integers for all that decoding needs.
    """
    codec = codec.cpu().float().eval()
    weights = {f"analysis.{name}": t.numpy().copy() for name, t in codec.analysis.state_dict().items()}
    ranges = _ranges(codec, config, batches)
    weights |= _synthesis(codec, ranges)
    count = levels_of(config)
    at = torch.linspace(0, len(config.rates) - 1, count)
    gains = between(codec.gains, at)
    weights["gains"] = gains.exp().numpy()
    weights["steps"] = (LATENT / gains.double().exp()).numpy()
    for number, expectation in enumerate(codec.expectations):
        assert isinstance(expectation, Expectation)
        weights |= {f"prior.{number}.{name}": a for name, a in _expectation(expectation, at, gains).items()}
    # Trained with channels last; what is kept lies in the order of its axes, whoever writes it.
    return {name: np.ascontiguousarray(array) for name, array in (weights | tables()).items()}


def _expectation(expectation: Expectation, at: Tensor, gains: Tensor) -> dict[str, np.ndarray]:
    latent = gains.shape[1]
    base = between(expectation.base, at)
    mean = _whole(base[:, :latent] * LATENT)
    scale = _whole((base[:, latent:] + gains) * SHARPNESS * HIDDEN)
    found = {"mean": mean.numpy().astype(np.int32), "scale": scale.numpy().astype(np.int32)}
    if not expectation.first:
        look, mix, say = (layer.weight for layer in (expectation.look, expectation.mix, expectation.say))
        assert expectation.look.bias is not None
        assert expectation.mix.bias is not None
        assert expectation.say.bias is not None
        biases = between(expectation.level, at) + expectation.look.bias
        found |= {
            "look": _small(look),
            "look_bias": _whole(biases.double() * _WEIGHTS * LATENT).numpy().astype(np.int64),
            "mix": _small(mix),
            "mix_bias": _whole(expectation.mix.bias.double() * _WEIGHTS * HIDDEN).numpy().astype(np.int64),
            "say": _small(say),
            "say_bias": _whole(expectation.say.bias.double() * _WEIGHTS * HIDDEN).numpy().astype(np.int64),
        }
    return found


def _small(weight: Tensor) -> np.ndarray:
    return _whole(weight * _WEIGHTS).clamp(-32767, 32767).numpy().astype(np.int16)


def _whole(values: Tensor) -> Tensor:
    return values.double().round()


def _synthesis(codec: Codec, ranges: dict[str, Tensor]) -> dict[str, np.ndarray]:
    net = codec.synthesis
    found: dict[str, np.ndarray] = {}
    for name, unit in (("enter", STREAM), ("plain", 255 * GREY)):
        layer = getattr(net, name)
        found |= _exact_double(f"synthesis.{name}", layer, unit)
    for stage in ("coarse", "fine"):
        for number, block in enumerate(getattr(net, stage)):
            assert isinstance(block, Residual)
            key = f"synthesis.{stage}.{number}"
            found |= _exact_single(f"{key}.spatial", block.spatial, ranges[f"{stage}.{number}.spatial"], STREAM, None)
            found |= _exact_single(f"{key}.mixing", block.mixing, ranges[f"{stage}.{number}.mixing"], 1, STREAM)
            # What the first layer gives is the second one's 8-bit input.
            inner = found[f"{key}.mixing.input"]
            found[f"{key}.spatial.output"] = (found[f"{key}.spatial.output"] * inner).astype(np.float32)
    found |= _exact_single("synthesis.up", net.up, ranges["up"], STREAM, STREAM)
    found |= _exact_single("synthesis.leave", net.leave, ranges["leave"], STREAM, 255 * GREY)
    return found


def _exact_double(name: str, layer: nn.Conv2d, unit: float) -> dict[str, np.ndarray]:
    """A layer that latents go into: in double precision, so that they need not be cut to 8 bits."""
    assert layer.bias is not None
    size = layer.weight.abs().amax((1, 2, 3)).double().clamp(min=1e-12)
    times = 32767 / size
    bias = _whole(layer.bias.double() * times * LATENT)
    return {
        f"{name}.weight": _whole(layer.weight.double() * times[:, None, None, None]).numpy().astype(np.int16),
        f"{name}.bias": bias.numpy().astype(np.int64),
        f"{name}.output": (unit / (times * LATENT)).numpy(),
    }


def _exact_single(name: str, layer: nn.Conv2d, top: Tensor, before: int, after: int | None) -> dict[str, np.ndarray]:
    """A layer with inputs of 8 bits, each channel over its own range; its sums stay below 2^24.

    Parameters
    ----------
    top : Tensor, shape (inputs,)
        The largest input of each channel; more is cut.
    before, after : int
        Grid of what comes in and goes out; None: 1.
    """
    assert layer.bias is not None
    times_in = _TOP / top.double().clamp(min=1e-6)
    weight = layer.weight.double() / times_in[None, :, None, None]
    most = weight.abs().amax((1, 2, 3)).clamp(min=1e-12)
    total = _TOP * weight.abs().sum((1, 2, 3)) + layer.bias.double().abs()
    rounding = _TOP * weight[0].numel() / 2 + 1
    times = torch.minimum(1023 / most, (_EXACT - rounding) / total.clamp(min=1e-12))
    whole, bias = _whole(weight * times[:, None, None, None]), _whole(layer.bias.double() * times)
    assert float((_TOP * whole.abs().sum((1, 2, 3)) + bias.abs()).max()) <= _EXACT
    return {
        f"{name}.weight": whole.numpy().astype(np.int16),
        f"{name}.bias": bias.numpy().astype(np.int32),
        f"{name}.input": (times_in / before).numpy().astype(np.float32),
        f"{name}.output": ((1 if after is None else after) / times).numpy().astype(np.float32),
    }


def _ranges(codec: Codec, config: Config, batches: Iterable[Tensor]) -> dict[str, Tensor]:
    """The largest value of each channel that goes into each layer of the synthesis."""
    net = codec.synthesis
    layers = {"up": net.up, "leave": net.leave}
    for stage in ("coarse", "fine"):
        for number, block in enumerate(getattr(net, stage)):
            layers |= {f"{stage}.{number}.spatial": block.spatial, f"{stage}.{number}.mixing": block.mixing}
    found: dict[str, Tensor] = {}
    with _watched(layers, found):
        for number, pixels in enumerate(batches):
            level = torch.full((len(pixels),), float(number % len(config.rates)))
            codec(pixels, level)
    return found


@contextmanager
def _watched(layers: dict[str, nn.Conv2d], found: dict[str, Tensor]) -> Iterator[None]:
    def watch(name: str) -> object:
        def note(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            top = inputs[0].amax((0, 2, 3))
            found[name] = torch.maximum(found[name], top) if name in found else top

        return layers[name].register_forward_pre_hook(note)

    hooks = [watch(name) for name in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()  # type: ignore[attr-defined]


def tables() -> dict[str, np.ndarray]:
    """Chances of rounded rests, one table for each scale, as whole numbers that sum to 2^24.

    Returns
    -------
    dict of str to ndarray
        ``tables.chances``, all tables one after the other, from the most negative rest to the most positive, and
        ``tables.reach``, the largest rest of each.
    """
    chances, reaches = [], []
    for index in range(round((HIGHEST - LOWEST) * SHARPNESS) + 1):
        scale = math.exp(float(scale_log(torch.tensor(LOWEST + index / SHARPNESS, dtype=torch.float64))))
        reach = max(2, math.ceil(14 * scale))
        edges = np.arange(-reach, reach + 2) - 0.5
        below = 1 / (1 + np.exp(-np.clip(edges / scale, -700, 700)))
        above = 1 / (1 + np.exp(np.clip(edges / scale, -700, 700)))
        # On the right the tails are subtracted, for the same precision on both sides.
        chance = np.where(edges[:-1] < 0, np.diff(below), -np.diff(above))
        whole = np.maximum(np.round(chance / chance.sum() * 2**24), 1)
        whole[reach] += 2**24 - whole.sum()
        chances.append(whole.astype(np.uint32))
        reaches.append(reach)
    return {"tables.chances": np.concatenate(chances), "tables.reach": np.array(reaches, np.int32)}
