"""The integer networks at work: what is expected of latents, and pixels of them, to the same bit everywhere."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from coverslip.core import ModelError
from coverslip.methods.slide_codec.config import LATENT_SIDE
from coverslip.methods.slide_codec.freezing import GREY, HIDDEN, LATENT, LOWEST, SHARPNESS
from coverslip.methods.slide_codec.model import PHASES, REACH

MARGIN = 4
"""How far, in positions of latents, pixels depend on latents around them."""
_FINE = 1
"""How far they depend on what the blocks of 8² pixels see."""
_WEIGHTS = 2**12
_TOP = 255
_LARGEST = 2**24
"""Of what flows in the network of the prior: far above what it reaches, small enough for sums in double precision."""
_HALF = LATENT_SIDE // 2


class Prior:
    """What is expected of the latents of a phase: whole means on their grid, and which table holds the chances.

    Parameters
    ----------
    weights : mapping of str to ndarray
        Of a frozen codec.
    level : int
        Level of quality.
    """

    def __init__(self, weights: Mapping[str, np.ndarray], level: int) -> None:
        self._mean, self._scale, self._layers = [], [], []
        self._latent = weights["gains"].shape[1]
        self._tables = len(weights["tables.reach"])
        for number in range(len(PHASES)):
            own = f"prior.{number}."
            self._mean.append(_double(weights[own + "mean"][level])[:, None, None])
            self._scale.append(_double(weights[own + "scale"][level])[:, None, None])
            if number:
                layers = {name: _double(weights[own + name]) for name in ("look", "mix", "say", "mix_bias", "say_bias")}
                layers["look_bias"] = _double(weights[own + "look_bias"][level])
                self._layers.append(layers)

    def __call__(self, known: np.ndarray, phase: int, finer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means on the grid of latents and numbers of tables, -1 where the mean is certain.

        Parameters
        ----------
        known : ndarray of float64, shape (latent, H, W)
            Whole numbers, 0 where latents are not known; H and W are even.
        phase : int
        finer : ndarray of int, shape (H / 2, W / 2)
            By how many tables the steps of each position are finer than those of the level.

        Returns
        -------
        means, tables : ndarray of float64 and int64, shape (latent, H / 2, W / 2)
        """
        mean, scale = self._mean[phase], self._scale[phase]
        if phase:
            layers = self._layers[phase - 1]
            row, column = PHASES[phase]
            # Channels that are 0 everywhere add nothing: at low rates most are.
            seen = torch.from_numpy(np.flatnonzero(known.any((1, 2))))
            x = F.pad(torch.from_numpy(known)[None, seen], (REACH - column, REACH + column, REACH - row, REACH + row))
            x = F.conv2d(x, layers["look"][:, seen], layers["look_bias"], stride=2)
            x = (x * (HIDDEN / (_WEIGHTS * LATENT))).round().clamp(0, _LARGEST)
            x = F.conv2d(x, layers["mix"], layers["mix_bias"])
            x = (x * (1 / _WEIGHTS)).round().clamp(0, _LARGEST)
            x = F.conv2d(x, layers["say"], layers["say_bias"])[0]
            mean = mean + (x[: self._latent] * (LATENT / (_WEIGHTS * HIDDEN))).round()
            scale = scale + (x[self._latent :] * (SHARPNESS / _WEIGHTS)).round()
        else:
            shape = (self._latent, known.shape[1] // 2, known.shape[2] // 2)
            mean, scale = mean.expand(shape), scale.expand(shape)
        table = (scale * (1 / HIDDEN)).round() - LOWEST * SHARPNESS + torch.from_numpy(finer)
        table = table.clamp(-1, self._tables - 1)
        return mean.numpy(), table.numpy().astype(np.int64)


class Pixels:
    """Pixels of latents.

    Parameters
    ----------
    weights : mapping of str to ndarray
        Of a frozen codec.
    """

    def __init__(self, weights: Mapping[str, np.ndarray]) -> None:
        own = "synthesis."
        self._of = {
            name.removeprefix(own): torch.from_numpy(np.array(a, _kind(name)))
            for name, a in weights.items()
            if name.startswith(own)
        }
        for name, tensor in self._of.items():
            if tensor.ndim == 4:
                self._of[name] = tensor.contiguous(memory_format=torch.channels_last)
        self._blocks = {
            stage: sum(name.startswith(stage) and name.endswith("spatial.weight") for name in self._of)
            for stage in ("coarse", "fine")
        }

    @torch.inference_mode()
    def __call__(self, latents: np.ndarray, rows: slice, columns: slice) -> np.ndarray:
        """RGB pixels ``(16 h, 16 w, 3)`` uint8 of some positions of latents.

        Parameters
        ----------
        latents : ndarray, shape (latent, H, W)
            Whole numbers on their grid; `MARGIN` positions more than are wanted, unless the image ends there.
        rows, columns : slice
            The h and w positions that are wanted.
        """
        # NNPACK multiplies by Winograd's scheme, whose fractions are not exact.
        with torch.backends.nnpack.flags(enabled=False):
            y = torch.from_numpy(np.ascontiguousarray(latents, np.float64))[None]
            x = self._double(y, "enter", 1).float().contiguous(memory_format=torch.channels_last)
            x = self._residuals(x, "coarse")
            near = [slice(max(s.start - _FINE, 0), s.stop + _FINE) for s in (rows, columns)]
            x = x[:, :, near[0], near[1]].contiguous(memory_format=torch.channels_last)
            x = F.pixel_shuffle(self._single(x, "up"), 2).contiguous(memory_format=torch.channels_last)
            x = self._residuals(x, "fine")
            top, left = (2 * (s.start - n.start) for s, n in zip((rows, columns), near, strict=True))
            height, width = (2 * (s.stop - s.start) for s in (rows, columns))
            x = x[:, :, top : top + height, left : left + width].contiguous(memory_format=torch.channels_last)
            plain = F.pixel_shuffle(self._double(y[:, :, rows, columns], "plain", 0).float(), 2)
            grey = F.pixel_shuffle(self._single(x, "leave").add_(plain), _HALF)[0]
            grey = grey.add_(255 * GREY / 2).mul_(1 / GREY).round_().clamp_(0, 255)
            return grey.to(torch.uint8).permute(1, 2, 0).contiguous().numpy()

    def _residuals(self, x: Tensor, stage: str) -> Tensor:
        for number in range(self._blocks[stage]):
            name = f"{stage}.{number}"
            inner = self._sums(self._cut(x, f"{name}.spatial"), f"{name}.spatial", 1)
            inner = inner.mul_(self._of[f"{name}.spatial.output"][:, None, None]).round_().clamp_(0, _TOP)
            outer = self._sums(inner, f"{name}.mixing", 0)
            x = x + outer.mul_(self._of[f"{name}.mixing.output"][:, None, None]).round_()
        return x

    def _single(self, x: Tensor, name: str) -> Tensor:
        return self._sums(self._cut(x, name), name, 0).mul_(self._of[f"{name}.output"][:, None, None]).round_()

    def _cut(self, x: Tensor, name: str) -> Tensor:
        return (x * self._of[f"{name}.input"][:, None, None]).round_().clamp_(0, _TOP)

    def _sums(self, x: Tensor, name: str, padding: int) -> Tensor:
        return F.conv2d(x, self._of[f"{name}.weight"], self._of[f"{name}.bias"], padding=padding)

    def _double(self, y: Tensor, name: str, padding: int) -> Tensor:
        sums = F.conv2d(y, self._of[f"{name}.weight"], self._of[f"{name}.bias"], padding=padding)
        return sums.mul_(self._of[f"{name}.output"][:, None, None]).round_()


def _kind(name: str) -> type[np.floating]:
    return np.float64 if name.startswith(("synthesis.enter", "synthesis.plain")) else np.float32


def _double(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(array, np.float64))


def check_limits(weights: Mapping[str, np.ndarray]) -> None:
    """Refuse weights with which sums could become inexact.

    Raises
    ------
    ModelError
    """
    for name, array in weights.items():
        if not name.startswith("synthesis.") or not name.endswith(".weight"):
            continue
        bias = np.abs(weights[name.removesuffix("weight") + "bias"].astype(np.float64))
        sums = np.abs(array.astype(np.float64)).sum((1, 2, 3))
        top, limit = (4095, 2**53) if _kind(name) is np.float64 else (_TOP, 2**24)
        if array.dtype.kind != "i" or (sums * top + bias).max() >= limit:
            raise ModelError(f"The weights '{name}' are not those of a frozen codec; fetch the model anew.")
