"""Loss curves of one or several fits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.core import InputError
from coverslip.figures.colours import series_colours
from coverslip.figures.style import FAINT, figure_of, short, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

History = Sequence[Mapping[str, Any]] | Mapping[str, Sequence[Any]]
"""One row per epoch, or one column per loss."""

_TRAINING = ("train_", "training_")
_VALIDATION = ("val_", "validation_")


@styled
def loss_curves(
    histories: Mapping[str, History],
    keys: Sequence[str] | None = None,
    *,
    first_epoch: float = 0,
    titles: Mapping[str, str] | None = None,
) -> Figure:
    """Losses over the epochs, one panel per loss and one colour per fit; more than four panels stand in rows.

    Training is a full line, validation (``val_<key>`` or ``validation_<key>``) a dashed one. The legend gives the last
    value of each fit, validation where there is one, in descending order.

    Parameters
    ----------
    histories : mapping of str to history
        Per fit, its name and the rows (or columns) of its ``history.csv``: ``epoch`` and the losses. Without an
        ``epoch`` column the rows are counted from 0.
    keys : sequence of str, optional
        The losses to show; default: every column but ``epoch``, ``learning_rate`` and ``seconds``. A key that no
        history has is left out.
    first_epoch : float
        The first epoch drawn; leaving out the first steep fall shows the rest.
    titles : mapping of str to str, optional
        Panel titles, for those that should differ from the key.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If no history has any of the keys, or none reaches `first_epoch`.
    """
    tables = {name: _columns(history) for name, history in histories.items()}
    if keys is None:
        keys = _losses(tables.values())
    shown = [key for key in keys if any(_series(table, key) for table in tables.values())]
    if not shown:
        known = ", ".join(sorted({column for table in tables.values() for column in table})) or "nothing"
        raise InputError(f"No history has any of the losses {', '.join(keys)}; they have: {known}.")
    across, width, height = (len(shown), 3.6, 3.1) if len(shown) <= _ACROSS else (3, 2.8, 2.4)
    down = -(-len(shown) // across)
    figure = figure_of(width * across + 0.4, (height + 0.19 * len(tables)) * down)
    colours = series_colours(len(tables))
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for axes, key in zip(panels, shown, strict=False):
        _panel(figure, axes, tables, key, colours, first_epoch)
        axes.set_title((titles or {}).get(key, _TITLES.get(key, key.replace("_", " ").capitalize())))
    for axes in panels[len(shown) :]:
        axes.remove()
    return figure


_ACROSS = 4
"""More panels than this stand in rows of three."""

_UNDER = 0.41
"""Where the legend begins below the axes, inches: under the word "epoch"."""


_TITLES = {"loss": "Total loss", "kl": "KL divergence"}


_NO_LOSSES = ("epoch", "learning_rate", "seconds")


def _losses(tables: Iterable[Mapping[str, np.ndarray]]) -> list[str]:
    """The losses of all histories, in their order, without the prefixes that `_series` knows."""
    columns = (column for table in tables for column in table if column not in _NO_LOSSES)
    prefix = f"^({'|'.join(_TRAINING + _VALIDATION)})"
    return list(dict.fromkeys(re.sub(prefix, "", column) for column in columns))


def _panel(
    figure: Figure,
    axes: Axes,
    tables: Mapping[str, Mapping[str, np.ndarray]],
    key: str,
    colours: Sequence[Any],
    first_epoch: float,
) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.ticker import MaxNLocator
    from matplotlib.transforms import ScaledTranslation

    endings: list[tuple[float, str, Any]] = []
    validated = False
    for (name, table), colour in zip(tables.items(), colours, strict=True):
        last = None
        for kind, column in _series(table, key).items():
            epochs, values = table["epoch"], table[column]
            drawn = (epochs >= first_epoch) & np.isfinite(values)
            if not drawn.any():
                continue
            dashes = (0, (3.2, 1.8)) if kind == "validation" else "-"
            validated |= kind == "validation"
            marker = "o" if drawn.sum() == 1 else ""
            axes.plot(epochs[drawn], values[drawn], color=colour, linestyle=dashes, marker=marker, markersize=4)
            last = float(values[drawn][-1])  # validation comes second, so it has the last word
        if last is not None:
            endings.append((last, name, colour))
    if not endings:
        raise InputError(f"No history of '{key}' reaches epoch {first_epoch:g}; choose a smaller first_epoch.")
    endings.sort(key=lambda ending: -ending[0])
    handles = [Line2D([], [], color=colour) for _, _, colour in endings]
    labels = [f"{name}  {short(value)}" for value, name, _ in endings]
    if validated:
        handles.append(Line2D([], [], color=FAINT, linestyle=(0, (3.2, 1.8)), linewidth=1.2))
        labels.append("validation (values are its last)")
    under = ScaledTranslation(0, -_UNDER, figure.dpi_scale_trans)
    axes.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(0, 0),
        bbox_transform=axes.transAxes + under,
        borderaxespad=0,
        borderpad=0,
        labelspacing=0.35,
    )
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.margins(x=0.02)


def _columns(history: History) -> dict[str, np.ndarray]:
    if isinstance(history, Mapping):
        table = {str(key): np.asarray(column, dtype=np.float64) for key, column in history.items()}
    else:
        # A row may lack a column: validation is often every few epochs.
        names = dict.fromkeys(str(name) for row in history for name in row)
        table = {name: np.array([_number(row.get(name)) for row in history]) for name in names}
    length = max((len(column) for column in table.values()), default=0)
    table.setdefault("epoch", np.arange(length, dtype=np.float64))
    return table


def _number(value: Any) -> float:
    return float("nan") if value is None or value == "" else float(value)


def _series(table: Mapping[str, np.ndarray], key: str) -> dict[str, str]:
    """The columns of a loss: training, then validation, of those there are."""
    found = {}
    for kind, names in (
        ("training", (key, *(prefix + key for prefix in _TRAINING))),
        ("validation", tuple(prefix + key for prefix in _VALIDATION)),
    ):
        column = next((name for name in names if name in table), None)
        if column is not None:
            found[kind] = column
    return found
