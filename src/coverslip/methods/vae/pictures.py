"""What a report shows of a fitted VAE, as arrays: reports draw, methods don't."""

from __future__ import annotations

from typing import Any

import numpy as np

from coverslip.core.fitted import Fitted
from coverslip.core.samples import Samples, Subset
from coverslip.methods.vae.inference import posterior_of, reconstruct, traverse

_SHOWN = 16
_TRAVERSED = 8


def illustrate(fitted: Fitted, samples: Samples, *, device: str = "auto") -> dict[str, Any]:
    """Reconstructions, traversals and the use of the latent dimensions.

    Parameters
    ----------
    fitted : Fitted
        A fitted VAE.
    samples : Samples
        Where the reconstructions come from, evenly spread over the reconstruction error.
    device : str
        Where to compute.

    Returns
    -------
    dict
        ``inputs`` and ``outputs`` ``(n, C, H, W)``, ``traversals`` ``(dimensions, steps, C, H, W)`` of the dimensions
        that say most, named by ``traversal_dimensions``, with ``traversal_values``; ``kl_per_dimension`` and
        ``empirical_kl`` ``(D,)`` of the samples.
    """
    from coverslip.measure.latent import empirical_kl, kl_per_dimension

    posterior = posterior_of(fitted, samples, device=device)
    ranked = np.argsort(posterior.error)
    shown = ranked[np.linspace(0, len(ranked) - 1, min(_SHOWN, len(ranked))).round().astype(int)]
    inputs, outputs = reconstruct(fitted, Subset(samples, shown), device=device)
    kl = kl_per_dimension(posterior.mu, posterior.logvar)
    dimensions = np.argsort(-kl)[:_TRAVERSED].tolist()
    traversals, values = traverse(fitted, dimensions=dimensions, device=device)
    return {
        "inputs": inputs,
        "outputs": outputs,
        "traversals": traversals,
        "traversal_values": values,
        "traversal_dimensions": dimensions,
        "kl_per_dimension": kl,
        "empirical_kl": empirical_kl(posterior.mu, posterior.logvar),
    }
