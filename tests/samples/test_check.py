from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from coverslip.core.errors import InputError
from coverslip.core.image import PixelSize
from coverslip.core.progress import reporting
from coverslip.read import write_image_tiff, write_labels
from coverslip.samples import Report, Sheet, check_sheet, read_sheet, write_sheet


class Field:
    """A folder of eight good images and their sheet, for a test to spoil."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rng = np.random.default_rng(0)
        self.columns: dict[str, list[str]] = {"image": [f"{i}.tif" for i in range(8)]}
        for i in range(8):
            self.put(i, self.noise())

    def noise(self, *shape: int, dtype: str = "uint16") -> np.ndarray:
        return self.rng.integers(1, 200, size=shape or (16, 16)).astype(dtype)

    def put(self, i: int, array: np.ndarray, **options: object) -> Path:
        return write_image_tiff(array, self.folder / f"{i}.tif", **options)

    def check(self, **options: bool) -> Report:
        rows = [dict(zip(self.columns, row, strict=True)) for row in zip(*self.columns.values(), strict=True)]
        write_sheet(Sheet(self.folder, tuple(self.columns), rows), self.folder / "cells.csv")
        return check_sheet(self.folder / "cells.csv", **options)

    def only_problem(self, **options: bool) -> str:
        report = self.check(**options)
        (problem,) = report.problems
        assert "\n" not in problem.text
        assert problem.text.endswith((".", "?"))
        return f"{problem.severity}: {problem.text}"


@pytest.fixture
def field(tmp_path: Path) -> Field:
    return Field(tmp_path)


def test_good_images_have_no_problems_and_a_summary(field: Field) -> None:
    field.columns["label"] = ["G1"] * 5 + ["G2"] * 3
    field.columns["split"] = ["train"] * 6 + ["val"] * 2
    report = field.check()
    assert report.ok
    assert report.problems == ()
    assert report.summary == {
        "images": 8,
        "files": 8,
        "readable": 8,
        "shapes": {"YX 16 x 16": 8},
        "dtypes": {"uint16": 8},
        "axes": {"YX": 8},
        "pixel_sizes": {"unknown": 8},
        "channels": {"1": 8},
        "columns": ["image", "label", "split"],
        "labels": {"G1": 5, "G2": 3},
        "splits": {"train": 6, "val": 2},
    }


def test_a_truncated_tiff(field: Field) -> None:
    path = field.put(5, field.noise(64, 64))
    path.write_bytes(path.read_bytes()[:3000])
    text = field.only_problem()
    assert text.startswith(f"error: {field.folder / 'cells.csv'}, row 7: ")
    assert str(path) in text
    assert "copy it again" in text


def test_a_file_of_no_bytes(field: Field) -> None:
    (field.folder / "5.tif").write_bytes(b"")
    assert "row 7" in field.only_problem()
    assert "5.tif is empty (0 bytes)" in field.only_problem()


def test_a_missing_file_in_row_7(field: Field) -> None:
    (field.folder / "5.tif").unlink()
    text = field.only_problem(deep=False)
    assert f"row 7: there is no file {field.folder / '5.tif'}; mend the path" in text


def test_a_text_file_named_as_an_image(field: Field) -> None:
    (field.folder / "5.tif").write_text("hello, I am a list of cells")
    assert "row 7" in field.only_problem()


def test_twelve_gigabytes_declared_by_a_kilobyte(field: Field) -> None:
    # A TIFF header that promises 80,000 x 80,000 pixels of 16 bits in one strip.
    tags = [(256, 4, 80000), (257, 4, 80000), (258, 3, 16), (259, 3, 1), (262, 3, 1), (273, 4, 512), (277, 3, 1)]
    tags += [(278, 4, 80000), (279, 4, 0xFFFFFFFF)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    head = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + b"\0\0\0\0"
    (field.folder / "5.tif").write_bytes(head.ljust(1024, b"\1"))
    text = field.only_problem()
    assert "row 7" in text
    assert "copy it again" in text


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity(field: Field, value: float) -> None:
    for i in range(8):
        field.put(i, field.noise(dtype="float32"))
    spoilt = field.noise(dtype="float32")
    spoilt[3, 4:6] = value
    field.put(5, spoilt)
    assert "row 7" in field.only_problem()
    assert "has 2 pixels that are NaN or infinite" in field.only_problem()
    assert field.check(deep=False).ok  # the pixels were not looked at


def test_mixed_sizes(field: Field) -> None:
    field.put(5, field.noise(16, 20))
    text = field.only_problem()
    assert "row 7" in text
    assert "has size 16 x 20, most images have 16 x 16" in text
    assert "coverslip samples crop" in text


def test_mixed_channel_counts(field: Field) -> None:
    for i in range(8):
        field.put(i, field.noise(2, 16, 16), axes="CYX")
    field.put(5, field.noise(3, 16, 16), axes="CYX")
    assert "row 7" in field.only_problem()
    assert "has channels 3, most images have 2" in field.only_problem()


def test_mixed_dtypes(field: Field) -> None:
    field.put(5, field.noise(dtype="uint8"))
    assert "has dtype uint8, most images have uint16" in field.only_problem()


def test_other_axes(field: Field) -> None:
    field.put(5, field.noise(3, 16, 16), axes="ZYX")
    assert "has axes ZYX, most images have YX" in field.only_problem()


def test_axes_that_the_file_does_not_say(field: Field) -> None:
    tifffile.imwrite(field.folder / "5.tif", field.noise(5, 16, 16), photometric="minisblack", metadata=None)
    text = field.only_problem()
    assert "row 7" in text
    assert "does not say whether they are channels, focal planes or time points" in text


def test_a_series_needs_its_frame_said(field: Field) -> None:
    field.put(5, field.noise(4, 16, 16), axes="TYX")
    assert "is a movie of 4 frames (axes 'TYX'); make rows of them" in field.only_problem()
    field.columns["frame"] = [""] * 5 + ["3"] + [""] * 2
    assert field.check().ok
    field.columns["frame"][5] = "4"
    assert "frame 4 was asked for, but" in field.only_problem()
    field.columns["frame"][5] = "last"
    assert "the frame 'last' is not a whole number" in field.only_problem()


def test_a_single_pixel(field: Field) -> None:
    field.columns["image"] = ["5.tif"]
    field.put(5, np.ones((1, 1), np.uint16))
    report = field.check()
    assert [problem.kind for problem in report.errors] == ["constant image", "too small"]
    assert "is 1 x 1 pixels, but at least 8 x 8 are needed" in report.errors[1].text


def test_a_constant_image(field: Field) -> None:
    field.put(5, np.full((16, 16), 7, np.uint16))
    assert "has the value 7 everywhere" in field.only_problem()


def test_a_saturated_image_is_a_warning(field: Field) -> None:
    bright = field.noise()
    bright[:2] = 4095  # a 12-bit camera
    field.put(5, bright)
    assert field.only_problem().startswith("warning: ")
    assert "12.5 % of its pixels at the highest value, 4095" in field.only_problem()


def test_a_copy_under_another_name_is_a_warning(field: Field) -> None:
    (field.folder / "5.tif").write_bytes((field.folder / "2.tif").read_bytes())
    assert field.only_problem().startswith("warning: ")
    assert "holds the same pixels as" in field.only_problem()


def test_other_pixel_sizes_are_a_warning(field: Field) -> None:
    for i in range(8):
        field.put(i, field.noise(), pixel_size=PixelSize(0.5, 0.5))
    field.put(5, field.noise(), pixel_size=PixelSize(0.25, 0.25))
    assert field.only_problem().startswith("warning: ")
    assert "has pixel size 0.25 x 0.25 µm, most images have 0.5 x 0.5 µm" in field.only_problem()


def masked(field: Field) -> None:
    field.columns["mask"] = [f"masks/{i}.labels.tif" for i in range(8)]
    for i in range(8):
        write_labels(np.eye(16, dtype=np.uint8), field.folder / "masks" / f"{i}.tif")


def test_a_mask_of_another_shape(field: Field) -> None:
    masked(field)
    assert field.check().ok
    write_labels(np.eye(15, dtype=np.uint8), field.folder / "masks" / "5.tif")
    assert "row 7: the mask" in field.only_problem()
    assert "has 15 x 15 pixels, its image 16 x 16" in field.only_problem(deep=False)


def test_masks_that_are_empty_missing_or_no_labels(field: Field) -> None:
    masked(field)
    write_labels(np.zeros((16, 16), np.uint8), field.folder / "masks" / "5.tif")
    assert field.only_problem().startswith("warning: ")
    write_image_tiff(np.full((16, 16), 0.5, np.float32), field.folder / "masks" / "5.labels.tif")
    assert "no label numbers" in field.only_problem()
    field.columns["mask"][5] = ""
    assert "row 7: 5.tif has no mask, others have" in field.only_problem()
    field.columns["mask"][5] = "masks/none.tif"
    assert "row 7: there is no file" in field.only_problem()


def test_fields_with_masks_may_differ_in_size(field: Field) -> None:
    masked(field)
    field.put(5, field.noise(20, 24))
    write_labels(np.eye(20, 24, dtype=np.uint8), field.folder / "masks" / "5.tif")
    assert field.check().ok


def test_a_group_in_two_splits_is_a_leak(field: Field) -> None:
    field.columns["group"] = ["a", "a", "b", "b", "c", "c", "c", ""]
    field.columns["split"] = ["train", "train", "val", "val", "test", "test", "train", "val"]
    text = field.only_problem()
    assert text.startswith("error: ")
    assert "group 'c' lies in test (row 6) and train (row 8)" in text


def test_a_plate_in_two_splits_is_a_leak_unless_groups_are_stated(field: Field) -> None:
    field.columns["plate"] = ["P1"] * 8
    field.columns["split"] = ["train"] * 6 + ["validation"] * 2
    assert field.only_problem().startswith("error: ")
    field.columns["group"] = [f"well {i}" for i in range(8)]
    assert field.only_problem().startswith("warning: ")


def test_odd_columns(field: Field) -> None:
    field.columns["label"] = ["G1", "", "", "G2", "G1", "G1", "G1", "G1"]
    assert field.only_problem().startswith("warning: ")
    assert "row 3: 2 of 8 rows have an empty 'label'" in field.only_problem()
    field.columns.pop("label")
    field.columns["split"] = ["train"] * 7 + ["soon"]
    assert "row 9: 'soon' is not a split" in field.only_problem()
    field.columns.pop("split")
    field.columns["image"][5] = "./2.tif"
    assert "row 7: 2.tif is listed already in row 4" in field.only_problem()


def test_many_problems_of_a_kind_are_told_in_short(field: Field) -> None:
    for i in range(8):
        (field.folder / f"{i}.tif").unlink()
    report = field.check()
    assert len(report.errors) == 8
    lines = report.lines(3)
    assert len(lines) == 4
    assert lines[-1] == "error: … and 5 more of this kind (unreadable)."


def test_folders_with_nothing_to_learn_from(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    with pytest.raises(InputError, match="is an empty folder"):
        check_sheet(tmp_path / "texts")
    (tmp_path / "texts" / "a.txt").write_text("x")
    with pytest.raises(InputError, match="holds no images, only 1 other file"):
        check_sheet(tmp_path / "texts")


def test_huge_images_are_judged_by_windows(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coverslip.samples.sheets.inspection.LARGEST", 1 << 10)
    large = field.noise(2100, 2100)
    field.columns["image"] = ["5.tif"]
    field.put(5, large)
    assert field.check().ok
    field.put(5, np.zeros_like(large))
    assert "has the value 0 everywhere" in field.only_problem()


def test_progress_is_shown(field: Field) -> None:
    steps: dict[str, int] = {}

    class Line:
        def __init__(self, name: str, total: int | None) -> None:
            self.name = name
            steps[name] = 0

        def advance(self, steps_done: int = 1, note: str = "") -> None:
            steps[self.name] += steps_done

        def close(self) -> None: ...

    with reporting(Line):
        field.check()
    assert steps == {"Checking image files": 8}


def test_checking_loads_no_heavy_library() -> None:
    code = (
        "import sys, coverslip.samples.sheets.check, coverslip.samples.sheets.make, coverslip.samples.sheets.splits; "
        "print(sorted({'torch', 'pandas', 'scipy', 'skimage', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.data
def test_real_sheets_pass(data_folder: Path) -> None:
    report = check_sheet(read_sheet(data_folder / "usiigaci_phase"))
    assert report.ok
    assert report.summary["shapes"] == {"YX 1022 x 1024": 7}


def test_a_date_that_may_be_two_days_is_told(field: Field) -> None:
    field.columns["day"] = ["03/04/2026"] * 8
    assert (
        "cells.csv: The column 'day' says '03/04/2026', which may be 2026-04-03 or 2026-03-04" in field.only_problem()
    )
    field.columns["day"] = ["28/03/2026"] * 4 + ["03/04/2026"] * 4
    assert not field.check().problems
