"""The method as it was published: a network trained from scratch for each image; for comparison.

Where the printed formulas fail if they are taken literally, this says what is done instead: the values of Algorithm 1
are kept where it makes them boolean (else its threshold does nothing), blobs get a saturation (a grey blob has no hue
that could be bluish), the cross-entropy has both its terms and its sign, both maps are brought to [0, 1] before they
are mixed, and smoothing scales are pixels of the 256 x 256 image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from scipy.special import ndtri
from skimage.color import hsv2rgb, rgb2hsv
from skimage.filters import threshold_otsu
from skimage.segmentation import watershed
from torch import Tensor

from coverslip.methods.he_nuclei.decoding import without_small
from coverslip.methods.he_nuclei.stain import density, haematoxylin
from coverslip.nn.losses import dice_bce
from coverslip.nn.unet import UNet

_BLUE, _PINK = (0.58, 0.75), (0.85, 0.97)
"""Ranges of hue that count as bluish and pinkish; the source gives none."""


@dataclass(frozen=True)
class Recipe:
    """What the source gives, sections 4.4.3 to 4.5.2; `images`, `width` and ranges of colours are not given there."""

    side: int = 256
    sigma: tuple[float, float] = (5.0, 20.0)
    proportion: tuple[float, float] = (0.01, 0.1)
    mask: float = 127.0
    brightness: tuple[float, float] = (0.5, 1.0)
    images: int = 160
    epochs: int = 10
    batch: int = 16
    learning_rate: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 0.001
    lamda: float = 0.005
    alpha: float = 0.8
    min_area: int = 10
    patience: int = 3
    width: int = 16
    seed: int = 0


def seed_maps(rgb: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Train a network on one image, and give its two maps.

    Parameters
    ----------
    rgb : ndarray, shape (3, H, W)
        In [0, 1].
    recipe : Recipe
        Settings.

    Returns
    -------
    ndarray, shape (2, H, W), float32
        z_a and z_d in [0, 1].
    """
    attention = haematoxylin(density(rgb))
    attention = (attention - attention.min()) / max(float(np.ptp(attention)), 1e-6)
    small = _to_size(rgb, (recipe.side, recipe.side))
    rough = _to_size(attention[None], (recipe.side, recipe.side))[0]
    rng = np.random.default_rng(recipe.seed)
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        model = _trained(small, (rough > threshold_otsu(rough)).astype(np.float32), recipe, rng)
    with torch.inference_mode():
        found = torch.sigmoid(model.eval()(torch.from_numpy(small)[None]))[0].numpy()
    return np.stack([attention, _to_size(found, rgb.shape[1:])[0]]).astype(np.float32)


def seed_labels(maps: np.ndarray, alpha: float, threshold: float | None = None, min_area: int = 10) -> np.ndarray:
    """Mix, threshold (of Otsu, unless one is given), divide at the minima of the distance; section 4.4.1."""
    mixed = alpha * maps[0] + (1 - alpha) * maps[1]
    mask = mixed > (threshold_otsu(mixed) if threshold is None else threshold)
    distance = ndimage.distance_transform_edt(mask)
    tops = (distance == ndimage.maximum_filter(distance, 3)) & mask
    markers, _ = ndimage.label(tops, structure=np.ones((3, 3)))
    return without_small(watershed(-distance, markers, mask=mask), min_area)


def nuclei_blobs(recipe: Recipe, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Algorithm 1: blobs ``(H, W)`` in [0, 1], 0 outside, and their mask."""
    low, high = np.log(recipe.sigma)
    smooth = ndimage.gaussian_filter(rng.standard_normal((recipe.side, recipe.side)), np.exp(rng.uniform(low, high)))
    least = smooth.mean() + ndtri(rng.uniform(*recipe.proportion)) * smooth.std()
    kept = np.maximum(smooth - least, 0)
    full = 255 * kept / max(float(kept.max()), 1e-12)
    mask = full >= recipe.mask
    return full * mask / 255, mask


def synthetic_image(rgb: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Bluish blobs on the target image turned pinkish, equation 4.5: ``(3, H, W)`` in [0, 1], and the mask."""
    blobs, mask = nuclei_blobs(recipe, rng)
    background = rgb2hsv(np.moveaxis(rgb, 0, -1))
    background[..., 0] = rng.uniform(*_PINK)
    cleared = np.where((blobs > rng.uniform(0.6, 1)) & (rng.random() < 0.5), 0.5 * blobs, blobs)
    hue = np.full_like(blobs, rng.uniform(*_BLUE))
    nuclei = np.stack([hue, np.full_like(blobs, rng.uniform(0.3, 0.8)), cleared], -1)
    nuclei[..., 2] *= rng.uniform(*recipe.brightness)
    mixed = hsv2rgb(np.where(mask[..., None], nuclei, background))
    blurred = ndimage.gaussian_filter(mixed, (rng.uniform(0, 1.5),) * 2 + (0,))
    return np.moveaxis(blurred, -1, 0).astype(np.float32), mask.astype(np.float32)


def _trained(target: np.ndarray, rough: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> UNet:
    pairs = [synthetic_image(target, recipe, rng) for _ in range(recipe.images)]
    held_out = max(1, recipe.images // 10)
    images, masks = (torch.from_numpy(np.stack(arrays)) for arrays in zip(*pairs, strict=True))
    own = torch.from_numpy(target)[None], torch.from_numpy(rough)[None]
    model = UNet(3, 1, width=recipe.width, levels=4, stem=1)
    optimiser = torch.optim.SGD(
        model.parameters(), recipe.learning_rate, recipe.momentum, weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, recipe.epochs)
    best, kept, since = float("inf"), {k: t.clone() for k, t in model.state_dict().items()}, 0
    for _ in range(recipe.epochs):
        model.train()
        order = rng.permutation(np.arange(held_out, recipe.images))
        for start in range(0, len(order), recipe.batch):
            rows = torch.from_numpy(order[start : start + recipe.batch])
            loss = _loss(model, *_augmented(images[rows], masks[rows], rng))
            if recipe.lamda:
                loss = loss + recipe.lamda * _loss(model, *_augmented(*own, rng))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        schedule.step()
        model.eval()
        with torch.no_grad():
            error = float(_loss(model, images[:held_out], masks[:held_out]))
        since += 1
        if error < best:
            best, kept, since = error, {k: t.clone() for k, t in model.state_dict().items()}, 0
        if since >= recipe.patience:
            break
    model.load_state_dict(kept)
    return model


def _loss(model: UNet, images: Tensor, masks: Tensor) -> Tensor:
    """Equation 4.7: soft Dice and half the cross-entropy."""
    return 0.5 * dice_bce(model(images)[:, 0], masks, dice=2.0)


def _augmented(images: Tensor, masks: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Turned, flipped, and of another contrast; brightness and colour stay, as the source found."""
    turns, flip = int(rng.integers(4)), bool(rng.integers(2))
    images, masks = (x.rot90(turns, (-2, -1)) for x in (images, masks))
    if flip:
        images, masks = images.flip(-1), masks.flip(-1)
    mean = images.mean((-3, -2, -1), keepdim=True)
    return ((images - mean) * float(rng.uniform(0.8, 1.2)) + mean).clamp(0, 1), masks


def _to_size(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    pixels = torch.from_numpy(np.ascontiguousarray(image, np.float32))[None]
    return np.asarray(F.interpolate(pixels, size=size, mode="bilinear", antialias=True, align_corners=False)[0].numpy())
