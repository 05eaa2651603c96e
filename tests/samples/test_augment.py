from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from coverslip.core.errors import InputError
from coverslip.samples import Augment, dihedral, dihedral_all, intensity, together
from coverslip.samples.opening import augment
from coverslip.samples.opening.augment import SQUARE, affine, blur, noise, turn

seeds = st.integers(0, 2**31)


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int, c: int = 2, h: int = 9, w: int = 9, seed: int = 0) -> torch.Tensor:
    return torch.rand((n, c, h, w), generator=rng(seed))


def pixels(x: torch.Tensor) -> torch.Tensor:
    """The pixels of each channel, sorted: what turns and flips must not change."""
    return x.flatten(2).sort(dim=-1).values


def test_the_square_has_eight_symmetries_that_form_a_group() -> None:
    x = images(1)
    versions = dihedral_all(x)
    assert versions.shape == (8, 1, 2, 9, 9)
    assert torch.equal(versions[0], x)
    assert len({version.numpy().tobytes() for version in versions}) == 8
    table = [
        [next(k for k in range(SQUARE) if torch.equal(turn(turn(x, a), b), versions[k])) for b in range(SQUARE)]
        for a in range(SQUARE)
    ]
    assert all(sorted(row) == list(range(SQUARE)) for row in table)  # closed, and each element has an inverse
    assert table[1][1] == 2
    assert table[4][4] == 0


def test_a_rectangle_has_four_that_keep_its_shape() -> None:
    versions = dihedral_all(images(2, h=5, w=7))
    assert versions.shape == (4, 2, 2, 5, 7)
    assert len({version.numpy().tobytes() for version in versions}) == 4


@given(seed=seeds, n=st.integers(1, 20), c=st.integers(1, 3), size=st.sampled_from([(1, 1), (6, 6), (7, 7), (5, 8)]))
def test_each_image_keeps_its_pixels_and_gets_a_symmetry_of_its_own(
    seed: int, n: int, c: int, size: tuple[int, int]
) -> None:
    x = images(n, c, *size, seed=1)
    before = x.clone()
    y = dihedral(x, rng(seed))
    assert torch.equal(x, before)
    assert torch.equal(pixels(y), pixels(x))
    assert torch.equal(y, dihedral(x, rng(seed)))
    versions = dihedral_all(x)
    assert all(any(torch.equal(y[i], version[i]) for version in versions) for i in range(n))


def test_all_symmetries_are_equally_likely() -> None:
    x = images(1).expand(8000, -1, -1, -1)
    y = dihedral(x, rng(0))
    counts = torch.stack([(y == version).flatten(1).all(1).sum() for version in dihedral_all(x)[:, :1]])
    assert counts.sum() == 8000
    assert counts.min() > 880
    assert counts.max() < 1120


def test_integer_batches_are_turned_as_well() -> None:
    x = torch.arange(2 * 16, dtype=torch.uint8).reshape(2, 1, 4, 4)
    y = dihedral(x, rng(1))
    assert y.dtype == torch.uint8
    assert torch.equal(pixels(y), pixels(x))


@given(seed=seeds, brightness=st.floats(0, 0.9), contrast=st.floats(0, 0.9), gamma=st.floats(0, 1))
def test_intensities_stay_in_range_and_repeat(seed: int, brightness: float, contrast: float, gamma: float) -> None:
    x = images(6)
    options = {"brightness": brightness, "contrast": contrast, "gamma": gamma}
    y = intensity(x, rng(seed), **options)
    assert y.shape == x.shape
    assert 0 <= y.min() <= y.max() <= 1
    assert torch.equal(y, intensity(x, rng(seed), **options))


def test_without_strength_nothing_changes() -> None:
    x = images(3)
    assert torch.equal(intensity(x, rng(0)), x)


def test_brightness_is_one_factor_per_image_within_its_limits() -> None:
    x = 0.5 * images(500)
    factor = (intensity(x, rng(0), brightness=0.3) / x).flatten(1)
    torch.testing.assert_close(factor, factor[:, :1].expand_as(factor))
    assert 0.69 < factor.min() < 0.72
    assert 1.28 < factor.max() < 1.31
    per_channel = (intensity(x, rng(0), brightness=0.3, per_channel=True) / x).flatten(2)
    assert (per_channel[:, 0, 0] - per_channel[:, 1, 0]).abs().mean() > 0.1


def test_contrast_keeps_the_mean_and_gamma_keeps_the_order() -> None:
    x = 0.4 + 0.2 * images(50)
    torch.testing.assert_close(intensity(x, rng(0), contrast=0.5).mean((1, 2, 3)), x.mean((1, 2, 3)))
    curved = intensity(x, rng(0), gamma=0.5)
    assert torch.equal(curved.flatten(1).argsort(1), x.flatten(1).argsort(1))
    assert not torch.allclose(curved, x)


def test_noise_is_as_strong_as_said() -> None:
    x = torch.full((400, 1, 16, 16), 0.5)
    spread = (noise(x, rng(0), sigma=0.1) - x).std((1, 2, 3))
    assert spread.max() < 0.12
    assert spread.mean().item() == pytest.approx(0.05, abs=0.005)


def test_blur_keeps_flat_images_and_the_sum_of_a_point() -> None:
    flat = torch.full((4, 2, 12, 10), 0.3)
    torch.testing.assert_close(blur(flat, rng(0), sigma=2), flat)
    point = torch.zeros((64, 1, 31, 31))
    point[:, :, 15, 15] = 1
    soft = blur(point, rng(0), sigma=2)
    torch.testing.assert_close(soft.sum((1, 2, 3)), torch.ones(64))
    assert soft.amax((1, 2, 3)).min() < 0.06  # some are blurred by nearly 2 pixels
    assert soft.amax((1, 2, 3)).max() > 0.9  # some hardly


def test_small_moves_without_amount_change_nothing() -> None:
    torch.testing.assert_close(affine(images(3, h=8, w=13), rng(0)), images(3, h=8, w=13))


@pytest.fixture
def largest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every draw is the largest there is."""
    monkeypatch.setattr(augment, "_uniform", lambda x, shape, generator: torch.ones(shape))


@pytest.mark.usefixtures("largest")
def test_small_moves_are_as_large_as_said() -> None:
    x = images(2, h=8, w=12)
    moved = affine(x, rng(0), shift=0.25)  # two rows and three columns
    torch.testing.assert_close(moved[:, :, :6, :9], x[:, :, 2:, 3:])
    assert moved[:, :, 6:].abs().max() < 1e-5
    square = images(2, h=9, w=9)
    torch.testing.assert_close(affine(square, rng(0), rotation=90), square.rot90(1, (-2, -1)), atol=1e-4, rtol=0)


@pytest.mark.usefixtures("largest")
def test_turning_keeps_shapes_that_are_not_square() -> None:
    rows, columns = torch.meshgrid(torch.arange(21.0), torch.arange(41.0), indexing="ij")
    disc = torch.sigmoid(6 - torch.hypot(rows - 10, columns - 20))[None, None]
    torch.testing.assert_close(affine(disc, rng(0), rotation=30), disc, atol=0.02, rtol=0)
    wide = (affine(disc, rng(0), zoom=0.5) > 0.5).sum() / (disc > 0.5).sum()
    assert 1.9 < wide < 2.6  # 1.5 squared
    slanted = affine(disc, rng(0), shear=0.5)
    assert (slanted > 0.5).any(dim=2).sum() > (disc > 0.5).any(dim=2).sum()


def test_by_default_images_are_turned_and_nothing_else() -> None:
    x = images(5)
    assert torch.equal(Augment()(x, rng(7)), dihedral(x, rng(7)))
    assert torch.equal(Augment(dihedral=False)(x, rng(7)), x)


@given(seed=seeds)
def test_all_augmentations_together_repeat_from_the_seed(seed: int) -> None:
    augment = Augment(blur=1.5, gamma=0.2, contrast=0.3, brightness=0.3, noise=0.05, per_channel=True)
    x = images(4, c=3, h=8, w=10)
    y = augment(x, rng(seed))
    assert torch.equal(y, augment(x, rng(seed)))
    assert not torch.equal(y, augment(x, rng(seed + 1)))
    assert 0 <= y.min() <= y.max() <= 1


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match=r"'brightness' cannot be 1\.5"):
        Augment.parse({"brightness": 1.5})
    with pytest.raises(InputError, match="count from 0 to 7"):
        turn(images(1), 8)


def test_images_that_belong_together_are_changed_alike() -> None:
    first, other = images(6, c=3), images(6, c=1, seed=1)
    change = Augment(rotation=20, shift=0.1, blur=1.0, gamma=0.2, contrast=0.3, brightness=0.2)
    both, again = together(change, first, first, generator=rng(4))
    assert torch.equal(both, again)
    assert not torch.allclose(both, first, atol=0.05)
    turned, own = together(Augment(), first, other, generator=rng(4))
    assert turned.shape == (6, 3, 9, 9)
    assert torch.equal(own, dihedral(other, rng(4)))
    assert torch.equal(turned, dihedral(first, rng(4)))
    with pytest.raises(InputError, match="per_channel=false"):
        together(Augment(per_channel=True), first, other, generator=rng(4))


@pytest.mark.parametrize("settings", [{}, {"edge": True, "per_channel": True}, {"blur": 1.0}, {"dihedral": True}])
def test_what_is_idle_gives_images_back_as_they_are(settings: dict[str, float]) -> None:
    augment = Augment.model_validate({"dihedral": False, **settings})
    x = torch.rand(4, 1, 12, 12)
    unchanged = torch.equal(augment(x, torch.Generator().manual_seed(1)), x)
    assert augment.idle == unchanged == (not {"blur", "dihedral"} & set(settings))
