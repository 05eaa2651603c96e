"""Samples of several domains as one: of any size, channels and dtype."""

from __future__ import annotations

import numpy as np
import pytest

from coverslip.core import ArraySamples, InputError
from coverslip.samples import join_samples


def test_domains_of_other_sizes_channels_and_dtypes_are_brought_together() -> None:
    rng = np.random.default_rng(0)
    dark = ArraySamples(rng.integers(0, 4000, (4, 1, 20, 30)).astype(np.uint16), {"stage": [1.0, np.nan, 2.0, 1.0]})
    bright = ArraySamples(rng.integers(0, 255, (3, 3, 12, 12)).astype(np.uint8), {"label": ["a", "b", "a"]})
    joined = join_samples([dark, bright], size=16, names=["Basel", "Kyoto"])
    assert joined.shape == (3, 16, 16)
    assert joined.obs["domain"].tolist() == ["Basel"] * 4 + ["Kyoto"] * 3
    # Words as a sheet has them: what is missing is no class.
    assert joined.obs["stage"].tolist() == ["1", "", "2", "1", "", "", ""]
    assert joined.obs["label"].tolist() == ["", "", "", "", "a", "b", "a"]
    pixels = joined.read([5, 0])
    assert pixels.dtype == np.float32
    assert 0 <= pixels.min() < 0.1
    assert 0.9 < pixels.max() <= 1
    np.testing.assert_array_equal(pixels[1, 0], pixels[1, 2])  # one channel, repeated
    np.testing.assert_array_equal(joined.read([0])[0], pixels[1])
    with pytest.raises(InputError, match="2 and 3 channels cannot be joined"):
        join_samples([ArraySamples(np.zeros((1, 2, 9, 9), np.uint8)), bright], size=16)
