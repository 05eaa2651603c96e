"""Augmentation of whole batches on tensors, repeatable from a `torch.Generator`.

Everything takes and gives ``(N, C, H, W)`` float tensors and draws for each image on its own. The random numbers
are drawn on the generator's device and moved, so that a CPU generator gives the same images on every device.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from coverslip.core import Config, InputError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

SQUARE = 8
"""Symmetries of the square: k quarter turns (k = 0…3), then the same after a left-right flip."""

_KEEPING_SHAPE = (0, 2, 4, 6)  # half turns and flips: all that a rectangle allows


def turn(x: Tensor, element: int) -> Tensor:
    """Apply one symmetry of the square to a batch.

    Parameters
    ----------
    x : Tensor, shape (..., H, W)
        Square where `element` is odd, else the result is ``(..., W, H)``.
    element : int
        0 to 7: ``element % 4`` quarter turns anticlockwise, after a left-right flip where it is 4 or more.
    """
    if not 0 <= element < SQUARE:
        raise InputError(f"There is no symmetry {element}; they count from 0 to 7.")
    flipped = x.flip(-1) if element >= 4 else x
    return flipped.rot90(element % 4, (-2, -1))


def dihedral_all(x: Tensor) -> Tensor:
    """All symmetric versions of each image.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)

    Returns
    -------
    Tensor, shape (K, N, C, H, W)
        K = 8 for square images, 4 for others; the first is `x`.
    """
    import torch

    return torch.stack([turn(x, element) for element in _symmetries(x)])


def dihedral(x: Tensor, generator: torch.Generator) -> Tensor:
    """Turn and flip each image by a symmetry of its own, all equally likely.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        Any dtype; square images have 8 symmetries, others the 4 that keep their shape.
    generator : torch.Generator
        Decides which.

    Returns
    -------
    Tensor, shape (N, C, H, W)
        New; the pixels of each image, in other places.
    """
    import torch

    symmetries = _symmetries(x)
    drawn = torch.randint(len(symmetries), (len(x),), generator=generator, device=generator.device).to(x.device)
    out = torch.empty_like(x)
    for i, element in enumerate(symmetries):  # eight grouped copies are quicker than one gather of all pixels
        rows = (drawn == i).nonzero()[:, 0]
        if len(rows):
            out[rows] = turn(x[rows], element)
    return out


def intensity(
    x: Tensor,
    generator: torch.Generator,
    *,
    brightness: float = 0.0,
    contrast: float = 0.0,
    gamma: float = 0.0,
    per_channel: bool = False,
) -> Tensor:
    """Change brightness, contrast and gamma of each image at random; 0 leaves one unchanged.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        Values in [0, 1].
    generator : torch.Generator
        Decides how much.
    brightness : float
        Values are multiplied by a factor drawn evenly from ``[1 - brightness, 1 + brightness]``; below 1.
    contrast : float
        Distances from the image's own mean are multiplied by a factor drawn likewise; below 1.
    gamma : float
        Values are raised to a power ``exp(u)``, u drawn evenly from ``[-gamma, gamma]``.
    per_channel : bool
        Draw for each channel on its own: for stains that vary independently, not for colour.

    Returns
    -------
    Tensor, shape (N, C, H, W)
        In [0, 1]: clipped at the end.
    """
    shape = (len(x), x.shape[1] if per_channel else 1, 1, 1)
    over = (-2, -1) if per_channel else (-3, -2, -1)
    if gamma:
        x = x.clamp(0, 1) ** (gamma * _uniform(x, shape, generator)).exp()
    if contrast:
        mean = x.mean(over, keepdim=True)
        x = (x - mean) * (1 + contrast * _uniform(x, shape, generator)) + mean
    if brightness:
        x = x * (1 + brightness * _uniform(x, shape, generator))
    return x.clamp(0, 1)


def affine(
    x: Tensor,
    generator: torch.Generator,
    *,
    rotation: float = 0.0,
    shift: float = 0.0,
    zoom: float = 0.0,
    shear: float = 0.0,
    elastic: float = 0.0,
    edge: bool = False,
) -> Tensor:
    """Turn, move, enlarge, slant and bend each image a little, in one bilinear resampling.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        Any values; dark where there is nothing.
    generator : torch.Generator
        Decides how much.
    rotation : float
        Largest angle, degrees.
    shift : float
        Largest move, as a share of the height and of the width.
    zoom : float
        Images are scaled by a factor drawn evenly from ``[1 - zoom, 1 + zoom]``; below 1.
    shear : float
        Largest slant, pixels to the side for each pixel up.
    elastic : float
        Largest way that single places are moved, as a share of the height and of the width; ways between the places
        of a 4 x 4 grid are smooth.
    edge : bool
        What comes in from outside is the nearest pixel of the border, else 0.

    Returns
    -------
    Tensor, shape (N, C, H, W)
    """
    import torch
    import torch.nn.functional as F

    height, width = x.shape[-2:]
    angle, factor, slant, right, down = (amount[:, 0] for amount in _uniform(x, (len(x), 5, 1), generator).unbind(1))
    angle, factor = torch.deg2rad(rotation * angle), 1 + zoom * factor
    cosine, sine, slant = angle.cos() / factor, angle.sin() / factor, shear * slant
    # Where each pixel of the result comes from; a grid counts in halves of the image.
    matrix = torch.stack(
        [
            cosine + slant * sine,
            (slant * cosine - sine) * (height / width),
            2 * shift * right,
            sine * (width / height),
            cosine,
            2 * shift * down,
        ],
        dim=1,
    ).unflatten(1, (2, 3))
    grid = F.affine_grid(matrix, list(x.shape), align_corners=False)
    if elastic:
        ways = 2 * elastic * _uniform(x, (len(x), 2, 4, 4), generator)
        bent = F.interpolate(ways, (height, width), mode="bicubic", align_corners=True)
        grid = grid + bent.permute(0, 2, 3, 1)
    return F.grid_sample(x, grid, padding_mode="border" if edge else "zeros", align_corners=False)


def noise(x: Tensor, generator: torch.Generator, *, sigma: float) -> Tensor:
    """Add Gaussian noise whose standard deviation is drawn per image from ``[0, sigma]``; `x` and result in [0, 1]."""
    import torch

    level = sigma * (1 + _uniform(x, (len(x), 1, 1, 1), generator)) / 2
    grain = torch.randn(x.shape, generator=generator, device=generator.device, dtype=torch.float32)
    return (x + level * grain.to(x)).clamp(0, 1)


def blur(x: Tensor, generator: torch.Generator, *, sigma: float) -> Tensor:
    """Blur each image with a Gaussian whose width is drawn per image from ``[0.1, sigma]`` pixels.

    The border is continued by its edge pixels, so that flat images stay flat.
    """
    import torch
    import torch.nn.functional as F

    n, c, h, w = x.shape
    width = 0.1 + (max(sigma, 0.1) - 0.1) * (1 + _uniform(x, (n, 1), generator)) / 2
    reach = min(ceil(3 * sigma), h - 1, w - 1)
    at = torch.arange(-reach, reach + 1, device=x.device, dtype=x.dtype)
    kernel = torch.exp(-0.5 * (at / width) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(c, 0)  # one per image and channel
    flat = F.pad(x.reshape(1, n * c, h, w), (reach,) * 4, mode="replicate")
    flat = F.conv2d(flat, kernel[:, None, None, :], groups=n * c)
    return F.conv2d(flat, kernel[:, None, :, None], groups=n * c).reshape(x.shape)


class Augment(Config):
    """Which augmentations a batch goes through, in the order of the settings; by default turns and flips only.

    Call it with a batch ``(N, C, H, W)`` of floats in [0, 1] and a generator.
    """

    dihedral: bool = Field(True, description="turn and flip each image at random")
    rotation: float = Field(0.0, ge=0, le=180, description="largest angle that images are turned by, degrees; 0: none")
    shift: float = Field(0.0, ge=0, lt=1, description="largest move, as a share of height and width; 0: none")
    zoom: float = Field(0.0, ge=0, lt=1, description="scale factor 1 ± this; 0: none")
    shear: float = Field(0.0, ge=0, lt=1, description="largest slant, pixels aside for each pixel up; 0: none")
    elastic: float = Field(0.0, ge=0, lt=1, description="largest bend, as a share of height and width; 0: none")
    edge: bool = Field(False, description="continue images by their edge where they moved; else by 0")
    blur: float = Field(0.0, ge=0, description="largest Gaussian blur, pixels; 0: none")
    gamma: float = Field(0.0, ge=0, description="largest |log gamma|; 0: none")
    contrast: float = Field(0.0, ge=0, lt=1, description="contrast factor 1 ± this; 0: none")
    brightness: float = Field(0.0, ge=0, lt=1, description="brightness factor 1 ± this; 0: none")
    per_channel: bool = Field(False, description="draw gamma, contrast and brightness for each channel on its own")
    noise: float = Field(0.0, ge=0, description="largest standard deviation of added noise, of a range of 1; 0: none")

    @model_validator(mode="before")
    @classmethod
    def _none(cls, given: Any) -> Any:
        """``augment=false`` is none at all."""
        return {"dihedral": False} if given is False else given

    @property
    def idle(self) -> bool:
        """Whether it gives every batch back as it is."""
        return not any(value for name, value in self.model_dump().items() if name not in ("edge", "per_channel"))

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The batch augmented, ``(N, C, H, W)``; `x` itself is not changed."""
        if self.dihedral:
            x = dihedral(x, generator)
        if self.rotation or self.shift or self.zoom or self.shear or self.elastic:
            x = affine(
                x,
                generator,
                rotation=self.rotation,
                shift=self.shift,
                zoom=self.zoom,
                shear=self.shear,
                elastic=self.elastic,
                edge=self.edge,
            )
        if self.blur:
            x = blur(x, generator, sigma=self.blur)
        if self.gamma or self.contrast or self.brightness:
            x = intensity(
                x,
                generator,
                brightness=self.brightness,
                contrast=self.contrast,
                gamma=self.gamma,
                per_channel=self.per_channel,
            )
        return noise(x, generator, sigma=self.noise) if self.noise else x


def together(augment: Augment, *images: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Change images that belong together alike, such as a well on two days, a field and its other stain.

    What is drawn for the first image of the batch is done to the first of every other: a turn or a change of light on
    one day alone would be a difference that nothing in the well made. (The grain of noise differs, its level doesn't.)

    Parameters
    ----------
    augment : Augment
    *images : Tensor, shape (N, C, H, W)
        Values in [0, 1]; channels may differ in number.
    generator : torch.Generator

    Returns
    -------
    tuple of Tensor
        In the order given.

    Raises
    ------
    InputError
        If channels are to be changed on their own: images could not change alike then.
    """
    import torch

    if augment.per_channel:
        raise InputError("Images that change together take per_channel=false: channels would change apart.")
    return augment(torch.cat(images, 1), generator).split([x.shape[1] for x in images], 1)


def _symmetries(x: Tensor) -> tuple[int, ...]:
    return tuple(range(SQUARE)) if x.shape[-1] == x.shape[-2] else _KEEPING_SHAPE


def _uniform(x: Tensor, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Even draws from [-1, 1]."""
    import torch

    return (2 * torch.rand(shape, generator=generator, device=generator.device) - 1).to(x)
