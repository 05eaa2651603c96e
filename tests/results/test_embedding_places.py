"""What programs for single cells find in an embedding: places in µm, and names that stay apart."""

from __future__ import annotations

import numpy as np

from coverslip.core.results import Embedding
from coverslip.results.embedding.places import add_places
from coverslip.samples.opening.columns import typed_column


def cells(**obs: list) -> Embedding:
    columns = {name: np.array(column) for name, column in obs.items()}
    embedding = Embedding.from_arrays(np.zeros((len(next(iter(columns.values()))), 2)), columns)
    add_places(embedding)
    return embedding


def test_places_are_in_micrometres_where_these_are_known() -> None:
    both = cells(x_um=[1.5, 2], y_um=[3.0, 4], x_px=[15, 20], y_px=[30, 40])
    assert both.adata.obsm["spatial"].tolist() == [[1.5, 3], [2, 4]]
    some = cells(x_um=[1.5, np.nan], y_um=[3.0, 4], x_px=[15, 20], y_px=[30, 40])
    assert some.adata.obsm["spatial"].tolist() == [[15, 30], [20, 40]]
    assert "spatial" not in cells(image=["a.tif"]).adata.obsm


def test_names_stay_apart_when_tables_are_joined() -> None:
    found = cells(image=["w/a.tif", "w/a.tif", "w/b.tif"], object=[1, 7, 1], plate=["P1"] * 3)
    assert found.adata.obs_names.tolist() == ["P1_a_1", "P1_a_7", "P1_b_1"]
    same = cells(image=["u/a.tif", "v/a.tif"], frame=[0, 0])  # by their paths, where names are not enough
    assert same.adata.obs_names.tolist() == ["u/a.tif_0", "v/a.tif_0"]
    assert cells(image=["a.tif", "a.tif"]).adata.obs_names.tolist() == ["a.tif", "a.tif-2"]


def test_true_and_false_are_such() -> None:
    assert typed_column("touches_border", ["1", "0"]).tolist() == [True, False]
    assert typed_column("touches_border", ["1", "0", ""]).dtype == float  # missing somewhere
    assert typed_column("dose", ["1", "0"]).dtype == int
