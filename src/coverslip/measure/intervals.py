"""Intervals: how far a number could have come out differently with other samples of the same kind.

Any statistic can be resampled. Most measures of this room are functions of *sums over samples* (hits per class, a
contingency table): an `Additive` statistic says so, and 2,000 resamplings of it become one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np

from coverslip.core import InputError
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


class Sums(NamedTuple):
    """Samples as what each adds to a sum, and what is made of the sum.

    Parameters
    ----------
    codes : ndarray of int, shape (N,)
        Sample ``i`` adds row ``codes[i]`` of the table.
    table : ndarray or sparse array, shape (U, F)
        Few different rows make large N cheap, few numbers other than 0 in a sparse one make large F cheap.
    finish : callable
        From sums ``(B, F)`` to one number each, ``(B,)``; NaN where undefined.
    """

    codes: np.ndarray
    table: Any
    finish: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Additive:
    """A statistic that is a function of a sum over samples, so that resampling it needs only weighted sums.

    Parameters
    ----------
    summarise : callable
        ``summarise(*arrays) -> Sums``.
    """

    summarise: Callable[..., Sums]

    def __call__(self, *arrays: Any) -> float:
        return _SummedUnits(self, arrays, None).value()

    def difference(self) -> Additive:
        """The statistic of ``(truth, a)`` minus that of ``(truth, b)``, additive in ``(a, b, truth)``."""

        def summarise(a: Any, b: Any, *truth: Any) -> Sums:
            of_a, of_b = self.summarise(*truth, a), self.summarise(*truth, b)
            count, size = of_b.table.shape[0], of_a.table.shape[1]
            pairs, codes = np.unique(of_a.codes * count + of_b.codes, return_inverse=True)

            def finish(sums: np.ndarray) -> np.ndarray:
                return of_a.finish(sums[:, :size]) - of_b.finish(sums[:, size:])

            return Sums(codes, _beside(of_a.table[pairs // count], of_b.table[pairs % count]), finish)

        return Additive(summarise)


def _beside(a: Any, b: Any) -> Any:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.concatenate([a, b], axis=1)
    from scipy.sparse import hstack

    return hstack([a, b], format="csr")


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

    def __init__(self, statistic: Additive, arrays: Sequence[Any], groups: np.ndarray | None) -> None:
        codes, table, self.finish = statistic.summarise(*arrays)
        if groups is None:
            # Samples with the same contribution are drawn as one kind, as often as it occurs.
            self.copies = np.bincount(codes, minlength=table.shape[0])
            self.table = table[self.copies > 0]
        else:
            from scipy.sparse import csr_array

            shape = (groups.max() + 1, table.shape[0])
            self.table = csr_array((np.ones(len(codes)), (groups, codes)), shape=shape) @ table
            self.copies = np.ones(self.table.shape[0], dtype=np.intp)

    def value(self) -> float:
        return self.of(self.copies[self.copies > 0][None])[0].item()

    def of(self, counts: np.ndarray) -> np.ndarray:
        # Laid out row by row, so that equal counts give equal values whatever else is in the batch.
        return self.finish(np.ascontiguousarray(counts.astype(np.float64) @ self.table))

    def left_out(self) -> np.ndarray:
        """The statistic without one unit of each kind, ``(U,)``."""
        total = self.copies[self.copies > 0].astype(np.float64) @ self.table
        kinds, size = self.table.shape
        step = max(1, _COUNTS_AT_ONCE // size)
        parts = (self.table[start : start + step] for start in range(0, kinds, step))
        return np.concatenate(
            [self.finish(total - (part if isinstance(part, np.ndarray) else part.toarray())) for part in parts]
        )


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
    """How often each unit that occurs is drawn in each of `n` resamplings, in batches ``(b, U)``."""
    rng = np.random.default_rng(seed)
    total, there = int(copies.sum()), copies > 0
    step = max(1, _COUNTS_AT_ONCE // max(len(copies), 1))
    if 4 * len(copies) <= total:
        for start in range(0, n, step):
            yield rng.multinomial(total, copies / total, size=min(step, n - start))[:, there]
        return
    # Drawing each sample and counting is quicker than a multinomial with about as many kinds as samples.
    step = max(1, _COUNTS_AT_ONCE // total)
    kinds = int(there.sum())
    kind_of = np.repeat(np.arange(kinds), copies[there])
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
    used = ~np.isnan(left_out)
    weights, left_out = copies[copies > 0][used], left_out[used]
    deviation = (weights @ left_out / max(weights.sum(), 1)) - left_out
    spread = weights @ deviation**2
    acceleration = weights @ deviation**3 / (6 * spread**1.5) if spread > 0 else 0.0
    shifted = bias + ndtri(tails)
    return ndtr(bias + shifted / (1 - acceleration * shifted))
