"""Sheets, folders and images with a stain become folders of labels to train on."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from coverslip.core.errors import InputError
from coverslip.core.image import PixelSize
from coverslip.core.provenance import file_hash
from coverslip.measure import evaluate_labels
from coverslip.read import open_image, read_labels, write_image_tiff, write_labels
from coverslip.samples import (
    Sheet,
    StainSettings,
    check_sheet,
    label_from_stain,
    open_fields,
    read_sheet,
    segment_stain,
    write_sheet,
)
from coverslip.samples.stain.fields import Labelled

CENTRES = [(18, 20), (20, 60), (55, 40), (50, 82)]


def stain(shift: int = 0) -> np.ndarray:
    """Four nuclei, ``(75, 100)`` uint16."""
    y, x = np.mgrid[:75, :100]
    pixels = np.full((75, 100), 300, np.uint16)
    for cy, cx in CENTRES:
        pixels[(y - cy) ** 2 + (x - cx - shift) ** 2 <= 8**2] = 4000
    return pixels


def light(seed: int) -> np.ndarray:
    """Seven focal planes of transmitted light, ``(7, 75, 100)`` uint16."""
    return np.random.default_rng(seed).integers(9000, 11000, (7, 75, 100)).astype(np.uint16)


@pytest.fixture
def paired(tmp_path: Path) -> Sheet:
    """Three fields of transmitted light, the stain of each beside it."""
    rows = []
    for i in range(3):
        size = PixelSize(0.65, 0.65)
        write_image_tiff(light(i), tmp_path / f"light/f{i}.tif", axes="ZYX", pixel_size=size)
        write_image_tiff(stain(2 * i), tmp_path / f"dapi/f{i}.tif", pixel_size=size)
        rows.append({"image": f"light/f{i}.tif", "source": f"dapi/f{i}.tif", "well": f"A0{i}", "split": "train"})
    return write_sheet(Sheet(tmp_path, tuple(rows[0]), rows), tmp_path / "fields.csv")


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_a_sheet_of_pairs_becomes_a_sheet_to_train_on(paired: Sheet, tmp_path: Path) -> None:
    made = label_from_stain(paired, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "f0.labels.tif",
        "f1.labels.tif",
        "f2.labels.tif",
        "labels.csv",
        "provenance.json",
        "sheet.csv",
    ]
    assert made.rows[1] == {
        "image": "../light/f1.tif",
        "mask": "f1.labels.tif",
        "source": "../dapi/f1.tif",
        "well": "A01",
        "split": "train",
        "objects": "4",
        "flags": "",
    }
    assert check_sheet(made).ok
    fields = open_fields(tmp_path / "out")
    assert fields.has_labels
    assert fields.pixels(2).shape == (7, 75, 100)
    np.testing.assert_array_equal(fields.labels(2), segment_stain(stain(4)).labels)


def test_columns_of_the_sheet_are_never_replaced(paired: Sheet, tmp_path: Path) -> None:
    made = label_from_stain(paired.with_column("objects", ["slide 7"] * len(paired)), tmp_path / "out")
    assert (made.rows[1]["objects"], made.rows[1]["coverslip_objects"]) == ("slide 7", "4")
    assert "'objects' of its own" in made.notes[0]


def test_facts_and_settings_are_written_down(paired: Sheet, tmp_path: Path) -> None:
    label_from_stain(paired, tmp_path / "out", StainSettings(threshold="otsu", min_area=20))
    rows = table(tmp_path / "out" / "labels.csv")
    assert [row["mask"] for row in rows] == ["f0.labels.tif", "f1.labels.tif", "f2.labels.tif"]
    assert float(rows[0]["diameter_px"]) == pytest.approx(16, abs=1)
    assert float(rows[0]["diameter_um"]) == pytest.approx(0.65 * float(rows[0]["diameter_px"]), rel=1e-3)
    assert {row["rule"] for row in rows} == {"otsu"}
    noted = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert noted["settings"]["threshold"] == "otsu"
    assert noted["settings"]["min_area"] == 20
    assert noted["settings"]["level"] == StainSettings().level
    assert noted["stain"] == {"column": "source", "channel": None, "planes": "max"}
    assert noted["inputs"] == {"sheet": str(paired.path), "sha256": file_hash(str(paired.path))}
    labels = read_labels(tmp_path / "out" / "f0.labels.tif")
    assert labels.provenance["inputs"]["stain"].endswith("dapi/f0.tif")
    assert labels.pixel_size == PixelSize(0.65, 0.65)


def test_the_stain_may_be_a_channel_by_name_or_number(tmp_path: Path) -> None:
    both = np.stack([light(0)[0], stain()])
    write_image_tiff(both, tmp_path / "images/a.tif", axes="CYX", channels=("BF", "DAPI"))
    expected = segment_stain(stain()).labels
    for i, channel in enumerate(("DAPI", 1, "1")):
        made = label_from_stain(tmp_path / "images", tmp_path / f"out{i}", stain=channel)
        np.testing.assert_array_equal(read_labels(made.file(0, "mask")).labels, expected)
    with pytest.raises(InputError, match=r"a\.tif: there is no channel 'GFP'; the channels are: BF, DAPI\."):
        label_from_stain(tmp_path / "images", tmp_path / "out", stain="GFP")
    with pytest.raises(InputError, match=r"a\.tif has 2 channels \(BF, DAPI\); say which of them is the stain"):
        label_from_stain(tmp_path / "images", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_image_with_the_file_of_its_stain(tmp_path: Path) -> None:
    write_image_tiff(light(0), tmp_path / "z.tif", axes="ZYX")
    write_image_tiff(stain(), tmp_path / "dapi.tif")
    made = label_from_stain(tmp_path / "z.tif", tmp_path / "out", stain=tmp_path / "dapi.tif")
    assert made.rows[0]["image"] == "../z.tif"
    assert made.rows[0]["source"] == "../dapi.tif"
    assert made.rows[0]["objects"] == "4"


def test_focal_planes_of_a_stain_are_reduced_to_one(tmp_path: Path) -> None:
    stack = np.stack([stain() // 4, stain(), stain() // 2])
    write_image_tiff(stack, tmp_path / "images/a.tif", axes="ZYX")
    for planes in ("max", "sharpest", 1):
        made = label_from_stain(tmp_path / "images", tmp_path / f"out-{planes}", planes=planes)
        np.testing.assert_array_equal(read_labels(made.file(0, "mask")).labels, segment_stain(stain()).labels)
    with pytest.raises(InputError, match="3 focal planes; say which is the stain"):
        label_from_stain(tmp_path / "images", tmp_path / "out", planes="channels")


def test_frames_of_a_series_get_a_label_image_each(tmp_path: Path) -> None:
    write_image_tiff(np.stack([stain(), stain(6)]), tmp_path / "series.tif", axes="TYX")
    rows = [{"image": "series.tif", "frame": str(i)} for i in range(2)]
    made = label_from_stain(Sheet(tmp_path, ("image", "frame"), rows), tmp_path / "out")
    assert made.column("mask") == ["series_frame0.labels.tif", "series_frame1.labels.tif"]
    np.testing.assert_array_equal(read_labels(made.file(1, "mask")).labels, segment_stain(stain(6)).labels)


def test_another_column_may_name_the_stains_and_old_masks_are_kept_beside(tmp_path: Path) -> None:
    write_image_tiff(light(0), tmp_path / "in/a.tif", axes="ZYX")
    write_image_tiff(stain(), tmp_path / "in/hoechst/a.tif")
    write_labels(np.ones((75, 100), np.uint8), tmp_path / "in/a.tif")
    row = {"image": "a.tif", "mask": "a.labels.tif", "axes": "ZYX", "dna": "hoechst/a.tif"}
    sheet = write_sheet(Sheet(tmp_path / "in", tuple(row), [row]), tmp_path / "in/sheet.csv")
    made = label_from_stain(sheet, tmp_path / "out/deep", stain_column="dna")
    assert made.file(0, "dna") == tmp_path / "out/deep" / "../../in/hoechst/a.tif"
    assert made.rows[0]["source_mask"] == "../../in/a.labels.tif"
    assert made.rows[0]["objects"] == "4"
    with pytest.raises(
        InputError, match=r"names no stains in a column 'rna'; its columns are: image, mask, axes, dna\."
    ):
        label_from_stain(sheet, tmp_path / "out", stain_column="rna")


def test_a_stain_of_another_size_or_none_is_refused_with_its_row(paired: Sheet, tmp_path: Path) -> None:
    write_image_tiff(stain()[:70], tmp_path / "dapi/f1.tif")
    with pytest.raises(InputError, match=r"fields\.csv, row 3: the stain .*f1\.tif has 70 x 100 pixels, its image"):
        label_from_stain(paired, tmp_path / "out")
    (tmp_path / "dapi/f1.tif").unlink()
    with pytest.raises(InputError, match=r"fields\.csv, row 3: there is no file .*f1\.tif"):
        label_from_stain(paired, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dapi", "fields.csv", "light"]


def test_what_fails_half_way_leaves_nothing(paired: Sheet, tmp_path: Path) -> None:
    spoilt = stain().astype(np.float32)
    spoilt[3, 3] = np.nan
    write_image_tiff(spoilt, tmp_path / "dapi/f2.tif")
    with pytest.raises(InputError, match=r"row 4: .*f2\.tif: 1 pixel is NaN"):
        label_from_stain(paired, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dapi", "fields.csv", "light"]


def test_labels_are_replaced_only_when_asked_and_images_never(paired: Sheet, tmp_path: Path) -> None:
    out = tmp_path / "out"
    label_from_stain(paired, out)
    with pytest.raises(InputError, match="already holds something"):
        label_from_stain(paired, out)
    made = label_from_stain(paired, out, StainSettings(max_area=5), overwrite=True)
    assert made.column("objects") == ["0", "0", "0"]
    assert made.column("flags") == ["empty"] * 3
    label_from_stain(tmp_path / "dapi", tmp_path / "dapi2")
    write_image_tiff(stain(), out / "own.tif")
    with pytest.raises(InputError, match=r"out holds .*own\.tif itself"):
        label_from_stain(out / "own.tif", out, overwrite=True)
    with pytest.raises(InputError, match="holds other things than labels"):
        label_from_stain(paired, tmp_path / "light", overwrite=True)
    assert (out / "own.tif").exists()


def test_more_may_be_written_into_the_folder_before_it_appears(paired: Sheet, tmp_path: Path) -> None:
    def also(folder: Path, made: Labelled) -> None:
        assert not (tmp_path / "out").exists()
        (folder / "count.txt").write_text(str(sum(facts.objects for facts in made.facts)))

    label_from_stain(paired, tmp_path / "out", also=also)
    assert (tmp_path / "out" / "count.txt").read_text() == "12"


@pytest.mark.data
def test_labels_of_real_nuclei_agree_with_the_truth(data_folder: Path, tmp_path: Path) -> None:
    sheet = read_sheet(data_folder / "bbbc039").subset([0, 40, 80, 120])
    made = label_from_stain(sheet, tmp_path / "out")
    found = evaluate_labels(
        (str(i), read_labels(made.file(i, "source_mask")), read_labels(made.file(i, "mask"))) for i in range(4)
    )
    assert found.get("ap50").value > 0.85
    assert found.get("ap80").value > 0.75
    assert found.get("pixel_f1").value > 0.95


@pytest.mark.data
def test_the_stain_of_transmitted_light_gives_labels(data_folder: Path, tmp_path: Path) -> None:
    folder = data_folder / "isl_transmitted_z"
    made = label_from_stain(folder / "transmitted_z.tif", tmp_path / "out", stain=folder / "dapi.tif")
    assert 70 < int(made.rows[0]["objects"]) < 110
    assert made.rows[0]["flags"] == "saturated too_many_touching"
    labels, dapi = read_labels(made.file(0, "mask")).labels, open_image(folder / "dapi.tif").read()
    assert np.median(dapi[labels > 0]) > 2 * np.median(dapi[labels == 0])
