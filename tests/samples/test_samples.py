from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from coverslip.core.errors import InputError
from coverslip.core.image import Image
from coverslip.core.samples import ArraySamples, Samples
from coverslip.read import write_image_tiff
from coverslip.samples import Sheet, open_samples, read_sheet, write_sheet


@pytest.fixture
def sheet(tmp_path: Path) -> Sheet:
    """Four images of three named channels, with facts."""
    pixels = np.random.default_rng(0).integers(0, 60000, (4, 3, 9, 11)).astype(np.uint16)
    for i, image in enumerate(pixels):
        write_image_tiff(image, tmp_path / f"{i}.tif", axes="CYX", channels=("DNA", "actin", "tubulin"))
    np.save(tmp_path / "truth.npy", pixels)
    rows = [
        {"image": f"{i}.tif", "label": str(i), "well": "1E5", "day": f"{7 + i}", "dose": dose, "batch": f"0{i}"}
        for i, dose in enumerate(["0.1", "", "1e-3", "-2"])
    ]
    return write_sheet(Sheet(tmp_path, tuple(rows[0]), rows), tmp_path / "cells.csv")


def truth(sheet: Sheet) -> np.ndarray:
    return np.load(sheet.folder / "truth.npy")


def test_rows_are_read_in_the_order_asked_for(sheet: Sheet) -> None:
    samples = open_samples(sheet)
    assert isinstance(samples, Samples)
    assert (len(samples), samples.shape, samples.dtype) == (4, (3, 9, 11), np.uint16)
    assert samples.channels == ("DNA", "actin", "tubulin")
    np.testing.assert_array_equal(samples.read([2, 0, 2, -1]), truth(sheet)[[2, 0, 2, 3]])
    assert samples.read([]).shape == (0, 3, 9, 11)
    with pytest.raises(IndexError):
        samples.read([4])


def test_columns_become_numbers_where_all_of_them_are(sheet: Sheet) -> None:
    obs = open_samples(sheet).obs
    assert obs["image"].tolist() == ["0.tif", "1.tif", "2.tif", "3.tif"]
    assert obs["label"].tolist() == ["0", "1", "2", "3"]  # names stay names
    assert obs["well"].tolist() == ["1E5"] * 4
    assert obs["batch"].tolist() == ["00", "01", "02", "03"]  # leading zeros would be lost
    assert obs["day"].dtype.kind == "i"
    assert obs["day"].tolist() == [7, 8, 9, 10]
    np.testing.assert_array_equal(obs["dose"], [0.1, np.nan, 1e-3, -2])


@pytest.mark.parametrize("wanted", [["tubulin", "DNA"], [2, 0], ["2", "0"]])
def test_channels_are_chosen_by_name_or_number(sheet: Sheet, wanted: list) -> None:
    samples = open_samples(sheet, channels=wanted)
    assert samples.shape == (2, 9, 11)
    assert samples.channels == ("tubulin", "DNA")
    np.testing.assert_array_equal(samples.read([1, 3]), truth(sheet)[[1, 3]][:, [2, 0]])


def test_an_unknown_channel_lists_those_there_are(sheet: Sheet) -> None:
    with pytest.raises(InputError, match=r"no channel 'RNA'; the channels are: DNA, actin, tubulin\."):
        open_samples(sheet, channels=["RNA"])


def test_arrays_images_files_and_folders_are_opened_too(sheet: Sheet, tmp_path: Path) -> None:
    array = truth(sheet)
    np.testing.assert_array_equal(open_samples(array, channels=[1]).read([3]), array[3:, 1:2])
    np.testing.assert_array_equal(open_samples(Image.from_array(array[0])).read([0]), array[:1])
    one = open_samples(sheet.folder / "2.tif")
    np.testing.assert_array_equal(one.read([0]), array[2:3])
    assert one.obs["image"].tolist() == ["2.tif"]
    np.testing.assert_array_equal(open_samples(str(sheet.path)).read([1]), array[1:2])
    samples = ArraySamples(array)
    assert open_samples(samples) is samples
    (tmp_path / "folder").mkdir()
    for i in (0, 3):
        (sheet.folder / f"{i}.tif").rename(tmp_path / "folder" / f"{i}.tif")
    np.testing.assert_array_equal(open_samples(tmp_path / "folder").read([0, 1]), array[[0, 3]])


@pytest.mark.parametrize(
    ("shape", "dtype", "says"),
    [
        ((3, 9, 12), "uint16", "samples need one size: make crops first with coverslip samples crop"),
        ((2, 9, 11), "uint16", "samples need the same channels"),
        ((3, 9, 11), "uint8", "samples need one dtype"),
    ],
)
def test_a_row_that_differs_is_named(sheet: Sheet, shape: tuple[int, ...], dtype: str, says: str) -> None:
    write_image_tiff(np.zeros(shape, dtype), sheet.folder / "2.tif", axes="CYX")
    with pytest.raises(InputError) as error:
        open_samples(sheet)
    assert f"{sheet.path}, row 4: {sheet.folder / '2.tif'} is " in str(error.value)
    with pytest.raises(InputError, match=f"^{sheet.folder / '2.tif'} is "):
        open_samples(replace(sheet, path=None))
    assert says in str(error.value)


def test_a_missing_file_and_a_mask_are_refused(sheet: Sheet) -> None:
    with pytest.raises(InputError, match=r"coverslip samples crop SHEET --size 64 --out crops"):
        open_samples(sheet.with_column("mask", ["m.tif", "", "", ""]))
    (sheet.folder / "3.tif").unlink()
    with pytest.raises(InputError, match="row 5: there is no file"):
        open_samples(sheet)


def test_a_series_is_no_sample_until_its_frame_is_said(sheet: Sheet) -> None:
    movie = np.random.default_rng(1).integers(0, 99, (5, 3, 9, 11)).astype(np.uint16)
    for i in range(4):
        write_image_tiff(movie, sheet.folder / f"{i}.tif", axes="TCYX")
    with pytest.raises(InputError, match=r"row 2: .*a movie of 5 frames .* in a column 'frame'"):
        open_samples(sheet)
    samples = open_samples(sheet.with_column("frame", ["4", "0", "1", "1"]))
    np.testing.assert_array_equal(samples.read([0, 1, 2, 3]), movie[[4, 0, 1, 1]])


def test_nan_pixels_are_refused_when_they_are_read(sheet: Sheet) -> None:
    for i in range(4):
        pixels = np.ones((3, 9, 11), np.float32)
        pixels[0, 0, : i // 3] = np.nan
        write_image_tiff(pixels, sheet.folder / f"{i}.tif", axes="CYX")
    samples = open_samples(sheet)
    assert samples.read([0, 1, 2]).shape == (3, 3, 9, 11)
    with pytest.raises(InputError, match=r"3\.tif: 1 pixel is NaN"):
        samples.read([0, 3])


def test_planes_are_what_was_said(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    stack = rng.integers(0, 9, (2, 4, 9, 11)).astype(np.uint8)
    stack[:, 2] = 30 * rng.integers(0, 9, (2, 9, 11))  # by far the sharpest
    stack[:, 0] *= 2
    write_image_tiff(stack, tmp_path / "a.tif", axes="CZYX", channels=("DNA", "actin"))

    def read(planes: str | int) -> np.ndarray:
        return open_samples(tmp_path, planes=planes).read([0])[0]

    np.testing.assert_array_equal(read("channels"), stack.reshape(8, 9, 11))
    np.testing.assert_array_equal(read("max"), stack.max(axis=1))
    np.testing.assert_array_equal(read("sharpest"), stack[:, 2])
    np.testing.assert_array_equal(read("sharpest2"), stack[:, [0, 2]].reshape(4, 9, 11))
    np.testing.assert_array_equal(read(3), stack[:, 3])
    assert open_samples(tmp_path, planes="sharpest2").channels == ("DNA z0", "DNA z1", "actin z0", "actin z1")
    with pytest.raises(InputError, match="plane 4 cannot be had of 4 planes"):
        read(4)
    with pytest.raises(InputError, match="the 5 sharpest planes cannot be had of 4"):
        read("sharpest5")
    with pytest.raises(InputError, match="say channels, max, sharpest"):
        read("middle")


def test_paired_images_follow_as_channels(sheet: Sheet) -> None:
    for i in range(4):
        write_image_tiff(np.full((9, 11), i, np.uint16), sheet.folder / "paired" / f"{i}.tif")
    paired = sheet.with_column("source", [f"paired/{i}.tif" for i in range(4)])
    samples = open_samples(paired, use_source=True)
    assert samples.shape == (4, 9, 11)
    assert samples.read([2])[0, 3, 0, 0] == 2
    assert open_samples(paired).shape == (3, 9, 11)
    with pytest.raises(InputError, match="names no paired images"):
        open_samples(sheet, use_source=True)
    write_image_tiff(np.zeros((9, 10), np.uint16), sheet.folder / "paired" / "0.tif")
    with pytest.raises(InputError, match="paired image"):
        open_samples(paired.subset([0]), use_source=True)


@pytest.mark.data
def test_real_cells_are_read_from_their_folder(data_folder: Path) -> None:
    sheet = read_sheet(data_folder / "jurkat_cellcycle")
    samples = open_samples(sheet.subset(list(range(0, len(sheet), 40))))
    assert samples.shape == (3, 40, 40)
    assert samples.dtype == np.uint16
    assert set(samples.obs["label"]) > {"G1", "G2", "Prophase"}
    assert samples.read(np.arange(len(samples))).std() > 0
