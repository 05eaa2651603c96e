"""What is believed: proposals are accepted one by one, the best first, each only if it lowers the loss."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from coverslip.methods.kaizen.search import Search


class Proposal(NamedTuple):
    """An object that a generator made for some point.

    Parameters
    ----------
    top, left : int
        Row and column of the image at which its box begins.
    probability : ndarray of float32, shape (h, w)
        Whether a pixel is of the object.
    mask : ndarray of bool, shape (h, w)
        Where it is.
    light : ndarray of float32, shape (h, w)
        What it adds to the image, at least 0; 0 outside the mask.
    confidence : float
        IoU of the mask that its probabilities let expect.
    generator : int
        Which model made it.
    """

    top: int
    left: int
    probability: np.ndarray
    mask: np.ndarray
    light: np.ndarray
    confidence: float
    generator: int

    @property
    def place(self) -> tuple[slice, slice]:
        """Its box in the image."""
        height, width = self.mask.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    @property
    def centroid(self) -> tuple[float, float]:
        """Of its mask, in the image."""
        rows, columns = np.nonzero(self.mask)
        return self.top + float(rows.mean()), self.left + float(columns.mean())


def gain(error: np.ndarray, proposal: Proposal) -> float:
    """By how much adding an object lowers the loss: the sum of ``|error| - |error - light|`` over its box."""
    before = error[proposal.place]
    return float(np.abs(before).sum(dtype=np.float64) - np.abs(before - proposal.light).sum(dtype=np.float64))


def acceptable(proposal: Proposal, lowered: float, search: Search) -> bool:
    """Whether an object that lowers the loss by so much is one to be believed."""
    return (
        lowered > 0
        and proposal.confidence >= search.confidence
        and int(proposal.mask.sum()) >= search.min_area
        and lowered >= search.worth * float(proposal.light.sum(dtype=np.float64))
    )


def accept(error: np.ndarray, proposals: Sequence[Proposal], search: Search) -> list[tuple[int, float]]:
    """Accept proposals greedily, and take their light off the error image.

    The gain of a proposal is computed again, on the error as it is then, whenever one accepted since shares its box:
    so the loss falls with every object that is accepted, also where they overlap.

    Parameters
    ----------
    error : ndarray of float32, shape (H, W)
        The image without what is explained; changed in place.
    proposals : sequence of Proposal
        Of one round.
    search : Search
        `confidence`, `worth` and `min_area` count.

    Returns
    -------
    list of (int, float)
        Which were accepted, in their order, and their gains (all above 0).
    """
    boxes = np.array([(p.top, p.left, p.top + p.mask.shape[0], p.left + p.mask.shape[1]) for p in proposals])
    queue = [
        (-lowered * proposal.confidence, index)
        for index, proposal in enumerate(proposals)
        if acceptable(proposal, lowered := gain(error, proposal), search)
    ]
    heapq.heapify(queue)
    stale = np.zeros(len(proposals), bool)
    accepted = []
    while queue:
        key, index = heapq.heappop(queue)
        proposal = proposals[index]
        lowered = gain(error, proposal) if stale[index] else -key / proposal.confidence
        if stale[index]:
            if not acceptable(proposal, lowered, search):
                continue
            stale[index] = False  # it counts, but there may be a better one now
            heapq.heappush(queue, (-lowered * proposal.confidence, index))
            continue
        error[proposal.place] -= proposal.light
        accepted.append((index, lowered))
        own = boxes[index]
        stale |= (boxes[:, 0] < own[2]) & (own[0] < boxes[:, 2]) & (boxes[:, 1] < own[3]) & (own[1] < boxes[:, 3])
    return accepted
