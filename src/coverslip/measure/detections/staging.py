"""The class of regions read from the cells that they hold, together with the votes of the network that found them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from coverslip.core import Detections, InputError
from coverslip.measure.detections.contents import contents, counts_in
from coverslip.measure.familiar import Familiar
from coverslip.measure.readout import ReadOut, finite, softmax

LEAST_SHARE = 0.6
"""What the class of a region needs of all votes, or of all chances; one with less is not staged."""
LEAST_CELLS = 10
"""A region with fewer cells is staged by its votes alone."""
STAGING = "staging"
"""Under this name a region model, and what it found, say how cells stage its regions."""
SPEAKS, RATHER, BECAUSE, CHANCE, FAMILIAR = "speaks_", "rather_than", "because", "chance_", "familiar"
"""Columns of regions that cells staged: how each type of cells speaks for the class rather than for the next likely one
(log odds); that one; what spoke most, in words; the chance of each class; how alike
what it holds is to regions of the fit, of 1."""
_DENSITY, _VOTES = "density", "votes"
_FLOOR = 0.01
"""Share of the votes that every class has: no network is surer than that."""
_WORDS = 3
_FEW = "its votes: too few cells"
_LEAST_WORD = 0.1
_LEAST_DEEP = 5


@dataclass(frozen=True)
class Staging:
    """How the cells of a region tell its class.

    Parameters
    ----------
    classes : tuple of str
        Of regions, C of them.
    types : tuple of str
        Of cells, K of them.
    read_out : ReadOut
        Of what `coverslip.measure.detections.contents.contents` gives, with its temperature.
    familiar : Familiar
        What regions of the fit held.
    weight : float
        Of the cells, 0 to 1; the votes have what is left. The logarithms of the chances by both are added up so. A
        region that holds what is not familiar is left to the votes, as far as it is so: its cells were not found, or
        not named, as in the fit.
    um : float or None
        µm per pixel of the fit, for images that do not say theirs.
    """

    classes: tuple[str, ...]
    types: tuple[str, ...]
    read_out: ReadOut
    familiar: Familiar
    weight: float
    um: float | None

    def facts(self) -> dict[str, Any]:
        """As plain numbers; `of` gives it back."""
        parts = {"read_out": finite(self.read_out)._asdict(), "familiar": self.familiar._asdict()}
        return {
            "classes": list(self.classes),
            "types": list(self.types),
            "weight": self.weight,
            "um": self.um,
            **{part: {k: _rounded(np.asarray(v).tolist()) for k, v in own.items()} for part, own in parts.items()},
        }

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Staging:
        """From `facts`.

        Raises
        ------
        InputError
            If they are not whole.
        """
        try:
            read_out = ReadOut(**_arrays(facts["read_out"], ReadOut._fields))
            familiar = Familiar(**_arrays(facts["familiar"], Familiar._fields))
            classes, types = tuple(map(str, facts["classes"])), tuple(map(str, facts["types"]))
            found = cls(classes, types, read_out, familiar, float(facts["weight"]), facts["um"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"What says how cells stage regions is damaged ({error}); fit the model again.") from None
        width = 2 * len(types) + 1
        if read_out.weights.shape != (len(classes), width) or familiar.precision.shape != (width, width):
            raise InputError("What says how cells stage regions does not fit its classes; fit the model again.")
        return found

    def features(self, found: Detections) -> np.ndarray:
        """What is read of the cells in each region.

        Raises
        ------
        InputError
            If the cells are of other types.
        """
        lacks = [name for name in self.types if name not in found.classes]
        if lacks:
            raise InputError(
                f"Regions are staged by cells of the types {', '.join(self.types)}, but those found are "
                f"{', '.join(found.classes)}; say --no-restage to keep the stages as the regions have them."
            )
        return contents(found, self.types, self.um)

    def shares(self, values: np.ndarray) -> np.ndarray:
        """How much the cells of each region count beside the votes, of 1, ``(R, 1)``; of `features`."""
        return (self.weight * self.familiar.share(values))[:, None]

    def chances(self, values: np.ndarray, by_votes: np.ndarray) -> np.ndarray:
        """Of each class by both, ``(R, C)``; of `features` and of log chances."""
        share = self.shares(values)
        return softmax(share * self.read_out.logits(values) / self.read_out.temperature + (1 - share) * by_votes)


def votes_of(regions: Detections) -> np.ndarray | None:
    """Log chances of the classes of each region by the votes of the network, ``(R, C)``; None where none are known."""
    names = [f"vote_{name}" for name in regions.classes]
    if not all(name in regions.columns for name in names):
        return None
    votes = np.stack([np.asarray(regions.columns[name], float) for name in names], axis=1)
    shares = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1e-12)
    return np.log(shares * (1 - _FLOOR * len(names)) + _FLOOR)


def restaged(found: Detections, staging: Staging, least_share: float = LEAST_SHARE) -> Detections:
    """Cells whose regions are staged anew, by these cells and the votes.

    Parameters
    ----------
    found : Detections
        Cells with regions, which are of the classes of the staging.
    staging : Staging
        From the region model.
    least_share : float
        Chance that the class of a region needs.

    Returns
    -------
    Detections
        Its regions have new classes, that chance as their score, and further columns, see `SPEAKS`. Those with few
        cells stay as they are.
    """
    regions = found.regions
    assert regions is not None
    if regions.classes != staging.classes or not len(regions):
        return found
    values, by_votes, counts = staging.features(found), votes_of(regions), counts_in(found, staging.types)
    if by_votes is None:
        staging, by_votes = replace(staging, weight=1.0), np.zeros((len(regions), len(regions.classes)))
    chances = staging.chances(values, by_votes)
    few = counts.sum(axis=1) < LEAST_CELLS
    chances[few] = softmax(by_votes[few])
    order = np.argsort(-chances, axis=1, kind="stable")
    best, next_best = order[:, 0], order[:, 1]
    rows = np.arange(len(regions))
    score = chances[rows, best]
    codes = np.where(few, regions.codes, np.where(score >= least_share, best, -1))
    each = _parts(staging, values, by_votes, best, next_best) * ~few[:, None]
    heads = [*staging.types, _DENSITY, _VOTES]
    speaks = {name: each[:, k] for k, name in enumerate(heads)}
    for k, name in enumerate(staging.types):  # by how many there are, and by where they lie
        speaks[name] = each[:, k] + each[:, len(heads) + k]
    words = _words(staging, values, counts, each)
    told = [_FEW if few[i] else _told({name: v[i] for name, v in speaks.items()}, words[i]) for i in rows.tolist()]
    names = np.array(regions.classes, object)
    columns = {
        **{f"{CHANCE}{name}": chances[:, k] for k, name in enumerate(regions.classes)},
        **{f"{SPEAKS}{name}": values for name, values in speaks.items()},
        FAMILIAR: np.where(few, 0.0, staging.familiar.share(values)),
        RATHER: names[next_best],
        BECAUSE: np.array(told, object),
    }
    own = replace(regions, codes=codes.astype(np.intp), score=np.where(few, regions.score, score))
    return replace(found, regions=own.with_columns(**columns))


def _parts(
    staging: Staging, values: np.ndarray, by_votes: np.ndarray, best: np.ndarray, other: np.ndarray
) -> np.ndarray:
    """How shares, density, votes and depths speak for one class rather than for another; ``(R, 2 K + 2)``, log odds."""
    read, rows, count = staging.read_out, np.arange(len(best)), len(staging.types)
    share = staging.shares(values)
    each = (read.weights[best] - read.weights[other]) * (values - read.centre) / read.scale * share / read.temperature
    votes = (1 - share) * (by_votes[rows, best] - by_votes[rows, other])[:, None]
    return np.concatenate([each[:, :count], each[:, 2 * count :], votes, each[:, count : 2 * count]], axis=1)


def _words(staging: Staging, values: np.ndarray, counts: np.ndarray, each: np.ndarray) -> list[dict[str, str]]:
    """Of each region what it is about each type that speaks: that there are none, few, many, or where they lie."""
    k = len(staging.types)
    amount = np.where(values[:, :k] < staging.read_out.centre[:k], "few ", "many ")
    # The depth of hardly any cells is that of all cells of the region, and so says that there are hardly any.
    deep = (counts >= _LEAST_DEEP) & (np.abs(each[:, k + 2 :]) > np.abs(each[:, :k]))
    said = np.where(counts == 0, "no ", np.where(deep, "depth of ", amount))
    return [dict(zip(staging.types, row, strict=True)) for row in said.tolist()]


def _told(speaks: Mapping[str, float], words: Mapping[str, str]) -> str:
    """What spoke most for the class of a region, in words."""
    most = sorted((name for name in speaks if abs(speaks[name]) >= _LEAST_WORD), key=lambda name: -abs(speaks[name]))
    return ", ".join(f"{words.get(name, '')}{name} {speaks[name]:+.1f}" for name in most[:_WORDS])


def _arrays(facts: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Arrays, and numbers, as they were before `_rounded`."""
    return {name: np.asarray(facts[name], float)[()] for name in names}


def _rounded(value: Any) -> Any:
    """Numbers with six digits: more are not known, and files stay short."""
    return [_rounded(each) for each in value] if isinstance(value, list) else float(f"{value:.6g}")
