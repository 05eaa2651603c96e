"""What a ranking says in plain words, and when it says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from coverslip.core.words import number_of
from coverslip.measure.rankings.order import pairwise_auroc
from coverslip.measure.rankings.treatments import Standing

ORDERED, PARTLY, CANNOT_TELL, TOO_FEW = "ordered", "partly", "cannot tell", "too few pairs"

LEAST_CONTROLS = 6
LEAST_WELLS = 3
_ALPHA, _MOSTLY, _AGREE = 0.01, 0.7, 0.4


@dataclass(frozen=True)
class Verdict:
    """A word and why.

    Parameters
    ----------
    word : str
        ``"ordered"``, ``"partly"``, ``"cannot tell"`` or ``"too few pairs"``.
    why : str
        A sentence.
    """

    word: str
    why: str

    def __str__(self) -> str:
        return f"{self.word}: {self.why}"


def controls_differ(low: Any, high: Any, *, n: int = 500, seed: int = 0) -> tuple[float, float]:
    """AUROC of the high against the low controls, and the lower end of its 99 % bootstrap interval."""
    a, b = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    rng = np.random.default_rng(seed)

    def auroc(x: np.ndarray, y: np.ndarray) -> float:
        return pairwise_auroc(np.concatenate([x, y]), [0] * len(x) + [1] * len(y), (0, 1))["0", "1"]

    drawn = [auroc(rng.choice(a, len(a)), rng.choice(b, len(b))) for _ in range(n)]
    return auroc(a, b), float(np.quantile(drawn, 0.005))


def verdict(
    found: Standing | None,
    *,
    low: Any,
    high: Any,
    z_prime: float,
    agreement: float,
    counts: Mapping[str, int] | None = None,
    seed: int = 0,
) -> Verdict:
    """Say whether treatments are ordered.

    The rules, in turn: fewer than 6 controls of a kind or 3 wells of every treatment, too few; controls that are not
    told apart (99 % interval of their AUROC holds .5), or treatments that do not differ (permutation test, p ≥ .01),
    cannot tell; at least 70 % of the pairs of treatments in the same order in 95 % of resamplings, strategies that
    agree (mean Kendall tau ≥ .4) and Z′ above 0, ordered; else partly.

    Parameters
    ----------
    found : Standing or None
        The treatments that are to be ranked; None where there are fewer than two.
    low, high : array
        Scores of the controls, which did not take part in the fit.
    z_prime : float
        Of the controls.
    agreement : float
        Mean Kendall tau between strategies; NaN for one strategy.
    counts : mapping of str to int, optional
        Pairs of first and last day of each anchor class, where strategies need them.
    seed : int
        Of the bootstrap.
    """
    least = min((counts or {}).values(), default=LEAST_CONTROLS)
    if min(len(low), len(high), least) < LEAST_CONTROLS:
        numbers = f"{len(low)} low and {len(high)} high"
        pairs = "".join(f", {number_of(n, 'pair')} of days of '{name}'" for name, n in (counts or {}).items())
        return Verdict(
            TOO_FEW, f"at least {LEAST_CONTROLS} controls of each kind are needed; there are {numbers}{pairs}."
        )
    if found is None or int(np.max(found.wells)) < LEAST_WELLS:
        return Verdict(TOO_FEW, f"at least two treatments with {LEAST_WELLS} wells are needed.")
    area, bound = controls_differ(low, high, seed=seed)
    if bound <= 0.5:
        return Verdict(
            CANNOT_TELL,
            f"the scale does not tell the controls apart (AUROC {area:.2f}, 99 % interval from {bound:.2f}).",
        )
    if found.p >= _ALPHA:
        return Verdict(
            CANNOT_TELL, f"the treatments do not differ by more than wells of one treatment do (p = {found.p:.2g})."
        )
    share = f"{100 * found.resolved:.0f} % of the pairs of treatments have a sure order"
    doubts = []
    if found.resolved < _MOSTLY:
        doubts.append(f"only {share}")
    if agreement < _AGREE:
        doubts.append(f"the strategies agree little (mean Kendall tau {agreement:.2f})")
    if not z_prime > 0:
        doubts.append(f"the controls overlap (Z′ {z_prime:.2f}), so that single wells say little")
    if doubts:
        return Verdict(PARTLY, f"{'; '.join(doubts)}.")
    return Verdict(ORDERED, f"{share}, and the controls lie apart (Z′ {z_prime:.2f}).")
