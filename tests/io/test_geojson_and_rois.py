"""GeoJSON for QuPath and ROIs for ImageJ: the polygons give the labels back, the numbers come along."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from coverslip.core.errors import InputError
from coverslip.core.results import LabelMap
from coverslip.io.writing.geojson import measurement_name
from coverslip.read import write_geojson, write_rois

# A frame with a hole, an object of two parts, and one with a gap in the numbers before it.
LABELS = np.array(
    [
        [1, 1, 1, 0, 2],
        [1, 0, 1, 0, 0],
        [1, 1, 1, 0, 2],
        [0, 0, 0, 7, 7],
    ],
    np.uint16,
)


def filled(rings: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """The pixels whose centre is in an odd number of the rings."""
    from matplotlib.path import Path as Polygon

    centres = np.stack(np.meshgrid(np.arange(shape[1]), np.arange(shape[0])), axis=-1).reshape(-1, 2) + 0.5
    inside = np.zeros(len(centres), bool)
    for ring in rings:
        inside ^= Polygon(np.vstack([ring, ring[:1]]), closed=True).contains_points(centres)
    return inside.reshape(shape)


def labels_of_geojson(path: Path, shape: tuple[int, int]) -> np.ndarray:
    labels = np.zeros(shape, int)
    for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
        geometry = feature["geometry"]
        polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
        for polygon in polygons:
            assert all(ring[0] == ring[-1] for ring in polygon)
            labels[filled([np.array(ring[:-1]) for ring in polygon], shape)] = int(feature["properties"]["name"])
    return labels


def labels_of_rois(path: Path, shape: tuple[int, int]) -> np.ndarray:
    from roifile import roiread

    labels = np.zeros(shape, int)
    for roi in roiread(path):
        labels[filled(roi.coordinates(multi=True), shape)] = int(roi.name)
    return labels


def features(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["features"]


@settings(max_examples=40, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 3)))
def test_polygons_and_rois_give_the_labels_back(tmp_path_factory: pytest.TempPathFactory, labels: np.ndarray) -> None:
    folder = tmp_path_factory.mktemp("polygons")
    geojson = write_geojson(labels, folder / "a.geojson")
    np.testing.assert_array_equal(labels_of_geojson(geojson, labels.shape), labels)
    if labels.any():
        rois = write_rois(labels, folder / "a.zip")
        np.testing.assert_array_equal(labels_of_rois(rois, labels.shape), labels)


def test_objects_are_detections_named_by_their_label(tmp_path: Path) -> None:
    found = features(write_geojson(LabelMap(LABELS, "a.tif"), tmp_path / "a.geojson"))
    assert [feature["properties"] for feature in found] == [
        {"objectType": "detection", "name": name} for name in ("1", "2", "7")
    ]
    # Imported again, they take the place of those there; those of another image do not.
    again = features(write_geojson(LABELS, tmp_path / "a.geojson"))
    assert [feature["id"] for feature in again] == [feature["id"] for feature in found]
    other = features(write_geojson(LABELS, tmp_path / "b.geojson"))
    assert len({feature["id"] for feature in (*found, *other)}) == 6
    assert [feature["geometry"]["type"] for feature in found] == ["Polygon", "MultiPolygon", "Polygon"]
    assert [len(feature["geometry"]["coordinates"]) for feature in found] == [2, 2, 1]
    assert sorted(map(tuple, found[2]["geometry"]["coordinates"][0][1:])) == [(3, 3), (3, 4), (5, 3), (5, 4)]


def test_measurements_and_class_come_along(tmp_path: Path) -> None:
    objects = {
        "image": np.array(["a", "a", "a"], object),
        "label": np.array([7, 1, 2]),
        "area_px": np.array([2, 8, 2]),
        "circularity": np.array([0.5, np.nan, 1.25]),
        "touches_border": np.array([True, True, False]),
    }
    path = write_geojson(
        LABELS, tmp_path / "a.geojson", objects, kind="annotation", classification="Kern µ", colour="#ff8000"
    )
    first, second, _ = (feature["properties"] for feature in features(path))
    assert first["measurements"] == {"Area px^2": 8, "Touches border": 1}
    assert second["measurements"] == {"Area px^2": 2, "Circularity": 1.25, "Touches border": 0}
    assert first["objectType"] == "annotation"
    assert first["classification"] == {"name": "Kern µ", "color": [255, 128, 0]}


def test_each_object_may_have_a_class_of_its_own_and_a_plane(tmp_path: Path) -> None:
    path = write_geojson(
        LABELS,
        tmp_path / "a.geojson",
        {"label": np.array([7, 1, 2])},
        classification=["mitotic", "", "round"],
        colour={"mitotic": "#ff0000", "round": "#00ff00"},
        plane=(2, 5),
    )
    found = features(path)
    assert [feature["properties"].get("classification") for feature in found] == [
        None,
        {"name": "round", "color": [0, 255, 0]},
        {"name": "mitotic", "color": [255, 0, 0]},
    ]
    assert found[0]["geometry"]["plane"] == {"c": -1, "z": 2, "t": 5}


def test_measures_are_called_as_in_qupath() -> None:
    columns = (
        "area_um2",
        "area_px",
        "x_um",
        "perimeter_um",
        "major_axis_px",
        "orientation_deg",
        "solidity",
        "latent_1",
    )
    assert [measurement_name(name) for name in columns] == [
        *("Area µm^2", "Area px^2", "Centroid X µm", "Perimeter µm", "Major axis px", "Orientation °", "Solidity"),
        "Latent 1",
    ]
    assert measurement_name("LIVE_DEAD_mean") == "LIVE_DEAD: Mean"
    assert measurement_name("DAPI_ring_std") == "DAPI: Ring: Std.Dev."


def test_a_field_without_objects_is_a_file_without_features(tmp_path: Path) -> None:
    assert features(write_geojson(np.zeros((4, 5), np.uint8), tmp_path / "a.geojson")) == []


def test_rois_are_traced_or_composite(tmp_path: Path) -> None:
    from roifile import ROI_TYPE, roiread

    frame, pair, bar = roiread(write_rois(LABELS, tmp_path / "a.zip"))
    assert [roi.name for roi in (frame, pair, bar)] == ["1", "2", "7"]
    assert (frame.composite, pair.composite, bar.composite) == (True, True, False)
    assert bar.roitype == ROI_TYPE.TRACED
    assert (bar.left, bar.top, bar.right, bar.bottom) == (3, 3, 5, 4)


def test_rois_far_out_keep_their_place(tmp_path: Path) -> None:
    from roifile import roiread

    labels = np.zeros((2, 70_003), np.uint8)
    labels[1, 70_000] = 1
    (roi,) = roiread(write_rois(labels, tmp_path / "a.zip"))
    assert sorted(map(tuple, roi.coordinates().tolist())) == [(70_000, 1), (70_000, 2), (70_001, 1), (70_001, 2)]


def test_what_does_not_fit_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"should end in \.geojson"):
        write_geojson(LABELS, tmp_path / "a.txt")
    with pytest.raises(InputError, match="no kind 'cell' of object; choose detection or annotation"):
        write_geojson(LABELS, tmp_path / "a.geojson", kind="cell")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="'red' is not a colour"):
        write_geojson(LABELS, tmp_path / "a.geojson", classification="Nucleus", colour="red")
    with pytest.raises(InputError, match="no row for label 7; measure these labels anew"):
        write_geojson(LABELS, tmp_path / "a.geojson", {"label": np.array([1, 2])})
    with pytest.raises(InputError, match=r"should end in \.zip"):
        write_rois(LABELS, tmp_path / "a.roi")
    assert list(tmp_path.iterdir()) == []
