"""The frozen codec at work: pixels to streams, streams to latents, latents to pixels."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch

from coverslip.core import Fitted
from coverslip.methods.slide_codec.coding import TileCoder
from coverslip.methods.slide_codec.config import LATENT_SIDE, Config
from coverslip.methods.slide_codec.description import Description
from coverslip.methods.slide_codec.exact import MARGIN, Pixels, check_limits
from coverslip.methods.slide_codec.freezing import levels_of
from coverslip.methods.slide_codec.model import Analysis
from coverslip.nn.weights import restored

SIDE = LATENT_SIDE
"""Pixels along each side of a position of the latents."""
AROUND = 3 * LATENT_SIDE
"""Pixels around an area that its latents depend on."""
_PRICE = 20.0
"""Bits that a squared step of a latent is worth where it is rounded: at equal bits 0.2 dB better at low rates, chosen
on validation tiles."""
BORDER = 2
"""By how many tables the outermost positions of a tile are finer, unless a store says otherwise: so that what is lost
beside a border between tiles is hardly more than elsewhere, for 1 % more bits by PSNR (2.7 % by MS-SSIM)."""


class Coder:
    """Encodes and decodes with one model at one level of quality.

    Parameters
    ----------
    fitted : Fitted
        A frozen codec.
    level : int
        Level of quality, from 0 to ``levels - 1``.
    border : int
        See `TileCoder`.
    """

    margin = MARGIN
    side = SIDE
    around = AROUND

    def __init__(self, fitted: Fitted, level: int, border: int = BORDER) -> None:
        assert isinstance(fitted.config, Config)
        check_limits(fitted.weights)
        self._fitted, self.level, self.border = fitted, level, border
        self.levels = levels_of(fitted.config)

    @cached_property
    def _analysis(self) -> Analysis:
        own = "analysis."
        weights = {k.removeprefix(own): a for k, a in self._fitted.weights.items() if k.startswith(own)}
        config = self._fitted.config
        assert isinstance(config, Config)
        return restored(lambda: Analysis(config), {k: a.astype(np.float32) for k, a in weights.items()})

    @cached_property
    def _tiles(self) -> TileCoder:
        return TileCoder(self._fitted.weights, self.level, _PRICE, self.border)

    @cached_property
    def _description(self) -> Description:
        return Description(self._fitted.weights)

    @cached_property
    def _pixels(self) -> Pixels:
        return Pixels(self._fitted.weights)

    @torch.inference_mode()
    def latents(self, pixels: np.ndarray) -> np.ndarray:
        """Latents ``(latent, H / 16, W / 16)`` of RGB pixels ``(H, W, 3)`` uint8, not rounded yet.

        H and W are multiples of 16; those of the outermost three positions depend on what lies around them.
        """
        x = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)[None].float() / 255
        found: np.ndarray = self._analysis(x.contiguous(memory_format=torch.channels_last))[0].numpy()
        return found

    def encode(self, latents: np.ndarray) -> tuple[bytes, np.ndarray]:
        """The stream of a tile of latents, and what it will decode to: see `TileCoder.encode`."""
        return self._tiles.encode(latents)

    def decode(self, stream: bytes, size: tuple[int, int]) -> np.ndarray:
        """The latents of a stream: see `TileCoder.decode`."""
        return self._tiles.decode(stream, size)

    def describe(self, latents: np.ndarray) -> np.ndarray:
        """The vector ``(D,)`` that a patch of decoded latents is searched by: see `Description`."""
        return self._description(latents)

    def pixels(self, latents: np.ndarray, rows: slice, columns: slice) -> np.ndarray:
        """Pixels ``(16 h, 16 w, 3)`` of some positions of decoded latents ``(latent, H, W)``: see `exact.Pixels`."""
        return self._pixels(latents, rows, columns)

    def there_and_back(self, pixels: np.ndarray) -> tuple[np.ndarray, int]:
        """What RGB pixels ``(H, W, 3)`` of any size become, coded as one tile, and the bytes of their stream."""
        height, width = pixels.shape[:2]
        pad = -height % (2 * SIDE), -width % (2 * SIDE)
        stream, latents = self.encode(self.latents(np.pad(pixels, ((0, pad[0]), (0, pad[1]), (0, 0)), mode="edge")))
        whole = (slice(0, n) for n in latents.shape[1:])
        return self.pixels(latents, *whole)[:height, :width], len(stream)
