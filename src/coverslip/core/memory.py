"""How much memory there is, and how much a user grants."""

from __future__ import annotations

import os
import re

from coverslip.core.errors import InputError

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


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
