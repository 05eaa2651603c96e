"""The sheet of a result may be opened and saved by any spreadsheet: every verb still reads the same rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import coverslip as cs
from coverslip.read import read_label_folder, read_table, write_image_tiff, write_label_folder, write_labels
from coverslip.results import kind_of
from coverslip.samples import read_sheet

from .conftest import assert_one_sentence

NAMES = ("zähl 1", "b, links", "c")
LABELS = np.kron(np.arange(7, dtype=np.uint16)[1:].reshape(2, 3), np.pad(np.ones((6, 6), np.uint16), 2))


def saved(rows: list[list[str]], delimiter: str, encoding: str, end: str = "\r\n", head: str = "") -> bytes:
    stream = io.StringIO(newline="")
    stream.write(head)
    quoting = csv.QUOTE_ALL if end == "\r" else csv.QUOTE_MINIMAL  # the writer of Python 3.11 overlooks the other end
    csv.writer(stream, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
    return stream.getvalue().encode(encoding)


FORMS: dict[str, Callable[[list[list[str]]], bytes]] = {
    "bom and CRLF": lambda rows: saved(rows, ",", "utf-8-sig"),
    "semicolons": lambda rows: saved(rows, ";", "utf-8"),
    "Excel's line": lambda rows: saved(rows, ";", "utf-8", head="sep=;\r\n"),
    "Unicode text": lambda rows: saved(rows, "\t", "utf-16"),
    "Windows": lambda rows: saved(rows, ";", "cp1252"),
    "old Macintosh": lambda rows: saved(rows, ",", "utf-8", end="\r"),
    "capitals and blank rows": lambda rows: saved(
        [[rows[0][0].upper(), *rows[0][1:], ""], [], *([*row, ""] for row in rows[1:]), [""] * (len(rows[0]) + 1)],
        ",",
        "utf-8",
    ),
}

PAGES = ("as written", "Excel's line", "Unicode text")
"""A page takes seconds."""

MADE = re.compile(r"\d{4}-\d\d-\d\d[^<]*")
"""When a page was made."""

VERBS = {"evaluate": [], "report": ["--out", "report.html"], "export": ["--geojson"]}


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """Labels of three images with a mask each, of which some objects are missed; a note fills two lines."""
    rows, found = [], []
    for number, name in enumerate(NAMES):
        write_image_tiff(LABELS * 9, tmp_path / "images" / f"{name}.tif")
        write_labels(LABELS, tmp_path / "masks" / f"{name}.tif")
        note = "two\nlines" if number == 1 else ""
        rows.append({"image": f"images/{name}.tif", "mask": f"masks/{name}.labels.tif", "note": note})
        found.append((cs.LabelMap(np.where(number < LABELS, LABELS, 0), name), None))
    write_label_folder(found, tmp_path / "labels", rows, tmp_path)
    return tmp_path / "labels"


def test_every_verb_reads_the_same_rows_of_every_form(coverslip: Callable, result: Path, tmp_path: Path) -> None:
    def told(form: str) -> dict[str, str]:
        out = tmp_path / form
        said = [
            coverslip("evaluate", result, "--out", out / "n.csv", "--per-image", out / "i.csv"),
            coverslip("export", result, "--csv", "--geojson", "--out", out / "exported"),
        ]
        if form in PAGES:
            said.append(coverslip("report", result, "--out", out / "report.html"))
        assert [(one.code, one.err) for one in said if one.code] == []
        files = [path for path in out.rglob("*") if path.is_file()]
        return {str(file.relative_to(out)): MADE.sub("", file.read_text(encoding="utf-8")) for file in files}

    with (result / "sheet.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    before = told("as written")
    assert read_table(tmp_path / "as written" / "i.csv")["name"].tolist() == [f"../images/{name}.tif" for name in NAMES]
    for form, save in FORMS.items():
        (result / "sheet.csv").write_bytes(save(rows))
        found = told(form)
        assert len(found) >= 6
        assert found == {name: before[name] for name in found}, form
        assert read_label_folder(result).rows == read_sheet(result).rows
        assert read_label_folder(result).rows[1]["note"].splitlines() == ["two", "lines"]
        assert kind_of(result).name == "labels"


@pytest.mark.parametrize("form", FORMS)
def test_layers_are_seen_in_every_form(tmp_path: Path, form: str) -> None:
    rows = [["image", "notes\non players", "mask"], ["a.tif", "", "a.labels.tif"]]
    (tmp_path / "sheet.csv").write_bytes(FORMS[form](rows))
    assert kind_of(tmp_path).name == "labels"
    rows = [[*row, more] for row, more in zip(rows, ("layers", "a.layers.tif"), strict=True)]
    (tmp_path / "sheet.csv").write_bytes(FORMS[form](rows))
    assert kind_of(tmp_path).name == "decomposition"


@pytest.mark.parametrize("verb", VERBS)
def test_messages_count_rows_as_a_spreadsheet_does(coverslip: Callable, result: Path, verb: str) -> None:
    (result / "sheet.csv").write_text(
        'sep=;\nimage;note;mask;source_mask\n\n../images/c.tif;"two\nlines";c.labels.tif;../masks/c.labels.tif\n'
        "../images/gone.tif;;gone.labels.tif;../masks/c.labels.tif\n"
    )
    assert_one_sentence(coverslip(verb, result, *VERBS[verb]), "row 5", "gone")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"image,mask\na.tif,b.tif,c.tif\n", "row 2: 3 fields but 2 columns"),
        (b"image,mask,mask\na.tif,b.tif,c.tif\n", "two columns are named 'mask'"),
        (b"PK\x03\x04 a workbook", "save it as 'CSV UTF-8'"),
        (b"II*\0\0\0\0", "is not a text file"),
    ],
)
def test_a_sheet_that_cannot_be_read_is_refused_by_every_verb_alike(
    coverslip: Callable, tmp_path: Path, verb: str, data: bytes, says: str
) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "sheet.csv").write_bytes(data)
    assert_one_sentence(
        coverslip(verb, tmp_path / "labels", *VERBS[verb]), str(tmp_path / "labels" / "sheet.csv"), says
    )
