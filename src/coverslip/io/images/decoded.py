"""Pixels of pictures that have no parts which could be read alone: kept, so that each is decoded once."""

from __future__ import annotations

import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import nullcontext

import numpy as np


class Decoded:
    """The pictures read last, read-only.

    Parameters
    ----------
    memory : int
        Bytes of smaller pictures that are kept in memory. A larger one is laid into a scratch file without a name,
        whose pages the system holds in memory while there is room; it is gone when the process ends.
    files : int
        How many larger ones are kept.
    """

    def __init__(self, memory: int = 256 << 20, files: int = 2) -> None:
        self.memory, self.files = memory, files
        self._kept: OrderedDict[Hashable, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()
        self._large = threading.Lock()

    def get(self, key: Hashable, nbytes: int, decode: Callable[[], np.ndarray]) -> np.ndarray:
        """The pixels of `key`, about `nbytes` of them, decoded unless they are kept; large ones one at a time."""
        if (kept := self._find(key)) is not None:
            return kept
        with self._large if nbytes > self.memory else nullcontext():
            if (kept := self._find(key)) is not None:
                return kept
            pixels = decode()
            if pixels.nbytes > self.memory:
                pixels = _in_scratch_file(pixels)
            pixels.flags.writeable = False
            self._keep(key, pixels)
        return pixels

    def _find(self, key: Hashable) -> np.ndarray | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _keep(self, key: Hashable, pixels: np.ndarray) -> None:
        with self._lock:
            self._kept[key] = pixels
            for large, most in ((True, self.files), (False, self.memory)):
                alike = [k for k, kept in reversed(self._kept.items()) if (kept.nbytes > self.memory) == large]
                taken = np.cumsum([1 if large else self._kept[k].nbytes for k in alike])
                for old, total in zip(alike, taken, strict=True):
                    if total > most:
                        del self._kept[old]


DECODED = Decoded()
"""Those of this process."""


def _in_scratch_file(pixels: np.ndarray) -> np.ndarray:
    """The same pixels on disk; where there is no room for them, as they are."""
    try:
        with tempfile.TemporaryFile(prefix="coverslip-") as file:
            np.ascontiguousarray(pixels).tofile(file)
            file.flush()
            return np.memmap(file, pixels.dtype, "r", shape=pixels.shape)
    except OSError:
        return pixels
