"""Synthetic nuclei: outlines and textures drawn at random, and real ones cut out, put onto fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.segmentation import find_boundaries

from coverslip.methods.he_nuclei.config import Config
from coverslip.methods.he_nuclei.scenes import DIAMETER, Cutout, Scene

_HARMONICS = 4
_FEW = 0.15
"""Largest share of a patch that synthetic nuclei cover where it shows what the field itself holds."""
_OWN = 0.7
"""How often a nucleus is cut out of the field itself."""
_BESIDE = 0.6
"""How often a nucleus is put beside another one, and not anywhere."""


@dataclass(frozen=True)
class Nucleus:
    """A synthetic nucleus.

    Parameters
    ----------
    cover : ndarray, shape (h, w)
        How much of what is below is covered, 0 to 1, soft at the rim.
    density : ndarray, shape (3, h, w)
        Optical density of the nucleus.
    """

    cover: np.ndarray
    density: np.ndarray


@dataclass(frozen=True)
class Shape:
    """A nucleus without its colour.

    Parameters
    ----------
    cover : ndarray, shape (h, w), float32
        How much of what is below is covered, 0 to 1, soft at the rim.
    level : ndarray, shape (h, w), float32
        Relative amounts of haematoxylin.
    """

    cover: np.ndarray
    level: np.ndarray


def drawn_shapes(count: int, config: Config, rng: np.random.Generator) -> list[Shape]:
    """Nuclei of random outlines and textures: drawn once, turned and coloured wherever they are put."""
    return [_shape(config, rng) for _ in range(count)]


def _shape(config: Config, rng: np.random.Generator) -> Shape:
    diameter = DIAMETER * np.exp(rng.normal(0, config.sizes))
    longer = np.sqrt(1 + abs(rng.normal(0, config.lengthening)))
    half = int(np.ceil(0.8 * diameter * longer)) + 3
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    radius = np.hypot(along / longer, across * longer)
    phi = np.arctan2(across, along)
    edge = np.ones_like(radius)
    for k in range(2, 2 + _HARMONICS):
        edge += rng.normal(0, config.roughness / k) * np.cos(k * phi + rng.uniform(0, 2 * np.pi))
    inside = (diameter / 2 * edge - radius).astype(np.float32)  # pixels below the rim
    cover = np.clip(0.5 + inside / (2 * rng.uniform(0.5, 1.6)), 0, 1)
    rows, columns = (np.flatnonzero(cover.any(axis=axis)) for axis in (1, 0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    level = _texture(inside, diameter, config, rng)
    return Shape(cover[box].astype(np.float32), level[box])


def drawn_nucleus(shape: Shape, scene: Scene, config: Config, rng: np.random.Generator) -> Nucleus:
    """A drawn nucleus in the nuclear colour of a field."""
    cover, level = _turned((shape.cover, shape.level), rng)
    tint = np.exp(rng.normal(0, 0.12, 3))
    contrast = np.maximum(scene.nuclear - scene.around, 0.03) * tint * rng.uniform(*config.strength)
    found = scene.around[:, None, None] + contrast[:, None, None] * level
    return Nucleus(cover * np.float32(rng.uniform(0.75, 1)), found.astype(np.float32))


def _texture(inside: np.ndarray, diameter: float, config: Config, rng: np.random.Generator) -> np.ndarray:
    """Relative amounts of haematoxylin: a rim, an interior that may be pale, chromatin, now and then a nucleolus."""
    pale = rng.uniform(0.3, 1) if rng.random() < config.vesicular else 1.0
    width = rng.uniform(0.05, 0.12) * diameter
    level = pale + (1 - pale) * np.exp(-np.maximum(inside - width / 2, 0) / width)
    grain = ndimage.gaussian_filter(rng.standard_normal(inside.shape), rng.uniform(1.0, 3.0))
    level = level * (1 + rng.uniform(0, 0.45) * grain / max(grain.std(), 1e-6))
    if rng.random() < 0.3 * config.vesicular + 0.1:
        y, x = (rng.uniform(-0.2, 0.2, 2) * diameter + len(inside) // 2).astype(int)
        spot = np.zeros_like(inside)
        spot[y, x] = 1
        size = rng.uniform(0.05, 0.09) * diameter
        level = level + rng.uniform(0.3, 0.8) * ndimage.gaussian_filter(spot, size) * 2 * np.pi * size**2
    return np.maximum(level, 0.1).astype(np.float32)


def cut_nucleus(cutout: Cutout, rng: np.random.Generator) -> Nucleus:
    """A real nucleus, turned, flipped and a little paler or darker."""
    mask, found = _turned((cutout.mask, cutout.density), rng)
    cover = ndimage.gaussian_filter(mask.astype(np.float32), 0.8)
    return Nucleus(np.clip(1.3 * cover, 0, 1), found * np.float32(np.exp(rng.normal(0, 0.12))))


def _turned(arrays: Sequence[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Arrays ``(..., h, w)`` turned and flipped alike."""
    turns, flip = int(rng.integers(4)), bool(rng.integers(2))
    turned = [np.rot90(array, turns, (-2, -1)) for array in arrays]
    return [array[..., ::-1] for array in turned] if flip else turned


class Canvas:
    """A part of a field that nuclei are put onto.

    Parameters
    ----------
    found : ndarray, shape (3, H, W)
        Optical density; changed.
    labels, open : ndarray, shape (H, W)
        Nuclei that are known, and where nothing is known; changed.
    """

    def __init__(self, found: np.ndarray, labels: np.ndarray, open: np.ndarray) -> None:
        self.density, self.labels, self.open = found, labels, open
        self._count = int(labels.max(initial=0))
        self._places: list[tuple[float, float, float]] = []

    def put(self, nucleus: Nucleus, through: float, rng: np.random.Generator) -> None:
        """Put a nucleus somewhere, often beside one that was put before; `through` of what is below shines through."""
        shape = self.labels.shape
        h, w = nucleus.cover.shape
        radius = np.sqrt((nucleus.cover > 0.5).sum() / np.pi)
        if self._places and rng.random() < _BESIDE:
            y, x, other = self._places[rng.integers(len(self._places))]
            angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.8, 1.25) * (radius + other)
            y, x = y + far * np.sin(angle), x + far * np.cos(angle)
        else:
            y, x = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        top, left = round(y - h / 2), round(x - w / 2)
        rows, columns = slice(max(0, top), min(shape[0], top + h)), slice(max(0, left), min(shape[1], left + w))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        part = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)
        cover, own = nucleus.cover[part], nucleus.density[:, *part]
        below = self.density[:, rows, columns]
        self.density[:, rows, columns] = below * (1 - cover) + cover * (own + through * below)
        self._count += 1
        inside = cover > 0.5 * float(nucleus.cover.max())
        self.labels[rows, columns][inside] = self._count
        self.open[rows, columns][inside] = False
        self._places.append((y, x, radius))


def patch_of(
    target: Scene, others: Sequence[Scene], shapes: Sequence[Shape], config: Config, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A training patch.

    Parameters
    ----------
    target : Scene
        The field that gives the background.
    others : sequence of Scene
        Fields that nuclei may be cut out of, too.
    shapes : sequence of Shape
        Drawn nuclei to choose from.
    config : Config
        Settings.
    rng : numpy Generator
        Decides everything.

    Returns
    -------
    density : ndarray, shape (3, patch, patch), float32
        Optical density.
    targets : ndarray, shape (3, patch, patch), float32
        Nucleus, how central in it, and whether that is known.
    """
    side = max(32, round(config.patch * float(np.exp(rng.uniform(-1, 1) * np.log(config.zoom)))))
    canvas = Canvas(*_window(target, side, rng))
    if rng.random() < config.clouds:
        _cloud(canvas.density, target, rng)
    share = rng.uniform(0, _FEW) if rng.random() < config.real else rng.uniform(0.03, config.crowding)
    for _ in range(rng.poisson(share * side**2 / (np.pi * DIAMETER**2 / 4))):
        source = target if target.cutouts and rng.random() < _OWN else others[int(rng.integers(len(others)))]
        if source.cutouts and rng.random() < config.cut:
            nucleus = cut_nucleus(source.cutouts[rng.integers(len(source.cutouts))], rng)
            canvas.put(nucleus if source is target else _recoloured(nucleus, source, target), 0.0, rng)
        else:
            shape = shapes[int(rng.integers(len(shapes)))]
            canvas.put(drawn_nucleus(shape, target, config, rng), rng.uniform(0, 0.3), rng)
    found, targets = canvas.density, targets_of(canvas.labels, canvas.open)
    return (
        (found, targets) if side == config.patch else (_resized(found, config.patch), _resized(targets, config.patch))
    )


def _recoloured(nucleus: Nucleus, source: Scene, target: Scene) -> Nucleus:
    """A nucleus of one field in the colours of another."""
    there, here = (np.maximum(each.nuclear - each.around, 0.03) for each in (source, target))
    moved = (nucleus.density - source.around[:, None, None]) * (here / there)[:, None, None]
    return Nucleus(nucleus.cover, moved + target.around[:, None, None])


def targets_of(labels: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    """What the network should say, ``(3, H, W)``: nucleus; depth below its rim, 1 at its deepest; whether known."""
    foreground = labels > 0
    outermost = find_boundaries(labels, mode="inner")
    depth = np.where(foreground, ndimage.distance_transform_edt(~outermost) + 1, 0) if outermost.any() else labels
    deepest = ndimage.maximum(depth, labels, np.arange(int(labels.max(initial=0)) + 1))
    central = np.where(foreground, depth / np.maximum(deepest, 1)[labels], 0)
    return np.stack([foreground, central, ~unknown]).astype(np.float32)


def _window(scene: Scene, side: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    arrays = [scene.density, scene.labels, scene.open]
    short = [max(0, side - length) for length in scene.labels.shape]
    if any(short):
        arrays = [np.pad(a, [(0, 0)] * (a.ndim - 2) + [(0, n) for n in short], mode="symmetric") for a in arrays]
    y, x = (int(rng.integers(length - side + 1)) for length in arrays[1].shape)
    found, labels, unknown = _turned([a[..., y : y + side, x : x + side] for a in arrays], rng)
    numbers, place = np.unique(labels, return_inverse=True)
    labels = place.reshape(labels.shape).astype(np.int32) + (0 if numbers[0] == 0 else 1)
    return found.copy(), labels, unknown.copy()


def _cloud(found: np.ndarray, scene: Scene, rng: np.random.Generator) -> None:
    """Haematoxylin that is in no nucleus, as in a cytoplasm rich in ribosomes: smooth, and without an edge."""
    side = found.shape[1]
    coarse = rng.standard_normal((max(2, side // 24 + 2),) * 2)
    smooth = ndimage.zoom(coarse, (side + 1) / (coarse.shape[0] - 1), order=1)[:side, :side]
    colour = np.maximum(scene.nuclear - scene.around, 0.03) * rng.uniform(0.05, 0.35)
    found += (colour[:, None, None] * np.maximum(smooth, 0)).astype(np.float32)


def _resized(image: np.ndarray, side: int) -> np.ndarray:
    import torch
    import torch.nn.functional as F

    pixels = torch.from_numpy(np.ascontiguousarray(image))[None]
    scaled = F.interpolate(
        pixels, size=(side, side), mode="bilinear", antialias=image.shape[-1] > side, align_corners=False
    )
    return np.asarray(scaled[0].numpy())
