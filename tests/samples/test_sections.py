"""Phantom sections: their files say what was drawn, and the chain finds its numbers when it is given the truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from coverslip.cli import main
from coverslip.core import Image
from coverslip.io.marks.reading import read_marks
from coverslip.io.tables import read_table
from coverslip.measure.detections.markers import expression
from coverslip.measure.detections.places import composition, in_regions
from coverslip.results.detections.marked import Marker, with_markers
from coverslip.samples import open_fields
from coverslip.samples.opening.marked import marks_of
from coverslip.samples.sections.drawing import SectionSettings, draw_section
from coverslip.samples.sections.testis import CELLS, LAYERS, LOOKS, MARKERS, STAGES
from coverslip.samples.sheets.sheet import read_sheet

SETTINGS = SectionSettings(size=1024, sections=2, laboratories=2, seed=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("phantoms") / "sections"
    command = ["samples", "phantom-sections", "--out", str(out), "--set", "size=1024", "--set", "sections=2"]
    assert main([*command, "--set", "laboratories=2", "--set", "seed=4"]) == 0
    return out


def test_every_type_is_somewhere_and_every_stage_has_its_own_mixture() -> None:
    assert set(LOOKS) == set(CELLS)
    assert {name for layers in LAYERS.values() for layer in layers for name in layer.shares} == set(CELLS)
    assert len({str([layer.shares for layer in LAYERS[stage]]) for stage in STAGES}) == 5
    assert all(sum(layer.shares.values()) == pytest.approx(1) for layers in LAYERS.values() for layer in layers)


def test_the_sheets_hold_what_was_drawn(folder: Path) -> None:
    drawn = draw_section(SETTINGS, 1)
    for name, truth in (("cells", drawn.cells), ("regions", drawn.cells.regions)):
        fields = open_fields(read_sheet(folder / f"{name}.csv"))
        marks = marks_of(fields, 1)
        assert truth is not None
        np.testing.assert_allclose(marks.boxes, truth.boxes, atol=0.011)
        assert marks.names.tolist() == truth.names.tolist()
        np.testing.assert_array_equal(fields.pixels(1), drawn.pixels)
    assert fields.channels == ("DAPI", "SOX9", "CREM")
    table = read_table(folder / "truth.parquet")
    assert (table["section"] == "section_2").sum() == len(drawn.cells)


def test_cells_given_the_true_regions_have_the_true_stage() -> None:
    cells = draw_section(SETTINGS, 0).cells
    assert cells.regions is not None
    again = in_regions(replace(cells, columns={}), cells.regions)
    assert (again.columns["region"] == cells.columns["region"]).mean() > 0.995
    counts = {(row["region"], row["class"]): row["count"] for row in composition(again)}
    assert counts["all", "Sertoli"] == (cells.names == "Sertoli").sum()
    assert all(counts[stage, "m2m"] == 0 for stage in STAGES if stage != "XII")


def test_positive_cells_are_those_that_were_stained() -> None:
    """Of the true boxes: the rule finds each marker within two points of the truth, by hand and by Otsu."""
    section = draw_section(SETTINGS, 0)
    image = Image.from_array(section.pixels, "CYX", channels=("DAPI", "SOX9", "CREM"))
    for rule in ("1300", "otsu"):
        bare = replace(section.cells, columns={"region": section.cells.columns["region"]})
        found = with_markers(bare, image, [Marker("SOX9", rule), Marker("CREM", rule)])
        for marker in ("SOX9", "CREM"):
            for got, true in zip(expression(found, marker), expression(section.cells, marker), strict=True):
                if got["cells"] >= 30 and got["class"] in MARKERS[marker]:
                    assert abs(got["percent"] - true["percent"]) <= 2


def test_an_absent_type_is_absent_and_laboratories_differ() -> None:
    knocked = draw_section(SETTINGS.model_copy(update={"absent": "El spt late"}), 0)
    assert "El spt late" not in set(knocked.cells.names)
    one, two = (draw_section(SETTINGS, n).pixels[0] for n in (0, 1))
    assert abs(np.median(one) - np.median(two)) > 20


def test_what_cannot_be_drawn_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["samples", "phantom-sections", "--out", str(tmp_path / "x")]
    assert main([*command, "--set", 'markers=["CD3"]']) == 2
    assert "no marker 'CD3'" in capsys.readouterr().err


def test_marks_of_a_phantom_are_read_as_any_other(folder: Path) -> None:
    marks = read_marks(folder / "section_1.regions.geojson", "section_1.tif", (1024, 1024))
    assert marks.outlines is not None
    assert set(marks.names) <= set(STAGES)
