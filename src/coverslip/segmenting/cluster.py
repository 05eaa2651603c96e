"""Blocks as tasks on a Dask cluster, of this machine or of others that see the same files."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from coverslip import api, methods
from coverslip.core.errors import InputError, MissingExtra
from coverslip.sample.fields import SheetFields, open_fields
from coverslip.sample.sheet import PATH_COLUMNS, Sheet
from coverslip.segmenting.blocks import Found, Job, Segmenter, find
from coverslip.segmenting.workers import in_order

_PATIENCE = 20
"""Seconds to wait for a scheduler."""


@dataclass(frozen=True)
class Recipe:
    """What a worker needs to know beside the block.

    Parameters
    ----------
    model : str
        Folder of the model.
    options : tuple of (str, value)
        Of the method, and the device.
    channels : tuple of (str, value)
        How fields are opened.
    probability : bool
        Whether the foreground probability is wanted.
    """

    model: str
    options: tuple[tuple[str, Any], ...]
    channels: tuple[tuple[str, Any], ...]
    probability: bool


class Cluster:
    """Workers of a Dask scheduler.

    Parameters
    ----------
    address : str
        ``tcp://…``, or ``"local"`` for workers on this machine, which end with it.
    count : int
        How many workers a local cluster gets.
    sheet : Sheet
        The images, in places that the workers see too.
    recipe : Recipe
        What else they need.

    Raises
    ------
    MissingExtra
        If Dask is not installed.
    InputError
        If there is no scheduler at the address.
    """

    def __init__(self, address: str, count: int, sheet: Sheet, recipe: Recipe) -> None:
        try:
            from distributed import Client, LocalCluster
        except ImportError as error:
            raise MissingExtra(
                "--dask needs Dask, which is not installed; install it with pip install 'coverslip[cluster]'."
            ) from error
        self._address, self._sheet, self._recipe = address, sheet, recipe
        self._own: Any = None
        try:
            if address == "local":
                self._own = LocalCluster(
                    n_workers=count, threads_per_worker=1, dashboard_address=None, silence_logs=logging.ERROR
                )
            self._client = Client(self._own or address, timeout=_PATIENCE)
            self._client.wait_for_workers(1, timeout=_PATIENCE)
        except (OSError, ValueError) as error:
            raise InputError(
                f"No Dask scheduler with workers answers at {address}; give its address, such as tcp://host:8786, or "
                "say --dask local."
            ) from error

    def found(self, jobs: Iterator[Job]) -> Generator[Found]:
        """The results of jobs, in their order."""
        from distributed.client import FutureCancelledError
        from distributed.comm import CommClosedError
        from distributed.scheduler import KilledWorker

        threads = sum(self._client.nthreads().values())
        try:
            yield from in_order(self._submit, jobs, 2 * max(threads, 1))
        except (KilledWorker, CommClosedError, FutureCancelledError) as error:
            raise InputError(
                f"The workers at {self._address} were lost, most likely for want of memory: make blocks smaller with "
                "--max-ram."
            ) from error

    def close(self) -> None:
        """Leave the scheduler; end the workers that were started for this."""
        self._client.close()
        if self._own is not None:
            self._own.close()

    def _submit(self, job: Job) -> Any:
        row = {**self._sheet.rows[job.index]}
        for name in set(PATH_COLUMNS).intersection(row):
            file = self._sheet.file(job.index, name)
            row[name] = "" if file is None else str(file.absolute())
        return self._client.submit(_find, self._recipe, tuple(row.items()), job, pure=False)


def _find(recipe: Recipe, row: tuple[tuple[str, str], ...], job: Job) -> Found:
    """Find the objects of a block: this runs on a worker."""
    with _ONE_AT_A_TIME:  # several threads of a worker share one model
        segmenter, fields = _segmenter(recipe), _fields(row, recipe.channels)
    return find(segmenter, fields, Job(0, job.block, job.exposure), recipe.probability)


_ONE_AT_A_TIME = threading.Lock()


@lru_cache(maxsize=1)
def _segmenter(recipe: Recipe) -> Segmenter:
    model = api.load(recipe.model)
    made: Segmenter = methods.get(model.method).Segmenter(model, **dict(recipe.options))
    return made


@lru_cache(maxsize=4)
def _fields(row: tuple[tuple[str, str], ...], channels: tuple[tuple[str, Any], ...]) -> SheetFields:
    cells = dict(row)
    opened = open_fields(Sheet(Path(), tuple(cells), [cells]), **dict(channels))
    assert isinstance(opened, SheetFields)
    return opened
