"""An image that is there twice under two names is told, and where one trains and the other tests, as a leak."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import coverslip as cs
from coverslip.core.samples import ArraySamples
from coverslip.read import write_image_tiff
from coverslip.samples import check_sheet, open_fields, open_samples
from coverslip.samples.opening.copies import copies, copies_told


def images(count: int = 6) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4000, (count, 1, 16, 16)).astype(np.uint16)


def given(pixels: np.ndarray, **obs: list[str]) -> ArraySamples:
    columns = {"image": [f"{i}.tif" for i in range(len(pixels))], **obs}
    return ArraySamples(pixels, {name: np.array(column, object) for name, column in columns.items()})


@pytest.fixture
def twice() -> np.ndarray:
    pixels = images()
    pixels[4], pixels[5] = pixels[1], pixels[1]
    return pixels


def test_copies_are_found_by_their_pixels_and_constant_images_are_none(twice: np.ndarray) -> None:
    assert copies(given(images())) == []
    assert copies(given(twice)) == [[1, 4, 5]]
    twice[[0, 2]] = 0
    twice[3, 0, 0, 0] += 1
    assert copies(given(twice)) == [[1, 4, 5]]


def test_copies_in_two_parts_are_a_leak_that_names_both(twice: np.ndarray) -> None:
    split = ["train", "train", "train", "val", "val", "train"]
    (said,) = copies_told(given(twice, split=split))
    assert said.startswith("1.tif (train) and 4.tif (val) hold the same pixels, and 1 more is a copy of another: ")
    (said,) = copies_told(given(twice, split=["train"] * 3 + ["val"] + ["train"] * 2))
    assert "copies count as often as they are there" in said


def test_copies_of_one_group_cannot_be_divided(twice: np.ndarray) -> None:
    assert "where one trains and the other is held out" in copies_told(given(twice))[0]
    assert "count as often" in copies_told(given(twice, group=["a", "b", "c", "a", "b", "b"]))[0]
    assert "where one trains" in copies_told(given(twice, group=["a", "b", "c", "a", "b", "a"]))[0]
    assert "count as often" in copies_told(given(twice), np.array([0, 1, 0, 0, 1, 1]))[0]


def test_an_image_that_is_listed_twice_is_told_as_such(twice: np.ndarray) -> None:
    (said,) = copies_told(given(twice[[0, 1, 1]], image=["0.tif", "1.tif", "1.tif"]))
    assert said.startswith("1.tif is listed twice: ")


def test_copies_of_two_classes_contradict_each_other(twice: np.ndarray) -> None:
    samples = given(twice[[0, 1, 1, 0]], image=["0.tif", "1.tif", "2.tif", "3.tif"], phase=["M", "S", "G1", ""])
    first, second = copies_told(samples, label="phase")
    assert first.startswith("1.tif is of the class 'S' and 2.tif 'G1', but both hold the same pixels; mend the one")
    assert second.startswith("0.tif and 3.tif hold the same pixels, and 1 more is a copy of another: ")
    assert copies_told(samples) == copies_told(samples, label="absent") == [second]


def test_fields_of_one_middle_are_compared_whole(tmp_path: Path) -> None:
    field = np.random.default_rng(1).integers(0, 4000, (100, 120)).astype(np.uint16)
    other = field.copy()
    other[0, 0] += 1
    for name, pixels in {"a": field, "b": other, "c": field}.items():
        write_image_tiff(pixels, tmp_path / f"{name}.tif")
    assert copies(open_fields(tmp_path)) == [[0, 2]]
    assert copies(open_samples(tmp_path)) == [[0, 2]]


def test_a_fit_says_so_and_so_does_the_check(twice: np.ndarray, tmp_path: Path) -> None:
    for i, image in enumerate(twice):
        write_image_tiff(image[0], tmp_path / f"{i}.tif")
    rows = "".join(f"{i}.tif,{'val' if i > 3 else 'train'}\n" for i in range(6))
    (tmp_path / "sheet.csv").write_text(f"image,split\n{rows}")
    settings = {"latent": 2, "width": 4, "epochs": 1, "batch": 4}
    model = cs.fit("vae", tmp_path / "sheet.csv", settings)
    assert any(said.startswith("1.tif (train) and 4.tif (val) hold the same pixels") for said in model.warnings)
    problems = [(one.severity, one.kind) for one in check_sheet(tmp_path / "sheet.csv").problems]
    assert problems == [("error", "copy in two splits")] * 2
