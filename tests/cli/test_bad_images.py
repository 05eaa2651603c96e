"""Whatever is wrong with an image, every verb ends with code 2 and one sentence, and writes nothing."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from .conftest import TINY, assert_one_sentence

SHAPE = (3, 40, 40)


def write(path: Path, array: np.ndarray, axes: str | None = "CYX") -> None:
    tifffile.imwrite(path, array, photometric="minisblack", metadata=None if axes is None else {"axes": axes})


def noise(*shape: int, dtype: str = "uint16", seed: int = 99) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 900, shape).astype(dtype)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:3000])


def of_no_bytes(path: Path) -> None:
    path.write_bytes(b"")


def of_unclear_axes(path: Path) -> None:
    write(path, noise(*SHAPE), axes=None)


def a_time_series(path: Path) -> None:
    tifffile.imwrite(path, noise(*SHAPE), imagej=True, metadata={"axes": "TYX"})


def with_nan(path: Path) -> None:
    spoilt = noise(*SHAPE, dtype="float32")
    spoilt[0, 3, 3] = np.nan
    for i, other in enumerate(path.parent.glob("*.tif")):
        write(other, noise(*SHAPE, dtype="float32", seed=i))
    write(path, spoilt)


def with_infinity(path: Path) -> None:
    with_nan(path)
    spoilt = noise(*SHAPE, dtype="float32")
    spoilt[2, 0, 0] = np.inf
    write(path, spoilt)


def of_another_size(path: Path) -> None:
    write(path, noise(3, 40, 44))


def of_other_channels(path: Path) -> None:
    write(path, noise(2, 40, 40))


def missing(path: Path) -> None:
    path.unlink()


def of_one_pixel(path: Path) -> None:
    write(path, noise(3, 1, 1))


def text(path: Path) -> None:
    path.write_text("this is a list of cells")


def of_twelve_gigabytes_in_a_kilobyte(path: Path) -> None:
    tags = [(256, 4, 80000), (257, 4, 80000), (258, 3, 16), (259, 3, 1), (262, 3, 1), (273, 4, 512), (277, 3, 1)]
    tags += [(278, 4, 80000), (279, 4, 0xFFFFFFFF)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    head = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + b"\0\0\0\0"
    path.write_bytes(head.ljust(1024, b"\1"))


SPOILT = [
    truncated,
    of_no_bytes,
    of_unclear_axes,
    a_time_series,
    with_nan,
    with_infinity,
    of_another_size,
    of_other_channels,
    missing,
    of_one_pixel,
    text,
    of_twelve_gigabytes_in_a_kilobyte,
]


@pytest.fixture(params=SPOILT, ids=lambda spoil: spoil.__name__)
def sheet(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A sheet of eight crops, of which the one in row 7 is spoilt."""
    folder = tmp_path / "crops"
    folder.mkdir()
    for i in range(8):
        write(folder / f"{i}.tif", noise(*SHAPE, seed=i))
    request.param(folder / "5.tif")
    (folder / "cells.csv").write_text("image\n" + "".join(f"{i}.tif\n" for i in range(8)))
    return folder / "cells.csv"


def test_check_names_the_file_and_ends_with_code_2(coverslip: Callable, sheet: Path) -> None:
    before = sorted(sheet.parent.iterdir())
    said = coverslip("samples", "check", sheet)
    assert said.code == 2
    for line in said.err.splitlines():
        assert line.startswith(f"error: {sheet}, row 7: ")
        assert str(sheet.parent / "5.tif") in line
        assert line.endswith((".", "?"))
    assert said.err
    assert sorted(sheet.parent.iterdir()) == before


def test_fit_refuses_it_in_one_sentence(coverslip: Callable, sheet: Path, out: Path) -> None:
    said = coverslip("fit", "vae", sheet, "--out", out / "model", *TINY)
    assert_one_sentence(said, str(sheet.parent / "5.tif"))


@pytest.mark.data
def test_predict_refuses_it_in_one_sentence(coverslip: Callable, sheet: Path, model: Path, out: Path) -> None:
    said = coverslip("predict", model, sheet, "--out", out / "cells.h5ad")
    assert_one_sentence(said, str(sheet.parent / "5.tif"))


def test_crop_refuses_it_in_one_sentence(coverslip: Callable, sheet: Path, out: Path) -> None:
    mask = np.zeros(SHAPE[1:], np.uint16)
    mask[10:20, 10:20] = 1
    tifffile.imwrite(sheet.parent / "mask.tif", mask)
    sheet.write_text("image,mask\n" + "".join(f"{i}.tif,mask.tif\n" for i in range(8)))
    said = coverslip("samples", "crop", sheet, "--size", 16, "--out", out / "crops")
    assert_one_sentence(said, f"{sheet}, row 7: ")


def test_a_mask_of_another_shape(coverslip: Callable, tmp_path: Path, out: Path) -> None:
    write(tmp_path / "0.tif", noise(*SHAPE))
    tifffile.imwrite(tmp_path / "mask.tif", np.ones((40, 44), np.uint16))
    sheet = tmp_path / "fields.csv"
    sheet.write_text("image,mask\n0.tif,mask.tif\n")
    checked = coverslip("samples", "check", sheet)
    assert checked.code == 2
    assert "mask.tif has 40 x 44 pixels, its image 40 x 40" in checked.err
    assert_one_sentence(
        coverslip("samples", "crop", sheet, "--size", 16, "--out", out / "crops"), "mask.tif has 40 x 44"
    )


def test_fields_with_masks_are_sent_to_be_cropped(coverslip: Callable, tmp_path: Path, out: Path) -> None:
    (tmp_path / "fields.csv").write_text("image,mask\n0.tif,mask.tif\n")
    said = coverslip("fit", "vae", tmp_path / "fields.csv", "--out", out / "model")
    assert_one_sentence(said, "fields.csv", "coverslip samples crop")


def empty_folder(folder: Path) -> None:
    folder.mkdir()


def folder_of_texts(folder: Path) -> None:
    folder.mkdir()
    (folder / "a.txt").write_text("a")


def sheet_without_images(folder: Path) -> None:
    folder.mkdir()
    (folder / "sheet.csv").write_text("file\n0.tif\n")


def sheet_without_rows(folder: Path) -> None:
    folder.mkdir()
    (folder / "sheet.csv").write_text("image\n")


def sheet_of_bytes(folder: Path) -> None:
    folder.mkdir()
    (folder / "sheet.csv").write_bytes(b"\x80\x03\x00\xff" * 40)


def nothing(folder: Path) -> None:
    pass


def pixels(folder: Path) -> None:
    folder.mkdir()
    for i in range(8):
        write(folder / f"{i}.tif", noise(1, 1), axes="YX")


@pytest.mark.parametrize(
    "make",
    [
        empty_folder,
        folder_of_texts,
        sheet_without_images,
        sheet_without_rows,
        sheet_of_bytes,
        nothing,
        pytest.param(pixels, marks=pytest.mark.data),
    ],
)
@pytest.mark.parametrize("verb", ["check", "fit", "predict", "crop"])
def test_a_folder_without_usable_images(
    coverslip: Callable, request: pytest.FixtureRequest, tmp_path: Path, out: Path, make: Callable, verb: str
) -> None:
    folder = tmp_path / "images"
    make(folder)
    # A model that is not there must not matter: the real one is only needed where images open.
    model = request.getfixturevalue("model") if verb == "predict" else None
    commands = {
        "check": ["samples", "check", folder],
        "fit": ["fit", "vae", folder, "--out", out / "model", *TINY],
        "predict": ["predict", model, folder, "--out", out / "cells.h5ad"],
        "crop": ["samples", "crop", folder, "--size", 16, "--out", out / "crops"],
    }
    said = coverslip(*commands[verb])
    if verb == "check" and make is pixels:
        assert said.code == 2
        assert "0.tif is 1 x 1 pixels" in said.err
    else:
        assert_one_sentence(said, str(folder))
