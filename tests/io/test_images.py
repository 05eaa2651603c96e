"""Pictures, arrays, folders: what opens, and as what."""

import pickle
import shutil
import subprocess
import sys

import imagecodecs
import numpy as np
import pytest
import skimage.data
import tifffile
from PIL import Image as Picture

from coverslip.core.errors import InputError
from coverslip.core.region import Region
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
    from coverslip.core.errors import MissingExtra

    with pytest.raises(MissingExtra, match="pip install 'coverslip\\[vendors\\]'"):
        open_image(tmp_path / name)


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
