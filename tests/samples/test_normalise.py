from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from coverslip.core.errors import InputError
from coverslip.core.samples import ArraySamples, Subset
from coverslip.samples import Normaliser


@pytest.fixture
def samples() -> ArraySamples:
    """Two channels of very different range."""
    rng = np.random.default_rng(0)
    dim = rng.normal(300, 20, (50, 1, 16, 18))
    bright = rng.gamma(2, 4000, (50, 1, 16, 18))
    return ArraySamples(np.concatenate([dim, bright], axis=1).clip(0, 65535).astype(np.uint16), channels=("a", "b"))


def all_of(samples: ArraySamples) -> np.ndarray:
    return samples.read(np.arange(len(samples)))


def test_dtype_range_becomes_zero_to_one(samples: ArraySamples) -> None:
    normaliser = Normaliser.fit(samples, "dtype")
    values = normaliser.apply(all_of(samples))
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, all_of(samples) / 65535, rtol=1e-6)
    eight = ArraySamples(np.array([0, 51, 255], np.uint8).reshape(1, 1, 1, 3))
    np.testing.assert_allclose(Normaliser.fit(eight, "dtype").apply(all_of(eight)).ravel(), [0, 0.2, 1], rtol=1e-6)
    signed = ArraySamples(np.array([-128, 127], np.int8).reshape(1, 1, 1, 2))
    np.testing.assert_allclose(Normaliser.fit(signed, "dtype").apply(all_of(signed)).ravel(), [0, 1])


def test_percentiles_become_zero_and_one_in_each_channel(samples: ArraySamples) -> None:
    normaliser = Normaliser.fit(samples, "percentile", low=1, high=99)
    values = normaliser.apply(all_of(samples))
    assert (values.min(), values.max()) == (0, 1)
    assert normaliser.value_range == (0, 1)
    np.testing.assert_allclose((values == 0).mean(axis=(0, 2, 3)), 0.01, atol=0.003)
    np.testing.assert_allclose((values == 1).mean(axis=(0, 2, 3)), 0.01, atol=0.003)


def test_z_scores_have_mean_0_and_deviation_1(samples: ArraySamples) -> None:
    values = Normaliser.fit(samples, "zscore").apply(all_of(samples))
    np.testing.assert_allclose(values.mean(axis=(0, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(values.std(axis=(0, 2, 3)), 1, rtol=1e-4)


def test_pooled_channels_share_one_map(samples: ArraySamples) -> None:
    pooled = Normaliser.fit(samples, "zscore", per_channel=False)
    assert pooled.offset[0] == pooled.offset[1] == pytest.approx(all_of(samples).mean())
    assert pooled.scale[0] == pooled.scale[1] == pytest.approx(all_of(samples).std())


@pytest.mark.parametrize("kind", ["percentile", "zscore"])
def test_half_precision_is_normalised_as_the_same_values_in_full(kind: str) -> None:
    pixels = np.random.default_rng(0).uniform(0, 60_000, (4, 1, 50, 50)).astype(np.float16)
    half, full = (Normaliser.fit(ArraySamples(pixels.astype(t)), kind) for t in (np.float16, np.float32))
    assert (half.offset, half.scale) == (full.offset, full.scale)


@pytest.mark.parametrize("kind", ["dtype", "percentile", "zscore"])
def test_torch_and_numpy_agree_and_invert(samples: ArraySamples, kind: str) -> None:
    normaliser = Normaliser.fit(samples, kind, low=0, high=100)
    batch = all_of(samples)[:5]
    array, tensor = normaliser.apply(batch), normaliser.apply(torch.from_numpy(batch))
    assert isinstance(tensor, torch.Tensor)
    assert tensor.dtype == torch.float32
    np.testing.assert_allclose(tensor.numpy(), array, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(normaliser.invert(array), batch, atol=0.02)
    np.testing.assert_allclose(normaliser.invert(tensor).numpy(), batch, atol=0.02)


@given(
    kind=st.sampled_from(["dtype", "percentile", "zscore"]),
    offset=st.lists(st.floats(-1e5, 1e5), min_size=3, max_size=3),
    scale=st.lists(st.floats(1e-3, 1e5), min_size=3, max_size=3),
)
def test_what_is_stored_is_what_comes_back(kind: str, offset: list[float], scale: list[float]) -> None:
    normaliser = Normaliser(kind, "uint16", tuple(offset), tuple(scale))
    assert Normaliser.from_dict(json.loads(json.dumps(normaliser.to_dict()))) == normaliser


def test_fitting_looks_at_the_given_samples_only(samples: ArraySamples) -> None:
    part = np.arange(10, 20)
    assert Normaliser.fit(samples, "zscore", indices=part) == Normaliser.fit(Subset(samples, part), "zscore")
    assert Normaliser.fit(samples, "zscore", indices=part) != Normaliser.fit(samples, "zscore")


def test_large_sets_are_sampled_the_same_way_each_time() -> None:
    rng = np.random.default_rng(1)
    large = ArraySamples(rng.integers(0, 1000, (400, 1, 16, 16)).astype(np.uint16))
    few = Normaliser.fit(large, "zscore", max_values=20_000, seed=3)
    assert few == Normaliser.fit(large, "zscore", max_values=20_000, seed=3)
    assert few != Normaliser.fit(large, "zscore", max_values=20_000, seed=4)
    whole = Normaliser.fit(large, "zscore")
    assert few.offset[0] == pytest.approx(whole.offset[0], rel=0.02)
    assert few.scale[0] == pytest.approx(whole.scale[0], rel=0.02)


def test_a_channel_of_one_value_is_named() -> None:
    array = np.random.default_rng(0).integers(0, 9, (4, 2, 8, 8)).astype(np.uint8)
    array[:, 1] = 5
    flat = ArraySamples(array, channels=("DNA", "empty"))
    for kind in ("percentile", "zscore"):
        with pytest.raises(InputError, match=r"Channel 1 \(empty\) holds the value 5 only"):
            Normaliser.fit(flat, kind)
    assert Normaliser.fit(flat, "dtype").scale == (255, 255)


def test_sparse_signal_falls_back_on_its_full_range() -> None:
    array = np.zeros((10, 1, 32, 32), np.uint8)
    array[0, 0, 0, 0] = 200
    normaliser = Normaliser.fit(ArraySamples(array), "percentile")
    assert (normaliser.offset, normaliser.scale) == ((0,), (200,))


def test_other_images_than_it_was_fitted_on_are_refused(samples: ArraySamples) -> None:
    normaliser = Normaliser.fit(samples, "percentile")
    batch = all_of(samples)[:2]
    with pytest.raises(InputError, match="images are uint8, but the model was fitted on uint16"):
        normaliser.apply(batch.astype(np.uint8))
    with pytest.raises(InputError, match="images are float32"):
        normaliser.apply(torch.from_numpy(batch).float())
    with pytest.raises(InputError, match=r"fitted on 2 channels"):
        normaliser.apply(batch[:, :1])
    with pytest.raises(InputError, match="does not have 2 channels"):
        normaliser.invert(batch[:, :1].astype(np.float32))
    np.testing.assert_array_equal(normaliser.apply(batch.astype(">u2")), normaliser.apply(batch))


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "sigmoid"},
        {"scale": [1.0, 0.0]},
        {"scale": [1.0]},
        {"offset": ["a", "b"]},
        {"offset": [float("nan"), 0]},
        {"dtype": "pickle"},
    ],
)
def test_a_damaged_record_is_refused(samples: ArraySamples, change: dict) -> None:
    with pytest.raises(InputError, match="fit the model again"):
        Normaliser.from_dict({**Normaliser.fit(samples, "dtype").to_dict(), **change})


def test_options_that_cannot_be_meant_are_refused(samples: ArraySamples) -> None:
    with pytest.raises(InputError, match="choose dtype, percentile or zscore"):
        Normaliser.fit(samples, "minmax")
    with pytest.raises(InputError, match="0 ≤ low < high ≤ 100"):
        Normaliser.fit(samples, "percentile", low=99, high=1)
    with pytest.raises(InputError, match="no training samples"):
        Normaliser.fit(samples, "zscore", indices=np.array([], int))
    floats = ArraySamples(np.full((2, 1, 4, 4), 300, np.float32))
    with pytest.raises(InputError, match="have no dtype range"):
        Normaliser.fit(floats, "dtype")
