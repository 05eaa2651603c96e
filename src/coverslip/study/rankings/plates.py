"""From a folder of images of spheroids on plates to the page of a ranking, in one go."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coverslip.core import Ranking
from coverslip.io.atomic import refuse_existing
from coverslip.train.run import Run
from coverslip.work.asked import Asked

PREPARED, SCALE, RANKING, PAGE = "prepared", "scale", "ranking", "report.html"


def plate_study(
    folder: str | Path,
    out: str | Path,
    *,
    pattern: str | None = None,
    layout: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    spheroids: Mapping[str, Any] | None = None,
    force: bool = False,
) -> tuple[Ranking, tuple[str, ...]]:
    """Prepare images of spheroids, fit a scale to their features, rank the treatments and make the page.

    Parameters
    ----------
    folder, pattern, layout
        As for `coverslip.samples.prepare_spheroids`.
    out : str or Path
        Folder for ``prepared``, ``scale`` (the model), ``ranking`` (the tables) and ``report.html``.
    settings : mapping, optional
        Of the method ``rank``, such as ``anchors``.
    spheroids : mapping, optional
        Of the preparation, such as ``size``.
    force : bool
        Replace what is there.

    Returns
    -------
    ranking : Ranking
    notes : tuple of str
        What was left out, and what lacks something.
    """
    from coverslip.results.ranking.stages import REJECTED, STAGES, Stages
    from coverslip.samples import SpheroidSettings, prepare_spheroids
    from coverslip.verbs.fit import fit_to_folder
    from coverslip.verbs.predict import predict_to_file
    from coverslip.verbs.report import write_report

    out = Path(out)
    parts = {name: out / name for name in (PREPARED, SCALE, RANKING, PAGE)}
    for part in parts.values():
        refuse_existing(part, force)
    seen = Stages()
    sheet = prepare_spheroids(
        folder,
        parts[PREPARED],
        SpheroidSettings.parse(spheroids or {}),
        pattern=pattern,
        layout=layout,
        overwrite=force,
        watch=seen.watch,
        also=seen.write,
    )
    vectors = parts[PREPARED] / "features.h5ad"
    fit_to_folder("rank", vectors, parts[SCALE], dict(settings or {}), run=Run(device="cpu"), force=force)
    written = predict_to_file(parts[SCALE], vectors, parts[RANKING], asked=Asked(device="cpu", force=force))
    shown = (
        (STAGES, "How images were cropped", "Outlines of spheroid and debris, and the square that was cut out."),
        (REJECTED, "What was left out", "The first of them, with the reason."),
    )
    figures = {
        caption: ((parts[PREPARED] / name).read_bytes(), text)
        for name, caption, text in shown
        if (parts[PREPARED] / name).is_file()
    }
    write_report(
        parts[RANKING],
        parts[PAGE],
        model=parts[SCALE],
        notes=list(sheet.notes),
        things="wells in order",
        figures=figures,
    )
    said = (note for note in written.notes if not note.startswith("Verdict"))  # it stands in the ranking
    return written.value, tuple(dict.fromkeys((*sheet.notes, *said)))
