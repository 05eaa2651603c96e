"""A batch: what a network sees, what it should say of it, and which rows these are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

if TYPE_CHECKING:
    import torch

A = TypeVar("A")
"""The arrays: of NumPy as they are fed, tensors on the device as a step gets them."""


@dataclass(frozen=True)
class Batch(Generic[A]):
    """Some samples, and what a network should say of them.

    Parameters
    ----------
    inputs : array, shape (n, C, H, W)
        What the network sees, float32.
    targets : array, or a mapping or list of such, or None
        What it should say: an array with one row per sample, arrays by name, or, where samples have different numbers
        of objects, a list with an array or arrays by name for each sample; None where it learns from the inputs alone.
    rows : ndarray of int, shape (n,)
        Row numbers, as the loop asked for them.
    """

    inputs: A
    targets: Any
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


def on_device(batch: Batch[np.ndarray], device: torch.device) -> Batch[torch.Tensor]:
    """The same batch as tensors on a device; images, among the targets too, with their channels last in memory."""
    return Batch(_moved(batch.inputs, device), _moved(batch.targets, device), batch.rows)


def _moved(value: Any, device: torch.device) -> Any:
    import torch

    if value is None:
        return None
    if isinstance(value, Mapping):
        return {name: _moved(each, device) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_moved(each, device) for each in value]
    tensor = torch.from_numpy(value)
    if tensor.ndim == 4 and tensor.stride(1) != 1:
        tensor = tensor.contiguous(memory_format=torch.channels_last)
    return tensor.to(device, non_blocking=True)
