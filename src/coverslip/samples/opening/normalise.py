"""Normalisation: fitted once on training samples, stored with the model, and undone by its inverse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import gcd
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

import numpy as np

from coverslip.core import InputError, Samples
from coverslip.core.words import number_of

if TYPE_CHECKING:
    import torch

    Batch = TypeVar("Batch", np.ndarray, torch.Tensor)

Kind = Literal["dtype", "percentile", "zscore"]


@dataclass(frozen=True)
class Normaliser:
    """A fixed linear map of stored grey values to the float32 values that a network sees.

    ``y = (x - offset) / scale`` for each channel; for the kinds ``dtype`` and ``percentile`` y is then
    clipped to [0, 1].

    Parameters
    ----------
    kind : {"dtype", "percentile", "zscore"}
        - ``dtype``: the full range of the stored integers becomes [0, 1] (8-bit: 0 to 255, 16-bit: 0 to 65535;
          floats must lie in [0, 1] already);
        - ``percentile``: a low and a high percentile of the training pixels become 0 and 1; what lies beyond
          them is clipped;
        - ``zscore``: mean 0 and standard deviation 1 over the training pixels, not clipped.
    dtype : str
        The dtype of the samples it was fitted on; others are refused.
    offset, scale : tuple of float
        One per channel, in stored grey values.
    """

    kind: Kind
    dtype: str
    offset: tuple[float, ...]
    scale: tuple[float, ...]

    @property
    def channels(self) -> int:
        """How many channels a batch must have."""
        return len(self.offset)

    @property
    def value_range(self) -> tuple[float, float]:
        """The lowest and highest value that `apply` can give."""
        return (-np.inf, np.inf) if self.kind == "zscore" else (0.0, 1.0)

    @classmethod
    def fit(
        cls,
        samples: Samples,
        kind: Kind = "percentile",
        *,
        per_channel: bool = True,
        low: float = 0.1,
        high: float = 99.9,
        indices: np.ndarray | None = None,
        max_values: int = 4_000_000,
        seed: int = 0,
    ) -> Normaliser:
        """Fit on samples: the training ones only.

        Parameters
        ----------
        samples : Samples
            Where the pixels come from.
        kind : {"dtype", "percentile", "zscore"}
            See the class.
        per_channel : bool
            One map per channel, or one for all.
        low, high : float
            Percentiles, for ``kind="percentile"``.
        indices : ndarray of int, optional
            Which samples to fit on; default: all.
        max_values : int
            About how many pixels per channel are looked at. Where there are more, whole samples are drawn at
            random, evenly and without repeats.
        seed : int
            Decides which samples are drawn.

        Raises
        ------
        InputError
            If a channel holds one value only, a float image is outside [0, 1] for ``kind="dtype"``, or the
            dtype is one that images don't have.
        """
        if kind not in get_args(Kind):
            raise InputError(f"There is no normalisation '{kind}'; choose dtype, percentile or zscore.")
        if not 0 <= low < high <= 100:
            raise InputError(f"The percentiles {low} and {high} are not 0 ≤ low < high ≤ 100; change them.")
        dtype = np.dtype(samples.dtype)
        if dtype.kind not in "uifb":
            raise InputError(f"Pixels of type {dtype} cannot be normalised; convert the images to integers or floats.")
        channels = samples.shape[0]
        if kind == "dtype" and dtype.kind in "uib":
            limits = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
            offset = np.full(channels, float(limits[0]))
            return cls._checked(kind, dtype, offset, np.full(channels, float(limits[1] - limits[0])))
        values = _draw(samples, indices, max_values, seed)
        if not per_channel:
            values = values.reshape(1, -1)
        if kind == "dtype":
            if values.min() < 0 or values.max() > 1:
                raise InputError(
                    f"Float images from {values.min():.4g} to {values.max():.4g} have no dtype range; "
                    "choose the normalisation percentile or zscore."
                )
            return cls._checked(kind, dtype, np.zeros(channels), np.ones(channels))
        if kind == "percentile":
            floor, ceiling = np.percentile(values, [low, high], axis=1)
            # Sparse signal: if nearly all pixels are equal, the percentiles coincide and the full range is meant.
            flat = ceiling <= floor
            floor = np.where(flat, values.min(axis=1), floor)
            ceiling = np.where(flat, values.max(axis=1), ceiling)
            offset, scale = floor, ceiling - floor
        else:
            offset, scale = values.mean(axis=1, dtype=np.float64), values.std(axis=1, dtype=np.float64)
        return cls._checked(
            kind, dtype, np.broadcast_to(offset, channels), np.broadcast_to(scale, channels), samples.channels
        )

    @classmethod
    def _checked(
        cls, kind: Kind, dtype: np.dtype[Any], offset: np.ndarray, scale: np.ndarray, names: tuple[str, ...] = ()
    ) -> Normaliser:
        for c in np.flatnonzero(~(scale > 0)):
            name = f" ({names[c]})" if names else ""
            raise InputError(
                f"Channel {c}{name} holds the value {offset[c]:.6g} only, in every training image looked at; "
                "leave it out (channels=...)."
            )
        return cls(kind, dtype.name, tuple(float(v) for v in offset), tuple(float(v) for v in scale))

    def apply(self, batch: Batch) -> Batch:
        """Stored grey values to network values.

        Parameters
        ----------
        batch : ndarray or torch.Tensor, shape (N, C, H, W)
            Dtype as the samples were stored.

        Returns
        -------
        ndarray or torch.Tensor, shape (N, C, H, W)
            float32, of the kind that came in and on its device; range as `value_range` says.

        Raises
        ------
        InputError
            If channels or dtype differ from those it was fitted on.
        """
        self._check(batch)
        offset, scale = self._columns(batch)
        values = (_float32(batch) - offset) / scale
        return values if self.kind == "zscore" else values.clip(0, 1)

    def invert(self, batch: Batch) -> Batch:
        """Network values back to grey values, ``(N, C, H, W)`` float32; what `apply` clipped stays clipped.

        Grey values stay floats: rounding to the stored dtype is the caller's decision.
        """
        if batch.ndim != 4 or batch.shape[1] != self.channels:
            raise InputError(f"A batch of shape {tuple(batch.shape)} does not have {self.channels} channels.")
        offset, scale = self._columns(batch)
        return _float32(batch) * scale + offset

    def to_dict(self) -> dict[str, Any]:
        """As plain values, to be stored with a model."""
        plain = asdict(self)
        return {**plain, "offset": list(self.offset), "scale": list(self.scale)}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Normaliser:
        """From what `to_dict` gave.

        Raises
        ------
        InputError
            If something is missing, or is not what it must be.
        """
        try:
            kind, dtype = stored["kind"], np.dtype(stored["dtype"]).name
            offset = tuple(float(v) for v in stored["offset"])
            scale = tuple(float(v) for v in stored["scale"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"The stored normalisation is damaged ({error}); fit the model again.") from None
        numbers = np.array([*offset, *scale])
        if kind not in get_args(Kind) or len(offset) != len(scale) or not offset or not np.isfinite(numbers).all():
            raise InputError("The stored normalisation is damaged; fit the model again.")
        if not all(v > 0 for v in scale):
            raise InputError("The stored normalisation has a scale that is not above 0; fit the model again.")
        return cls(kind, dtype, offset, scale)

    def _check(self, batch: Any) -> None:
        if batch.ndim != 4 or batch.shape[1] != self.channels:
            raise InputError(
                f"A batch of shape {tuple(batch.shape)} was given, but the normalisation was fitted on "
                f"{number_of(self.channels, 'channel')}: (N, {self.channels}, H, W)."
            )
        found = batch.dtype.name if isinstance(batch, np.ndarray) else str(batch.dtype).removeprefix("torch.")
        if found != self.dtype:
            raise InputError(
                f"The images are {found}, but the model was fitted on {self.dtype}, whose grey values mean something "
                "else; give images stored as those it was fitted on, or fit a model on these."
            )

    def _columns(self, batch: Any) -> tuple[Any, Any]:
        columns = np.array([self.offset, self.scale], dtype=np.float32)[:, None, :, None, None]
        if isinstance(batch, np.ndarray):
            return columns[0], columns[1]
        import torch

        both = torch.as_tensor(columns, device=batch.device)
        return both[0], both[1]


def _float32(batch: Any) -> Any:
    return batch.astype(np.float32) if isinstance(batch, np.ndarray) else batch.float()


def _draw(samples: Samples, indices: np.ndarray | None, max_values: int, seed: int) -> np.ndarray:
    """Pixels ``(C, n)`` of evenly drawn samples, read in pieces; memory stays near `max_values` per channel."""
    pool = np.arange(len(samples)) if indices is None else np.asarray(indices, dtype=np.intp)
    if not len(pool):
        raise InputError("There are no training samples to fit the normalisation on.")
    channels, height, width = samples.shape
    count = min(len(pool), max(64, max_values // (height * width)))
    chosen = np.sort(np.random.default_rng(seed).choice(pool, size=count, replace=False))
    step = max(1, -(-height * width * count // max_values))  # large images: every step-th pixel of each
    while gcd(step, width) > 1:  # else some columns would never be looked at
        step += 1
    pieces = [
        samples.read(part).transpose(1, 0, 2, 3).reshape(channels, -1)[:, ::step]
        for part in np.array_split(chosen, -(-count // 64))
    ]
    values = np.concatenate(pieces, axis=1)
    # Of half precision sums overflow at 65,504, and percentiles are rounded to three digits.
    return values.astype(np.float32) if values.dtype == np.float16 else values
