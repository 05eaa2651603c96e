"""Pictures, arrays, folders: what opens, and as what."""

import pickle
import shutil
import subprocess
import sys
from collections import Counter

import imagecodecs
import numpy as np
import pytest
import skimage.data
import tifffile
from PIL import Image as Picture
from PIL import ImageOps

from coverslip.core.errors import InputError, MissingExtra
from coverslip.core.region import Region
from coverslip.io.images import decoded, pictures
from coverslip.io.images.decoded import Decoded
from coverslip.read import list_images, open_image


def colours(*shape, high=256, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, high, shape).astype(dtype)


def test_rgb_png_and_its_windows(tmp_path):
    array = skimage.data.immunohistochemistry()
    Picture.fromarray(array).save(tmp_path / "a.png")
    image = open_image(tmp_path / "a.png")
    assert (image.axes, image.shape, image.channels) == ("CYX", (3, 512, 512), ("red", "green", "blue"))
    assert np.array_equal(image.read(), array.transpose(2, 0, 1))
    part = pickle.loads(pickle.dumps(image)).select(C=2).crop(Region(10, 20, 30, 40)).read()
    assert np.array_equal(part, array[10:40, 20:60, 2])


@pytest.mark.parametrize(("mode", "samples"), [("L", ()), ("RGB", (3,))])
def test_jpeg_is_what_pillow_decodes(tmp_path, mode, samples):
    Picture.fromarray(colours(40, 50, *samples)).save(tmp_path / "a.jpg")
    decoded = np.asarray(Picture.open(tmp_path / "a.jpg"))
    assert np.array_equal(open_image(tmp_path / "a.jpg").read(), decoded.transpose(2, 0, 1) if samples else decoded)


def test_sixteen_bit_png_keeps_its_bits(tmp_path):
    for name, shape in (("grey", (40, 50)), ("rgb", (40, 50, 3))):
        array = colours(*shape, high=65536, dtype=np.uint16)
        (tmp_path / f"{name}.png").write_bytes(imagecodecs.png_encode(array))
        image = open_image(tmp_path / f"{name}.png")
        assert image.dtype == np.uint16
        assert np.array_equal(image.read(), array if array.ndim == 2 else array.transpose(2, 0, 1))


def test_palette_becomes_rgb(tmp_path):
    picture = Picture.fromarray(colours(40, 50, 3)).quantize(16)
    picture.save(tmp_path / "a.png")
    assert np.array_equal(open_image(tmp_path / "a.png").read(), np.asarray(picture.convert("RGB")).transpose(2, 0, 1))


@pytest.mark.parametrize("samples", [2, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_alpha_is_dropped_only_where_it_says_nothing(tmp_path, samples, dtype):
    high = np.iinfo(dtype).max
    array = colours(40, 50, samples, high=high, dtype=dtype)
    array[..., -1] = high
    (tmp_path / "opaque.png").write_bytes(imagecodecs.png_encode(array))
    opaque = open_image(tmp_path / "opaque.png")
    assert np.array_equal(opaque.read(), array[..., :-1].transpose(2, 0, 1).squeeze())
    array[0, 0, -1] = 7
    (tmp_path / "clear.png").write_bytes(imagecodecs.png_encode(array))
    clear = open_image(tmp_path / "clear.png")
    assert clear.channels[-1] == "alpha"
    assert np.array_equal(clear.read(), array.transpose(2, 0, 1))


def test_black_and_white_png(tmp_path):
    array = colours(20, 30, high=2).astype(bool)
    Picture.fromarray(array).save(tmp_path / "a.png")
    image = open_image(tmp_path / "a.png")
    assert image.dtype == bool
    assert np.array_equal(image.read(), array)


def test_a_picture_that_changes_is_read_anew(tmp_path):
    for value in (3, 4):
        Picture.fromarray(np.full((10 + value, 10), value, np.uint8)).save(tmp_path / "a.png")
        assert open_image(tmp_path / "a.png").read().max() == value


def test_the_bytes_decide_not_the_name(tmp_path):
    Picture.fromarray(colours(20, 30)).save(tmp_path / "a.png")
    shutil.copy(tmp_path / "a.png", tmp_path / "a.jpg")
    assert np.array_equal(open_image(tmp_path / "a.jpg").read(), colours(20, 30))


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.npy"])
def test_an_image_of_one_pixel(tmp_path, name):
    array = np.full((1, 1), 7, np.uint8)
    if name.endswith("tif"):
        tifffile.imwrite(tmp_path / name, array)
    elif name.endswith("png"):
        Picture.fromarray(array).save(tmp_path / name)
    else:
        np.save(tmp_path / name, array)
    image = open_image(tmp_path / name)
    assert (image.axes, image.shape) == ("YX", (1, 1))
    assert image.read()[0, 0] == 7


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_are_mapped(tmp_path, order):
    array = np.asarray(colours(3, 20, 30), dtype=">u2", order=order)
    np.save(tmp_path / "a.npy", array)
    image = open_image(tmp_path / "a.npy", axes="CYX")
    assert image.dtype == np.dtype(np.uint16)
    assert np.array_equal(image.select(C=1).crop(Region(2, 3, 4, 5)).read(), array[1, 2:6, 3:8])
    assert np.array_equal(open_image(tmp_path / "a.npy", axes="ZYX").read(), array)


def test_images_of_a_folder_in_natural_order(tmp_path):
    names = ["cell2.tif", "cell10.tif", "b/cell1.PNG", "c.zarr/0/x.tif", ".hidden.tif", ".cache/a.tif"]
    names += ["cell2.labels.tif", "cell2.probability.tif", "notes.txt", "b/cell1.labels.png", "d.labels.zarr/zarr.json"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [p.relative_to(tmp_path).as_posix() for p in list_images(tmp_path)]
    assert found == ["b/cell1.PNG", "c.zarr", "cell2.tif", "cell10.tif"]


def test_folders_without_images_are_refused(tmp_path):
    with pytest.raises(InputError, match="holds no image"):
        list_images(tmp_path)
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(InputError, match="holds no image"):
        list_images(tmp_path)
    with pytest.raises(InputError, match="is a file"):
        list_images(tmp_path / "a.txt")
    with pytest.raises(InputError, match="does not exist"):
        list_images(tmp_path / "nowhere")


@pytest.mark.parametrize(("name", "module"), [("a.nd2", "nd2"), ("a.lif", "liffile"), ("a.czi", "czifile")])
def test_vendor_formats_name_the_extra(tmp_path, monkeypatch, name, module):
    (tmp_path / name).write_bytes(b"anything")
    monkeypatch.setitem(sys.modules, module, None)  # as if not installed
    monkeypatch.setattr(sys, "version_info", (3, 12, 0))
    with pytest.raises(MissingExtra, match="pip install 'coverslip\\[vendors\\]'"):
        open_image(tmp_path / name)


def test_a_czi_on_python_311_is_told_how_to_be_read(tmp_path, monkeypatch):
    (tmp_path / "a.czi").write_bytes(b"anything")
    monkeypatch.setitem(sys.modules, "czifile", None)
    monkeypatch.setattr(sys, "version_info", (3, 11, 9))
    with pytest.raises(MissingExtra, match=r"needs Python 3\.12 or newer: .*, or export the image as OME-TIFF"):
        open_image(tmp_path / "a.czi")


def test_importing_the_room_loads_no_format_library():
    code = (
        "import sys, coverslip.read, coverslip.io.images.opening, coverslip.models.folder, coverslip.io.labels;"
        "print(sorted({'tifffile','zarr','PIL','pandas','anndata','pyarrow','safetensors'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.data
def test_real_pictures_of_every_mode(data_folder):
    seen = set()
    for path in list_images(data_folder / "live_dead"):
        image = open_image(path)
        seen.add((image.axes, image.dtype.name))
        assert image.read().shape == image.shape
    assert seen == {("YX", "uint8"), ("YX", "uint16"), ("CYX", "uint8")}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_pictures_are_turned_as_viewers_show_them(tmp_path, orientation, name):
    """Right: as every viewer shows it; a picture of 40 x 80 on its side has 80 rows."""
    exif = Picture.Exif()
    exif[274] = orientation
    array = np.zeros((40, 80, 3), np.uint8)
    array[:16, :32] = 255
    Picture.fromarray(array).save(tmp_path / name, exif=exif)
    shown = np.asarray(ImageOps.exif_transpose(Picture.open(tmp_path / name)))
    image = open_image(tmp_path / name)
    assert image.shape == (3, *((80, 40) if orientation > 4 else (40, 80)))
    assert np.array_equal(image.read(), shown.transpose(2, 0, 1))
    assert np.array_equal(image.select(C=0).crop(Region(3, 5, 30, 20)).read(), shown[3:33, 5:25, 0])


def test_a_palette_of_greys_is_one_channel(tmp_path):
    array = colours(40, 50)
    Picture.fromarray(array).convert("P").save(tmp_path / "a.png")
    image = open_image(tmp_path / "a.png")
    assert (image.axes, image.channels) == ("YX", ())
    assert np.array_equal(image.read(), array)


def test_a_transparent_colour_changes_no_pixels(tmp_path):
    array = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    Picture.fromarray(array).save(tmp_path / "a.png", transparency=0)
    image = open_image(tmp_path / "a.png")
    assert (image.axes, image.dtype) == ("YX", np.uint16)
    assert np.array_equal(image.read(), array)


def test_what_a_png_packs_is_not_called_damaged(tmp_path, monkeypatch):
    """A bit stands for a pixel: 12,000 x 12,000 of them are 18 MB, which a file of 18 kB can hold."""
    monkeypatch.setattr(pictures, "_HARMLESS", 0)
    array = np.zeros((3000, 3000), bool)
    array[100:130, 100:130] = True
    Picture.fromarray(array).save(tmp_path / "bits.png", optimize=True)
    Picture.fromarray(array.astype(np.uint8)).quantize(2).save(tmp_path / "palette.png", bits=1, optimize=True)
    for name in ("bits.png", "palette.png"):
        assert array.nbytes > pictures._LARGEST_RATIO * (tmp_path / name).stat().st_size
    assert np.array_equal(open_image(tmp_path / "bits.png").crop(Region(90, 90, 50, 50)).read(), array[90:140, 90:140])
    assert open_image(tmp_path / "palette.png").shape == (3000, 3000)


def test_pictures_that_memory_cannot_hold_are_refused_with_the_reason(tmp_path, monkeypatch):
    Picture.fromarray(colours(40, 50)).save(tmp_path / "a.png")
    monkeypatch.setattr(pictures, "_HARMLESS", 0)
    monkeypatch.setattr(pictures, "_LARGEST_RATIO", 10**9)
    monkeypatch.setattr(pictures, "free_memory", lambda: 1000)
    with pytest.raises(InputError, match=r"too little memory: .*; save it as a tiled TIFF"):
        open_image(tmp_path / "a.png")


def test_each_picture_is_decoded_once_also_large_ones_with_others_between(tmp_path, monkeypatch):
    """Large: laid into a scratch file; here all above 100 bytes are."""
    times = Counter()

    def counting(path, header):
        times[path] += 1
        return decode(path, header)

    decode = pictures._decode
    monkeypatch.setattr(pictures, "_decode", counting)
    monkeypatch.setattr(pictures, "DECODED", Decoded(memory=100, files=2))
    arrays = {name: colours(*shape) for name, shape in (("large", (40, 50)), ("other", (30, 30)), ("small", (9, 9)))}
    for name, array in arrays.items():
        Picture.fromarray(array).save(tmp_path / f"{name}.png")
    images = {name: open_image(tmp_path / f"{name}.png") for name in arrays}
    for y in range(4):
        for name, image in images.items():
            assert np.array_equal(image.crop(Region(y, 2, 5, 6)).read(), arrays[name][y : y + 5, 2:8])
    assert times == {str(tmp_path / f"{name}.png"): 1 for name in arrays}


def test_what_is_kept_is_bounded():
    kept = Decoded(memory=100, files=2)
    for number in range(6):
        for size in (40, 200):  # two of 40 bytes fit into memory, of 200 bytes two files are kept
            kept.get((size, number), size, lambda size=size, number=number: np.full(size, number, np.uint8))
    assert list(kept._kept) == [(40, 4), (200, 4), (40, 5), (200, 5)]
    assert isinstance(kept._kept[200, 5], np.memmap)
    assert kept._kept[200, 5].tolist() == [5] * 200


def test_where_there_is_no_room_for_a_scratch_file_pixels_stay_in_memory(monkeypatch):
    def full(**_):
        raise OSError("no space left on device")

    monkeypatch.setattr(decoded.tempfile, "TemporaryFile", full)
    assert Decoded(memory=1).get("a", 9, lambda: np.arange(9, dtype=np.uint8)).tolist() == list(range(9))
