"""The shape of the network follows the source: ten presets to the parameter, the depth rule, any size."""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from coverslip.cli import main
from coverslip.cli.options import read_settings
from coverslip.core.errors import InputError
from coverslip.methods.vae import Config
from coverslip.methods.vae.architecture import PRESETS, depth_rule, plan
from coverslip.methods.vae.model import VAE
from coverslip.methods.vae.summary import layers
from coverslip.models import load
from coverslip.models.folder import Model
from coverslip.nn.summary import trainable_parameters

LARGE, SMALL = (2, 140, 140), (1, 20, 20)

# Kovács, Appendix A, Tables 3-12: trainable parameters at latent 2.
TOTALS = {
    ("mp2", LARGE): 586_950,
    ("mp3", LARGE): 516_870,
    ("mp4", LARGE): 1_192_198,
    ("bn2", LARGE): 601_990,
    ("bn3", LARGE): 476_742,
    ("bn4", LARGE): 1_224_070,
    ("mp3_128", SMALL): 207_845,
    ("mp3_256", SMALL): 812_997,
    ("mp2_128", SMALL): 229_061,
    ("mp2_64", SMALL): 63_333,
}

# Mult-adds as the source has them, in millions: transposed convolutions counted at each pixel that they give.
MULT_ADDS = dict(zip(TOTALS, (204.90, 534.75, 776.96, 207.02, 253.19, 604.79, 9.16, 35.94, 21.19, 5.47), strict=True))

# Output shapes of the convolutions and transposed convolutions, from the same tables.
CONVOLUTIONS = {
    "mp3": [(32, 140), (64, 70), (128, 35), (64, 35), (32, 70), (2, 140)],
    "mp4": [(32, 140), (64, 70), (128, 35), (256, 17), (128, 17), (64, 35), (32, 71), (2, 143)],
    "bn3": [(32, 70), (64, 35), (128, 18), (64, 36), (32, 72), (2, 144)],
    "mp3_128": [(32, 20), (64, 10), (128, 5), (64, 5), (32, 10), (1, 20)],
}


def test_every_preset_is_covered() -> None:
    assert {name for name, _ in TOTALS} == set(PRESETS)


@pytest.mark.parametrize(("preset", "shape"), TOTALS)
def test_presets_have_exactly_the_parameters_of_the_source(
    preset: str, shape: tuple[int, int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    channels, height, width = shape
    size = ["--size", f"{height}x{width}", "--channels", str(channels)]
    assert main(["methods", "vae", *size, "--preset", preset]) == 0
    said = capsys.readouterr().out
    (total,) = (line.split()[-1] for line in said.splitlines() if line.startswith("total"))
    assert total == f"{TOTALS[preset, shape]:,}"
    assert said.endswith("latent: 2\n")
    assert trainable_parameters(VAE(plan(shape, preset=preset), latent=2)) == TOTALS[preset, shape]


@pytest.mark.parametrize("preset", CONVOLUTIONS)
def test_layer_table_shows_the_shapes_of_the_source(preset: str) -> None:
    shape = SMALL if "_" in preset else LARGE
    rows, facts = layers(Config(preset=preset), shape)
    convolutions = [row.shape[1:] for row in rows if row.kind.startswith("Conv")]
    assert convolutions == [(c, n, n) for c, n in CONVOLUTIONS[preset]]
    assert sum(row.parameters for row in rows) == TOTALS[preset, shape]
    assert rows[-1].shape == (1, *shape)
    assert facts["depth"] == f"{len(PRESETS[preset].widths)} (preset {preset})"


@pytest.mark.parametrize(("preset", "shape"), TOTALS)
def test_layers_have_the_mult_adds_of_the_source_counted_its_way(preset: str, shape: tuple[int, int, int]) -> None:
    rows, _ = layers(Config(preset=preset), shape)
    convolutions = [row for row in rows if row.kind.startswith("Conv")]
    theirs = sum(row.parameters * (prod(row.shape[2:]) if row in convolutions else 1) for row in rows)
    assert theirs / 1e6 == pytest.approx(MULT_ADDS[preset, shape], abs=0.006)


def test_mult_adds_are_those_that_are_done() -> None:
    rows, _ = layers(Config(preset="mp2_64"), SMALL)
    done = {
        (32, 20, 20): 9 * 32 * 400,
        (64, 10, 10): 9 * 32 * 64 * 100,
        (2,): 64 * 25 * 2,
        (1600,): 2 * 1600,
        (32, 10, 10): 16 * 64 * 32 * 25,  # transposed: at each pixel that it is given
        (1, 20, 20): 16 * 32 * 100,
    }
    assert {row.shape[1:]: row.mult_adds for row in rows if row.mult_adds} == done
    assert sum(row.mult_adds for row in rows) == sum(done.values()) + done[2,]  # mu and logvar


@pytest.mark.parametrize(("shape", "deepest"), [((3, 96, 70), (3, 3)), ((1, 40, 33), (5, 5))])
def test_resnet_18_and_its_mirror_give_images_of_the_same_size(
    shape: tuple[int, int, int], deepest: tuple[int, int]
) -> None:
    architecture = plan(shape, downsample="residual", width=4)
    assert architecture.bottleneck == (32, *deepest)
    net = VAE(architecture, latent=5)
    x = torch.rand(2, *shape)
    x_hat, mu, _ = net(x, torch.zeros(2, 5))
    assert x_hat.shape == x.shape
    assert mu.shape == (2, 5)


def test_the_usual_resnet_18_has_the_parameters_of_torchvision() -> None:
    import torchvision

    usual = torchvision.models.resnet18(weights=None, num_classes=1)
    net = VAE(plan((3, 64, 64), downsample="residual", width=64), latent=2)
    assert trainable_parameters(net.encoder) == trainable_parameters(usual) - 513
    with pytest.raises(InputError, match="leave depth at 'auto'"):
        Config.parse({"downsample": "residual", "depth": 3})


def test_a_preset_has_two_latents_unless_latent_is_set(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("preset: mp4\nlatent: 10\n")
    assert Config().latent == 10
    assert Config(preset="mp4").latent == Config.parse({"preset": "mp4"}).latent == 2
    assert Config(preset="mp4", latent=10).latent == 10  # the usual length, yet set
    assert Config.parse(read_settings(file, None)).latent == 10
    assert Config.parse(read_settings(file, ["latent=20"])).latent == 20
    assert Config.parse(read_settings(None, ["preset=mp4"])).latent == 2
    assert Config.parse({"preset": None}).latent == 10


@pytest.mark.parametrize("latent", [2, 10])
def test_a_saved_preset_keeps_its_latent(latent: int, tmp_path: Path) -> None:
    config = Config(preset="mp2_64", latent=latent)
    facts = {"shape": [1, 64, 64], "normaliser": {}, "negative_elbo_quantiles": []}
    saved = Model("vae", config, {"mu.weight": np.zeros((latent, 4), np.float32)}, facts).save(tmp_path / "model")
    assert load(saved).config == config


@pytest.mark.parametrize(("size", "depth"), [(8, 1), (20, 2), (40, 3), (80, 3), (140, 4), (512, 5)])
def test_depth_follows_the_image_size(size: int, depth: int) -> None:
    assert depth_rule(size, size) == depth
    assert plan((1, size, size)).depth == depth


def test_the_rule_never_halves_a_short_side_below_two_pixels() -> None:
    assert depth_rule(8, 4096) == 2


@settings(max_examples=40)
@given(
    channels=st.integers(1, 4),
    height=st.integers(8, 70),
    width=st.integers(8, 70),
    downsample=st.sampled_from(["maxpool", "strided"]),
    batch=st.integers(2, 3),
)
def test_any_size_and_channel_count_comes_back_in_its_own_shape(
    channels: int, height: int, width: int, downsample: str, batch: int
) -> None:
    architecture = plan((channels, height, width), downsample=downsample, width=4)  # type: ignore[arg-type]
    assert architecture.decoded == (height, width)  # the decoder mirrors the encoder: nothing is resized
    model = VAE(architecture, latent=3)
    x_hat, mu, logvar = model(torch.rand(batch, channels, height, width), torch.zeros(batch, 3))
    assert x_hat.shape == (batch, channels, height, width)
    assert mu.shape == logvar.shape == (batch, 3)
    assert 0 <= float(x_hat.detach().min()) <= float(x_hat.detach().max()) <= 1


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_take_other_sizes_too(preset: str) -> None:
    model = VAE(plan((3, 37, 50), preset=preset), latent=2)
    assert model(torch.rand(2, 3, 37, 50), torch.zeros(2, 2))[0].shape == (2, 3, 37, 50)


@pytest.mark.parametrize("shape", [(1, 7, 20), (1, 20, 5), (0, 20, 20)])
def test_too_small_images_are_refused_with_the_remedy(shape: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match="crop larger"):
        plan(shape)


def test_a_depth_that_leaves_no_pixel_is_refused() -> None:
    with pytest.raises(InputError, match="at most 4"):
        plan((1, 20, 20), depth=5)
