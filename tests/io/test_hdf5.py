"""A damaged file of embeddings is refused before the library that reads it can die of it."""

import os
import random

import anndata
import h5py
import numpy as np
import pytest

from coverslip.core.errors import InputError
from coverslip.core.results import Embedding
from coverslip.io import hdf5
from coverslip.io.hdf5 import refuse_damaged
from coverslip.read import read_embedding, write_embedding
from coverslip.results import kind_of


@pytest.fixture
def cells(tmp_path):
    obs = {"image": np.array([f"{i}.tif" for i in range(30)], object), "label": np.array(["a", "b"] * 15, object)}
    latent = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    return write_embedding(Embedding.from_arrays(latent, obs, provenance={"kind": "embedding"}), tmp_path / "c.h5ad")


def test_one_changed_byte_is_found(cells):
    data = cells.read_bytes()
    for at in random.Random(0).sample(range(len(data) - 100), 20):
        cells.write_bytes(data[:at] + bytes([data[at] ^ 16]) + data[at + 1 :])
        with pytest.raises(InputError, match="it is not as it was written"):
            read_embedding(cells)
        assert kind_of(cells).name == "embedding"


def test_other_programs_may_change_the_file(cells, monkeypatch):
    with h5py.File(cells, "r+") as file:
        file["X"][0, 0] = 7
    apart = []
    monkeypatch.setattr(hdf5, "_fault_apart", lambda *facts: apart.append(facts) or "")
    assert read_embedding(cells).adata.X[0, 0] == 7
    assert len(apart) == 1
    anndata.read_h5ad(cells).write_h5ad(cells)
    assert len(read_embedding(cells)) == 30


def test_files_of_others_are_read_apart_in_bounded_time_and_memory(tmp_path, monkeypatch):
    path = tmp_path / "other.h5ad"
    with h5py.File(path, "w") as file:
        file.create_dataset("X", (1000, 50), "f4", chunks=(100, 50), compression="gzip")[:] = 1
        file.create_dataset("names", data=["a", "b"])
        file.attrs["empty"] = h5py.Empty("f")
    refuse_damaged(path)
    data = bytearray(path.read_bytes())
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"is damaged \(.*truncated file"):
        refuse_damaged(path)
    with h5py.File(path, "w") as file:
        file.create_dataset("X", (10**9, 50), "f4", chunks=(100, 50))  # declared, and never written
    monkeypatch.setattr(hdf5, "_SECONDS", 1)
    with pytest.raises(InputError, match="reading it does not end"):
        refuse_damaged(path)


def test_a_full_disk_is_a_sentence(cells, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("coverslip.io.atomic.flush", full)
    with pytest.raises(InputError, match="No space left on device"):
        write_embedding(read_embedding(cells), cells)
    assert os.listdir(cells.parent) == ["c.h5ad"]
