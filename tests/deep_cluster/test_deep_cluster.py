"""Deep clustering finds the groups that images fall into, and goes on where it was stopped."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

import coverslip as cs
from coverslip.core.errors import InputError, ModelError, Stopped
from coverslip.core.fitted import Fitted
from coverslip.core.samples import ArraySamples
from coverslip.measure import clustering_accuracy
from coverslip.methods import deep_cluster
from coverslip.methods.deep_cluster import fitting
from coverslip.methods.deep_cluster.architecture import plan
from coverslip.methods.deep_cluster.fitting import _seen_and_wanted
from coverslip.methods.deep_cluster.groups import starting_clusters
from coverslip.methods.deep_cluster.links import links_of, modularity
from coverslip.methods.deep_cluster.model import Autoencoder, Clusterer
from coverslip.models.folder import Model, load_model
from coverslip.samples.opening.augment import affine
from coverslip.train.loop import _Loop
from coverslip.train.run import Run

PRECISE = Run(device="cpu", precision="fp32")
EXPECTED = Path(__file__).parent / "expected.json"
QUICK: dict[str, Any] = {
    "epochs": 30,
    "clustering_epochs": 6,
    "batch": 16,
    "width": 4,
    "latent": 3,
    "clusters": 3,
    "learning_rate": 5e-3,
}


def bars(n: int, shape: tuple[int, int, int] = (1, 12, 12), seed: int = 0) -> ArraySamples:
    """A bar across, a bar down, or a square: half as many from one to the next."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, n, p=[4 / 7, 2 / 7, 1 / 7])
    c, h, w = shape
    pixels = rng.normal(200, 20, (n, c, h, w))
    for i, k in enumerate(kind):
        y, x = h // 2, w // 2
        high, across = ((1, w // 2), (h // 2, 1), (h // 4, w // 4))[k]
        pixels[i, :, max(y - high, 0) : y + high, max(x - across, 0) : x + across] += rng.uniform(2000, 3000)
    return ArraySamples(pixels.astype(np.uint16), {"label": np.array(["across", "down", "square"])[kind].tolist()})


@pytest.fixture(scope="module")
def shapes() -> ArraySamples:
    return bars(140)


@pytest.fixture(scope="module")
def fitted(shapes: ArraySamples) -> Fitted:
    return deep_cluster.fit(shapes, deep_cluster.Config(**QUICK), PRECISE)


def test_clusters_are_the_shapes_and_the_first_is_the_largest(fitted: Fitted, shapes: ArraySamples) -> None:
    found = deep_cluster.predict(fitted, shapes)
    clusters = found.column("cluster").astype(str)
    assert clustering_accuracy(clusters, shapes.obs["label"]) > 0.95
    sizes = [int((clusters == name).sum()) for name in ("1", "2", "3")]
    assert sizes == sorted(sizes, reverse=True)
    assert fitted.facts["cluster_sizes"] == sizes


def test_memberships_are_shares_and_the_largest_decides(fitted: Fitted, shapes: ArraySamples) -> None:
    found = deep_cluster.predict(fitted, shapes)
    membership = found.adata.obsm["membership"]
    assert membership.shape == (140, 3)
    np.testing.assert_allclose(membership.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(membership.argmax(axis=1) + 1, found.column("cluster").astype(int))
    np.testing.assert_array_equal(membership.max(axis=1), found.column("confidence"))


def test_both_stages_stand_in_one_history(fitted: Fitted) -> None:
    assert [row["epoch"] for row in fitted.history] == list(range(1, len(fitted.history) + 1))
    first, second = ([row for row in fitted.history if row["stage"] == stage] for stage in (1, 2))
    assert len(first) == 24
    assert 1 <= len(second) <= 6
    assert first[-1]["loss"] < first[0]["loss"]
    assert first[-1]["loss"] == pytest.approx(first[-1]["reconstruction"] + first[-1]["mmd"], rel=1e-5)
    assert second[-1]["loss"] == pytest.approx(second[-1]["reconstruction"] + 0.1 * second[-1]["clustering"], rel=1e-5)
    assert second[0]["changed"] == 1  # none had a cluster before


def test_a_seeded_fit_gives_the_same_numbers_as_ever(fitted: Fitted, request: pytest.FixtureRequest) -> None:
    found = {key: fitted.history[23][key] for key in ("loss", "reconstruction")}
    if request.config.getoption("--regenerate"):
        EXPECTED.write_text(json.dumps(found, indent=2) + "\n")
    assert found == pytest.approx(json.loads(EXPECTED.read_text()), rel=0.05)


def test_it_is_told_where_the_clustering_stage_has_fewer_epochs_than_asked_for() -> None:
    few, enough = (
        deep_cluster.fit(bars(20), deep_cluster.Config(**{**QUICK, "epochs": epochs, "clustering_epochs": 3}), PRECISE)
        for epochs in (4, 6)
    )
    assert any("2 epochs at most, half of all, and not 3" in text for text in few.facts["warnings"])
    assert not any("at most" in text for text in enough.facts["warnings"])


def test_rounds_of_one_epoch_say_nothing_of_changes() -> None:
    """In the first epoch of a round no image had a cluster before."""
    short = {"epochs": 8, "clustering_epochs": 4, "rounds": 4}
    fitted = deep_cluster.fit(bars(20), deep_cluster.Config(**{**QUICK, **short}), PRECISE)
    assert fitted.history[-1]["changed"] == 1
    assert not any("still changed" in text for text in fitted.facts["warnings"])


def test_it_stops_once_the_clusters_settle(shapes: ArraySamples) -> None:
    config = deep_cluster.Config(**{**QUICK, "epochs": 40, "clustering_epochs": 20, "tolerance": 0.05})
    history = deep_cluster.fit(shapes, config, PRECISE).history
    assert history[-1]["changed"] < 0.05
    assert len(history) < 40


@pytest.mark.parametrize(
    ("regulariser", "clustering", "terms"),
    [
        ("none", False, set()),
        ("none", True, {"clustering", "changed"}),
        ("kl", False, {"kl"}),
        ("mmd", False, {"mmd"}),
        ("mmd", True, {"mmd", "clustering", "changed"}),
    ],
)
def test_the_rows_of_the_ablation_are_settings(regulariser: str, clustering: bool, terms: set[str]) -> None:
    config = {"regulariser": regulariser, "clustering": clustering}
    fitted = deep_cluster.fit(bars(20), deep_cluster.Config(**{**QUICK, "epochs": 2}, **config), PRECISE)
    found = {key for row in fitted.history for key in row}
    assert found == {"epoch", "loss", "reconstruction", "learning_rate", "seconds", "stage"} | terms
    assert ("logvar.weight" in fitted.weights) == (regulariser == "kl")
    assert fitted.weights["centres"].shape == (3, 3)


def test_consistency_brings_augmented_versions_of_an_image_together(shapes: ArraySamples) -> None:
    """Of a moved image the vector lies nearer to that of the image itself, in units of what divides images."""
    moved = {"augment": {"shift": 0.2, "edge": True}, "clustering": False}
    generator = torch.Generator().manual_seed(0)
    pixels = torch.from_numpy(shapes.read(np.arange(140)).astype(np.float32))
    others = ArraySamples(affine(pixels, generator, shift=0.2, edge=True).numpy().astype(np.uint16))

    def distance(weight: float) -> float:
        config = deep_cluster.Config(**{**QUICK, **moved, "consistency": weight})
        fitted = deep_cluster.fit(shapes, config, PRECISE)
        z, other = (deep_cluster.predict(fitted, images).latent for images in (shapes, others))
        return float(((z - other) ** 2).sum(axis=1).mean() / z.var(axis=0).sum())

    assert distance(0.5) < 0.1 * distance(0)
    with pytest.raises(ValidationError, match="say augment, too"):
        deep_cluster.Config(consistency=0.1)


def test_without_the_clustering_stage_samples_are_of_the_nearest_mean(shapes: ArraySamples) -> None:
    config = deep_cluster.Config(**{**QUICK, "clustering": False})
    fitted = deep_cluster.fit(shapes, config, PRECISE)
    found = deep_cluster.predict(fitted, shapes)
    distances = ((found.latent[:, None] - fitted.weights["centres"]) ** 2).sum(axis=2)
    np.testing.assert_array_equal(distances.argmin(axis=1) + 1, found.column("cluster").astype(int))


def test_a_number_is_proposed_where_none_is_given(shapes: ArraySamples) -> None:
    config = {**QUICK, "clusters": "auto", "most_clusters": 5}
    fitted = deep_cluster.fit(shapes, deep_cluster.Config(**config), PRECISE)
    assert fitted.facts["clusters"] == 3
    assert [row["k"] for row in fitted.facts["numbers_tried"]] == [2, 3, 4, 5]


def test_clusters_may_start_on_a_map(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups that k-means would cut: two long ones side by side, which a map brings to two points."""
    rng = np.random.default_rng(0)
    side = np.arange(90) % 3 > 0
    latent = np.stack([rng.uniform(-50, 50, 90), 4.0 * side], axis=1)

    class Map:
        def __init__(self, **how: Any) -> None:
            assert how["n_components"] == 2

        def fit_transform(self, z: np.ndarray) -> np.ndarray:
            return z / [100, 1] + rng.normal(0, 0.1, z.shape)

    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=Map))
    np.testing.assert_array_equal(starting_clusters(latent, 2, "umap", 0), 1 - side)  # the larger is 0
    assert clustering_accuracy(starting_clusters(latent, 2, "kmeans", 0), side) < 0.7


@pytest.mark.parametrize("seed", range(3))
def test_a_mixture_only_moves_the_borders_of_compact_groups(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The likeliest mixture would divide an angle into its two thin arms, and join two round groups."""
    rng = np.random.default_rng(0)
    along, across = rng.uniform(0, 1, 200), rng.normal(0, 0.01, 200)
    angle = np.concatenate([np.stack([along, across], 1), np.stack([across, along], 1)])
    latent = np.concatenate([angle, rng.normal((5, 0), 0.4, (200, 2)), rng.normal((5, 3), 0.4, (200, 2))])

    class Map:
        def __init__(self, **how: Any) -> None: ...

        def fit_transform(self, z: np.ndarray) -> np.ndarray:
            return z

    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=Map))
    truth = np.repeat([0, 1, 2], [400, 200, 200])
    assert clustering_accuracy(starting_clusters(latent, 3, "umap", seed), truth) == 1


@pytest.mark.parametrize("seed", range(3))
def test_a_drawn_out_group_that_augmentation_crosses_is_not_cut(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside it lie two small groups: to join these is more compact, but augmented samples do not go between them."""
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], [400, 60, 60])
    latent = rng.normal(0, 0.2, (520, 2)) + np.array([(0, 0), (8, 0), (8, 2)])[truth]
    latent[:400, 1] = rng.uniform(-1.5, 1.5, 400)
    views = latent + rng.normal(0, 0.2, (4, 520, 2))
    views[:, :400, 1] = rng.uniform(-1.5, 1.5, (4, 400))

    class Map:
        def __init__(self, **how: Any) -> None: ...

        def fit_transform(self, z: np.ndarray) -> np.ndarray:
            return z

    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=Map))
    assert clustering_accuracy(starting_clusters(latent, 3, "umap", seed), truth) < 0.9
    assert clustering_accuracy(starting_clusters(latent, 3, "umap", seed, views), truth) > 0.99


def test_modularity_is_the_share_of_links_within_beyond_that_by_chance() -> None:
    from networkx import Graph
    from networkx.algorithms.community import modularity as of_networkx

    rng = np.random.default_rng(0)
    latent, clusters = rng.normal(0, 1, (30, 2)), rng.integers(3, size=30)
    links = links_of(latent, latent[None] + 0.1)
    parts = [set(np.flatnonzero(clusters == i).tolist()) for i in range(3)]
    dense = links.toarray()
    assert (dense == dense.T).all()
    weighed = Graph()
    weighed.add_weighted_edges_from(
        (i, j, dense[i, j] / (1 + (i == j))) for i in range(30) for j in range(i, 30) if dense[i, j]
    )
    assert modularity(links, clusters) == pytest.approx(of_networkx(weighed, parts))


def test_a_proposal_is_apart_and_found_again() -> None:
    rng = np.random.default_rng(0)
    centres = np.array([[0, 0], [6, 0], [0, 6], [6, 6]])
    k, table = deep_cluster.propose(centres[np.arange(200) % 4] + rng.normal(0, 0.5, (200, 2)), most=6)
    assert k == 4
    best = table[2]
    assert best["silhouette"] > 0.7
    assert best["stability"] > 0.95
    assert deep_cluster.propose(np.zeros((50, 2)))[0] == 1


@pytest.mark.parametrize("network", ["pooled", "strided"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 17), (2, 16, 16), (1, 28, 28), (4, 45, 70)])
def test_any_size_and_number_of_channels_will_do(shape: tuple[int, int, int], network: str) -> None:
    samples = bars(12, shape)
    config = deep_cluster.Config(epochs=2, width=4, clusters=2, network=network)
    fitted = deep_cluster.fit(samples, config, PRECISE)
    inputs, outputs = deep_cluster.reconstruct(fitted, samples)
    assert inputs.shape == outputs.shape == (12, *shape)
    assert 0 <= outputs.min() <= outputs.max() <= 1


def test_28_pixels_have_the_network_of_the_source() -> None:
    rows, facts = deep_cluster.layers(deep_cluster.Config(), (1, 28, 28))
    convolutions = [row.shape for row in rows if row.kind.startswith("Conv2d")]
    encoder = [(1, 32, 28, 28), (1, 64, 14, 14), (1, 256, 7, 7)]
    assert convolutions == [*encoder, (1, 64, 4, 4), (1, 32, 7, 7), (1, 16, 14, 14), (1, 1, 28, 28)]
    by_shape = {row.shape: row.parameters for row in rows if row.kind.startswith("Conv2d")}
    assert by_shape[1, 256, 7, 7] == 64 * 256 * 25 + 256
    assert facts["halved"].startswith("2 times")
    assert plan((1, 16, 16)).deepest == (4, 4)
    assert plan((3, 140, 140)).widths == (32, 64, 128, 256, 256, 256)
    strided = plan((1, 28, 45), kind="strided")
    assert strided.widths == (32, 64, 128, 256)
    assert strided.decoder_sizes == ((2, 3), (4, 6), (7, 12), (14, 23), (28, 45))


def test_too_small_images_and_too_few_of_them_are_refused() -> None:
    with pytest.raises(InputError, match="at least 1 channel and 8 x 8 pixels"):
        deep_cluster.fit(bars(9, (1, 7, 9)), deep_cluster.Config(epochs=2))
    with pytest.raises(InputError, match="use depth 'auto' or at most 3"):
        plan((1, 12, 12), depth=4)
    with pytest.raises(InputError, match="9 samples are too few"):
        deep_cluster.fit(bars(9), deep_cluster.Config(epochs=2, clusters=10))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"preset": "best"}, "there is no preset 'best'"),
        ({"kernel": [0.0]}, "numbers above 0"),
        ({"clusters": 0}, "clusters is 'auto' or at least 1"),
        ({"percentiles": [5, 2]}, "the low one first"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        deep_cluster.Config.parse(settings)


def test_epochs_are_shared_by_the_stages() -> None:
    def stages(**settings: Any) -> tuple[int, ...]:
        return deep_cluster.Config(**settings).stages

    assert stages() == (200, 100)
    assert stages(clustering=False, epochs=20) == (20,)
    assert stages(epochs=7) == (4, 3)
    assert stages(epochs=40, clustering_epochs=11, rounds=2) == (29, 6, 5)
    assert stages(epochs=2, rounds=3) == (1, 1)


def test_neighbours_agree_on_a_target(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample that lies nearer to the other centre, among samples of this one, is told to stay with them."""
    latent = np.array([[0.0], [0.1], [0.2], [1.1], [5.0], [5.1]], np.float32)
    model = Clusterer(Autoencoder(plan((1, 8, 8), width=2), 1), torch.tensor([[0.0], [2.0]]), 6)
    monkeypatch.setattr(fitting, "_latents", lambda *_: latent)
    rows = np.arange(6)
    for neighbours, cluster in ((0, 1), (3, 0)):
        fitting._aim(model, None, rows, 0, None, neighbours=neighbours)  # type: ignore[arg-type]
        assert model.target[3].argmax() == cluster
        np.testing.assert_allclose(model.target.sum(dim=1), 1, atol=1e-6)
    assert model.made.tolist() == [0, 0]  # nothing changed from the one to the other: assignments are those of each


def test_each_round_begins_with_clusters_of_its_own_and_is_guided_by_them(shapes: ArraySamples) -> None:
    given = {**QUICK, "epochs": 40, "clustering_epochs": 20, "rounds": 2, "guided_epochs": 3, "tolerance": 0.5}
    config = deep_cluster.Config(**given, network="strided", reconstruct="original", augment={"shift": 0.05})
    fitted = deep_cluster.fit(shapes, config, PRECISE)
    stages = [int(row["stage"]) for row in fitted.history]
    # Each round ends as soon as it may: three epochs are guided, and then it is asked whether much has changed.
    assert [stages.count(stage) for stage in (1, 2, 3)] == [20, 5, 5]
    found = deep_cluster.predict(fitted, shapes)
    assert clustering_accuracy(found.column("cluster").astype(str), shapes.obs["label"]) > 0.95


def test_what_is_made_of_an_image_is_given_back_as_the_image() -> None:
    x = torch.rand((4, 1, 8, 8), generator=torch.Generator().manual_seed(0))
    config = deep_cluster.Config(reconstruct="original", augment={"dihedral": False, "shift": 0.2})
    for reconstruct, training in (("original", True), ("original", False), ("seen", True)):
        settings = config.model_copy(update={"reconstruct": reconstruct})
        generator = torch.Generator().manual_seed(0)
        seen, wanted = _seen_and_wanted(x, generator, settings, training=training)
        assert torch.equal(seen, x) != training
        assert torch.equal(wanted, x if reconstruct == "original" else seen)


def test_a_preset_gives_way_to_what_is_set() -> None:
    plain, other = deep_cluster.Config(), deep_cluster.Config(preset="recommended", latent=5)
    assert plain == deep_cluster.Config(preset="seed")
    assert other.latent == 5
    assert other != plain.model_copy(update={"latent": 5, "preset": "recommended"})
    assert deep_cluster.Config.parse(other.model_dump(mode="json")) == other
    turned = deep_cluster.Config.parse({"preset": "recommended", "augment.rotation": 90})
    assert turned.augment == other.augment.model_copy(update={"rotation": 90})
    assert not deep_cluster.Config(augment={"shift": 0.1}).augment.dihedral


def test_a_saved_model_predicts_the_same(fitted: Fitted, shapes: ArraySamples, tmp_path: Path) -> None:
    model = Model(**{name: getattr(fitted, name) for name in ("method", "config", "weights", "facts", "history")})
    again = load_model(model.save(tmp_path / "model"), lambda method: deep_cluster.Config)
    one, two = (deep_cluster.predict(each, shapes) for each in (again, fitted))
    np.testing.assert_array_equal(one.latent, two.latent)
    np.testing.assert_array_equal(one.column("cluster"), two.column("cluster"))


def test_weights_and_samples_of_another_shape_are_refused(fitted: Fitted) -> None:
    weights = {**fitted.weights, "mean.weight": fitted.weights["mean.weight"][:, :-1]}
    with pytest.raises(ModelError, match=r"mean\.weight"):
        deep_cluster.predict(Fitted(fitted.method, fitted.config, weights, fitted.facts), bars(3))
    with pytest.raises(InputError, match=r"1 channel of 12 x 12.*coverslip samples crop"):
        deep_cluster.predict(fitted, bars(3, (1, 16, 16)))


@pytest.mark.parametrize("checks", [1, 3, 4, 5, 7, 8])
def test_a_fit_stopped_after_any_step_goes_on_to_the_same_weights(
    checks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two steps an epoch, two epochs of each stage: targets of the clustering stage last through one."""
    settings = {**QUICK, "epochs": 4, "clustering_epochs": 2, "batch": 8, "tolerance": 0}

    def weights_of(folder: Path) -> Mapping[str, np.ndarray]:
        run = Run(folder=folder, resume=True, device="cpu", precision="fp32", save_every=0.0)
        return cs.fit("deep_cluster", bars(16), settings, run=run).weights

    uninterrupted = weights_of(tmp_path / "whole")
    asked = iter(range(1, 100))
    monkeypatch.setattr(_Loop, "_stopping", lambda self: next(asked) == checks)
    with pytest.raises(Stopped, match="--resume"):
        weights_of(tmp_path / "parts")
    monkeypatch.undo()
    resumed = weights_of(tmp_path / "parts")
    assert resumed.keys() == uninterrupted.keys()
    assert all(np.array_equal(resumed[name], uninterrupted[name]) for name in resumed)


def test_held_out_samples_are_watched_in_both_stages() -> None:
    config = {**QUICK, "epochs": 4, "clustering_epochs": 2, "validation": 0.25, "tolerance": 0}
    fitted = deep_cluster.fit(bars(40), deep_cluster.Config(**config), PRECISE)
    assert fitted.facts["val"] == 10
    assert all(np.isfinite(row["val_loss"]) for row in fitted.history)
    assert sum(fitted.facts["cluster_sizes"]) == 30


def test_an_almost_empty_cluster_is_said_plainly(shapes: ArraySamples) -> None:
    many = deep_cluster.Config(**{**QUICK, "clusters": 130, "epochs": 2})
    (warning,) = (text for text in deep_cluster.fit(shapes, many, PRECISE).warnings if "hold less than 1%" in text)
    assert "ask for fewer" in warning


def test_figures_show_reconstructions_and_each_cluster(fitted: Fitted, shapes: ArraySamples) -> None:
    pairs, clusters = deep_cluster.illustrate(fitted, shapes)
    assert pairs.content["inputs"].shape == pairs.content["outputs"].shape == (16, 1, 12, 12)
    assert clusters.content["images"].shape == (3, 8, 1, 12, 12)
    assert clusters.content["names"][0] == f"cluster 1 · {fitted.facts['cluster_sizes'][0]}"


def test_predicting_keeps_the_clusters_of_the_method(fitted: Fitted, shapes: ArraySamples) -> None:
    from coverslip.results.embedding.prediction import add_clusters

    found = deep_cluster.predict(fitted, shapes)
    own = found.column("cluster").copy()
    add_clusters(found, "auto")
    np.testing.assert_array_equal(found.column("cluster"), own)
    add_clusters(found, 2)
    assert set(found.column("cluster")) == {"1", "2"}
