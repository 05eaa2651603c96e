"""What does the work: threads of this process with the devices asked for, or a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from coverslip.core import InputError
from coverslip.core.cores import cores
from coverslip.models.folder import Model
from coverslip.nn.device import choose_device, cores_shared_by
from coverslip.work.asked import Asked
from coverslip.work.memory import Footprint

_THREADS = 4
"""Pieces at once on a graphics card: it waits while the processor does its part."""


@dataclass(frozen=True)
class Piece:
    """A piece of work.

    Parameters
    ----------
    rows : tuple of int
        Which inputs it is about.
    part : Any
        What else it is about, such as a block of an image.
    """

    rows: tuple[int, ...]
    part: Any = None


class Trade(NamedTuple):
    """What a kind of result does with a model: two functions of a module, so that other machines find them.

    Parameters
    ----------
    make : callable
        ``make(model, device, options) -> tool``: a fitted model ready to work.
    do : callable
        ``do(tool, inputs, rows, part) -> result``: what comes of a piece.
    """

    make: Callable[[Model, str, Mapping[str, Any]], Any]
    do: Callable[[Any, Any, tuple[int, ...], Any], Any]


class Workers(Protocol):
    """Something that does pieces of work."""

    def found(self, pieces: Iterator[Piece]) -> Generator[Any]:
        """What comes of pieces, in their order; they are taken as they are needed."""

    def close(self) -> None:
        """Give back what was taken."""


class Crew(NamedTuple):
    """Who does the work.

    Parameters
    ----------
    workers : Workers
        They do pieces of it.
    tool : Any
        In this process, for what is needed before that.
    side : int
        Of the blocks that there is memory for; 0 where nothing is cut into blocks.
    """

    workers: Workers
    tool: Any
    side: int


@contextmanager
def crew(
    trade: Trade,
    model: Model,
    inputs: Any,
    asked: Asked,
    options: Mapping[str, Any],
    footprint: Footprint | None = None,
) -> Iterator[Crew]:
    """Gather what does the work, and dismiss it at the end.

    Parameters
    ----------
    trade : Trade
        What is done.
    model : Model
        With which.
    inputs : Any
        Samples or fields, opened.
    asked : Asked
        Devices, scheduler, memory.
    options : mapping
        Of the method, for `Trade.make`.
    footprint : Footprint, optional
        Memory that blocks need, where the work is cut into such.

    Yields
    ------
    Crew

    Raises
    ------
    InputError
        If a device or a cluster is not there, an option cannot be, or the memory is too little.
    MissingExtra
        If Dask is not installed.
    """
    gather = _here if asked.dask is None else _elsewhere
    gathered = gather(trade, model, inputs, asked, options, footprint)
    with closing(gathered.workers), cores_shared_by(asked.devices if asked.dask is None else 1):
        yield gathered


def _here(
    trade: Trade, model: Model, inputs: Any, asked: Asked, options: Mapping[str, Any], footprint: Footprint | None
) -> Crew:
    from coverslip.work.workers import Threads

    names = device_names(asked.device, asked.devices)
    made = {name: trade.make(model, name, options) for name in dict.fromkeys(names)}
    tool = made[names[0]]
    each = 1 if names[0] == "cpu" else max(1, min(_THREADS, cores() // len(names)))
    side = 0
    if footprint is not None:
        # Rather large blocks than many at once: less of them is margin.
        while (side := footprint.side(asked.max_ram, tool, each * len(names))) < footprint.largest and each > 1:
            each -= 1
        _check_memory(side, asked.max_ram, footprint.needed(tool, len(names)))
    return Crew(Threads([made[name] for name in names * each], trade.do, inputs), tool, side)


def _elsewhere(
    trade: Trade, model: Model, inputs: Any, asked: Asked, options: Mapping[str, Any], footprint: Footprint | None
) -> Crew:
    from coverslip.work.cluster import Cluster, Recipe

    assert asked.dask is not None
    if model.folder is None:
        raise InputError("The workers of a cluster open the model by its folder; save it first.")
    sheet = getattr(inputs, "sheet", None)
    if sheet is None:
        raise InputError("The workers of a cluster open images by their files; give a sheet, a folder or an image.")
    tool = trade.make(model, "cpu", options)
    count = workers_here(asked)
    side = 0
    if footprint is not None:
        side = footprint.side(None if asked.max_ram is None else asked.max_ram // count, tool, 1)
        _check_memory(side, asked.max_ram, count * footprint.needed(tool, 1))
    how = model.how(asked.input)
    recipe = Recipe(trade, str(model.folder.absolute()), asked.device, _fixed(options), _fixed(how))
    return Crew(Cluster(asked.dask, count, sheet, recipe), tool, side)


def workers_here(asked: Asked) -> int:
    """How many workers of a Dask cluster share the memory of this machine; one elsewhere has its own."""
    if asked.dask != "local":
        return 1
    return asked.devices if asked.devices > 1 else cores()


def _fixed(options: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in options.items())


def device_names(device: str, devices: int) -> list[str]:
    """The devices to use, by name.

    Raises
    ------
    InputError
        If there are not as many.
    """
    import torch

    if devices < 1:
        raise InputError(f"At least one device is needed, not {devices}; say --devices 1.")
    kind = choose_device(device)
    there = {"cpu": devices, "cuda": torch.cuda.device_count()}.get(kind, 1)
    if devices > there:
        raise InputError(f"{devices} devices were asked for, but there are {there} of '{kind}'; say --devices {there}.")
    return [f"cuda:{i}" for i in range(devices)] if kind == "cuda" else [kind] * devices


def _check_memory(side: int, memory: int | None, least: int) -> None:
    if not side and memory is not None:
        raise InputError(
            f"{memory / 1e9:.1f} GB of memory are too little for this model; give it at least "
            f"{(least // 10**8 + 1) / 10:.1f} GB (--max-ram)."
        )
