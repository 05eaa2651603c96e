"""`coverslip evaluate` on label images: found by image or by name, by split, and refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

import coverslip as cs
from coverslip.core.errors import InputError
from coverslip.read import read_table, write_label_folder, write_labels, write_zarr_labels

from .conftest import assert_one_sentence

NAMES = ("A01/1", "A01/2", "B02/1", "B02/2")


def truth_of(number: int) -> np.ndarray:
    """Twelve squares of 8 x 8 pixels."""
    squares = np.kron(np.arange(1, 13, dtype=np.uint8).reshape(3, 4), np.pad(np.ones((8, 8), np.uint8), 2))
    return np.roll(squares, number, axis=1)


def prediction_of(number: int) -> np.ndarray:
    """Of image k the first k squares are missing; the others are as they are."""
    labels = truth_of(number).astype(np.int32)
    return np.where(labels > number, labels + 40, 0)


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    """Two wells with two images each, two of them for validation."""
    lines = ["image,mask,split,well"]
    for number, name in enumerate(NAMES):
        image = tmp_path / "data" / f"{name}.tif"
        image.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(image, np.zeros((36, 48), np.uint16))
        tifffile.imwrite(image.with_suffix(".mask.tif"), truth_of(number))
        lines.append(f"{name}.tif,{name}.mask.tif,{'train' if number < 2 else 'val'},{name[:3]}")
    path = tmp_path / "data" / "fields.csv"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def result(sheet: Path, tmp_path: Path) -> Path:
    """What predict writes for the sheet."""
    rows = cs.samples.read_sheet(sheet).rows
    maps = [(cs.LabelMap(prediction_of(i), row["image"]), None) for i, row in enumerate(rows)]
    write_label_folder(maps, tmp_path / "labels", rows, sheet.parent)
    return tmp_path / "labels"


def values(path: Path) -> dict[str, float]:
    table = read_table(path)
    return dict(zip(table["measure"], table["value"], strict=True))


def test_labels_are_measured_against_the_masks_of_the_sheet_they_were_made_from(
    coverslip: Callable, result: Path, tmp_path: Path
) -> None:
    said = coverslip("evaluate", result, "--out", tmp_path / "n.csv", "--per-image", tmp_path / "i.parquet")
    assert said.code == 0
    header, _, first, *_ = said.out.splitlines()
    assert header.split()[:3] == ["split", "measure", "value"]
    assert first.split()[:3] == ["val", "ap50", "0.7917"]  # (10 + 9) / 24: what was held out comes first
    table = read_table(tmp_path / "n.csv")
    recall = table["measure"] == "recall"
    assert dict(zip(table["split"][recall], table["value"][recall], strict=True)) == {
        "val": (10 + 9) / 24,
        "train": (12 + 11) / 24,
        "all": (12 + 11 + 10 + 9) / 48,
    }
    assert "Training images are among those measured" in said.out
    assert said.out.endswith(f"\nTable: {tmp_path / 'n.csv'}\n\nTable: {tmp_path / 'i.parquet'}\n")
    assert values(tmp_path / "n.csv")["recall"] == (12 + 11 + 10 + 9) / 48
    images = read_table(tmp_path / "i.parquet")
    assert images["name"].tolist() == [f"../data/{name}.tif" for name in NAMES]
    assert images["fn"].tolist() == [0, 1, 2, 3]
    assert images["ap"].tolist() == pytest.approx([1, 11 / 12, 10 / 12, 9 / 12])


def test_a_split_restricts_to_its_images(coverslip: Callable, result: Path, sheet: Path, tmp_path: Path) -> None:
    said = coverslip("evaluate", result, sheet, "--split", "validation", "--out", tmp_path / "n.csv")
    assert said.code == 0
    assert "Training images" not in said.out
    assert values(tmp_path / "n.csv")["recall"] == (10 + 9) / 24


def test_intervals_are_over_groups_where_they_are_named(
    coverslip: Callable, result: Path, sheet: Path, tmp_path: Path
) -> None:
    assert coverslip("evaluate", result, sheet, "--group", "well", "--out", tmp_path / "n.csv").code == 0
    table = read_table(tmp_path / "n.csv")
    row = [*zip(table["split"], table["measure"], strict=True)].index(("all", "recall"))
    assert (table["low"][row], table["high"][row]) == (19 / 24, 23 / 24)  # either well twice


def test_images_without_a_result_are_left_out_when_asked(
    coverslip: Callable, result: Path, sheet: Path, tmp_path: Path
) -> None:
    lines = (result / "sheet.csv").read_text().splitlines()
    (result / "sheet.csv").write_text("\n".join(lines[:3]))
    said = coverslip("evaluate", result, sheet)
    assert_one_sentence(said, "2 of the 4 images", "B02/1.tif", "--split", "--partial")
    said = coverslip("evaluate", result, sheet, "--partial", "--out", tmp_path / "n.csv")
    assert "Left out 2 images whose truth has no result." in said.out
    assert values(tmp_path / "n.csv")["recall"] == 23 / 24
    few = sheet.with_name("few.csv")
    few.write_text("\n".join(sheet.read_text().splitlines()[:2]))
    assert "Left out 1 image whose result has no truth." in coverslip("evaluate", result, few).out


def flat(folder: Path, ending: str, labels: Callable[[int], np.ndarray]) -> Path:
    """A folder of label images of another program."""
    folder.mkdir()
    for number in range(3):
        Picture.fromarray(labels(number).astype(np.uint16)).save(folder / f"field{number}{ending}")
    return folder


def test_folders_of_label_images_are_matched_by_name(coverslip: Callable, tmp_path: Path) -> None:
    result = flat(tmp_path / "result", ".labels.tif", prediction_of)
    flat(tmp_path / "fields", ".tif", truth_of).joinpath("notes.txt").write_text("not an image")
    said = coverslip("evaluate", result, tmp_path / "fields", "--out", tmp_path / "n.csv")
    assert said.code == 0
    assert values(tmp_path / "n.csv")["recall"] == (12 + 11 + 10) / 36
    (tmp_path / "images").mkdir()
    for number in range(3):  # beside their images, the label images alone count
        (result / f"field{number}.png").write_bytes((tmp_path / "fields" / f"field{number}.tif").read_bytes())
    masks = flat(tmp_path / "masks", ".png", truth_of)
    assert coverslip("evaluate", result, masks, "--out", tmp_path / "n.csv", "--force").code == 0
    assert values(tmp_path / "n.csv")["recall"] == (12 + 11 + 10) / 36


@pytest.mark.parametrize("ending", [".labels.tif", ".npy", ".zarr"])
def test_single_label_images_belong_together_whatever_they_are_called(
    coverslip: Callable, tmp_path: Path, ending: str
) -> None:
    mask, found = tmp_path / "by hand.png", tmp_path / f"found{ending}"
    Picture.fromarray(truth_of(3)).save(mask)
    if ending == ".npy":
        np.save(found, prediction_of(3))
    elif ending == ".zarr":
        image = cs.Image.from_array(np.zeros((36, 48), np.uint8), "YX")
        cs.read.write_image_zarr(image, found)
        write_zarr_labels(prediction_of(3), found, "nuclei")
    else:
        write_labels(prediction_of(3), found)
    assert coverslip("evaluate", found, mask, "--out", tmp_path / "n.csv").code == 0
    assert values(tmp_path / "n.csv")["recall"] == 9 / 12


def test_a_single_result_is_found_in_a_sheet(coverslip: Callable, sheet: Path, tmp_path: Path) -> None:
    found = write_labels(cs.LabelMap(prediction_of(1), str(sheet.parent / "A01/2.tif")), tmp_path / "2.labels.tif")
    said = coverslip("evaluate", found, sheet, "--out", tmp_path / "n.csv")
    assert said.code == 0
    assert values(tmp_path / "n.csv")["recall"] == 11 / 12
    assert "Left out 3 images" in said.out


def test_python_takes_label_maps_arrays_and_files(result: Path, sheet: Path) -> None:
    def recall(*arguments: object, **options: object) -> float:
        rows = [row for row in cs.evaluate(*arguments, **options) if row["measure"] == "recall"]  # type: ignore
        return rows[-1]["value"]  # of all together

    maps = [cs.LabelMap(prediction_of(i), str(sheet.parent / f"{name}.tif")) for i, name in enumerate(NAMES)]
    assert recall(maps, sheet) == recall(result, sheet) == 42 / 48
    assert recall(maps[::-1], sheet, split="val") == recall(cs.read.read_label_folder(result), split="val") == 19 / 24
    assert recall(maps[:2], [truth_of(0), truth_of(1)]) == 23 / 24
    assert recall(maps[2], truth_of(2)) == recall(prediction_of(2), cs.LabelMap(truth_of(2), "x.tif")) == 10 / 12
    assert recall(str(result), cs.samples.read_sheet(sheet), group="well") == 42 / 48


def with_a_smaller_mask(folder: Path) -> None:
    tifffile.imwrite(folder / "A01/2.mask.tif", truth_of(1)[:-1])


def with_a_mask_in_colours(folder: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 255, (36, 48, 3)).astype(np.uint8)
    tifffile.imwrite(folder / "A01/2.mask.tif", colours, photometric="rgb")


def with_fractions_in_a_mask(folder: Path) -> None:
    tifffile.imwrite(folder / "A01/2.mask.tif", (truth_of(1) / 7).astype(np.float32))


def with_empty_masks(folder: Path) -> None:
    for mask in folder.glob("*/*.mask.tif"):
        tifffile.imwrite(mask, np.zeros((36, 48), np.uint8))


def without_a_mask(folder: Path) -> None:
    (folder / "A01/2.mask.tif").unlink()


def without_masks(folder: Path) -> None:
    (folder / "fields.csv").write_text("image\nA01/1.tif\n")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (with_a_smaller_mask, ["A01/2.tif", "truth has 35 x 48 pixels but the prediction 36 x 48"]),
        (with_a_mask_in_colours, ["2.mask.tif", "is a picture in colours, not labels"]),
        (with_fractions_in_a_mask, ["2.mask.tif", "no label numbers"]),
        (with_empty_masks, ["no object in any of the 4 images"]),
        (without_a_mask, ["fields.csv, row 3", "no label image", "2.mask.tif"]),
        (without_masks, ["fields.csv", "no column 'mask'"]),
    ],
)
def test_a_truth_that_cannot_be_used_is_one_sentence(
    coverslip: Callable, result: Path, sheet: Path, out: Path, spoil: Callable, words: list[str]
) -> None:
    spoil(sheet.parent)
    assert_one_sentence(coverslip("evaluate", result, sheet, "--out", out / "n.csv"), *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["labels", "data/fields.csv", "--split", "test"], ["No image of the truth has the split 'test'"]),
        (["labels", "data/fields.csv", "--split", "vall"], ["'vall' is not a split"]),
        (["labels", "data/A01/1.mask.tif", "--split", "val"], ["no column 'split'"]),
        (["labels", "data/fields.csv", "--group", "donor"], ["no column 'donor'", "image, mask, split, well"]),
        (["labels", "data/fields.csv", "--factors", "well"], ["option 'factors' is for an embedding"]),
        (["labels", "data/B02/1.mask.tif"], ["unclear which result", "1.mask.tif is called like"]),
        (["labels", "nowhere.csv"], ["nowhere.csv does not exist"]),
        (["nowhere", "data/fields.csv"], ["nowhere does not exist"]),
        (["data/A01", "data/fields.csv"], ["B02/1.tif is called like A01/1.tif", "give the sheet"]),
        (["labels/1_row2.labels.tif"], ["no column 'source_mask'"]),
        (["cells.h5ad", "--split", "val"], ["holds an embedding", "option 'split'"]),
        (["labels", "--per-image", "images.txt"], [".csv or .parquet"]),
    ],
)
def test_arguments_that_do_not_fit_are_one_sentence(
    coverslip: Callable,
    result: Path,
    tmp_path: Path,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    words: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert_one_sentence(coverslip("evaluate", *arguments, "--out", out / "n.csv"), *words)


def test_results_that_are_called_alike_need_their_sheet(coverslip: Callable, tmp_path: Path, result: Path) -> None:
    other = tmp_path / "moved.csv"
    other.write_text("image,mask\n1.tif,data/A01/1.mask.tif\n2.tif,data/A01/2.mask.tif\n")
    assert_one_sentence(coverslip("evaluate", result, other), "1.tif is called like ../data/B02/1.tif")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (([truth_of(0), truth_of(1)], [truth_of(0)]), "2 results for 1 truths"),
        (([], [truth_of(0)]), "at least one"),
        ((truth_of(0), ["a.tif"]), "The truth should be label maps or arrays"),
        ((truth_of(0),), "does not say where the truth is"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arguments: tuple, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        cs.evaluate(*arguments)
    with pytest.raises(InputError, match="option 'factors' is for an embedding"):
        cs.evaluate(truth_of(0), truth_of(0), factors=["day"])
