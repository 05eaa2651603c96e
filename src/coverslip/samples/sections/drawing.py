"""Draw a section: tubules on a jittered grid, nuclei in their layers, optics of a laboratory over all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from coverslip.core import Config, Detections, PixelSize
from coverslip.samples.sections.testis import CELLS, LAYERS, LOOKS, MARKERS, STAGES, Look

_FULL = 4000.0
"""Grey values of a range of 1."""
_CORNERS = 48


class SectionSettings(Config):
    """Of a phantom section."""

    size: int = Field(2048, ge=256, description="Height and width, pixels.")
    sections: int = Field(4, ge=1, description="How many.")
    um: float = Field(0.5, gt=0, description="µm per pixel.")
    radius: float = Field(95.0, gt=20, description="Mean radius of tubules, µm.")
    laboratories: int = Field(
        1, ge=1, description="Sections are of so many in turn: gain, blur, noise, background, haze."
    )
    markers: tuple[str, ...] = Field(("SOX9", "CREM"), description="Antigens drawn as further channels.")
    expressing: float = Field(0.9, ge=0, le=1, description="Share of the cells of an expressing type that do so.")
    absent: str = Field("", description="A type of cells that is not there, as in a knock-out.")
    seed: int = Field(0, ge=0, description="The same seed gives the same sections.")


@dataclass(frozen=True)
class Laboratory:
    """Its optics.

    Parameters
    ----------
    gain : float
        Of the camera.
    blur : float
        Standard deviation of the point spread, µm.
    noise : float
        Standard deviation of read noise, grey values.
    background : float
        Grey values.
    tilt : float
        How uneven the light is, from edge to edge.
    haze : float
        Light from above and below the focus, which grows with the thickness of the section.
    """

    gain: float
    blur: float
    noise: float
    background: float
    tilt: float
    haze: float

    @classmethod
    def of(cls, number: int) -> Laboratory:
        """The laboratory of a number: the first is usual, others differ."""
        if number == 0:
            return cls(1.0, 0.35, 25.0, 200.0, 0.1, 0.15)
        rng = np.random.default_rng((7, number))
        return cls(
            float(rng.uniform(0.4, 1.6)),
            float(rng.uniform(0.3, 0.8)),
            float(rng.uniform(15, 70)),
            float(rng.uniform(100, 500)),
            float(rng.uniform(0, 0.4)),
            float(rng.uniform(0.1, 0.4)),
        )


@dataclass(frozen=True)
class Section:
    """A section and its truth.

    Parameters
    ----------
    pixels : ndarray of uint16, shape (1 + M, H, W)
        The DNA stain, then the markers.
    cells : Detections
        All nuclei, with the column ``region``, ``positive_<marker>``, and regions.
    """

    pixels: np.ndarray
    cells: Detections


def draw_section(settings: SectionSettings, number: int) -> Section:
    """Draw one section of a series.

    Parameters
    ----------
    settings : SectionSettings
        Of all.
    number : int
        Which; it decides the laboratory, and with the seed all else.
    """
    rng = np.random.default_rng((settings.seed, number))
    side, scale = settings.size, 1 / settings.um
    dna = np.zeros((side, side), np.float32)
    stains = {name: np.zeros((side, side), np.float32) for name in settings.markers}
    outlines, stages = [], []
    boxes, codes, regions = [], [], []
    positive: dict[str, list[bool]] = {name: [] for name in settings.markers}
    for y, x, radius, flat, turn in _tubules(settings, rng):
        stage = int(rng.integers(len(STAGES)))
        stages.append(stage)
        outlines.append((_ellipse(y, x, radius, radius * flat, turn).clip(0, side),))
        for cy, cx, angle, name in _cells(STAGES[stage], y, x, radius, flat, turn, scale, rng):
            if name == settings.absent:
                continue
            box = _nucleus(dna, cy, cx, angle, LOOKS[name], scale, rng)
            if box is None:
                continue
            boxes.append(box)
            codes.append(CELLS.index(name))
            regions.append(len(outlines))
            for marker, stain in stains.items():
                bright = name in MARKERS.get(marker, ()) and rng.random() < settings.expressing
                positive[marker].append(bright)
                if bright:
                    _fill(stain, box, float(rng.uniform(0.5, 0.9)))
    lab = Laboratory.of(number % settings.laboratories)
    channels = [_seen(dna, lab, scale, rng), *(_seen(stain, lab, scale, rng) for stain in stains.values())]
    size, pixel = (side, side), PixelSize(settings.um, settings.um)
    edges = np.array(boxes, float).reshape(-1, 4)
    around = np.array([[*o[0].min(axis=0), *o[0].max(axis=0)] for o in outlines], float).reshape(-1, 4)
    tubules = Detections(
        STAGES, around, np.array(stages, np.intp), np.ones(len(stages)), "", size, pixel, outlines=tuple(outlines)
    )
    columns = {"region": np.array(regions, int)}
    columns |= {f"positive_{name}": np.array(values, bool) for name, values in positive.items()}
    cells = Detections(
        CELLS, edges, np.array(codes, np.intp), np.ones(len(codes)), "", size, pixel, columns=columns, regions=tubules
    )
    return Section(np.stack(channels), cells)


def _tubules(settings: SectionSettings, rng: np.random.Generator) -> Sequence[tuple[float, float, float, float, float]]:
    """Middle, radius, flatness and direction of each; none overlap."""
    radius, side = settings.radius / settings.um, settings.size
    step = 2.25 * radius
    found = []
    for row in range(int(side / (step * 0.87)) + 2):
        for column in range(int(side / step) + 2):
            own = radius * rng.uniform(0.85, 1.02)
            y = row * step * 0.87 + rng.uniform(-1, 1) * 0.05 * radius
            x = (column + 0.5 * (row % 2)) * step + rng.uniform(-1, 1) * 0.05 * radius
            shape = float(rng.uniform(0.82, 1.0)), float(rng.uniform(0, np.pi))
            if own * 0.3 < y < side - own * 0.3 and own * 0.3 < x < side - own * 0.3:
                found.append((float(y), float(x), float(own), *shape))
    return found


def _ellipse(y: float, x: float, along: float, across: float, turn: float) -> np.ndarray:
    """Points ``x, y`` on it."""
    t = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    a, b = along * np.cos(t), across * np.sin(t)
    return np.stack([x + a * np.cos(turn) - b * np.sin(turn), y + a * np.sin(turn) + b * np.cos(turn)], axis=1)


def _cells(
    stage: str, y: float, x: float, radius: float, flat: float, turn: float, scale: float, rng: np.random.Generator
) -> Sequence[tuple[float, float, float, str]]:
    """Middle, direction and type of each cell of a tubule."""
    found = []
    for layer in LAYERS[stage]:
        along, across = radius * layer.height, radius * flat * layer.height
        around = np.pi * (along + across)
        count = max(3, int(around / (layer.gap * scale)))
        names = rng.choice(list(layer.shares), size=count, p=list(layer.shares.values()))
        start = rng.uniform(0, 2 * np.pi)
        for k, name in enumerate(names):
            t = start + 2 * np.pi * (k + rng.uniform(-0.15, 0.15)) / count
            shrink = 1 + rng.uniform(-0.015, 0.015)
            a, b = shrink * along * np.cos(t), shrink * across * np.sin(t)
            cx = x + a * np.cos(turn) - b * np.sin(turn)
            cy = y + a * np.sin(turn) + b * np.cos(turn)
            outwards = np.arctan2(cy - y, cx - x)
            upright = name.startswith("El")  # spermatids point at the wall, other nuclei lie along it
            found.append((cy, cx, outwards + (0 if upright else np.pi / 2) + rng.normal(0, 0.2), str(name)))
    return found


def _nucleus(
    canvas: np.ndarray, y: float, x: float, angle: float, look: Look, scale: float, rng: np.random.Generator
) -> tuple[float, float, float, float] | None:
    """Draw one, and give its box; None where its middle is outside."""
    height, width = canvas.shape
    if not (0 <= y < height and 0 <= x < width):
        return None
    a, b = (look.length, look.width) * np.array(scale * rng.uniform(0.92, 1.08) / 2)
    reach_x = float(np.hypot(a * np.cos(angle), b * np.sin(angle)))
    reach_y = float(np.hypot(a * np.sin(angle), b * np.cos(angle)))
    box = (max(x - reach_x, 0), max(y - reach_y, 0), min(x + reach_x, width), min(y + reach_y, height))
    top, left = int(box[1]), int(box[0])
    rows = np.arange(top, min(int(np.ceil(box[3])), height))[:, None] + 0.5 - y
    columns = np.arange(left, min(int(np.ceil(box[2])), width))[None] + 0.5 - x
    u = (columns * np.cos(angle) + rows * np.sin(angle)) / a
    v = (rows * np.cos(angle) - columns * np.sin(angle)) / b
    away = u**2 + v**2
    chromatin = np.full(away.shape, look.bright, np.float32)
    for _ in range(look.grains):
        t, far = rng.uniform(0, 2 * np.pi), 0.75 * np.sqrt(rng.random()) * (look.grains > 1)
        gu, gv = far * np.cos(t), far * np.sin(t)
        near = ((u - gu) * a) ** 2 + ((v - gv) * b) ** 2
        chromatin += look.contrast * np.exp(-near / (2 * (look.grain * scale / 2) ** 2))
    part = canvas[top : top + away.shape[0], left : left + away.shape[1]]
    np.maximum(part, chromatin * (away <= 1) * rng.uniform(0.9, 1.1), out=part)
    return box


def _fill(stain: np.ndarray, box: tuple[float, float, float, float], bright: float) -> None:
    """A marker in a whole cell: the ellipse in its box."""
    x0, y0, x1, y1 = (round(edge) for edge in box)
    part = stain[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
    rows, columns = ((np.arange(n) + 0.5) / n * 2 - 1 for n in part.shape)
    part[rows[:, None] ** 2 + columns[None] ** 2 <= 1.05] = bright


def _seen(canvas: np.ndarray, lab: Laboratory, scale: float, rng: np.random.Generator) -> np.ndarray:
    """A canvas as a laboratory's camera has it, 16-bit."""
    from scipy import ndimage

    light = ndimage.gaussian_filter(canvas, lab.blur * scale)
    light = (1 - lab.haze) * light + lab.haze * ndimage.gaussian_filter(canvas, 6 * scale)
    height, width = canvas.shape
    slope = 1 + lab.tilt * (np.linspace(-0.5, 0.5, height)[:, None] + np.linspace(-0.5, 0.5, width)[None]) / 2
    grey = lab.background + lab.gain * _FULL * light * slope
    grey = grey + rng.normal(0, 1, canvas.shape) * np.sqrt(lab.noise**2 + 0.5 * grey)  # read and shot noise
    return np.asarray(grey.clip(0, 65535).round(), dtype=np.uint16)
