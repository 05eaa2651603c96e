"""Embed samples and say which cluster each is of."""

from __future__ import annotations

from coverslip.core import Embedding, Fitted, Samples, beside
from coverslip.methods.deep_cluster.inference import encode


def predict(fitted: Fitted, samples: Samples, *, device: str = "auto") -> Embedding:
    """Embed samples and assign them to the clusters.

    Parameters
    ----------
    fitted : Fitted
        A fitted model.
    samples : Samples
        Images of the shape it was fitted to.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Returns
    -------
    Embedding
        The latents; ``obs`` has every column of the samples and, for each, ``cluster`` (``"1"`` is the largest of the
        fit), ``confidence`` (its largest soft membership) and ``reconstruction_error`` (mean squared, normalised
        scale); ``obsm["membership"]`` has the soft memberships ``(N, K)``.
    """
    found = encode(fitted, samples, device=device)
    facts = {
        "cluster": (found.membership.argmax(axis=1) + 1).astype(str),
        "confidence": found.membership.max(axis=1),
        "reconstruction_error": found.error,
    }
    return Embedding.from_arrays(found.latent, beside(samples.obs, facts), obsm={"membership": found.membership})
