"""`coverslip predict` with a model that gives labels, stopped, killed, and gone on with."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

import coverslip as cs
from coverslip.read import read_label_folder
from coverslip.results.labels import canvas
from coverslip.work.unfinished import Work

from ..processes import Command
from .conftest import SIDE, assert_one_sentence, assert_same_result

ON_CPU = ["--device", "cpu"]

SMALL_BLOCKS = f"""
from dataclasses import replace
from coverslip.results.labels import prediction
prediction.FOOTPRINT = replace(prediction.FOOTPRINT, largest={SIDE})
"""


@pytest.mark.usefixtures("small_blocks")
def test_killed_and_resumed_it_computes_no_block_twice(
    coverslip: Callable, tiny_model: Path, large: Path, tmp_path: Path, found_blocks: list[str]
) -> None:
    command = ["predict", tiny_model, large, "--out", tmp_path / "a.labels.tif", *ON_CPU]
    assert coverslip(*command).code == 0
    whole = len(found_blocks)
    shutil.copytree(tmp_path, tmp_path / "kept")
    command[4] = tmp_path / "b.labels.tif"
    killed = Command(tmp_path / "said", *command, before=SMALL_BLOCKS)
    unfinished = tmp_path / "b.labels.tif.predicting"
    killed.wait_for(lambda: len(list(unfinished.rglob("0*.npz"))) >= 3)
    killed.process.kill()
    killed.process.join()
    done = len(list(unfinished.rglob("0*.npz")))
    last = next(unfinished.rglob("000002.npz"))
    (last.parent / f".new-0a1b2c3d-{done:06d}.npz").write_bytes(last.read_bytes()[:50])  # as a kill may leave
    assert 3 <= done <= whole
    assert not (tmp_path / "b.labels.tif").exists()
    assert_one_sentence(coverslip(*command), "unfinished prediction", "--resume", "--force")
    assert coverslip(*command, "--resume").code == 0
    assert len(found_blocks) == 2 * whole - done
    assert_same_result(tmp_path / "kept" / "a.labels.tif", tmp_path / "b.labels.tif")
    assert not unfinished.exists()
    said = coverslip(*command, "--resume")
    assert (said.code, said.out) == (
        0,
        f"{tmp_path / 'b.labels.tif'} is already finished; use --force to make it again.\n",
    )


@pytest.mark.usefixtures("small_blocks")
def test_a_request_to_terminate_keeps_finished_blocks(
    coverslip: Callable,
    tiny_model: Path,
    large: Path,
    tmp_path: Path,
    found_blocks: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = canvas.Canvas.add

    def add(self: canvas.Canvas, *rest: Any) -> None:
        before(self, *rest)
        if self.done == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    command = ["predict", tiny_model, large, "--out", tmp_path / "a.labels.tif", *ON_CPU]
    with monkeypatch.context() as patched:
        patched.setattr(canvas.Canvas, "add", add)
        said = coverslip(*command)
    assert said.code == 130
    assert said.err.splitlines()[-1].startswith("Stopped after 0 of 1 image and 4 of 12 blocks of the next; ")
    assert coverslip(*command, "--resume").code == 0
    assert len(found_blocks) == 12


@pytest.mark.usefixtures("small_blocks")
def test_killed_between_pasting_a_block_and_noting_it(
    coverslip: Callable, tiny_model: Path, large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["predict", tiny_model, large, *ON_CPU, "--out"]
    assert coverslip(*command, tmp_path / "a.labels.tif").code == 0
    save, blocks_noted = canvas.save_table, []

    def killed(path: Path, *rest: object) -> None:
        if len(blocks_noted) == 5:
            raise SystemExit
        blocks_noted.append(path)
        save(path, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(canvas, "save_table", killed)
        with pytest.raises(SystemExit):
            coverslip(*command, tmp_path / "b.labels.tif")
    assert coverslip(*command, tmp_path / "b.labels.tif", "--resume").code == 0
    assert_same_result(tmp_path / "a.labels.tif", tmp_path / "b.labels.tif")


@pytest.mark.parametrize("name", ["labels", "a.labels.tif", "a.zarr"])
def test_killed_while_tidying_up(
    coverslip: Callable, tiny_model: Path, fields: Path, tmp_path: Path, found_blocks: list[str], name: str
) -> None:
    def killed(self: Work) -> None:
        if self.folder.exists():
            raise SystemExit

    inputs = fields if name == "labels" else fields / "field0.tif"
    command = ["predict", tiny_model, inputs, "--out", tmp_path / name, *ON_CPU]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Work, "discard", killed)
        with pytest.raises(SystemExit):
            coverslip(*command)
    computed = len(found_blocks)
    assert (tmp_path / f"{name}.predicting").exists()
    assert coverslip(*command, "--resume").code == 0
    assert len(found_blocks) == computed
    assert read_label_folder(tmp_path / name).labels(0).labels.max() > 5
    assert not (tmp_path / f"{name}.predicting").exists()
    assert "is already finished" in coverslip(*command, "--resume").out


def test_ctrl_c_keeps_what_is_done(
    coverslip: Callable,
    tiny_model: Path,
    fields: Path,
    tmp_path: Path,
    found_blocks: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = Work.finish

    def finish(self: Work, *rest: object) -> None:
        before(self, *rest)
        os.kill(os.getpid(), signal.SIGINT)

    command = ["predict", tiny_model, fields, "--out", tmp_path / "labels", *ON_CPU]
    with monkeypatch.context() as patched:
        patched.setattr(Work, "finish", finish)
        said = coverslip(*command)
    assert said.code == 130
    assert said.err.splitlines()[-1] == (
        "Stopped after 1 of 3 images; what is done is saved: run the same command with --resume to go on."
    )
    assert not (tmp_path / "labels").exists()
    assert coverslip(*command, "--resume").code == 0
    assert found_blocks == ["field0.tif", "field1.tif", "field2.tif"]
    assert [path.name for path in tmp_path.iterdir()] == ["labels"]


def test_a_damaged_image_is_named_and_those_before_it_are_kept(
    coverslip: Callable, tiny_model: Path, fields: Path, tmp_path: Path, found_blocks: list[str]
) -> None:
    shutil.copytree(fields, tmp_path / "fields")
    (tmp_path / "fields" / "sheet.csv").write_text("image\nfield0.tif\nfield1.tif\nfield2.tif\n")  # all are meant
    whole = (tmp_path / "fields" / "field1.tif").read_bytes()
    (tmp_path / "fields" / "field1.tif").write_bytes(whole[:4000] + bytes(len(whole) - 4000))
    command = ["predict", tiny_model, tmp_path / "fields", "--out", tmp_path / "labels", *ON_CPU]
    assert_one_sentence(coverslip(*command), "field1.tif is damaged", "kept, for --resume")
    assert not (tmp_path / "labels").exists()
    (tmp_path / "fields" / "field1.tif").write_bytes(whole)
    assert coverslip(*command, "--resume").code == 0
    assert found_blocks == ["field0.tif", "field1.tif", "field1.tif", "field2.tif"]
    found = read_label_folder(tmp_path / "labels")
    expected = cs.predict(tiny_model, fields, device="cpu")
    for i in range(3):
        np.testing.assert_array_equal(found.labels(i).labels, expected[i].labels)


def test_an_image_that_changed_or_was_left_out_since(
    coverslip: Callable, tiny_model: Path, fields: Path, tmp_path: Path, found_blocks: list[str]
) -> None:
    shutil.copytree(fields, tmp_path / "fields")
    (tmp_path / "fields" / "sheet.csv").write_text("image\nfield0.tif\nfield1.tif\nfield2.tif\n")  # all are meant
    (tmp_path / "fields" / "field2.tif").write_bytes(b"II*\0")
    pixels = np.full((64, 64), np.nan, np.float32)
    tifffile.imwrite(tmp_path / "fields" / "field2.tif", pixels)
    command = ["predict", tiny_model, tmp_path / "fields", "--out", tmp_path / "labels", *ON_CPU]
    assert_one_sentence(coverslip(*command), "field2.tif", "NaN", "kept, for --resume")
    (tmp_path / "fields" / "sheet.csv").write_text("image\nfield0.tif\nfield1.tif\n")
    (tmp_path / "fields" / "field2.tif").unlink()
    shutil.copy(fields / "field2.tif", tmp_path / "fields" / "field0.tif")
    assert coverslip(*command, "--resume").code == 0
    assert found_blocks == ["field0.tif", "field1.tif", "field2.tif", "field0.tif"]
    assert {path.name for path in (tmp_path / "labels").glob("*.tif")} == {"field0.labels.tif", "field1.labels.tif"}
    found = read_label_folder(tmp_path / "labels").labels(0).labels
    np.testing.assert_array_equal(found, cs.predict(tiny_model, fields / "field2.tif", device="cpu").labels)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--threshold", "0.3"], "threshold=default, not 0.3"),
        (["--flips"], "flips=default, not True"),
        (["--probability"], "probability=default, not True"),
    ],
)
def test_another_command_does_not_resume(
    coverslip: Callable, tiny_model: Path, fields: Path, tmp_path: Path, options: list[str], words: str
) -> None:
    unfinished = Work(tmp_path / "labels.predicting")
    command = ["predict", tiny_model, fields, "--out", tmp_path / "labels", *ON_CPU]
    begin_and_leave(coverslip, command)
    assert_one_sentence(coverslip(*command, "--resume", *options), words, "--force instead of --resume")
    command[2] = fields / "field0.tif"
    assert_one_sentence(coverslip(*command, "--resume"), "inputs=", "--force instead of --resume")
    assert not unfinished.is_empty
    assert coverslip(*command, "--force").code == 0
    assert (tmp_path / "labels" / "field0.labels.tif").is_file()


def begin_and_leave(coverslip: Callable, command: list[object]) -> None:
    """Run a command that is killed once one image is done."""
    finish = Work.finish

    def killed(self: Work, *rest: object) -> None:
        finish(self, *rest)
        raise SystemExit

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Work, "finish", killed)
        with pytest.raises(SystemExit):
            coverslip(*command)
