"""Work on a Dask cluster, of this machine or of others that see the same files."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from coverslip.core import InputError, MissingExtra
from coverslip.models.folder import Model
from coverslip.models.loading import load
from coverslip.samples.sheets.sheet import PATH_COLUMNS, Sheet
from coverslip.work.crew import Piece, Trade
from coverslip.work.workers import in_order

_PATIENCE = 20
"""Seconds to wait for a scheduler."""

_Cells = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Recipe:
    """What a worker needs to know beside the piece of work.

    Parameters
    ----------
    trade : Trade
        What is done.
    model : str
        Folder of the model.
    device : str
        Where it works.
    options : tuple of (str, value)
        Of the method.
    how : tuple of (str, value)
        How inputs are opened.
    """

    trade: Trade
    model: str
    device: str
    options: tuple[tuple[str, Any], ...]
    how: tuple[tuple[str, Any], ...]


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

    def found(self, pieces: Iterator[Piece]) -> Generator[Any]:
        """What comes of pieces, in their order."""
        from distributed.client import FutureCancelledError
        from distributed.comm import CommClosedError
        from distributed.scheduler import KilledWorker

        threads = sum(self._client.nthreads().values())
        try:
            yield from in_order(self._submit, pieces, 2 * max(threads, 1))
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

    def _submit(self, piece: Piece) -> Any:
        rows = tuple(self._cells(row) for row in piece.rows)
        return self._client.submit(_done, self._recipe, rows, piece.part, pure=False)

    def _cells(self, index: int) -> _Cells:
        """A row of the sheet, with paths that lead there from anywhere."""
        row = {**self._sheet.rows[index]}
        for name in set(PATH_COLUMNS).intersection(row):
            file = self._sheet.file(index, name)
            row[name] = "" if file is None else str(file.absolute())
        return tuple(row.items())


def _done(recipe: Recipe, rows: tuple[_Cells, ...], part: Any) -> Any:
    """Do a piece of work: this runs on a worker."""
    with _ONE_AT_A_TIME:  # several threads of a worker share one model
        tool, inputs = _tool(recipe), _inputs(recipe, rows)
    return recipe.trade.do(tool, inputs, tuple(range(len(rows))), part)


_ONE_AT_A_TIME = threading.Lock()


@lru_cache(maxsize=1)
def _model(folder: str) -> Model:
    return load(folder)


@lru_cache(maxsize=1)
def _tool(recipe: Recipe) -> Any:
    return recipe.trade.make(_model(recipe.model), recipe.device, dict(recipe.options))


@lru_cache(maxsize=4)
def _inputs(recipe: Recipe, rows: tuple[_Cells, ...]) -> Any:
    cells = [dict(row) for row in rows]
    return _model(recipe.model).open(Sheet(Path(), tuple(cells[0]), cells), **dict(recipe.how))
