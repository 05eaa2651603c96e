"""Results: typed values, each with its provenance and a usual file form.

`Embedding` is stored as ``.h5ad`` and `LabelMap` as a label TIFF or an OME-Zarr label
(`coverslip.read` has the writers).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.core.errors import InputError
from coverslip.core.image import PixelSize
from coverslip.core.words import number_of

if TYPE_CHECKING:
    from anndata import AnnData


@dataclass(frozen=True, repr=False)
class Embedding:
    """One vector per sample, with the facts about each sample; an AnnData inside.

    Parameters
    ----------
    adata : anndata.AnnData
        ``X`` and ``obsm["latent"]`` hold the vectors, ``obs`` every sheet column and the facts found,
        ``uns["coverslip"]`` the provenance. Opens in scanpy as it is.
    """

    adata: AnnData

    @classmethod
    def from_arrays(
        cls,
        latent: np.ndarray,
        obs: Mapping[str, np.ndarray],
        *,
        obsm: Mapping[str, np.ndarray] | None = None,
        provenance: Mapping[str, Any] | None = None,
    ) -> Embedding:
        """Build from arrays.

        Parameters
        ----------
        latent : ndarray, shape (N, D)
            One vector per sample.
        obs : mapping of str to ndarray, shape (N,)
            Facts per sample. Text becomes a categorical where it repeats.
        obsm : mapping of str to ndarray, shape (N, k), optional
            Further vectors, such as two-dimensional maps.
        provenance : mapping, optional
            Inputs with hashes, model, seed, versions.
        """
        import pandas as pd
        from anndata import AnnData

        if latent.ndim != 2:
            raise InputError(f"An embedding is an array (samples, dimensions), not {latent.shape}.")
        latent = np.asarray(latent, dtype=np.float32)
        names = pd.Index([str(i) for i in range(len(latent))])
        frame = pd.DataFrame({key: np.asarray(column) for key, column in obs.items()}, index=names)
        for key in frame.columns:
            if not pd.api.types.is_string_dtype(frame[key].dtype):
                continue
            frame[key] = frame[key].where(frame[key] != "", None)  # an empty text says nothing: it is no category
            if frame[key].nunique() < len(frame):
                frame[key] = frame[key].astype("category")
        var = pd.DataFrame(index=pd.Index([f"latent_{i}" for i in range(latent.shape[1])]))
        adata = AnnData(X=latent, obs=frame, var=var)
        adata.obsm["latent"] = latent
        for key, value in (obsm or {}).items():
            adata.obsm[key] = np.asarray(value, dtype=np.float32)
        adata.uns["coverslip"] = dict(provenance or {})
        return cls(adata)

    @classmethod
    def of(cls, adata: AnnData) -> Embedding:
        """An AnnData of another program as an embedding; without ``obsm["latent"]`` its ``X`` is taken for the vectors.

        Raises
        ------
        InputError
            If it holds no vectors.
        """
        if "latent" not in adata.obsm:
            if adata.X is None or adata.n_vars == 0:
                raise InputError("This AnnData holds no vectors: it has neither obsm['latent'] nor X; add one of them.")
            dense = adata.X if isinstance(adata.X, np.ndarray) else adata.X.toarray()
            adata = adata.copy()
            adata.obsm["latent"] = np.asarray(dense, dtype=np.float32)
        return cls(adata)

    def __repr__(self) -> str:
        samples, dimensions = self.latent.shape
        return (
            f"Embedding({number_of(samples, 'sample')} in {number_of(dimensions, 'dimension')}, columns: "
            f"{', '.join(map(str, self.adata.obs))})"
        )

    def _repr_html_(self) -> str:
        from html import escape

        return f"<p>{escape(repr(self))}</p>{self.adata.obs.head().to_html()}"

    @property
    def latent(self) -> np.ndarray:
        """The vectors, ``(N, D)`` float32."""
        return np.asarray(self.adata.obsm["latent"])

    @property
    def obs(self) -> dict[str, np.ndarray]:
        """One column per fact, ``(N,)`` each."""
        return {str(name): np.asarray(self.adata.obs[name]) for name in self.adata.obs.columns}

    @property
    def provenance(self) -> dict[str, Any]:
        """Inputs with hashes, model, seed and versions."""
        return dict(self.adata.uns.get("coverslip", {}))

    def __len__(self) -> int:
        return int(self.adata.n_obs)

    def column(self, name: str) -> np.ndarray:
        """One column of facts.

        Raises
        ------
        InputError
            If there is none of that name; the message lists those there are.
        """
        if name not in self.adata.obs:
            known = ", ".join(map(str, self.adata.obs.columns))
            raise InputError(f"There is no column '{name}' in this embedding; it has: {known}.")
        return np.asarray(self.adata.obs[name])


@dataclass(frozen=True, repr=False)
class LabelMap:
    """Instances as an image of integers: 0 is background, each object has its own number.

    Parameters
    ----------
    labels : ndarray of int, shape (H, W)
        Object numbers.
    source : str
        The image that was segmented.
    pixel_size : PixelSize or None
        Micrometres per pixel, where known.
    provenance : mapping
        Inputs with hashes, method or model, seed and versions.
    probability : ndarray of float32, shape (H, W), or None
        How likely each pixel is of an object, where the method says so.
    zoom : float
        At which the model was shown the image: below 1, if its objects are larger than those it was fitted to.
    inverted : bool
        Whether it was shown with light and dark exchanged.
    without : str
        Name of a stain that was taken out of its colours before it was shown; empty: none was.
    doubts : tuple of str
        Why the model may not fit the image, in words; empty where nothing speaks against it.
    expected_iou : float
        The IoU with the truth that the model expects of all it found; NaN where it does not say.
    """

    labels: np.ndarray = field(repr=False)
    source: str
    pixel_size: PixelSize | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict, repr=False)
    probability: np.ndarray | None = field(default=None, repr=False)
    zoom: float = 1.0
    inverted: bool = False
    without: str = ""
    doubts: tuple[str, ...] = ()
    expected_iou: float = float("nan")

    def __post_init__(self) -> None:
        if self.labels.ndim != 2 or self.labels.dtype.kind not in "iu":
            raise InputError(
                f"{self.source}: a label map is a two-dimensional image of integers, "
                f"not {self.labels.shape} {self.labels.dtype}."
            )

    @property
    def count(self) -> int:
        """How many objects there are."""
        return int(np.count_nonzero(np.unique(self.labels)))

    def __repr__(self) -> str:
        height, width = self.labels.shape
        return f"LabelMap({number_of(self.count, 'object')} in {height} x {width} pixels, source={self.source!r})"

    def _repr_html_(self) -> str:
        from coverslip.core.pictures import shown

        return shown(repr(self), self.labels)
