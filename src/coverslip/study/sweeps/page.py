"""What a sweep found, drawn: measures by setting, loss curves, reconstructions side by side, what each latent says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Samples
from coverslip.core.words import counted

KL_OF = "kl_z"
"""What columns of the KL of one latent begin with."""

_OF_OBJECTS = ("ap50", "ap", "pixel_f1")
"""What is measured of methods that find objects."""

_SWITCHES = {"separation"}
"""Settings that make another loss, beside those that weight a term of it."""

_SCALES = {"normalise", "percentiles", "per_channel", "likelihood"}
"""Settings that change what an error is counted in."""

_MOST_CURVES = 12
"""More curves than this cannot be told apart in one figure."""

_MOST_ROWS = 24
"""Reconstructions of more combinations than this make a picture that nobody looks at."""


_NAMES = {"kl": "KL", "mmd": "MMD"}


@dataclass
class Seen:
    """What is drawn of the fits of a sweep, gathered while they are made.

    Parameters
    ----------
    over : list of str
        The swept settings.
    weights : mapping of str to str
        Terms of the loss, and the settings that weight them.
    first_epoch : int
        Loss curves from this epoch on.
    histories, latents : dict
        By fit: the rows of its history, and the KL of each latent.
    reconstructions : dict
        By combination: what it gives the pictured images back as ``(n, C, H, W)``, in stored grey values.
    """

    over: list[str]
    weights: Mapping[str, str]
    first_epoch: int = 1
    histories: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    latents: dict[str, np.ndarray] = field(default_factory=dict)
    reconstructions: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def titles(self) -> dict[str, str]:
        """What weighted terms are called: ``beta · KL``."""
        return {
            f"{part}{setting}_{term}": f"{part.replace('_', ' ')}{setting} · {_NAMES.get(term, term)}"
            for term, setting in self.weights.items()
            for part in ("", "val_")
        }


def write_sweep(
    out: Path,
    method: str,
    rows: Sequence[Mapping[str, Any]],
    seen: Seen,
    pictured: Samples | None,
    record: Mapping[str, Any],
) -> None:
    """Draw a sweep, and write its page.

    Parameters
    ----------
    out : Path
        Gets ``report.html``, ``provenance.json``, and of the figures those that there is something for:
        ``sweep.png``, ``losses.png``, ``reconstructions.png``, ``kl.png``.
    method : str
        Its name.
    rows : sequence of mapping
        One per fit.
    seen : Seen
        What else is drawn.
    pictured : Samples or None
        The images that were given back.
    record : mapping
        Provenance.
    """
    from coverslip.figures import save_figure
    from coverslip.study.page import write_study_page

    figures = {}
    for name, (title, figure, text) in _drawn(rows, seen, pictured).items():
        figures[title] = (save_figure(figure, out / name).read_bytes(), text)
    # Sentences are read in a table of their own: at the end of a wide row nobody sees them.
    table = [{key: value for key, value in row.items() if not key.startswith(KL_OF) and key != "note"} for row in rows]
    named = (*seen.over, "seed") if "seed" not in seen.over else tuple(seen.over)
    said = [{**{key: row[key] for key in named}, "note": row["note"]} for row in rows if row["note"]]
    write_study_page(
        out,
        title=f"Sweep of {method} over {', '.join(seen.over)}",
        notes=_notes(seen),
        facts=[counted(len(rows), "fit")],
        figures=figures,
        tables={"Fits": table, **({"What fits said": said} if said else {})},
        provenance=record,
    )


def _notes(seen: Seen) -> list[str]:
    said = []
    for term, setting in seen.weights.items():
        name = _NAMES.get(term, term)
        there = any(f"{setting}_{term}" in row for history in seen.histories.values() for row in history)
        if there and setting in seen.over:
            said.append(
                f"Over {setting} the loss is another one for each value, so compare its terms. {name} is the term "
                f"itself, {setting} · {name} what it adds to the loss: where the one falls the other may grow."
            )
    return said or ["What is measured is of the held-out images; a difference smaller than that between seeds is none."]


def _drawn(rows: Sequence[Mapping[str, Any]], seen: Seen, pictured: Samples | None) -> dict[str, tuple[str, Any, str]]:
    """By file name: title, figure and what to look at."""
    from coverslip.figures import kl_by_fit, loss_curves, reconstruction_grid, sweep_figure

    found: dict[str, tuple[str, Any, str]] = {}
    measures = _measures(rows[0], seen)
    if len(seen.over) <= 2 and measures:
        figure = sweep_figure(rows, seen.over, measures, titles=seen.titles)
        found["sweep.png"] = (
            "Measures by setting",
            figure,
            "Means over restarts; bands from the smallest to the largest.",
        )
    if pictured is not None and seen.reconstructions:
        shown = dict(list(seen.reconstructions.items())[:_MOST_ROWS])
        originals = pictured.read(np.arange(len(pictured)))
        figure = reconstruction_grid(originals, shown, pictured.channels, len(originals))
        text = "The same images above, held out where some are, and what each combination (its first seed) gives back."
        found["reconstructions.png"] = ("Reconstructions", figure, text)
    if 0 < len(seen.latents) <= _MOST_CURVES:
        text = "Flat at 0: dimensions that say nothing. Beside each name the sum over its dimensions, without weight."
        found["kl.png"] = ("KL of each latent dimension", kl_by_fit(seen.latents), text)
    longest = max((len(history) for history in seen.histories.values()), default=0)
    if longest and len(seen.histories) <= _MOST_CURVES:
        first = min(seen.first_epoch, longest)
        figure = loss_curves(seen.histories, first_epoch=first, titles=seen.titles)
        found["losses.png"] = ("Losses by epoch", figure, f"From epoch {first} on.")
    return found


def _measures(row: Mapping[str, Any], seen: Seen) -> list[str]:
    """Which columns are drawn over the settings."""
    known = ("active_units", "probe", "loss", *_OF_OBJECTS)
    measures = [key for key in row if key.startswith("val_") or key in known]
    hidden = {"loss"} if "val_loss" in measures else set()
    if ({*seen.weights.values()} | _SWITCHES) & set(seen.over):  # another loss for each value: only its terms compare
        hidden |= {"loss", "val_loss"}
    if _SCALES & set(seen.over):
        hidden |= {"loss", "val_loss", "val_reconstruction"}
    return [key for key in measures if key not in hidden]
