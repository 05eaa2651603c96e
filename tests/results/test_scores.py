"""Scores as values, files, numbers and pages."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import coverslip as cs
from coverslip.cli import main
from coverslip.core import ClassScores, InputError
from coverslip.figures.classes import gallery_figure
from coverslip.results.scores.evaluation import evaluate
from coverslip.results.scores.file import read_scores, write_scores
from coverslip.results.scores.options import Evaluate

CLASSES = ("G1", "M", "S")


@pytest.fixture
def scores(tmp_path: Path) -> ClassScores:
    """Six images of three classes, one called wrongly, with the sheet's own column called like ours."""
    probability = np.array(
        [[0.8, 0.1, 0.1], [0.6, 0.1, 0.3], [0.2, 0.7, 0.1], [0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.3, 0.1, 0.6]],
        np.float32,
    )
    pixels = np.random.default_rng(0).integers(0, 4000, (6, 9, 9)).astype(np.uint16)
    for i, image in enumerate(pixels):
        cs.read.write_image_tiff(image, tmp_path / f"{i}.tif")
    obs = {
        "image": np.array([f"{i}.tif" for i in range(6)], object),
        "label": np.array(["G1", "G1", "M", "M", "S", "S"], object),
        "class": np.arange(6),
    }
    where = {"kind": "scores", "inputs": {"folder": str(tmp_path)}}
    return ClassScores(CLASSES, probability, obs, probability / 2, 0.1, True, where)


def test_sets_hold_what_cannot_be_ruled_out_and_unsure_images_are_left_to_a_person(scores: ClassScores) -> None:
    assert scores.predicted.tolist() == ["G1", "G1", "M", "G1", "S", "S"]
    assert scores.set_names().tolist() == ["G1", "G1 | S", "M", "G1 | M", "S", "G1 | S"]
    assert scores.abstained.tolist() == [False, True, False, True, False, True]
    strict = replace(scores, error_rate=0.32)
    assert strict.set_names().tolist() == ["G1", "", "M", "", "S", ""]
    assert strict.abstained.tolist() == [False, True, False, True, False, True]


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_a_table_comes_back_as_it_was_with_the_users_columns(scores: ClassScores, tmp_path: Path, ending: str) -> None:
    path = write_scores(scores, tmp_path / f"found{ending}")
    kind, again = cs.results.opened(path)
    assert kind.name == "scores"
    np.testing.assert_array_equal(again.probability, scores.probability)
    np.testing.assert_array_equal(again.plausibility, scores.plausibility)
    assert (again.classes, again.ordered, again.error_rate) == (CLASSES, True, 0.1)
    assert again.obs["class"].tolist() == list(range(6))
    table = cs.read.read_table(path)
    assert table["coverslip_class"].tolist() == scores.predicted.tolist()
    assert table["set"].tolist() == scores.set_names().tolist()


def test_a_csv_that_lost_its_provenance_is_still_known_by_its_columns(scores: ClassScores, tmp_path: Path) -> None:
    plain = replace(scores, obs={"image": scores.obs["image"]})
    path = write_scores(plain, tmp_path / "found.csv")
    (tmp_path / "found.csv.provenance.json").unlink()
    kind, again = cs.results.opened(path)
    assert kind.name == "scores"
    np.testing.assert_allclose(again.probability, scores.probability)


@pytest.mark.parametrize("division", [";", "\t"])
def test_a_csv_that_a_spreadsheet_divided_otherwise_is_told(scores: ClassScores, tmp_path: Path, division: str) -> None:
    path = write_scores(scores, tmp_path / "found.csv")
    path.write_text(path.read_text().replace(",", division))
    with pytest.raises(InputError, match=r"found\.csv does not divide its columns by commas; save it again so"):
        cs.results.opened(path)
    path.with_name("found.csv.provenance.json").unlink()
    with pytest.raises(InputError, match=r"found\.csv does not divide its columns by commas; save it again so"):
        cs.results.opened(path)


@pytest.mark.parametrize("told", [True, False])
def test_classes_that_look_like_numbers_stay_what_they_are_in_a_csv(
    scores: ClassScores, tmp_path: Path, told: bool
) -> None:
    names = dict(zip(CLASSES, ("01", "1", "1.0"), strict=True))
    label = np.array([names[name] for name in scores.obs["label"]], object)
    obs = {"image": scores.obs["image"], "label": label, "stage": label, "seen": np.array(["true", None] * 3, object)}
    path = write_scores(replace(scores, classes=tuple(names.values()), obs=obs), tmp_path / "found.csv")
    if not told:
        (tmp_path / "found.csv.provenance.json").unlink()
    found = {row["measure"]: row["value"] for row in cs.evaluate(path) if row["class"] == "all"}
    assert found["accuracy"] == pytest.approx(5 / 6)
    again = read_scores(path)
    assert again.obs["label"].tolist() == label.tolist()
    if told:
        assert again.obs["stage"].tolist() == label.tolist()
        assert again.obs["seen"].tolist() == obs["seen"].tolist()


def test_evaluation_matches_a_sheet_by_image_and_says_what_guessing_gives(scores: ClassScores, tmp_path: Path) -> None:
    path = write_scores(replace(scores, obs={"image": scores.obs["image"]}), tmp_path / "found.parquet")
    sheet = tmp_path / "sheet.csv"
    labels = ["S", "S", "M", "M", "G1", "G1"]
    sheet.write_text("image,label\n" + "".join(f"{5 - i}.tif,{label}\n" for i, label in enumerate(labels)))
    rows = {(row["class"], row["measure"]): row["value"] for row in cs.evaluate(path, sheet)}
    assert rows["all", "accuracy"] == pytest.approx(5 / 6)
    assert rows["M", "recall"] == 0.5
    assert rows["G1", "precision"] == pytest.approx(2 / 3)
    assert {"quadratic kappa", "coverage", "set size"} <= {measure for _, measure in rows}
    assert rows["all", "set size"] == 1.5


def test_the_split_that_was_held_out_is_measured(scores: ClassScores, tmp_path: Path) -> None:
    held = {**scores.obs, "split": np.array(["train", "train", "train", "test", "train", "test"], object)}
    rows = cs.evaluate(replace(scores, obs=held))
    assert rows[0]["n"] == 2
    assert rows[0]["value"] == 0.5
    page = cs.write_report(replace(scores, obs=held), tmp_path / "page.html").read_text()
    assert "<dt>left to a person</dt><dd>100%" in page  # both of them, and half of all six


def test_what_the_fit_says_of_its_sets_stands_beside_their_coverage(scores: ClassScores) -> None:
    warnings = ["Nothing is promised of prediction sets.", "The last epoch was the best."]
    told = replace(scores, provenance={**scores.provenance, "model": {"warnings": warnings}})
    notes = evaluate(told, None, None, 0, Evaluate()).notes
    assert notes[-2:] == ("Prediction sets are those of an error rate of 0.1 in each class.", warnings[0])


def test_bad_questions_get_one_sentence(scores: ClassScores, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no column 'phase' to measure by; name one of image, label, class"):
        cs.evaluate(scores, label="phase")
    with pytest.raises(InputError, match=r"No image has a class that the model knows \(G1, M, S\); the column says 0"):
        cs.evaluate(scores, label="class")
    with pytest.raises(InputError, match="No image has the split 'test'"):
        cs.evaluate(scores, split="test")
    with pytest.raises(InputError, match="The option 'error_rate' cannot be '2'"):
        cs.evaluate(scores, error_rate="2")
    with pytest.raises(InputError, match=re.escape("must be finite numbers (6, 3)")):
        replace(scores, probability=np.full((6, 3), np.nan, np.float32))
    broken = tmp_path / "broken.parquet"
    cs.read.write_table({"image": ["a"], "x": [1]}, broken)
    with pytest.raises(InputError, match="holds no scores: no column is called probability_<class>"):
        read_scores(broken)


def test_the_page_shows_pictures_confusions_and_every_class(scores: ClassScores, tmp_path: Path) -> None:
    page = cs.write_report(scores, tmp_path / "page.html").read_text()
    for heading in ("Confusions", "ROC", "Calibration", "Each class", "Most confused"):
        assert f"<h2>{heading}</h2>" in page
    assert '"truth":[0,0,1,1,2,2]' in page
    assert '<div class="card across">\n    <h2>Each class</h2>' in page  # all columns are seen
    assert page.count("image/webp") + page.count('"pictures":{"0":') >= 1
    assert "<h2>Most confused: M called G1</h2>" in page  # the pictures themselves, where no model says where it looked


def test_a_single_picture_is_drawn_no_larger_than_each_of_many() -> None:
    pictures = np.zeros((9, 8, 8, 3), np.uint8)
    one, many = (gallery_figure(pictures[:n], ["0.5"] * n) for n in (1, 9))
    assert one.get_figwidth() == many.get_figwidth()
    assert one.axes[0].get_position().width == pytest.approx(many.axes[0].get_position().width, rel=0.01)


def test_a_table_for_spreadsheets_at_another_error_rate(scores: ClassScores, tmp_path: Path) -> None:
    path = write_scores(scores, tmp_path / "found.parquet")
    out = tmp_path / "table.csv"
    assert main(["export", str(path), "--csv", "--error-rate", "0.32", "--out", str(out)]) == 0
    assert [text or "" for text in cs.read.read_table(out)["set"].tolist()] == ["G1", "", "M", "", "S", ""]
