"""The house style of figures, and saving them."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

from coverslip.core import InputError
from coverslip.figures.colours import CATEGORIES, CONTINUOUS
from coverslip.io.atomic import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")

INK = "#1d2733"
"""Text that is read."""

FAINT = "#6b7785"
"""Text and lines that support."""

RULE = "#e4e8ec"
"""Grid lines."""

FORMATS = ("png", "svg", "pdf")


# DejaVu comes with matplotlib, so that figures are the same everywhere. For scripts it lacks, the first font that is
# installed of each of these helps out.
_FOR_OTHER_SCRIPTS = (
    ("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Microsoft YaHei", "PingFang SC", "Hiragino Sans"),
    ("Noto Sans Devanagari", "Nirmala UI", "Kohinoor Devanagari"),
)


def _fonts() -> list[str]:
    from matplotlib.font_manager import fontManager

    installed = set(fontManager.get_font_names())
    helpers = (next((name for name in names if name in installed), None) for names in _FOR_OTHER_SCRIPTS)
    return ["DejaVu Sans", *filter(None, helpers)]


def _style() -> Any:  # matplotlib types its settings by name, one by one
    from cycler import cycler

    return {
        "font.family": _fonts(),
        "font.size": 8.5,
        "text.color": INK,
        "text.parse_math": False,  # labels come from users: a dollar sign is a dollar sign
        "axes.titlesize": 9.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 8,
        "axes.labelcolor": FAINT,
        "axes.labelsize": 8.5,
        "axes.edgecolor": "#aab3bd",
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "grid.color": RULE,
        "grid.linewidth": 0.7,
        "axes.prop_cycle": cycler(color=CATEGORIES),
        "xtick.color": "#aab3bd",
        "ytick.color": "#aab3bd",
        "xtick.labelcolor": FAINT,
        "ytick.labelcolor": FAINT,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "xtick.major.size": 3,
        "ytick.major.size": 0,
        "lines.linewidth": 1.6,
        "lines.solid_capstyle": "round",
        "legend.frameon": False,
        "legend.fontsize": 8,
        "legend.handlelength": 1.6,
        "image.cmap": CONTINUOUS,
        "image.interpolation": "nearest",
        "figure.facecolor": "white",
        "figure.constrained_layout.use": True,
        "savefig.facecolor": "white",
        "svg.fonttype": "none",  # text stays text that can be edited
        "svg.hashsalt": "coverslip",  # the same figure gives the same file
        "pdf.fonttype": 42,
    }


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Give a function that draws a figure the house style, leaving the caller's own settings alone."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        import matplotlib as mpl

        with mpl.rc_context(_style()):
            figure = draw(*args, **kwargs)
            figure.draw_without_rendering()  # ticks are made while drawing: now, so that they take the style too
            return figure

    return drawn


def figure_of(width: float, height: float) -> Figure:
    """An empty figure of a size in inches that belongs to no global state (no pyplot)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def bare(axes: Axes) -> Axes:
    """Take away ticks, grid and frame, as for pictures."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes


def ending(name: str, most: int = 22) -> str:
    """A name, and of a long one the end, which is where names of images differ."""
    return name if len(name) <= most else "…" + name[-most + 1 :]


def save_figure(figure: Figure, path: str | Path, *, dpi: int = 200) -> Path:
    """Write a figure, whole or not at all.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : str or Path
        Ends in ``.png``, ``.svg`` or ``.pdf``. The same figure gives the same bytes.
    dpi : int
        Pixels per inch of a PNG and of pictures inside the others.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    InputError
        If the ending is another, or the file cannot be written there.
    """
    path = Path(path)
    ending = path.suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        raise InputError(f"{path}: a figure is saved as .png, .svg or .pdf; give the file one of these endings.")
    content = figure_bytes(figure, ending, dpi=dpi)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    return path


def figure_bytes(figure: Figure, ending: str = "png", *, dpi: int = 200) -> bytes:
    """The file of a figure as bytes; `ending` is ``"png"``, ``"svg"`` or ``"pdf"``."""
    import matplotlib as mpl

    # Neither the date nor the version, so that the same figure gives the same file.
    unsaid: dict[str, dict[str, Any]] = {
        "png": {"Software": None},
        "svg": {"Date": None, "Creator": None},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    }
    stream = io.BytesIO()
    with mpl.rc_context(_style()):
        figure.savefig(stream, format=ending, dpi=dpi, metadata=unsaid[ending])
    return stream.getvalue()


def short(value: float) -> str:
    """A measured number with the digits that matter: ``5699``, ``13.24``, ``0.031``, ``1.2e-05``."""
    size = abs(value)
    if not 1e-3 <= size < 1e7:
        return f"{value:.2g}" if size else "0"
    return f"{value:.{0 if size >= 1000 else 2 if size >= 1 else 3}f}"
