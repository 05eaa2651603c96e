"""Samples of several domains as one: of any size, channels and dtype, brought to one size and the same range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError, Samples, is_colour
from coverslip.core.words import number_of
from coverslip.samples.opening import open_at_one_size
from coverslip.samples.opening.again import as_words
from coverslip.samples.opening.resized import Aspect, Resizing

DOMAIN = "domain"
"""The column that says which of the inputs a sample is from."""

_PERCENTILES = (0.1, 99.9)


def join_samples(
    sources: Sequence[Any],
    *,
    size: int,
    aspect: Aspect = "stretch",
    names: Sequence[str] | None = None,
    count: int = 0,
    **how: Any,
) -> Joined:
    """Open several sheets or folders as one.

    Parameters
    ----------
    sources : sequence of str, Path, Sheet or Samples
        Of any size and dtype.
    size : int
        Height and width that all are brought to, pixels.
    aspect : {"stretch", "pad"}
        How; see `coverslip.samples.opening.resized.Resizing`.
    names : sequence of str, optional
        Of the domains; default: what the sheets or folders are called.
    count : int
        Channels; 0: as many as the one with most of them has.
    **how
        ``channels`` and ``planes``, as for `open_samples`.

    Returns
    -------
    Joined
        Float32 in [0, 1]: each channel of each image between its own percentiles, so that no image tells of another;
        images of one channel are repeated where others have three.

    Raises
    ------
    InputError
        If one cannot be opened, or their channels cannot be brought together.
    """
    parts = [open_at_one_size("samples", source, {"size": size, "aspect": aspect}, **how)[0] for source in sources]
    called = list(names or map(_name, sources, range(1, len(parts) + 1)))
    if len(set(called)) < len(called):
        raise InputError(f"Two inputs are called alike ({', '.join(called)}); rename one, so that domains have names.")
    kept = {name: how[name] for name in ("channels", "planes") if how.get(name) is not None}
    found = Joined(parts, called, size, aspect=aspect, count=count, how=kept)
    found.sources = tuple(str(Path(path).resolve()) for path in map(_path, sources) if path is not None)
    return found


class Joined:
    """Several samples one behind the other; see `join_samples`."""

    def __init__(
        self,
        parts: Sequence[Samples],
        names: Sequence[str],
        size: int,
        *,
        aspect: Aspect = "stretch",
        count: int = 0,
        how: Mapping[str, Any] | None = None,
    ) -> None:
        if not parts or size < 1:
            raise InputError("Domains are joined at one size: name one or more inputs, and a size such as 64.")
        counts = sorted({part.shape[0] for part in parts} | ({count} if count else set()))
        if len(counts) > 1 and counts != [1, counts[-1]]:
            raise InputError(
                f"Samples of {' and '.join(map(str, counts))} channels cannot be joined; choose as many of each "
                "(--channels)."
            )
        self.parts, self._size, self._aspect, self._count = list(parts), size, aspect, counts[-1]
        self.how: dict[str, Any] = {**(how or {}), "size": size, "aspect": aspect, "joined": self._count}
        """What a model that is fitted to these opens others with."""
        self.sources: tuple[str, ...] = ()
        """Where they come from, for provenance."""
        self._starts = np.cumsum([0, *map(len, parts)])
        columns = dict.fromkeys(name for part in parts for name in part.obs)
        self._obs = {name: np.concatenate([_column(part, name) for part in parts]) for name in columns}
        self._obs[DOMAIN] = np.repeat(np.array(names, dtype=object), list(map(len, parts)))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every sample."""
        return self._count, self._size, self._size

    @property
    def dtype(self) -> np.dtype[Any]:
        """Float32."""
        return np.dtype(np.float32)

    @property
    def obs(self) -> Mapping[str, np.ndarray]:
        """Every column of the inputs, empty where one lacks it, and ``domain``."""
        return self._obs

    @property
    def colour(self) -> bool:
        """Whether the channels of some are red, green and blue."""
        return any(part.shape[0] == self._count and is_colour(part) for part in self.parts)

    @property
    def channels(self) -> tuple[str, ...]:
        """None: they differ."""
        return ()

    def __len__(self) -> int:
        return int(self._starts[-1])

    def read(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Read some samples: ``(n, C, size, size)`` float32, in the order asked for."""
        wanted = np.asarray(indices, dtype=np.intp)
        out = np.empty((len(wanted), *self.shape), np.float32)
        of_part = np.searchsorted(self._starts, wanted, side="right") - 1
        for number in np.unique(of_part):
            places = np.flatnonzero(of_part == number)
            out[places] = self._brought(self.parts[number].read(wanted[places] - self._starts[number]))
        return out

    def _brought(self, stored: np.ndarray) -> np.ndarray:
        x = stored.astype(np.float32)
        low, high = np.percentile(x, _PERCENTILES, axis=(2, 3), keepdims=True)
        x = ((x - low) / np.maximum(high - low, 1e-6)).clip(0, 1).astype(np.float32)
        return np.broadcast_to(Resizing((self._size, self._size), self._aspect).pixels(x), (len(x), *self.shape))


def without_class(words: np.ndarray, obs: Mapping[str, np.ndarray], label: str) -> str:
    """A sentence on samples that have no class; empty where all have one.

    Parameters
    ----------
    words : ndarray of str, shape (N,)
        The column of classes, empty where it says nothing.
    obs : mapping of str to ndarray
        All columns.
    label : str
        What the column is called.

    Raises
    ------
    InputError
        If none of a whole domain has a class, as where one of several sheets lacks the column.
    """
    domains = as_words(obs[DOMAIN]) if DOMAIN in obs else np.full(len(words), "")
    for name in sorted(set(domains) - {""}):
        if not (words[domains == name] != "").any():
            raise InputError(
                f"No image of '{name}' has a class in the column '{label}'; add the column there, or leave it out."
            )
    left_out = int((words == "").sum())
    return f"{number_of(left_out, 'image')} without a class (column '{label}') took no part." if left_out else ""


def _column(part: Samples, name: str) -> np.ndarray:
    """A column as texts, since inputs may disagree on what it holds; images by their full path, where that is known."""
    if name not in part.obs:
        return np.full(len(part), "", dtype=object)
    texts = as_words(part.obs[name])
    folder = getattr(getattr(part, "sheet", None), "folder", None)
    return np.array([str(Path(folder) / text) for text in texts], object) if name == "image" and folder else texts


def _path(source: Any) -> str | Path | None:
    return getattr(source, "path", None) or (source if isinstance(source, str | Path) else None)


def _name(source: Any, number: int) -> str:
    path = _path(source)
    return str(number) if path is None else Path(path).resolve().stem
