"""Label images keep their numbers and refuse what is no label."""

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Picture

from coverslip.core.errors import InputError
from coverslip.core.image import Image, PixelSize
from coverslip.core.results import LabelMap
from coverslip.io.labels import read_probability
from coverslip.io.writing import tiff as writer
from coverslip.read import labels_path, open_image, read_labels, write_image_tiff, write_labels


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=6))
def test_numbers_come_back_in_the_smallest_type(tmp_path_factory, numbers):
    path = tmp_path_factory.getbasetemp() / "numbers.tif"
    array = np.array([numbers], dtype=np.int64)
    written = write_labels(array, path)
    with tifffile.TiffFile(written) as tif:
        stored = tif.pages[0].dtype
    assert stored == (np.uint8 if array.max() < 256 else np.uint16 if array.max() < 65536 else np.uint32)
    assert np.array_equal(read_labels(written).labels, array)


def test_names():
    names = ["a.tif", "a.ome.tif", "a.OME.TIFF", "a.png", "a", "a.labels.tif", "a.zarr"]
    assert {labels_path(name).name for name in names} == {"a.labels.tif"}
    assert labels_path("x/plate.A01.tif").as_posix() == "x/plate.A01.labels.tif"


def test_source_micrometres_and_provenance_travel_along(tmp_path):
    labels = LabelMap(
        np.eye(5, dtype=np.int64), "day1/a.tif", PixelSize(0.25, 0.5), {"seed": 3, "inputs": [{"a": None}]}
    )
    written = write_labels(labels, tmp_path / "a.tif")
    assert written.name == "a.labels.tif"
    found = read_labels(written, shape=(5, 5))
    assert found.source == "day1/a.tif"
    assert found.pixel_size == PixelSize(0.25, 0.5)
    assert found.provenance == {"seed": 3, "inputs": [{"a": None}]}
    with tifffile.TiffFile(written) as tif:
        assert tif.is_ome
        assert tif.pages[0].compression.name in {"ADOBE_DEFLATE", "DEFLATE"}
        assert 'PhysicalSizeXUnit="µm"' in tif.ome_metadata


@pytest.mark.parametrize("low_high", [(-1, 3), (0, 2**32)])
def test_numbers_that_no_file_holds_are_refused(tmp_path, low_high):
    with pytest.raises(InputError, match="renumber them"):
        write_labels(np.array([low_high], dtype=np.int64), tmp_path / "a.tif")
    assert list(tmp_path.iterdir()) == []


def test_masks_of_other_programs(tmp_path):
    labels = np.random.default_rng(0).integers(0, 200, (20, 30))
    tifffile.imwrite(tmp_path / "a.tif", labels.astype(np.float32))
    Picture.fromarray(labels.astype(np.uint8)).save(tmp_path / "a.png")
    palette = Picture.fromarray(labels.astype(np.uint8), "L")
    palette = palette.convert("P")
    palette.putpalette(np.random.default_rng(1).integers(0, 255, 768, np.uint8).tolist())
    palette.save(tmp_path / "p.png")
    (tmp_path / "rgb.png").write_bytes(imagecodecs.png_encode(np.repeat(labels.astype(np.uint8)[..., None], 3, -1)))
    np.save(tmp_path / "a.npy", labels)
    for name in ("a.tif", "a.png", "p.png", "rgb.png", "a.npy"):
        found = read_labels(tmp_path / name)
        assert found.labels.dtype.kind in "iu"
        assert np.array_equal(found.labels, labels), name


def test_a_mask_of_true_and_false_is_one_object(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.eye(20, dtype=bool))
    assert np.array_equal(read_labels(tmp_path / "a.tif").labels, np.eye(20))


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.full((4, 5), 0.5, np.float32), "holds values such as 0.5"),
        (np.full((4, 5), np.nan, np.float32), "holds values such as nan"),
        (np.full((4, 5), -3, np.int16), "negative labels"),
        (np.random.default_rng(0).integers(0, 9, (20, 30, 3)).astype(np.uint8), "picture in colours"),
        (np.zeros((2, 20, 30), np.uint16), "has axes 'ZYX'|2 entries"),
    ],
)
def test_what_is_no_label_is_refused(tmp_path, array, reason):
    tifffile.imwrite(tmp_path / "a.tif", array)
    with pytest.raises(InputError, match=reason) as caught:
        read_labels(tmp_path / "a.tif")
    assert str(tmp_path / "a.tif") in str(caught.value)


def test_a_jpeg_is_refused(tmp_path):
    Picture.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "a.jpg")
    with pytest.raises(InputError, match="losses change label numbers"):
        read_labels(tmp_path / "a.jpg")


def test_a_mask_of_another_shape_is_refused(tmp_path):
    write_labels(np.zeros((4, 5), np.uint8), tmp_path / "a.tif")
    with pytest.raises(InputError, match="4 x 5 pixels, but its image has 5 x 4"):
        read_labels(tmp_path / "a.labels.tif", shape=(5, 4))


@pytest.mark.data
def test_real_labels(data_folder):
    path = sorted((data_folder / "bbbc039" / "labels").glob("*.tif"))[0]
    assert np.array_equal(read_labels(path, shape=(520, 696)).labels, tifffile.imread(path))


@pytest.mark.parametrize(("plane_bytes", "strips_bytes"), [(1 << 30, 1 << 30), (0, 1 << 30), (0, 0)])
def test_an_image_as_ome_tiff(tmp_path, monkeypatch, plane_bytes, strips_bytes):
    monkeypatch.setattr(writer, "_PLANE_BYTES", plane_bytes)  # in planes, in strips
    monkeypatch.setattr(writer, "_STRIPS_BYTES", strips_bytes)  # and in tiles
    array = np.random.default_rng(0).integers(0, 60000, (2, 3, 530, 600), np.uint16)
    image = Image.from_array(array, "CZYX", pixel_size=PixelSize(0.2, 0.3, 1.5), channels=("DAPI", "GFP"))
    write_image_tiff(image, tmp_path / "a.ome.tif")
    found = open_image(tmp_path / "a.ome.tif")
    assert (found.axes, found.pixel_size, found.channels) == ("CZYX", image.pixel_size, image.channels)
    assert np.array_equal(found.read(), array)
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as tif:
        page = tif.pages.first
        # What ImageJ reads: pixels per centimetre, and no tiles unless the planes are huge.
        assert (page.resolution, page.resolutionunit) == ((pytest.approx(1e4 / 0.3), pytest.approx(5e4)), 3)
        assert page.is_tiled == (strips_bytes == 0)
        assert 'Name="a"' in tif.ome_metadata


def test_huge_planes_have_resolutions(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "_STRIPS_BYTES", 1 << 20)
    array = np.random.default_rng(0).integers(0, 60000, (1, 530, 2100), np.uint16)
    labels = write_labels(array[0], tmp_path / "a")
    assert np.array_equal(read_labels(labels).labels, array[0])
    write_image_tiff(Image.from_array(array, "ZYX"), tmp_path / "mean.tif")
    for level, factor in ((1, 2), (2, 4)):
        rows, columns = (np.minimum(np.arange(0, n, factor) + factor // 2, n - 1) for n in array.shape[1:])
        assert np.array_equal(open_image(labels, level=level).read(), array[0][np.ix_(rows, columns)])
        mean = open_image(tmp_path / "mean.tif", level=level).read().squeeze()
        blocks = array[0][:528, :2100].reshape(528 // factor, factor, 2100 // factor, factor).mean(axis=(1, 3))
        assert np.array_equal(mean[: 528 // factor], np.rint(blocks))
    with pytest.raises(InputError, match="has no level 3"):
        open_image(labels, level=3)


def test_several_channels_as_a_hyperstack(tmp_path):
    array = np.random.default_rng(0).integers(0, 60000, (3, 2, 8, 9), np.uint16)
    image = Image.from_array(array, "TCYX", pixel_size=PixelSize(0.2, 0.3), channels=("DAPI", "GFP"))
    write_image_tiff(image, tmp_path / "a.tif", hyperstack=True)
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        facts = tif.imagej_metadata
    assert (facts["channels"], facts["frames"], facts["hyperstack"], facts["unit"]) == (2, 3, True, "um")
    found = open_image(tmp_path / "a.tif")
    assert (found.axes, found.pixel_size, found.channels) == ("TCYX", image.pixel_size, image.channels)
    assert np.array_equal(found.read(), array)
    write_image_tiff(Image.from_array(array.astype(np.int32), "TCYX"), tmp_path / "b.tif", hyperstack=True)
    assert open_image(tmp_path / "b.tif").metadata["format"] == "ome TIFF"  # ImageJ has no such pixels


def test_a_dtype_without_a_place_in_ome_tiff_is_refused(tmp_path):
    with pytest.raises(InputError, match="no pixels of type int64"):
        write_image_tiff(np.zeros((4, 5), np.int64), tmp_path / "a.tif")
    assert list(tmp_path.iterdir()) == []


def test_the_probability_lies_beside_the_labels(tmp_path):
    write_image_tiff(np.array([[0, 51], [255, 102]], np.uint8), tmp_path / "a.b.probability.tif")
    for name in ("a.b.labels.tif", "a.b.zarr", "a.b.zarr/labels/nuclei"):
        np.testing.assert_allclose(read_probability(tmp_path / name), [[0, 0.2], [1, 0.4]], rtol=1e-6)
    assert read_probability(tmp_path / "a.labels.tif") is None


def test_labels_are_written_piece_by_piece_from_an_image(tmp_path):
    """A label image too large for memory is written as it is read, with the type it has."""
    array = np.arange(30, dtype=np.uint32).reshape(5, 6)
    image = Image.from_array(array, "YX", source="large.tif", pixel_size=PixelSize(0.5, 0.25))
    found = read_labels(write_labels(image, tmp_path / "large.tif", provenance={"seed": 3}))
    np.testing.assert_array_equal(found.labels, array)
    assert found.labels.dtype == np.uint32
    assert found.pixel_size == PixelSize(0.5, 0.25)
    assert (found.source, found.provenance) == ("large.tif", {"seed": 3})
