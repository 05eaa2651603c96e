"""Intervals: how far a number could have come out differently with other samples of the same kind.

Any statistic can be resampled. Most measures of this room are functions of *sums over samples* (hits per class, a
contingency table): an `Additive` statistic says so, and 2,000 resamplings of it become one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np

from coverslip.core.errors import InputError
from coverslip.measure.inputs import encode

# Resampled counts held at once: 32 MB.
_COUNTS_AT_ONCE = 1 << 22

Statistic = Callable[..., float]
Method = Literal["percentile", "bca"]
F = TypeVar("F", bound=Callable[..., float])


@dataclass(frozen=True, slots=True)
class Interval:
    """A number with its interval.

    Parameters
    ----------
    value : float
        The statistic of the samples as they are.
    low, high : float
        Ends of the interval; both NaN where none was computed.
    n : int
        Number of samples.
    level : float
        Coverage the interval aims at.
    """

    value: float
    low: float
    high: float
    n: int
    level: float = 0.95

    def __str__(self) -> str:
        if np.isnan(self.low):
            return f"{self.value:.3f}"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class Additive:
    """A statistic that is a function of a sum over samples, so that resampling it needs only weighted sums.

    Parameters
    ----------
    summarise : callable
        ``summarise(*arrays) -> codes, table``: sample ``i`` contributes ``table[codes[i]]`` to the sum. `codes` are
        integers ``(N,)``; `table` is ``(U, ...)``. Few different rows make large N cheap.
    finish : callable
        ``finish(sums) -> values``: from sums ``(B, ...)`` to one number each, ``(B,)``; NaN where undefined.
    """

    summarise: Callable[..., tuple[np.ndarray, np.ndarray]]
    finish: Callable[[np.ndarray], np.ndarray]

    def __call__(self, *arrays: Any) -> float:
        codes, table = self.summarise(*arrays)
        return self.of_counts(np.bincount(codes, minlength=len(table))[None], table)[0].item()

    def of_counts(self, counts: np.ndarray, table: np.ndarray) -> np.ndarray:
        """The statistic where row ``u`` of `table` occurs ``counts[b, u]`` times, ``(B,)``."""
        sums = counts.astype(np.float64) @ table.reshape(len(table), -1)
        return self.finish(sums.reshape(len(counts), *table.shape[1:]))

    def difference(self) -> Additive:
        """The statistic of ``(truth, a)`` minus that of ``(truth, b)``, additive in ``(a, b, truth)``."""
        shapes: list[tuple[int, ...]] = []

        def summarise(a: Any, b: Any, *truth: Any) -> tuple[np.ndarray, np.ndarray]:
            (codes_a, table_a), (codes_b, table_b) = self.summarise(*truth, a), self.summarise(*truth, b)
            shapes[:] = [table_a.shape[1:], table_b.shape[1:]]
            pairs, codes = np.unique(codes_a * len(table_b) + codes_b, return_inverse=True)
            rows = [table_a.reshape(len(table_a), -1)[pairs // len(table_b)]]
            rows += [table_b.reshape(len(table_b), -1)[pairs % len(table_b)]]
            return codes, np.concatenate(rows, axis=1)

        def finish(sums: np.ndarray) -> np.ndarray:
            size = int(np.prod(shapes[0]))
            of_a = self.finish(sums[:, :size].reshape(-1, *shapes[0]))
            return of_a - self.finish(sums[:, size:].reshape(-1, *shapes[1]))

        return Additive(summarise, finish)


def resampled_by(additive: Additive) -> Callable[[F], F]:
    """Mark a function as computed by an additive statistic, so that `bootstrap` takes the quick way."""

    def mark(function: F) -> F:
        function.__dict__["additive"] = additive
        return function

    return mark


def bootstrap(
    statistic: Statistic | Additive,
    *arrays: Any,
    groups: Any = None,
    n: int = 2000,
    level: float = 0.95,
    seed: int = 0,
    method: Method = "percentile",
) -> Interval:
    """A statistic with its bootstrap interval, resampling samples or whole groups.

    Parameters
    ----------
    statistic : callable
        ``statistic(*arrays) -> float``. The measures of this room are resampled without a loop.
    *arrays : array, shape (N, ...)
        Resampled together along their first axis.
    groups : array, shape (N,), optional
        The image, well or patient of each sample. Samples of one group are alike, so whole groups are drawn; without
        this the interval comes out too narrow.
    n : int
        Number of resamplings.
    level : float
        Coverage, between 0 and 1.
    seed : int
        The same seed gives the same interval.
    method : {"percentile", "bca"}
        Quantiles of the resampled values, or those corrected for bias and skewness.

    Returns
    -------
    Interval
        Always holds the value: where resampling is so biased that it would not, the interval is widened up to it.
        Resamplings where the statistic is undefined (NaN) are left out.

    Raises
    ------
    InputError
        If the arrays differ in length, hold fewer than 2 samples, or there are fewer than 2 groups.

    References
    ----------
    Efron: Better bootstrap confidence intervals, JASA 82 (1987), equations 2.3 and 6.6.
    """
    if not 0 < level < 1 or n < 1:
        raise InputError(f"A bootstrap needs a level between 0 and 1 and at least 1 resampling, not {level} and {n}.")
    if method not in ("percentile", "bca"):
        raise InputError(f"The interval can be 'percentile' or 'bca', not '{method}'.")
    values = [np.asarray(a) for a in arrays]
    length = len(values[0]) if values and values[0].ndim else 0
    if any(len(v) != length for v in values if v.ndim) or length < 2:
        shapes = ", ".join(str(v.shape) for v in values)
        raise InputError(f"A bootstrap needs arrays of one length, at least 2; these are {shapes}.")
    group_of = None if groups is None else encode(groups, "groups")
    if group_of is not None:
        if len(group_of.codes) != length:
            raise InputError(f"There are {len(group_of.codes)} groups for {length} samples; give one for each.")
        if len(group_of.classes) < 2:
            raise InputError(
                f"All samples lie in one group ('{group_of.names[0]}'), which says nothing about how groups differ; "
                "measure more groups, or leave groups out for an interval within this one."
            )
    found = _additive(statistic)
    units = (
        _SummedUnits(found, values, group_of.codes if group_of else None)
        if found is not None
        else _IndexedUnits(statistic, values, group_of.codes if group_of else None)
    )
    value = units.value()
    resampled = np.concatenate([units.of(counts) for counts in _counts(units.copies, n, seed)])
    resampled = resampled[~np.isnan(resampled)]
    if not len(resampled) or np.isnan(value):
        return Interval(value, float("nan"), float("nan"), length, level)
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    if method == "bca":
        tails = _bca_tails(tails, value, resampled, units.left_out(), units.copies)
    low, high = np.quantile(resampled, tails)
    return Interval(value, float(min(low, value)), float(max(high, value)), length, level)


def paired_difference(
    statistic: Statistic | Additive,
    a: Any,
    b: Any,
    *truth: Any,
    groups: Any = None,
    n: int = 2000,
    level: float = 0.95,
    seed: int = 0,
    method: Method = "percentile",
) -> Interval:
    """How much better method `a` is than method `b` on the same samples, with its interval.

    Both are resampled together, so what makes a sample easy or hard for both cancels: the interval of the difference is
    narrower than those of the two values suggest.

    Parameters
    ----------
    statistic : callable
        ``statistic(*truth, a) -> float``, such as `coverslip.measure.balanced_accuracy`.
    a, b : array, shape (N, ...)
        What each method says about the same samples.
    *truth : array, shape (N, ...)
        What `statistic` takes before them.
    groups, n, level, seed, method
        As for `bootstrap`.

    Returns
    -------
    Interval
        ``statistic(*truth, a) - statistic(*truth, b)``. An interval without 0 speaks for a difference.
    """
    found = _additive(statistic)

    def minus(a: np.ndarray, b: np.ndarray, *truth: np.ndarray) -> float:
        return statistic(*truth, a) - statistic(*truth, b)

    difference = minus if found is None else found.difference()
    return bootstrap(difference, a, b, *truth, groups=groups, n=n, level=level, seed=seed, method=method)


def _additive(statistic: Any) -> Additive | None:
    return statistic if isinstance(statistic, Additive) else getattr(statistic, "additive", None)


class _SummedUnits:
    """What is drawn (samples or groups), for an additive statistic: one row of summed contributions each."""

    def __init__(self, statistic: Additive, arrays: list[np.ndarray], groups: np.ndarray | None) -> None:
        self.statistic = statistic
        codes, table = statistic.summarise(*arrays)
        if groups is None:
            # Samples with the same contribution are drawn as one kind, as often as it occurs.
            self.table = table
            self.copies = np.bincount(codes, minlength=len(table))
        else:
            from scipy.sparse import csr_array

            shape = (groups.max() + 1, len(table))
            crossed = csr_array((np.ones(len(codes)), (groups, codes)), shape=shape)
            self.table = (crossed @ table.reshape(len(table), -1)).reshape(-1, *table.shape[1:])
            self.copies = np.ones(len(self.table), dtype=np.intp)

    def value(self) -> float:
        return self.of(self.copies[None])[0].item()

    def of(self, counts: np.ndarray) -> np.ndarray:
        return self.statistic.of_counts(counts, self.table)

    def left_out(self) -> np.ndarray:
        """The statistic without one unit of each kind, ``(U,)``."""
        total = np.tensordot(self.copies.astype(np.float64), self.table, axes=1)
        return self.statistic.finish(total - self.table)


class _IndexedUnits:
    """The same for any statistic: it is called once per resampling."""

    def __init__(self, statistic: Statistic, arrays: list[np.ndarray], groups: np.ndarray | None) -> None:
        self.statistic, self.arrays = statistic, arrays
        # Samples sorted by unit: those of unit u are order[starts[u] : starts[u] + sizes[u]].
        self.groups = np.arange(len(arrays[0])) if groups is None else groups
        self.copies = np.ones(self.groups.max() + 1, dtype=np.intp)

    def value(self) -> float:
        return float(self.statistic(*self.arrays))

    def of(self, counts: np.ndarray) -> np.ndarray:
        samples = np.arange(len(self.groups))
        chosen = (np.repeat(samples, times[self.groups]) for times in counts)
        return np.array([self.statistic(*(a[i] for a in self.arrays)) for i in chosen], dtype=np.float64)

    def left_out(self) -> np.ndarray:
        kept = 1 - np.eye(len(self.copies), dtype=np.intp)
        return self.of(kept)


def _counts(copies: np.ndarray, n: int, seed: int) -> Iterator[np.ndarray]:
    """How often each unit is drawn in each of `n` resamplings, in batches ``(b, U)``."""
    rng = np.random.default_rng(seed)
    total, kinds = int(copies.sum()), len(copies)
    step = max(1, _COUNTS_AT_ONCE // max(kinds, 1))
    if 4 * kinds <= total:
        for start in range(0, n, step):
            yield rng.multinomial(total, copies / total, size=min(step, n - start))
        return
    # Drawing each sample and counting is quicker than a multinomial with about as many kinds as samples.
    step = max(1, _COUNTS_AT_ONCE // total)
    kind_of = np.repeat(np.arange(kinds), copies)
    for start in range(0, n, step):
        rows = min(step, n - start)
        drawn = kind_of[rng.integers(total, size=(rows, total))] + kinds * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * kinds).reshape(rows, kinds)


def _bca_tails(
    tails: np.ndarray, value: float, resampled: np.ndarray, left_out: np.ndarray, copies: np.ndarray
) -> np.ndarray:
    """Quantiles to read the resampled values at, corrected for bias and acceleration (Efron 1987)."""
    from scipy.special import ndtr, ndtri

    below = ((resampled < value).mean() + (resampled <= value).mean()) / 2
    bias = ndtri(np.clip(below, 0.5 / len(resampled), 1 - 0.5 / len(resampled)))
    used = (copies > 0) & ~np.isnan(left_out)
    weights, left_out = copies[used], left_out[used]
    deviation = (weights @ left_out / max(weights.sum(), 1)) - left_out
    spread = weights @ deviation**2
    acceleration = weights @ deviation**3 / (6 * spread**1.5) if spread > 0 else 0.0
    shifted = bias + ndtri(tails)
    return ndtr(bias + shifted / (1 - acceleration * shifted))
