"""How many processor cores this process may use."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

_PASSIVE = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0"}
_OF_USERS = (*_PASSIVE, "KMP_BLOCKTIME")


def cores() -> int:
    """Cores that this process may use: what a container, a batch system or a pinned process leaves of the machine."""
    from joblib import cpu_count  # type: ignore[import-untyped]

    count = int(cpu_count())
    granted = os.environ.get("SLURM_CPUS_PER_TASK", "")
    return min(count, int(granted)) if granted.isdecimal() and int(granted) else count


def wait_passively(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let threads that wait for one another sleep; to be called before torch is loaded.

    Threads that spin instead take the cores that the others need wherever other programs run, too. What a user has set
    stays, and processes that are started inherit it.
    """
    if not any(name in environment for name in _OF_USERS):
        environment.update(_PASSIVE)
