"""Labels as a SpatialData store, where its library is installed; else a sentence says what is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import coverslip as cs
from coverslip.cli import main
from coverslip.core import PixelSize
from coverslip.read import write_image_tiff, write_label_folder


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """Two images of 0.5 µm a pixel; in the second an object with a hole."""
    size, found, rows = PixelSize(0.5, 0.5), [], []
    for i in range(2):
        labels = np.zeros((20, 30), np.int32)
        labels[2:6, 2:6], labels[9:14, 9:17] = 1, 7
        labels[10 : 10 + i, 11] = 0
        image = cs.Image.from_array(np.arange(600, dtype=np.uint16).reshape(20, 30), source="a", pixel_size=size)
        write_image_tiff(image, tmp_path / f"field {i}.tif")
        labelled = cs.LabelMap(labels, f"field {i}.tif", size)
        found.append((labelled, cs.measure.object_table(labelled, image)))
        rows.append({"image": f"field {i}.tif", "treatment": "ab"[i]})
    write_label_folder(found, tmp_path / "nuclei", rows, tmp_path, provenance={"kind": "labels", "versions": {}})
    return tmp_path / "nuclei"


def test_without_the_library_it_is_said_what_to_install(
    result: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "spatialdata", None)
    assert main(["export", str(result), "--spatialdata"]) == 2
    assert "pip install 'coverslip[spatialdata]'" in capsys.readouterr().err
    assert not (result.parent / "nuclei.spatialdata.zarr").exists()


@pytest.mark.filterwarnings("default")
def test_images_labels_outlines_and_table_belong_together(result: Path) -> None:
    spatialdata = pytest.importorskip("spatialdata")
    assert main(["export", str(result), "--spatialdata"]) == 0
    store = spatialdata.read_zarr(result.parent / "nuclei.spatialdata.zarr")
    table = store["objects"]
    assert table.obs["region"].tolist() == ["field_0_labels"] * 2 + ["field_1_labels"] * 2
    assert table.obs["label"].tolist() == [1, 7, 1, 7]
    assert table.obs["treatment"].tolist() == ["a", "a", "b", "b"]
    assert table.uns["spatialdata_attrs"]["instance_key"] == "label"
    np.testing.assert_allclose(table[:, "area_um2"].X.ravel(), [4, 10, 4, 9.75])
    np.testing.assert_allclose(store["field_1_outlines"].geometry.area.to_numpy(), [16, 39])
    assert set(np.unique(store["field_1_labels"])) == {0, 1, 7}
    extent = spatialdata.get_extent(store["field_0_labels"], coordinate_system="field_0")
    assert extent == {"x": (0, 15), "y": (0, 10)}


def test_objects_that_are_no_cells_are_counted_and_cells_of_other_labels_refused(
    result: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = {"object": [1, 7], "source_mask": [f"{result}/field 0.labels.tif"] * 2, "cluster": [0, 1]}
    cells = cs.Embedding.from_arrays(np.ones((2, 3)), facts)
    cs.read.write_embedding(cells, result.parent / "some.h5ad")
    assert main(["export", str(result), "--csv", "--cells", str(result.parent / "some.h5ad")]) == 0
    assert "2 of 4 objects are not among the cells" in capsys.readouterr().out
    cells.adata.obs["source_mask"] = "other.labels.tif"
    cs.read.write_embedding(cells, result.parent / "other.h5ad")
    assert main(["export", str(result), "--xlsx", "--cells", str(result.parent / "other.h5ad")]) == 2
    assert "None of the 4 objects" in capsys.readouterr().err
