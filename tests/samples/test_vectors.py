"""Embeddings as what a method learns from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coverslip.core import Embedding, InputError
from coverslip.read import write_embedding
from coverslip.samples.opening import open_as

VECTORS = np.arange(6, dtype=np.float32).reshape(3, 2)


def test_vectors_come_from_a_file_an_anndata_or_an_array(tmp_path: Path) -> None:
    embedding = Embedding.from_arrays(VECTORS, {"well": np.array(["A1", "A2", "A3"])})
    file = write_embedding(embedding, tmp_path / "cells.h5ad")
    for given in (embedding, file, str(file), embedding.adata, VECTORS, VECTORS.astype(np.int16)):
        np.testing.assert_array_equal(open_as("vectors", given).latent, VECTORS)
    assert open_as("vectors", file).column("well").tolist() == ["A1", "A2", "A3"]


def test_what_is_no_embedding_is_refused_with_the_way_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="coverslip predict MODEL"):
        open_as("vectors", tmp_path / "cells.csv")
    with pytest.raises(InputError, match="have no channels or series"):
        open_as("vectors", VECTORS, channels=[0], planes="channels", series="2")
    holed = VECTORS.copy()
    holed[1, 0] = np.nan
    with pytest.raises(InputError, match=r"1 of 3 vectors .* row 1"):
        open_as("vectors", holed)
