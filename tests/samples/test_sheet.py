from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coverslip.core.errors import InputError
from coverslip.read import write_image_tiff
from coverslip.samples import Sheet, read_sheet, write_sheet


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "data",
    [
        b"image,label\na.tif,G1\nb.tif,G2\n",
        b"\xef\xbb\xbfimage,label\r\na.tif,G1\r\nb.tif,G2\r\n",
        b"image;label\r\na.tif;G1\r\nb.tif;G2\r\n",
        b"sep=;\r\nimage;label\r\na.tif;G1\r\nb.tif;G2\r\n",
        b"image\tlabel\na.tif\tG1\nb.tif\tG2\n",
        b'"Image" , Label ,,\n"a.tif",G1,,\n\n b.tif ,G2,,\n,,,\n',
        "\ufeffimage\tlabel\r\na.tif\tG1\r\nb.tif\tG2\r\n".encode("utf-16-le"),
    ],
    ids=["plain", "bom-crlf", "semicolon", "sep-line", "tab", "quoted-and-empty", "utf-16"],
)
def test_every_dialect_of_csv_says_the_same(tmp_path: Path, data: bytes) -> None:
    sheet = read_sheet(write(tmp_path / "cells.csv", data))
    assert sheet.columns == ("image", "label")
    assert sheet.rows == [{"image": "a.tif", "label": "G1"}, {"image": "b.tif", "label": "G2"}]
    assert sheet.file(1) == tmp_path / "b.tif"


def test_quoted_fields_keep_separators_and_line_ends(tmp_path: Path) -> None:
    sheet = read_sheet(write(tmp_path / "s.csv", b'image,note\n"a,1.tif","two\nlines"\nb.tif,"say ""hi"""\n'))
    assert sheet.rows[0] == {"image": "a,1.tif", "note": "two\nlines"}
    assert sheet.rows[1]["note"] == 'say "hi"'
    assert sheet.numbers == (2, 3)


def test_windows_encoding_and_paths_are_understood(tmp_path: Path) -> None:
    (tmp_path / "plate").mkdir()
    (tmp_path / "plate" / "zähl.tif").touch()
    sheet = read_sheet(write(tmp_path / "s.csv", "image,µm\nplate\\zähl.tif,1\n".encode("cp1252")))
    assert sheet.columns == ("image", "µm")
    assert sheet.file(0) == tmp_path / "plate" / "zähl.tif"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"image,label\n", "no rows"),
        (b"file,label\na.tif,x\n", "no column is named 'image' (there are 'file', 'label')"),
        (b"image,label,label\na.tif,x,y\n", "two columns are named 'label'"),
        (b"image,label\na.tif,x\nb.tif,y\n,z\n", "row 4: the column 'image' is empty"),
        (b"image,label\na.tif,x\n\nb.tif,y,z\n", "row 4: 3 fields but 2 columns"),
        (b"PK\x03\x04 a workbook", "save it as 'CSV UTF-8'"),
        (b"II*\0\0\0\0", "is not a text file"),
    ],
)
def test_a_broken_sheet_is_refused_with_file_row_and_remedy(tmp_path: Path, data: bytes, says: str) -> None:
    path = write(tmp_path / "cells.csv", data)
    with pytest.raises(InputError) as error:
        read_sheet(path)
    assert str(path) in str(error.value)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_sheet_and_a_missing_column_say_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_sheet(tmp_path / "no.csv")
    sheet = Sheet(tmp_path, ("image",), [{"image": "a.tif"}])
    with pytest.raises(InputError, match=r"no column 'well'; it has: image"):
        sheet.column("well")


@pytest.fixture
def picture() -> np.ndarray:
    return np.arange(256, dtype=np.uint16).reshape(16, 16)


def test_a_folder_of_images_is_a_sheet_without_labels(tmp_path: Path, picture: np.ndarray) -> None:
    for name in ("cell10.tif", "cell2.tif"):
        write_image_tiff(picture, tmp_path / name)
    (tmp_path / "notes.txt").write_text("x")
    sheet = read_sheet(tmp_path)
    assert sheet.columns == ("image",)
    assert sheet.column("image") == ["cell2.tif", "cell10.tif"]


def test_class_folders_give_labels(tmp_path: Path, picture: np.ndarray) -> None:
    for name in ("G1/a.tif", "G2/a.tif", "G2/b.tif"):
        write_image_tiff(picture, tmp_path / name)
    assert read_sheet(tmp_path).rows == [
        {"image": "G1/a.tif", "label": "G1"},
        {"image": "G2/a.tif", "label": "G2"},
        {"image": "G2/b.tif", "label": "G2"},
    ]


def test_images_beside_masks_are_paired(tmp_path: Path, picture: np.ndarray) -> None:
    for name in ("images/a.tif", "images/b.tif", "masks/a.labels.tif"):
        write_image_tiff(picture, tmp_path / name)
    assert read_sheet(tmp_path).rows == [
        {"image": "images/a.tif", "mask": "masks/a.labels.tif"},
        {"image": "images/b.tif", "mask": ""},
    ]


def test_a_sheet_in_the_folder_wins(tmp_path: Path, picture: np.ndarray) -> None:
    write_image_tiff(picture, tmp_path / "a.tif")
    write_image_tiff(picture, tmp_path / "b.tif")
    write(tmp_path / "sheet.csv", b"image,day\nb.tif,7\n")
    assert read_sheet(tmp_path).rows == [{"image": "b.tif", "day": "7"}]


def test_folders_without_images_say_what_is_there(tmp_path: Path, picture: np.ndarray) -> None:
    empty, texts, deep = (tmp_path / name for name in ("empty", "texts", "deep"))
    for folder in (empty, texts):
        folder.mkdir()
    (texts / "a.txt").write_text("x")
    (texts / "b.md").write_text("x")
    write_image_tiff(picture, deep / "plate" / "well" / "a.tif")
    with pytest.raises(InputError, match="is an empty folder"):
        read_sheet(empty)
    with pytest.raises(InputError, match=r"no images, only 2 other files \(\.md, \.txt\)"):
        read_sheet(texts)
    with pytest.raises(InputError, match="coverslip samples make"):
        read_sheet(deep)


def test_a_written_sheet_points_at_the_same_files(tmp_path: Path, picture: np.ndarray) -> None:
    write_image_tiff(picture, tmp_path / "raw" / "a.tif")
    sheet = read_sheet(tmp_path / "raw")
    moved = write_sheet(sheet, tmp_path / "lists" / "cells.csv")
    assert moved.rows == [{"image": "../raw/a.tif"}]
    again = read_sheet(tmp_path / "lists" / "cells.csv")
    assert again.file(0).resolve() == (tmp_path / "raw" / "a.tif").resolve()
    assert again.where(0).endswith("cells.csv, row 2")


cells = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12).map(str.strip)


@given(st.lists(st.tuples(cells.filter(bool), cells), min_size=1, max_size=6))
def test_writing_and_reading_a_sheet_changes_no_text(tmp_path_factory: pytest.TempPathFactory, rows: list) -> None:
    folder = tmp_path_factory.mktemp("sheet")
    sheet = Sheet(folder, ("label", "image"), [{"label": b, "image": f"x{i}.tif"} for i, (a, b) in enumerate(rows)])
    write_sheet(sheet, folder / "s.csv")
    assert read_sheet(folder / "s.csv").rows == sheet.rows
