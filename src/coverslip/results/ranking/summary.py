"""The order of treatments, dose–response curves and the verdict, from the scores of single samples."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np

from coverslip.core import InputError, Ranking
from coverslip.core.words import number_of
from coverslip.measure import dose_curve, kendall, standing, verdict, z_prime

LOW, HIGH, SAMPLE = "low control", "high control", "sample"

_COUNTS = 0.1
"""Weight from which a strategy counts for the agreement: an AUROC of the controls of about .66."""


def summarised(ranking: Ranking, by: str | None = None, seed: int = 0) -> Ranking:
    """Add treatments, doses and the verdict.

    Parameters
    ----------
    ranking : Ranking
        With scores of samples.
    by : str, optional
        The column that is ranked; default: ``treatment`` with ``concentration``, else the classes.
    seed : int
        Of resampling.
    """
    score, role = ranking.column("score"), ranking.column("role")
    names = treatment_names(ranking, by)
    scored = np.isfinite(score) & (names != "")
    unseen = ranking.column("scored") != "in the fit"
    notes = list(ranking.facts.get("notes", ()))
    if (scored & unseen & (role == SAMPLE)).any() or (scored & unseen).sum() > 4:
        used = scored & unseen
        if (scored & ~unseen).any():
            notes.append(
                f"{number_of(int((scored & ~unseen).sum()), 'sample was', 'samples were')} seen by the fit; "
                "treatments are judged without."
            )
    else:
        used = scored
        notes.append("All samples were seen by the fit: the order says nothing about new ones.")
    plates = _plates(ranking)
    treatments: dict[str, np.ndarray] = {}
    if len(np.unique(names[used])) >= 2:
        found = standing(score[used], names[used], plates[used], seed=seed)
        treatments = {
            "treatment": np.array(found.names, object),
            "role": np.array([_role(role[used & (names == name)]) for name in found.names], object),
            **{name: getattr(found, name) for name in ("wells", "plates", "score", "low", "high")},
            **{name: getattr(found, name) for name in ("rank", "rank_low", "rank_high")},
        }
        for anchor in ranking.anchors[2:]:
            further = ranking.column(f"score_{anchor}")
            own = [used & (names == name) & np.isfinite(further) for name in found.names]
            treatments[f"score_{anchor}"] = np.array([_over_plates(further[rows], plates[rows]) for rows in own])
    low, high = (score[used & (role == end)] for end in (LOW, HIGH))
    between = used & (role == SAMPLE)
    ranked = between if len(np.unique(names[between])) >= 2 else used
    order = (
        standing(score[ranked], names[ranked], plates[ranked], seed=seed) if len(np.unique(names[ranked])) > 1 else None
    )
    tau = _agreement(ranking, ranked)
    apart = z_prime(low, high)
    said = verdict(
        order, low=low, high=high, z_prime=apart, agreement=tau, counts=ranking.facts.get("pairs") or None, seed=seed
    )
    facts = {
        **ranking.facts,
        "notes": notes,
        "z_prime": apart,
        "z_prime_by_plate": {
            str(p): z_prime(*(score[used & (role == e) & (plates == p)] for e in (LOW, HIGH)))
            for p in dict.fromkeys(plates[used].tolist())
        },
        "agreement": tau,
        "p": order.p if order else float("nan"),
        "resolved": order.resolved if order else float("nan"),
        "verdict": said.word,
        "why": said.why,
    }
    return replace(ranking, treatments=treatments, doses=_doses(ranking, used), facts=facts)


def _over_plates(values: np.ndarray, plates: np.ndarray) -> float:
    """The mean over plates of the mean of their wells; NaN for none."""
    means = [values[plates == plate].mean() for plate in dict.fromkeys(plates.tolist())]
    return float(np.mean(means)) if means else float("nan")


def treatment_names(ranking: Ranking, by: str | None = None) -> np.ndarray:
    """What each sample was treated with, ``""`` where that is unknown."""
    columns = ranking.samples
    if by is not None:
        return words(ranking.column(by))
    if "treatment" not in columns:
        return words(columns[ranking.facts["label"]])
    treatment = words(columns["treatment"])
    if "concentration" not in columns:
        return treatment
    pairs = zip(treatment, words(columns["concentration"]), strict=True)
    return np.array([f"{name} {dose}" if name and dose not in ("", "0") else name for name, dose in pairs], object)


def words(column: Any) -> np.ndarray:
    """A column as text; whole numbers without a point."""

    def word(value: Any) -> str:
        if value is None or value != value:
            return ""
        return f"{value:g}" if isinstance(value, float) else str(value)

    return np.array([word(value) for value in np.asarray(column).tolist()], object)


def doses_of(ranking: Ranking, used: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Doses and scores of each single drug, with the low controls as dose 0."""
    columns = ranking.samples
    if not {"treatment", "concentration"} <= set(columns):
        return {}
    score, role = ranking.column("score"), ranking.column("role")
    drug = words(columns["treatment"])
    dose = np.array([_number(text) for text in words(columns["concentration"])])
    found = {}
    for name in dict.fromkeys(drug[used & (role == SAMPLE)].tolist()):
        own = used & (drug == name) & np.isfinite(dose)
        zero = used & (role == LOW)
        if name and len(np.unique(dose[own])) >= 3:
            found[name] = (np.concatenate([np.zeros(zero.sum()), dose[own]]), np.concatenate([score[zero], score[own]]))
    return found


def used_rows(ranking: Ranking) -> np.ndarray:
    """Samples with a score that the fit has not seen; all with a score where it has seen every one."""
    scored = np.isfinite(ranking.column("score"))
    unseen = scored & (ranking.column("scored") != "in the fit")
    return unseen if unseen.any() else scored


def _doses(ranking: Ranking, used: np.ndarray) -> dict[str, np.ndarray]:
    rows: list[dict[str, Any]] = []
    for name, (dose, response) in doses_of(ranking, used).items():
        try:
            rows.append({"drug": name, **asdict(dose_curve(dose, response))})
        except InputError:  # too few doses, or no curve fits
            continue
    return {key: np.array([row[key] for row in rows]) for key in rows[0]} if rows else {}


def _agreement(ranking: Ranking, rows: np.ndarray) -> float:
    """Mean Kendall tau between each two strategies that tell the controls apart at all; NaN for a single one."""
    able = [name for name in ranking.facts["strategies"] if ranking.facts["weights"].get(name, 0) >= _COUNTS]
    if len(able) < 2:
        return float("nan")
    scores = np.stack([ranking.column(f"score_{name}")[rows] for name in able])
    tau = kendall(scores)
    pairs = tau[np.triu_indices(len(tau), 1)]
    pairs = pairs[np.isfinite(pairs)]
    return float(pairs.mean()) if len(pairs) else float("nan")


def _plates(ranking: Ranking) -> np.ndarray:
    for name in ("plate", "group"):
        if name in ranking.samples:
            return words(ranking.samples[name])
    return np.full(len(ranking), "", object)


def _role(roles: np.ndarray) -> str:
    return str(roles[0]) if len(set(roles.tolist())) == 1 else SAMPLE


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
