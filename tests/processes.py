"""Processes of their own that start at once: forked from one that has imported what takes seconds to import."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(
    [
        *("coverslip.verbs.fit", "coverslip.methods.vae.fitting", "coverslip.methods.unet.prediction"),
        *("coverslip.results.embedding.prediction", "coverslip.results.labels.prediction", "lightning_fabric"),
    ]
)

COMMAND = """
import os, signal, sys, torch
from coverslip.cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal, also where tests run in the background
torch.set_num_threads(1)
for number, name in ((1, "out"), (2, "err")):
    os.dup2(os.open(f"{said}.{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
sys.exit(main(arguments))
"""
"""`coverslip`, as a program that notes what it says in two files."""


class Command:
    """A `coverslip` that runs beside the tests."""

    def __init__(self, said: Path, *arguments: object, before: str = "") -> None:
        names = {"said": said, "arguments": [str(argument) for argument in arguments]}
        self._said = said
        self.process: BaseProcess = PROCESSES.Process(target=exec, args=(before + COMMAND, names))
        self.process.start()

    def wait_for(self, done: Callable[[], bool]) -> None:
        """Wait until something is done, while the command runs."""
        deadline = time.monotonic() + 120
        while not done():
            assert self.process.is_alive(), self.said("err")
            assert time.monotonic() < deadline
            time.sleep(0.002)

    @property
    def begun(self) -> bool:
        """Whether the command itself runs."""
        return self._file("err").exists()

    def interrupt(self) -> None:
        """Ctrl-C."""
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGINT)

    def said(self, name: str) -> str:
        """What it said until it ended, ``out`` or ``err``."""
        self.process.join(60)
        return self._file(name).read_text()

    def _file(self, name: str) -> Path:
        return Path(f"{self._said}.{name}")
