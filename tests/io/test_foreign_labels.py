"""Objects of other programs come in as labels: outlines of QuPath and ImageJ, and what Cellpose keeps."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from coverslip.core.errors import InputError
from coverslip.read import read_labels, write_geojson, write_rois

SHAPE = (12, 16)


@settings(max_examples=40, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 3)))
def test_outlines_give_the_labels_back(tmp_path_factory: pytest.TempPathFactory, labels: np.ndarray) -> None:
    folder = tmp_path_factory.mktemp("outlines")
    files = [write_geojson(labels, folder / "a.geojson")]
    if labels.any():
        files.append(write_rois(labels, folder / "a.zip"))
    for file in files:
        np.testing.assert_array_equal(read_labels(file, labels.shape).labels, labels)


def geojson(path: Path, *geometries: dict) -> Path:
    features = [{"type": "Feature", "geometry": geometry, "properties": {}} for geometry in geometries]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def square(left: float, top: float, side: float) -> list[list[float]]:
    right, bottom = left + side, top + side
    return [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]


def test_annotations_without_numbers_are_counted_and_holes_stay_open(tmp_path: Path) -> None:
    ring = {"type": "Polygon", "coordinates": [square(1, 1, 5), square(2, 2, 3)]}
    pair = {"type": "MultiPolygon", "coordinates": [[square(8, 0, 2)], [square(8, 4, 2)]]}
    labels = read_labels(geojson(tmp_path / "a.geojson", ring, pair), SHAPE).labels
    assert np.bincount(labels.ravel()).tolist() == [12 * 16 - 24, 25 - 9, 8]
    assert labels[1, 1] == 1
    assert labels[3, 3] == 0
    assert labels[5, 9] == 2


def test_rectangles_and_ovals_of_imagej_are_areas(tmp_path: Path) -> None:
    from roifile import ROI_TYPE, ImagejRoi

    for name, kind in (("rectangle", ROI_TYPE.RECT), ("oval", ROI_TYPE.OVAL)):
        ImagejRoi(roitype=kind, left=2, top=1, right=12, bottom=11, name=name).tofile(tmp_path / f"{name}.roi")
    assert read_labels(tmp_path / "rectangle.roi", SHAPE).labels.sum() == 100
    assert read_labels(tmp_path / "oval.roi", SHAPE).labels.sum() == pytest.approx(np.pi * 25, rel=0.05)


def test_outlines_that_cannot_be_filled_are_refused(tmp_path: Path) -> None:
    inside = geojson(tmp_path / "a.geojson", {"type": "Polygon", "coordinates": [square(1, 1, 3)]})
    with pytest.raises(InputError, match="name the image"):
        read_labels(inside)
    for geometry, says in (
        ({"type": "Point", "coordinates": [3, 4]}, "no area"),
        ({"type": "Polygon", "coordinates": [square(50, 50, 3)]}, "outside the 12 x 16 pixels"),
        ({"type": "Polygon", "coordinates": "here"}, "no outlines that can be read"),
    ):
        with pytest.raises(InputError, match=says):
            read_labels(geojson(tmp_path / "b.geojson", geometry), SHAPE)
    for name in ("c.geojson", "c.zip", "c.roi"):
        (tmp_path / name).write_bytes(b"\x00nothing of the kind")
        with pytest.raises(InputError, match="export the objects again"):
            read_labels(tmp_path / name, SHAPE)


def kept(path: Path, value: object) -> Path:
    np.save(path, value, allow_pickle=True)
    return path


def test_what_cellpose_keeps_is_read(tmp_path: Path) -> None:
    masks = np.random.default_rng(0).integers(0, 9, SHAPE, np.uint16)
    said = {
        "masks": masks,
        "outlines": masks.astype(np.float32),
        "flows": [masks, [np.zeros((2, 2)), np.array([None, 1], object)]],
        "filename": "a.tif",
        "diameter": np.float64(30),
        "ismanual": np.zeros(3, bool),
        "chan_choose": [0, 0],
    }
    found = read_labels(kept(tmp_path / "a_seg.npy", said), SHAPE).labels
    np.testing.assert_array_equal(found, masks)
    with pytest.raises(InputError, match="its image has 5 x 5"):
        read_labels(tmp_path / "a_seg.npy", (5, 5))


class Bomb:
    """Would make a folder when unpickled in the usual way."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> tuple:
        return os.mkdir, (self.folder,)


def test_a_pickle_runs_nothing(tmp_path: Path) -> None:
    file = kept(tmp_path / "a_seg.npy", {"masks": np.ones(SHAPE, int), "more": Bomb(tmp_path / "made")})
    with pytest.raises(InputError, match=r"cannot|no Cellpose result that can be read safely"):
        read_labels(file, SHAPE)
    assert not (tmp_path / "made").exists()
    np.load(file, allow_pickle=True)  # as other programs would: the test can fail
    assert (tmp_path / "made").exists()


@pytest.mark.parametrize("value", [{"outlines": 1}, {"masks": np.ones((3, 4, 5), int)}, {"masks": "none"}, [1, 2]])
def test_results_without_masks_of_one_plane_are_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(InputError, match=r"no masks of one plane|holds an array"):
        read_labels(kept(tmp_path / "a_seg.npy", value), SHAPE)


def test_damaged_results_are_one_sentence(tmp_path: Path) -> None:
    whole = kept(tmp_path / "whole.npy", {"masks": np.ones(SHAPE, np.uint16)}).read_bytes()
    rng = np.random.default_rng(0)
    sentences = []
    for _ in range(200):
        content = np.frombuffer(whole, np.uint8).copy()
        content[rng.integers(0, len(content), 3)] = rng.integers(0, 256, 3)
        (tmp_path / "a_seg.npy").write_bytes(content[: rng.integers(len(content) // 2, len(content) + 1)].tobytes())
        try:
            read_labels(tmp_path / "a_seg.npy")
        except InputError as error:
            sentences.append(str(error))
    assert sentences
    assert not any("\n" in sentence for sentence in sentences)
