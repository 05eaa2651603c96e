"""What this machine and this installation can do."""

from __future__ import annotations

import importlib.util
import platform
import shutil
from importlib.metadata import PackageNotFoundError, requires, version

import typer

from coverslip.cli.tables import print_table
from coverslip.core import task
from coverslip.core.cores import cores
from coverslip.core.words import number_of
from coverslip.io.reasons import reason


def examine() -> int:
    """Print a table; returns 0 if everything needed is there, else 2."""
    line = task("Looking at what is installed (torch takes some seconds)")
    try:
        rows, broken = _found()
    finally:
        line.close()
    print_table(("what", "found", "remedy"), rows)
    typer.echo(
        "\nEverything needed is there." if not broken else f"\n{number_of(broken, 'thing')} to mend, see 'remedy'."
    )
    return 2 if broken else 0


def _found() -> tuple[list[tuple[str, str, str]], int]:
    """What there is, with its remedy, and how much must be mended."""
    rows: list[tuple[str, str, str]] = []
    rows.append(("coverslip", version("coverslip"), "ok"))
    rows.append(("python", platform.python_version(), "ok"))
    broken = 0
    for name in _required():
        try:
            rows.append((name, version(name), "ok"))
        except PackageNotFoundError:
            broken += 1
            rows.append((name, "missing", f"pip install '{name}'"))
    state, remedy = _torch_pair()
    broken += remedy != "ok"
    rows.append(("torch + torchvision", state, remedy))
    rows.append(("vendor formats", *_vendors()))
    rows.append(("export to ONNX", *_onnx()))
    rows.append(("compute", _compute(), "ok"))
    rows.append(("cores and memory", f"{number_of(cores(), 'core')}, {_memory()}", "ok"))
    rows.append(("free disk here", f"{shutil.disk_usage('.').free / 1e9:.0f} GB", "ok"))
    return rows, broken


def _required() -> list[str]:
    found = []
    for line in requires("coverslip") or ():
        name, _, condition = line.partition(";")
        if "extra" not in condition:
            found.append("".join(c if c.isalnum() or c in "-_." else " " for c in name).split()[0])
    return sorted(found, key=str.lower)


def _torch_pair() -> tuple[str, str]:
    remedy = "install torch and torchvision together from the same source"
    try:
        import torch
        import torchvision
    except (ImportError, RuntimeError, OSError) as error:
        return reason(error)[:60], remedy
    return f"{torch.__version__} + {torchvision.__version__}", "ok"


def _vendors() -> tuple[str, str]:
    there = [name for name in ("nd2", "liffile", "czifile") if importlib.util.find_spec(name)]
    return ", ".join(there) or "none", "ok" if len(there) == 3 else "pip install 'coverslip[vendors]' if you need them"


def _onnx() -> tuple[str, str]:
    there = [name for name in ("onnx", "onnxruntime", "onnxscript") if importlib.util.find_spec(name)]
    return ", ".join(there) or "none", "ok" if len(there) == 3 else "pip install 'coverslip[onnx]' if you need it"


def _compute() -> str:
    try:
        import torch
    except (ImportError, RuntimeError, OSError):
        return "unknown"

    from coverslip.nn.device import choose_device, choose_precision

    device = choose_device("auto")
    name = torch.cuda.get_device_name() if device == "cuda" else device
    return f"{name}, trains in {choose_precision('auto', device)}"


def _memory() -> str:
    from coverslip.core.memory import free_memory

    return f"{free_memory() / 1e9:.0f} GB free"
