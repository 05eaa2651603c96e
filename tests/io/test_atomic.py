"""Either all of a file or folder appears, or nothing does."""

import os
import subprocess
import sys

import pytest

from coverslip.core.errors import InputError
from coverslip.io.atomic import refuse_existing
from coverslip.io.places import check_text, held, remove_unfinished, set_aside
from coverslip.read import atomic_folder, atomic_path

KILLED = """
import os, signal, sys
from pathlib import Path
from coverslip.io.atomic import atomic_folder, atomic_path
from coverslip.io.places import held, set_aside
out = Path(sys.argv[1])
with held(out):
    if out.exists():
        set_aside(out)  # between two renames
    with atomic_folder(out) as folder:
        (folder / "half.txt").touch()
        print("ready", flush=True)
        if sys.argv[2] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        sys.stdin.read()
"""


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


def killed_while_writing(out):
    subprocess.run([sys.executable, "-c", KILLED, str(out), "kill"], check=False, capture_output=True)


def test_what_a_kill_leaves_is_cleared_by_the_next_run(tmp_path):
    out = tmp_path / "crops"
    killed_while_writing(out)
    assert any(name.startswith(".new-") for name in os.listdir(tmp_path))
    (tmp_path / ".new-12345678-others").touch()  # of another place
    with atomic_folder(out) as folder:
        (folder / "a.txt").touch()
    assert sorted(os.listdir(tmp_path)) == [".new-12345678-others", "crops"]
    assert os.listdir(out) == ["a.txt"]


def test_a_folder_is_put_back_after_a_kill_between_two_renames(tmp_path):
    out = tmp_path / "crops"
    out.mkdir()
    (out / "old.txt").touch()
    killed_while_writing(out)
    assert not out.exists()
    with pytest.raises(InputError, match="exists already"):
        refuse_existing(out)
    assert os.listdir(tmp_path) == ["crops"]
    assert os.listdir(out) == ["old.txt"]


def test_of_two_runs_at_once_the_second_is_told_who_holds_the_place(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path / "out"), "wait"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        first.stdout.readline()
        with pytest.raises(InputError, match=rf"is being written by process {first.pid} on \S+ since 2\d\d\d-"):
            refuse_existing(tmp_path / "out")
        first.stdin.close()
    assert os.listdir(tmp_path) == ["out"]


def test_holding_leaves_nothing_and_may_be_repeated_inside(tmp_path):
    with held(tmp_path / "new" / "a"), held(tmp_path / "new" / "a"), held(tmp_path / "new" / "b"):
        pass
    assert os.listdir(tmp_path) == []


def test_unfinished_work_is_gone_at_once(tmp_path):
    (tmp_path / "out.fitting").mkdir()
    with held(tmp_path / "out"):
        remove_unfinished(tmp_path / "out.fitting")
    assert os.listdir(tmp_path) == []
    (tmp_path / "out").mkdir()
    assert set_aside(tmp_path / "out").name.endswith("-out")


def test_names_that_cannot_be_kept_are_refused_before_any_work(tmp_path):
    for name in ("a\rb", "a\nb", "a\udcffb"):
        with pytest.raises(InputError, match=r"'a\\.*b' holds bytes"):
            check_text(name)
    check_text("a b=ü\x1b.tif")
    with pytest.raises(InputError, match="too long"):
        refuse_existing(tmp_path / ("a" * 230))
    with pytest.raises(InputError, match="is a folder that is there already"):
        refuse_existing(".", force=True)
