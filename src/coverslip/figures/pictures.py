"""Figures made of crops: reconstructions, traversals, maps of thumbnails, outlines over an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from coverslip.core import InputError
from coverslip.core.words import number_of
from coverslip.figures.colours import category_colours
from coverslip.figures.style import FAINT, INK, bare, ending, figure_of, styled
from coverslip.figures.thumbnails import Display, fit_display, resize

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GLOW, _DIMMED = 0.55, 0.45
"""How much of a picture its map hides where it is 1, and what is left of the brightness where it is 0."""

_TINT = 0.35
"""How much of its colour a group gives its objects."""


@styled
def reconstruction_grid(
    inputs: np.ndarray,
    outputs: np.ndarray | Mapping[str, np.ndarray],
    channels: Sequence[str] = (),
    n: int = 8,
    *,
    rgb: bool | None = None,
) -> Figure:
    """Inputs above, their reconstructions below, for every channel.

    All are shown in the same range, that of the inputs, so a reconstruction that is too dim looks too dim.

    Parameters
    ----------
    inputs : ndarray, shape (N, C, H, W)
        Images.
    outputs : ndarray or mapping of str to ndarray, shape (N, C, H, W)
        Their reconstructions, in the same units; of several models by name, a row each.
    channels : sequence of str, optional
        Channel names.
    n : int
        How many are shown: the first `n`.
    rgb : bool, optional
        Whether the channels are red, green and blue, shown together; as for `thumbnails`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the shapes differ or are not ``(N, C, H, W)``.
    """
    named = outputs if isinstance(outputs, Mapping) else {"output": outputs}
    wrong = [each.shape for each in named.values() if each.shape != inputs.shape]
    if wrong:
        raise InputError(f"Inputs {inputs.shape} and outputs {wrong[0]} are not of one shape.")
    display = fit_display(inputs, channels, rgb=rgb)
    rows = {"input": inputs, **named}
    scaled = np.stack([display.scale(each[:n]) for each in rows.values()])  # (rows, n, C, H, W)
    _, count, n_channels, height, width = scaled.shape
    if display.rgb:
        names, panels = ["colour"], [np.moveaxis(scaled, 2, -1)]
    else:
        names = list(channels) if len(channels) == n_channels else [f"channel {c}" for c in range(n_channels)]
        names = names if n_channels > 1 or channels else [""]
        panels = [np.repeat(scaled[:, :, c, :, :, None], 3, axis=-1) for c in range(n_channels)]
    side, beside = 0.82, max(1.0, 0.082 * max(map(len, rows)) + 0.35)
    figure = figure_of(side * count + beside, len(panels) * (len(rows) * side * height / width + 0.34) + 0.1)
    for axes, name, panel in zip(figure.subplots(len(panels), 1, squeeze=False)[:, 0], names, panels, strict=True):
        sheet = montage(panel, gap=max(1, width // 20))
        bare(axes).imshow(sheet, interpolation="nearest")
        for row, text in enumerate(rows):
            y = (row + 0.5) / len(rows) * sheet.shape[0]
            axes.text(-0.012 * sheet.shape[1], y, text, ha="right", va="center", color=FAINT, fontsize=8)
        axes.set_title(name, pad=5)
    return figure


@styled
def heat_overlays(pictures: np.ndarray, maps: np.ndarray, across: int = 6) -> Figure:
    """Pictures, and below each what a map of the same place says: nothing is dimmed, much glows red to yellow.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (N, H, W, 3)
        Colours.
    maps : ndarray of float, shape (N, h, w)
        From 0 to 1; brought to the size of the pictures.
    across : int
        Pictures in a row.
    """
    from matplotlib import colormaps

    height, width = pictures.shape[1:3]
    heat = resize(maps[..., None].astype(np.float32), height, width)
    glow = colormaps["autumn"](heat[..., 0])[..., :3]
    picture = pictures / 255
    weight = _GLOW * heat
    over = (1 - weight) * (_DIMMED + (1 - _DIMMED) * heat) * picture + weight * glow
    rows = []
    for start in range(0, len(pictures), across):
        for each in (picture, over):
            row = np.ones((across, height, width, 3))
            row[: len(each[start : start + across])] = each[start : start + across]
            rows.append(row)
    count = min(across, len(pictures))
    sheet = montage(np.stack(rows)[:, :count], gap=max(2, width // 24))
    side = 1.1
    figure = figure_of(side * count, side * len(rows) * height / width)
    bare(figure.subplots()).imshow(sheet.clip(0, 1), interpolation="nearest")
    return figure


@styled
def traversals(
    images: np.ndarray,
    values: Sequence[float | str] | np.ndarray,
    *,
    names: Sequence[str] = (),
    display: Display | None = None,
) -> Figure:
    """What each latent does: one row per latent, decoded along its values with the others held.

    Parameters
    ----------
    images : ndarray, shape (D, S, C, H, W)
        Decoded images, for D latents at S values.
    values : sequence of float or str, length S
        The values, or what to write over each column.
    names : sequence of str, optional
        A name per row, such as ``"z3 · 1.2 nats"``; default ``z0``, ``z1`` …
    display : Display, optional
        Range and colours, best those of the real images (`fit_display`), so that both look alike; default: fitted to
        the decoded ones.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the shapes do not fit together.
    """
    if images.ndim != 5 or images.shape[1] != len(values):
        raise InputError(f"Traversals are (latents, {len(values)} values, C, H, W), not {images.shape}.")
    rows, steps, _, height, width = images.shape
    flat = images.reshape(-1, *images.shape[2:])
    coloured = (display or fit_display(flat)).compose(flat).reshape(rows, steps, height, width, 3)
    sheet = montage(coloured, gap=max(1, width // 24))
    names = [ending(name) for name in names] if len(names) == rows else [f"z{d}" for d in range(rows)]
    side = 0.72
    figure = figure_of(side * steps + max(1.0, 0.07 * max(map(len, names))), side * rows * height / width + 0.55)
    axes = bare(figure.subplots())
    axes.imshow(sheet, interpolation="nearest")
    for row, name in enumerate(names):
        axes.text(
            -0.012 * sheet.shape[1], (row + 0.5) / rows * sheet.shape[0], name, ha="right", va="center", fontsize=8
        )
    for step, value in enumerate(values):
        x = (step + 0.5) / steps * sheet.shape[1]
        axes.text(
            x,
            -0.012 * sheet.shape[1],
            value if isinstance(value, str) else f"{value:.3g}".replace("-", "\u2212"),
            ha="center",
            va="bottom",
            color=FAINT,
            fontsize=8,
        )
    return figure


@styled
def thumbnail_map(xy: np.ndarray, pictures: np.ndarray, *, across: int | None = None, title: str = "") -> Figure:
    """A map drawn with the crops themselves, laid on a grid so that none hides another.

    Each place of the grid shows the sample nearest to its middle; empty places stay empty, so the shape of the map is
    kept. The outermost hundredth on each side is drawn at the border, so that a few far samples do not shrink the rest.

    Parameters
    ----------
    xy : ndarray, shape (N, 2)
        The map.
    pictures : ndarray of uint8, shape (N, h, w, 3)
        From `thumbnails`.
    across : int
        Places along the longer side of the map; default: as fits the number of samples, up to 26.
    title : str
        Above the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the lengths differ.
    """
    if len(xy) != len(pictures):
        raise InputError(f"The map has {len(xy)} points, but there are {len(pictures)} thumbnails.")
    if across is None:
        across = int(np.clip(1.3 * np.sqrt(len(xy)), 4, 26))
    shown, rows, columns, shape = grid_places(np.clip(xy, *np.percentile(xy, [1, 99], axis=0)), across)
    height, width = pictures.shape[1:3]
    sheet = np.full((*shape, height, width, 3), 255, dtype=np.uint8)
    sheet[rows, columns] = pictures[shown]
    canvas = montage(sheet, gap=max(1, width // 16))
    longest = 7.2
    figure = figure_of(*(longest * np.array(canvas.shape[1::-1]) / max(canvas.shape[:2]) + [0, 0.45]))
    axes = bare(figure.subplots())
    axes.imshow(canvas, interpolation="antialiased")
    if title:
        axes.set_title(title)
    note = f"{len(shown)} of {len(xy)} shown" if len(shown) < len(xy) else f"all {len(xy)} shown"
    axes.text(1, 0, note, transform=axes.transAxes, ha="right", va="top", color=FAINT, fontsize=7.5)
    return figure


def grid_places(xy: np.ndarray, across: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[int, int]]:
    """Which points are shown on a grid over a map, and where.

    Parameters
    ----------
    xy : ndarray, shape (N, 2)
        The map, finite; the second coordinate points up.
    across : int
        Places along the longer side.

    Returns
    -------
    shown : ndarray of int, shape (M,)
        Points, at most one per place: the nearest to its middle.
    rows, columns : ndarray of int, shape (M,)
        The place of each, row 0 at the top.
    shape : (int, int)
        Rows and columns of the grid.
    """
    low, high = xy.min(axis=0), xy.max(axis=0)
    step = max(float((high - low).max()) / across, np.finfo(np.float32).tiny)
    scaled = (xy - low) / step
    places = np.minimum(scaled.astype(int), across - 1)
    n_columns, n_rows = places.max(axis=0) + 1
    from_middle = np.square(scaled - places - 0.5).sum(axis=1)
    order = np.lexsort((from_middle, places[:, 1] * n_columns + places[:, 0]))
    key = (places[:, 1] * n_columns + places[:, 0])[order]
    shown = order[np.r_[True, key[1:] != key[:-1]]]
    return shown, n_rows - 1 - places[shown, 1], places[shown, 0], (int(n_rows), int(n_columns))


@styled
def outlines(
    image: np.ndarray,
    labels: np.ndarray,
    *,
    title: str = "",
    colour: str = "#00e5ff",
    groups: Mapping[str, np.ndarray] | None = None,
) -> Figure:
    """Objects outlined over the image they were found in.

    Parameters
    ----------
    image : ndarray, shape (H, W), (C, H, W) or (H, W, 3)
        Any number type; unsigned 8-bit of three channels is shown as red, green and blue.
    labels : ndarray of int, shape (H, W)
        Object numbers, 0 for background.
    title : str
        Above the figure.
    colour : str
        ``#rrggbb`` of the outlines.
    groups : mapping of str to ndarray of int, optional
        Object numbers of each group, outlined and tinted in a colour of its own; objects of none are not drawn.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If image and labels are not of one height and width.
    """
    from matplotlib.colors import to_rgb as rgb_of
    from skimage.segmentation import find_boundaries

    planes = image[None] if image.ndim == 2 else image
    if planes.ndim == 3 and planes.shape[:2] == labels.shape and planes.shape[-1] == 3:
        planes = np.moveaxis(planes, -1, 0)
    if planes.ndim != 3 or planes.shape[1:] != labels.shape:
        raise InputError(f"The image {image.shape} and the labels {labels.shape} are not of one height and width.")
    picture = fit_display(planes[None]).compose(planes[None])[0]
    # Twice as fine, so that a line is one pixel wide and centred on the edge; large images are fine enough.
    fine = 2 if max(labels.shape) <= 1200 else 1
    picture, doubled = (np.repeat(np.repeat(array, fine, axis=0), fine, axis=1) for array in (picture, labels))
    mode = "thick" if fine == 2 else "inner"
    colours = dict(zip(groups, category_colours(len(groups)), strict=True)) if groups else {"": colour}
    for name, shade in colours.items():
        own = np.where(np.isin(doubled, groups[name]), doubled, 0) if groups else doubled
        if groups:
            picture[own > 0] += _TINT * (np.array(rgb_of(shade)) - picture[own > 0])
        picture[find_boundaries(own, mode=mode)] = rgb_of(shade)
    height, width = labels.shape
    figure = figure_of(6.4 * min(1, width / height), 6.4 * min(1, height / width) + 0.4)
    axes = bare(figure.subplots())
    axes.imshow(picture, interpolation="antialiased")
    count = len(np.unique(labels[labels > 0]))
    axes.set_title(title or number_of(count, "object"), color=INK)
    if groups:
        from matplotlib.patches import Patch

        marks = [Patch(color=shade, label=name) for name, shade in colours.items()]
        figure.legend(handles=marks, loc="outside lower center", ncols=min(len(marks), 6), frameon=False)
    return figure


def montage(pictures: np.ndarray, gap: int) -> np.ndarray:
    """Lay pictures ``(R, S, H, W, 3)`` out in R rows and S columns on white, `gap` pixels apart."""
    white = 255 if pictures.dtype == np.uint8 else 1
    padded = np.pad(pictures, [(0, 0), (0, 0), (0, gap), (0, gap), (0, 0)], constant_values=white)
    rows, columns, height, width, _ = padded.shape
    sheet = padded.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, 3)
    return sheet[:-gap, :-gap] if gap else sheet
