"""Regions are staged by the cells that they hold."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import coverslip as cs
from coverslip.cli import main
from coverslip.core import UNNAMED, Detections, InputError
from coverslip.measure.detections.contents import contents, depths
from coverslip.measure.detections.staging import STAGING, Staging
from coverslip.methods.section import staging as fitting
from coverslip.results.detections.folder import write_value
from coverslip.results.detections.layers import staged_by_cells
from coverslip.results.detections.prediction import doubts_of
from coverslip.samples import open_fields
from coverslip.samples.sections.drawing import SectionSettings, draw_section
from coverslip.samples.sections.files import phantom_sections
from coverslip.samples.sections.testis import STAGES
from coverslip.train.run import Run

TINY: dict[str, Any] = {"width": 8, "pyramid": 8, "head": 16, "tile": 64, "proposals": 16, "batch": 2, "epochs": 1}
DRAWN: dict[str, Any] = {"size": 800, "radius": 40, "markers": ()}


@pytest.fixture(scope="module")
def sections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "sections"
    return phantom_sections(folder, SectionSettings(sections=3, seed=1, **DRAWN))


@pytest.fixture(scope="module")
def network(sections: Path) -> cs.Model:
    """It has hardly learned anything, and nothing was held out."""
    settings = {**TINY, "target": "regions", "classes": "testis", "zoom": 0.2, "validation": 0, "cells": "cells"}
    return cs.fit("section", sections / "regions.csv", settings, run=Run(device="cpu"))


@functools.cache
def drawn() -> Detections:
    return draw_section(SectionSettings(seed=7, **DRAWN), 0).cells


def section() -> Detections:
    """True cells in true regions of another section, whose network voted for IX and X-XI alike where either is true."""
    cells = drawn()
    regions = cells.regions
    assert regions is not None
    names, doubt = regions.names, np.isin(regions.names, ["IX", "X-XI"])
    shares = {name: np.where(doubt & np.isin(name, ["IX", "X-XI"]), 0.5, (names == name) * 1.0) for name in STAGES}
    return replace(
        cells,
        source="section.tif",
        regions=replace(
            regions,
            source="section.tif",
            codes=np.where(doubt, -1, regions.codes),
            columns={f"vote_{name}": values for name, values in shares.items()},
        ),
    )


def with_staging(found: Detections, facts: dict[str, Any], **options: Any) -> Detections:
    assert found.regions is not None
    return replace(found, regions=replace(found.regions, provenance={STAGING: facts, "options": options}))


def staged(found: Detections, model: cs.Model, **options: Any) -> Detections:
    layered = staged_by_cells(with_staging(found, model.facts[STAGING], **options))
    assert layered.regions is not None
    return layered.regions


def truth() -> np.ndarray:
    regions = drawn().regions
    assert regions is not None
    return regions.names


def test_the_wall_of_a_region_is_not_where_the_image_ends() -> None:
    half = (np.array([[0.0, 0], [0, 40], [20, 40], [20, 0]]),)
    points = np.array([[1.0, 20], [15, 20], [10, 38]])
    assert depths(points, half, (100, 100)).tolist() == [19, 5, 2]
    assert depths(points, half, (40, 100)).tolist() == [19, 5, 10]  # cut above and below, too
    moved = (half[0] + 30,)
    assert depths(points + 30, moved, (100, 100)).tolist() == [1, 5, 2]


def test_shares_depth_and_density_are_those_of_the_cells_inside() -> None:
    square = (np.array([[10.0, 10], [10, 50], [50, 50], [50, 10]]),)
    middle = np.array([[15.0, 30], [30, 30], [90, 90]])
    regions = Detections(
        ("a",), np.array([[10.0, 10, 50, 50]]), np.zeros(1, int), np.ones(1), "", (99, 99), outlines=(square,)
    )
    boxes = np.concatenate([middle - 1, middle + 1], axis=1)
    cells = Detections(("rim", "core"), boxes, np.array([0, 1, 1]), np.ones(3), "", (99, 99), regions=regions)
    (row,) = contents(cells.with_columns(region=np.array([1, 1, 0])), ("rim", "core"))
    radius = 40 / np.sqrt(np.pi)
    np.testing.assert_allclose(row[:2] ** 2, [0.5, 0.5])
    np.testing.assert_allclose(row[2:4] * radius, [(5 + 2 * 12.5) / 3, (20 + 2 * 12.5) / 3])
    assert np.exp(row[4]) == pytest.approx(2.5 / 1.6)


def test_stages_that_votes_leave_open_are_told_by_the_cells(network: cs.Model) -> None:
    found = section()
    assert found.regions is not None
    regions = staged(found, network)
    assert (found.regions.names == UNNAMED).sum() >= 3
    assert (regions.names == truth()).mean() > 0.95
    open_ = found.regions.names == UNNAMED
    assert (regions.names == truth())[open_].all()
    assert regions.score[open_].min() > 0.6


def test_it_is_said_which_cells_spoke(network: cs.Model) -> None:
    """X-XI differs from IX by round spermatids alone, which it lacks."""
    regions = staged(section(), network)
    against = (regions.names == "X-XI") & (regions.columns["rather_than"] == "IX")
    assert against.any()
    for text in regions.columns["because"][against]:
        assert text.startswith("no Round spt +")
    speaks = [column for name, column in regions.columns.items() if name.startswith("speaks_")]
    chance = np.stack([regions.columns[f"chance_{name}"] for name in STAGES], axis=1)
    first, second = np.sort(np.log(chance), axis=1)[:, ::-1][:, :2].T
    bias = np.asarray(network.facts[STAGING]["read_out"]["bias"])
    best, other = chance.argsort(axis=1)[:, ::-1][:, :2].T
    gap = (bias[best] - bias[other]) / network.facts[STAGING]["read_out"]["temperature"]
    np.testing.assert_allclose(np.sum(speaks, axis=0) + regions.columns["familiar"] * gap, first - second, atol=1e-6)


def test_what_is_in_doubt_and_what_has_few_cells_stays_as_it_was(network: cs.Model) -> None:
    assert not staged(section(), network, least_share=1.0).named.any()
    found = section()
    bare = staged(found.take(np.arange(len(found)) % 40 == 0), network)
    assert found.regions is not None
    assert np.array_equal(bare.codes, found.regions.codes)
    assert set(bare.columns["because"]) == {"its votes: too few cells"}


def test_cells_unlike_those_of_the_fit_leave_regions_to_their_votes(network: cs.Model) -> None:
    """As where another laboratory's cells are all called by one name."""
    found = section()
    assert found.regions is not None
    named = replace(found, codes=np.full(len(found), found.classes.index("m2m")))
    odd = staged(named, network)
    (_, note) = doubts_of([replace(named, regions=odd)])
    assert note.startswith("100% of the regions hold few cells, or ones unlike the fit's")
    assert odd.columns["familiar"].max() < 0.1
    assert np.array_equal(odd.codes, found.regions.codes)
    assert np.median(staged(found, network).columns["familiar"]) > 0.5


def test_regions_without_staging_are_left_alone() -> None:
    found = section()
    assert staged_by_cells(found) is found


def test_cells_of_other_types_are_refused(network: cs.Model) -> None:
    found = with_staging(replace(section(), classes=tuple("abcdefghi")), network.facts[STAGING])
    with pytest.raises(InputError, match=r"staged by cells of the types El spt early.*--no-restage"):
        staged_by_cells(found)


def test_damaged_numbers_are_refused(network: cs.Model) -> None:
    facts = network.facts[STAGING]
    assert Staging.of(facts).facts() == facts
    for damaged in ({**facts, "types": ["Spg"]}, {k: v for k, v in facts.items() if k != "familiar"}):
        with pytest.raises(InputError, match="fit the model again"):
            Staging.of(damaged)


@pytest.mark.parametrize(("votes_right", "weight"), [(True, 0.0), (False, 1.0)])
def test_what_held_out_regions_show_to_be_better_is_chosen(
    sections: Path, network: cs.Model, monkeypatch: pytest.MonkeyPatch, votes_right: bool, weight: float
) -> None:
    """A network that is always right leaves nothing to the cells; one that is always wrong is not listened to."""
    fields = open_fields(sections / "regions.csv", channels=["DAPI"])
    marks = {row: fitting_marks(fields, row) for row in range(3)}

    def seen(finder: Any, fields: Any, row: int) -> Detections:
        own = marks[row]
        codes = np.array([STAGES.index(str(name)) for name in own.names])
        votes = np.eye(len(STAGES))[codes if votes_right else (codes + 2) % len(STAGES)]
        columns = {f"vote_{name}": votes[:, k] for k, name in enumerate(STAGES)}
        size = fields.size(row)
        return Detections(STAGES, own.boxes, codes, np.ones(len(own)), "", size, columns=columns, outlines=own.outlines)

    monkeypatch.setattr(fitting, "found_in", seen)
    if votes_right:  # and the cells are of any type
        shuffled = np.random.default_rng(0)
        read = fitting.marks_in
        monkeypatch.setattr(
            fitting, "marks_in", lambda *of: (m := read(*of)) and replace(m, names=shuffled.permutation(m.names))
        )
    split = {"train": np.array([0, 1]), "val": np.array([2])}
    facts, table, said = fitting.fit_staging(network, fields, marks, split, device="cpu")
    assert facts.get("weight", 0.0) == weight
    assert [row["by"] for row in table if row["chosen"]] == ["votes" if votes_right else "cells"]
    assert ("the votes alone" if votes_right else "their cells alone") in said


def fitting_marks(fields: Any, row: int) -> Any:
    from coverslip.samples.opening.marked import marks_of

    return marks_of(fields, row)


def test_a_fitted_network_is_taken_as_it_is(sections: Path, network: cs.Model, tmp_path: Path) -> None:
    folder = network.save(tmp_path / "network")
    again = cs.fit("section", sections / "regions.csv", {"network": str(folder), "cells": "cells"})
    assert all(np.array_equal(again.weights[name], network.weights[name]) for name in network.weights)
    loaded = cs.load(again.save(tmp_path / "again"))
    assert loaded.facts[STAGING] == network.facts[STAGING]
    assert "by their cells alone: too few were held out" in loaded.facts["said"]


def test_what_a_region_model_finds_takes_along_how_cells_stage_it(
    sections: Path, network: cs.Model, tmp_path: Path
) -> None:
    folder, image = network.save(tmp_path / "network"), sections / "section_1.tif"
    command = ["predict", str(folder), str(image), "--channels", "DAPI", "--device", "cpu", "--no-overlay"]
    assert main([*command, "--out", str(tmp_path / "tubules")]) == 0
    found = cs.results.opened(tmp_path / "tubules")[1].detections(0)
    assert found.provenance[STAGING] == network.facts[STAGING]
    assert STAGING not in (tmp_path / "tubules" / "provenance.json").read_text()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"cells": "cells"}, "say target=regions"),
        ({"network": "model"}, "name their column, cells="),
        ({"target": "regions", "cells": "nuclei"}, "There is no column 'nuclei'"),
    ],
)
def test_what_cannot_be_fitted_is_said(sections: Path, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        cs.fit("section", sections / "regions.csv", {**TINY, "zoom": 0.1, **settings}, run=Run(device="cpu"))


def test_the_page_and_the_measures_are_of_the_regions(
    network: cs.Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = staged_by_cells(with_staging(section(), network.facts[STAGING]))
    write_value(found, tmp_path / "cells")
    write_value(replace(found.regions, codes=np.array([STAGES.index(n) for n in truth()])), tmp_path / "true")  # type: ignore[type-var]
    assert main(["evaluate", str(tmp_path / "cells"), str(tmp_path / "true" / "section.geojson"), "--regions"]) == 0
    assert "stage right, of staged" in capsys.readouterr().out
    assert main(["report", str(tmp_path / "cells"), "--out", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text()
    assert "What spoke for the classes of regions" in page
    assert "no\N{NO-BREAK SPACE}Round\N{NO-BREAK SPACE}spt\N{NO-BREAK SPACE}+" in page
    table = cs.read.read_table(tmp_path / "cells" / "regions.csv")
    assert "because" in table
    opened = cs.results.opened(tmp_path / "cells")[1].detections(0).regions
    assert opened is not None
    assert np.array_equal(opened.codes, found.regions.codes)  # type: ignore[union-attr]
