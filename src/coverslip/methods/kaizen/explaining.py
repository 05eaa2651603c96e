"""The two loops: rounds of proposals on an image until none helps, then the same on what is left of it.

Majoral López 2026, chapter 4, algorithms 2 (one image) and 3 (error images); here all proposals of a round are made
in one pass, and the change of the loss is computed where an object is, not over the whole image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from coverslip.methods.kaizen.accepting import Proposal, accept
from coverslip.methods.kaizen.inference import Proposer
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
    *,
    wanted: Callable[[Proposal], bool] = lambda proposal: True,
    told: Callable[[Round], None] = lambda row: None,
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
    wanted : callable
        Proposals it is false of are not accepted.
    told : callable
        Is told of each round as it ends.

    Returns
    -------
    objects : list of Accepted
        In the order they were accepted.
    rounds : list of Round
        One row each.
    """
    objects: list[Accepted] = []
    rounds: list[Round] = []
    error = light - internal
    for number in range(search.passes):
        source = error.copy() if number or internal.any() else light
        before = len(objects)
        closed = np.zeros(light.shape, bool)
        turn = vain = 0
        while vain < _VAIN and len(points := unexplained_points(error, light - error, closed, noise, search)):
            proposals = [pair for proposer in proposers for pair in proposer(source, points, search)]
            proposals = [(point, proposal) for point, proposal in proposals if wanted(proposal)]
            chosen = accept(error, [proposal for _, proposal in proposals], search)
            objects += [Accepted(proposals[i][1], (number, turn), gained) for i, gained in chosen]
            explained = {proposals[i][0] for i, _ in chosen}
            _close(closed, np.delete(points, sorted(explained), axis=0), search.apart // 2)
            rounds.append((number, turn, len(points), len(chosen), sum(gained for _, gained in chosen)))
            told(rounds[-1])
            turn += 1
            vain = 0 if chosen else vain + 1
        if len(objects) == before:
            break
    np.subtract(light, error, out=internal)
    return objects, rounds


def _close(closed: np.ndarray, points: np.ndarray, reach: int) -> None:
    """Around points that were asked in vain, ask no more on the same image."""
    for y, x in points:
        closed[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1] = True
