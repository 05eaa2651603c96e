"""What a report shows of a fitted model, as arrays: reports draw, methods don't."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from coverslip.core import Fitted, Illustration, Samples, Subset
from coverslip.core.spread import evenly
from coverslip.methods.deep_cluster.inference import encode, reconstruct

_SHOWN = 16
_EACH = 8


def illustrate(fitted: Fitted, samples: Samples, *, device: str = "auto") -> Iterator[Illustration]:
    """Reconstructions, and what each cluster holds from the surest to the least sure.

    Parameters
    ----------
    fitted : Fitted
        A fitted model.
    samples : Samples
        Where the pictures come from.
    device : str
        Where to compute.

    Yields
    ------
    Illustration
        Reconstructions, and a row of pictures of each cluster.
    """
    found = encode(fitted, samples, device=device)
    shown = np.argsort(found.error)[evenly(len(samples), _SHOWN)]
    inputs, outputs = reconstruct(fitted, Subset(samples, shown), device=device)
    yield Illustration(
        "Reconstructions",
        "Inputs above, reconstructions below; from the best to the worst reconstructed.",
        "pairs",
        {"inputs": inputs, "outputs": outputs},
    )
    cluster = found.membership.argmax(axis=1)
    sizes = np.bincount(cluster, minlength=found.membership.shape[1])
    filled = np.flatnonzero(sizes)
    rows = []
    for k in filled:
        members = np.flatnonzero(cluster == k)
        surest = members[np.argsort(-found.membership[members, k], kind="stable")]
        rows.append(surest[np.linspace(0, len(surest) - 1, _EACH).round().astype(int)])
    pictures, _ = reconstruct(fitted, Subset(samples, np.concatenate(rows)), device=device)
    yield Illustration(
        "Clusters",
        "Of each cluster some samples, from the surest on the left to the least sure on the right.",
        "series",
        {
            "images": pictures.reshape(len(filled), _EACH, *pictures.shape[1:]),
            "values": np.linspace(0, 1, _EACH),
            "names": [f"cluster {k + 1} · {sizes[k]:,}" for k in filled],
            "like": inputs,
        },
    )
