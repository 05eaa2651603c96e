"""What the tests of the measures share."""

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    """A fresh generator for each test, so that no test depends on another."""
    return np.random.default_rng(7)
