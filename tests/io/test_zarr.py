"""OME-Zarr 0.4 and 0.5: axes, micrometres, levels; images and labels that viewers open."""

import json
import pickle

import numpy as np
import pytest
import zarr

from coverslip.core.errors import InputError
from coverslip.core.image import Image, PixelSize
from coverslip.core.region import Region
from coverslip.core.results import LabelMap
from coverslip.io.images.ome_zarr import ome_facts
from coverslip.read import open_image, read_labels, write_image_zarr, write_zarr_labels


def foreign(path, version, array, axes="tczyx", units="nanometer", levels=2):
    """An image as other programs write it, straight through zarr."""
    kinds = {"t": "time", "c": "channel"}
    said = [{"name": a, "type": kinds.get(a, "space")} | ({"unit": units} if a in "zyx" else {}) for a in axes]
    group = zarr.open_group(str(path), mode="w", zarr_format=2 if version == "0.4" else 3)
    datasets = []
    for level in range(levels):
        step = 2**level
        part = array[..., ::step, ::step]
        chunks = (1,) * (part.ndim - 2) + (16, 16)
        group.create_array(f"s{level}", data=part, chunks=chunks)
        scale = [500.0 * (step if a in "yx" else 1) if a in "zyx" else 1.0 for a in axes]
        datasets.append({"path": f"s{level}", "coordinateTransformations": [{"type": "scale", "scale": scale}]})
    multiscale = {"axes": said, "datasets": datasets, "name": "x"}
    omero = (
        {"channels": [{"label": f"channel {i}"} for i in range(array.shape[axes.index("c")])]} if "c" in axes else {}
    )
    if version == "0.4":
        group.attrs.update({"multiscales": [{"version": "0.4", **multiscale}], "omero": omero})
    else:
        group.attrs["ome"] = {"version": "0.5", "multiscales": [multiscale], "omero": omero}


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_foreign_images(tmp_path, version):
    array = np.random.default_rng(0).integers(0, 60000, (1, 2, 3, 40, 50), np.uint16)
    foreign(tmp_path / "a.zarr", version, array)
    image = open_image(tmp_path / "a.zarr")
    assert (image.axes, image.shape, image.dtype) == ("CZYX", (2, 3, 40, 50), np.dtype(np.uint16))
    assert image.pixel_size == PixelSize(0.5, 0.5, 0.5)
    assert image.channels == ("channel 0", "channel 1")
    assert image.metadata["format"] == f"OME-Zarr {version}"
    assert np.array_equal(image.read(), array[0])
    part = pickle.loads(pickle.dumps(image)).select(Z=1).crop(Region(7, 9, 20, 30)).read()
    assert np.array_equal(part, array[0, :, 1, 7:27, 9:39])
    small = open_image(tmp_path / "a.zarr", level=1)
    assert small.pixel_size == PixelSize(1.0, 1.0, 0.5)
    assert np.array_equal(small.read(), array[0, ..., ::2, ::2])


def test_a_window_reads_only_its_chunks(tmp_path):
    array = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    foreign(tmp_path / "a.zarr", "0.4", array, axes="yx")
    (tmp_path / "a.zarr" / "s0" / "3.3").write_bytes(b"damaged, so reading it would fail")
    image = open_image(tmp_path / "a.zarr")
    assert np.array_equal(image.crop(Region(0, 0, 48, 64)).read(), array[:48])
    with pytest.raises(InputError, match="cannot be decoded"):
        image.read()


def test_micrometres_need_a_unit(tmp_path):
    foreign(tmp_path / "a.zarr", "0.4", np.zeros((20, 30), np.uint8), axes="yx", units="")
    assert open_image(tmp_path / "a.zarr").pixel_size is None


def test_plain_arrays_and_their_dimension_names(tmp_path):
    array = np.random.default_rng(0).integers(0, 9, (3, 20, 30), np.uint8)
    zarr.create_array(str(tmp_path / "a.zarr"), data=array, dimension_names=["channel", "y", "x"])
    assert open_image(tmp_path / "a.zarr").axes == "CYX"
    zarr.create_array(str(tmp_path / "b.zarr"), data=array)
    with pytest.raises(InputError, match="axes='CYX'"):
        open_image(tmp_path / "b.zarr")
    assert np.array_equal(open_image(tmp_path / "b.zarr", axes="ZYX").read(), array)


def test_images_in_numbered_groups(tmp_path):
    zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=2).attrs["bioformats2raw.layout"] = 3
    for i in range(2):
        foreign(tmp_path / "a.zarr" / str(i), "0.4", np.full((20, 30), i, np.uint8), axes="yx")
    assert open_image(tmp_path / "a.zarr", series=1).read().max() == 1
    with pytest.raises(InputError, match="no image 2"):
        open_image(tmp_path / "a.zarr", series=2)


def said(path):
    """What a group says in either version."""
    return ome_facts(zarr.open_group(str(path), mode="r"))


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_writing_and_reading_an_image(tmp_path, version):
    array = np.random.default_rng(0).integers(0, 60000, (2, 3, 50, 70), np.uint16)
    image = Image.from_array(array, "CZYX", pixel_size=PixelSize(0.2, 0.3, 1.5), channels=("DAPI", "GFP"))
    write_image_zarr(image, tmp_path / "a.zarr", chunk=32, version=version)
    found = open_image(tmp_path / "a.zarr")
    assert (found.axes, found.pixel_size, found.channels) == ("CZYX", image.pixel_size, image.channels)
    assert found.dtype == array.dtype
    assert np.array_equal(found.read(), array)
    assert found.metadata["format"] == f"OME-Zarr {version}"
    if version == "0.5":
        stored = json.loads((tmp_path / "a.zarr" / "0" / "zarr.json").read_text())
        assert stored["dimension_names"] == ["c", "z", "y", "x"]
        return
    stored = json.loads((tmp_path / "a.zarr" / "0" / ".zarray").read_text())
    assert (stored["chunks"], stored["dimension_separator"], stored["compressor"]["id"]) == (
        [1, 1, 32, 32],
        "/",
        "zlib",
    )
    assert (tmp_path / "a.zarr" / "0" / "1" / "2" / "1" / "2").is_file()  # chunks in nested folders, as 0.4 asks


def test_other_versions_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"versions 0\.5 and 0\.4, not 0\.3"):
        write_image_zarr(np.zeros((2, 2), np.uint8), tmp_path / "a.zarr", version="0.3")


def test_a_folder_that_is_there_is_not_overwritten(tmp_path):
    write_image_zarr(np.ones((20, 30), np.uint8), tmp_path / "a.zarr")
    with pytest.raises(InputError, match="already holds something"):
        write_image_zarr(np.zeros((20, 30), np.uint8), tmp_path / "a.zarr")
    assert open_image(tmp_path / "a.zarr").read().min() == 1
    write_image_zarr(np.zeros((20, 30), np.uint8), tmp_path / "a.zarr", overwrite=True)
    assert open_image(tmp_path / "a.zarr").read().max() == 0


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_labels_beside_an_image(tmp_path, version):
    foreign(tmp_path / "a.zarr", version, np.zeros((1, 2, 1, 40, 50), np.uint16))
    labels = np.random.default_rng(0).integers(0, 300, (40, 50))
    for name in ("nuclei", "cells", "nuclei"):
        written = write_zarr_labels(LabelMap(labels, "a", provenance={"seed": 1}), tmp_path / "a.zarr", name)
    found = read_labels(written, shape=(40, 50))
    assert found.labels.dtype == np.uint16
    assert np.array_equal(found.labels, labels)
    assert found.pixel_size == PixelSize(0.5, 0.5)
    # One level for each of the image's, with the number at each centre as the image's metadata place it.
    assert np.array_equal(open_image(written, level=1).read(), labels[::2, ::2])
    listed = dict(zarr.open_group(str(tmp_path / "a.zarr" / "labels"), mode="r").attrs)
    assert (listed if version == "0.4" else listed["ome"])["labels"] == ["nuclei", "cells"]
    facts = dict(zarr.open_group(str(written), mode="r").attrs)
    facts = facts if version == "0.4" else facts["ome"]
    assert facts["image-label"]["source"] == {"image": "../../"}
    assert open_image(tmp_path / "a.zarr").shape == (2, 40, 50)


def test_labels_of_another_size_are_refused(tmp_path):
    write_image_zarr(np.zeros((20, 30), np.uint8), tmp_path / "a.zarr")
    with pytest.raises(InputError, match="20 x 30 pixels, but the labels have 20 x 29"):
        write_zarr_labels(np.zeros((20, 29), np.uint8), tmp_path / "a.zarr")
    assert not (tmp_path / "a.zarr" / "labels").exists()


def test_each_level_holds_the_means_of_the_one_before(tmp_path):
    array = np.random.default_rng(0).integers(0, 60000, (2, 41, 50), np.uint16)
    image = Image.from_array(array, "CYX", pixel_size=PixelSize(0.5, 0.25), channels=("DAPI", "GFP"))
    write_image_zarr(image, tmp_path / "a.zarr", chunk=16, levels=3)
    full, half, quarter = (open_image(tmp_path / "a.zarr", level=level) for level in range(3))
    assert np.array_equal(full.read(), array)
    assert [level.shape for level in (half, quarter)] == [(2, 21, 25), (2, 11, 13)]
    assert [level.pixel_size for level in (half, quarter)] == [PixelSize(1.0, 0.5), PixelSize(2.0, 1.0)]
    means = array[:, :40].reshape(2, 20, 2, 25, 2).mean(axis=(2, 4))
    assert np.array_equal(half.read()[:, :20], np.rint(means))
    assert np.array_equal(half.read()[:, 20], np.rint(array[:, 40].reshape(2, 25, 2).mean(axis=2)))
    assert abs(quarter.read().astype(float).mean() - array.mean()) < 500
    (scales,) = said(tmp_path / "a.zarr")["multiscales"]
    steps = scales["datasets"][1]["coordinateTransformations"]
    assert steps[1] == {"type": "translation", "translation": [0.0, 0.25, 0.125]}  # half a pixel of the finer level
    with pytest.raises(InputError, match="has no level 3"):
        open_image(tmp_path / "a.zarr", level=3)


def test_large_images_get_levels_and_small_ones_do_not(tmp_path):
    write_image_zarr(np.zeros((20, 2049), np.uint8), tmp_path / "large.zarr")
    write_image_zarr(np.zeros((1024, 10), np.uint8), tmp_path / "small.zarr")
    assert open_image(tmp_path / "large.zarr").metadata["levels"] == 3
    assert open_image(tmp_path / "large.zarr", level=2).shape == (5, 513)
    assert open_image(tmp_path / "small.zarr").metadata["levels"] == 1


def test_labels_lie_on_the_image_at_every_level(tmp_path):
    write_image_zarr(np.zeros((41, 50), np.float32), tmp_path / "a.zarr", levels=3, pixel_size=PixelSize(0.5, 0.5))
    labels = np.random.default_rng(0).integers(0, 300, (41, 50)).astype(np.uint16)
    written = write_zarr_labels(labels, tmp_path / "a.zarr", "nuclei")
    for level in range(3):
        image, found = (open_image(path, level=level) for path in (tmp_path / "a.zarr", written))
        assert (found.shape, found.pixel_size) == (image.shape, image.pixel_size)
        centres = [np.minimum(np.arange(0, n, 2**level) + 2**level // 2, n - 1) for n in labels.shape]
        assert np.array_equal(found.read(), labels[np.ix_(*centres)])


def test_labels_take_over_where_the_image_lies(tmp_path):
    """An image on a stage, in no unit that is known: scale and translation are the image's all the same."""
    foreign(tmp_path / "a.zarr", "0.4", np.zeros((1, 1, 1, 40, 50), np.uint8), units="")
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="r+")
    scales = dict(group.attrs)["multiscales"]
    for level, dataset in enumerate(scales[0]["datasets"]):
        scale = [1.0, 1.0, 1.0, 0.3 * 2**level, 0.4 * 2**level]
        first = [0, 0, 0, 1000 + 0.15 * level, 2000 + 0.2 * level]
        dataset["coordinateTransformations"] = [
            {"type": "scale", "scale": scale},
            {"type": "translation", "translation": first},
        ]
    scales[0]["coordinateTransformations"] = [{"type": "scale", "scale": [1, 1, 1, 10, 10]}]
    group.attrs["multiscales"] = scales
    labels = np.random.default_rng(0).integers(0, 300, (40, 50)).astype(np.uint16)
    written = write_zarr_labels(LabelMap(labels, "a", PixelSize(9.0, 9.0)), tmp_path / "a.zarr")
    (own,) = said(written)["multiscales"]
    assert own["axes"] == [{"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
    full, half = (
        {
            key: one[key]
            for one in dataset["coordinateTransformations"]
            for key in ("scale", "translation")
            if key in one
        }
        for dataset in own["datasets"]
    )
    assert full == {"scale": pytest.approx([3, 4]), "translation": pytest.approx([10000, 20000])}
    assert half == {"scale": pytest.approx([6, 8]), "translation": pytest.approx([10001.5, 20002])}
    assert np.array_equal(open_image(written, level=1).read(), labels[1::2, 1::2])


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_labels_have_a_name_colours_and_measures(tmp_path, version):
    write_image_zarr(np.zeros((4, 6), np.uint8), tmp_path / "a.zarr", version=version)
    labels = np.array([[0, 2, 2, 7, 0, 0]] * 4, np.uint8)
    objects = {"label": np.array([2, 7]), "area_px": np.array([8, 4]), "mean": np.array([1 / 3, np.nan])}
    facts = said(write_zarr_labels(labels, tmp_path / "a.zarr", "nuclei", objects=objects))
    assert facts["multiscales"][0]["name"] == "nuclei"
    assert facts["image-label"]["properties"] == [
        {"label-value": 2, "area_px": 8, "mean": 0.333333},
        {"label-value": 7, "area_px": 4},
    ]
    colours = {one["label-value"]: one["rgba"] for one in facts["image-label"]["colors"]}
    assert [*colours] == [2, 7]
    assert colours[2] != colours[7]
    assert all(len(rgba) == 4 and rgba[3] == 255 for rgba in colours.values())


def test_labels_larger_than_memory_are_read_window_by_window(tmp_path, monkeypatch):
    monkeypatch.setattr("coverslip.io.writing.zarr_labels.CHUNK", 16)
    labels = np.random.default_rng(0).integers(0, 300, (41, 50)).astype(np.uint32)
    windows = []

    def reader(window):
        windows.append([part.stop - part.start for part in window])
        return labels[window]

    image = Image("YX", labels.shape, labels.dtype, "large", reader)
    write_image_zarr(np.zeros((41, 50), np.uint8), tmp_path / "a.zarr", levels=2)
    written = write_zarr_labels(image, tmp_path / "a.zarr", provenance={"seed": 3})
    assert np.max(windows) <= 2 * 16
    for level in range(2):
        centres = [np.minimum(np.arange(0, n, 2**level) + level, n - 1) for n in labels.shape]
        assert np.array_equal(open_image(written, level=level).read(), labels[np.ix_(*centres)])
    assert dict(zarr.open_group(str(written), mode="r").attrs)["coverslip"] == {"seed": 3}


def test_channels_are_shown_in_the_range_of_their_pixels(tmp_path):
    array = np.zeros((2, 100, 100), np.uint16)
    array[0] = np.linspace(200, 900, 10_000).reshape(100, 100)
    write_image_zarr(array, tmp_path / "a.zarr", channels=("DAPI", "empty"))
    dapi, empty = said(tmp_path / "a.zarr")["omero"]["channels"]
    assert dapi["window"] == {
        "min": 0.0,
        "max": 65535.0,
        "start": pytest.approx(200, abs=2),
        "end": pytest.approx(900, abs=2),
    }
    assert (empty["window"]["start"], empty["window"]["end"]) == (0, 65535)
    write_image_zarr(np.ones((3, 9, 9), np.uint8), tmp_path / "b.zarr", channels=("red", "green", "blue"))
    colours = said(tmp_path / "b.zarr")["omero"]["channels"]
    assert [one["color"] for one in colours] == ["FF0000", "00FF00", "0000FF"]
