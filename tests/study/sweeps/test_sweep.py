"""Sweeps: every combination once, also when it is stopped in between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import coverslip as cs
from coverslip import figures, measure
from coverslip.core.errors import InputError, Stopped
from coverslip.core.fields import ArrayFields, FieldSubset
from coverslip.core.samples import ArraySamples, Subset
from coverslip.read import read_table
from coverslip.study.sweeps import sweep
from coverslip.study.sweeps.sweep import run_sweep
from coverslip.train.loop import _Loop
from coverslip.train.split import training_split

SETTINGS = {"width": 4, "epochs": 2, "batch": 16}


@pytest.fixture(scope="module")
def samples() -> ArraySamples:
    """Patches of a real stained section, from its dark and its light parts."""
    from skimage.data import immunohistochemistry

    field = np.moveaxis(immunohistochemistry(), -1, 0)
    corners = [(y, x) for y in range(0, 480, 64) for x in range(0, 480, 64)][:48]
    array = np.stack([field[:, y : y + 16, x : x + 16] for y, x in corners])
    brightness = array.mean(axis=(1, 2, 3))
    label = np.where(brightness > np.median(brightness), "light", "dark")
    return ArraySamples(array, {"label": label})


def sweep_of(samples: ArraySamples, out: Path, **options: Any) -> list[dict[str, Any]]:
    given = {"over": {"beta": [0.1, 1]}, "settings": SETTINGS, "device": "cpu", **options}
    return run_sweep("vae", samples, given.pop("over"), out, **given)


def weights_of(out: Path) -> dict[str, int]:
    return {path.parent.name: path.stat().st_mtime_ns for path in out.glob("fits/*/weights.safetensors")}


def test_every_combination_is_fitted_and_tabled(samples: ArraySamples, tmp_path: Path) -> None:
    rows = sweep_of(samples, tmp_path, over={"beta": [0.1, 1], "latent": [2, 3]})
    assert [(row["beta"], row["latent"]) for row in rows] == [(0.1, 2), (0.1, 3), (1, 2), (1, 3)]
    assert set(weights_of(tmp_path)) == {f"beta={beta},latent={latent}" for beta in (0.1, 1) for latent in (2, 3)}
    table = read_table(tmp_path / "sweep.csv")
    for key in ("beta", "latent", "val_loss", "val_reconstruction", "val_kl", "active_units", "probe"):
        np.testing.assert_allclose(table[key].astype(float), [row[key] for row in rows])
    assert (tmp_path / "sweep.png").stat().st_size > 10_000
    assert (tmp_path / "losses.png").is_file()


def test_terms_compare_across_beta_where_losses_do_not(
    samples: ArraySamples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    draw = figures.sweep_figure
    monkeypatch.setattr(
        figures,
        "sweep_figure",
        lambda rows, over, measures, **how: drawn.extend(measures) or draw(rows, over, measures),
    )
    low, high = sweep_of(samples, tmp_path)
    assert drawn == ["val_reconstruction", "val_kl", "val_beta_kl", "active_units", "val_unexplained", "probe"]
    for row, beta in ((low, 0.1), (high, 1)):
        assert row["val_beta_kl"] == beta * row["val_kl"]
        assert row["beta_kl"] == beta * row["kl"]
        assert row["val_loss"] == pytest.approx(row["val_reconstruction"] + beta * row["val_kl"], rel=1e-5)
    assert {"val_reconstruction", "val_kl"} <= set(read_table(tmp_path / "sweep.csv"))


def test_what_is_not_given_back_compares_however_intensities_are_scaled(
    samples: ArraySamples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    draw = figures.sweep_figure
    monkeypatch.setattr(
        figures,
        "sweep_figure",
        lambda rows, over, measures, **how: drawn.extend(measures) or draw(rows, over, measures),
    )
    rows = sweep_of(samples, tmp_path, over={"normalise": ["dtype", "zscore"]})
    assert drawn == ["val_kl", "val_beta_kl", "active_units", "val_unexplained", "probe"]
    for row in rows:
        model = cs.load(tmp_path / "fits" / f"normalise={row['normalise']}")
        held_out = np.setdiff1d(np.arange(len(samples)), training_split(samples, model.config)[0]["train"])
        raw = samples.read(held_out).astype(float)
        shown = cs.methods.vae.decode(model, cs.methods.vae.encode(model, Subset(samples, held_out))[0], raw=True)
        error = np.square(raw - shown).mean((0, 2, 3)) / raw.var((0, 2, 3))
        assert row["val_unexplained"] == pytest.approx(error.mean(), rel=0.02)  # raw ones are whole numbers


def test_autoencoders_are_shown_side_by_side_on_the_same_images(
    samples: ArraySamples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[Any, ...]] = []
    draw, curves = figures.reconstruction_grid, figures.loss_curves
    monkeypatch.setattr(figures, "reconstruction_grid", lambda *given: shown.append(given) or draw(*given))
    monkeypatch.setattr(
        figures, "loss_curves", lambda h, **how: shown.append((h, how["first_epoch"])) or curves(h, **how)
    )
    rows = sweep_of(samples, tmp_path, over={"latent": [2, 3]}, restarts=2, first_epoch=2)
    (inputs, outputs, *_), (histories, first) = shown
    assert list(outputs) == ["latent=2", "latent=3"]  # of each combination the first seed
    model = cs.load(tmp_path / "fits" / "latent=3,seed=0")
    places = [i for i in range(len(samples)) for one in inputs if np.array_equal(samples.read([i])[0], one)]
    assert len(places) == len(inputs) == 8
    _, given_back = cs.methods.vae.reconstruct(model, Subset(samples, places), device="cpu")
    scale = np.array(model.facts["normaliser"]["scale"])[:, None, None]
    offset = np.array(model.facts["normaliser"]["offset"])[:, None, None]
    np.testing.assert_allclose(outputs["latent=3"], given_back * scale + offset, rtol=1e-4)
    assert first == 2
    assert {"kl", "beta_kl", "val_beta_kl"} <= set(histories["latent=2,seed=1"][0])
    page = (tmp_path / "report.html").read_text("utf-8")
    assert all(words in page for words in ("Reconstructions", "KL of each latent dimension", "Losses by epoch"))
    assert ("What fits said" in page) == any(row["note"] for row in rows)
    assert rows[0]["kl_z0"] + rows[0]["kl_z1"] == pytest.approx(rows[0]["val_kl"], rel=0.01)
    assert np.isnan(rows[0]["kl_z2"])
    assert np.isfinite(rows[2]["kl_z2"])
    assert read_table(tmp_path / "sweep.csv")["kl_z2"].astype(float)[2] == pytest.approx(rows[2]["kl_z2"])


def test_a_second_run_fits_only_what_is_missing(
    samples: ArraySamples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit, fitted = sweep.fit_once, []

    def stops_after_the_first(*arguments: Any, **options: Any) -> Any:
        if fitted:
            raise Stopped("Ctrl-C")
        fitted.append(arguments[2].name)
        return fit(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(sweep, "fit_once", stops_after_the_first)
        with pytest.raises(Stopped):
            sweep_of(samples, tmp_path)
    assert fitted == ["beta=0.1"]
    before = weights_of(tmp_path)
    assert set(before) == {"beta=0.1"}
    rows = sweep_of(samples, tmp_path)
    after = weights_of(tmp_path)
    assert set(after) == {"beta=0.1", "beta=1"}
    assert after["beta=0.1"] == before["beta=0.1"]
    fresh = sweep_of(samples, tmp_path / "fresh")
    for key in ("val_loss", "probe", "active_units"):
        assert [row[key] for row in rows] == [row[key] for row in fresh]


def test_restarts_differ_in_their_seed_alone(samples: ArraySamples, tmp_path: Path) -> None:
    rows = sweep_of(samples, tmp_path, restarts=2, settings={**SETTINGS, "seed": 7})
    assert [(row["beta"], row["seed"]) for row in rows] == [(0.1, 7), (0.1, 8), (1, 7), (1, 8)]
    assert rows[0]["loss"] != rows[1]["loss"]
    assert set(weights_of(tmp_path)) == {f"beta={beta},seed={seed}" for beta in (0.1, 1) for seed in (7, 8)}


def test_other_settings_do_not_pass_for_a_finished_sweep(samples: ArraySamples, tmp_path: Path) -> None:
    sweep_of(samples, tmp_path, over={"beta": [1]})
    with pytest.raises(InputError, match=r"beta=1 was fitted with settings.epochs=\d, not 3: choose another --out"):
        sweep_of(samples, tmp_path, over={"beta": [1]}, settings={**SETTINGS, "epochs": 3})


def test_a_stopped_fit_does_not_go_on_with_other_images(
    samples: ArraySamples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = iter([False, True])
    with monkeypatch.context() as patched:
        patched.setattr(_Loop, "_stopping", lambda loop: next(asked))
        with pytest.raises(Stopped):
            sweep_of(samples, tmp_path, over={"beta": [1]})
    assert not weights_of(tmp_path)
    others = ArraySamples(samples.read(np.arange(len(samples)))[::-1].copy(), samples.obs)
    with pytest.raises(InputError, match="was fitted with other images, classes or splits: "):
        sweep_of(others, tmp_path, over={"beta": [1]})
    sweep_of(samples, tmp_path, over={"beta": [1]})
    assert weights_of(tmp_path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"over": {"beta": [1, -2]}}, "cannot be -2"),
        ({"over": {"bta": [1]}}, "no setting 'bta'"),
        ({"over": {"beta": [1, 1]}}, "twice"),
        ({"over": {"seed": [1, 2]}}, "--restarts"),
        ({"over": {"beta": []}}, "its values"),
        ({"over": {}}, "its values"),
        ({"restarts": 0}, "At least one fit"),
        ({"settings": {"seed": "x"}}, "cannot be 'x'"),
        ({"device": "tpu"}, "no device 'tpu'"),
    ],
)
def test_bad_values_are_refused_before_any_fit(
    samples: ArraySamples, tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        sweep_of(samples, tmp_path / "study", **options)
    assert not (tmp_path / "study").exists()


def test_methods_that_find_objects_are_swept_over_fields(fields: ArrayFields, tmp_path: Path) -> None:
    over = {"separation": ["distance", "boundary"]}
    settings = {"width": 4, "levels": 2, "patch": 32, "epochs": 1}
    rows = run_sweep("unet", fields, over, tmp_path, settings=settings, device="cpu")
    assert [row["separation"] for row in rows] == ["distance", "boundary"]
    held_out = FieldSubset(fields, [5, 6, 7])
    for row in rows:
        found = cs.predict(tmp_path / "fits" / f"separation={row['separation']}", held_out, device="cpu")
        again = measure.evaluate_labels((i, held_out.labels(i), each) for i, each in enumerate(found))
        assert row["pixel_f1"] == pytest.approx(again.get("pixel_f1").mean)
        assert row["ap50"] == pytest.approx(again.get("ap50").mean)
    assert run_sweep("unet", fields, over, tmp_path, settings=settings, device="cpu") == rows
    with pytest.raises(InputError, match="was fitted with other images, classes or splits: "):
        run_sweep("unet", held_out, over, tmp_path, settings=settings, device="cpu")
