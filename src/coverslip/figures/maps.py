"""Two-dimensional maps of an embedding: the latents themselves, PCA at once, UMAP once."""

from __future__ import annotations

import warnings

import numpy as np

from coverslip.core import Embedding, InputError, task
from coverslip.core.words import number_of, word_for

_FEWEST = 5
"""Fewer points than this have no neighbourhoods for UMAP to keep."""


def pca_map(latent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first two principal components.

    The sign of each is fixed (its largest loading is positive), so the same latents always give the same map.

    Parameters
    ----------
    latent : ndarray, shape (N, D)
        One vector per sample; finite.

    Returns
    -------
    xy : ndarray of float32, shape (N, 2)
        Coordinates in the units of the latents, mean 0. With one dimension the second coordinate is 0.
    fraction : ndarray of float64, shape (2,)
        Part of the variance along each, in [0, 1].

    Raises
    ------
    InputError
        If `latent` is not of two dimensions or holds values that are not finite.
    """
    latent = _checked(latent)
    centred = latent.astype(np.float64) - latent.mean(axis=0, dtype=np.float64)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:2] * np.sign(axes[:2][np.arange(len(axes[:2])), np.abs(axes[:2]).argmax(axis=1)])[:, None]
    xy = np.zeros((len(latent), 2), dtype=np.float32)
    xy[:, : len(axes)] = centred @ axes.T
    variance = np.square(singular)
    fraction = np.zeros(2)
    fraction[: len(axes)] = variance[:2] / max(variance.sum(), np.finfo(float).tiny)
    return xy, fraction


def umap_map(latent: np.ndarray, seed: int = 0) -> np.ndarray:
    """A UMAP of the latents (McInnes, Healy and Melville 2018), the same for the same seed.

    The first call in a process compiles for some seconds, which the progress line says.

    Parameters
    ----------
    latent : ndarray, shape (N, D)
        One vector per sample, at least 5; finite.
    seed : int
        Of the layout.

    Returns
    -------
    ndarray of float32, shape (N, 2)
        Coordinates without a unit: neighbours are kept, distances between groups mean little.

    Raises
    ------
    InputError
        If there are fewer than 5 samples or values that are not finite.
    """
    latent = _checked(latent)
    if len(latent) < _FEWEST:
        raise InputError(f"A UMAP needs at least {_FEWEST} samples, but there are {len(latent)}; use the PCA map.")
    line = task("Laying out the UMAP (the first one compiles for about half a minute)")
    try:
        with warnings.catch_warnings():
            # About a part of umap that needs another network library and is not used here; and about functions that
            # are compiled each time where numba can't keep them on the disk.
            warnings.filterwarnings("ignore", "Tensorflow not installed", ImportWarning)
            warnings.filterwarnings("ignore", "Cannot cache compiled function")
            from umap import UMAP

            # One job, said outright: a seeded layout runs on one anyway. A spectral start needs more points than
            # eigenvectors; few points start at random.
            few = len(latent) < 16
            layout = UMAP(
                n_neighbors=min(15, len(latent) - 1), init="random" if few else "spectral", random_state=seed, n_jobs=1
            )
            return np.asarray(layout.fit_transform(latent), dtype=np.float32)
    finally:
        line.close()


def ensure_map(embedding: Embedding, kind: str = "pca", *, seed: int = 0) -> np.ndarray:
    """A map of an embedding; a UMAP is computed once and kept in it.

    Parameters
    ----------
    embedding : Embedding
        Its ``obsm["X_umap"]`` is used when there (scanpy's name for it), and set when a UMAP is made.
    kind : str
        ``"latent"`` (the two latents as they are), ``"pca"`` or ``"umap"``.
    seed : int
        Of a UMAP that is not there yet.

    Returns
    -------
    ndarray of float32, shape (N, 2)

    Raises
    ------
    InputError
        If the kind is unknown or does not fit the latents.
    """
    latent = embedding.latent
    if kind == "latent":
        if latent.shape[1] != 2:
            raise InputError(f"Only two latents are a map by themselves, but there are {latent.shape[1]}; use 'pca'.")
        return latent.astype(np.float32)
    if kind == "pca":
        return pca_map(latent)[0]
    if kind == "umap":
        if "X_umap" not in embedding.adata.obsm:
            embedding.adata.obsm["X_umap"] = umap_map(latent, seed)
        return np.asarray(embedding.adata.obsm["X_umap"], dtype=np.float32)[:, :2]
    raise InputError(f"There is no map '{kind}'; there are 'latent', 'pca' and 'umap'.")


def _checked(latent: np.ndarray) -> np.ndarray:
    latent = np.asarray(latent)
    if latent.ndim != 2 or 0 in latent.shape:
        raise InputError(f"Latents are an array (samples, dimensions) with none of them 0, not {latent.shape}.")
    bad = int((~np.isfinite(latent).all(axis=1)).sum())
    if bad:
        raise InputError(
            f"{bad} of {number_of(len(latent), 'sample')} {word_for(bad, 'has', 'have')} latents that are not finite; "
            "leave those samples out."
        )
    return latent
