"""Recipes change what they say, in the shares they say, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from coverslip.core.errors import InputError
from coverslip.core.samples import ArraySamples
from coverslip.samples import RECIPES, Recipe, dihedral_all, preview
from coverslip.samples.opening.preview import destroyed, grey_values
from coverslip.samples.opening.recipes import placed, shaded, sharpened

NOTHING = {
    "crop": 1.0,
    "dihedral": 0.0,
    "intensity_share": 0.0,
    "blur_share": 0.0,
    "sharpen_share": 0.0,
    "noise_share": 0.0,
    "drop_channel": 0.0,
}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int = 32, shape: tuple[int, int, int] = (3, 12, 12)) -> torch.Tensor:
    return torch.rand((n, *shape), generator=generator(1))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 12, 12), (2, 9, 14), (5, 40, 33)])
@pytest.mark.parametrize("name", RECIPES)
def test_views_have_the_shape_of_the_images_and_follow_the_generator(name: str, shape: tuple[int, int, int]) -> None:
    x, recipe = images(16, shape), Recipe(name=name)
    kept = x.clone()
    one, again, other = recipe(x, generator(3)), recipe(x, generator(3)), recipe(x, generator(4))
    assert one.shape == x.shape
    assert one.dtype == torch.float32
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(x, kept)
    assert torch.isfinite(one).all()
    assert not recipe.clip or (one.min() >= 0 and one.max() <= 1)


def test_the_five_of_the_source_are_as_in_the_source() -> None:
    found = {name: Recipe(name=name) for name in RECIPES}
    asked = {name: (r.crop, r.brightness, r.contrast) for name, r in found.items() if name != "microscopy"}
    assert asked == {
        "strong": (0.08, 0.8, 0.8),
        "sweet": (0.4, 0.2, 0.35),
        "resize": (1.0, 0.2, 0.35),
        "sweet_no_contrast": (0.4, 0.2, 0.0),
        "resize_no_contrast": (1.0, 0.2, 0.0),
    }
    for name in asked:
        recipe = found[name]
        assert (recipe.intensity_share, recipe.dihedral, recipe.blur, recipe.sharpen) == (0.8, 0.5, 2.0, 2.0)
        assert (recipe.noise, recipe.drop_channel) == (0, 0)


def test_a_name_stands_for_a_recipe_and_single_steps_can_be_changed() -> None:
    assert Recipe.model_validate("strong") == Recipe(name="strong")
    changed = Recipe.parse({"name": "strong", "crop": "0.3"})
    assert (changed.crop, changed.brightness) == (0.3, 0.8)
    with pytest.raises(InputError, match="no recipe 'weak'; the recipes are microscopy, strong"):
        Recipe.parse({"name": "weak"})


def test_with_every_step_off_nothing_changes() -> None:
    x = images()
    assert torch.equal(Recipe(**NOTHING)(x, generator()), x)


def test_turns_and_flips_keep_every_pixel_and_come_equally_often() -> None:
    x = images(1).expand(4000, -1, -1, -1)
    found = Recipe(**{**NOTHING, "dihedral": 7 / 8})(x, generator())
    near = (found[None] - dihedral_all(x)).abs().amax((2, 3, 4)) < 1e-4  # (8, N)
    assert near.sum(0).tolist() == [1] * 4000
    np.testing.assert_allclose(near.float().mean(1), 1 / 8, atol=0.02)


def test_a_rectangle_is_flipped_and_never_turned() -> None:
    x = images(1, (1, 8, 12)).expand(400, -1, -1, -1)
    found = placed(x, generator(), crop=1.0, aspect=1.0, dihedral=1.0)
    near = (found[None] - dihedral_all(x)).abs().amax((2, 3, 4)) < 1e-4
    assert near.sum(0).tolist() == [1] * 400
    assert near[0].sum() == 0  # every one is changed


def test_crops_keep_the_share_of_the_area_that_is_asked_for() -> None:
    side = 64
    ramp = torch.linspace(-1, 1, side)
    x = torch.stack([ramp.expand(side, side), ramp[:, None].expand(side, side)])[None].expand(2000, -1, -1, -1)
    found = placed(x, generator(), crop=0.25, aspect=4 / 3, dihedral=0.0)
    # The slope of each ramp says how much of the side is left.
    across, down = (
        found[:, 0].amax((1, 2)) - found[:, 0].amin((1, 2)),
        found[:, 1].amax((1, 2)) - found[:, 1].amin((1, 2)),
    )
    area, ratio = across * down / 4, across / down
    assert 0.2 < area.min() < 0.3
    assert area.max() <= 1.0001
    assert area.mean() == pytest.approx(0.62, abs=0.02)  # even between 0.25 and 1, less what is too long for the image
    assert 0.7 < ratio.min() < 0.8
    assert 1.25 < ratio.max() < 1.4


def test_brightness_and_contrast_are_one_scale_and_one_shift_for_each_image() -> None:
    x = images(200)
    y = shaded(x, generator(), 0.2, 0.35, 0.8)
    changed = [i for i in range(200) if not torch.allclose(x[i], y[i])]
    assert len(changed) / 200 == pytest.approx(0.8, abs=0.08)
    for i in changed[:5]:
        slope, shift = np.polyfit(x[i].numpy().ravel(), y[i].numpy().ravel(), 1)
        np.testing.assert_allclose(y[i], slope * x[i] + shift, atol=1e-5)
        brightness = float(y[i].mean() / x[i].mean())
        assert 0.8 <= brightness <= 1.2
        assert 0.65 <= slope / brightness <= 1.35


def test_sharpening_is_pillows() -> None:
    from PIL import Image, ImageEnhance

    pixels = np.random.default_rng(0).integers(60, 180, (16, 16)).astype(np.uint8)
    expected = np.asarray(ImageEnhance.Sharpness(Image.fromarray(pixels)).enhance(2.0)).astype(float)
    found = sharpened(torch.from_numpy(pixels / 255.0).float()[None, None], 2.0)[0, 0].numpy() * 255
    inside = (slice(1, -1), slice(1, -1))
    assert np.abs(found.clip(0, 255) - expected)[inside].max() <= 2  # it rounds twice


def test_a_lost_channel_holds_its_mean_in_the_share_asked_for() -> None:
    x = images(500)
    y = Recipe(**{**NOTHING, "drop_channel": 0.3})(x, generator())
    gone = (y != x).flatten(2).any(2)
    assert gone.sum(1).max() == 1
    assert gone.any(1).float().mean() == pytest.approx(0.3, abs=0.06)
    assert y[gone].std((1, 2)).max() == pytest.approx(0, abs=1e-6)
    single = x[:, :1]
    assert torch.equal(Recipe(**{**NOTHING, "drop_channel": 1.0})(single, generator()), single)


def test_16_bit_steps_survive_the_default_and_not_the_strong_recipe() -> None:
    rng = np.random.default_rng(0)
    stored = rng.integers(0, 65536, (40, 1, 32, 32)).astype(np.uint16)
    found = preview(ArraySamples(stored), Recipe(), images=4, views=3, normalise="dtype")
    assert found.grid.shape == (4, 4, 1, 32, 32)
    np.testing.assert_allclose(found.originals * 65535, stored[found.rows], rtol=1e-5, atol=0.01)
    before, after = found.grey
    assert after["values"] > 0.5 * before["values"]
    assert after["at 0"] + after["at 1"] < 0.15

    x = (0.2 + 0.6 * (images(40, (1, 4, 4)) > 0.5)).repeat_interleave(8, 2).repeat_interleave(8, 3)
    assert destroyed(x, Recipe()) == destroyed(x, Recipe(name="resize_no_contrast", brightness=0.0)) == []
    (warning,) = destroyed(x, Recipe(name="strong"))
    assert "'strong' sends" in warning
    assert grey_values(Recipe(name="strong")(x, generator()))["at 1"] > 0.05
