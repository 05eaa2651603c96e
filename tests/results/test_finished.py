"""`--resume` of a result that is there whole: it is what was asked for, or what differs is named."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from coverslip.core import InputError, Options
from coverslip.io.tags import made_from
from coverslip.models.record import asked_of, finished
from coverslip.train.run import Run
from coverslip.verbs.fit import fit_to_folder
from coverslip.work.unfinished import Work


class Choice(Options):
    clusters: str = "auto"
    regions: str | None = None
    strict: bool = False


def model(sha256: str | None) -> Any:
    return SimpleNamespace(
        method="vae", provenance={"weights_sha256": sha256}, implementation=SimpleNamespace(Options=Choice)
    )


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.tif").write_bytes(b"II*")
    return tmp_path


def noted(folder: Path, **facts: Any) -> Path:
    out = folder / "out"
    out.mkdir(exist_ok=True)
    (out / "provenance.json").write_text(json.dumps(facts))
    return out


def test_a_finished_result_is_of_the_same_inputs_and_model(images: Path) -> None:
    out = noted(images, inputs={"path": str(images / "a")}, model={"weights_sha256": "1"})  # of an older version
    assert finished(out, asked_of(model("1"), images / "a", {})).finished_before
    assert finished(out, asked_of(model("1"), images / "b" / ".." / "a", {})).finished_before
    with pytest.raises(InputError, match=r"is finished, but was made with inputs=\S*a, not \S*b: choose another --out"):
        finished(out, asked_of(model("1"), images / "b", {}))
    with pytest.raises(InputError, match="is finished, but was made with another model: choose"):
        finished(out, asked_of(model("2"), images / "a", {}))
    (out / "provenance.json").unlink()  # nothing is known of it
    assert finished(out, asked_of(model("2"), images / "b", {})).finished_before


def test_options_and_channels_that_differ_are_named_with_both_values(images: Path) -> None:
    was = asked_of(model("1"), images / "a", {"channels": ["DAPI"]}, Choice(clusters="4"))
    out = noted(images, asked=was)
    assert finished(out, was).finished_before
    now = asked_of(model("1"), images / "a", {"channels": ["GFP", "DAPI"]}, Choice())
    with pytest.raises(InputError, match=r"made with channels=DAPI, not GFP,DAPI; clusters=4, not default: choose"):
        finished(out, now)


def test_an_option_at_its_default_or_one_that_only_refuses_is_no_other(images: Path) -> None:
    plain = asked_of(model("1"), images / "a", {}, Choice())
    assert asked_of(model("1"), images / "a", {}, Choice(clusters="auto", strict=True)) == plain
    assert asked_of(model("1"), images / "a", {}, Choice(), {"clusters": "auto"}) == plain


def test_images_or_files_of_options_that_changed_are_noticed(images: Path) -> None:
    drawn = images / "regions.geojson"
    drawn.write_text("{}")
    options = Choice(regions=str(drawn))
    out = noted(images, asked=asked_of(model("1"), images / "a", {}, options))
    drawn.write_text('{"features": []}')
    with pytest.raises(InputError, match=r"regions=\S+regions.geojson \(\w{8}\), not \S+regions.geojson \(\w{8}\)"):
        finished(out, asked_of(model("1"), images / "a", {}, options))
    drawn.write_text("{}")
    (images / "a" / "2.tif").write_bytes(b"II*")
    with pytest.raises(InputError, match="made with images, or a sheet, that have changed since: choose"):
        finished(out, asked_of(model("1"), images / "a", {}, options))


def test_a_zarr_whose_pixels_changed_is_noticed_by_no_more_than_a_look_at_its_files(images: Path) -> None:
    import numpy as np
    import zarr

    from coverslip.core import Image
    from coverslip.io.writing.zarr import write_image_zarr

    place = images / "c.zarr"
    write_image_zarr(Image.from_array(np.ones((8, 8), np.uint8)), place)
    for file in place.rglob("*"):
        os.utime(file, (1e9, 1e9))
    out = noted(images, asked=asked_of(model("1"), place, {}))
    assert finished(out, asked_of(model("1"), place, {})).finished_before
    before = Work(images / "work").pending("c", place, "", []).stamp
    zarr.open_array(place / "0", mode="r+")[3, 4] = 2
    with pytest.raises(InputError, match="made with images, or a sheet, that have changed since: choose"):
        finished(out, asked_of(model("1"), place, {}))
    assert Work(images / "work").pending("c", place, "", []).stamp != before


@pytest.mark.parametrize("version", ["0.5", "0.4"])
def test_labels_in_a_zarr_say_what_they_were_made_of(tmp_path: Path, version: Any) -> None:
    import numpy as np

    from coverslip.core import Image
    from coverslip.io.writing.zarr import write_image_zarr
    from coverslip.io.writing.zarr_labels import write_zarr_labels

    place = tmp_path / "a.zarr"
    write_image_zarr(Image.from_array(np.ones((8, 8), np.uint8)), place, version=version)
    assert made_from(place) == {}
    write_zarr_labels(np.ones((8, 8), np.int32), place, provenance={"asked": {"flips": 4}})
    assert made_from(place) == {"asked": {"flips": 4}}
    with pytest.raises(InputError, match="made with flips=4, not 8"):
        finished(place, {"flips": 8})


def test_a_finished_model_is_of_the_same_samples_and_settings(images: Path) -> None:
    out = noted(images, inputs={"path": str(images / "a")})
    (out / "config.json").write_text("{}")
    assert fit_to_folder("vae", images / "a", out, {}, run=Run(resume=True)) is None
    with pytest.raises(InputError, match="is finished, but was made with inputs="):
        fit_to_folder("vae", images / "b", out, {}, run=Run(resume=True))
