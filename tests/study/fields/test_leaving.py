"""Leaving one out: what a fit has seen and what it is evaluated on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from coverslip.core.errors import InputError
from coverslip.core.fields import ArrayFields
from coverslip.read import read_table
from coverslip.samples import Sheet, open_fields
from coverslip.study import Findings, leave_one_out

from ..conftest import RUN, SETTINGS, made_fields


def left_out(fields: Any, out: Path, **options: Any) -> Findings:
    given = {"restarts": 1, "steps": 1, "settings": SETTINGS, "run": RUN, "keep_models": False, **options}
    return leave_one_out("unet", fields, out, **given)


def rows_of(out: Path) -> dict[str, tuple[set[int], set[int]]]:
    """The rows that each fit was trained and evaluated on."""
    found = {}
    for file in sorted(out.glob("fits/*/fit.json")):
        fit = json.loads(file.read_text())
        train, evaluated = ({int(name.split()[1]) for name in fit[part]} for part in ("train", "evaluated"))
        found[file.parent.name] = train, evaluated
    return found


def test_each_group_is_evaluated_by_a_fit_to_all_the_others(grouped: ArrayFields, tmp_path: Path) -> None:
    findings = left_out(grouped, tmp_path)
    hela, a549, mcf7 = {0, 2, 5}, {1, 3, 6, 7}, {4}  # row 8 is for the last test
    assert rows_of(tmp_path) == {
        "without=HeLa,seed=0": (a549 | mcf7, hela),
        "without=A549,seed=0": (hela | mcf7, a549),
        "without=MCF7,seed=0": (hela | a549, mcf7),
        "classical": (set(), hela | a549 | mcf7),
    }
    images = read_table(tmp_path / "images.csv")
    (whole,) = [p for p in findings.points if (p["trained_on"], p["group"], p["measure"]) == ("without", "all", "ap50")]
    assert whole["images"] == 8
    assert whole["mean"] == pytest.approx(images["ap50"][images["trained_on"] == "without"].mean())


def test_kinds_of_fits_are_compared_on_the_same_held_out_fields(grouped: ArrayFields, tmp_path: Path) -> None:
    findings = left_out(grouped, tmp_path, compare=["only", "without", "all"], restarts=2)
    found = rows_of(tmp_path)
    hela, a549, mcf7 = {0, 2}, {1, 3}, {4}
    for seed in (0, 1):
        assert found[f"all=5,seed={seed}"] == (hela | a549 | mcf7, {5, 6, 7})
        assert found[f"without=HeLa,seed={seed}"] == (a549 | mcf7, {5})
        assert found[f"without=A549,seed={seed}"] == (hela | mcf7, {6, 7})
        assert found[f"only=HeLa,seed={seed}"] == (hela, {5})
        assert found[f"only=A549,seed={seed}"] == (a549, {6, 7})
    assert len(found) == 11
    assert "for want of objects or held-out fields: MCF7" in findings.notes[-1]
    assert [row["trained_on"] for row in findings.table[::3]] == ["without", "all", "only", "classical"]
    assert (tmp_path / "leave-one-out.png").is_file()


def test_one_image_is_left_out_at_a_time(tmp_path: Path, stacks: Sheet) -> None:
    fields = open_fields(stacks, channels=["light"], planes=1)
    findings = left_out(fields, tmp_path, by="image", baseline=False)
    assert len(list(tmp_path.glob("fits/*"))) == 6
    fit = json.loads((tmp_path / "fits" / "without=3,seed=0" / "fit.json").read_text())
    assert (fit["train"], fit["evaluated"]) == ([f"{i}.tif" for i in (0, 1, 2, 4, 5)], ["3.tif"])
    assert [p["images"] for p in findings.points if p["group"] == "all" and p["measure"] == "ap"] == [6]


def test_groups_whose_names_make_one_folder_name_stay_apart(tmp_path: Path) -> None:
    fields = made_fields(3, group=["a b", "a/b", "c"])
    left_out(fields, tmp_path, baseline=False)
    found = rows_of(tmp_path)
    assert sorted(sorted(evaluated) for _, evaluated in found.values()) == [[0], [1], [2]]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"by": "line"}, "no column 'line'"),
        ({"by": "split"}, "needs at least two groups"),
        ({"compare": ["with"]}, "compared without, all, only, not 'with'"),
        ({"compare": []}, "compared without, all, only"),
        ({"by": "image", "compare": ["all", "without"]}, "leave --compare out"),
    ],
)
def test_what_cannot_be_left_out_is_refused_before_any_fit(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    fields = made_fields(4, group=["a", "b", "a", "b"], split=["train"] * 4)
    with pytest.raises(InputError, match=words):
        left_out(fields, tmp_path / "study", **options)
    assert not (tmp_path / "study").exists()
