"""Focal planes: which sets are fitted, what a fit sees, what its model takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import coverslip as cs
from coverslip import measure
from coverslip.core.errors import InputError
from coverslip.core.fields import FieldSubset
from coverslip.read import read_table, write_image_tiff
from coverslip.samples import Sheet, open_fields, read_sheet
from coverslip.study import Findings, focal_planes
from coverslip.study.fields.planes import _counts, _sets, _sharpest_first

from ..conftest import RUN, SETTINGS, made_fields


def planes(samples: Any, out: Path, **options: Any) -> Findings:
    given = {"restarts": 1, "steps": 60, "settings": SETTINGS, "run": RUN, "channels": ["light"], **options}
    return focal_planes("unet", samples, out, **given)


@pytest.fixture(scope="module")
def study(stacks: Sheet, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Findings]:
    out = tmp_path_factory.mktemp("planes")
    return out, planes(stacks, out, counts=[1, 2, 3], combinations=1)


def test_all_sets_are_fitted_up_to_a_limit() -> None:
    assert _sets(4, [1, 2], 6, [0, 1, 2, 3]) == [
        ("every", chosen) for chosen in [(0,), (1,), (2,), (3,), (0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    ]


def test_beyond_the_limit_spread_and_sharpest_ones_are() -> None:
    sharpest = [3, 4, 2, 5, 1, 6, 0]
    assert _sets(7, [2, 3, 7], 10, sharpest) == [
        ("spread", (0, 6)),
        ("sharpest", (3, 4)),
        ("spread", (0, 3, 6)),
        ("sharpest", (2, 3, 4)),
        ("every", tuple(range(7))),
    ]
    assert _sets(5, [3], 4, [0, 4, 2, 1, 3]) == [("spread", (0, 2, 4))]  # which are the sharpest too
    assert [_counts(None, count) for count in (2, 3, 7)] == [[1, 2], [1, 2, 3], [1, 2, 3, 7]]


def test_planes_are_ranked_by_sharpness_in_the_chosen_channels(stacks: Sheet) -> None:
    assert _sharpest_first(open_fields(stacks), np.arange(4), 3, [1])[0] == 1


def test_every_plane_alone_and_some_together_are_fitted(study: tuple[Path, Findings]) -> None:
    out, findings = study
    fits = {file.parent.name: json.loads(file.read_text()) for file in out.glob("fits/*/fit.json")}
    # The second channel's planes are channels 3 to 5 of the whole.
    for name, fit in fits.items():
        chosen = [int(plane) for plane in name.removeprefix("planes=").removesuffix(",seed=0").split("+")]
        assert fit["channels"] == [3 + plane for plane in chosen]
    assert {"planes=0,seed=0", "planes=1,seed=0", "planes=2,seed=0", "planes=0+2,seed=0"} < set(fits)
    assert len(fits) == 6  # of two planes also the two sharpest, one of which is plane 1
    assert {point["count"] for point in findings.points} == {1, 2, 3}


def test_only_the_plane_that_shows_the_objects_tells_where_they_are(study: tuple[Path, Findings]) -> None:
    areas = {p["planes"]: p["value"] for p in study[1].points if p["measure"] == "auroc" and p["count"] == 1}
    assert areas["1"] > 0.7
    assert max(areas["0"], areas["2"]) < areas["1"] - 0.15


def test_a_kept_model_takes_its_planes_from_whole_stacks(stacks: Sheet, study: tuple[Path, Findings]) -> None:
    folder = study[0] / "fits" / "planes=1,seed=0"
    found = cs.predict(folder / "model", stacks, device="cpu")
    whole = FieldSubset(open_fields(stacks), [4, 5])
    again = measure.evaluate_labels((i, whole.labels(i), found[row]) for i, row in enumerate((4, 5)))
    np.testing.assert_allclose(read_table(folder / "images.csv")["pixel_f1"], again.per_image["pixel_f1"])


def test_the_page_says_which_sets_were_fitted(study: tuple[Path, Findings]) -> None:
    out, findings = study
    assert "Of 2 of the 3 planes together, two sets were fitted" in findings.notes[1]
    assert findings.notes[1] in (out / "report.html").read_text()
    assert json.loads((out / "provenance.json").read_text())["sharpest_first"][0] == 1
    assert (out / "planes.png").is_file()


def test_images_without_planes_are_refused(stacks: Sheet, tmp_path: Path) -> None:
    flat = tmp_path / "flat.tif"
    write_image_tiff(np.zeros((32, 32), np.uint8), flat, axes="YX")
    (tmp_path / "sheet.csv").write_text(f"image,mask\n{flat},{stacks.file(0, 'mask')}\n")
    with pytest.raises(InputError, match=r"flat\.tif has no focal planes \(axes 'YX', 32 x 32\)"):
        planes(read_sheet(tmp_path / "sheet.csv"), tmp_path / "study")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"counts": [1, 4]}, "from 1 to 3 here"),
        ({"counts": []}, "from 1 to 3 here"),
        ({"channels": ["DAPI"]}, "no channel 'DAPI'; the channels are: phase, light"),
    ],
)
def test_what_cannot_be_chosen_is_refused_before_any_fit(
    stacks: Sheet, tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        planes(stacks, tmp_path / "study", **options)
    assert not (tmp_path / "study").exists()


def test_opened_fields_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give a sheet or a folder"):
        planes(made_fields(4), tmp_path)
