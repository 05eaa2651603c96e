"""The two loops as the source prints them: the recipe ``seed``.

Majoral López 2026, chapter 4, algorithms 2 and 3. All predictions of a round that would lower the loss if they were
added alone are added together, so that two of one object can both be; nothing is looked at again from its centre,
nothing is refused for doubt or size, and error images are searched until one brings nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from coverslip.methods.kaizen.accepting import Proposal, cut_to, gain
from coverslip.methods.kaizen.inference import Proposer
from coverslip.methods.kaizen.search import Search, distant_points

_ROUNDS = 100
"""At most, on one error image."""

Found = tuple[Proposal, tuple[int, int], float]


def explained_as_printed(
    light: np.ndarray,
    error: np.ndarray,
    noise: float,
    proposers: Sequence[Proposer],
    search: Search,
    closed: np.ndarray,
) -> tuple[list[Found], list[tuple[int, int, int, int, float]]]:
    """Explain an image by objects.

    Parameters
    ----------
    light, error : ndarray of float32, shape (H, W)
        The image without its background, and without what is explained already; the error is changed in place.
    noise, proposers, search
        As for `coverslip.methods.kaizen.explaining.explain`.
    closed : ndarray of bool, shape (H, W)
        Where no object is asked about.

    Returns
    -------
    objects : list of (Proposal, (int, int), float)
        With pass and round, and by how much each alone lowers the loss.
    rounds : list of tuple
        As `explain` gives them.
    """
    objects: list[Found] = []
    rounds: list[tuple[int, int, int, int, float]] = []
    free = ~closed
    for number in range(search.passes):
        source = error.copy()
        before = len(objects)
        for turn in range(_ROUNDS):
            points = distant_points(error, closed, noise, search)
            proposals = [one for proposer in proposers for _, one in proposer(source, points, search, points[:0])]
            proposals = [cut for one in proposals if (cut := cut_to(one, free)) is not None]
            better = [(one, lowered) for one in proposals if (lowered := gain(error, one)) > 0]
            loss = float(np.abs(error).sum(dtype=np.float64))
            for one, lowered in better:
                error[one.place] -= one.light
                objects.append((one, (number, turn), lowered))
            if len(points):
                fallen = loss - float(np.abs(error).sum(dtype=np.float64))
                rounds.append((number, turn, len(points), len(better), fallen))
            if not better:
                break
        if len(objects) == before:
            break
    return objects, rounds
