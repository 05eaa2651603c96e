"""What is believed: proposals are accepted one by one, the surest first, each only if it lowers the loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from coverslip.core import Near, Region
from coverslip.methods.kaizen.search import Search
from coverslip.nn.objects import in_one_piece

_SAME = 0.55
"""Objects whose masks have this IoU or more are one. Two of equal size that overlap by 60 % have 0.43."""


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
    def box(self) -> Region:
        """The rows and columns of the image that it fills."""
        return Region(self.top, self.left, *self.mask.shape)

    @property
    def place(self) -> tuple[slice, slice]:
        """The same, to index the image with."""
        return self.box.slices

    @property
    def centroid(self) -> tuple[float, float]:
        """Of its mask, in the image."""
        rows, columns = np.nonzero(self.mask)
        return self.top + float(rows.mean()), self.left + float(columns.mean())


def cut_to(proposal: Proposal, free: np.ndarray) -> Proposal | None:
    """The part of an object that lies where objects may be, bool ``(H, W)``, in one piece; None if there is none."""
    inside = free[proposal.place]
    if inside[proposal.mask].all():
        return proposal
    mask = in_one_piece(proposal.mask & inside)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return proposal._replace(
        top=proposal.top + int(rows[0]),
        left=proposal.left + int(columns[0]),
        probability=proposal.probability[box],
        mask=mask[box],
        light=np.where(mask, proposal.light, 0)[box],
    )


def gain(error: np.ndarray, proposal: Proposal) -> float:
    """By how much adding an object lowers the loss: the sum of ``|error| - |error - light|`` over its box."""
    before = error[proposal.place]
    return float(np.abs(before).sum(dtype=np.float64) - np.abs(before - proposal.light).sum(dtype=np.float64))


def iou(one: Proposal, other: Proposal) -> float:
    """Of two whole masks: shared pixels over pixels of either."""
    both = one.box.shared(other.box)
    if both is None:
        return 0.0
    shared = int((one.mask[both[0]] & other.mask[both[1]]).sum())
    return shared / max(int(one.mask.sum() + other.mask.sum()) - shared, 1)


def same(one: Proposal, other: Proposal) -> bool:
    """Whether two objects are one that was seen twice."""
    return iou(one, other) >= _SAME


def acceptable(proposal: Proposal, lowered: float, search: Search) -> bool:
    """Whether an object that lowers the loss by so much is one to be believed."""
    area = int(proposal.mask.sum())
    return (
        lowered > 0
        and area >= search.min_area
        and proposal.confidence >= (search.small_confidence if area < search.small else search.confidence)
        and lowered >= search.worth * float(proposal.light.sum(dtype=np.float64))
    )


def accept(
    error: np.ndarray, proposals: Sequence[Proposal], search: Search, believed: Sequence[Proposal] = ()
) -> list[tuple[int, float]]:
    """Accept proposals one by one, the surest first, and take their light off the error image.

    A gain is computed on the error as it is by then, so that the loss falls with every object that is accepted, also
    where several overlap. The order is that of confidence and not of gain: two nuclei that touch, proposed as one,
    explain more than either of them, but the generator is less sure of them. Objects may overlap; one that has most of
    its mask in common with another is the same object, seen twice.

    Parameters
    ----------
    error : ndarray of float32, shape (H, W)
        The image without what is explained; changed in place.
    proposals : sequence of Proposal
        Of one round.
    search : Search
        `confidence`, `small`, `small_confidence`, `worth` and `min_area` count.
    believed : sequence of Proposal
        What was accepted in rounds before.

    Returns
    -------
    list of (int, float)
        Which were accepted, in their order, and their gains (all above 0).
    """
    accepted = []
    there = Near[Proposal](max((max(one.mask.shape) for one in (*proposals, *believed)), default=1))
    for one in believed:
        there.add(one.box, one)
    order = sorted(range(len(proposals)), key=lambda i: (-proposals[i].confidence, -gain(error, proposals[i])))
    for index in order:
        proposal = proposals[index]
        lowered = gain(error, proposal)
        if acceptable(proposal, lowered, search) and not any(same(proposal, one) for one in there.around(proposal.box)):
            error[proposal.place] -= proposal.light
            accepted.append((index, lowered))
            there.add(proposal.box, proposal)
    return accepted
