"""The networks of the codec as they are trained: what makes latents, what expects them, what makes pixels of them."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from coverslip.methods.slide_codec.config import LATENT_SIDE, Config

PHASES = ((0, 0), (1, 1), (0, 1), (1, 0))
"""Row and column, in squares of two by two positions, of the latents that are expected together, in this order."""
REACH = 2
"""How far, in positions, neighbours are looked at to expect a latent."""
_HALF = LATENT_SIDE // 2
_NARROWEST = -3.5


class Coded(NamedTuple):
    """What comes of one pass.

    Parameters
    ----------
    pixels : Tensor, shape (N, 3, H, W)
        Decoded, 0 to 1, not clipped.
    bits : Tensor, shape (N,)
        Of the latents, per pixel of the image.
    """

    pixels: Tensor
    bits: Tensor


def between(table: Tensor, level: Tensor) -> Tensor:
    """Rows ``(N, …)`` of a table with one row per level, for levels that may lie between two."""
    low = level.floor().long().clamp(0, max(len(table) - 2, 0))
    share = (level - low)[:, None]
    return table[low] * (1 - share) + table[(low + 1).clamp(max=len(table) - 1)] * share


class Residual(nn.Module):
    """``x + W1 relu(W3 relu(x))``: nothing is added at first."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.spatial = nn.Conv2d(width, width, 3, padding=1)
        self.mixing = nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.mixing.weight)
        nn.init.zeros_(self.mixing.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Of ``(N, width, H, W)``, the same shape."""
        return x + self.mixing(F.relu(self.spatial(F.relu(x))))


class Analysis(nn.Module):
    """From pixels to latents: principal components of squares of pixels, and what a network adds to them."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.plain = nn.Conv2d(3, config.latent, LATENT_SIDE, stride=LATENT_SIDE)
        self.enter = nn.Conv2d(3, config.fine, _HALF + 4, stride=_HALF, padding=2)
        self.fine = Residual(config.fine)
        self.down = nn.Conv2d(config.fine, config.coarse, 2, stride=2)
        self.coarse = nn.Sequential(Residual(config.coarse), Residual(config.coarse))
        self.leave = nn.Conv2d(config.coarse, config.latent, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(self, pixels: Tensor) -> Tensor:
        """Latents ``(N, latent, H / 16, W / 16)`` of pixels ``(N, 3, H, W)``, 0 to 1; a step of the middle level is 1.

        Beyond the border pixels are 1/2 grey, as if the mean of all images went on there.
        """
        x = pixels - 0.5
        return self.plain(x) + self.leave(F.relu(self.coarse(self.down(self.fine(self.enter(x))))))


class Synthesis(nn.Module):
    """From latents to pixels: those that principal components give, and what a network adds."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.enter = nn.Conv2d(config.latent, config.coarse, 3, padding=1)
        self.coarse = nn.Sequential(Residual(config.coarse), Residual(config.coarse))
        self.up = nn.Conv2d(config.coarse, 4 * config.fine, 1)
        self.fine = nn.Sequential(Residual(config.fine), Residual(config.fine))
        self.leave = nn.Conv2d(config.fine, 3 * _HALF**2, 1)
        self.plain = nn.Conv2d(config.latent, 4 * 3 * _HALF**2, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(self, y: Tensor) -> Tensor:
        """Pixels ``(N, 3, 16 H, 16 W)`` of latents ``(N, latent, H, W)``."""
        x = F.pixel_shuffle(self.up(F.relu(self.coarse(self.enter(y)))), 2)
        detail = self.leave(F.relu(self.fine(x)))
        return F.pixel_shuffle(detail + F.pixel_shuffle(self.plain(y), 2), _HALF) + 0.5


class Expectation(nn.Module):
    """What is expected of the latents of one phase, given those of the phases before it."""

    def __init__(self, config: Config, first: bool) -> None:
        super().__init__()
        levels = len(config.rates)
        self.first = first
        self.base = nn.Parameter(torch.zeros(levels, 2 * config.latent))
        if not first:
            self.look = nn.Conv2d(config.latent, config.prior, 2 * REACH + 1, stride=2)
            self.level = nn.Parameter(torch.zeros(levels, config.prior))
            self.mix = nn.Conv2d(config.prior, config.prior, 1)
            self.say = nn.Conv2d(config.prior, 2 * config.latent, 1)
            nn.init.zeros_(self.say.weight)
            nn.init.zeros_(self.say.bias)  # type: ignore[arg-type]

    def forward(self, known: Tensor, level: Tensor, phase: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Mean and log of the scale ``(N, latent, h, w)`` at the positions of a phase.

        Parameters
        ----------
        known : Tensor, shape (N, latent, H, W)
            Latents, 0 where they are not known; H and W are even.
        level : Tensor, shape (N,)
            From 0, also between two levels.
        phase : (int, int)
            Row and column within two by two positions.
        """
        base = between(self.base, level)[..., None, None]
        if self.first:
            base = base.expand(-1, -1, known.shape[2] // 2, known.shape[3] // 2)
            mean, scale = base.chunk(2, 1)
            return mean, scale
        row, column = phase
        padded = F.pad(known, (REACH - column, REACH + column, REACH - row, REACH + row))
        seen = F.relu(self.look(padded) + between(self.level, level)[..., None, None])
        mean, scale = (self.say(F.relu(self.mix(seen))) + base).chunk(2, 1)
        return mean, scale


class Codec(nn.Module):
    """All of it, with quantised latents; rounding passes gradients on unchanged."""

    steps: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.analysis, self.synthesis = Analysis(config), Synthesis(config)
        self.expectations = nn.ModuleList(Expectation(config, i == 0) for i in range(len(PHASES)))
        gains = torch.tensor([math.sqrt(rate / middle(config)) for rate in config.rates])
        self.gains = nn.Parameter(gains.log()[:, None].repeat(1, config.latent))

    def forward(self, pixels: Tensor, level: Tensor) -> Coded:
        """Code and decode a batch.

        Parameters
        ----------
        pixels : Tensor, shape (N, 3, H, W)
            0 to 1; H and W are multiples of 32.
        level : Tensor, shape (N,)
            The level of quality of each, from 0, also between two levels.
        """
        y = self.analysis(pixels)
        gains = between(self.gains, level)[..., None, None]
        gain = gains.exp()
        known = torch.zeros_like(y)
        bits = y.new_zeros(len(y))
        for expectation, (row, column) in zip(self.expectations, PHASES, strict=True):
            own = (..., slice(row, None, 2), slice(column, None, 2))
            mean, scale = expectation(known, level, (row, column))
            rest = (y[own] - mean) * gain
            # Bits are those of what is stored. Noise in place of rounding, as is usual, counts up to twice too many for
            # latents that are nearly always their mean, which at low rates most are, and takes details away for them.
            rounded = rest + (rest.round() - rest).detach()
            bits = bits + bits_of(rounded, scale + gains).sum((1, 2, 3))
            known = known.clone()
            known[own] = rounded / gain + mean
        return Coded(self.synthesis(known), bits / (pixels.shape[2] * pixels.shape[3]))


def middle(config: Config) -> float:
    """The worth of the level in the middle: the unit of latents is one step of it."""
    return config.rates[len(config.rates) // 2]


def step_of(worth: float) -> float:
    """The step, in grey values of 255, that orthonormal components are best rounded to at a level.

    With ``J = bits + worth * MSE`` per pixel of three colours and steps d small beside what they divide, the bits of
    a component fall by ``log2 d``, its squared error is ``d² / 12``, and J is least at ``d² = 18 / (worth ln 2)``.
    """
    return math.sqrt(18 / (worth * math.log(2)))


def scale_log(log_scale: Tensor) -> Tensor:
    """The log of the scale that is used, for that which was said: never below -3.5 (0.03 of a step), softly.

    A surprise can always widen it.
    """
    return _NARROWEST + F.softplus(log_scale - _NARROWEST)


def bits_of(rest: Tensor, log_scale: Tensor) -> Tensor:
    """Bits of what is left of latents, rounded to integers, under a logistic distribution.

    Parameters
    ----------
    rest, log_scale : Tensor, any shape
        In steps of the quantiser, less the mean; log of the scale of the distribution.
    """
    size = rest.abs()
    inverse = torch.exp(-scale_log(log_scale))
    low, high = (size - 0.5) * inverse, (size + 0.5) * inverse
    # sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)), whose logarithm is never that of a rounded 0.
    logs = F.logsigmoid(-low) + F.logsigmoid(high) + torch.log1p(-torch.exp(-inverse))
    return logs / -math.log(2)


@torch.no_grad()
def begin(codec: Codec, squares: Tensor, worth: float) -> None:
    """Give a codec the principal components of squares of pixels, and their spread to expect.

    Parameters
    ----------
    codec : Codec
        Changed in place.
    squares : Tensor, shape (n, 3, 16, 16)
        0 to 1.
    worth : float
        That of the middle level, whose step is the unit of latents.
    """
    flat = (squares - 0.5).flatten(1).double()
    mean = flat.mean(0)
    values, vectors = torch.linalg.eigh((flat - mean).T @ (flat - mean) / len(flat))
    latent = codec.gains.shape[1]
    basis = vectors[:, -latent:].flip(1).T.float()
    unit = step_of(worth) / 255
    analysis, synthesis = codec.analysis, codec.synthesis
    analysis.plain.weight.copy_((basis / unit).reshape(latent, 3, LATENT_SIDE, LATENT_SIDE))
    analysis.plain.bias.zero_()  # type: ignore[union-attr]
    pixels = (basis * unit).reshape(latent, 3, 2, _HALF, 2, _HALF)
    # The way back is shuffled twice: squares of 8 pixels into channels, and two by two of them.
    channels = pixels.permute(1, 3, 5, 2, 4, 0).reshape(-1, latent, 1, 1)
    synthesis.plain.weight.copy_(channels)
    synthesis.plain.bias.zero_()  # type: ignore[union-attr]
    spread = values[-latent:].flip(0).clamp(min=1e-9).sqrt().float() / unit
    for expectation in codec.expectations:
        assert isinstance(expectation, Expectation)
        expectation.base[:, :latent] = (basis @ mean.float()) / unit
        # The scale of a logistic distribution is its deviation times the square root of 3, over pi.
        expectation.base[:, latent:] = (spread * math.sqrt(3) / math.pi).log()
