"""Stamps tell files and folders from what they were, without reading them."""

import os
from pathlib import Path

from coverslip.io.stamps import Stamp, stamp_of


def test_a_file_has_its_size_and_its_time_and_a_folder_the_sums_of_all_in_it(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "a").write_bytes(b"123")
    (tmp_path / "deep" / "er" / "b").write_bytes(b"4567")
    os.utime(tmp_path / "a", ns=(0, 30))
    os.utime(tmp_path / "deep" / "er" / "b", ns=(0, 5))
    assert stamp_of(tmp_path / "a") == Stamp(3, 30)
    assert stamp_of(tmp_path) == Stamp(7, 35)
    assert stamp_of(tmp_path / "nowhere") == Stamp(0, 0)


def test_something_old_of_the_same_size_that_is_put_into_a_folder_changes_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"123")
    os.utime(tmp_path / "a", ns=(0, 30))
    before = stamp_of(tmp_path)
    (tmp_path / "a").write_bytes(b"321")
    os.utime(tmp_path / "a", ns=(0, 20))
    assert stamp_of(tmp_path) != before


def test_a_link_to_the_folder_itself_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"123")
    before = stamp_of(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    assert stamp_of(tmp_path) == before
