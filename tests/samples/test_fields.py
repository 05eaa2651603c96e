"""Fields: whole images of any size, with their masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coverslip.core.errors import InputError
from coverslip.core.fields import ArrayFields, Fields, FieldSubset
from coverslip.core.region import Region
from coverslip.read import write_image_tiff, write_labels
from coverslip.samples import Sheet, open_fields, open_samples, read_sheet, write_sheet

SIZES = [(20, 31), (17, 24), (40, 40)]


@pytest.fixture
def sheet(tmp_path: Path) -> Sheet:
    """Three fields of two channels and three planes each, of different sizes, with masks."""
    rng = np.random.default_rng(0)
    rows = []
    for i, (height, width) in enumerate(SIZES):
        pixels = rng.integers(0, 5000, (2, 3, height, width)).astype(np.uint16)
        write_image_tiff(pixels, tmp_path / f"{i}.tif", axes="CZYX", channels=("DNA", "light"))
        np.save(tmp_path / f"{i}.npy", pixels)
        mask = np.zeros((height, width), np.uint16)
        mask[2:8, 3:9] = 5
        write_labels(mask, tmp_path / f"{i}.labels.tif")
        rows.append({"image": f"{i}.tif", "mask": f"{i}.labels.tif", "group": "ab"[i % 2]})
    return write_sheet(Sheet(tmp_path, tuple(rows[0]), rows), tmp_path / "fields.csv")


def stored(sheet: Sheet, index: int) -> np.ndarray:
    return np.load(sheet.folder / f"{index}.npy")


def test_fields_may_differ_in_size_but_not_in_channels(sheet: Sheet) -> None:
    fields = open_fields(sheet)
    assert isinstance(fields, Fields)
    assert [fields.size(i) for i in range(3)] == SIZES
    assert (fields.count, fields.dtype, fields.has_labels) == (6, np.uint16, True)
    assert fields.channels[:2] == ("DNA z0", "DNA z1")
    assert fields.obs["group"].tolist() == ["a", "b", "a"]
    for i in range(3):
        np.testing.assert_array_equal(fields.pixels(i), stored(sheet, i).reshape(6, *SIZES[i]))
        assert fields.labels(i).sum() == 5 * 36


def test_a_region_is_that_part_of_the_field(sheet: Sheet) -> None:
    fields = open_fields(sheet, channels=["light"], planes=1)
    assert fields.count == 1
    np.testing.assert_array_equal(fields.pixels(1, Region(4, 5, 6, 7)), stored(sheet, 1)[1:, 1, 4:10, 5:12])


def test_the_sharpest_plane_is_that_of_the_whole_field_in_every_region(sheet: Sheet) -> None:
    pixels = stored(sheet, 0)
    pixels[:, [0, 2]] = 1000  # two flat planes
    write_image_tiff(pixels, sheet.folder / "0.tif", axes="CZYX", channels=("DNA", "light"))
    fields = open_fields(sheet, planes="sharpest")
    assert fields.count == 2
    np.testing.assert_array_equal(fields.pixels(0, Region(0, 0, 5, 5)), pixels[:, 1, :5, :5])


def test_a_subset_keeps_rows_in_the_order_given(sheet: Sheet) -> None:
    fields = FieldSubset(open_fields(sheet), [2, 0])
    assert len(fields) == 2
    assert [fields.size(i) for i in range(2)] == [SIZES[2], SIZES[0]]
    assert Path(fields.name(0)).name == "2.tif"
    np.testing.assert_array_equal(fields.pixels(1), stored(sheet, 0).reshape(6, *SIZES[0]))


def test_one_image_and_an_array_are_fields_too(sheet: Sheet) -> None:
    assert len(open_fields(sheet.folder / "1.tif")) == 1
    array = np.arange(12, dtype=np.uint8).reshape(3, 4)
    fields = open_fields(array)
    np.testing.assert_array_equal(fields.pixels(0), array[None])
    assert not fields.has_labels


def test_a_mask_of_another_size_names_its_row(sheet: Sheet) -> None:
    write_labels(np.ones((9, 9), np.uint8), sheet.folder / "1.labels.tif")
    fields = open_fields(read_sheet(sheet.path or ""))
    with pytest.raises(InputError, match=r"row 3.*9 x 9 pixels, but its image has 17 x 24"):
        fields.labels(1)


def test_masks_that_are_not_there_are_named(sheet: Sheet) -> None:
    (sheet.folder / "2.labels.tif").unlink()
    with pytest.raises(InputError, match=r"row 4.*there is no mask"):
        open_fields(sheet).labels(2)


def test_another_number_of_channels_is_refused_with_its_row(sheet: Sheet) -> None:
    write_image_tiff(np.zeros((17, 24), np.uint16), sheet.folder / "1.tif", axes="YX")
    with pytest.raises(InputError, match=r"row 3.*1 channel, but the first image 6"):
        open_fields(read_sheet(sheet.path or ""))


def test_nan_pixels_are_refused_when_they_are_read(tmp_path: Path) -> None:
    pixels = np.ones((8, 8), np.float32)
    pixels[3, 3] = np.nan
    write_image_tiff(pixels, tmp_path / "a.tif", axes="YX")
    with pytest.raises(InputError, match=r"a\.tif: 1 pixel is NaN"):
        open_fields(tmp_path / "a.tif").pixels(0)


def test_arrays_must_fit_each_other() -> None:
    image = np.zeros((8, 9), np.uint8)
    assert ArrayFields([image], [np.ones((8, 9), np.int32)]).labels(0).sum() == 72
    with pytest.raises(InputError, match="mask of array 0"):
        ArrayFields([image], [np.ones((9, 8), np.int32)])
    with pytest.raises(InputError, match=r"array 1 is \(2, 8, 9\), the first \(1, 8, 9\)"):
        ArrayFields([image, np.zeros((2, 8, 9))])
    with pytest.raises(InputError, match="1 images, but 2 of 'group'"):
        ArrayFields([image], obs={"group": ["a", "b"]})
    with pytest.raises(InputError, match="There are no images"):
        ArrayFields([])


def test_the_pixel_size_is_what_is_said_at_opening_or_in_the_sheet(sheet: Sheet) -> None:
    def size(opened: Fields, index: int) -> tuple[float, float] | None:
        found = opened.image(index).pixel_size
        return found and (found.y, found.x)

    assert size(open_fields(sheet), 0) is None
    assert size(open_fields(sheet, pixel_size="0.5x0.25"), 2) == (0.5, 0.25)
    assert open_fields(sheet, pixel_size=0.5).obs["pixel_size"].tolist() == [0.5] * 3
    written = write_sheet(sheet.with_column("pixel_size", ["0.3", "", "650"]), sheet.folder / "sizes.csv")
    assert size(open_fields(written.subset([0, 1])), 0) == (0.3, 0.3)
    with pytest.raises(InputError, match=r"sizes\.csv, row 4: The pixel size given for .*2\.tif is 650 x 650 µm"):
        open_fields(written)
    with pytest.raises(InputError, match=r"'half', given for .*, is no number; give it in µm"):
        open_fields(sheet, pixel_size="half")


def test_true_and_false_are_one_and_zero(tmp_path: Path) -> None:
    bits = np.random.default_rng(0).random((2, 20, 30)) > 0.5
    np.save(tmp_path / "a.npy", bits[0])
    for source in (tmp_path / "a.npy", bits[0]):
        fields = open_fields(source)
        assert (fields.dtype, fields.pixels(0).dtype) == (np.uint8, np.uint8)
        np.testing.assert_array_equal(fields.pixels(0)[0], bits[0])
    for source in (tmp_path / "a.npy", bits[:1]):
        samples = open_samples(source)
        assert (samples.dtype, samples.read([0]).dtype) == (np.uint8, np.uint8)
        np.testing.assert_array_equal(samples.read([0])[0, 0], bits[0])
