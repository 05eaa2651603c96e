"""Whatever is wrong with a file, one sentence names it and says what to do."""

import json
import os
import resource
import struct

import imagecodecs
import numcodecs
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image as Picture
from zarr.codecs import BloscCodec

from coverslip.core.errors import InputError
from coverslip.io import list_images
from coverslip.read import open_image, write_image_zarr
from coverslip.samples import read_sheet


def assert_refused(path, **options):
    """The one sentence that opening and reading ends with."""
    with pytest.raises(InputError) as caught:
        open_image(path, **options).read()
    text = str(caught.value)
    assert str(path) in text
    assert text.endswith(".")
    assert "\n" not in text
    return text


def opening(path, **options):
    """As `assert_refused`, but opening alone must find it."""
    with pytest.raises(InputError):
        open_image(path, **options)
    return assert_refused(path, **options)


def random_tiff(path, **options):
    tifffile.imwrite(path, np.random.default_rng(0).integers(0, 999, (90, 80), np.uint16), **options)
    return path


@pytest.mark.parametrize(
    "options", [{}, {"compression": "zlib"}, {"tile": (16, 16)}, {"tile": (32, 32), "compression": "lzw"}]
)
@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_truncated_tiff(tmp_path, options, share):
    whole = random_tiff(tmp_path / "whole.tif", **options).read_bytes()
    path = tmp_path / "short.tif"
    path.write_bytes(whole[: int(len(whole) * share)])
    assert "copy it again from its source" in opening(path)


def test_truncated_multipage_ome_tiff(tmp_path):
    path = tmp_path / "a.ome.tif"
    stack = np.random.default_rng(0).integers(0, 999, (5, 90, 80), np.uint16)
    tifffile.imwrite(path, stack, ome=True, photometric="minisblack", compression="zlib", metadata={"axes": "ZYX"})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * 0.6)])
    assert_refused(path)


def test_a_tiff_whose_writer_was_stopped_before_it_described_the_image(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16) + bytes(4096))
    assert "cut short while it was written" in opening(path)


def test_empty_file(tmp_path):
    (tmp_path / "a.tif").touch()
    assert "is empty (0 bytes)" in opening(tmp_path / "a.tif")


def test_text_named_tif(tmp_path):
    (tmp_path / "a.tif").write_text("this is no image")
    assert "is not an image" in opening(tmp_path / "a.tif")


def test_only_the_first_bytes_of_a_tiff(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"II*\x00\x08\x00\x00\x00")
    assert "holds no image" in opening(tmp_path / "a.tif")


def test_missing_file(tmp_path):
    assert "does not exist" in opening(tmp_path / "a.tif")


def test_unsupported_suffix_lists_the_supported_ones(tmp_path):
    (tmp_path / "a.docx").write_text("x")
    assert ".tif, .tiff" in opening(tmp_path / "a.docx")


def test_vectors_are_no_images(tmp_path):
    path = tmp_path / "cells.h5ad"
    path.write_bytes(b"no matter")
    with pytest.raises(InputError, match="holds vectors, not images; give the images"):
        open_image(path)


@pytest.mark.parametrize("axes", ["CYX", "XQ", "Y", "YXX"])
def test_wrong_axes(tmp_path, axes):
    random_tiff(tmp_path / "a.tif")
    assert f"axes='{axes}'" in opening(tmp_path / "a.tif", axes=axes)


def test_pages_of_unknown_meaning(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((3, 20, 30), np.uint16), metadata=None, photometric="minisblack")
    assert "axes='CYX' or axes='ZYX'" in opening(tmp_path / "a.tif")
    assert open_image(tmp_path / "a.tif", axes="ZYX").shape == (3, 20, 30)


def declared_tiff(width, height, compression, data, strips=1):
    """A TIFF header that declares an image, with the data of one strip that all strips share."""
    count = len(data)
    at = 8 + 2 + 12 * 10 + 4
    lists = b""
    offsets = counts = 0
    if strips > 1:
        offsets, counts = at + count, at + count + 4 * strips
        lists = struct.pack(f"<{strips}I", *[at] * strips) + struct.pack(f"<{strips}I", *[count] * strips)
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, compression),
        (262, 3, 1, 1),
        (273, 4, strips, offsets or at),
        (277, 3, 1, 1),
        (278, 4, 1, -(-height // strips)),
        (279, 4, strips, counts or count),
        (284, 3, 1, 1),
    ]
    head = struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", len(tags))
    return head + b"".join(struct.pack("<HHII", *tag) for tag in tags) + struct.pack("<I", 0) + data + lists


@pytest.mark.parametrize("compression", [1, 5, 8, 32773, 50000])
@pytest.mark.parametrize("strips", [1, 6])
def test_twelve_gigabytes_declared_by_a_kilobyte(tmp_path, compression, strips):
    path = tmp_path / "a.tif"
    path.write_bytes(
        declared_tiff(120_000, 100_000, compression, imagecodecs.zlib_encode(bytes(500_000))[:900], strips)
    )
    assert path.stat().st_size < 1200
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    text = opening(path)
    assert "copy it again from its source" in text
    assert "12 GB" in text or "12,000,000" in text
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


def test_a_true_tiff_of_the_same_making_is_read(tmp_path):
    data = imagecodecs.zlib_encode(np.arange(200, dtype=np.uint8).tobytes())
    (tmp_path / "a.tif").write_bytes(declared_tiff(20, 10, 8, data))
    assert np.array_equal(open_image(tmp_path / "a.tif").read(), np.arange(200).reshape(10, 20))


@pytest.mark.parametrize("compression", ["zlib", "zstd", "lzma"])
def test_corrupt_strip(tmp_path, compression):
    path = random_tiff(tmp_path / "a.tif", compression=compression)
    with tifffile.TiffFile(path) as tif:
        offset, count = tif.pages[0].dataoffsets[0], tif.pages[0].databytecounts[0]
    content = bytearray(path.read_bytes())
    content[offset : offset + count] = bytes(b ^ 0x5A for b in content[offset : offset + count])
    path.write_bytes(content)
    assert open_image(path).shape == (90, 80)
    assert "cannot be decoded" in assert_refused(path)


def test_strip_that_holds_too_little(tmp_path):
    data = imagecodecs.zlib_encode(bytes(100))
    (tmp_path / "a.tif").write_bytes(declared_tiff(20, 10, 8, data))
    assert "is damaged" in assert_refused(tmp_path / "a.tif")


def test_file_that_vanishes_after_opening(tmp_path):
    image = open_image(random_tiff(tmp_path / "a.tif", compression="zlib"))
    (tmp_path / "a.tif").unlink()
    with pytest.raises(InputError, match="gone since"):
        image.read()


@pytest.mark.parametrize("option", [{"series": 1}, {"level": 1}, {"series": -1}])
def test_series_and_levels_that_are_not_there(tmp_path, option):
    assert "counted from 0" in opening(random_tiff(tmp_path / "a.tif"), **option)


def test_missing_file_of_a_set(tmp_path):
    array = np.random.default_rng(0).integers(0, 9, (2, 20, 30), np.uint8)
    path = tmp_path / "a.ome.tif"
    xml = tifffile.OmeXml()
    xml.addimage(dtype=np.uint8, shape=(2, 20, 30), storedshape=(2, 1, 1, 20, 30, 1), axes="ZYX")
    tifffile.imwrite(path, array[:1], description=xml.tostring(declaration=True), metadata=None)
    image = open_image(path)
    assert image.shape == (2, 20, 30)
    assert np.array_equal(image.select(Z=0).read(), array[0])
    assert "lacks page 1" in assert_refused(path)


def test_more_planes_declared_than_a_file_can_list(tmp_path):
    xml = tifffile.OmeXml()
    xml.addimage(dtype=np.uint8, shape=(10**9, 20, 30), storedshape=(10**9, 1, 1, 20, 30, 1), axes="ZYX")
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((1, 20, 30), np.uint8), description=xml.tostring(declaration=True), metadata=None)
    assert "declares 1,000,000,000 planes" in opening(path)


WRITERS = {
    "strips.tif": lambda path, a: tifffile.imwrite(path, a[..., 0], compression="zlib", rowsperstrip=8),
    "tiles.tif": lambda path, a: tifffile.imwrite(path, a, photometric="rgb", tile=(16, 16)),
    "jpeg.tif": lambda path, a: tifffile.imwrite(path, a, photometric="rgb", tile=(16, 16), compression="jpeg"),
    "imagej.tif": lambda path, a: tifffile.imwrite(path, a.transpose(2, 0, 1), imagej=True, metadata={"axes": "ZYX"}),
    "a.png": lambda path, a: Picture.fromarray(a).save(path),
    "a.jpg": lambda path, a: Picture.fromarray(a).save(path),
    "a.npy": lambda path, a: np.save(path, a[..., 0]),
}


@pytest.mark.parametrize("name", WRITERS)
def test_random_damage_is_refused_or_harmless(tmp_path, name):
    """Whatever bytes change, there is an image of the declared shape or one sentence, never another error."""
    path = tmp_path / name
    generator = np.random.default_rng(0)
    WRITERS[name](path, generator.integers(0, 255, (60, 50, 3), np.uint8))
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    sentences = []
    for _ in range(150):
        content = whole.copy()
        reach = generator.choice([64, 300, len(whole)])
        content[generator.integers(0, min(reach, len(whole)), generator.integers(1, 5))] = generator.integers(0, 256)
        path.write_bytes(content.tobytes())
        try:
            image = open_image(path)
            assert image.read().shape == image.shape
        except InputError as error:
            sentences.append(str(error))
    assert sentences
    assert not any("\n" in sentence for sentence in sentences)


def test_truncated_pictures(tmp_path):
    array = np.random.default_rng(0).integers(0, 255, (90, 80, 3), np.uint8)
    for name in ("a.png", "a.jpg"):
        Picture.fromarray(array).save(tmp_path / name)
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
        assert "copy it again from its source" in assert_refused(tmp_path / name)
        (tmp_path / name).write_bytes(whole[:20])
        assert "copy it again from its source" in opening(tmp_path / name)


def test_png_that_declares_gigabytes(tmp_path):
    Picture.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[16:24] = struct.pack(">II", 100_000, 120_000)
    content[29:33] = struct.pack(">I", __import__("zlib").crc32(content[12:29]))
    (tmp_path / "a.png").write_bytes(content)
    assert "declares 12 GB" in opening(tmp_path / "a.png")


def test_printing_colours_are_refused(tmp_path):
    Picture.fromarray(np.zeros((4, 4, 4), np.uint8), "CMYK").save(tmp_path / "a.jpg")
    assert "save it as RGB" in opening(tmp_path / "a.jpg")


def test_folder_that_is_no_zarr(tmp_path):
    (tmp_path / "folder").mkdir()
    assert "no Zarr image" in opening(tmp_path / "folder")
    (tmp_path / "a.zarr").mkdir()
    assert "no Zarr image" in opening(tmp_path / "a.zarr")


def test_zarr_with_garbage_for_metadata(tmp_path):
    path = tmp_path / "a.zarr"
    array = np.zeros((20, 30), np.uint8)
    for name, content in (
        (".zattrs", "{garbage"),
        (".zgroup", ""),
        ("0/.zarray", "]"),
        (".zattrs", '{"multiscales": 3}'),
    ):
        write_image_zarr(array, path, overwrite=True, version="0.4")
        (path / name).write_text(content)
        opening(path)
    for change in ({"datasets": []}, {"datasets": [{"path": "9"}]}, {"axes": [{"name": "x"}]}, {"datasets": "no"}):
        write_image_zarr(array, path, overwrite=True, version="0.4")
        facts = json.loads((path / ".zattrs").read_text())
        facts["multiscales"][0] |= change
        (path / ".zattrs").write_text(json.dumps(facts))
        opening(path)
    write_image_zarr(array, path, overwrite=True, version="0.4")
    (path / "0" / ".zarray").unlink()
    assert "Zarr metadata" in opening(path)


def test_zarr_with_a_damaged_chunk(tmp_path):
    path = tmp_path / "a.zarr"
    write_image_zarr(np.random.default_rng(0).integers(0, 9, (20, 30), np.uint16), path)
    (path / "0" / "c" / "0" / "0").write_bytes(b"not what was written")
    assert open_image(path).shape == (20, 30)
    assert "a chunk of '0' cannot be decoded" in assert_refused(path)


def test_a_plate_without_its_wells(tmp_path):
    zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=2).attrs["plate"] = {"wells": []}
    assert "a plate without its wells" in opening(tmp_path / "a.zarr")


@pytest.mark.parametrize("array", [np.zeros(5), np.zeros((4, 4), complex), np.zeros((3, 4, 5)), np.array([["a", "b"]])])
def test_arrays_that_are_no_images(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    assert "a.npy" in opening(tmp_path / "a.npy")


def test_truncated_and_pickled_arrays(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((20, 30)))
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content[:-100])
    assert "a.npy" in opening(tmp_path / "a.npy")
    np.save(tmp_path / "b.npy", np.array([[{}]], dtype=object), allow_pickle=True)
    assert "b.npy" in opening(tmp_path / "b.npy")


def test_series_of_a_picture(tmp_path):
    Picture.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "a.png")
    assert "one image at one resolution" in opening(tmp_path / "a.png", series=2)


@pytest.mark.parametrize("last", [59, 140])
def test_pages_that_lead_back_to_an_earlier_one(tmp_path, last):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((160, 4, 4), np.uint8), photometric="minisblack", metadata=None)
    with tifffile.TiffFile(path) as tif:
        first, page = tif.pages[120 if last > 100 else 0].offset, tif.pages[last].offset
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, page + 2 + 12 * struct.unpack_from("<H", data, page)[0], first)
    path.write_bytes(data)
    assert f"after page {last} an earlier one is named again" in opening(path, axes="CYX")


def test_pipes_are_left_out_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.tif")
    assert "is a pipe or a device" in opening(tmp_path / "pipe.tif")
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((9, 9), np.uint8))
    assert list_images(tmp_path) == [tmp_path / "a.tif"]
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(InputError, match="is a pipe or a device"):
        read_sheet(tmp_path / "pipe.csv")


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(
    ("at", "value", "reason"), [(12, 2**31, "says it has"), (4, 2**31 - 1, "says it becomes"), (8, 0, "no sense")]
)
def test_blosc_chunks_whose_headers_lie(tmp_path, version, at, value, reason):
    path = tmp_path / "a.zarr"
    codec = {"compressors": BloscCodec(typesize=2)} if version == 3 else {"compressors": numcodecs.Blosc()}
    array = zarr.create_array(path, shape=(64, 64), chunks=(64, 64), dtype="u2", zarr_format=version, **codec)
    array[:] = np.random.default_rng(0).integers(0, 900, (64, 64))
    chunk = path / ("c/0/0" if version == 3 else "0.0")
    assert (open_image(path).read() == array[:]).all()
    data = bytearray(chunk.read_bytes())
    struct.pack_into("<I", data, at, value)
    chunk.write_bytes(data)
    image = open_image(path)
    with pytest.raises(InputError, match=f"chunk of '' cannot be decoded .*{reason}"):
        image.read()
    chunk.write_bytes(data[:10])
    with pytest.raises(InputError, match="a Blosc chunk of 10 bytes"):
        open_image(path).read()
