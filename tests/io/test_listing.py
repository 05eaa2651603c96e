"""What lies in a folder is told apart by names: images, masks, results of other programs, what is not read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coverslip.io.listing import bare_name, contents, mask_name


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def names(files: list[Path]) -> list[str]:
    return [file.name for file in files]


def test_an_image_is_called_alike_whatever_its_endings() -> None:
    for name in ("a.tif", "a.ome.tif", "a.OME.TIFF", "a.labels.tif", "a.ome.zarr", "a.zarr.zip", "a.stk", "a.zip", "a"):
        assert bare_name(name) == "a"
    assert bare_name("plate.A01.tif") == "plate.A01"
    assert bare_name("S21.107.svs") == bare_name("S21.107.cslip.zarr") == "S21.107"


@pytest.mark.parametrize(
    "name",
    ["a_cp_masks.png", "a_seg.npy", "a_mask.tif", "a-labels.tif", "a.rois.zip", "a_RoiSet.zip", "a.geojson", "a.tif"],
)
def test_a_mask_is_called_like_its_image(name: str) -> None:
    assert mask_name(name) == "a"


def test_results_of_other_programs_are_no_images(tmp_path: Path) -> None:
    put(tmp_path, "a.tif", "a_seg.npy", "a_cp_masks.png", "a_flows.tif", "a_thumb0001.tif", "a_dP_cp_masks.tif")
    put(tmp_path, "a_cp_outlines.txt", "a_Probabilities.tif", "a.geojson", "a.probability.tif", "a.labels.tif")
    found = contents(tmp_path)
    assert names(found.images) == ["a.tif"]
    assert names(found.masks) == ["a.geojson", "a.labels.tif", "a_cp_masks.png", "a_seg.npy"]
    assert len(found.results) == 5
    assert found.others == []


def test_a_mask_by_its_name_alone_needs_its_image_beside_it(tmp_path: Path) -> None:
    put(tmp_path, "a.tif", "a_mask.tif", "white_label.tif", "b.zip")
    found = contents(tmp_path)
    assert names(found.images) == ["a.tif", "white_label.tif"]
    assert names(found.masks) == ["a_mask.tif"]
    assert names(found.others) == ["b.zip"]


def test_formats_that_are_not_read_are_counted_but_not_texts_and_tables(tmp_path: Path) -> None:
    put(tmp_path, "a.tif", "f.oib", "g.vsi", "notes.txt", "plate.csv", "Thumbs.db", ".hidden.oib")
    assert names(contents(tmp_path).others) == ["f.oib", "g.vsi"]


def test_folders_of_results_and_pipes_are_left_alone(tmp_path: Path) -> None:
    put(tmp_path, "a.tif", "a-decomposition/provenance.json", "a-decomposition/a.generated.tif")
    os.mkfifo(tmp_path / "b.tif")
    found = contents(tmp_path)
    assert names(found.images) == ["a.tif"]
    assert names(found.results) == ["a-decomposition"]
    assert names(found.others) == ["b.tif"]
