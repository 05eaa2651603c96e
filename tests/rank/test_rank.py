"""What the strategies promise: scores that follow the effect and not the plate or the day, of samples held out."""

from __future__ import annotations

import numpy as np
import pytest
from tests.rank.example import plates

import coverslip as cs
from coverslip.core import InputError
from coverslip.measure import spearman
from coverslip.methods import rank
from coverslip.methods.rank.distances import DISTANCES, centre, distance
from coverslip.methods.rank.model import build, build_images, folded, padded, run_images, run_network, widths

QUICK = {"restarts": 2}


@pytest.fixture(scope="module")
def vectors() -> cs.Embedding:
    return plates(3)


@pytest.fixture(scope="module")
def found(vectors: cs.Embedding) -> cs.Ranking:
    return cs.predict(cs.fit("rank", vectors, QUICK), vectors)


def doses(found: cs.Ranking) -> tuple[np.ndarray, np.ndarray]:
    last = found.column("rank") > 0
    return found.column("score")[last], np.array([float(v) for v in found.column("dose")])[last]


def test_scores_follow_the_dose_whatever_the_plate(found: cs.Ranking) -> None:
    assert spearman(*doses(found)) > 0.9
    score, role = found.column("score"), found.column("role")
    assert np.median(score[role == "low control"]) == pytest.approx(0, abs=0.1)
    assert np.median(score[role == "high control"]) == pytest.approx(1, abs=0.1)
    assert found.treatments["treatment"].tolist() == ["untreated", "a", "b", "single_dose"]
    assert found.facts["verdict"] == "ordered"


def test_every_scored_sample_was_held_out_with_its_plate(vectors: cs.Embedding, found: cs.Ranking) -> None:
    model = cs.fit("rank", vectors, QUICK)
    assert sorted(model.facts["folds"]) == ["plate P0", "plate P1", "plate P2"]
    assert len(set(model.facts["folds"].values())) == 3
    ranked = found.column("rank") > 0
    assert set(found.column("scored")[ranked]) == {"held out"}
    assert set(found.column("scored")[~ranked]) == {"no"}
    assert np.isnan(found.column("score")[~ranked]).all()
    assert sorted(found.column("rank")[ranked]) == list(range(1, int(ranked.sum()) + 1))
    assert (found.column("rank_low") <= found.column("rank")).all()


def test_wide_vectors_are_predicted_by_their_components(vectors: cs.Embedding) -> None:
    adata = vectors.adata.copy()
    turned = np.linalg.qr(np.random.default_rng(3).normal(size=(300, 6)))[0].T.astype(np.float32)
    adata.obsm["latent"] = vectors.latent @ turned
    model = cs.fit("rank", cs.Embedding(adata), {**QUICK, "restarts": 1, "strategies": "prediction"})
    assert model.weights["0.0.0.prediction.low.weight"].shape == (48, 48)  # as many as samples in two plates
    assert spearman(*doses(cs.predict(model, cs.Embedding(adata)))) > 0.85


def test_a_new_plate_is_measured_from_its_own_controls(vectors: cs.Embedding) -> None:
    new = plates(1, batch=9.0, seed=1)
    adata = new.adata.copy()
    adata.obs["plate"] = "another"
    # The drug does the same as before: only light and focus of the plate are others.
    first = plates(4)
    adata.obsm["latent"] = first.latent[-len(new) :] + np.float32(7)
    found = cs.predict(cs.fit("rank", vectors, QUICK), cs.Embedding(adata))
    ranked = found.column("rank") > 0
    assert set(found.column("scored")[ranked]) == {"new"}
    assert spearman(*doses(found)) > 0.85


def test_samples_that_the_fit_has_seen_are_marked_and_do_not_count(vectors: cs.Embedding) -> None:
    adata = vectors.adata.copy()
    adata.obs["split"] = np.where(adata.obs["plate"].astype(str) == "P0", "test", "train")
    adata.obs["image"] = [f"{i}.tif" for i in range(len(adata))]
    found = cs.predict(cs.fit("rank", cs.Embedding(adata), QUICK), cs.Embedding(adata))
    ranked = found.column("rank") > 0
    of_test = found.column("split").astype(str) == "test"
    assert set(found.column("scored")[ranked & of_test]) == {"held out"}
    assert set(found.column("scored")[ranked & ~of_test]) == {"in the fit"}
    assert found.treatments["wells"].sum() == (ranked & of_test).sum()


def test_with_the_first_day_for_zero_ageing_counts_as_an_effect() -> None:
    vectors = plates(2, batch=0.0)
    settings = {**QUICK, "strategies": "centroid", "group": "well"}
    scores = {}
    for zero in ("same_day", "first_day"):
        found = cs.predict(cs.fit("rank", vectors, {**settings, "controls": zero}), vectors)
        aged = (found.column("label").astype(str) == "untreated") & (found.column("day").astype(str) == "10")
        scores[zero] = np.nanmedian(found.column("score")[aged])
    assert scores["same_day"] == pytest.approx(0, abs=0.05)
    assert scores["first_day"] > 0.1
    assert any("what the days do alone" in note for note in found.facts["notes"])


def test_what_a_well_was_like_from_the_start_is_no_effect() -> None:
    vectors = plates(3, young=1.0)
    follow = {}
    for adjust in (True, False):
        settings = {"restarts": 1, "strategies": "centroid,softmax", "adjust": adjust}
        follow[adjust] = spearman(*doses(cs.predict(cs.fit("rank", vectors, settings), vectors)))
    assert follow[True] > 0.9 > follow[False]


def test_plates_without_any_effect_cannot_be_told() -> None:
    nothing = plates(2, wells=10, effect=0.0)
    assert cs.predict(cs.fit("rank", nothing, QUICK), nothing).facts["verdict"] == "cannot tell"


def test_a_strategy_that_does_not_tell_the_controls_apart_does_not_count(vectors: cs.Embedding) -> None:
    adata = vectors.adata.copy()
    nuisance = 30 * np.random.default_rng(2).normal(size=(len(adata), 1)).astype(np.float32)
    adata.obsm["latent"] = np.hstack([vectors.latent, nuisance])
    given = cs.Embedding(adata)
    found = cs.predict(cs.fit("rank", given, {**QUICK, "standardise": "false"}), given)
    assert found.facts["controls_auroc"]["projection"] < 0.75
    assert found.facts["weights"]["projection"] < 0.25 < 0.9 < found.facts["weights"]["softmax"]
    assert spearman(*doses(found)) > 0.8


def test_a_further_anchor_makes_a_second_scale(vectors: cs.Embedding) -> None:
    adata = vectors.adata.copy()
    adata.obs["label"] = np.where(adata.obs["treatment"].astype(str) == "a", "mild", adata.obs["label"].astype(str))
    settings = {**QUICK, "anchors": "untreated,single_dose,mild"}
    found = cs.predict(cs.fit("rank", cs.Embedding(adata), settings), cs.Embedding(adata))
    assert np.nanmedian(found.column("score_mild")[found.column("label").astype(str) == "mild"]) == pytest.approx(
        1, abs=0.2
    )
    assert any(name.startswith("mild: centroid, cosine") for name in found.scales)
    of_mild = dict(zip(found.treatments["treatment"], found.treatments["score_mild"], strict=True))
    assert of_mild["untreated"] == pytest.approx(0, abs=0.2)
    assert of_mild["a"] == pytest.approx(1, abs=0.2)


def test_mse_and_euclidean_rank_alike() -> None:
    one_day = plates(2)
    last = one_day.adata.obs["day"].to_numpy() == 10
    one_day = cs.Embedding(one_day.adata[last].copy())
    found = cs.predict(cs.fit("rank", one_day, {**QUICK, "distances": "mse,euclidean", "controls": "none"}), one_day)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 30, 5))
    assert (np.argsort(distance("mse", a, b)) == np.argsort(distance("euclidean", a, b))).all()
    assert distance("mse", a, b) * 5 == pytest.approx(distance("euclidean", a, b) ** 2)
    assert "centroid, mse from untreated" in found.scales


def test_the_cosine_centre_is_the_normalised_mean_of_directions() -> None:
    vectors = np.array([[3.0, 0], [0, 1]])
    assert centre(vectors, "cosine") == pytest.approx([np.sqrt(0.5), np.sqrt(0.5)])
    assert centre(vectors, "euclidean") == pytest.approx([1.5, 0.5])


@pytest.mark.parametrize("name", sorted(DISTANCES))
def test_every_distance_grows_with_unlikeness(name: str) -> None:
    a = np.array([[1.0, 2.0, -1.0, 0.5]])
    assert distance(name, a, a)[0] < distance(name, a, -a)[0]


def test_binary_distances_are_of_what_lies_above_the_threshold() -> None:
    a, b, cut = np.array([[1.0, 5, 5, 0]]), np.array([[1.0, 5, 0, 5]]), np.array([2.0, 2, 2, 2])
    assert distance("jaccard", a, b, cut)[0] == pytest.approx(1 - 1 / 3)
    assert distance("hamming", a, b, cut)[0] == pytest.approx(2 / 4)


def test_the_network_has_the_widths_of_the_thesis_and_runs_the_same_without_torch() -> None:
    import torch

    assert widths(512, 12, 8) == [512, 256, 128, 64, 32, 16, 8, 16, 32, 64, 128, 256, 512]
    assert widths(20, 6, 4)[3] == 4
    torch.manual_seed(0)
    network = build(6, 4, 3, 0.3)
    x = torch.randn(40, 6)
    network(x)  # the normalisation sees something
    network.eval()
    kept = {**folded(network), "low": np.zeros((2, 6)), "span": np.ones((2, 6))}
    assert run_network(kept, x.numpy()) == pytest.approx(network(x).detach().numpy(), abs=1e-5)


def test_the_network_of_the_thesis_can_predict(vectors: cs.Embedding) -> None:
    settings = {"restarts": 1, "predictor": "mlp", "layers": 2, "epochs": 15, "folds": 2, "strategies": "prediction"}
    found = cs.predict(cs.fit("rank", vectors, {**settings, "learning_rate": 0.02}), vectors)
    assert spearman(*doses(found)) > 0.5


def discs(shape: tuple[int, int, int]) -> cs.Embedding:
    """Dark discs on two days; on the second one they are larger, and darker with a drug."""
    rng = np.random.default_rng(0)
    channels, height, width = shape
    rho = np.hypot(*(np.mgrid[:height, :width] - np.array([height, width])[:, None, None] / 2 + 0.5))
    rows, pixels = [], []
    for number in range(36):
        label = ("untreated", "drug_screen", "single_dose")[number % 3]
        size = rng.uniform(1, 2)
        for day, dark, wide in ((7, 0.3, size), (10, 0.3 + 0.2 * (number % 3), size + 1)):
            light = 1 - dark / (1 + np.exp(2 * (rho - wide))) + 0.02 * rng.normal(size=(channels, height, width))
            pixels.append((30000 * light).ravel())
            rows.append({"plate": "P", "well": str(number), "day": day, "label": label, "dose": float(number % 3)})
    return cs.Embedding.from_arrays(np.array(pixels), {key: np.array([row[key] for row in rows]) for key in rows[0]})


def test_images_can_be_predicted_from_images() -> None:
    vectors = discs((2, 8, 8))
    settings = {"predictor": "images", "shape": "2,8,8", "strategies": "prediction", "distances": "mse"}
    quick = {"restarts": 1, "folds": 2, "epochs": 40, "learning_rate": 0.01, "dropout": 0}
    model = cs.fit("rank", vectors, {**settings, **quick})
    assert model.weights["0.0.0.prediction.low.3.weight"].shape == (64, 64, 3, 3)
    assert spearman(*doses(cs.predict(model, vectors))) > 0.8
    with pytest.raises(InputError, match="Images of 3 x 8 x 8 have 192 pixels, and these vectors 128 numbers"):
        cs.fit("rank", vectors, {**settings, "shape": "3,8,8"})
    with pytest.raises(InputError, match="needs channels, height and width"):
        cs.fit("rank", vectors, {**settings, "shape": "8,8"})


def test_the_image_network_runs_the_same_with_its_normalisation_folded() -> None:
    import torch

    torch.manual_seed(0)
    network = build_images(2, 0.3)
    x = torch.rand(4, 2, 11, 16)
    network(padded(x))  # the normalisation sees something
    network.eval()
    kept = {**folded(network), "low": np.zeros(1), "span": np.ones(1), "shape": np.array([2, 11, 16])}
    with torch.no_grad():
        expected = network(padded(x))[..., :11, :].reshape(4, -1).numpy()
    assert run_images(kept, x.reshape(4, -1).double().numpy()) == pytest.approx(expected, abs=1e-5)


def test_a_well_without_its_first_day_is_scored_by_the_others_and_told(vectors: cs.Embedding) -> None:
    kept = np.ones(len(vectors), bool)
    kept[0] = False  # day 7 of the first well
    fewer = cs.Embedding(vectors.adata[kept].copy())
    found = cs.predict(cs.fit("rank", fewer, QUICK), fewer)
    assert np.isnan(found.column("score_prediction")[0])
    assert np.isfinite(found.column("score")[0])
    assert any("1 well has (P0 B02) no image of day 7" in note for note in found.facts["notes"])


def test_what_cannot_be_ranked_is_said(vectors: cs.Embedding) -> None:
    with pytest.raises(InputError, match=r"The class 'nobody' has 0 samples of the last day.*there are: untreated"):
        cs.fit("rank", vectors, {"anchors": "untreated,nobody"})
    with pytest.raises(InputError, match="no column 'grade'"):
        cs.fit("rank", vectors, {"label": "grade"})
    with pytest.raises(InputError, match="two different ends"):
        cs.fit("rank", vectors, {"anchors": "untreated"})
    model = cs.fit("rank", vectors, {"restarts": 1})
    with pytest.raises(InputError, match="These vectors have 2 dimensions"):
        cs.predict(model, cs.Embedding.from_arrays(np.zeros((4, 2)), {"label": np.array(["untreated"] * 4)}))


def test_settings_are_those_of_a_ranking() -> None:
    config = rank.Config.parse({"anchors": "a,b", "distances": "mse"})
    assert (config.anchors, config.distances) == (("a", "b"), ("mse",))
