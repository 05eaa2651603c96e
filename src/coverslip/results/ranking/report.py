"""The page of a ranking."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Ranking
from coverslip.core.spread import evenly
from coverslip.core.words import number_of
from coverslip.figures.document import Page, page_path, save_figures, write_document
from coverslip.figures.encode import webp_uri
from coverslip.figures.rankings import agreement_map, dose_curves, plate_maps, treatment_order
from coverslip.measure import DoseCurve, kendall, spearman
from coverslip.models.folder import Model
from coverslip.results.ranking.images import pictures_of
from coverslip.results.ranking.options import Report
from coverslip.results.ranking.summary import HIGH, LOW, doses_of, treatment_names, used_rows, words

_GALLERY, _STRIP, _NEAREST, _STRIPS = 24, 12, 8, 30
_LEAST_NUMBERS = 8


def write_report(ranking: Ranking, page: Page, model: Model | None, images: Any, options: Report) -> Path:
    """Make the page of a ranking; see `coverslip.write_report`."""
    page_path(page.path)
    facts = ranking.facts
    shown = _shown(ranking)
    pictures, complaint = pictures_of(ranking, shown, images)
    notes = [*page.notes]
    if complaint:
        notes.append(f"The images are not shown: {complaint}")
    notes += [note for note in facts.get("notes", ()) if note not in notes]
    figures = {**page.figures, **_figures(ranking, options)}
    if page.figures_folder is not None:
        save_figures(figures, page.figures_folder)
    links = {row: webp_uri(picture) for row, picture in pictures.items()}
    count = int((ranking.column("rank") > 0).sum())
    return write_document(
        page.path,
        Path(__file__).parent / "assets" / "ranking.html",
        title=page.title or "Ranking",
        notes=[f"From {ranking.anchors[0]} (0) to {ranking.anchors[1]} (1).", *notes],
        facts=[
            (f"{count:,}", page.things or "samples in order"),
            (str(len(ranking.treatments.get("treatment", ()))), "treatments"),
            (_said(facts.get("z_prime")), "Z′ of the controls"),
            (_said(facts.get("agreement")), "agreement of strategies (tau)"),
        ],
        figures=figures,
        tables={**page.tables, **_tables(ranking)},
        card=model.card if model else "",
        provenance=ranking.provenance,
        word=str(facts.get("verdict", "")),
        why=str(facts.get("why", "")),
        gallery=_gallery(ranking, links),
        strips=_strips(ranking, links),
        nearest=_nearest(ranking, links),
    )


def _said(value: Any) -> str:
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "\u2212") if value is not None and np.isfinite(value) else "–"


def _steps(ranking: Ranking, most: int) -> list[int]:
    """Rows at even steps of the order."""
    rank = ranking.column("rank")
    order = np.flatnonzero(rank > 0)[np.argsort(rank[rank > 0])]
    if not len(order):
        return []
    return order[evenly(len(order), most)].tolist()


def _by_treatment(ranking: Ranking) -> dict[str, list[int]]:
    """Rows of each treatment at even steps, the least affected treatment and well first."""
    names, score, used = treatment_names(ranking), ranking.column("score"), used_rows(ranking)
    found = {}
    for name in ranking.treatments.get("treatment", ())[:_STRIPS]:
        own = np.flatnonzero(used & (names == name))
        own = own[np.argsort(score[own])]
        if len(own):
            found[str(name)] = own[evenly(len(own), _STRIP)].tolist()
    return found


def _shown(ranking: Ranking) -> list[int]:
    rows = _steps(ranking, _GALLERY) + [row for own in _by_treatment(ranking).values() for row in own]
    steps = _steps(ranking, _NEAREST)
    near = ranking.column("nearest")
    return [*rows, *steps, *(int(near[row]) for row in steps if near[row] >= 0)]


def _item(ranking: Ranking, row: int, link: str, before: str = "") -> dict[str, str]:
    role = ranking.column("role")[row]
    name = treatment_names(ranking)[row]
    place = " ".join(str(words(ranking.samples[key])[row]) for key in ("plate", "well") if key in ranking.samples)
    text = f"{before}{_said(ranking.column('score')[row])} · {name}" + (f" · {place}" if place else "")
    return {"picture": link, "text": text, "mark": {LOW: "low", HIGH: "high"}.get(role, "")}


def _gallery(ranking: Ranking, links: dict[int, str]) -> list[dict[str, str]]:
    return [_item(ranking, row, links[row]) for row in _steps(ranking, _GALLERY) if row in links]


def _strips(ranking: Ranking, links: dict[int, str]) -> list[dict[str, Any]]:
    table = ranking.treatments
    found = []
    for i, (name, rows) in enumerate(_by_treatment(ranking).items()):
        items = [_item(ranking, row, links[row]) for row in rows if row in links]
        note = (
            f"rank {table['rank'][i]} ({table['rank_low'][i]}–{table['rank_high'][i]}), "
            f"{number_of(table['wells'][i], 'well')}"
        )
        if items:
            found.append({"name": name, "note": note, "pictures": items})
    return found


def _nearest(ranking: Ranking, links: dict[int, str]) -> list[dict[str, str]]:
    near, found = ranking.column("nearest"), []
    for row in _steps(ranking, _NEAREST):
        other = int(near[row])
        if row in links and other in links:
            found += [_item(ranking, row, links[row]), _item(ranking, other, links[other], "nearest: ")]
    return found


def _figures(ranking: Ranking, options: Report) -> dict[str, Any]:
    score, used = ranking.column("score"), used_rows(ranking)
    figures: dict[str, Any] = {}
    if ranking.treatments:
        names = treatment_names(ranking)
        wells = {str(name): score[used & (names == name)] for name in ranking.treatments["treatment"]}
        figures["Treatments in order"] = (
            treatment_order(ranking.treatments, wells),
            "Dots are wells; the bar is the 95 % bootstrap interval of the mean over plates and wells, and brackets "
            "hold that of the rank. Green: low controls; red: high controls.",
        )
    if "well" in ranking.samples:
        ranked = ranking.column("rank") > 0
        plates = words(ranking.samples["plate"]) if "plate" in ranking.samples else np.full(len(score), "", object)
        values = np.asarray(ranking.column(options.colour) if options.colour else score, dtype=float)
        role = ranking.column("role")
        marks = np.where(role == LOW, "–", np.where(role == HIGH, "+", ""))
        figures["Plate maps"] = (
            plate_maps(
                plates[ranked].tolist(),
                words(ranking.samples["well"])[ranked].tolist(),
                values[ranked],
                options.colour or "score",
                marks[ranked].tolist(),
            ),
            "Look for rows, columns and edges that stand out whatever was in their wells. – low, + high control.",
        )
    doses = doses_of(ranking, used)
    if doses:
        figures["Dose and response"] = (
            dose_curves(doses, _curves(ranking)),
            "Curves of four parameters, fitted with scipy's least squares; large dots are means.",
        )
    strategies = [name for name in ranking.facts["strategies"] if f"score_{name}" in ranking.facts["columns"]]
    if len(strategies) > 1:
        tau = kendall(np.stack([ranking.column(f"score_{name}")[used] for name in strategies]))
        figures["Agreement of strategies"] = (
            agreement_map(tau, strategies),
            "Kendall's tau over single samples: 1 is the same order, 0 none. Strategies that disagree measure other "
            "things, and their consensus is no better than they are.",
        )
    return figures


def _curves(ranking: Ranking) -> dict[str, Callable[[Any], np.ndarray]]:
    table = ranking.doses
    names = [name for name in table if name != "drug"]
    return {
        str(drug): DoseCurve(**{name: table[name][i] for name in names}).response
        for i, drug in enumerate(table.get("drug", ()))
    }


def _tables(ranking: Ranking) -> dict[str, list[dict[str, Any]]]:
    tables: dict[str, list[dict[str, Any]]] = {}
    table = ranking.treatments
    further = [anchor for anchor in ranking.anchors[2:] if f"score_{anchor}" in table]
    if table:
        tables["Treatments"] = [
            {
                "treatment": name,
                "rank": f"{table['rank'][i]} ({table['rank_low'][i]}–{table['rank_high'][i]})",
                "score": (table["score"][i], table["low"][i], table["high"][i]),
                **{f"towards {anchor}": table[f"score_{anchor}"][i] for anchor in further},
                "wells": int(table["wells"][i]),
                "plates": int(table["plates"][i]),
            }
            for i, name in enumerate(table["treatment"])
        ]
    doses = ranking.doses
    if doses:
        tables["Dose–response (scipy)"] = [
            {
                "drug": drug,
                "EC50": (doses["ec50"][i], doses["ec50_low"][i], doses["ec50_high"][i]),
                "effect": (doses["top"][i] - doses["bottom"][i], doses["effect_low"][i], doses["effect_high"][i]),
                "slope": doses["slope"][i],
                "p against flat": doses["p"][i],
                "EC50 inside the doses": bool(doses["inside"][i]),
            }
            for i, drug in enumerate(doses["drug"])
        ]
    explained = explained_by(ranking)
    if explained:
        tables["What explains the scale"] = explained[:12]
    weights = ranking.facts.get("weights") or {}
    tables["What each strategy counts"] = [
        {"strategy": name, "AUROC of the controls": ranking.facts["controls_auroc"][name], "weight": weight}
        for name, weight in weights.items()
    ]
    plates = ranking.facts.get("z_prime_by_plate") or {}
    if len(plates) > 1:
        tables["Z′ of each plate"] = [{"plate": name, "Z′": value} for name, value in plates.items()]
    return tables


def explained_by(ranking: Ranking) -> list[dict[str, Any]]:
    """Rank correlation of the score with each column of numbers, the strongest first."""
    score, used = ranking.column("score"), used_rows(ranking)
    own = set(ranking.facts["columns"].values()) | {"day", "plate", "well", "concentration"}
    found = []
    for name, column in ranking.samples.items():
        if name in own or np.asarray(column).dtype.kind not in "fiu":
            continue
        values = np.asarray(column, dtype=float)
        known = used & np.isfinite(values)
        if known.sum() >= _LEAST_NUMBERS and np.ptp(values[known]) > 0:
            found.append(
                {
                    "column": name,
                    "Spearman with the score": spearman(values[known], score[known]),
                    "n": int(known.sum()),
                }
            )
    return sorted(found, key=lambda row: -abs(row["Spearman with the score"]))
