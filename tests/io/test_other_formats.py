"""Formats beside TIFF, PNG and JPEG that the installed libraries read."""

from __future__ import annotations

import shutil
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

from coverslip.core.errors import InputError
from coverslip.read import open_image, write_image_zarr

GREY = np.random.default_rng(0).integers(0, 256, (20, 30), np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (20, 30, 3), np.uint8)
DEEP = np.random.default_rng(2).integers(0, 65536, (20, 30), np.uint16)


@pytest.mark.parametrize("ending", ["bmp", "jp2", "j2k", "pgm"])
def test_grey_pictures_come_back_as_they_are(tmp_path: Path, ending: str) -> None:
    Picture.fromarray(GREY).save(tmp_path / f"a.{ending}")
    image = open_image(tmp_path / f"a.{ending}")
    assert (image.axes, image.dtype) == ("YX", np.uint8)
    assert np.array_equal(image.read(), GREY)


@pytest.mark.parametrize("ending", ["bmp", "jp2", "ppm"])
def test_coloured_pictures_come_back_as_they_are(tmp_path: Path, ending: str) -> None:
    Picture.fromarray(COLOUR).save(tmp_path / f"a.{ending}")
    assert np.array_equal(open_image(tmp_path / f"a.{ending}").read(), np.moveaxis(COLOUR, -1, 0))


@pytest.mark.parametrize("ending", ["gif", "webp", "avif"])
def test_pictures_that_keep_no_exact_colours_open(tmp_path: Path, ending: str) -> None:
    Picture.fromarray(COLOUR).save(tmp_path / f"a.{ending}")
    assert open_image(tmp_path / f"a.{ending}").read().shape == (3, 20, 30)


def test_sixteen_bits_stay_sixteen_bits(tmp_path: Path) -> None:
    for name in ("a.jp2", "a.pgm"):
        Picture.fromarray(DEEP).save(tmp_path / name)
        assert np.array_equal(open_image(tmp_path / name).read(), DEEP)
    colours = np.stack([DEEP, DEEP // 2, DEEP // 3], -1)
    (tmp_path / "c.jp2").write_bytes(imagecodecs.jpeg2k_encode(colours, level=0, reversible=True))
    assert np.array_equal(open_image(tmp_path / "c.jp2").read(), np.moveaxis(colours, -1, 0))
    (tmp_path / "c.ppm").write_bytes(b"P6\n30 20\n65535\n" + colours.astype(">u2").tobytes())
    with pytest.raises(InputError, match="save it as TIFF"):
        open_image(tmp_path / "c.ppm")


def test_an_animation_is_not_one_image(tmp_path: Path) -> None:
    Picture.fromarray(GREY).save(tmp_path / "a.gif", save_all=True, append_images=[Picture.fromarray(GREY[::-1])])
    with pytest.raises(InputError, match="animation of 2 pictures"):
        open_image(tmp_path / "a.gif")


def test_metamorph_stacks_are_tiff(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", DEEP)
    (tmp_path / "a.tif").rename(tmp_path / "a.stk")
    assert np.array_equal(open_image(tmp_path / "a.stk").read(), DEEP)


@pytest.mark.parametrize("whole", [True, False], ids=["the folder", "its content"])
def test_a_zarr_folder_in_a_zip_file(tmp_path: Path, whole: bool) -> None:
    write_image_zarr(DEEP, tmp_path / "a.zarr")
    inside = (tmp_path, "a.zarr") if whole else (tmp_path / "a.zarr", ".")
    shutil.make_archive(str(tmp_path / "b.zarr"), "zip", *inside)
    image = open_image(tmp_path / "b.zarr.zip")
    assert np.array_equal(image.read(), DEEP)
    (tmp_path / "b.zarr.zip").write_bytes(b"PK\3\4")
    with pytest.raises(InputError, match="copy it again"):
        open_image(tmp_path / "b.zarr.zip")


def test_other_formats_are_shown_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "f.oib").write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(InputError, match="export it as OME-TIFF"):
        open_image(tmp_path / "f.oib")
