"""The codec: what it codes is what it decodes, to the bit, however and wherever it is run."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import coverslip as cs
from coverslip.core import Fitted, InputError
from coverslip.core.fields import ArrayFields
from coverslip.measure import ms_ssim as by_numpy
from coverslip.methods.slide_codec.coding import TileCoder
from coverslip.methods.slide_codec.config import Config
from coverslip.methods.slide_codec.exact import MARGIN, check_limits
from coverslip.methods.slide_codec.freezing import LATENT, frozen, levels_of, tables
from coverslip.methods.slide_codec.inference import Coder
from coverslip.methods.slide_codec.loss import loss_terms, ms_ssim
from coverslip.methods.slide_codec.model import Codec, begin, bits_of, middle, scale_log, step_of

TINY = Config(latent=12, fine=8, coarse=8, prior=8)


def tissue(side: int, seed: int = 0) -> np.ndarray:
    """A picture ``(side, side, 3)`` with large and small structure, in the colours of a stain."""
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    dark = sum(ndimage.gaussian_filter(rng.normal(size=(side, side)), s) * s for s in (2, 6, 20))
    stain = np.exp(-np.clip(dark + 0.6, 0, 3)[..., None] * np.array([0.5, 0.9, 0.4]))
    return np.ascontiguousarray((240 * stain).astype(np.uint8))


@pytest.fixture(scope="module")
def codec() -> Codec:
    """A codec whose networks do something, of principal components of tissue."""
    torch.manual_seed(0)
    net = Codec(TINY)
    pixels = torch.from_numpy(tissue(256)).permute(2, 0, 1).float() / 255
    squares = pixels.unfold(1, 16, 16).unfold(2, 16, 16).permute(1, 2, 0, 3, 4).reshape(-1, 3, 16, 16)
    begin(net, squares, middle(TINY))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.01 * torch.randn_like(parameter)
    return net.eval()


@pytest.fixture(scope="module")
def fitted(codec: Codec) -> Fitted:
    batch = torch.from_numpy(tissue(192, 1)).permute(2, 0, 1)[None].float() / 255
    return Fitted("slide_codec", TINY, frozen(codec, TINY, [batch] * len(TINY.rates)))


@pytest.mark.parametrize("level", [0, 13, 32])
def test_a_stream_decodes_to_the_latents_that_were_coded(fitted: Fitted, level: int) -> None:
    coder = Coder(fitted, level)
    for side in (32, 96, 160):
        stream, coded = coder.encode(coder.latents(tissue(side)))
        assert np.array_equal(coder.decode(stream, coded.shape[1:]), coded)
    assert np.any(coded != 0)


def test_higher_levels_cost_more_bits_and_lose_less(fitted: Fitted) -> None:
    pixels = tissue(160)
    lost, size = [], []
    for level in (0, 16, 32):
        decoded, count = Coder(fitted, level).there_and_back(pixels)
        lost.append(np.square(decoded.astype(float) - pixels).mean())
        size.append(count)
    assert lost[0] > lost[1] > lost[2]
    assert size[0] < size[1] < size[2]


def test_the_outermost_positions_are_finer_where_a_store_says_so(fitted: Fitted) -> None:
    wanted = Coder(fitted, 16).latents(tissue(512)) * LATENT
    plain, finer = (TileCoder(fitted.weights, 16, border=border) for border in (0, 2))
    lost = []
    for coder in (plain, finer):
        stream, coded = coder.encode(wanted / LATENT)
        assert np.array_equal(coder.decode(stream, coded.shape[1:]), coded)
        error = np.square(coded - wanted)
        inside = error[:, 1:-1, 1:-1]
        lost.append(((error.sum() - inside.sum()) / (error.size - inside.size), inside.mean()))
    (edge, within), (finer_edge, same) = lost
    assert finer_edge < 0.75 * edge  # steps are e^(-1/4) as long, so squares 0.61, apart from what is coded as its mean
    assert same == pytest.approx(within, rel=0.05)


def test_the_length_of_a_stream_is_what_the_loss_counts(codec: Codec, fitted: Fitted) -> None:
    coder = Coder(fitted, 16)
    x = torch.from_numpy(tissue(192)).permute(2, 0, 1)[None].float() / 255
    sharp = TileCoder(fitted.weights, 16)  # without a dead zone, as in training
    stream, _ = sharp.encode(coder.latents(tissue(192)))
    with torch.no_grad():
        counted = float(codec(x, torch.tensor([2.0])).bits) * 192**2 / 8
    assert len(stream) == pytest.approx(counted, rel=0.02)


def test_the_integer_networks_say_what_the_trained_ones_say(codec: Codec, fitted: Fitted) -> None:
    coder = Coder(fitted, 32)
    _, latents = coder.encode(coder.latents(tissue(192)))
    with torch.no_grad():
        y = torch.from_numpy(latents)[None].float() / LATENT
        wanted = (codec.synthesis(y)[0].permute(1, 2, 0) * 255).clamp(0, 255).numpy()
    found = coder.pixels(latents, slice(0, 12), slice(0, 12))
    assert np.abs(found - wanted).max() < 3
    assert np.abs(found - wanted).mean() < 0.6


def test_a_part_decodes_as_in_the_whole(fitted: Fitted) -> None:
    coder = Coder(fitted, 24)
    _, latents = coder.encode(coder.latents(tissue(512)))
    whole = coder.pixels(latents, slice(0, 32), slice(0, 32))
    rows, columns = slice(9, 17), slice(0, 11)
    near = latents[:, 9 - MARGIN : 17 + MARGIN, : 11 + MARGIN]
    part = coder.pixels(near, slice(MARGIN, MARGIN + 8), slice(0, 11))
    assert np.array_equal(part, whole[16 * rows.start : 16 * rows.stop, 16 * columns.start : 16 * columns.stop])


SCRIPT = """
import sys, hashlib, numpy as np, torch
torch.set_num_threads(2)
import coverslip as cs
from coverslip.methods.slide_codec.inference import Coder
coder = Coder(cs.load(sys.argv[1]), 16)
latents = coder.decode(open(sys.argv[2], "rb").read(), (16, 16))
print(hashlib.sha256(coder.pixels(latents, slice(0, 16), slice(0, 16)).tobytes()).hexdigest())
"""


def test_other_threads_processes_and_instructions_decode_to_the_same_bytes(fitted: Fitted, tmp_path: Path) -> None:
    model = cs.read.Model("slide_codec", TINY, fitted.weights).save(tmp_path / "model")
    coder = Coder(fitted, 16)
    stream, latents = coder.encode(coder.latents(tissue(256)))
    (tmp_path / "stream").write_bytes(stream)
    here = hashlib.sha256(coder.pixels(latents, slice(0, 16), slice(0, 16)).tobytes()).hexdigest()
    capped = {"ONEDNN_MAX_CPU_ISA": "SSE41", "ATEN_CPU_CAPABILITY": "default", "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-c", SCRIPT, str(model), str(tmp_path / "stream")]
    ended = subprocess.run(command, env={**os.environ, **capped}, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == here


def test_damage_is_noticed(fitted: Fitted) -> None:
    coder = Coder(fitted, 16)
    stream, latents = coder.encode(coder.latents(tissue(64)))
    changed = bytearray(stream)
    changed[len(stream) // 2] ^= 4
    for damaged in (bytes(changed), stream[:-4], stream[:3], b""):
        with pytest.raises(InputError, match="checksum"):
            coder.decode(damaged, latents.shape[1:])


def test_weights_whose_sums_could_be_inexact_are_refused(fitted: Fitted) -> None:
    check_limits(fitted.weights)
    heavy = {**fitted.weights, "synthesis.up.weight": np.full_like(fitted.weights["synthesis.up.weight"], 30_000)}
    with pytest.raises(cs.CoverslipError, match=r"synthesis\.up\.weight"):
        check_limits(heavy)


def test_tables_are_whole_numbers_that_sum_to_one() -> None:
    found = tables()
    ends = np.cumsum(2 * found["tables.reach"] + 1)
    for part in np.split(found["tables.chances"].astype(np.int64), ends[:-1]):
        assert part.sum() == 2**24
        assert part.min() >= 1
        assert np.array_equal(part, part[::-1]) or abs(part - part[::-1]).max() <= 1


def test_bits_are_those_of_the_logistic_distribution() -> None:
    rest, said = np.array([0.0, 1.0, -3.0]), np.array([-1.0, 0.0, 2.0])
    scale = np.exp(scale_log(torch.from_numpy(said)).numpy())
    edges = [1 / (1 + np.exp(-(rest + side) / scale)) for side in (-0.5, 0.5)]
    found = bits_of(torch.from_numpy(rest), torch.from_numpy(said)).numpy()
    np.testing.assert_allclose(found, -np.log2(edges[1] - edges[0]))
    assert torch.isfinite(bits_of(torch.tensor(900.0), torch.tensor(-9.0)))


def test_the_step_of_a_level_is_where_bits_and_error_balance() -> None:
    worth, steps = 0.0008, np.linspace(20, 600, 4000)
    # Per pixel of three colours, rounded to steps: bits, and the mean squared error of a step.
    cost = -3 * np.log2(steps) + worth * steps**2 / 12
    assert step_of(worth) == pytest.approx(steps[np.argmin(cost)], rel=0.01)


def test_ms_ssim_of_the_loss_is_that_of_the_measures() -> None:
    a = tissue(192)
    b = np.clip(a.astype(int) + np.random.default_rng(0).normal(0, 12, a.shape), 0, 255).astype(np.uint8)
    x, y = (torch.from_numpy(each).permute(2, 0, 1)[None].double() / 255 for each in (a, b))
    expected = by_numpy(x.numpy() * 255, y.numpy() * 255, data_range=255)
    np.testing.assert_allclose(ms_ssim(x, y).numpy(), expected, rtol=1e-6)
    assert float(ms_ssim(x, x)) == pytest.approx(1)


def test_the_loss_weighs_bits_errors_and_dissimilarity() -> None:
    x = torch.rand((2, 3, 192, 192), generator=torch.Generator().manual_seed(0))
    bits, worth = torch.tensor([0.5, 1.0]), torch.tensor([0.0001, 0.0004])
    terms = loss_terms(x, x + 0.1, bits, worth, msssim=0, lowest=0.0001)
    error = 255**2 * 0.01
    assert float(terms["squared_error"]) == pytest.approx(error, rel=1e-4)
    assert float(terms["loss"]) == pytest.approx(((0.5 + 0.0001 * error) + (1 + 0.0004 * error) / 2) / 2, rel=1e-4)


def test_fields_that_cannot_be_learned_from_are_refused() -> None:
    grey, small = np.zeros((1, 256, 256), np.uint8), np.zeros((3, 64, 256), np.uint8)
    for field, words in ((grey, "RGB images of 8 bits"), (small, "smaller than a patch")):
        with pytest.raises(InputError, match=words):
            cs.methods.get("slide_codec").fit(ArrayFields([field]))


def test_levels_between_those_trained_are_offered() -> None:
    assert levels_of(TINY) == 33
