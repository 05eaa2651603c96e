"""Find objects in fields with a fitted section model."""

from __future__ import annotations

from collections.abc import Iterator

from coverslip.core import Detections, Fields, Fitted
from coverslip.measure.detections.staging import LEAST_SHARE
from coverslip.methods.section.inference import Finder, found_in


def predict(
    fitted: Fitted,
    fields: Fields,
    *,
    device: str = "auto",
    rotations: int = 4,
    threshold: float | None = None,
    least_votes: int | None = None,
    least_share: float = LEAST_SHARE,
    tile: int | None = None,
) -> Iterator[Detections]:
    """Find the objects of fields one after the other.

    Parameters
    ----------
    fitted : Fitted
        A fitted section model.
    fields : Fields
        Images of any size, with the channels it was fitted to.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    rotations, threshold, least_votes, least_share, tile
        See `coverslip.methods.section.inference.Finder`.

    Yields
    ------
    Detections
        Cells, or regions with outlines.
    """
    finder = Finder(
        fitted,
        device=device,
        rotations=rotations,
        threshold=threshold,
        least_votes=least_votes,
        least_share=least_share,
        tile=tile,
    )
    for index in range(len(fields)):
        yield found_in(finder, fields, index)
