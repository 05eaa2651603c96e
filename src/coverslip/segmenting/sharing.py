"""What does the work: threads of this process with the devices asked for, or a Dask cluster."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from coverslip import methods
from coverslip.core.errors import InputError
from coverslip.read.models import Model
from coverslip.sample.fields import SheetFields
from coverslip.segmenting.blocks import LARGEST, Segmenter, needed, side_for
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
        Options of the method that were given, such as ``flips``, ``threshold`` and ``min_area``.
    """

    device: str = "auto"
    devices: int = 1
    dask: str | None = None
    max_ram: int | None = None
    probability: bool = False
    input: Mapping[str, Any] = field(default_factory=dict)
    method: Mapping[str, Any] = field(default_factory=dict)

    def only_for_labels(self) -> list[str]:
        """The options given that other results than labels have no use for, as the command line calls them."""
        none = Asked()
        names = [
            name for name in ("devices", "dask", "max_ram", "probability") if getattr(self, name) != getattr(none, name)
        ]
        return [f"--{name.replace('_', '-')}" for name in (*names, *self.input, *self.method)]

    def identity(self) -> dict[str, Any]:
        """What decides the result."""
        return {"max_ram": self.max_ram, "probability": self.probability, **self.method}


class Shares(NamedTuple):
    """Who does the work.

    Parameters
    ----------
    workers : Workers
        They find objects in blocks; to be closed.
    segmenter : Segmenter
        In this process, for what is needed before that.
    side : int
        Of the blocks that they have the memory for.
    """

    workers: Workers
    segmenter: Segmenter
    side: int


def workers_for(model: Model, fields: SheetFields, channels: Mapping[str, Any], asked: Asked) -> Shares:
    """Set up what does the work.

    Parameters
    ----------
    model, fields, asked
        As for `segment_to_file`.
    channels : mapping
        How `fields` were opened: ``channels`` and ``planes``.

    Raises
    ------
    InputError
        If a device or a cluster is not there, an option cannot be, or the memory is too little.
    MissingExtra
        If Dask is not installed.
    """
    if asked.devices < 1:
        raise InputError(f"At least one device is needed, not {asked.devices}; say --devices 1.")
    make = methods.get(model.method).Segmenter
    if asked.dask is not None:
        from coverslip.segmenting.cluster import Cluster, Recipe

        segmenter: Segmenter = make(model, device="cpu", **asked.method)
        count = 1
        if asked.dask == "local":
            count = asked.devices if asked.devices > 1 else os.cpu_count() or 1
        side = side_for(None if asked.max_ram is None else asked.max_ram // count, segmenter.margin, 1)
        _check(side, asked.max_ram, count * needed(segmenter.margin, 1))
        if model.folder is None:
            raise InputError("Workers of a cluster open the model by its folder; save it first.")
        recipe = Recipe(
            str(model.folder.absolute()),
            tuple({"device": asked.device, **asked.method}.items()),
            tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in channels.items()),
            asked.probability,
        )
        return Shares(Cluster(asked.dask, count, fields.sheet, recipe), segmenter, side)
    names = device_names(asked.device, asked.devices)
    each = 1 if names[0] == "cpu" else max(1, min(_THREADS, (os.cpu_count() or 1) // len(names)))
    made = {name: make(model, device=name, **asked.method) for name in dict.fromkeys(names)}
    segmenter = made[names[0]]
    # Rather large blocks than many at once: less of them is margin.
    while (side := side_for(asked.max_ram, segmenter.margin, each * len(names))) < LARGEST and each > 1:
        each -= 1
    _check(side, asked.max_ram, needed(segmenter.margin, len(names)))
    if names[0] == "cpu" and len(names) > 1:
        _share_cores(len(names))
    return Shares(Threads([made[name] for name in names * each], fields, asked.probability), segmenter, side)


def device_names(device: str, devices: int) -> list[str]:
    """The devices to use, by name.

    Raises
    ------
    InputError
        If there are not as many.
    """
    import torch

    from coverslip.train.device import choose_device

    kind = choose_device(device)
    there = {"cpu": devices, "cuda": torch.cuda.device_count(), "mps": 1}[kind]
    if devices > there:
        raise InputError(f"{devices} devices were asked for, but there are {there} of '{kind}'; say --devices {there}.")
    return [f"cuda:{i}" for i in range(devices)] if kind == "cuda" else [kind] * devices


def _check(side: int, memory: int | None, least: int) -> None:
    if not side and memory is not None:
        raise InputError(
            f"{memory / 1e9:.1f} GB of memory are too little for this model; give it at least "
            f"{(least // 10**8 + 1) / 10:.1f} GB (--max-ram)."
        )


def _share_cores(parts: int) -> None:
    import torch

    torch.set_num_threads(max(1, torch.get_num_threads() // parts))
