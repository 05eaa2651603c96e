from __future__ import annotations

import subprocess
import sys

import pytest

import coverslip as cs


def test_users_see_the_room_as_samples() -> None:
    for name in cs.samples.__all__:
        assert getattr(getattr(cs.samples, name), "__name__", name) == name
    assert set(cs.samples.__all__) <= set(dir(cs.samples))
    with pytest.raises(AttributeError, match="attribute phantom"):
        _ = cs.samples.phantom


def test_importing_the_room_loads_nothing_heavy() -> None:
    code = (
        "import sys, coverslip.samples as s; [getattr(s, name) for name in s.__all__]; "
        "print(sorted({'torch', 'pandas', 'scipy', 'skimage', 'sklearn', 'tifffile'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
