"""Where and how a fit runs: nothing here changes what is fitted."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from coverslip.core.errors import InputError

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


@dataclass(frozen=True)
class Run:
    """Where and how a fit runs.

    Parameters
    ----------
    folder : Path, optional
        Where checkpoints and the history go while fitting; without it nothing is saved on the way.
    resume : bool
        Go on from the checkpoint in `folder`, if there is one.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    devices, nodes : int
        How many devices on each of how many machines (started with torchrun).
    precision : str
        ``"auto"``: bfloat16 where the hardware multiplies it natively, else ``"fp32"``; or one of
        ``"fp32"``, ``"bf16"``, ``"fp16"``.
    max_ram : int, optional
        Bytes that the whole process may take; samples that do not fit are read from disk batch by
        batch. Default: half of the memory that is free.
    save_every : float
        Seconds between checkpoints.
    """

    folder: Path | None = None
    resume: bool = False
    device: str = "auto"
    devices: int = 1
    nodes: int = 1
    precision: str = "auto"
    max_ram: int | None = None
    save_every: float = 10.0

    def __post_init__(self) -> None:
        if self.device not in ("auto", "cpu", "cuda", "mps"):
            raise InputError(f"There is no device '{self.device}'; choose auto, cpu, cuda or mps.")
        if self.precision not in ("auto", "fp32", "bf16", "fp16"):
            raise InputError(f"There is no precision '{self.precision}'; choose auto, fp32, bf16 or fp16.")
        if self.devices < 1 or self.nodes < 1:
            raise InputError("At least one device on one node is needed.")


def parse_bytes(text: str) -> int:
    """Read an amount of memory such as ``"3GB"``, ``"512 MiB"`` or ``"1e9"`` as bytes.

    Raises
    ------
    InputError
        If it is none.
    """
    match = re.fullmatch(r"\s*([0-9.]+(?:e[0-9]+)?)\s*([A-Za-z]*)\s*", text)
    try:
        if match is None:
            raise ValueError(text)
        number, unit = float(match[1]), _UNITS[match[2].upper()]
    except (ValueError, KeyError):
        raise InputError(f"'{text}' is no amount of memory; write it like 3GB or 512MB.") from None
    return int(number * unit)


def free_memory() -> int:
    """Bytes of memory that this machine could give to new work."""
    try:
        with open("/proc/meminfo") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:  # macOS says how much there is, not how much is free
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (ValueError, OSError, AttributeError):
        return 4 * 10**9


def resident_memory() -> int:
    """Bytes of memory that this process holds now; 0 where the system does not say."""
    try:
        with open("/proc/self/statm") as line:
            return int(line.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def is_main_process() -> bool:
    """Whether this is the process that writes files: the only one, or the first of several."""
    return int(os.environ.get("RANK") or os.environ.get("LOCAL_RANK") or 0) == 0
