"""Two sections beside each other, and markers against what is expected of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import coverslip as cs
from coverslip.cli import main
from coverslip.core import Detections
from coverslip.measure.detections.against import against
from coverslip.results.detections.folder import write_value
from coverslip.samples.sections.drawing import SectionSettings, draw_section

LATE = "El spt late"


def drawn(**settings: object) -> Detections:
    """The true cells of a small section, as if they had been found; its name says which."""
    made = SectionSettings(size=700, radius=45, markers=("SOX9",), **{"seed": 3, **settings})  # type: ignore[arg-type]
    return replace(draw_section(made, 0).cells, source="section.tif")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A knock-out and the wild type, in folders."""
    folder = tmp_path_factory.mktemp("pair")
    return write_value(drawn(absent=LATE), folder / "knockout"), write_value(drawn(), folder / "wild")


def cells(counts: dict[str, int]) -> Detections:
    """So many cells of each class, in one image without regions."""
    codes = np.repeat(np.arange(len(counts)), list(counts.values()))
    return Detections(tuple(counts), np.zeros((len(codes), 4)), codes, np.ones(len(codes)), "", (9, 9))


def test_a_share_of_single_cells_has_the_interval_of_a_binomial() -> None:
    rows = against([cells({"a": 60, "b": 40})], [cells({"a": 30, "b": 70})])
    share, there, difference = rows[:3]
    assert (share["value"], there["value"], share["n"]) == (0.6, 0.3, 100)
    assert share["low"] == pytest.approx(0.6 - 1.96 * 0.049, abs=0.015)
    assert difference["value"] == pytest.approx(0.3)
    assert difference["low"] == pytest.approx(0.3 - 1.96 * np.sqrt(0.24 / 100 + 0.21 / 100), abs=0.02)


def test_a_class_of_which_there_is_none_is_below_three_in_n() -> None:
    row = against([cells({"a": 300, "b": 0})], [cells({"a": 1, "b": 1})])[3]
    assert (row["class"], row["value"], row["low"]) == ("b", 0, 0)
    assert row["high"] == pytest.approx(0.01)
    every = against([cells({"a": 300, "b": 0})], [cells({"a": 150, "b": 150})])
    assert (every[0]["value"], every[0]["low"], every[0]["high"]) == (1, pytest.approx(0.99), 1)
    assert every[2]["low"] < 0.5 - 0.05


def test_classes_may_stand_in_another_order() -> None:
    rows = against([cells({"a": 3, "b": 1})], [cells({"b": 1, "a": 3})])
    assert [row["value"] for row in rows if row["measure"] == "difference"] == [0, 0]


def test_what_a_knock_out_lacks_is_said(pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(pair[0]), "--against", str(pair[1])]) == 0
    said = capsys.readouterr().out
    assert f"{LATE}: none among" in said
    assert f"{LATE} (-" in said  # among the shares that differ


def test_regions_are_compared_with_those_of_their_class(pair: tuple[Path, Path]) -> None:
    rows = cs.evaluate(pair[0], against=str(pair[1]))
    wild = cs.results.opened(pair[1])[1].detections(0)
    inside = np.isin(wild.columns["region"], np.flatnonzero(wild.regions.names == "I-V") + 1)
    (row,) = (r for r in rows if (r["region"], r["class"], r["measure"]) == ("I-V", LATE, "share against"))
    assert row["value"] == pytest.approx((wild.names[inside] == LATE).mean())


def test_markers_are_as_the_profile_says(pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(pair[1]), "--profile", "testis"]) == 0
    assert "Markers are expressed as expected." in capsys.readouterr().out
    assert main(["evaluate", str(pair[1]), "--profile", "SOX9=Spg"]) == 0
    assert "SOX9 in Sertoli (8" in capsys.readouterr().out


def test_the_page_shows_both(pair: tuple[Path, Path], tmp_path: Path) -> None:
    command = ["report", str(pair[0]), "--against", str(pair[1]), "--profile", "testis"]
    assert main([*command, "--out", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text()
    assert "Against wild" in page
    assert "Beside wild" in page
    assert "Markers as expected" in page


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--profile", "SOX9"], "is no part of a profile"),
        (["--profile", "SOX9=Leydig"], "'Leydig', which is none of the classes"),
        (["--profile", "CREM=Round spt"], "the markers of the result are: SOX9"),
        (["--profile", "testis", "--against", "x"], "name one"),
    ],
)
def test_what_cannot_be_compared_is_said(
    pair: tuple[Path, Path], options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(pair[0]), *options]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
