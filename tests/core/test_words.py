"""Numbers of things in sentences."""

from __future__ import annotations

from coverslip.core.words import number_of, word_for


def test_one_thing_is_one_and_many_are_divided_by_commas() -> None:
    assert [number_of(n, "image") for n in (0, 1, 1234)] == ["0 images", "1 image", "1,234 images"]
    assert number_of(2, "nucleus", "nuclei") == "2 nuclei"


def test_a_verb_goes_with_the_number_before_it() -> None:
    assert [f"{n} of 3 images {word_for(n, 'is', 'are')} dark" for n in (0, 1, 2)] == [
        "0 of 3 images are dark",
        "1 of 3 images is dark",
        "2 of 3 images are dark",
    ]
