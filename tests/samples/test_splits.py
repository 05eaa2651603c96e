from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coverslip.core.errors import InputError
from coverslip.samples import Sheet, given_split, split_indices, split_sheet
from coverslip.samples.sheets.splits import divided_groups, few_groups, usual_groups


@given(
    n=st.integers(3, 200),
    seed=st.integers(0, 99),
    classes=st.integers(1, 5),
    val=st.floats(0.05, 0.4),
    test=st.floats(0.05, 0.4),
)
def test_every_sample_lies_in_exactly_one_part(n: int, seed: int, classes: int, val: float, test: float) -> None:
    labels = np.random.default_rng(seed).integers(classes, size=n)
    parts = split_indices(n, labels=labels, val=val, test=test, seed=seed)
    assert sorted(np.concatenate(list(parts.values()))) == list(range(n))
    assert all(len(part) for part in parts.values())
    again = split_indices(n, labels=labels, val=val, test=test, seed=seed)
    assert all((parts[name] == again[name]).all() for name in parts)


@given(groups=st.lists(st.integers(0, 12), min_size=20, max_size=120), seed=st.integers(0, 9))
def test_groups_are_never_divided(groups: list[int], seed: int) -> None:
    names = np.array(groups).astype(str)
    if len(set(groups)) < 3:
        with pytest.raises(InputError, match="cannot be divided into 3 parts"):
            split_indices(len(names), names, val=0.2, test=0.2, seed=seed)
        return
    parts = split_indices(len(names), names, val=0.2, test=0.2, seed=seed)
    held = [set(names[part]) for part in parts.values()]
    assert all(held)
    assert sum(map(len, held)) == len(set(groups))


def test_free_samples_are_cut_at_the_fractions_within_each_class() -> None:
    labels = np.repeat(["rare", "common"], [20, 400])
    parts = split_indices(420, labels=labels, val=0.15, test=0.1, seed=3)
    assert {name: (labels[part] == "rare").sum() for name, part in parts.items()} == {"train": 15, "val": 3, "test": 2}
    assert {name: len(part) for name, part in parts.items()} == {"train": 315, "val": 63, "test": 42}


def test_groups_are_chosen_so_that_classes_stay_balanced() -> None:
    # Twenty plates of ten wells; four plates hold the rare class.
    groups = np.repeat([f"P{i}" for i in range(20)], 10)
    labels = np.where(np.isin(groups, ["P0", "P1", "P2", "P3"]), "rare", "common")
    parts = split_indices(200, groups, labels, val=0.25, seed=0)
    assert (labels[parts["val"]] == "rare").sum() == 10
    assert len(parts["val"]) == 50


def test_a_small_part_gets_large_groups_in_proportion() -> None:
    # What is held out speaks for the rest only if it is like it: slides of many cells are not like those of one.
    sizes = np.concatenate([np.ones(80, int), np.full(20, 8)])
    groups = np.repeat(np.arange(100), sizes)
    parts = split_indices(len(groups), groups, val=0.2, seed=0)
    large = {name: np.mean(sizes[groups[rows]] == 8) for name, rows in parts.items() if len(rows)}
    assert len(parts["val"]) == 48
    assert abs(large["val"] - large["train"]) < 0.1


def test_a_group_larger_than_a_part_trains() -> None:
    groups = np.repeat(np.arange(31), [50, *[2] * 30])
    parts = split_indices(len(groups), groups, val=0.2, seed=0)
    assert 0 in groups[parts["train"]]
    assert len(parts["val"]) == 22


def test_samples_without_a_group_are_groups_of_their_own() -> None:
    groups = np.array(["a"] * 10 + [""] * 90)
    parts = split_indices(100, groups, val=0.3, seed=1)
    assert len(parts["val"]) == 30
    assert len(np.intersect1d(parts["val"], np.arange(10))) in (0, 10)


def test_the_seed_decides() -> None:
    first, second = (split_indices(100, val=0.2, seed=seed)["val"] for seed in (0, 1))
    assert not np.array_equal(first, second)
    assert len(split_indices(100, val=0.0)["val"]) == 0


@pytest.mark.parametrize(("val", "test"), [(0.5, 0.5), (-0.1, 0), (1.0, 0)])
def test_impossible_fractions_are_refused(val: float, test: float) -> None:
    with pytest.raises(InputError, match="nothing to train on"):
        split_indices(10, val=val, test=test)


def sheet_of(**columns: list[str]) -> Sheet:
    n = len(next(iter(columns.values())))
    images = [f"{i}.tif" for i in range(n)]
    rows = [{"image": images[i], **{name: column[i] for name, column in columns.items()}} for i in range(n)]
    return Sheet(Path("here"), ("image", *columns), rows)


def test_a_sheet_gets_a_column_of_splits() -> None:
    sheet = sheet_of(group=[f"g{i // 5}" for i in range(100)], label=["a", "b"] * 50)
    done = split_sheet(sheet, (0.6, 0.2, 0.2), seed=2)
    words = np.array(done.column("split"))
    assert {word: int((words == word).sum()) for word in ("train", "val", "test")} == {
        "train": 60,
        "val": 20,
        "test": 20,
    }
    assert all(len(set(words[i : i + 5])) == 1 for i in range(0, 100, 5))
    with pytest.raises(InputError, match="no column 'plate'"):
        split_sheet(sheet, by="plate")


def test_crops_of_one_image_stay_together_where_nobody_says_so() -> None:
    words = np.array(split_sheet(sheet_of(source_image=[f"f{i // 10}" for i in range(100)])).column("split"))
    assert all(len(set(words[i : i + 10])) == 1 for i in range(0, 100, 10))
    few = split_sheet(sheet_of(plate=[f"p{i // 25}" for i in range(100)]))
    assert len(set(few.column("split")[:25])) > 1  # of four plates none could be held out without a quarter of all


def test_a_given_split_is_read_in_the_words_people_use() -> None:
    obs = {"split": np.array(["Training", "validation", "", "test", "train"])}
    parts = given_split(obs, 5)
    assert {name: part.tolist() for name, part in parts.items()} == {"train": [0, 4], "val": [1], "test": [3]}
    assert given_split({}, 5) is None
    assert given_split({"split": np.array(["", ""])}, 2) is None
    with pytest.raises(InputError, match=r"^sample 0: 'later' is not a split"):
        given_split({"split": np.array(["later"])}, 1)
    with pytest.raises(InputError, match=r"^b\.tif: 'later' is not a split"):
        given_split({"split": np.array(["val", "later"]), "image": np.array(["a.tif", "b.tif"])}, 2)


def test_groups_count_from_five_on_and_fewer_are_told() -> None:
    assert usual_groups({"group": np.array(list("aabbcc")), "plate": np.array(list("abcdea"))}) == "plate"
    assert usual_groups({"group": np.array([""] * 9, object)}) is None
    assert few_groups({"group": np.array(list("abcdea"))}, "") == few_groups({"group": np.array(["a"] * 9)}, "") == ""
    said = few_groups({"plate": np.array(list("aabbcc"))}, "see {}")
    assert said.startswith("The column 'plate' has only 3 groups, and whole ones are held out from 5 on")
    assert said.endswith("; see plate.")


def test_what_lies_in_two_parts_is_told() -> None:
    split = np.array(["train", "val", "train", "val"], object)
    patients = {"split": split, "group": np.array(["p1", "p1", "p2", "p3"], object)}
    assert "divides the group 'p1'," in divided_groups(patients)
    images = {"split": split, "image": np.array(["a", "b", "b", ""], object)}
    assert "has the image 'b' in two parts" in divided_groups(images)
    assert divided_groups({**images, "frame": np.array(["1", "2", "3", "4"], object)}) == ""
    assert divided_groups({"image": images["image"]}) == ""
