"""How a prediction is to be done, whatever it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Asked:
    """How to predict.

    Parameters
    ----------
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    devices : int
        How many of them; of the processor, how many pieces of work it does at once; of a local cluster, how many
        workers (1: one for each core).
    dask : str or None
        Address of a Dask scheduler that the work is given to, or ``"local"`` for a cluster on this machine.
    max_ram : int or None
        Bytes that this process may take (with a scheduler elsewhere, each piece of work).
    input : mapping
        ``channels`` and ``planes``, where others than those the model was fitted to are meant; ``series`` and
        ``frames``, where not all images of a file are, or those of a movie; ``pixel_size``.
    resume : bool
        Go on with what was stopped or killed.
    force : bool
        Replace what is there.
    """

    device: str = "auto"
    devices: int = 1
    dask: str | None = None
    max_ram: int | None = None
    input: Mapping[str, Any] = field(default_factory=dict)
    resume: bool = False
    force: bool = False

    @property
    def parts(self) -> dict[str, Any]:
        """Which images of files that hold several are meant."""
        return {name: value for name, value in self.input.items() if name in ("series", "frames")}
