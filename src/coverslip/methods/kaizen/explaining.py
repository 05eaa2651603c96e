"""The two loops: rounds of proposals on an image until none helps, then the same on what is left of it.

Majoral López 2026, chapter 4, algorithms 2 (one image) and 3 (error images); here all proposals of a round are made
in one pass, and the change of the loss is computed where an object is, not over the whole image.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from coverslip.methods.kaizen.accepting import Proposal, accept, cut_to
from coverslip.methods.kaizen.inference import Proposer
from coverslip.methods.kaizen.printed import explained_as_printed
from coverslip.methods.kaizen.search import Search, unexplained_points

_VAIN = 2
"""An image is given up after so many rounds in which nothing was accepted."""

Round = tuple[int, int, int, int, float]
"""Pass, round, proposals, accepted, and by how much the loss fell."""


class Accepted(NamedTuple):
    """An object that is believed.

    Parameters
    ----------
    proposal : Proposal
        What was proposed.
    at : tuple of int
        Pass and round.
    gain : float
        By how much it lowered the loss.
    """

    proposal: Proposal
    at: tuple[int, int]
    gain: float


def explain(
    light: np.ndarray,
    internal: np.ndarray,
    noise: float,
    proposers: Sequence[Proposer],
    search: Search,
    core: tuple[slice, slice] | None = None,
    free: np.ndarray | None = None,
) -> tuple[list[Accepted], list[Round]]:
    """Explain an image by objects.

    Parameters
    ----------
    light : ndarray of float32, shape (H, W)
        The image without its background.
    internal : ndarray of float32, same shape
        What is explained already; the light of accepted objects is added to it.
    noise : float
        Standard deviation of single pixels where there is only background.
    proposers : sequence of Proposer
        The generators; they compete for each object.
    search : Search
        How to search.
    core : tuple of slice, optional
        Rows and columns of this part of a larger image. Objects with their centre outside are explained, too, as far as
        objects of the part may touch them, so that nothing asks about them again; they are left to the other parts.
    free : ndarray of bool, shape (H, W), optional
        Where objects may be; default: everywhere.

    Returns
    -------
    objects : list of Accepted
        In the order they were accepted.
    rounds : list of Round
        One row each.
    """
    error = light - internal
    free = np.ones(light.shape, bool) if free is None else free
    search = search.of_image(light[free])
    beyond = np.zeros(light.shape, bool)
    if core is not None:
        beyond[:] = True
        beyond[_grown(core, max(proposer.reach for proposer in proposers))] = False
    beyond |= ~free
    if search.recipe == "seed":
        found, rounds = explained_as_printed(light, error, noise, proposers, search, beyond)
        return _kept([Accepted(*one) for one in found], internal, core), rounds
    objects: list[Accepted] = []
    rounds = []
    for number in range(search.passes):
        source = error.copy() if number or internal.any() else light
        before = len(objects)
        closed = beyond.copy()
        turn = vain = 0
        while vain < _VAIN and len(points := unexplained_points(error, light - error, closed, noise, search)):
            known = np.array([one.proposal.centroid for one in objects[before:]]).reshape(-1, 2)
            proposals = [pair for proposer in proposers for pair in proposer(source, points, search, known)]
            if not free.all():
                proposals = [(i, cut) for i, one in proposals if (cut := cut_to(one, free))]
            believed = [one.proposal for one in objects]
            chosen = accept(error, [proposal for _, proposal in proposals], search, believed)
            objects += [Accepted(proposals[i][1], (number, turn), gained) for i, gained in chosen]
            explained = {proposals[i][0] for i, _ in chosen}
            in_vain = np.delete(points, sorted(explained), axis=0)
            _close(closed, in_vain, search.apart // 2)
            _close_objects(closed, in_vain, [one.proposal for one in objects])
            own = [gained for i, gained in chosen if _inside(proposals[i][1], core)]
            rounds.append((number, turn, len(points), len(own), sum(own)))
            turn += 1
            vain = 0 if chosen else vain + 1
        if len(objects) == before:
            break
    return _kept(objects, internal, core), rounds


def _kept(objects: Sequence[Accepted], internal: np.ndarray, core: tuple[slice, slice] | None) -> list[Accepted]:
    """Those of this part; their light is added to what is explained."""
    kept = [one for one in objects if _inside(one.proposal, core)]
    for one in kept:
        internal[one.proposal.place] += one.proposal.light
    return kept


def _inside(proposal: Proposal, core: tuple[slice, slice] | None) -> bool:
    return core is None or all(part.start <= at < part.stop for part, at in zip(core, proposal.centroid, strict=True))


def _grown(core: tuple[slice, slice], reach: int) -> tuple[slice, slice]:
    rows, columns = (slice(max(part.start - reach, 0), part.stop + reach) for part in core)
    return rows, columns


def _close(closed: np.ndarray, points: np.ndarray, reach: int) -> None:
    """Around points that were asked in vain, ask no more on the same image."""
    for y, x in points:
        closed[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1] = True


def _close_objects(closed: np.ndarray, points: np.ndarray, objects: Sequence[Proposal]) -> None:
    """Nor anywhere on an object that was asked about in vain: what lies over it shows beside it, too."""
    asked = np.zeros(closed.shape, bool)
    asked[tuple(points.T)] = True
    for one in objects:
        if (asked[one.place] & one.mask).any():
            closed[one.place] |= one.mask
