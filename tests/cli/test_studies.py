"""Studies of fits as commands: what they print, what they write, what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from coverslip.read import read_table, write_image_tiff, write_labels
from coverslip.samples import Sheet, read_sheet, write_sheet

from .conftest import assert_one_sentence

QUICK = ["--steps", "1", "--restarts", "1", "--no-keep-models", "--device", "cpu", "--precision", "fp32"]
QUICK += [word for setting in ("width=4", "levels=2", "patch=32") for word in ("--set", setting)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sheet with one field of two focal planes, squares as objects, and its mask."""
    folder = tmp_path_factory.mktemp("stack")
    labels = np.zeros((96, 128), np.uint8)
    for number, (y, x) in enumerate(np.ndindex(6, 8), 1):
        labels[16 * y + 4 : 16 * y + 12, 16 * x + 4 : 16 * x + 12] = number
    noise = np.random.default_rng(0).normal(100, 8, (2, 96, 128))
    write_image_tiff((noise + 90 * (labels > 0)).astype(np.uint8), folder / "field.tif", axes="ZYX")
    write_labels(labels, folder / "field.labels.tif")
    row = {"image": "field.tif", "mask": "field.labels.tif"}
    write_sheet(Sheet(folder, tuple(row), [row]), folder / "field.csv")
    return folder / "field.csv"


@pytest.fixture(scope="module")
def tiles(stack: Path) -> Path:
    """Its twelve tiles, a quarter of them held out."""
    from coverslip.cli import main

    folder = stack.parent / "tiles"
    assert main(["samples", "tile", str(stack), "--grid", "3x4", "--gap", "4", "--out", str(folder)]) == 0
    return folder


def test_tiles_say_how_many_are_held_out(coverslip: Callable, stack: Path, tmp_path: Path) -> None:
    said = coverslip("samples", "tile", stack, "--grid", "3x4", "--out", tmp_path / "tiles", "--gap", "4")
    assert said.out == f"12 tiles (9 train, 3 val): {tmp_path / 'tiles' / 'sheet.csv'}\n"
    assert read_sheet(tmp_path / "tiles").column("split").count("val") == 3
    again = coverslip("samples", "tile", stack, "--grid", "3x4", "--out", tmp_path / "tiles")
    assert_one_sentence(again, "already holds something")


def test_a_learning_curve_is_printed_and_written(coverslip: Callable, tiles: Path, tmp_path: Path) -> None:
    out = tmp_path / "curve"
    said = coverslip("study", "learning-curve", "unet", tiles, "--sizes", "1,4", "--planes", "0", "--out", out, *QUICK)
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0].split() == [
        *("trained_on", "size", "group", "restarts", "images", "pixel_error", "object_error", "ap50", "ap")
    ]
    assert [line.split()[:2] for line in lines[2:4]] == [["all", "1"], ["all", "4"]]
    assert lines[4].startswith("classical")
    assert (
        lines[-1] == f"Table: {out / 'table.csv'}   Figure: {out / 'learning-curve.png'}   Page: {out / 'report.html'}"
    )
    assert {"learning-curve.png", "report.html", "summary.csv", "images.csv"} < {file.name for file in out.iterdir()}
    assert set(read_table(out / "table.csv")) >= {"study", "size", "restart", "seed", "measure", "value", "seconds"}


def test_groups_are_left_out(coverslip: Callable, tiles: Path, tmp_path: Path) -> None:
    sheet = read_sheet(tiles)
    halves = ["left" if int(row["tile_x_px"]) < 40 else "right" for row in sheet.rows]
    write_sheet(sheet.with_column("side", halves), tmp_path / "sides.csv")
    out = tmp_path / "out"
    said = coverslip(
        *("study", "leave-one-out", "unet", tmp_path / "sides.csv", "--by", "side", "--no-baseline", "--out", out),
        *QUICK,
    )
    assert said.code == 0
    assert [line.split()[:2] for line in said.out.splitlines()[2:5]] == [
        ["without", "left"],
        ["without", "right"],
        ["without", "all"],
    ]
    assert "Each side was evaluated by fits to all the others." in said.out


def test_focal_planes_are_compared(coverslip: Callable, tiles: Path, tmp_path: Path) -> None:
    said = coverslip("study", "planes", "unet", tiles, "--counts", "1,2", "--out", tmp_path / "planes", *QUICK)
    assert said.code == 0
    assert [line.split()[:3] for line in said.out.splitlines()[2:5]] == [
        ["0", "1", "every"],
        ["1", "1", "every"],
        ["0+1", "2", "every"],
    ]
    assert said.out.splitlines()[-1].endswith(f"Page: {tmp_path / 'planes' / 'report.html'}")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["learning-curve", "--sizes", "1,many"], "'1,many' is no list of whole numbers; write --sizes 1,2,4"),
        (["learning-curve", "--sizes", "100"], "With 9 training fields"),
        (["learning-curve", "--group", "line"], "no column 'line'"),
        (["learning-curve", "--set", "widht=3"], "did you mean 'width'"),
        (["learning-curve", "--precision", "int8"], "choose auto, fp32, bf16 or fp16"),
        (["leave-one-out", "--by", "line"], "no column 'line'"),
        (["leave-one-out", "--compare", "with"], "not 'with'"),
        (["planes", "--counts", "3"], "from 1 to 2 here"),
        (["planes", "--steps", "0"], "at least 1 optimiser step"),
    ],
)
def test_bad_arguments_end_in_one_sentence(
    coverslip: Callable, tiles: Path, out: Path, command: list[str], words: str
) -> None:
    name, *options = command
    assert_one_sentence(coverslip("study", name, "unet", tiles, "--out", out / "study", *options), words)


@pytest.mark.parametrize("name", ["learning-curve", "leave-one-out", "planes"])
def test_help_shows_an_example_that_names_the_command(coverslip: Callable, name: str) -> None:
    said = coverslip("study", name, "--help")
    assert said.code == 0
    assert f"Example: coverslip study {name} unet" in " ".join(said.out.split())


def test_methods_without_objects_are_sent_to_sweeps(coverslip: Callable, tiles: Path, out: Path) -> None:
    said = coverslip("study", "learning-curve", "vae", tiles, "--out", out / "study")
    assert_one_sentence(said, "'vae' gives an embedding: compare its settings with coverslip study sweep")
