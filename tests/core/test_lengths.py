"""Lengths are read as people write them."""

from __future__ import annotations

import pytest

from coverslip.core import InputError, Length, PixelSize


@pytest.mark.parametrize(
    ("text", "length"),
    [("30", (30, "px")), ("30px", (30, "px")), ("12um", (12, "um")), ("12.5 µm", (12.5, "um")), (".5 μm", (0.5, "um"))],
)
def test_pixels_are_meant_unless_micrometres_are_named(text: str, length: tuple[float, str]) -> None:
    assert Length.parse(text) == length


@pytest.mark.parametrize("text", ["", "um", "0", "-3", "12 mm", "1e3x", "nan"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is no length; write it like 30"):
        Length.parse(text)


def test_micrometres_become_pixels_where_their_size_is_known() -> None:
    size = PixelSize(0.5, 0.5, None)
    assert Length.parse("12um").pixels(size, "a.tif") == pytest.approx(24)
    assert Length.parse("12").pixels(None, "a.tif") == 12
    with pytest.raises(InputError, match=r"a\.tif does not say how large its pixels are"):
        Length.parse("12um").pixels(None, "a.tif")
