"""A fitted VAE encodes, decodes, samples and says what it does not know."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from coverslip.core.errors import InputError, ModelError
from coverslip.core.fitted import Fitted
from coverslip.core.samples import ArraySamples, Subset
from coverslip.measure import linear_probe
from coverslip.methods import vae
from coverslip.models.folder import Model, load_model
from coverslip.train.run import Run

QUICK = {"latent": 3, "epochs": 40, "width": 8, "beta": 0.02, "batch": 16}
PRECISE = Run(device="cpu", precision="fp32")
EXPECTED = Path(__file__).parent / "expected.json"


@pytest.fixture(scope="module")
def fitted(disc_samples: ArraySamples) -> Fitted:
    return vae.fit(disc_samples, vae.Config(**QUICK), PRECISE)


def test_the_loss_falls(fitted: Fitted) -> None:
    first, last = fitted.history[0], fitted.history[-1]
    assert last["loss"] < 0.5 * first["loss"]
    assert last["val_loss"] < first["val_loss"]
    assert last["loss"] == pytest.approx(last["reconstruction"] + 0.02 * last["kl"], rel=1e-5)


def test_latents_tell_what_the_crops_differ_in(fitted: Fitted, disc_samples: ArraySamples) -> None:
    table = vae.predict(fitted, disc_samples)
    assert table.latent.shape == (60, 3)
    assert linear_probe(table.latent, table.column("label")).balanced_accuracy.value > 0.9


def test_a_seeded_fit_gives_the_same_numbers_as_ever(fitted: Fitted, request: pytest.FixtureRequest) -> None:
    found = {key: fitted.history[-1][key] for key in ("loss", "reconstruction", "kl", "val_loss")}
    if request.config.getoption("--regenerate"):
        EXPECTED.write_text(json.dumps(found, indent=2) + "\n")
    expected = json.loads(EXPECTED.read_text())
    # Machines round differently, and forty epochs amplify it.
    assert found == pytest.approx(expected, rel=0.05)


def test_the_same_seed_gives_the_same_weights(disc_samples: ArraySamples) -> None:
    config = vae.Config(**{**QUICK, "epochs": 2})
    one, two = (vae.fit(disc_samples, config, PRECISE) for _ in range(2))
    other = vae.fit(disc_samples, config.model_copy(update={"seed": 1}), PRECISE)
    assert all(np.array_equal(one.weights[name], two.weights[name]) for name in one.weights)
    assert not np.array_equal(one.weights["mu.weight"], other.weights["mu.weight"])


def test_a_saved_model_predicts_the_same(fitted: Fitted, disc_samples: ArraySamples, tmp_path: Path) -> None:
    model = Model(**{name: getattr(fitted, name) for name in ("method", "config", "weights", "facts", "history")})
    again = load_model(model.save(tmp_path / "model"), lambda method: vae.Config)
    assert np.array_equal(vae.predict(again, disc_samples).latent, vae.predict(fitted, disc_samples).latent)


def test_weights_of_another_shape_are_refused(fitted: Fitted, disc_samples: ArraySamples) -> None:
    weights = {**fitted.weights, "mu.weight": fitted.weights["mu.weight"][:, :-1]}
    foreign = Fitted(fitted.method, fitted.config, weights, fitted.facts)
    with pytest.raises(ModelError, match=r"mu\.weight"):
        vae.predict(foreign, disc_samples)


def test_samples_of_another_shape_are_refused_with_the_remedy(fitted: Fitted) -> None:
    with pytest.raises(InputError, match=r"2 channels of 16 x 16.*coverslip samples crop"):
        vae.predict(fitted, ArraySamples(np.ones((4, 2, 20, 20), np.uint16)))


def test_decoding_undoes_the_normalisation_when_asked(fitted: Fitted, disc_samples: ArraySamples) -> None:
    mu, _ = vae.encode(fitted, disc_samples)
    scaled, raw = vae.decode(fitted, mu[:4]), vae.decode(fitted, mu[:4], raw=True)
    assert scaled.shape == (4, 2, 16, 16)
    assert 0 <= scaled.min() <= scaled.max() <= 1
    truth = disc_samples.read([0, 1, 2, 3]).astype(float)
    assert np.abs(raw - truth).mean() < 0.5 * np.abs(truth - truth.mean()).mean()


def test_interpolation_begins_and_ends_at_its_ends(fitted: Fitted) -> None:
    start, end = np.zeros(3), np.ones(3)
    path = vae.interpolate(fitted, start, end, steps=5)
    np.testing.assert_allclose(path[[0, -1]], vae.decode(fitted, np.stack([start, end])), atol=1e-6)
    np.testing.assert_allclose(path[2], vae.decode(fitted, np.full((1, 3), 0.5))[0], atol=1e-6)


def test_samples_from_the_prior_follow_the_seed(fitted: Fitted) -> None:
    assert np.array_equal(vae.sample(fitted, 3, seed=1), vae.sample(fitted, 3, seed=1))
    assert not np.array_equal(vae.sample(fitted, 3, seed=1), vae.sample(fitted, 3, seed=2))


def test_a_traversal_moves_one_dimension(fitted: Fitted) -> None:
    images, values = vae.traverse(fitted, np.array([-1.0, 0.0, 1.0]), dimensions=[2])
    assert images.shape == (1, 3, 2, 16, 16)
    z = np.array([[0, 0, v] for v in values])
    np.testing.assert_allclose(images[0], vae.decode(fitted, z), atol=1e-6)


def test_strange_crops_score_as_anomalies(fitted: Fitted, disc_samples: ArraySamples) -> None:
    stripes = np.zeros((4, 2, 16, 16), np.uint16)
    stripes[:, :, ::2] = 3000
    ordinary = vae.predict(fitted, disc_samples).column("anomaly")
    assert vae.predict(fitted, ArraySamples(stripes)).column("anomaly").min() > ordinary.max()


@pytest.fixture(scope="module")
def collapsed(disc_samples: ArraySamples) -> Fitted:
    return vae.fit(disc_samples, vae.Config(**{**QUICK, "epochs": 5, "beta": 1000.0}), PRECISE)


def test_a_collapsed_posterior_is_said_plainly(collapsed: Fitted) -> None:
    assert collapsed.facts["active_units"] == 0
    assert collapsed.facts["active"] == [False] * 3
    (warning,) = collapsed.warnings
    assert "lower beta" in warning


def test_one_held_out_crop_is_not_taken_for_a_collapse(disc_samples: ArraySamples) -> None:
    words = np.array(["train"] * 59 + ["val"])
    given = ArraySamples(disc_samples.read(np.arange(60)), {"split": words})
    fitted = vae.fit(given, vae.Config(**{**QUICK, "epochs": 10}), PRECISE)
    assert fitted.facts["active_units"] > 0


def test_figures_show_reconstructions_traversals_and_the_use_of_latents(
    fitted: Fitted, disc_samples: ArraySamples
) -> None:
    pairs, series, latents = vae.illustrate(fitted, disc_samples)
    assert [shown.form for shown in (pairs, series, latents)] == ["pairs", "series", "latents"]
    assert pairs.content["inputs"].shape == pairs.content["outputs"].shape == (16, 2, 16, 16)
    error = ((pairs.content["inputs"] - pairs.content["outputs"]) ** 2).mean(axis=(1, 2, 3))
    assert error[0] < error[-1]
    kl = latents.content["kl"]
    assert series.content["names"] == [f"z{d} · {kl[d]:.2g} nats" for d in np.argsort(-kl)]
    assert series.content["images"].shape == (3, len(series.content["values"]), 2, 16, 16)


def test_the_figure_counts_the_latents_in_use_as_the_fit_did(
    fitted: Fitted, collapsed: Fitted, disc_samples: ArraySamples
) -> None:
    alike = Subset(disc_samples, [0, 0, 0, 0])  # on which no latent varies
    for one, rows in ((fitted, disc_samples), (fitted, alike), (collapsed, disc_samples)):
        *_, latents = vae.illustrate(one, rows)
        assert (~latents.content["collapsed"]).tolist() == one.facts["active"]


def test_a_split_column_decides_what_is_trained_on(disc_samples: ArraySamples) -> None:
    words = np.array(["train"] * 40 + ["val"] * 12 + ["test"] * 8)
    given = ArraySamples(disc_samples.read(np.arange(60)), {"split": words})
    facts = vae.fit(given, vae.Config(**{**QUICK, "epochs": 1}), PRECISE).facts
    assert (facts["train"], facts["val"], facts["split_by"]) == (40, 12, "split")


def test_crops_of_one_image_are_never_divided(disc_samples: ArraySamples) -> None:
    from coverslip.train.split import training_split

    images = np.repeat([f"field {i}" for i in range(6)], 10)
    parts, by = training_split(ArraySamples(disc_samples.read(np.arange(60)), {"source_image": images}), vae.Config())
    assert by == "source_image"
    assert not set(images[parts["train"]]) & set(images[parts["val"]])
    assert len(parts["val"]) == 10


def test_a_learned_noise_level_learns_as_well(disc_samples: ArraySamples) -> None:
    history = vae.fit(disc_samples, vae.Config(**{**QUICK, "epochs": 6, "likelihood": "gaussian"}), PRECISE).history
    assert history[-1]["val_reconstruction"] < history[0]["val_reconstruction"]


def test_settings_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(InputError, match="choose normalise"):
        vae.Config.parse({"normalise": "zscore", "augment.noise": 0.1})
    with pytest.raises(InputError, match="no preset 'mp9'"):
        vae.Config.parse({"preset": "mp9"})
    with pytest.raises(InputError, match=r"The setting 'depth' cannot be 2\.5"):
        vae.Config.parse({"depth": 2.5})


def test_tiny_sets_are_refused() -> None:
    with pytest.raises(InputError, match="at least 2 samples"):
        vae.fit(ArraySamples(np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)))


def test_a_subset_is_embedded_as_the_whole(fitted: Fitted, disc_samples: ArraySamples) -> None:
    rows = [5, 3, 41]
    part = vae.predict(fitted, Subset(disc_samples, rows)).latent
    np.testing.assert_allclose(part, vae.predict(fitted, disc_samples).latent[rows], atol=1e-4)


def test_with_free_orientation_a_turned_crop_has_the_same_vector(disc_samples: ArraySamples) -> None:
    free = vae.fit(disc_samples, vae.Config(**{**QUICK, "epochs": 3, "orientation": "free"}), PRECISE)
    pixels = disc_samples.read(np.arange(6))
    turned = ArraySamples(np.ascontiguousarray(np.rot90(pixels, 1, (2, 3))[..., ::-1]))
    as_is, about = vae.encode(free, ArraySamples(pixels))[0], vae.encode(free, turned)[0]
    np.testing.assert_allclose(as_is, about, atol=1e-4)
    assert np.ptp(as_is, axis=0).max() > 1e-3


def test_unless_told_it_takes_as_many_epochs_as_two_minutes_allow() -> None:
    assert vae.Config().for_samples(564, 64, 64).epochs == 25
    assert vae.Config().for_samples(100, 32, 32).epochs == 100
    assert vae.Config().for_samples(100_000, 64, 64).epochs == 10
    assert vae.Config(epochs=300).for_samples(100_000, 64, 64).epochs == 300
