"""What does the work: threads of this process with the devices asked for, or a Dask cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from coverslip import methods
from coverslip.core.errors import InputError
from coverslip.read.models import Model
from coverslip.sample.fields import SheetFields
from coverslip.segmenting import blocks
from coverslip.segmenting.blocks import Segmenter, needed, side_for
from coverslip.segmenting.workers import Threads, Workers

_THREADS = 4
"""Blocks at once on a graphics card: it waits while objects are told apart on the processor."""


@dataclass(frozen=True)
class Asked:
    """How to segment.

    Parameters
    ----------
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    devices : int
        How many of them; of the processor, how many blocks it works on at once; of a local cluster, how many workers
        (1: one for each core).
    dask : str or None
        Address of a Dask scheduler that the blocks are given to, or ``"local"`` for a cluster on this machine.
    max_ram : int or None
        Bytes that this process may take (with a scheduler elsewhere, each block); blocks are made as small as it needs.
    probability : bool
        Keep the foreground probability.
    input : mapping
        ``channels`` and ``planes``, where others than those the model was fitted to are meant.
    method : mapping
        Options of the method that were given, such as ``flips``, ``threshold``, ``min_area`` and ``min_confidence``.
    """

    device: str = "auto"
    devices: int = 1
    dask: str | None = None
    max_ram: int | None = None
    probability: bool = False
    input: Mapping[str, Any] = field(default_factory=dict)
    method: Mapping[str, Any] = field(default_factory=dict)

    def given(self) -> list[str]:
        """The options that were given, without the device, as the command line calls them."""
        none = Asked()
        names = [
            name for name in ("devices", "dask", "max_ram", "probability") if getattr(self, name) != getattr(none, name)
        ]
        return [f"--{name.replace('_', '-')}" for name in (*names, *self.input, *self.method)]

    def identity(self) -> dict[str, Any]:
        """What decides the result."""
        return {"max_ram": self.max_ram, "probability": self.probability, **self.method}


class Team(NamedTuple):
    """Who does the work.

    Parameters
    ----------
    workers : Workers
        They find objects in blocks.
    segmenter : Segmenter
        In this process, for what is needed before that.
    side : int
        Of the blocks that they have the memory for.
    """

    workers: Workers
    segmenter: Segmenter
    side: int


@contextmanager
def team(model: Model, fields: SheetFields, channels: Mapping[str, Any], asked: Asked) -> Iterator[Team]:
    """Gather what does the work, and dismiss it at the end.

    Parameters
    ----------
    model, fields, asked
        As for `segment_to_file`.
    channels : mapping
        How `fields` were opened: ``channels`` and ``planes``.

    Yields
    ------
    Team

    Raises
    ------
    InputError
        If a device or a cluster is not there, an option cannot be, or the memory is too little.
    MissingExtra
        If Dask is not installed.
    """
    gathered = _here(model, fields, asked) if asked.dask is None else _elsewhere(model, fields, channels, asked)
    with closing(gathered.workers), _cores_shared_by(asked.devices if asked.dask is None else 1):
        yield gathered


def _here(model: Model, fields: SheetFields, asked: Asked) -> Team:
    make = methods.get(model.method).Segmenter
    names = device_names(asked.device, asked.devices)
    made: dict[str, Segmenter] = {name: make(model, device=name, **asked.method) for name in dict.fromkeys(names)}
    segmenter = made[names[0]]
    each = 1 if names[0] == "cpu" else max(1, min(_THREADS, (os.cpu_count() or 1) // len(names)))
    # Rather large blocks than many at once: less of them is margin.
    while (side := side_for(asked.max_ram, segmenter, each * len(names))) < blocks.LARGEST and each > 1:
        each -= 1
    _check_memory(side, asked.max_ram, needed(segmenter, len(names)))
    return Team(Threads([made[name] for name in names * each], fields, asked.probability), segmenter, side)


def _elsewhere(model: Model, fields: SheetFields, channels: Mapping[str, Any], asked: Asked) -> Team:
    from coverslip.segmenting.cluster import Cluster, Recipe

    assert asked.dask is not None
    if model.folder is None:
        raise InputError("The workers of a cluster open the model by its folder; save it first.")
    segmenter: Segmenter = methods.get(model.method).Segmenter(model, device="cpu", **asked.method)
    count = 1
    if asked.dask == "local":
        count = asked.devices if asked.devices > 1 else os.cpu_count() or 1
    side = side_for(None if asked.max_ram is None else asked.max_ram // count, segmenter, 1)
    _check_memory(side, asked.max_ram, count * needed(segmenter, 1))
    recipe = Recipe(
        str(model.folder.absolute()),
        tuple({"device": asked.device, **asked.method}.items()),
        tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in channels.items()),
        asked.probability,
    )
    return Team(Cluster(asked.dask, count, fields.sheet, recipe), segmenter, side)


def device_names(device: str, devices: int) -> list[str]:
    """The devices to use, by name.

    Raises
    ------
    InputError
        If there are not as many.
    """
    import torch

    from coverslip.train.device import choose_device

    if devices < 1:
        raise InputError(f"At least one device is needed, not {devices}; say --devices 1.")
    kind = choose_device(device)
    there = {"cpu": devices, "cuda": torch.cuda.device_count(), "mps": 1}[kind]
    if devices > there:
        raise InputError(f"{devices} devices were asked for, but there are {there} of '{kind}'; say --devices {there}.")
    return [f"cuda:{i}" for i in range(devices)] if kind == "cuda" else [kind] * devices


def _check_memory(side: int, memory: int | None, least: int) -> None:
    if not side and memory is not None:
        raise InputError(
            f"{memory / 1e9:.1f} GB of memory are too little for this model; give it at least "
            f"{(least // 10**8 + 1) / 10:.1f} GB (--max-ram)."
        )


@contextmanager
def _cores_shared_by(parts: int) -> Iterator[None]:
    """Let each of several threads that run networks have its part of the cores."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(max(1, before // parts))
    try:
        yield
    finally:
        torch.set_num_threads(before)
