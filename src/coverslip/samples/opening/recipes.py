"""Recipes of random change by name, for methods that learn from two views of an image.

A recipe works on whole batches of tensors: one grid of places for crops, turns and flips, one scale and shift of the
grey values for each image and channel, one grouped blur. Values stay floats throughout, so that 16-bit images keep
their steps. The five of the source are those of a SimCLR study of spheroids (Babu, section 7.2).
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from coverslip.core import Config
from coverslip.samples.opening.augment import blur

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_TURNS = {"dihedral": 0.5, "blur": 2.0, "blur_share": 0.5, "sharpen": 2.0, "sharpen_share": 0.5, "noise": 0.0}
_OF_SOURCE = {**_TURNS, "drop_channel": 0.0, "per_channel": False, "clip": True}

RECIPES: dict[str, dict[str, Any]] = {
    "microscopy": {},
    "strong": {**_OF_SOURCE, "crop": 0.08, "brightness": 0.8, "contrast": 0.8},
    "sweet": {**_OF_SOURCE, "crop": 0.4, "brightness": 0.2, "contrast": 0.35},
    "resize": {**_OF_SOURCE, "crop": 1.0, "brightness": 0.2, "contrast": 0.35},
    "sweet_no_contrast": {**_OF_SOURCE, "crop": 0.4, "brightness": 0.2, "contrast": 0.0},
    "resize_no_contrast": {**_OF_SOURCE, "crop": 1.0, "brightness": 0.2, "contrast": 0.0},
}
"""What each recipe sets otherwise than `Recipe`'s defaults, which are ``microscopy``."""


class Recipe(Config):
    """How one view of an image is made; call it with a batch ``(N, C, H, W)`` of floats in [0, 1] and a generator.

    A name alone stands for a recipe; what is set beside it is changed in it. Each step happens to a share of the
    images, drawn for each image on its own; hue is never changed.
    """

    name: str = Field("microscopy", description=f"One of {', '.join(RECIPES)}; decides what is not set beside it.")
    crop: float = Field(0.5, gt=0, le=1, description="Smallest share of the area that a crop keeps; 1: no crops.")
    crop_share: float = Field(1.0, ge=0, le=1, description="Share of the images that are cropped.")
    aspect: float = Field(4 / 3, ge=1, description="Largest ratio of the sides of a crop, either way.")
    dihedral: float = Field(0.875, ge=0, le=1, description="Share that is turned or flipped; 0.875: all 8 as often.")
    brightness: float = Field(0.2, ge=0, lt=1, description="Brightness factor 1 ± this.")
    contrast: float = Field(0.2, ge=0, lt=1, description="Contrast factor 1 ± this.")
    per_channel: bool = Field(False, description="Draw brightness and contrast for each channel on its own.")
    intensity_share: float = Field(0.8, ge=0, le=1, description="Share whose brightness and contrast change.")
    blur: float = Field(1.0, ge=0, description="Largest Gaussian blur, pixels (smallest 0.1).")
    blur_share: float = Field(0.3, ge=0, le=1, description="Share that is blurred.")
    sharpen: float = Field(2.0, ge=1, description="Factor by which edges are sharpened.")
    sharpen_share: float = Field(0.3, ge=0, le=1, description="Share that is sharpened.")
    noise: float = Field(0.03, ge=0, description="Largest standard deviation of added noise, of a range of 1.")
    noise_share: float = Field(0.5, ge=0, le=1, description="Share that gets noise.")
    drop_channel: float = Field(0.1, ge=0, le=1, description="Share of which one channel, of several, is lost.")
    clip: bool = Field(False, description="Cut off at 0 and 1, as the source does.")

    @model_validator(mode="before")
    @classmethod
    def _of_that_name(cls, given: Any) -> Any:
        if isinstance(given, str):
            given = {"name": given}
        if not isinstance(given, dict):
            return given
        name = given.get("name", "microscopy")
        if name not in RECIPES:
            raise ValueError(f"there is no recipe '{name}'; the recipes are {', '.join(RECIPES)}")
        return {**RECIPES[name], **given}

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """A view of each image, ``(N, C, H, W)``; `x` itself is not changed."""
        x = placed(x, generator, crop=self.crop, crop_share=self.crop_share, aspect=self.aspect, dihedral=self.dihedral)
        if self.intensity_share and (self.brightness or self.contrast):
            x = shaded(x, generator, self.brightness, self.contrast, self.intensity_share, per_channel=self.per_channel)
        if self.blur and (rows := _drawn(x, generator, self.blur_share)) is not None:
            x = x.index_copy(0, rows, blur(x[rows], generator, sigma=self.blur))
        if self.sharpen > 1 and (rows := _drawn(x, generator, self.sharpen_share)) is not None:
            x = x.index_copy(0, rows, sharpened(x[rows], self.sharpen))
        if self.noise and (rows := _drawn(x, generator, self.noise_share)) is not None:
            x = x.index_copy(0, rows, _grainy(x[rows], generator, self.noise))
        if self.drop_channel and x.shape[1] > 1:
            x = _without_a_channel(x, generator, self.drop_channel)
        return x.clamp(0, 1) if self.clip else x


def placed(
    x: Tensor, generator: torch.Generator, *, crop: float, crop_share: float = 1.0, aspect: float, dihedral: float
) -> Tensor:
    """Crop, turn and flip each image at random, all by one grid of places; crops are enlarged to the old size.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        Any floats; images that are not square have four symmetries instead of eight.
    generator : torch.Generator
        Decides where.
    crop : float
        The share of the area that a crop keeps is drawn evenly from ``[crop, 1]``.
    crop_share, dihedral : float
        Shares of the images that are cropped, and that are turned or flipped.
    aspect : float
        The ratio of the sides of a crop, as a share of the sides of the image, is drawn from ``[1 / aspect, aspect]``,
        evenly on the logarithm.

    Returns
    -------
    Tensor, shape (N, C, H, W)
        Bilinear; without a crop the very pixels, in other places, to the rounding of floats.
    """
    import torch
    import torch.nn.functional as F

    cropping, turning = crop < 1 and crop_share > 0, dihedral > 0
    if not cropping and not turning:
        return x
    n = len(x)
    theta = torch.eye(2, 3, device=x.device).repeat(n, 1, 1)
    if turning:
        elements = _SYMMETRIES if x.shape[-1] == x.shape[-2] else _SYMMETRIES[:4]
        choice = 1 + torch.randint(len(elements) - 1, (n,), generator=generator, device=generator.device)
        choice = torch.where(_rand((n,), generator) < dihedral, choice, 0)
        theta[:, :, :2] = torch.tensor(elements, device=x.device)[choice.to(x.device)]
    if cropping:
        # As in torchvision's RandomResizedCrop, but for a side that would be too long, which is cut and not drawn anew.
        area = crop + (1 - crop) * _rand((n,), generator)
        ratio = ((2 * _rand((n,), generator) - 1) * log(aspect)).exp()
        side = torch.stack([(area * ratio).sqrt(), (area / ratio).sqrt()], 1).clamp(max=1)
        side = torch.where(_rand((n, 1), generator) < crop_share, side, torch.ones_like(side))
        centre = (1 - side) * (2 * _rand((n, 2), generator) - 1)
        theta[:, :, :2] *= side.to(x.device)[:, :, None]
        theta[:, :, 2] = centre.to(x.device)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x.contiguous(), grid.to(x.dtype), padding_mode="border", align_corners=False)


def shaded(
    x: Tensor,
    generator: torch.Generator,
    brightness: float,
    contrast: float,
    share: float = 1.0,
    *,
    per_channel: bool = False,
) -> Tensor:
    """Change brightness and contrast of a share of the images: one scale and one shift for each image and channel.

    ``y = b (c x + (1 - c) mean)``, with b and c drawn evenly from ``1 ± brightness`` and ``1 ± contrast`` and the mean
    that of the image, or of its channel where each channel has its own draw.
    """
    import torch

    n, channels = x.shape[:2]
    shape = (n, channels if per_channel else 1, 1, 1)
    b = 1 + brightness * (2 * _rand(shape, generator) - 1)
    c = 1 + contrast * (2 * _rand(shape, generator) - 1)
    changed = _rand((n, 1, 1, 1), generator) < share
    b, c = (torch.where(changed, factor, torch.ones_like(factor)).to(x) for factor in (b, c))
    mean = x.mean((-2, -1) if per_channel else (-3, -2, -1), keepdim=True)
    return torch.addcmul((b * (1 - c) * mean).expand(n, channels, 1, 1), x, b * c)


def sharpened(x: Tensor, factor: float) -> Tensor:
    """Sharpen each image: ``factor`` times what distinguishes it from its 3 x 3 smoothing, as Pillow does."""
    import torch
    import torch.nn.functional as F

    # Of the 13 parts of Pillow's smoothing each of the nine pixels has one and the middle four more. Sums are eight
    # times as quick as a convolution of each channel by itself.
    wide = F.pad(x, (1, 1, 1, 1), mode="replicate")
    along = wide[..., :-2] + wide[..., 1:-1] + wide[..., 2:]
    box = along[..., :-2, :] + along[..., 1:-1, :] + along[..., 2:, :]
    return torch.lerp((box + 4 * x) / 13, x, factor)


def _grainy(x: Tensor, generator: torch.Generator, sigma: float) -> Tensor:
    import torch

    level = sigma * _rand((len(x), 1, 1, 1), generator)
    grain = torch.randn(x.shape, generator=generator, device=generator.device)
    return torch.addcmul(x, grain.to(x), level.to(x))


def _without_a_channel(x: Tensor, generator: torch.Generator, share: float) -> Tensor:
    """In a share of the images one channel holds nothing but its mean over the batch."""
    import torch

    n, channels = x.shape[:2]
    lost = torch.randint(channels, (n, 1), generator=generator, device=generator.device)
    gone = (lost == torch.arange(channels, device=lost.device)) & (_rand((n, 1), generator) < share)
    return torch.where(gone.to(x.device)[:, :, None, None], x.mean((0, 2, 3), keepdim=True), x)


def _drawn(x: Tensor, generator: torch.Generator, share: float) -> Tensor | None:
    """Row numbers of a share of the images, drawn for each on its own; None where there are none."""
    if not share:
        return None
    rows = (_rand((len(x),), generator) < share).nonzero()[:, 0]
    return rows.to(x.device) if len(rows) else None


def _rand(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    import torch

    return torch.rand(shape, generator=generator, device=generator.device)


_SYMMETRIES: tuple[tuple[tuple[float, float], tuple[float, float]], ...] = (
    ((1, 0), (0, 1)),
    ((-1, 0), (0, -1)),
    ((-1, 0), (0, 1)),
    ((1, 0), (0, -1)),
    ((0, 1), (1, 0)),
    ((0, -1), (-1, 0)),
    ((0, 1), (-1, 0)),
    ((0, -1), (1, 0)),
)
"""Where x and y of a turned or flipped image come from; the first four keep the shape of a rectangle."""
