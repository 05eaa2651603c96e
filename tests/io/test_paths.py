"""Paths in sheets lead to their files, however names are written."""

import unicodedata
from pathlib import Path

import pytest

from coverslip.core.errors import InputError
from coverslip.io.paths import distinct_stems, relative_path, resolve_path
from coverslip.samples import read_sheet, write_sheet


@pytest.mark.parametrize(("sheet", "disk"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_accents_may_be_written_apart_or_not(tmp_path, sheet, disk):
    name = "Zürich/größe é.tif"
    file = tmp_path / unicodedata.normalize(disk, name)
    file.parent.mkdir()
    file.touch()
    assert resolve_path(tmp_path, unicodedata.normalize(sheet, name)).samefile(file)
    assert resolve_path(tmp_path, "größer.tif") == tmp_path / "größer.tif"


def test_a_name_that_begins_with_a_blank_is_found_again(tmp_path):
    (tmp_path / " a.tif").touch()
    assert relative_path(tmp_path / " a.tif", tmp_path) == "./ a.tif"
    write_sheet(read_sheet(tmp_path), tmp_path / "s.csv")
    assert read_sheet(tmp_path / "s.csv").file(0).is_file()


def test_files_made_of_images_whose_names_differ_in_accents_alone_are_told_apart():
    stems = [unicodedata.normalize(form, "é") for form in ("NFC", "NFD")]
    assert distinct_stems(stems, [2, 3]) == [f"{stems[0]}_row2", f"{stems[1]}_row3"]


def test_names_that_results_could_not_have_are_refused_when_the_sheet_is_read(tmp_path):
    with pytest.raises(InputError, match="too long: it has 240 bytes"):
        distinct_stems(["a" * 240], [2])
    (tmp_path / "a\rb.tif").touch()
    with pytest.raises(InputError, match=r"a\\rb.tif' holds bytes"):
        read_sheet(tmp_path)
    with pytest.raises(InputError, match="is no name of a file"):
        resolve_path(tmp_path, "µ" * 200)


def test_a_name_that_is_too_long_taken_apart_is_the_name_of_nothing(tmp_path: Path) -> None:
    name = "ÿ" * 120 + ".tif"  # 244 bytes, taken apart 364
    assert resolve_path(tmp_path, name) == tmp_path / name
