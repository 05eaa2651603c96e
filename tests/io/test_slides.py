"""Slides: levels, sizes, what is never shown, and the same pixels as OpenSlide reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from coverslip.core import Image, InputError, MissingExtra, PixelSize, Region
from coverslip.io import open_slide
from coverslip.io.listing import list_images
from coverslip.io.writing.slide_dicom import write_slide_dicom


def textured(height: int, width: int) -> np.ndarray:
    from scipy import ndimage

    rng = np.random.default_rng(0)
    smooth = np.stack([ndimage.gaussian_filter(rng.random((height, width)), 2) for _ in range(3)], -1)
    return (255 * smooth).astype(np.uint8)


@pytest.fixture(scope="module")
def pyramid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A slide of two levels in JPEG tiles, with a label, as Aperio's scanners write them."""
    path, pixels = tmp_path_factory.mktemp("slides") / "slide.svs", textured(700, 900)
    facts = "Aperio Image Library v12\r\n900x700 (256x256) JPEG/RGB Q=80|AppMag = 40|MPP = 0.2500"
    jpeg = {"photometric": "rgb", "compression": "jpeg", "tile": (256, 256), "metadata": None}
    with tifffile.TiffWriter(path) as tif:
        tif.write(pixels, description=facts, **jpeg)
        tif.write(pixels[::9, ::9], description=facts, photometric="rgb", metadata=None)
        tif.write(pixels[::4, ::4], description=facts, **jpeg)
        label = "Aperio\r\nlabel 80x90"
        tif.write(pixels[:90, :80], description=label, subfiletype=1, photometric="rgb", metadata=None)
    return path


def test_levels_sizes_and_magnification_are_those_of_the_scanner(pyramid: Path) -> None:
    slide = open_slide(pyramid)
    assert [level.shape for level in slide.levels] == [(3, 700, 900), (3, 175, 225)]
    assert slide.magnification == 40
    assert slide.pixel_size is not None
    assert slide.pixel_size.x == pytest.approx(0.25)
    assert slide.factors == (1, 4)
    assert [slide.level_for(factor) for factor in (1, 3, 3.9, 4, 100)] == [0, 0, 1, 1, 1]


def test_windows_are_parts_of_the_whole_whatever_tiles_they_touch(pyramid: Path) -> None:
    slide = open_slide(pyramid)
    whole = slide.levels[0].read().transpose(1, 2, 0)
    for y, x, height, width in ((0, 0, 256, 256), (256, 512, 256, 256), (100, 90, 600, 800), (699, 899, 1, 1)):
        window = slide.read(Region(y, x, height, width))
        assert np.array_equal(window, whole[y : y + height, x : x + width])
    with pytest.raises(InputError, match="reaches over the border"):
        slide.read(Region(600, 0, 101, 10))


def test_damaged_tiles_are_an_error_that_names_the_file(pyramid: Path, tmp_path: Path) -> None:
    data = bytearray(pyramid.read_bytes())
    with tifffile.TiffFile(pyramid) as tif:
        offset = tif.pages[0].dataoffsets[0]
    data[offset : offset + 200] = bytes(200)
    (tmp_path / "slide.svs").write_bytes(data)
    slide = open_slide(tmp_path / "slide.svs")
    with pytest.raises(InputError, match=r"slide\.svs is damaged"):
        slide.read(Region(0, 0, 256, 256))
    assert slide.read(Region(300, 300, 100, 100)).shape == (100, 100, 3)


def test_what_is_empty_or_cut_short_is_named(pyramid: Path, tmp_path: Path) -> None:
    for name, data in (("empty.svs", b""), ("cut.svs", pyramid.read_bytes()[:20_000])):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError, match=name.replace(".", r"\.")):
            open_slide(tmp_path / name)


def test_other_formats_say_what_they_need(tmp_path: Path) -> None:
    (tmp_path / "slide.mrxs").write_bytes(b"x")
    with pytest.raises((MissingExtra, InputError), match=r"slide\.mrxs"):
        open_slide(tmp_path / "slide.mrxs")


@pytest.mark.data
@pytest.mark.parametrize("name", ["cmu-1-small-region.svs", "tcga-cr-7395-01a-01-ts1.svs"])
def test_pixels_are_those_that_openslide_reads(name: str, data_folder: Path) -> None:
    openslide = pytest.importorskip("openslide", reason="OpenSlide is not installed: pip install 'coverslip[slides]'")
    path = data_folder / "slides" / name
    own, other = open_slide(path), openslide.OpenSlide(str(path))
    assert [(level.width, level.height) for level in own.levels] == list(other.level_dimensions)
    rng = np.random.default_rng(0)
    for _ in range(5):
        y, x = (int(rng.integers(0, n - 300)) for n in (own.height, own.width))
        theirs = np.asarray(other.read_region((x, y), 0, (300, 300)))[..., :3]
        assert np.array_equal(own.read(Region(y, x, 300, 300)), theirs)
    # The reader for formats of others gives the same of these, too.
    from coverslip.io.images.openslide import open_by_openslide

    theirs = open_by_openslide(path)
    region = Region(400, 300, 200, 500)
    assert np.array_equal(theirs.crop(region).read().transpose(1, 2, 0), own.read(region))
    assert theirs.pixel_size == own.pixel_size
    assert set(theirs.metadata) == {"format", "magnification", "levels"}


def test_a_slide_written_as_dicom_is_read_again_file_by_file_and_as_a_folder(tmp_path: Path) -> None:
    pytest.importorskip("openslide", reason="OpenSlide is not installed: pip install 'coverslip[slides]'")
    pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed: pip install 'coverslip[dicom]'")
    pixels = textured(560, 720)
    levels = tuple(
        Image("CYX", part.shape, part.dtype, "slide", lambda window, part=part: part[window], PixelSize(s, s))
        for part, s in ((pixels.transpose(2, 0, 1), 0.5), (pixels[::4, ::4].transpose(2, 0, 1), 2.0))
    )
    for compression, most in (("none", 0), ("zlib", 0), ("jpeg", 30)):
        folder = tmp_path / compression
        write_slide_dicom(levels, folder, compression=compression, magnification=20)
        (path,) = list_images(folder)
        found = open_slide(path)
        assert [level.shape for level in found.levels] == [level.shape for level in levels]
        assert found.pixel_size == PixelSize(0.5, 0.5)
        assert found.magnification == 20
        off = np.abs(found.read(Region(100, 300, 400, 420)).astype(int) - pixels[100:500, 300:720])
        assert off.max() <= most
        small = found.read(Region(0, 0, 140, 180), 1).astype(int)
        assert np.abs(small - pixels[::4, ::4]).mean() <= most / 4
        facts = pydicom.dcmread(folder / "level-1.dcm", stop_before_pixels=True)
        assert (facts.PatientName, facts.PatientID, facts.Modality) == ("", "", "SM")
        assert facts.TotalPixelMatrixColumns == 180
    with pytest.raises(InputError, match="demands the size of pixels"):
        write_slide_dicom([replace(levels[0], pixel_size=None)], tmp_path / "unknown")
    (folder / "level-0.dcm").write_bytes(b"DICM")
    with pytest.raises(InputError, match=r"level-0\.dcm cannot be read as a slide"):
        open_slide(folder / "level-0.dcm")
