"""Names of files cannot send anything to a terminal but text."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
from rich.console import Console

from coverslip.cli.plain import Plain, escaped
from coverslip.cli.progress import _Bars
from coverslip.core.progress import reporting, task


def test_control_characters_are_written_out() -> None:
    assert escaped("a\x1b[31mb\r\x9b\udcffµ\u202e.tif\n\t") == r"a\x1b[31mb\r\x9b\udcffµ\u202e.tif" + "\n\t"
    stream = io.StringIO()
    print("\x1b]0;title\x07", file=Plain(stream))
    assert stream.getvalue() == "\\x1b]0;title\\x07\n"


def test_names_are_printed_with_their_escapes(coverslip: Callable, tmp_path: Path) -> None:
    for name in ("a.tif", "\x1b[2J\x07b.tif"):
        tifffile.imwrite(tmp_path / name, np.zeros((9, 9), np.uint8))
    out = tmp_path / "\x1b[2J\x07.csv"
    said = coverslip("samples", "make", tmp_path, "--pattern", "*{name}.tif", "--out", out)
    assert said.code == 0
    checked = coverslip("samples", "check", out)
    for text in (*said[1:], *checked[1:]):
        assert "\x1b" not in text
        assert "\x07" not in text
    assert r"\x07.csv" in said.out
    assert r"\x07b.tif" in checked.err


def test_bars_take_brackets_for_brackets() -> None:
    bars = _Bars()
    with reporting(bars.start):
        line = task("Writing [/a].tif", 2)
        line.advance(note="[red]")
        assert bars._progress is not None
        shown = io.StringIO()
        Console(file=shown, width=200).print(bars._progress.get_renderable())
        assert "Writing [/a].tif" in shown.getvalue()
        assert "[red]" in shown.getvalue()
        line.close()
    bars.stop()
