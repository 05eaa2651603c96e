"""What it costs a domain that one model learns all of them: beside it, a model of each alone, in the same folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.core import InputError
from coverslip.measure import evaluate_classes
from coverslip.samples.opening.again import as_words
from coverslip.study.classes.bench import Bench, Tested
from coverslip.study.classes.divisions import Division
from coverslip.study.classes.pooling import COMPARED, Pooled, difference, domains_of, some_of, together

if TYPE_CHECKING:
    from coverslip.core.config import Config

FITTED_TO = "fitted to"
TOGETHER, ALONE = "all domains", "it alone"


def check_domains(bench: Bench, domain: str | None) -> str:
    """The column of domains, of which each can be fitted alone.

    Raises
    ------
    InputError
        If there are no domains, or one holds a single class.
    """
    if domain is None:
        raise InputError(
            "Fits to each domain alone need domains: give several sheets, or name the column that tells them apart "
            "(--domain)."
        )
    for name, rows in domains_of(bench, domain, np.arange(len(bench.codes))):
        if len(np.unique(bench.codes[rows])) < 2:
            raise InputError(f"'{name}' has images of a single class, so no classifier can be fitted to it alone.")
    return domain


def kinds_in_domains(bench: Bench, domain: str) -> tuple[np.ndarray, list[str]]:
    """The class and domain of each image as one number ``(N,)``, and what these are called.

    Folds have the same share of every class of each domain then.
    """
    of = as_words(bench.samples.obs[domain])
    called = [f"{bench.classes[code]} of {name or 'no domain'}" for name, code in zip(of, bench.codes, strict=True)]
    names, codes = np.unique(called, return_inverse=True)
    return codes, names.tolist()


def of_each(bench: Bench, domain: str, plan: Sequence[Division]) -> list[Division]:
    """The same divisions of each domain alone."""
    found = []
    for name, rows in domains_of(bench, domain, np.arange(len(bench.codes))):
        for each in plan:
            parts = {part: np.intersect1d(getattr(each, part), rows) for part in ("train", "val")}
            test = each.test[np.isin(each.test, rows)]  # in the order of the fit that they are compared with
            facts = {**each.facts, FITTED_TO: name}
            found.append(replace(each, name=f"alone={name},{each.name}", facts=facts, test=test, **parts))
    return found


def measured_alone(
    bench: Bench, domain: str, kinds: Mapping[str, Config], pooled: Mapping[str, Pooled], tested: Sequence[Tested]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Measures of fits to each domain alone, and what the model of all domains is better by on the same images.

    Parameters
    ----------
    bench, domain, kinds
        Of the study.
    pooled : mapping of str to tuple
        The fits to all domains, by kind.
    tested : sequence of Tested
        Fits to each domain alone.
    """
    points, differences = [], []
    for kind in kinds:
        found, _, rows = pooled[kind]
        for name, those in domains_of(bench, domain, rows):
            own = [t for t in tested if t.kind == kind and t.division.facts[FITTED_TO] == name]
            alone, whole = together(bench, own)[0], some_of(found, those)
            points += [{"kind": kind, "domain": name, FITTED_TO: ALONE, **row} for row in evaluate_classes(alone)]
            row: dict[str, Any] = {"kind": kind, "domain": name, "images": len(those)}
            for measure in COMPARED:
                value = difference(whole, alone, measure)
                row[measure] = (value.value, value.low, value.high)
            differences.append(row)
    return points, differences


def alone_notes(differences: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence per kind and domain."""
    said = []
    for row in differences:
        of = f"{row['kind']}, " if row["kind"] else ""
        value, low, high = row["accuracy"]
        said.append(
            f"{of}{row['domain']}: a model of all domains minus one of it alone: accuracy {value:+.3f} "
            f"[{low:+.3f}, {high:+.3f}]."
        )
    return said
