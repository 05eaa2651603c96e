"""One table holds every measure of an embedding, its intervals, and the same for its baselines."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from coverslip.core.errors import InputError
from coverslip.measure import (
    adjusted_rand_index,
    evaluate_embedding,
    evaluate_factors,
    linear_probe,
    mig,
    pca_baseline,
    pca_reconstruction,
    silhouette,
)

DIGITS, NAMES = (array[:400] for array in load_digits(n_class=4, return_X_y=True))
LATENT = pca_baseline(DIGITS, DIGITS, 8)


@pytest.fixture(scope="module")
def table():
    return evaluate_embedding(LATENT, NAMES, baselines={"PCA of 2": LATENT[:, :2]}, clusters=NAMES % 2)


def test_every_measure_has_a_row_with_its_interval_for_the_embedding_and_the_baseline(table) -> None:
    both = {
        "linear probe balanced accuracy",
        "linear probe accuracy",
        "k-NN probe balanced accuracy",
        "k-NN probe accuracy",
        "silhouette of clusters",
        "silhouette of classes",
        "ARI",
        "NMI",
        "clustering accuracy",
    }
    for features in ("latent", "PCA of 2"):
        assert {row.measure for row in table.rows if row.features == features} == both
    assert all(row.low <= row.value <= row.high for row in table.rows)
    assert all(row.n == 400 for row in table.rows)
    assert set(table.records()[0]) == {"features", "measure", "value", "low", "high", "n", "note"}


def test_the_numbers_are_those_of_the_measures(table) -> None:
    expected = linear_probe(LATENT, NAMES).balanced_accuracy
    row = table.get("linear probe balanced accuracy")
    assert (row.value, row.low, row.high) == (expected.value, expected.low, expected.high)
    assert table.get("ARI").value == adjusted_rand_index(NAMES % 2, NAMES)
    assert table.get("silhouette of classes").value == pytest.approx(silhouette(LATENT, NAMES))
    assert table.get("ARI").note == "2 given clusters"
    assert table.get("ARI", "PCA of 2").note == "4 clusters by k-means (as many as classes)"
    assert "linear probe balanced accuracy 0." in str(table)


def test_the_difference_from_a_baseline_is_paired(table) -> None:
    measure = "linear probe balanced accuracy"
    difference = table.get(measure, "latent - PCA of 2")
    latent, baseline = table.get(measure), table.get(measure, "PCA of 2")
    assert difference.value == pytest.approx(latent.value - baseline.value)
    assert difference.low > 0
    assert difference.high - difference.low < (latent.high - latent.low) + (baseline.high - baseline.low)


def test_samples_without_a_label_are_left_out_and_counted() -> None:
    labels = NAMES.astype(object)
    labels[::10] = None
    kept = np.arange(400) % 10 > 0
    found, expected = evaluate_embedding(LATENT, labels), evaluate_embedding(LATENT[kept], NAMES[kept])
    assert [r.value for r in found.rows] == [r.value for r in expected.rows]
    assert found.get("ARI").n == 360
    assert found.get("ARI").note.endswith("40 samples without a label left out")


def test_a_split_scores_everything_on_its_test_part_and_groups_widen_the_intervals() -> None:
    split = np.where(np.arange(400) < 300, "train", "test")
    groups = np.arange(400) // 20
    blind = evaluate_embedding(LATENT, NAMES, split=split)
    grouped = evaluate_embedding(LATENT, NAMES, split=split, groups=groups)
    assert {row.n for row in blind.rows} == {100}
    assert blind.get("ARI").value == grouped.get("ARI").value
    assert blind.get("ARI").low != grouped.get("ARI").low


def test_without_labels_only_the_clusters_are_measured() -> None:
    found = evaluate_embedding(LATENT)
    assert [row.measure for row in found.rows] == ["silhouette of clusters"]
    assert "number by silhouette" in found.rows[0].note


def test_the_pca_baseline_is_exact_and_learns_from_the_training_part_only() -> None:
    train = DIGITS[:200].reshape(-1, 1, 8, 8)
    found = pca_baseline(train, DIGITS.reshape(-1, 1, 8, 8), 5)
    expected = PCA(5, svd_solver="full").fit(DIGITS[:200]).transform(DIGITS)
    assert np.abs(found) == pytest.approx(np.abs(expected), abs=1e-8)
    np.testing.assert_array_equal(found, pca_baseline(train, DIGITS, 5))
    assert pca_baseline(DIGITS[:3], DIGITS, 3).shape == (400, 3)


def test_what_components_keep_is_exact_and_has_the_shape_of_the_images() -> None:
    images = DIGITS.reshape(-1, 1, 8, 8)
    pca = PCA(5, svd_solver="full").fit(DIGITS[:200])
    expected = pca.inverse_transform(pca.transform(DIGITS)).reshape(images.shape)
    np.testing.assert_allclose(pca_reconstruction(images[:200], images, 5), expected, atol=1e-5)


def test_factors_are_measured_beside_a_baseline() -> None:
    rng = np.random.default_rng(0)
    factors = {"class": np.arange(200) % 2, "size": rng.uniform(size=200)}
    codes = np.stack([factors["class"] + 0.1 * rng.normal(size=200), factors["size"]], axis=1)
    turned = codes @ np.array([[1, 1], [-1, 1]])
    table = evaluate_factors(codes, factors, baselines={"turned": turned}, n=50)
    assert table.get("MIG").value == mig(codes, factors).score
    assert table.get("MIG").value > table.get("MIG", "turned").value
    assert table.get("DCI disentanglement").value > table.get("DCI disentanglement", "turned").value
    assert np.isnan(table.get("DCI completeness").low)
    assert table.get("DCI informativeness (size)").note == "R² of held-out samples"
    assert table.get("DCI informativeness (class)").low > 0.95


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: evaluate_embedding(LATENT, NAMES, baselines={"latent": LATENT}), "cannot be called 'latent'"),
        (lambda: evaluate_embedding(LATENT, NAMES, baselines={"raw": DIGITS[:9]}), "'raw' has 9 samples"),
        (lambda: evaluate_embedding(LATENT, NAMES[:5]), "labels must be one value for each of the 400 samples"),
        (lambda: evaluate_embedding(LATENT).get("ARI"), "no 'ARI' of 'latent'.*silhouette of clusters of latent"),
        (lambda: pca_baseline(DIGITS, DIGITS[:, :5], 2), "64 values each, but the samples 5"),
        (lambda: pca_baseline(DIGITS, DIGITS, 65), "1 to 64 components"),
    ],
)
def test_what_does_not_fit_together_is_refused_in_a_sentence(call, sentence) -> None:
    with pytest.raises(InputError, match=sentence):
        call()


@pytest.mark.data
def test_principal_components_of_real_cells_tell_their_phase_better_than_chance(data_folder) -> None:
    import csv

    import tifffile

    folder = data_folder / "jurkat_cellcycle"
    with open(folder / "sheet.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))[::4]
    cells = np.stack([tifffile.imread(folder / row["image"]) for row in rows])
    phases = np.array([row["label"] for row in rows])
    found = evaluate_embedding(pca_baseline(cells, cells, 8), phases)
    assert found.get("linear probe balanced accuracy").low > 1.5 / 7
    assert found.get("ARI").low > 0


def test_components_of_samples_that_are_all_alike():
    same = np.ones((20, 6, 6))
    assert not pca_baseline(same, same, 2).any()
