"""Studies of classifiers: folds, sizes, shortcuts; on bars and with a linear classifier, which takes no time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import coverslip as cs
from coverslip.cli import main
from coverslip.core import ArraySamples, InputError, Subset
from coverslip.measure import Classification, evaluate_classes
from coverslip.results.scores.file import read_scores
from coverslip.study.classes.bench import open_bench
from coverslip.study.classes.chance import coverage_by_chance
from coverslip.study.classes.crossing import cross_validate, kinds_of
from coverslip.study.classes.divisions import folds_of, sizes_of
from coverslip.study.classes.learning import image_curve
from coverslip.study.classes.shortcut import shortcuts
from coverslip.study.classes.transfer import transfer
from coverslip.train.run import Run
from coverslip.verbs.fit import one_or_joined

from ...classify.bars import bars

RUN = Run(device="cpu", precision="fp32")
LINEAR: dict[str, Any] = {"settings": {"network": "linear"}, "run": RUN}
CODES = np.repeat([0, 1, 2], [40, 20, 10])


def test_each_image_is_tested_once_and_no_group_is_divided() -> None:
    groups = np.arange(70) // 2
    plan = folds_of(CODES, groups, 5, 2, 0.2, seed=3)
    assert len(plan) == 10
    for repeat in (1, 2):
        tested = np.concatenate([each.test for each in plan if each.facts["repeat"] == repeat])
        assert sorted(tested) == list(range(70))
    for each in plan:
        parts = [set(groups[rows]) for rows in (each.train, each.val, each.test)]
        assert not parts[0] & parts[1]
        assert not parts[2] & (parts[0] | parts[1])
        assert set(CODES[each.train]) == {0, 1, 2}
    assert not np.array_equal(plan[0].test, plan[5].test)


def test_groups_too_few_to_be_held_out_whole_are_told_once_with_the_remedy(tmp_path: Path) -> None:
    images = bars(60)
    obs = {**images.obs, "group": np.repeat(["p1", "p2", "p3", "p4"], 15)}
    samples = ArraySamples(images.read(range(60)), obs)
    found = cross_validate("classify", samples, tmp_path / "single", folds=2, **LINEAR)
    (said,) = [note for note in found.notes if "group" in note]
    assert said.startswith("The column 'group' has only 4 groups, and whole ones are held out from 5 on: single images")
    assert said.endswith("--group group holds whole ones out.")
    found = cross_validate("classify", samples, tmp_path / "whole", folds=2, group="group", **LINEAR)
    (said,) = [note for note in found.notes if "group" in note]
    assert "whole groups of the column 'group' held out" in said


@pytest.mark.parametrize(("label", "words"), [("a", "Every image is 'a'"), ("", "The column 'label' is empty")])
def test_a_study_of_fewer_than_two_classes_is_refused(label: str, words: str, tmp_path: Path) -> None:
    samples = ArraySamples(bars(9).read(range(9)), {"label": np.array([label] * 9, object)})
    with pytest.raises(InputError, match=words):
        cross_validate("classify", samples, tmp_path, **LINEAR)
    with pytest.raises(InputError, match=words):
        cs.fit("classify", samples, {"network": "linear"})


def test_larger_sizes_hold_the_smaller_ones_and_are_tested_alike() -> None:
    few, more = sizes_of(CODES, None, ["4", "8"], 1, 0.25, seed=0)
    assert np.bincount(CODES[np.r_[few.train, few.val]]).tolist() == [4, 4, 4]
    assert np.bincount(CODES[few.val]).tolist() == [1, 1, 1]
    assert set(few.train) | set(few.val) <= set(more.train) | set(more.val)
    np.testing.assert_array_equal(few.test, more.test)
    (share,) = sizes_of(CODES, None, ["20%"], 1, 0.2, seed=0)
    assert len(share.train) + len(share.val) == pytest.approx(14, abs=1)
    assert len(share.train) + len(share.val) + len(share.test) == 70


def test_shares_that_train_are_held_out_and_tested_are_a_size_too() -> None:
    (division,) = sizes_of(CODES, None, ["40/20/40"], 1, 0.5, seed=0)
    assert [len(division.train), len(division.val), len(division.test)] == pytest.approx([28, 14, 28], abs=1)
    assert division.name == "size=40-20-40,repeat=1"


def test_a_curve_compares_kinds_on_the_same_images_at_each_size(tmp_path: Path) -> None:
    found = image_curve(
        "classify", bars(90), tmp_path, sizes=["4", "12"], restarts=2, over={"network": ["linear", "knn"]}, **LINEAR
    )
    assert [(row["kind"], row["size"]) for row in found.table] == [
        (f"network={kind}", size) for kind in ("linear", "knn") for size in ("4", "12")
    ]
    page = (tmp_path / "report.html").read_text()
    assert "<h2>Differences on the same images</h2>" in page
    assert page.count("<td>network=linear</td>") >= 6
    assert json.loads((tmp_path / "provenance.json").read_text())["kinds"] == ["network=linear", "network=knn"]
    assert any("than chance" in note or "minus" in note for note in found.notes)
    more = image_curve("classify", bars(90), tmp_path / "b", sizes=["40"], restarts=1, **LINEAR)
    assert any("fewer images: 'high' (30), 'low' (30), 'middle' (30)" in note for note in more.notes)


def test_augmentation_can_be_left_out_of_some_fits(tmp_path: Path) -> None:
    settings = {"network": "mobincep", "augment.rotation": 7}
    bench = open_bench("classify", bars(30), tmp_path, settings=settings, run=RUN)
    kinds = kinds_of(bench, {"augment": [True, False]})
    assert kinds["augment=True"].augment == bench.config.augment
    assert kinds["augment=True"].augment.rotation == 7
    x = torch.rand(2, 1, 8, 8)
    assert kinds["augment=False"].augment(x, torch.Generator().manual_seed(0)) is x


def test_marked_images_are_tested_whatever_the_size(tmp_path: Path) -> None:
    tested = np.arange(0, 70, 5)
    few, share = sizes_of(CODES, None, ["3", "50%"], 1, 0.2, 0, tested=tested)
    np.testing.assert_array_equal(few.test, tested)
    np.testing.assert_array_equal(share.test, tested)
    assert not set(tested) & {*few.train, *few.val, *share.train, *share.val}
    assert len(share.train) + len(share.val) == pytest.approx(28, abs=1)
    both = bars(60)
    marked = {**both.obs, "split": np.where(np.arange(60) % 4 == 0, "test", "")}
    found = image_curve(
        "classify", ArraySamples(both.read(range(60)), marked), tmp_path, sizes=["6"], restarts=2, **LINEAR
    )
    assert found.table[0]["images"] == 30  # 15, twice


def test_a_domain_of_a_single_class_is_measured_but_for_what_takes_two() -> None:
    only = Classification(("a", "b"), np.zeros(9, int), np.tile(np.float32([[0.7, 0.3]]), (9, 1)))
    rows = {row["measure"]: row["value"] for row in evaluate_classes(only) if row["class"] == "all"}
    assert rows["accuracy"] == 1
    assert "AUC macro" not in rows


def test_coverage_by_chance_is_that_of_so_few_calibrating_images() -> None:
    low, high = coverage_by_chance([15] * 5, [30] * 5, 0.1)
    assert 0.84 < low < 0.90
    assert 0.97 < high < 1
    narrow = coverage_by_chance([999] * 5, [3000] * 5, 0.1)
    assert narrow == pytest.approx((0.89, 0.91), abs=0.005)
    assert coverage_by_chance([5], [10], 0.1) == (1, 1)  # nothing can be ruled out


def test_cross_validation_says_which_coverage_is_chance(study: Path) -> None:
    page = (study / "report.html").read_text()
    assert "<h2>Coverage of each class</h2>" in page
    assert "<th>calibrating</th>" in page


def test_a_fit_to_one_laboratory_is_tested_at_home_and_abroad(tmp_path: Path) -> None:
    ours, theirs = bars(60, side=12), bars(45, side=12, seed=1)
    wrong = np.where(theirs.obs["label"] == "high", "low", np.where(theirs.obs["label"] == "low", "high", "middle"))
    both = ArraySamples(
        np.concatenate([ours.read(range(60)), theirs.read(range(45))]),
        {
            "label": np.r_[ours.obs["label"], wrong],
            "laboratory": np.array(["Basel", "Kyoto"])[(np.arange(105) >= 60).astype(int)],
        },
    )
    found = transfer("classify", both, tmp_path / "out", domain="laboratory", folds=3, **LINEAR)
    reached = {(row["fitted to"], row["tested on"]): row["accuracy"][0] for row in found.table}
    assert reached["Basel", "Basel"] == reached["Kyoto", "Kyoto"] == 1
    assert reached["Basel", "Kyoto"] == reached["Kyoto", "Basel"] == pytest.approx(1 / 3)  # two classes changed names
    assert any("does not carry over" in note for note in found.notes)
    alone = ArraySamples(ours.read(range(60)), {**ours.obs, "laboratory": np.array(["Basel"] * 60)})
    with pytest.raises(InputError, match=r"names one domain only \(Basel\)"):
        transfer("classify", alone, tmp_path / "b", domain="laboratory", **LINEAR)


def test_a_kept_model_opens_other_images_as_the_study_did(tmp_path: Path) -> None:
    """Channels that were chosen, and sheets that were joined: what the model is asked of later is opened alike."""
    pixels = bars(45, channels=3)
    for i, image in enumerate(pixels.read(range(45))):
        cs.read.write_image_tiff(image, tmp_path / f"{i}.tif")
    lines = [f"{i}.tif,{label}" for i, label in enumerate(pixels.obs["label"])]
    sheet = tmp_path / "cells.csv"
    sheet.write_text("\n".join(["image,label", *lines, ""]))
    cross_validate("classify", sheet, tmp_path / "a", folds=3, channels=[2], keep_models=True, **LINEAR)
    (model, *_) = sorted((tmp_path / "a" / "fits").rglob("model"))
    assert cs.load(model).facts["input"]["channels"] == [2]
    assert len(cs.predict(model, sheet, device="cpu")) == 45  # of three channels
    joined = cs.samples.join_samples([sheet, bars(30, side=9)], size=12, names=["ours", "theirs"])
    fitted = cs.fit("classify", joined, {"network": "linear", "size": 12}, run=RUN)
    scores = cs.predict(fitted, sheet, device="cpu")
    assert (scores.predicted == pixels.obs["label"]).mean() > 0.9
    assert scores.provenance["fitted_to_these"]  # one of the sheets that were joined


@pytest.mark.parametrize("size", ["x", "0", "1", "100%", "20/20/50", "20/80"])
def test_a_size_that_cannot_be_is_refused(size: str) -> None:
    with pytest.raises(InputError, match=r"is no size|at least 2 labelled images"):
        sizes_of(CODES, None, [size], 1, 0.2, 0)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("folds") / "study"
    cross_validate("classify", bars(60), out, folds=3, over={"network": ["linear", "knn"]}, **LINEAR)
    return out


def test_cross_validation_pools_the_tested_images_and_compares_kinds_on_them(study: Path) -> None:
    table = cs.read.read_table(study / "summary.csv")
    accuracy = {
        kind: value
        for kind, of_class, measure, value in zip(
            table["kind"], table["class"], table["measure"], table["value"], strict=True
        )
        if of_class == "all" and measure == "accuracy"
    }
    assert accuracy == {"network=linear": 1.0, "network=knn": 1.0}
    kind, scores = cs.results.opened(study / "scores=network_linear.parquet")
    assert kind.name == "scores"
    assert len(scores) == 60
    assert sorted(map(int, scores.obs["image"])) == list(range(60))
    page = (study / "report.html").read_text()
    assert "Differences on the same images" in page
    assert "always naming the largest class" in page.lower()


def test_a_study_goes_on_at_the_unfinished_fold_and_refuses_other_settings(study: Path) -> None:
    fits = study / "fits" / "kind=network_linear"
    kept = fits / "repeat=1,fold=2" / "scores.parquet"
    before = kept.stat().st_mtime_ns
    (fits / "repeat=1,fold=1" / "scores.parquet").unlink()
    cross_validate("classify", bars(60), study, folds=3, over={"network": ["linear", "knn"]}, **LINEAR)
    assert kept.stat().st_mtime_ns == before
    assert (fits / "repeat=1,fold=1" / "scores.parquet").is_file()
    with pytest.raises(InputError, match="was fitted with other images, classes or splits; "):
        cross_validate("classify", bars(61), study, folds=3, over={"network": ["linear", "knn"]}, **LINEAR)
    brighter = ArraySamples(bars(60).read(range(60)) // 2, bars(60).obs)
    with pytest.raises(InputError, match="was fitted with other images, classes or splits: "):
        cross_validate("classify", brighter, study, folds=3, over={"network": ["linear", "knn"]}, **LINEAR)


NETWORK = {"network": "resnet18", "width": 0.125, "epochs": 3, "learning_rate": 3e-3}
RULES: dict[str, dict[str, Any]] = {
    "softmax": NETWORK,
    "centres": {**NETWORK, "rule": "centres"},
    "retrained": {**NETWORK, "retrain": True},
    "linear": {"network": "linear"},
    "neighbours": {"network": "knn"},
}


@pytest.mark.parametrize("rule", RULES)
def test_shuffled_labels_give_chance_through_every_protocol_and_rule(rule: str, tmp_path: Path) -> None:
    blind = bars(480, shuffled=True)
    labs = ArraySamples(
        blind.read(range(480)), {**blind.obs, "lab": np.array(["Basel", "Kyoto"])[np.arange(480) // 240]}
    )
    shared: dict[str, Any] = {"settings": RULES[rule], "run": RUN}
    folds = cross_validate("classify", labs, tmp_path / "folds", folds=2, domain="lab", alone=True, **shared)
    assert {(row["domain"], row["fitted to"]) for row in folds.table} >= {("all", "all domains"), ("Basel", "it alone")}
    sizes = image_curve("classify", blind, tmp_path / "sizes", sizes=["10", "50%", "40/20/40"], restarts=2, **shared)
    abroad = transfer("classify", labs, tmp_path / "labs", domain="lab", folds=2, **shared)
    for found in (folds, sizes, abroad):
        for row in found.table:
            assert row["accuracy"][0] == pytest.approx(1 / 3, abs=0.13)
            assert row["AUC macro"][0] == pytest.approx(0.5, abs=0.13)


def test_images_without_a_class_are_counted_and_a_whole_sheet_of_them_is_refused(tmp_path: Path) -> None:
    whole = bars(60)
    some = np.where(np.arange(60) < 6, "", whole.obs["label"])
    gaps = ArraySamples(whole.read(range(60)), {"label": some, "image": whole.obs["image"]})
    found = cross_validate("classify", gaps, tmp_path / "a", folds=3, **LINEAR)
    assert found.table[0]["images"] == 54
    said = "6 images without a class (column 'label') took no part."
    assert said in found.notes
    assert said in cs.fit("classify", gaps, {"network": "linear"}, run=RUN).warnings
    bare = ArraySamples(whole.read(range(60)), {"image": whole.obs["image"]})
    both = cs.samples.join_samples([whole, bare], size=16, names=["ours", "theirs"])
    for make in (
        lambda: cross_validate("classify", both, tmp_path / "b", folds=3, **LINEAR),
        lambda: cs.fit("classify", both, {"network": "linear", "size": 16}, run=RUN),
    ):
        with pytest.raises(InputError, match="No image of 'theirs' has a class in the column 'label'"):
            make()


def test_what_fits_warn_of_is_said_once_with_how_many_said_it(tmp_path: Path) -> None:
    found = cross_validate("classify", bars(60), tmp_path / "a", folds=3, settings=RULES["retrained"], run=RUN)
    (said,) = [note for note in found.notes if "before retraining" in note]
    assert said.startswith("3 of 3 fits: Temperature and prediction sets come from the fit before retraining")
    few = cross_validate("classify", bars(24), tmp_path / "b", folds=3, settings={"network": "linear"}, run=RUN)
    assert sum("labelled images are of the class" in note for note in few.notes) == 1


def test_a_learning_curve_says_where_it_comes_from(tmp_path: Path) -> None:
    image_curve("classify", bars(60), tmp_path, sizes=["10", "50%"], restarts=1, **LINEAR)
    assert json.loads((tmp_path / "provenance.json").read_text())["sizes"] == ["10", "50%"]
    assert (tmp_path / "learning-curve.png").is_file()


def test_domains_are_measured_on_their_own(tmp_path: Path) -> None:
    both = bars(60)
    where = np.array(["Basel", "Kyoto", ""], object)[np.repeat([0, 1, 2], [27, 24, 9])]
    mixed = ArraySamples(both.read(range(60)), {**both.obs, "laboratory": where})
    for alone in (False, True):
        out = tmp_path / str(alone)
        found = cross_validate("classify", mixed, out, folds=3, domain="laboratory", alone=alone, **LINEAR)
        assert [row.get("domain", "all") for row in found.table[:3]] == ["all", "Basel", "Kyoto"]
        assert [row["images"] for row in found.table[:3]] == [60, 27, 24]  # what is of none counts in all
        assert len(found.table) == (5 if alone else 3)


def test_one_model_of_all_domains_is_compared_with_one_of_each_alone(tmp_path: Path) -> None:
    """Domains of other classes: each alone is told apart, and together, and in the same folds."""
    one, other = bars(60), bars(45, seed=1, side=20)
    other = ArraySamples(other.read(range(45)), {**other.obs, "label": np.char.add("big ", other.obs["label"])})
    both = cs.samples.join_samples([one, other], size=16, names=["small", "big"])
    out = tmp_path / "out"
    found = cross_validate("classify", both, out, folds=3, domain="domain", alone=True, **LINEAR)
    assert [(row["domain"], row["fitted to"], row["images"]) for row in found.table] == [
        ("all", "all domains", 105),
        ("big", "all domains", 45),
        ("small", "all domains", 60),
        ("big", "it alone", 45),
        ("small", "it alone", 60),
    ]
    assert all(row["accuracy"][0] > 0.95 for row in found.table[3:])
    assert any(note.startswith("big: a model of all domains minus one of it alone: accuracy") for note in found.notes)
    joint, alone = (
        read_scores(out / "fits" / name / "scores.parquet") for name in ("repeat=1,fold=2", "alone=big,repeat=1,fold=2")
    )
    those = joint.obs["domain"] == "big"
    assert set(alone.classes) == {"big high", "big low", "big middle"}
    np.testing.assert_array_equal(alone.obs["image"], joint.obs["image"][those])
    assert json.loads((out / "provenance.json").read_text())["alone"] is True
    with pytest.raises(InputError, match="need domains"):
        cross_validate("classify", one, tmp_path / "b", folds=3, alone=True, **LINEAR)
    single = ArraySamples(one.read(range(60)), {**one.obs, "lab": np.where(one.obs["label"] == "low", "A", "B")})
    with pytest.raises(InputError, match="'A' has images of a single class"):
        cross_validate("classify", single, tmp_path / "c", folds=3, domain="lab", alone=True, **LINEAR)


def test_images_without_a_group_are_groups_of_their_own(tmp_path: Path) -> None:
    """Joined sheets: one has patients, the other says nothing, and is not one large patient for that."""
    grouped, alone = bars(30), bars(30, seed=1)
    grouped = ArraySamples(grouped.read(range(30)), {**grouped.obs, "group": np.arange(30) // 3})
    both = cs.samples.join_samples([grouped, alone], size=16, names=["clinic", "archive"])
    cross_validate("classify", both, tmp_path / "out", folds=3, **LINEAR)
    scores = read_scores(tmp_path / "out" / "scores.parquet")
    archive = scores.obs["domain"] == "archive"
    assert set(scores.obs["fold"][archive]) == {f"repeat=1,fold={k}" for k in (1, 2, 3)}
    for fold in set(scores.obs["fold"]):
        here = (scores.obs["fold"] == fold) & ~archive
        assert not set(scores.obs["group"][here]) & set(scores.obs["group"][~here & ~archive])


def test_what_all_fits_share_cannot_vary(tmp_path: Path) -> None:
    for name in ("seed", "validation", "label"):
        with pytest.raises(InputError, match=f"'{name}' cannot vary"):
            cross_validate("classify", bars(30), tmp_path, folds=3, over={name: ["1", "2"]}, **LINEAR)


def test_other_methods_and_too_few_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"tell classes of images \(classify\); 'vae' gives an embedding"):
        cross_validate("vae", bars(12), tmp_path / "a")
    with pytest.raises(InputError, match="'probe' takes vectors"):
        cross_validate("probe", bars(12), tmp_path / "a")
    with pytest.raises(InputError, match="The smallest class, 'high', has 4 images, too few for 5 folds"):
        cross_validate("classify", bars(12), tmp_path / "b", **LINEAR)


def test_a_border_that_tells_the_class_is_warned_of(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = ["image,label"]
    for i in range(40):
        pixels = rng.integers(80, 120, (24, 24)).astype(np.uint8)
        pixels[0] = 40 if i % 2 else 160
        cs.read.write_image_tiff(pixels, tmp_path / f"{i}.tif")
        lines.append(f"{i}.tif,{'a' if i % 2 else 'b'}")
    (tmp_path / "cells.csv").write_text("\n".join([*lines, ""]))
    found = shortcuts(tmp_path / "cells.csv", tmp_path / "out")
    value = {row["what"]: row["value"] for row in found.points}
    assert value["border"] > 0.95
    assert value["size"] == pytest.approx(0.5, abs=0.25)
    assert any(note.startswith("Careful: 'border' tells the classes") for note in found.notes)
    assert "<h2>How well each tells the classes</h2>" in (tmp_path / "out" / "report.html").read_text()
    assert json.loads((tmp_path / "out" / "provenance.json").read_text())["study"] == "shortcut"
    cs.read.write_image_tiff(np.full((3, 24, 24), 100, np.uint8), tmp_path / "3.tif")
    with pytest.raises(InputError, match=r"row 5: .*3.tif has other channels than the first image"):
        shortcuts(tmp_path / "cells.csv", tmp_path / "out3")
    cs.read.write_image_tiff(np.full((24, 24), np.nan, np.float32), tmp_path / "3.tif")
    with pytest.raises(InputError, match="NaN or infinite"):
        shortcuts(tmp_path / "cells.csv", tmp_path / "out4")
    with pytest.raises(InputError, match="has no column 'phase'"):
        shortcuts(tmp_path / "cells.csv", tmp_path / "out2", label="phase")


def test_fewer_labels_are_learned_from_for_as_many_steps(tmp_path: Path) -> None:
    settings = {"network": "mobincep", "width": 0.1, "epochs": 2, "batch": 4, "augment": False}
    found = cs.study.image_curve("classify", bars(60), tmp_path, sizes=("20%", "80%"), restarts=1, settings=settings)
    epochs = [
        read_scores(tmp_path / "fits" / f"size={size}pc,repeat=1" / "scores.parquet").provenance["epochs"]
        for size in (20, 80)
    ]
    assert epochs == [7, 2]  # of 3 batches and of 10
    assert any("as many optimiser steps as the largest does in 2 epochs" in note for note in found.notes)


def test_the_commands_print_tables_and_name_their_pages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["image,label"]
    for i, pixels in enumerate(bars(30).read(range(30))):
        cs.read.write_image_tiff(pixels[0], tmp_path / f"{i}.tif")
        lines.append(f"{i}.tif,{bars(30).obs['label'][i]}")
    sheet = tmp_path / "cells.csv"
    sheet.write_text("\n".join([*lines, ""]))
    out = tmp_path / "out"
    options = ["--set", "network=linear", "--device", "cpu", "--out", str(out)]
    assert main(["study", "cross-validate", "classify", str(sheet), "--folds", "3", *options]) == 0
    said = capsys.readouterr().out
    assert "balanced accuracy" in said
    assert f"Page: {out / 'report.html'}" in said
    assert (
        "data:image/webp;base64," in (out / "report.html").read_text()
        or '"pictures":{"0":' in (out / "report.html").read_text()
    )
    assert main(["study", "learning-curve", "classify", str(sheet), "--steps", "9", "--out", str(tmp_path / "c")]) == 2
    assert "leave --steps out" in capsys.readouterr().err


def test_sheets_of_other_sizes_and_dtypes_are_domains_of_one_model(tmp_path: Path) -> None:
    small, large = bars(30, side=12), bars(45, side=24, channels=3, seed=1)
    eight = ArraySamples((large.read(range(45)) // 16).clip(0, 255).astype(np.uint8), large.obs)
    both = cs.samples.join_samples([small, eight], size=16, names=["cells", "tissue"])
    assert (len(both), both.shape) == (75, (3, 16, 16))
    mixed = both.read([70, 3])
    np.testing.assert_array_equal(mixed[1, 0], mixed[1, 2])  # one channel is repeated
    assert 0 <= mixed.min() < 0.1
    assert 0.8 < mixed.max() <= 1
    assert both.colour  # and so pages show them
    assert Subset(both, [70]).colour
    assert not cs.samples.join_samples([small, small], size=16, names=["a", "b"]).colour
    found = cross_validate(
        "classify",
        both,
        tmp_path,
        folds=3,
        domain="domain",
        settings={"network": "linear", "normalise": "dtype"},
        run=RUN,
    )
    assert [row.get("domain") for row in found.table] == ["all", "cells", "tissue"]
    assert all(row["accuracy"][0] > 0.95 for row in found.table)
    with pytest.raises(InputError, match="Samples of 2 and 3 channels cannot be joined"):
        cs.samples.join_samples([bars(3, channels=2), eight], size=16)
    with pytest.raises(InputError, match="say which with --set size=64"):
        one_or_joined("classify", ["a.csv", "b.csv"], {})
