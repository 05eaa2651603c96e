"""Label images for the tests: drawn by hand, and drawn at random with many ties."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays


def drawn(text: str) -> np.ndarray:
    """A label image from its picture: digits are labels, dots are background."""
    return np.array([[0 if c == "." else int(c) for c in line.strip()] for line in text.strip().splitlines()])


@st.composite
def label_pairs(draw: st.DrawFn, largest: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """A truth and a prediction of up to 6 x 6 pixels, as alike as chance will have it."""
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    labels = arrays(np.int64, shape, elements=st.integers(0, largest))
    truth, other = draw(labels), draw(labels)
    kept = draw(arrays(bool, shape))
    return truth, np.where(kept, truth, other)
