"""Masks that say where objects are, not which is which, are doubted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import coverslip as cs
from coverslip.core.fields import ArrayFields
from coverslip.read import write_image_tiff, write_labels
from coverslip.samples import Sheet, check_sheet, crop_sheet, write_sheet
from coverslip.samples.sheets.instances import doubtful_masks, doubts_about


def squares(n: int = 4) -> np.ndarray:
    """n x n squares of 4 px, numbered from 1."""
    labels = np.zeros((8 * n, 8 * n), np.uint16)
    for i in range(n * n):
        y, x = divmod(i, n)
        labels[8 * y + 2 : 8 * y + 6, 8 * x + 2 : 8 * x + 6] = i + 1
    return labels


@pytest.mark.parametrize(
    ("mask", "says"),
    [
        (np.where(squares() > 0, 255, 0), "holds one number only, 255 (16 pieces)"),
        (np.where(squares() > 0, 2, 1), "has no 0, which is background"),
        (np.where(squares() > 0, (squares() - 1) % 5 + 1, 0), "has 16 pieces but 5 numbers (1 lies in 4 places)"),
        (np.where(squares() > 9, 9, squares()), "has 16 pieces but 9 numbers (9 lies in 8 places)"),
        (np.where(squares(1) > 0, 255, 0), "holds one number only, 255 (one piece)"),
    ],
    ids=["0 and 255", "1 and 2", "numbers that start again", "one number for many", "255 in one piece"],
)
def test_masks_that_do_not_number_their_objects(mask: np.ndarray, says: str) -> None:
    (sentence,) = doubts_about(mask, "m.tif")
    assert sentence.startswith(f"The mask m.tif {says}")
    assert sentence.endswith(".")


def test_masks_that_do(tmp_path: Path) -> None:
    assert doubts_about(squares(), "m.tif") == []
    assert doubts_about(squares(1), "m.tif") == []
    assert doubts_about(np.zeros((8, 8), int), "m.tif") == []
    specks = squares()
    specks[0, ::2] = np.arange(1, 17)  # one pixel left over of each object
    assert doubts_about(specks, "m.tif") == []
    halves = squares()
    halves[4, 2:6] = 0  # an object that another one cuts in two
    assert doubts_about(halves, "m.tif") == []


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    rows = []
    for i in range(5):
        image = write_image_tiff(rng.integers(0, 999, (32, 32), np.uint16), tmp_path / f"{i}.tif")
        mask = write_labels((squares() > 0).astype(np.uint8) * 255, tmp_path / "masks" / f"{i}.tif")
        rows.append({"image": image.name, "mask": f"masks/{mask.name}"})
    write_sheet(Sheet(tmp_path, ("image", "mask"), rows), tmp_path / "fields.csv")
    return tmp_path / "fields.csv"


def test_check_crop_and_evaluate_say_so(sheet: Path, tmp_path: Path) -> None:
    warnings = [problem.text for problem in check_sheet(sheet).warnings]
    assert len(warnings) == 5
    assert all("holds one number only, 255" in text for text in warnings)
    crops = crop_sheet(cs.samples.read_sheet(sheet), tmp_path / "crops", 8)
    assert len(crops.notes) == 4
    assert crops.notes[-1] == "… and 2 more of this kind."
    from coverslip.verbs.evaluate import evaluate_file

    notes = evaluate_file(tmp_path / "masks", sheet).notes
    assert "The mask 0.tif holds one number only, 255 (16 pieces)" in notes[0]


def test_a_fit_says_so_for_the_model_to_keep() -> None:
    fields = ArrayFields([np.zeros((1, 32, 32), np.float32)] * 2, labels=[squares(), (squares() > 0).astype(np.uint8)])
    (doubt,) = doubtful_masks(fields)
    assert doubt.startswith(f"The mask of {fields.name(1)} holds one number only, 1")
