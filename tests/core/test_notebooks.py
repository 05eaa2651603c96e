"""What a notebook shows of a result: how much was found, and a picture; what it offers for completion."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
from PIL import Image as Picture

import coverslip as cs
from coverslip.core.results import Embedding, LabelMap


def test_labels_are_shown_with_their_count_and_a_picture() -> None:
    labels = np.zeros((400, 900), np.int32)
    labels[:100, :100], labels[300:, 800:] = 1, 7
    found = LabelMap(labels, "<a>.tif")
    assert found.count == 2
    assert repr(found) == "LabelMap(2 objects in 400 x 900 pixels, source='<a>.tif')"
    html = found._repr_html_()
    assert "&lt;a&gt;.tif" in html
    content = base64.b64decode(re.search(r"base64,([^\"]+)", html)[1])
    with Picture.open(io.BytesIO(content)) as picture:
        drawn = np.asarray(picture)
    assert drawn.shape == (133, 300, 3)
    assert drawn[70, 150].tolist() == [0, 0, 0]
    assert drawn[0, 0].tolist() != drawn[-1, -1].tolist() != [0, 0, 0]


def test_an_embedding_is_shown_with_its_columns() -> None:
    cells = Embedding.from_arrays(np.zeros((3, 2)), {"well": np.array(["A1", "A1", ""])})
    assert repr(cells) == "Embedding(3 samples in 2 dimensions, columns: well)"
    assert "<table" in cells._repr_html_()
    assert cells.adata.obs["well"].isna().tolist() == [False, False, True]  # an empty text says nothing
    assert cells.adata.obs["well"].cat.categories.tolist() == ["A1"]


def test_completion_offers_what_there_is_and_nothing_else() -> None:
    assert set(dir(cs.methods)) == {"get", "names", *cs.methods.names()}
    assert dir(cs.results) == ["get", "kind_of", "names", "opened"]
    assert "Any" not in dir(cs)
