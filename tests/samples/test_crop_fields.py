from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from coverslip.core.errors import InputError
from coverslip.core.image import PixelSize
from coverslip.core.provenance import file_hash
from coverslip.read import open_image, write_image_tiff, write_labels
from coverslip.samples import Sheet, check_sheet, crop_objects, crop_sheet, open_samples, read_sheet, write_sheet


@pytest.fixture
def fields(tmp_path: Path) -> Sheet:
    """Three fields of two channels; the second holds one object, the third none."""
    rng = np.random.default_rng(0)
    rows = []
    for i, corners in enumerate([[(2, 3), (20, 25), (30, 9)], [(10, 10)], []]):
        labels = np.zeros((40, 50), np.uint8)
        for number, (y, x) in enumerate(corners, start=1):
            labels[y : y + 5, x : x + 6] = number
        pixels = rng.integers(0, 60000, (2, 40, 50)).astype(np.uint16)
        name = f"plate{i}/field.tif"
        size = PixelSize(0.5, 0.5)
        write_image_tiff(pixels, tmp_path / name, axes="CYX", pixel_size=size, channels=("DNA", "actin"))
        write_image_tiff(pixels[0] // 2, tmp_path / f"plate{i}/paired.tif")
        write_labels(labels, tmp_path / f"plate{i}/field.tif")
        rows.append({"image": name, "mask": f"plate{i}/field.labels.tif", "plate": f"P{i}", "day": str(7 + i)})
    return write_sheet(Sheet(tmp_path, tuple(rows[0]), rows), tmp_path / "fields.csv")


def test_crops_are_read_back_as_they_were_cut(fields: Sheet, tmp_path: Path) -> None:
    sheet = crop_sheet(fields, tmp_path / "crops", 12)
    assert sheet.path == tmp_path / "crops" / "crops.csv"
    assert read_sheet(tmp_path / "crops").rows == sheet.rows
    samples = open_samples(tmp_path / "crops")
    assert samples.shape == (2, 12, 12)
    assert samples.dtype == np.uint16
    assert samples.channels == ("DNA", "actin")
    expected = [
        crop_objects(open_image(tmp_path / f"plate{i}" / "field.tif"), labels, 12)[0]
        for i in range(2)
        for labels in [open_image(tmp_path / f"plate{i}" / "field.labels.tif").read()]
    ]
    np.testing.assert_array_equal(samples.read(range(4)), np.concatenate(expected))
    np.testing.assert_array_equal(samples.read([3, 0, 2, 0]), np.concatenate(expected)[[3, 0, 2, 0]])


def test_each_crop_knows_its_field_and_its_place(fields: Sheet, tmp_path: Path) -> None:
    sheet = crop_sheet(fields, tmp_path / "crops", 12)
    assert [path.name for path in sorted((tmp_path / "crops").iterdir())] == [
        "crops.csv",
        "field_row2.tif",
        "field_row3.tif",
        "provenance.json",
    ]
    assert sheet.rows[1].items() >= {"DNA_max": "58920.0"}.items()  # what was measured of it comes along
    assert {name: sheet.rows[1][name] for name in sheet.columns[:17]} == {
        "image": "field_row2.tif",
        "frame": "1",
        "plate": "P0",
        "day": "7",
        "source_image": "../plate0/field.tif",
        "source_mask": "../plate0/field.labels.tif",
        "object": "2",
        "area_px": "30",
        "area_um2": "7.5",
        "y_px": "22.0",
        "x_px": "27.5",
        "y_um": "11.0",
        "x_um": "13.75",
        "top_px": "16",
        "left_px": "22",
        "touches_border": "0",
        "truncated": "0",
    }
    assert sheet.file(1, "source_image").resolve() == (tmp_path / "plate0" / "field.tif").resolve()
    obs = open_samples(sheet).obs
    assert obs["day"].tolist() == [7, 7, 7, 8]
    assert obs["y_um"].dtype == np.float64
    assert check_sheet(sheet).errors == []


def test_the_folder_says_how_the_crops_were_made(fields: Sheet, tmp_path: Path) -> None:
    crop_sheet(fields, tmp_path / "crops", 5.0, unit="um", border="shift", min_area=3)
    record = json.loads((tmp_path / "crops" / "provenance.json").read_text())
    assert record["inputs"] == {"sheet": str(fields.path), "sha256": file_hash(fields.path)}
    assert record["settings"] == {
        "size": 5.0,
        "unit": "um",
        "pixels": [10, 10],
        "neighbours": "keep",
        "border": "shift",
        "fill": "background",
        "min_area": 3,
        "max_area": None,
        "planes": "channels",
    }


def test_without_a_pixel_size_there_are_no_micrometre_columns(fields: Sheet, tmp_path: Path) -> None:
    plain = write_sheet(fields.subset([0]).with_column("image", ["plate0/paired.tif"]), tmp_path / "plain.csv")
    sheet = crop_sheet(plain, tmp_path / "crops", 12)
    assert "y_px" in sheet.columns
    assert not [name for name in sheet.columns if name.endswith(("_um", "_um2"))]


def test_paired_images_are_cropped_at_the_same_places(fields: Sheet, tmp_path: Path) -> None:
    paired = fields.with_column("source", [f"plate{i}/paired.tif" for i in range(3)])
    sheet = crop_sheet(paired, tmp_path / "crops", 8)
    assert sheet.rows[3]["source"] == "field_row3.source.tif"
    both = open_samples(sheet, use_source=True)
    assert both.shape == (3, 8, 8)
    pixels = both.read([0, 1, 2, 3])
    np.testing.assert_array_equal(pixels[1:, 2], pixels[1:, 0] // 2)


def test_sizes_in_micrometres_become_whole_pixels(fields: Sheet, tmp_path: Path) -> None:
    assert open_samples(crop_sheet(fields, tmp_path / "crops", (6.0, 4.0), unit="um")).shape == (2, 12, 8)
    pixels = open_image(tmp_path / "plate1" / "field.tif").read()
    write_image_tiff(pixels, tmp_path / "plate1" / "field.tif", axes="CYX", pixel_size=PixelSize(0.25, 0.25))
    with pytest.raises(InputError, match=r"row 3: 6\.0 µm are 24 x 24 pixels here, but 12 x 12"):
        crop_sheet(fields, tmp_path / "other", 6.0, unit="um")
    write_image_tiff(pixels, tmp_path / "plate1" / "field.tif", axes="CYX")
    with pytest.raises(InputError, match="does not say how large its pixels are"):
        crop_sheet(fields, tmp_path / "other", 6.0, unit="um")
    with pytest.raises(InputError, match="is not whole"):
        crop_sheet(fields, tmp_path / "other", 6.5)
    assert not (tmp_path / "other").exists()


def test_a_failure_leaves_nothing_behind(fields: Sheet, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    write_labels(np.ones((40, 51), np.uint8), tmp_path / "plate2" / "field.tif")
    with pytest.raises(InputError, match=r"row 4: .*40 x 51 pixels, but its image has 40 x 50"):
        crop_sheet(fields, tmp_path / "crops", 12)
    (tmp_path / "plate2" / "field.labels.tif").unlink()
    with pytest.raises(InputError, match="row 4: there is no mask"):
        crop_sheet(fields, tmp_path / "crops", 12)
    assert sorted(tmp_path.iterdir()) == before


def test_fields_of_other_channels_are_refused(fields: Sheet, tmp_path: Path) -> None:
    write_image_tiff(np.zeros((40, 50), np.uint16), tmp_path / "plate1" / "field.tif")
    with pytest.raises(InputError, match=r"row 3: .* has 1 channel of uint16, images before it 2"):
        crop_sheet(fields, tmp_path / "crops", 12)


def test_masks_and_objects_are_needed(fields: Sheet, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no mask holds an object"):
        crop_sheet(fields, tmp_path / "crops", 12, min_area=1000)
    with pytest.raises(InputError, match="names no masks"):
        crop_sheet(fields.with_column("mask", [""] * 3), tmp_path / "crops", 12)
    crop_sheet(fields, tmp_path / "crops", 12)
    with pytest.raises(InputError, match="already holds something"):
        crop_sheet(fields, tmp_path / "crops", 12)
    assert open_samples(crop_sheet(fields, tmp_path / "crops", 10, overwrite=True)).shape == (2, 10, 10)


def test_columns_of_the_field_are_never_replaced(fields: Sheet, tmp_path: Path) -> None:
    stage = fields.with_column("x_px", ["12345"] * 3).with_column("stage_um", [""] * 3)
    crops = crop_sheet(stage, tmp_path / "crops", 12)
    assert set(crops.column("x_px")) == {"12345"}
    assert crops.column("coverslip_x_px") == crop_sheet(fields, tmp_path / "other", 12).column("x_px")
    assert "stage_um" in crops.columns
    assert "'x_px' of its own" in crops.notes[0]


def test_only_crops_are_overwritten(fields: Sheet, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds other things than crops"):
        crop_sheet(fields, tmp_path / "plate0", 12, overwrite=True)
    assert (tmp_path / "plate0" / "field.tif").is_file()


def test_what_crops_are_cut_from_is_never_replaced(fields: Sheet, tmp_path: Path) -> None:
    write_sheet(fields, tmp_path / "crops.csv")
    with pytest.raises(InputError, match=r"holds .*field\.tif itself, so it is not replaced"):
        crop_sheet(fields, tmp_path, 12, overwrite=True)
    assert (tmp_path / "plate0" / "field.tif").is_file()


def test_rows_may_mean_frames_of_a_series(tmp_path: Path) -> None:
    movie = np.arange(3 * 16 * 16, dtype=np.uint16).reshape(3, 16, 16)
    write_image_tiff(movie, tmp_path / "movie.tif", axes="TYX")
    labels = np.zeros((16, 16), np.uint8)
    labels[8, 8] = 1
    write_labels(labels, tmp_path / "movie.tif")
    rows = [{"image": "movie.tif", "mask": "movie.labels.tif", "frame": str(t)} for t in (2, 0)]
    sheet = crop_sheet(Sheet(tmp_path, tuple(rows[0]), rows), tmp_path / "crops", 3)
    assert sheet.column("source_frame") == ["2", "0"]
    samples = open_samples(sheet)
    np.testing.assert_array_equal(samples.read([0, 1])[:, 0], movie[[2, 0], 7:10, 7:10])


@pytest.mark.data
def test_real_nuclei_are_all_cropped(data_folder: Path, tmp_path: Path) -> None:
    fields = read_sheet(data_folder / "bbbc039").subset([0, 1])
    sheet = crop_sheet(fields, tmp_path / "crops", 48)
    samples = open_samples(sheet)
    assert samples.shape == (1, 48, 48)
    counts = [len(np.unique(open_image(fields.file(i, "mask")).read())) - 1 for i in range(2)]
    assert len(samples) == sum(counts)
    # Nuclei are bright, so the middle of a crop outshines its rim.
    crops = samples.read(np.arange(len(samples)))[:, 0].astype(float)
    assert (crops[:, 22:26, 22:26].mean((1, 2)) > np.median(crops[:, 0], axis=1)).mean() > 0.98


def test_a_pixel_size_that_is_said_decides_how_large_crops_are_and_goes_into_them(
    fields: Sheet, tmp_path: Path
) -> None:
    sheet = crop_sheet(fields.with_pixel_size(0.25), tmp_path / "crops", 3, unit="um")
    samples = open_samples(sheet)
    assert samples.shape == (2, 12, 12)
    assert "pixel_size" not in sheet.columns
    assert samples.image(0).pixel_size == PixelSize(0.25, 0.25)
    assert sheet.rows[0]["y_um"] == str(0.25 * float(sheet.rows[0]["y_px"]))
