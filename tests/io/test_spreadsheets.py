"""Tables as spreadsheets open them: letters are the letters, numbers are numbers in every country."""

from __future__ import annotations

import codecs
from pathlib import Path

import numpy as np
import pytest

from coverslip.core.errors import InputError
from coverslip.io.cells import read_cells, write_cells
from coverslip.read import read_table, write_table


def test_other_letters_have_a_byte_order_mark(tmp_path: Path) -> None:
    table = {"stain": np.array(["γ-tubulin", None], object), "n": np.array([1.5, 2])}
    path = write_table(table, tmp_path / "a.csv")
    assert path.read_bytes().startswith(codecs.BOM_UTF8)
    assert read_table(path)["stain"].tolist() == ["γ-tubulin", None]
    assert not write_table({"n": table["n"]}, tmp_path / "b.csv").read_bytes().startswith(codecs.BOM_UTF8)
    write_cells(tmp_path / "c.csv", ["image", "Färbung"], [{"image": "a.tif"}])
    assert (tmp_path / "c.csv").read_bytes().startswith(codecs.BOM_UTF8)
    assert read_cells(tmp_path / "c.csv").columns == ("image", "Färbung")


def test_decimal_commas_become_points_where_commas_do_not_separate(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("image;dose;both;planes;n\na.tif;0,5;1,5 + 2;1,2,3;1\nb.tif;2;;2,3;\n", encoding="utf-8")
    assert [[*row.values()] for row in read_cells(path).rows] == [
        ["a.tif", "0.5", "1,5 + 2", "1,2,3", "1"],
        ["b.tif", "2", "", "2,3", ""],
    ]
    path.write_text('image,dose\na.tif,"0,5"\n', encoding="utf-8")
    assert read_cells(path).rows[0]["dose"] == "0,5"


def test_an_excel_file_holds_numbers_texts_and_gaps(tmp_path: Path) -> None:
    import openpyxl

    table = {
        "image": np.array(["=1+1", "γ\x00.tif"], object),
        "area_um2": np.array([1.5, np.nan]),
        "label": np.array([1, 2]),
        "touches_border": np.array([True, False]),
    }
    write_table(table, tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        ["image", "area_um2", "label", "touches_border"],
        ["=1+1", 1.5, 1, True],
        ["γ�.tif", None, 2, False],
    ]
    assert sheet["A2"].data_type == "s"  # no formula
    assert sheet.freeze_panes == "A2"
    with pytest.raises(InputError, match=r"should end in \.csv or \.parquet"):
        read_table(tmp_path / "a.xlsx")


def test_more_rows_than_excel_holds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coverslip.io.tables._MOST_ROWS", 1)
    with pytest.raises(InputError, match="2 rows are more than Excel holds"):
        write_table({"a": np.arange(2)}, tmp_path / "a.xlsx")
    assert not list(tmp_path.iterdir())
