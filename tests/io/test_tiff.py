"""TIFF images of every dialect: axes, micrometres, and windows that are the windows of the whole."""

import os
import pickle
import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coverslip.core.errors import InputError
from coverslip.core.image import PixelSize
from coverslip.core.region import Region
from coverslip.io.images import tiff as module
from coverslip.io.images import tiff_bits, tiff_pages
from coverslip.read import open_image, read_labels


def pixels(shape, dtype=np.uint16, seed=0):
    return np.random.default_rng(seed).integers(0, 200, shape).astype(dtype)


LAYOUTS = {
    "plain": {},
    "strips": {"rowsperstrip": 7, "compression": "zlib"},
    "lzw with predictor": {"compression": "lzw", "predictor": True, "rowsperstrip": 16},
    "tiles": {"tile": (16, 32), "compression": "zstd"},
    "plain tiles": {"tile": (16, 16)},
    "big endian": {"byteorder": ">", "rowsperstrip": 5, "compression": "zlib"},
    "big endian plain": {"byteorder": ">"},
    "bigtiff": {"bigtiff": True, "compression": "deflate"},
}


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_window_is_the_window_of_the_whole(layout, data, tmp_path_factory):
    array = pixels((3, 50, 70))
    path = tmp_path_factory.getbasetemp() / f"{layout}.ome.tif"
    if not path.exists():
        tifffile.imwrite(path, array, ome=True, photometric="minisblack", metadata={"axes": "CYX"}, **LAYOUTS[layout])
    image = open_image(path)
    y, x = data.draw(st.integers(0, 49)), data.draw(st.integers(0, 69))
    region = Region(y, x, data.draw(st.integers(1, 50 - y)), data.draw(st.integers(1, 70 - x)))
    part = image.crop(region).read()
    assert part.dtype == np.uint16
    assert part.flags.c_contiguous
    assert np.array_equal(part, array[:, y : region.stop_y, x : region.stop_x])


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_colours_are_channels(tmp_path, planar, tile):
    array = pixels((40, 50, 3), np.uint8)
    stored = array if planar == "contig" else array.transpose(2, 0, 1)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", planarconfig=planar, tile=tile, compression="zlib")
    image = open_image(tmp_path / "a.tif")
    assert (image.axes, image.shape, image.channels) == ("CYX", (3, 40, 50), ("red", "green", "blue"))
    assert np.array_equal(image.select(C=1).crop(Region(3, 20, 30, 17)).read(), array[3:33, 20:37, 1])


def test_ome_tiff_gives_axes_micrometres_and_channel_names(tmp_path):
    array = pixels((2, 3, 4, 20, 30))
    facts = {
        "axes": "TZCYX",
        "PhysicalSizeX": 250.0,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.5,
        "PhysicalSizeYUnit": "µm",
        "PhysicalSizeZ": 2.0,
        "PhysicalSizeZUnit": "µm",
        "Channel": {"Name": ["DAPI", "GFP", "RFP", "phase"]},
    }
    tifffile.imwrite(tmp_path / "a.ome.tif", array, ome=True, photometric="minisblack", metadata=facts)
    image = open_image(tmp_path / "a.ome.tif")
    assert (image.axes, image.shape) == ("TCZYX", (2, 4, 3, 20, 30))
    assert image.pixel_size == PixelSize(0.5, 0.25, 2.0)
    assert image.channels == ("DAPI", "GFP", "RFP", "phase")
    assert np.array_equal(image.read(), array.transpose(0, 2, 1, 3, 4))
    assert np.array_equal(image.select(T=1, C=2, Z=slice(1, 3)).read(), array[1, 1:, 2])


@pytest.mark.parametrize(
    ("unit", "per_unit", "micrometres"),
    [("micron", 4, 0.25), ("\\u00B5m", 4, 0.25), ("nm", 0.004, 0.25), ("pixel", 4, None), ("inch", 300, None)],
)
def test_imagej_hyperstack(tmp_path, unit, per_unit, micrometres):
    array = pixels((5, 3, 2, 20, 30))
    facts = {"axes": "TZCYX", "unit": unit, "spacing": 1.5}
    tifffile.imwrite(tmp_path / "a.tif", array, imagej=True, resolution=(per_unit, per_unit), metadata=facts)
    image = open_image(tmp_path / "a.tif")
    assert (image.axes, image.shape) == ("TCZYX", (5, 2, 3, 20, 30))
    size = None if micrometres is None else pytest.approx(micrometres)
    assert (image.pixel_size and image.pixel_size.x) == size
    assert np.array_equal(image.select(T=4, C=1).read(), array[4, :, 1])


def test_imagej_slice_labels_name_channels(tmp_path):
    facts = {"axes": "CYX", "Labels": ["DAPI", "actin"]}
    tifffile.imwrite(tmp_path / "a.tif", pixels((2, 20, 30)), imagej=True, metadata=facts)
    assert open_image(tmp_path / "a.tif").channels == ("DAPI", "actin")


@pytest.mark.parametrize(
    ("resolution", "unit", "micrometres"),
    [((20000, 20000), "CENTIMETER", 0.5), ((72, 72), "INCH", None), ((300, 300), "INCH", None), ((4, 4), "NONE", None)],
)
def test_resolution_tags_are_believed_where_a_microscope_can_have_made_them(tmp_path, resolution, unit, micrometres):
    tifffile.imwrite(tmp_path / "a.tif", pixels((20, 30)), resolution=resolution, resolutionunit=unit, metadata=None)
    size = open_image(tmp_path / "a.tif").pixel_size
    assert size == (None if micrometres is None else PixelSize(micrometres, micrometres))


def test_a_pixel_size_given_wins(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", pixels((20, 30)))
    assert open_image(tmp_path / "a.tif", pixel_size=0.3).pixel_size == PixelSize(0.3, 0.3)


def test_axes_in_the_description_are_used_and_axes_given_win(tmp_path):
    array = pixels((3, 20, 30))
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="minisblack", metadata={"axes": "ZYX"})
    assert open_image(tmp_path / "a.tif").axes == "ZYX"
    assert open_image(tmp_path / "a.tif", axes="CYX").axes == "CYX"


def pyramid(path, array):
    with tifffile.TiffWriter(path) as writer:
        options = {"photometric": "rgb", "tile": (32, 32), "compression": "zlib"}
        writer.write(array, subifds=2, resolution=(40000, 40000), resolutionunit="CENTIMETER", **options)
        for step in (2, 4):
            writer.write(array[::step, ::step], subfiletype=1, **options)


def test_levels_of_a_pyramid(tmp_path):
    array = pixels((96, 128, 3), np.uint8)
    pyramid(tmp_path / "a.tif", array)
    image = open_image(tmp_path / "a.tif", level=2)
    assert image.shape == (3, 24, 32)
    assert image.metadata["levels"] == [(96, 128), (48, 64), (24, 32)]
    assert image.pixel_size == PixelSize(1.0, 1.0)
    assert np.array_equal(image.read(), array[::4, ::4].transpose(2, 0, 1))


def test_a_window_decodes_only_the_tiles_it_touches(tmp_path, monkeypatch):
    array = pixels((256, 256), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", array, tile=(32, 32), compression="zlib")
    image = open_image(tmp_path / "a.tif")
    stack = image.reader._stack
    touched = []

    def counting(data, index, **options):
        touched.append(index)
        return decode(data, index, **options)

    decode = stack.decode
    monkeypatch.setitem(stack.__dict__, "decode", counting)
    assert np.array_equal(image.crop(Region(33, 65, 40, 20)).read(), array[33:73, 65:85])
    assert sorted(touched) == [8 + 2, 16 + 2]


def test_opening_reads_no_pixels(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", pixels((64, 64)), tile=(16, 16), compression="zlib")

    def never(*_):
        raise AssertionError("pixels were read")

    monkeypatch.setattr(module, "read_window", never)
    assert open_image(tmp_path / "a.tif").shape == (64, 64)


def test_tiles_that_are_not_stored_are_empty(tmp_path):
    blank = (b"" if i else np.full((16, 16), 9, np.uint8).tobytes() for i in range(16))
    tifffile.imwrite(tmp_path / "a.tif", blank, shape=(64, 64), dtype=np.uint8, tile=(16, 16))
    expected = np.zeros((64, 64), np.uint8)
    expected[:16, :16] = 9
    assert np.array_equal(open_image(tmp_path / "a.tif").read(), expected)


def test_large_reads_in_threads_give_the_same(tmp_path, monkeypatch):
    array = pixels((300, 200))
    tifffile.imwrite(tmp_path / "a.tif", array, tile=(32, 32), compression="zlib")
    monkeypatch.setattr(module, "_THREADED", 0)
    assert np.array_equal(open_image(tmp_path / "a.tif").read(), array)


def test_images_can_be_pickled_and_used_by_several_threads(tmp_path):
    array = pixels((200, 200))
    tifffile.imwrite(tmp_path / "a.tif", array, rowsperstrip=10, compression="zlib")
    image = pickle.loads(pickle.dumps(open_image(tmp_path / "a.tif")))
    found = {}

    def read(k):
        found[k] = image.crop(Region(k, k, 50, 60)).read()

    threads = [threading.Thread(target=read, args=(k,)) for k in range(0, 140, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(part, array[k : k + 50, k : k + 60]) for k, part in found.items())
    assert len(found) == 14


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "float32", "float64", "bool"])
def test_the_dtype_is_kept(tmp_path, dtype):
    array = pixels((20, 30)).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", array)
    image = open_image(tmp_path / "a.tif")
    assert image.dtype == np.dtype(dtype)
    assert np.array_equal(image.read(), array)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (5, 1, 9), (5, 9, 9)])
def test_small_and_thin_images(tmp_path, shape):
    array = pixels(shape)
    axes = "ZYX"[-len(shape) :]
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="minisblack", metadata={"axes": axes}, compression="zlib")
    image = open_image(tmp_path / "a.tif")
    assert image.axes == axes
    assert np.array_equal(image.read(), array)


def test_several_images_in_one_file(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(pixels((20, 30)))
        writer.write(pixels((10, 10), np.uint8))
    assert open_image(tmp_path / "a.tif").shape == (20, 30)
    assert open_image(tmp_path / "a.tif", series=1).shape == (10, 10)


@pytest.mark.data
def test_aperio_slides(data_folder):
    image = open_image(data_folder / "slides" / "cmu-1-small-region.svs")
    assert (image.axes, image.shape) == ("CYX", (3, 2967, 2220))
    assert image.pixel_size == PixelSize(0.499, 0.499)
    whole = tifffile.imread(data_folder / "slides" / "cmu-1-small-region.svs")
    assert np.array_equal(image.crop(Region(1000, 777, 300, 301)).read(), whole[1000:1300, 777:1078].transpose(2, 0, 1))
    small = open_image(data_folder / "slides" / "tcga-cr-7395-01a-01-ts1.svs", level=1)
    assert small.shape == (3, 1783, 2221)
    assert small.crop(Region(900, 900, 20, 30)).read().shape == (3, 20, 30)


@pytest.mark.data
@pytest.mark.parametrize(
    ("pattern", "axes", "dtype"),
    [
        ("bbbc039/images/*.tif", "YX", "uint16"),
        ("jurkat_cellcycle/G1/*.tif", "CYX", "uint16"),
        ("isl_transmitted_z/transmitted_z.tif", "ZYX", "uint16"),
        ("spheroid_invasion/3D_static/*.tif", "YX", "uint8"),
        ("spheroids_brightfield/organoids/*.tif", "YX", "uint16"),
        ("usiigaci_phase/images/*.tif", "YX", "uint16"),
    ],
)
def test_real_images_equal_what_tifffile_reads(data_folder, pattern, axes, dtype):
    path = sorted(data_folder.glob(pattern))[0]
    image = open_image(path)
    assert (image.axes, image.dtype, image.channels) == (axes, np.dtype(dtype), ())
    assert np.array_equal(image.read(), tifffile.imread(path))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("layout", ["plain", "tiles"])
def test_where_zero_is_white_more_is_brighter_all_the_same(tmp_path, dtype, layout):
    """Right: as it is displayed, so that bright objects are found; labels stay the numbers that are stored."""
    array = pixels((40, 70), dtype)
    top = np.iinfo(dtype).max
    tifffile.imwrite(tmp_path / "a.tif", top - array, photometric="miniswhite", metadata=None, **LAYOUTS[layout])
    image = open_image(tmp_path / "a.tif")
    assert image.dtype == dtype
    assert np.array_equal(image.read(), array)
    assert np.array_equal(pickle.loads(pickle.dumps(image)).crop(Region(3, 5, 7, 9)).read(), array[3:10, 5:14])
    assert np.array_equal(read_labels(tmp_path / "a.tif").labels, top - array)


@pytest.mark.parametrize("options", [{}, {"rowsperstrip": 7}, {"compression": "zlib"}, {"photometric": "minisblack"}])
def test_true_stays_true_whichever_is_white_in_windows_of_one_bit(tmp_path, monkeypatch, options):
    array = pixels((50, 70)) % 3 == 0
    monkeypatch.setattr(tiff_bits, "_PIECE", 30)  # three rows of 70 bits
    tifffile.imwrite(tmp_path / "a.tif", array, **options)
    image = open_image(tmp_path / "a.tif")
    assert image.dtype == bool
    if options.get("compression") is None:
        assert image.reader._stack.tile_shape == (1, 3, 70)
    for region in (Region(0, 0, 50, 70), Region(5, 9, 11, 40), Region(49, 69, 1, 1)):
        window = image.crop(region).read()
        assert np.array_equal(window, array[region.y : region.stop_y, region.x : region.stop_x])


def test_a_strip_that_is_large_is_decoded_once(tmp_path, monkeypatch):
    array = pixels((60, 70))
    tifffile.imwrite(tmp_path / "a.tif", array, compression="zlib", rowsperstrip=60)
    monkeypatch.setattr(module, "_LARGE", 1000)
    image = open_image(tmp_path / "a.tif")
    stack, calls = image.reader._stack, []

    def counting(data, index, **options):
        calls.append(data is not None)
        return decode(data, index, **options)

    decode = stack.decode
    monkeypatch.setitem(stack.__dict__, "decode", counting)
    for y in (0, 20, 40):
        assert np.array_equal(image.crop(Region(y, 3, 20, 30)).read(), array[y : y + 20, 3:33])
    assert sum(calls) == 1


def test_pieces_that_memory_cannot_hold_are_refused_with_the_reason(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", pixels((60, 70)), compression="zlib", rowsperstrip=60)
    monkeypatch.setattr(tiff_pages, "_HARMLESS", 0)
    monkeypatch.setattr(tiff_pages, "free_memory", lambda: 1000)
    with pytest.raises(InputError, match=r"compressed in pieces of .* too little memory; save it as a tiled TIFF"):
        open_image(tmp_path / "a.tif")


def test_a_file_that_is_cut_short_is_named_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tifffile.imwrite("cut.tif", np.ones((64, 64), np.uint16))
    os.truncate("cut.tif", 1000)
    with pytest.raises(InputError, match=r"^cut\.tif is cut short"):
        open_image("cut.tif").read()
