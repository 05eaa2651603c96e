"""Maps are the same each time, and a UMAP is made once."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from coverslip.core.errors import InputError
from coverslip.core.progress import reporting
from coverslip.core.results import Embedding
from coverslip.figures.maps import ensure_map, pca_map, umap_map


def embedding_of(latent: np.ndarray) -> Embedding:
    return Embedding.from_arrays(latent, {"row": np.arange(len(latent))})


def test_the_map_is_the_principal_components() -> None:
    digits = load_digits().data
    xy, fraction = pca_map(digits)
    expected = PCA(2, svd_solver="full").fit(digits)
    np.testing.assert_allclose(fraction, expected.explained_variance_ratio_, rtol=1e-6)
    theirs = expected.transform(digits)
    np.testing.assert_allclose(np.abs(xy), np.abs(theirs), atol=1e-3)


@settings(max_examples=25)
@given(st.integers(0, 1000), st.integers(2, 8))
def test_the_sign_does_not_depend_on_the_order_of_the_samples(seed: int, dimensions: int) -> None:
    latent = np.random.default_rng(seed).normal(size=(30, dimensions)) * np.arange(1, dimensions + 1)
    np.testing.assert_allclose(pca_map(latent[::-1])[0][::-1], pca_map(latent)[0], atol=1e-4)


def test_one_dimension_is_a_line() -> None:
    xy, fraction = pca_map(np.array([[0.0], [1.0], [5.0]]))
    np.testing.assert_allclose(xy, [[-2, 0], [-1, 0], [3, 0]])
    np.testing.assert_allclose(fraction, [1, 0])


def test_samples_that_are_all_alike_have_a_map_too() -> None:
    xy, fraction = pca_map(np.ones((4, 3)))
    assert np.abs(xy).max() == 0
    np.testing.assert_array_equal(fraction, [0, 0])


def test_latents_that_are_not_finite_are_counted() -> None:
    with pytest.raises(InputError, match="1 of 3 samples"):
        pca_map(np.array([[0.0, 1], [np.nan, 1], [2, 3]]))


def test_umap_keeps_the_digits_apart_says_it_compiles_and_is_made_once() -> None:
    digits, labels = load_digits(return_X_y=True)
    few = np.flatnonzero(labels < 3)[:120]
    embedding = embedding_of(digits[few])
    said: list[str] = []

    class Line:
        def advance(self, steps: int = 1, note: str = "") -> None: ...

        def close(self) -> None: ...

    def report(description: str, total: int | None) -> Line:
        said.append(description)
        return Line()

    with reporting(report):
        first = ensure_map(embedding, "umap", seed=3)
        second = ensure_map(embedding, "umap", seed=4)
    np.testing.assert_array_equal(first, second)
    assert len(said) == 1
    assert "compiles" in said[0]
    np.testing.assert_array_equal(embedding.adata.obsm["X_umap"], first)
    distance = np.square(first[:, None] - first[None]).sum(axis=-1) + np.diag(np.full(len(first), np.inf))
    assert (labels[few][distance.argmin(axis=1)] == labels[few]).mean() > 0.95


def test_a_umap_in_the_result_is_used_without_importing_umap() -> None:
    code = (
        "import sys, numpy as np\n"
        "from coverslip.core.results import Embedding\n"
        "from coverslip.figures.maps import ensure_map\n"
        "z = np.arange(18.).reshape(6, 3)\n"
        "e = Embedding.from_arrays(z, {'a': np.arange(6)}, obsm={'X_umap': z[:, :2]})\n"
        "assert ensure_map(e, 'umap')[2].tolist() == [6, 7]\n"
        "print('umap' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_two_latents_are_a_map_by_themselves() -> None:
    latent = np.array([[1.0, 2], [3, 4]], dtype=np.float32)
    np.testing.assert_array_equal(ensure_map(embedding_of(latent), "latent"), latent)


@pytest.mark.parametrize(("kind", "message"), [("latent", "there are 3"), ("tsne", "no map 'tsne'")])
def test_a_map_that_does_not_fit_is_refused(kind: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ensure_map(embedding_of(np.ones((4, 3))), kind)


def test_a_umap_of_too_few_samples_names_the_other_map() -> None:
    with pytest.raises(InputError, match="use the PCA map"):
        umap_map(np.ones((4, 3)))
