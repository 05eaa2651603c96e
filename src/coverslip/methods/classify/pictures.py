"""What a report shows of a fitted classifier, as arrays: where it looked."""

from __future__ import annotations

from collections.abc import Iterator

from coverslip.core import Fitted, Illustration, Samples
from coverslip.methods.classify.inference import activation_maps, has_maps


def illustrate(fitted: Fitted, samples: Samples, *, device: str = "auto") -> Iterator[Illustration]:
    """Images, and below them what spoke for the class they were called.

    Parameters
    ----------
    fitted : Fitted
        A fitted classifier.
    samples : Samples
        A few images.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Yields
    ------
    Illustration
        None of networks without maps.
    """
    if not has_maps(fitted) or not len(samples):
        return
    yield Illustration(
        "Where it looked",
        "Images above; below, yellow is what spoke most for the class that each was called, dark what did not (class "
        "activation maps).",
        "heat",
        {"maps": activation_maps(fitted, samples, device=device)},
    )
