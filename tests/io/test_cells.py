"""A sheet says the same however it was saved."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coverslip.core.errors import InputError
from coverslip.io.cells import read_cells, write_cells

TEXT = st.text(st.sampled_from("aZ09 ,;\t\"'\näß–µ€\u00a0"), max_size=8).map(str.strip)  # what cp1252 has too
ENCODINGS = {"utf-8": b"", "utf-8-sig": b"", "cp1252": b"", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}


@given(
    rows=st.lists(st.tuples(st.integers(0, 99).map("{}.tif".format), TEXT, TEXT), min_size=1, max_size=5),
    delimiter=st.sampled_from(",;\t"),
    encoding=st.sampled_from(sorted(ENCODINGS)),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    announced=st.booleans(),
    blank_before=st.integers(0, 2),
    columns_right=st.integers(0, 2),
)
def test_delimiter_encoding_and_line_ends_change_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str]],
    delimiter: str,
    encoding: str,
    end: str,
    announced: bool,
    blank_before: int,
    columns_right: int,
) -> None:
    stream = io.StringIO(newline="")
    stream.write(f"sep={delimiter}{end}" if announced else "")
    quoting = csv.QUOTE_ALL if end == "\r" else csv.QUOTE_MINIMAL  # the writer of Python 3.11 overlooks the other end
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(["Image", "µm", "layers", *[""] * columns_right])
    for row in rows:
        stream.write(end * blank_before)
        writer.writerow([*row, *[""] * columns_right])
    path = tmp_path_factory.mktemp("sheet") / "sheet.csv"
    path.write_bytes(ENCODINGS[encoding] + stream.getvalue().encode(encoding))
    cells = read_cells(path)
    assert cells.columns == ("image", "µm", "layers")
    assert cells.rows == [dict(zip(cells.columns, row, strict=True)) for row in rows]
    # What a spreadsheet counts: records, not lines, blank ones and Excel's own line among them.
    assert cells.numbers == tuple(1 + announced + (blank_before + 1) * (n + 1) for n in range(len(rows)))


def test_blank_lines_may_come_before_the_header(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("\n;;\nimage;mask\na.tif;b.tif\n")
    assert read_cells(tmp_path / "s.csv") == (("image", "mask"), [{"image": "a.tif", "mask": "b.tif"}], (4,))


def test_a_file_without_text_has_no_columns(tmp_path: Path) -> None:
    for text in ("", "\n\n", "sep=;\n", ",,\n"):
        (tmp_path / "s.csv").write_text(text)
        assert read_cells(tmp_path / "s.csv") == ((), [], ())


def test_a_cell_too_long_for_a_csv_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text('image\n"' + "x" * 200_000)
    with pytest.raises(InputError, match=r"s\.csv is not a CSV that can be read \(field larger"):
        read_cells(tmp_path / "s.csv")


def test_what_a_row_lacks_is_written_as_an_empty_cell(tmp_path: Path) -> None:
    write_cells(tmp_path / "s.csv", ["image", "day"], [{"image": "a,b.tif"}, {"image": "ä.tif", "day": "2"}])
    assert (tmp_path / "s.csv").read_bytes() == '\ufeffimage,day\n"a,b.tif",\nä.tif,2\n'.encode()


def test_text_that_looks_like_a_formula_is_guarded_and_comes_back(tmp_path: Path) -> None:
    texts = ["=1+1", "@SUM(A1)", "-2+3|cmd", "+x", "'=1", "-", "+", "-1.5", "+2e3", "a=b", "'quoted'", ""]
    rows = [{"image": f"{i}.tif", "=dose": text} for i, text in enumerate(texts)]
    write_cells(tmp_path / "s.csv", ["image", "=dose"], rows)
    with open(tmp_path / "s.csv", newline="") as stream:
        written = [row[1] for row in csv.reader(stream)]
    guards = ["'=dose", "'=1+1", "'@SUM(A1)", "'-2+3|cmd", "'+x", "''=1"]
    assert written == [*guards, "-", "+", "-1.5", "+2e3", "a=b", "'quoted'", ""]
    assert read_cells(tmp_path / "s.csv").rows == rows
