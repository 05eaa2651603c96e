"""A fitted SimCLR tells discs apart without labels, and what it does not notice is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch

from coverslip.core.errors import InputError, ModelError
from coverslip.core.fitted import Fitted
from coverslip.core.samples import ArraySamples
from coverslip.measure import linear_probe
from coverslip.methods import simclr
from coverslip.methods.simclr.inference import build
from coverslip.models.folder import Model, load_model
from coverslip.train.run import Run

QUICK: dict[str, Any] = {"width": 8, "stem": "large", "epochs": 12, "batch": 16, "learning_rate": 3e-3}
PRECISE = Run(device="cpu", precision="fp32")
OWN = get_args(simclr.Config.model_fields["trunk"].annotation)
EXPECTED = Path(__file__).parent / "expected.json"


def discs(n: int, shape: tuple[int, int, int] = (2, 24, 24), seed: int = 0) -> ArraySamples:
    """Bright discs of two sizes on a dark ground, with noise."""
    rng = np.random.default_rng(seed)
    c, h, w = shape
    rows, columns = np.mgrid[:h, :w]
    large = np.arange(n) % 2
    radius = np.where(large, 0.4, 0.15) * min(h, w)
    centre = np.array([h, w]) / 2 + rng.uniform(-1, 1, (n, 2))
    distance = np.hypot(rows - centre[:, :1, None], columns - centre[:, 1:, None])
    inside = distance < radius[:, None, None]
    pixels = 300 + 3000 * inside[:, None] * rng.uniform(0.7, 1, (n, c, 1, 1)) + rng.normal(0, 50, (n, c, h, w))
    return ArraySamples(pixels.astype(np.uint16), {"label": np.where(large, "large", "small")})


@pytest.fixture(scope="module")
def samples() -> ArraySamples:
    return discs(64)


@pytest.fixture(scope="module")
def fitted(samples: ArraySamples) -> Fitted:
    return simclr.fit(samples, simclr.Config(**QUICK), PRECISE)


@pytest.mark.parametrize("trunk", OWN)
@pytest.mark.parametrize(("shape", "stem"), [((1, 8, 8), "auto"), ((3, 40, 33), "medium"), ((5, 64, 64), "auto")])
def test_any_channels_and_sizes(trunk: str, shape: tuple[int, int, int], stem: str) -> None:
    config = simclr.Config(trunk=trunk, width=8, latent=7, stem=stem)
    network = build(config, shape).eval()
    h, z = network(torch.zeros(2, *shape))
    assert h.shape == (2, 64 * (4 if trunk == "resnet50" else 1))
    assert z.shape == (2, 7)


@pytest.mark.parametrize("trunk", OWN)
def test_at_full_width_the_trunk_is_torchvisions(trunk: str) -> None:
    import torchvision

    with torch.device("meta"):
        ours = build(simclr.Config(trunk=trunk), (3, 96, 96)).trunk
        theirs = getattr(torchvision.models, trunk)()
    expected = {name: t.shape for name, t in theirs.state_dict().items() if not name.startswith("fc.")}
    assert {name: t.shape for name, t in ours.state_dict().items()} == expected


def test_the_same_weights_give_torchvisions_features() -> None:
    import torchvision

    torch.manual_seed(0)
    theirs = torchvision.models.resnet18().eval()
    theirs.fc = torch.nn.Identity()
    network = build(simclr.Config(), (3, 64, 64)).eval()
    network.trunk.load_state_dict(theirs.state_dict())
    x = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(network(x)[0], theirs(x), rtol=1e-4, atol=1e-5)


def test_small_images_keep_their_size_in_the_first_layer() -> None:
    stems = [simclr.layers(simclr.Config(), (1, side, side))[1]["stem"] for side in (63, 64)]
    assert stems == ["small (the rule for this size)", "large (the rule for this size)"]


def test_views_learn_to_find_each_other(fitted: Fitted) -> None:
    first, last = fitted.history[0], fitted.history[-1]
    assert last["loss"] < 0.9 * first["loss"]
    assert last["position"] < first["position"]
    names = {"loss", "top1", "top5", "position"}
    assert names | {f"val_{n}" for n in names} | {f"val_plain_{n}" for n in names} <= set(last)
    assert 1 <= last["val_plain_position"] <= last["val_position"] + 2


def test_vectors_tell_what_the_images_show(fitted: Fitted, samples: ArraySamples) -> None:
    table = simclr.predict(fitted, samples)
    assert table.latent.shape == (64, 64)
    assert linear_probe(table.latent, table.column("label")).balanced_accuracy.value > 0.95


def test_vectors_before_and_after_the_head(fitted: Fitted, samples: ArraySamples) -> None:
    before, after = (simclr.predict(fitted, samples, features=which).latent for which in ("before", "after"))
    assert after.shape == (64, 20)
    weights = fitted.weights
    hidden = np.maximum(0, before @ weights["head.0.weight"].T + weights["head.0.bias"])
    np.testing.assert_allclose(after, hidden @ weights["head.2.weight"].T + weights["head.2.bias"], atol=1e-3)


def test_averaged_over_orientations_a_turned_image_has_the_same_vector(fitted: Fitted, samples: ArraySamples) -> None:
    pixels = samples.read(np.arange(6))
    turned = np.ascontiguousarray(np.rot90(pixels, 1, (2, 3))[..., ::-1])
    one, other = (simclr.features(fitted, ArraySamples(x), orientations="all") for x in (pixels, turned))
    np.testing.assert_allclose(one, other, atol=1e-4)
    assert np.abs(one - simclr.features(fitted, ArraySamples(pixels))).max() > 1e-4


def test_a_seeded_fit_gives_the_same_numbers_as_ever(fitted: Fitted, request: pytest.FixtureRequest) -> None:
    found = {key: fitted.history[-1][key] for key in ("loss", "val_loss", "val_plain_loss")}
    if request.config.getoption("--regenerate"):
        EXPECTED.write_text(json.dumps(found, indent=2) + "\n")
    assert found == pytest.approx(json.loads(EXPECTED.read_text()), rel=0.15)  # machines round differently


def test_the_same_seed_gives_the_same_weights(samples: ArraySamples) -> None:
    config = simclr.Config(**{**QUICK, "epochs": 1})
    one, two = (simclr.fit(samples, config, PRECISE) for _ in range(2))
    assert all(np.array_equal(one.weights[name], two.weights[name]) for name in one.weights)


def test_a_stopped_fit_ends_the_same(samples: ArraySamples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from coverslip.train import loop

    config = simclr.Config(**{**QUICK, "epochs": 3})
    whole = simclr.fit(samples, config, PRECISE)
    saved = loop.save_checkpoint

    def stop_after_the_first(folder: Path, identity: Any, progress: Any, *rest: Any) -> None:
        saved(folder, identity, progress, *rest)
        if progress.epoch == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop, "save_checkpoint", stop_after_the_first)
    with pytest.raises(KeyboardInterrupt):
        simclr.fit(samples, config, Run(folder=tmp_path, device="cpu", precision="fp32", save_every=0))
    monkeypatch.setattr(loop, "save_checkpoint", saved)
    resumed = simclr.fit(samples, config, Run(folder=tmp_path, resume=True, device="cpu", precision="fp32"))
    assert all(np.array_equal(whole.weights[name], resumed.weights[name]) for name in whole.weights)
    assert [row["loss"] for row in resumed.history] == [row["loss"] for row in whole.history]


def test_a_saved_model_predicts_the_same_and_its_card_has_the_table(
    fitted: Fitted, samples: ArraySamples, tmp_path: Path
) -> None:
    model = Model(**{name: getattr(fitted, name) for name in ("method", "config", "weights", "facts", "history")})
    folder = model.save(tmp_path / "model")
    again = load_model(folder, lambda method: simclr.Config)
    assert np.array_equal(simclr.predict(again, samples).latent, simclr.predict(fitted, samples).latent)
    card = (folder / "card.md").read_text()
    assert "### Invariance\n\n| transform | before | after |\n| --- | --- | --- |\n| turned by 90° | " in card
    assert "\n- `recipe.name`: microscopy\n" in card


def test_the_table_of_invariance_tells_what_moves_an_image(fitted: Fitted) -> None:
    rows = {row["transform"]: row for row in fitted.tables["Invariance"]}
    assert {"turned by 90°", "flipped", "brightness + 20 %", "without channel 1"} <= set(rows)
    assert min(row[where] for row in rows.values() for where in ("before", "after")) >= 0
    # Symmetries are in the recipe; half the area is not seen in discs that differ by their size.
    assert rows["flipped"]["before"] < rows["cropped to half the area"]["before"]


def test_without_others_vectors_are_held_apart_too(samples: ArraySamples) -> None:
    config = simclr.Config(**{**QUICK, "objective": "vicreg", "epochs": 4})
    history = simclr.fit(samples, config, PRECISE).history
    assert history[-1]["loss"] < history[0]["loss"]
    last = history[-1]
    parts = 25 * last["invariance"] + 25 * last["variance"] + last["covariance"]
    assert last["loss"] == pytest.approx(parts, rel=1e-4)


def test_a_recipe_that_destroys_grey_values_is_said_plainly(samples: ArraySamples) -> None:
    config = simclr.Config.parse({**QUICK, "epochs": 1, "recipe": "strong"})
    (warning,) = simclr.fit(samples, config, PRECISE).warnings
    assert "coverslip samples preview" in warning


def test_a_preview_warns_too_and_leads_to_the_fit_of_what_was_looked_at(
    samples: ArraySamples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import tifffile

    from coverslip.cli import main

    (tmp_path / "cells").mkdir()
    monkeypatch.chdir(tmp_path)
    for i, pixels in enumerate(samples.read(np.arange(8))):
        tifffile.imwrite(tmp_path / "cells" / f"{i}.tif", pixels, metadata={"axes": "CYX"})
    asked = ["--recipe", "strong", "--set", "crop=0.6", "--channels", "1"]
    assert main(["samples", "preview", "cells", *asked]) == 0
    said = capsys.readouterr().out
    assert "Note: The recipe 'strong' sends" in said
    assert (
        "Next: coverslip fit simclr cells --set recipe.name=strong --set recipe.crop=0.6 --channels 1 "
        "--out model" in said
    )
    assert Path("views.png").read_bytes().startswith(b"\x89PNG")
    assert main(["samples", "preview", "cells", "--recipe", "weak"]) == 2
    assert "there is no recipe 'weak'; the recipes are microscopy, strong" in capsys.readouterr().err


def test_weights_that_cannot_be_fetched_are_one_sentence(
    samples: ArraySamples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(ModelError, match=r"ImageNet cannot be fetched.*start at 'random'"):
        simclr.fit(samples, simclr.Config(start="imagenet", epochs=1), PRECISE)


def test_imagenets_first_layer_is_spread_over_the_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    import torchvision
    from torchvision.models import ResNet18_Weights

    from coverslip.nn.imagenet import put_imagenet

    torch.manual_seed(0)
    state = torchvision.models.resnet18().state_dict()
    monkeypatch.setattr(type(ResNet18_Weights.DEFAULT), "get_state_dict", lambda *_, **__: dict(state))
    two = build(simclr.Config(), (2, 96, 96)).trunk
    assert put_imagenet(two, "resnet18") == "torchvision's ResNet18_Weights.IMAGENET1K_V1"
    torch.testing.assert_close(two.conv1.weight.sum(1), state["conv1.weight"].sum(1), rtol=1e-4, atol=1e-5)
    assert torch.equal(two.layer4[1].conv2.weight, state["layer4.1.conv2.weight"])
    small = build(simclr.Config(), (2, 40, 40)).trunk
    assert "first layer was drawn" in put_imagenet(small, "resnet18")


def test_settings_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(InputError, match="leave width alone"):
        simclr.Config.parse({"start": "imagenet", "width": 16})
    with pytest.raises(InputError, match="multiple of 8"):
        simclr.Config.parse({"width": 12})
    with pytest.raises(InputError, match="'batch' cannot be 1"):
        simclr.Config.parse({"batch": 1})  # nothing to be told from
    with pytest.raises(InputError, match="'milestones' cannot be '2'"):
        simclr.Config.parse({"milestones": "0.5,2"})
    with pytest.raises(InputError, match="no recipe 'weak'"):
        simclr.Config.parse({"recipe": "weak"})
    assert simclr.Config.parse({"recipe.name": "sweet", "recipe.crop": 0.5}).recipe.contrast == 0.35


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(InputError, match="at least 2 samples"):
        simclr.fit(ArraySamples(np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)))
    with pytest.raises(InputError, match="at least 8 x 8"):
        simclr.fit(ArraySamples(np.zeros((9, 1, 7, 16), np.uint8)))


def test_samples_of_another_shape_are_refused_with_the_remedy(fitted: Fitted) -> None:
    with pytest.raises(InputError, match=r"2 channels of 24 x 24.*coverslip samples crop"):
        simclr.predict(fitted, ArraySamples(np.ones((4, 2, 20, 20), np.uint16)))


def test_the_page_shows_images_and_their_views(fitted: Fitted, samples: ArraySamples) -> None:
    (shown,) = simclr.illustrate(fitted, samples)
    assert shown.form == "pairs"
    assert shown.content["inputs"].shape == shown.content["outputs"].shape == (16, 2, 24, 24)
