"""Embed samples with a fitted VAE."""

from __future__ import annotations

import numpy as np

from coverslip.core import Embedding, Fitted, Samples, beside
from coverslip.measure.embeddings.anomaly import robust_z
from coverslip.methods.vae.inference import posterior_of


def predict(fitted: Fitted, samples: Samples, *, device: str = "auto") -> Embedding:
    """Embed samples.

    Parameters
    ----------
    fitted : Fitted
        A fitted VAE.
    samples : Samples
        Crops of the shape it was fitted to.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Returns
    -------
    Embedding
        The posterior means; ``obs`` has every column of the samples and, for each, ``reconstruction_error``
        (mean squared, normalised scale), ``kl`` (nats) and ``anomaly`` (robust z-score of the negative ELBO against
        the samples held out while fitting; above 3.5 is unusual), with ``coverslip_`` in front where the samples have
        a column of that name already.
    """
    posterior = posterior_of(fitted, samples, device=device)
    found = {
        "reconstruction_error": posterior.error,
        "kl": posterior.kl,
        "anomaly": robust_z(posterior.negative_elbo, np.asarray(fitted.facts["negative_elbo_quantiles"])),
    }
    return Embedding.from_arrays(posterior.mu, beside(samples.obs, found), obsm={"logvar": posterior.logvar})
