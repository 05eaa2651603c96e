"""Either all of a file or folder appears, or nothing does."""

import os

import pytest

from coverslip.core.errors import InputError
from coverslip.read import atomic_folder, atomic_path


def test_a_file_appears_whole(tmp_path):
    target = tmp_path / "new" / "a.labels.tif"
    with atomic_path(target) as temporary:
        assert temporary.parent == target.parent
        assert temporary.name.endswith("a.labels.tif")
        temporary.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert os.listdir(target.parent) == ["a.labels.tif"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def fail():
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_file_where_a_folder_is_needed_is_refused(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(InputError, match="could not be written"), atomic_path(tmp_path / "a" / "b.txt") as temporary:
        temporary.touch()
    with pytest.raises(InputError, match="is a folder"), atomic_path(tmp_path):
        pass
    with pytest.raises(InputError, match="is a file"), atomic_folder(tmp_path / "a"):
        pass


def test_a_full_disk_is_explained(tmp_path):
    with pytest.raises(InputError, match="No space left on device"), atomic_path(tmp_path / "a.txt"):
        raise OSError(28, "No space left on device")
    assert os.listdir(tmp_path) == []


def test_a_folder_appears_whole(tmp_path):
    with atomic_folder(tmp_path / "model") as temporary:
        (temporary / "inner").mkdir()
        (temporary / "inner" / "a.txt").write_text("whole")
        assert not (tmp_path / "model").exists()
    assert (tmp_path / "model" / "inner" / "a.txt").read_text() == "whole"
    assert os.listdir(tmp_path) == ["model"]


def test_a_folder_is_replaced_only_when_told(tmp_path):
    (tmp_path / "model").mkdir()
    with atomic_folder(tmp_path / "model") as temporary:  # an empty one holds nothing to lose
        (temporary / "old.txt").touch()
    with pytest.raises(InputError, match="already holds something"), atomic_folder(tmp_path / "model"):
        pass
    with pytest.raises(RuntimeError), atomic_folder(tmp_path / "model", overwrite=True):
        raise RuntimeError
    assert os.listdir(tmp_path / "model") == ["old.txt"]
    with atomic_folder(tmp_path / "model", overwrite=True) as temporary:
        (temporary / "new.txt").touch()
    assert os.listdir(tmp_path / "model") == ["new.txt"]
    assert os.listdir(tmp_path) == ["model"]
