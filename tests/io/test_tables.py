"""Tables and embeddings come back as they were written, and open in scanpy's reader."""

import csv

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from coverslip.core.errors import InputError
from coverslip.core.provenance import provenance
from coverslip.core.results import Embedding
from coverslip.read import read_embedding, read_table, write_embedding, write_table

COLUMNS = {
    "well": np.array(["A01", "NA", 'quo"te, comma', "line\nbreak"]),
    "count": np.array([1, 2, 3, 2**40]),
    "area": np.array([0.1, np.nan, 1e-20, np.pi], dtype=np.float64),
    "small": np.array([0.1, 2, 3, 4], dtype=np.float32),
    "live": np.array([True, False, True, True]),
    "note": np.array(["x", None, "y", "z"], dtype=object),
}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_columns_come_back(tmp_path, suffix):
    found = read_table(write_table(COLUMNS, tmp_path / f"a{suffix}"))
    assert list(found) == list(COLUMNS)
    for name, column in COLUMNS.items():
        if column.dtype.kind in "OU":
            assert found[name].tolist() == column.tolist()
        else:
            assert np.array_equal(found[name].astype(column.dtype), column, equal_nan=column.dtype.kind == "f")


def test_columns_of_text_stay_text_in_a_csv(tmp_path):
    path = write_table({"=plate": ["01", "02"], "live": ["true", None], "n": [1, 2]}, tmp_path / "a.csv")
    found = read_table(path, text=["=plate", "live", "absent"])
    assert {name: column.tolist() for name, column in found.items()} == {
        "=plate": ["01", "02"],
        "live": ["true", None],
        "n": [1, 2],
    }


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_numbers_lose_no_digit_in_text(tmp_path_factory, numbers):
    path = tmp_path_factory.getbasetemp() / "numbers.csv"
    column = np.array(numbers)
    assert np.array_equal(read_table(write_table({"x": column}, path))["x"], column)


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "is empty"), (b"a,b\n1\n", "cannot be read"), (b"a,a\n1,2\n", "two columns 'a'")]
)
def test_tables_that_are_none(tmp_path, content, reason):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(InputError, match=reason):
        read_table(tmp_path / "a.csv")


def test_other_bad_tables(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"no parquet")
    with pytest.raises(InputError, match="cannot be read"):
        read_table(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="does not exist"):
        read_table(tmp_path / "b.csv")
    with pytest.raises(InputError, match=r"should end in \.csv or \.parquet"):
        read_table(tmp_path / "b.xlsx")
    with pytest.raises(InputError, match="of one length"):
        write_table({"a": [1, 2], "b": [1]}, tmp_path / "c.csv")
    with pytest.raises(InputError, match="mixes kinds"):
        write_table({"a": np.array([1, "x"], dtype=object)}, tmp_path / "c.csv")
    assert not (tmp_path / "c.csv").exists()


def embedding():
    obs = {
        "image": np.array([f"a{i}.tif" for i in range(5)]),
        "label": np.array(["x", "y", "x", "y", "x"]),
        "dose µg/ml": np.arange(5) / 2,
        "comment": np.array(["x", None, 3, "y", np.nan], dtype=object),
        "kept": np.array([True, False, True, True, True]),
    }
    facts = provenance(
        inputs=[{"path": "a.csv", "sha256": "0"}], model=None, seed=np.int64(1), nested={"a": [None, 1.5]}
    )
    latent = np.random.default_rng(0).normal(size=(5, 3))
    return Embedding.from_arrays(latent, obs, obsm={"X_pca": latent[:, :2]}, provenance=facts)


def test_an_embedding_comes_back_with_its_provenance(tmp_path):
    first = embedding()
    facts = first.provenance
    found = read_embedding(write_embedding(first, tmp_path / "a.h5ad"))
    assert np.array_equal(found.latent, first.latent)
    assert found.provenance == {**facts, "seed": 1}
    assert first.provenance == facts  # what was in memory is as it was
    assert found.column("label").tolist() == ["x", "y", "x", "y", "x"]
    assert found.column("image").tolist() == [f"a{i}.tif" for i in range(5)]
    assert found.column("comment").tolist()[2] == "3"
    assert found.column("kept").tolist() == [True, False, True, True, True]
    assert np.array_equal(found.column("dose µg/ml"), np.arange(5) / 2)
    assert np.array_equal(found.adata.obsm["X_pca"], first.adata.obsm["X_pca"])


def test_the_file_is_plain_anndata(tmp_path):
    write_embedding(embedding(), tmp_path / "a.h5ad")
    plain = anndata.read_h5ad(tmp_path / "a.h5ad")
    assert plain.obsm["latent"].shape == (5, 3)
    assert plain.obs["label"].dtype == "category"
    assert isinstance(plain.uns["coverslip"]["provenance"], str)
    assert np.array_equal(plain.obs["dose µg∕ml"], np.arange(5) / 2)  # a slash would open a group in HDF5


def test_a_written_file_can_be_read_and_written_again(tmp_path):
    write_embedding(embedding(), tmp_path / "a.h5ad")
    again = read_embedding(write_embedding(read_embedding(tmp_path / "a.h5ad"), tmp_path / "b.h5ad"))
    assert again.provenance == read_embedding(tmp_path / "a.h5ad").provenance
    assert list(again.adata.obs.columns) == list(embedding().adata.obs.columns)


@pytest.mark.parametrize("sparse", [False, True])
def test_any_anndata_is_an_embedding(tmp_path, sparse):
    x = np.eye(4, 3, dtype=np.float32)
    anndata.AnnData(scipy.sparse.csr_matrix(x) if sparse else x).write_h5ad(tmp_path / "a.h5ad")
    found = read_embedding(tmp_path / "a.h5ad")
    assert np.array_equal(found.latent, x)
    assert found.provenance == {}


def test_embeddings_that_are_none(tmp_path):
    path = write_embedding(embedding(), tmp_path / "a.h5ad")
    whole = path.read_bytes()
    for content in (b"", b"text", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"a\.h5ad") as caught:
            read_embedding(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="does not exist"):
        read_embedding(tmp_path / "b.h5ad")
    with pytest.raises(InputError, match=r"should end in \.h5ad"):
        write_embedding(embedding(), tmp_path / "b.csv")
    anndata.AnnData(obs={"a": [1, 2]}).write_h5ad(tmp_path / "c.h5ad")
    with pytest.raises(InputError, match="holds no vectors"):
        read_embedding(tmp_path / "c.h5ad")


def test_an_entry_that_hdf5_cannot_hold_writes_nothing(tmp_path):
    first = embedding()
    first.adata.uns["other"] = [{"a": 1}]
    with pytest.raises(InputError, match="could not be written"):
        write_embedding(first, tmp_path / "a.h5ad")
    assert list(tmp_path.iterdir()) == []


def test_text_that_looks_like_a_formula_is_guarded_in_csv_and_numbers_never(tmp_path):
    columns = {"name": np.array(["=1+1", "-x", "b"], object), "shift": np.array([-1.5, 2.0, -3.0])}
    write_table(columns, tmp_path / "a.csv")
    rows = csv.reader((tmp_path / "a.csv").read_text().splitlines())
    assert [row[0] for row in rows] == ["name", "'=1+1", "'-x", "b"]
    found = read_table(tmp_path / "a.csv")
    assert found["name"].tolist() == ["=1+1", "-x", "b"]
    assert found["shift"].tolist() == [-1.5, 2.0, -3.0]


def test_a_changed_byte_in_a_table_is_found(tmp_path):
    values = np.random.default_rng(0).normal(size=40)
    path = write_table({"area": values}, tmp_path / "a.parquet")
    data = path.read_bytes()
    at = data.index(values[7].tobytes())
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    with pytest.raises(InputError, match="cannot be read as a table"):
        read_table(path)
    (tmp_path / "a.csv").write_bytes(b"na\xffme,b\n1,2\n")
    with pytest.raises(InputError, match="cannot be read as a table"):
        read_table(tmp_path / "a.csv")


def test_text_of_embeddings_is_stored_as_every_reader_knows_it(tmp_path):
    """Strings of pandas, with gaps or without, become categories and plain text."""
    embedding = Embedding.from_arrays(np.eye(3), {"label": np.array(["a", "b", "a"])})
    embedding.adata.obs["gap"] = pd.array(["x", None, "z"], dtype="string")
    embedding.adata.obs["text"] = pd.array(["x", "y", "z"], dtype="string")
    file = write_embedding(embedding, tmp_path / "cells.h5ad")
    with h5py.File(file) as stored:
        kinds = {name: stored["obs"][name].attrs["encoding-type"] for name in ("label", "gap", "text", "_index")}
        assert stored["var/_index"].attrs["encoding-type"] == "string-array"
    assert kinds == {"label": "categorical", "gap": "categorical", "text": "string-array", "_index": "string-array"}
    obs = read_embedding(file).adata.obs
    assert obs["gap"].isna().tolist() == [False, True, False]
    assert obs["text"].tolist() == ["x", "y", "z"]
