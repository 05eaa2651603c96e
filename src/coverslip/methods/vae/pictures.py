"""What a report shows of a fitted VAE, as arrays: reports draw, methods don't."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from coverslip.core import Fitted, Illustration, Samples, Subset
from coverslip.core.spread import evenly
from coverslip.methods.vae.inference import posterior_of, reconstruct, traverse

_SHOWN = 16
_TRAVERSED = 8


def illustrate(fitted: Fitted, samples: Samples, *, device: str = "auto") -> Iterator[Illustration]:
    """Reconstructions, traversals and the use of the latent dimensions.

    Parameters
    ----------
    fitted : Fitted
        A fitted VAE.
    samples : Samples
        Where the reconstructions come from, evenly spread over the reconstruction error.
    device : str
        Where to compute.

    Yields
    ------
    Illustration
        Reconstructions, traversals of the dimensions that say most, and the KL of each dimension.
    """
    from coverslip.measure.embeddings.latent import active_units, empirical_kl, kl_per_dimension

    posterior = posterior_of(fitted, samples, device=device)
    ranked = np.argsort(posterior.error)
    shown = ranked[evenly(len(ranked), _SHOWN)]
    inputs, outputs = reconstruct(fitted, Subset(samples, shown), device=device)
    kl = kl_per_dimension(posterior.mu, posterior.logvar)
    # As the fit judged, whatever the samples at hand; a model that was saved before that was kept is judged by these.
    active = fitted.facts.get("active", active_units(posterior.mu, logvar=posterior.logvar))
    dimensions = np.argsort(-kl)[:_TRAVERSED].tolist()
    traversals, values = traverse(fitted, dimensions=dimensions, device=device)
    yield Illustration(
        "Reconstructions",
        "Inputs above, reconstructions below; from the best to the worst reconstructed.",
        "pairs",
        {"inputs": inputs, "outputs": outputs},
    )
    yield Illustration(
        "Traversals",
        "One latent dimension varied at a time, the others at 0; the dimensions that say most come first.",
        "series",
        {
            "images": traversals,
            "values": values,
            "names": [f"z{d} · {kl[d]:.2g} nats" for d in dimensions],
            "like": inputs,
        },
    )
    yield Illustration(
        "Use of the latent dimensions",
        "Nats per dimension. One on grey is not in use, whatever its nats: it did not vary over the samples held out "
        "while fitting.",
        "latents",
        {
            "kl": kl,
            "empirical": empirical_kl(posterior.mu, posterior.logvar),
            "collapsed": ~np.asarray(active),
        },
    )
