"""Phantom spheroids in brightfield, drawn from one documented model of which everything is known.

A well holds one spheroid. What it looks like follows from eight numbers (`Spheroid`), and these follow from the day,
the drug's effect and chance (`grown`). Lengths are shares of the image's shorter side.

Light is absorbed along the way through a sphere, ``I = I₀ exp(−µ t(ρ))`` with ``t = 2 √(R² − ρ²) / R`` (Beer and
Lambert), and more in the core, ``t`` of radius ``core · R`` times ``core_density``; the edge is bent by waves of random
phase. A rim of light lies at the edge, as refraction makes one. Debris are dark specks around it. The light falls off
to one side, each plate has its own. A focal plane at distance d from the focus is blurred by a Gaussian of
``blur + 9 |d|`` per mille of the side, and shifted a little, for the stage is not quite straight. At last comes shot
noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spheroid:
    """All that a phantom spheroid is drawn from.

    Parameters
    ----------
    radius : float
        Share of the image's shorter side.
    core : float
        Radius of the dark core, share of `radius`.
    core_density, density : float
        Absorption of the core, and of the whole, along the full diameter.
    roughness : float
        Amplitude of the waves of the edge, share of `radius`.
    rim : float
        Brightness of the rim, share of the light.
    debris : int
        Number of specks.
    y, x : float
        Place of the centre, shares of the shorter side from the middle of the image.
    """

    radius: float
    core: float
    core_density: float
    density: float
    roughness: float
    rim: float
    debris: int
    y: float
    x: float


@dataclass(frozen=True)
class Plate:
    """What all wells of a plate share: the batch effect.

    Parameters
    ----------
    light : float
        Grey value of the empty field.
    slope : (float, float)
        How much the light changes over the image, down and to the right, as shares.
    size : float
        Factor of all radii.
    density : float
        Factor of all absorptions.
    blur : float
        Of the sharpest plane, per mille of the side.
    """

    light: float
    slope: tuple[float, float]
    size: float
    density: float
    blur: float


def draw_plate(rng: np.random.Generator, batch: float = 1.0) -> Plate:
    """A plate; `batch` is how much plates differ, 0 for not at all."""
    return Plate(
        light=36000 * np.exp(batch * rng.normal(0, 0.12)),
        slope=(float(batch * rng.normal(0, 0.04)), float(batch * rng.normal(0, 0.04))),
        size=float(np.exp(batch * rng.normal(0, 0.06))),
        density=float(np.exp(batch * rng.normal(0, 0.12))),
        blur=float(4 + batch * rng.uniform(0, 4)),
    )


def seeded(rng: np.random.Generator, edge: bool = False) -> Spheroid:
    """A spheroid on day 7, before any drug; wells at the edge of a plate dry out and hold smaller ones."""
    return Spheroid(
        radius=float(0.2 * np.exp(rng.normal(0, 0.05)) * (0.94 if edge else 1)),
        core=float(np.clip(rng.normal(0.3, 0.04), 0.05, 0.9)),
        core_density=float(0.35 * np.exp(rng.normal(0, 0.1))),
        density=float(0.75 * np.exp(rng.normal(0, 0.08))),
        roughness=float(np.clip(rng.normal(0.02, 0.006), 0.005, 0.1)),
        rim=float(np.clip(rng.normal(0.1, 0.02), 0, 0.3)),
        debris=int(rng.poisson(4)),
        y=float(rng.normal(0, 0.03)),
        x=float(rng.normal(0, 0.03)),
    )


def grown(before: Spheroid, effect: float, rng: np.random.Generator, *, harm: float = 0.0) -> Spheroid:
    """The same spheroid on day 10.

    Without a drug (``effect=0``) it grows by a tenth and its core grows and darkens, for its middle starves. A drug
    stops growth and shrinks it, makes the core larger and darker still, the edge rough and the rim weak, and sheds
    debris; `harm` makes it burst, which is debris and roughness without a larger core.

    Parameters
    ----------
    before : Spheroid
    effect, harm : float
        In [0, 1].
    rng : numpy.random.Generator
    """
    return Spheroid(
        radius=before.radius * float((1.1 - 0.24 * effect - 0.1 * harm) * np.exp(rng.normal(0, 0.03))),
        core=float(np.clip(before.core + 0.18 + 0.18 * effect + rng.normal(0, 0.04), 0.05, 0.95)),
        core_density=before.core_density * float((1.5 + 0.7 * effect) * np.exp(rng.normal(0, 0.1))),
        density=before.density * float((1.05 + 0.1 * effect) * np.exp(rng.normal(0, 0.05))),
        roughness=float(np.clip(before.roughness + 0.05 * effect + 0.1 * harm + rng.normal(0, 0.006), 0.005, 0.2)),
        rim=before.rim * float(np.clip(1 - 0.5 * effect - 0.5 * harm, 0, 1)),
        debris=int(rng.poisson(6 + 24 * effect + 120 * harm)),
        y=before.y + float(rng.normal(0, 0.02)),
        x=before.x + float(rng.normal(0, 0.02)),
    )


@dataclass(frozen=True)
class Stack:
    """A phantom image.

    Parameters
    ----------
    planes : ndarray of uint16, shape (Z, H, W)
    mask : ndarray of bool, shape (H, W)
        The spheroid without debris, as it lies in the sharpest plane.
    sharpest : int
        The plane nearest to the focus.
    shifts : ndarray, shape (Z, 2)
        By how many pixels each plane is shifted down and to the right.
    """

    planes: np.ndarray
    mask: np.ndarray
    sharpest: int
    shifts: np.ndarray


def draw(spheroid: Spheroid, plate: Plate, shape: tuple[int, int], planes: int, rng: np.random.Generator) -> Stack:
    """Draw a spheroid.

    Parameters
    ----------
    spheroid, plate
        What it is drawn from.
    shape : (int, int)
        Height and width, pixels.
    planes : int
        Focal planes.
    rng : numpy.random.Generator
        Phases, specks, focus, shifts and noise.
    """
    from scipy.ndimage import gaussian_filter, shift

    side = min(shape)
    light, inside = _transmitted(spheroid, plate, shape, rng)
    depths = np.arange(planes) - rng.integers(planes) + rng.uniform(-0.3, 0.3)
    sharpest = int(np.abs(depths).argmin())
    shifts = rng.normal(0, 0.006 * side, (planes, 2)) if planes > 1 else np.zeros((1, 2))
    shifts -= shifts[sharpest]
    gradient = 1 + sum(
        slope * (np.arange(n) / n - 0.5).reshape((-1, 1) if axis == 0 else (1, -1))
        for axis, (slope, n) in enumerate(zip(plate.slope, shape, strict=True))
    )
    found = []
    for depth, moved in zip(depths, shifts, strict=True):
        sigma = side / 1000 * (plate.blur + 9 * abs(depth))
        plane = gaussian_filter(light, sigma, mode="nearest")
        plane = shift(plane, moved, order=1, mode="nearest") * gradient * plate.light
        noisy = plane + rng.normal(size=shape) * np.sqrt(plane) * 4
        found.append(np.clip(np.round(noisy), 0, 65535).astype(np.uint16))
    return Stack(np.stack(found), inside, sharpest, shifts)


def _transmitted(
    spheroid: Spheroid, plate: Plate, shape: tuple[int, int], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The share of light that comes through, and where the spheroid is."""
    from scipy.ndimage import gaussian_filter

    side = min(shape)
    y, x = (np.arange(n) / side - n / side / 2 for n in shape)
    dy, dx = y[:, None] - spheroid.y, x[None, :] - spheroid.x
    angle = np.arctan2(dy, dx)
    waves = sum(
        np.cos(k * angle + rng.uniform(0, 2 * np.pi)) / np.sqrt(k) for k in range(2, 9)
    )  # about ± 2, so halved below
    edge = spheroid.radius * plate.size * (1 + spheroid.roughness * waves / 2)
    rho = np.hypot(dy, dx) / edge
    grain = gaussian_filter(rng.normal(size=shape), side / 90)
    grain *= 0.12 / max(float(grain.std()), 1e-12)
    through = np.sqrt(np.clip(1 - rho**2, 0, None))
    core = np.sqrt(np.clip(1 - (rho / spheroid.core) ** 2, 0, None))
    absorbed = plate.density * (spheroid.density * through * (1 + grain) + spheroid.core_density * core)
    light = np.exp(-absorbed) + spheroid.rim * np.exp(-(((rho - 1.03) / 0.03) ** 2) / 2)
    for _ in range(spheroid.debris):
        far = spheroid.radius * plate.size * (1.05 + 0.5 * rng.beta(1, 2))
        turn, size = rng.uniform(0, 2 * np.pi), rng.uniform(0.006, 0.014)
        sy, sx = spheroid.y + far * np.sin(turn), spheroid.x + far * np.cos(turn)
        light = light * (1 - 0.45 * np.exp(-((y[:, None] - sy) ** 2 + (x[None, :] - sx) ** 2) / (2 * size**2)))
    return light, rho < 1
