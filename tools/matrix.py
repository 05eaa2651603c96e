"""Install Coverslip with the newest versions of everything for several Pythons, and test it there.

    python tools/matrix.py                          # every python3.11, 3.12 and 3.13 there is, with all tests
    python tools/matrix.py --python python3.13 --tests tests/io tests/results
    python tools/matrix.py --with 'pandas>=3'       # no Python whose newest libraries take it: said, not tested

Unlike `make test` nothing is pinned. Each environment takes some minutes and 6 GB, below --folder. Also tried: the
extra `vendors`, and whether bioimageio.core installs beside Coverslip. Ends with a table; the exit code is 1 if
anything in it failed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ("python3.11", "python3.12", "python3.13")
SHOWN = ("numpy", "pandas", "anndata", "torch", "tifffile", "bioimageio.spec")


def main() -> int:
    """Try one Python after the other."""
    about, _, _ = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--python", nargs="+", default=[p for p in PYTHONS if shutil.which(p)], help="interpreters")
    parser.add_argument(
        "--with", nargs="*", default=[], dest="wanted", help="further requirements, such as 'pandas>=3'"
    )
    parser.add_argument("--tests", nargs="*", default=["tests"], help="what pytest runs; nothing: installing is enough")
    parser.add_argument("--folder", type=Path, help="where to put the environments; default: a temporary folder")
    given = parser.parse_args()
    if not given.python:
        print(f"None of {', '.join(PYTHONS)} is here; name an interpreter with --python.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="coverslip-matrix-") as temporary:
        folder = given.folder or Path(temporary)
        rows = [tried(python, folder / Path(python).name, given.wanted, given.tests) for python in given.python]
    print()
    for row in rows:
        print("  ".join(f"{name}: {outcome}" for name, outcome in row.items()))
    return int(any("FAILED" in row.values() for row in rows))


def tried(python: str, environment: Path, wanted: list[str], tests: list[str]) -> dict[str, str]:
    """What came of each step with one interpreter."""
    row = {"python": python}
    steps = {
        "environment": [python, "-m", "venv", "--clear", str(environment)],
        "install": [*pip(environment), "install", "-q", f"{ROOT}[test,vendors]", *wanted],
        "check": [*pip(environment), "check"],
        "bioimageio.core": [*pip(environment), "install", "-q", "--dry-run", str(ROOT), "bioimageio.core>=0.11"],
    }
    if tests:
        steps["tests"] = [program(environment), "-m", "pytest", "-q", "-n", "auto", *tests]
    for name, command in steps.items():
        print(f"\n{python}: {' '.join(command)}", flush=True)
        row[name] = "FAILED" if subprocess.run(command, cwd=ROOT).returncode else "ok"
        if row[name] == "FAILED" and name in {"environment", "install"}:
            return row
    return row | versions(environment)


def versions(environment: Path) -> dict[str, str]:
    """The versions that were installed, of what most depends on."""
    code = "import importlib.metadata as m, sys; print(*(m.version(name) for name in sys.argv[1:]))"
    command = [program(environment), "-c", code, *SHOWN]
    return dict(zip(SHOWN, subprocess.run(command, capture_output=True, text=True).stdout.split(), strict=False))


def program(environment: Path) -> str:
    """The interpreter of an environment."""
    return str(environment / ("Scripts" if os.name == "nt" else "bin") / "python")


def pip(environment: Path) -> list[str]:
    """How to call its pip."""
    return [program(environment), "-m", "pip"]


if __name__ == "__main__":
    sys.exit(main())
