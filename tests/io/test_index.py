"""An index of vectors: what is added, removed and found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coverslip.core import InputError
from coverslip.io.index import store
from coverslip.io.index.conditions import Coded, rows_where
from coverslip.io.index.groups import nearest_groups
from coverslip.io.index.nearest import nearest
from coverslip.io.index.store import Index, create_index, open_index

TABLE = {
    "tissue": np.array(["liver", "lung", None, "liver left"], object),
    "day": np.array([7, 10, 7, 3]),
    "score": np.array([0.5, np.nan, 2.0, 1.0]),
    "ok": np.array([True, False, True, True]),
    "dose": np.array(["9", "10", "", "0.5"], object),
}


def fulfilling(conditions: str) -> np.ndarray:
    return rows_where(conditions, TABLE, 4, lambda name: Coded.of(TABLE[name]))


@pytest.mark.parametrize(
    ("conditions", "rows"),
    [
        ("tissue = liver", [0]),
        ("tissue = 'liver left'", [3]),
        ("tissue != liver", [1, 2, 3]),
        ("tissue in (liver, 'liver left')", [0, 3]),
        ("tissue not in (liver)", [1, 2, 3]),
        ("day >= 7 and score < 1", [0]),
        ("day in (3, 10)", [1, 3]),
        ("ok = true AND day = 7", [0, 2]),
        ("`day`=7", [0, 2]),
        ("dose >= 9", [0, 1]),
        ("dose < 9.5", [0, 3]),
    ],
)
def test_conditions(conditions: str, rows: list[int]) -> None:
    assert np.flatnonzero(fulfilling(conditions)).tolist() == rows


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ("", "cannot be read"),
        ("tissue liver", "cannot be read"),
        ("day = 7 or day = 3", "there is no 'or'"),
        ("organ = liver", "There is no column 'organ'"),
        ("day = seven", "'seven' is none"),
        ("tissue > 7", "holds texts such as 'liver', which are not above or below 7"),
        ("__import__('os')", "cannot be read"),
    ],
)
def test_conditions_that_are_none(conditions: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        fulfilling(conditions)


def filled(folder: Path, metric: store.Metric = "cosine", parts: int = 3) -> tuple[Index, np.ndarray]:
    """An index with three additions of 200 vectors each, and all its vectors."""
    rng = np.random.default_rng(0)
    index, vectors = create_index(folder / "cells.index", 8, metric=metric), []
    for part in range(parts):
        vectors.append(rng.normal(size=(200, 8)).astype(np.float32))
        rows = {
            "id": np.array([f"{part}-{i}" for i in range(200)], object),
            "plate": np.array(["A", "B"] * 100, object),
            **({"day": np.arange(200)} if part else {}),
        }
        index = index.add(vectors[-1], rows)
    return index, np.concatenate(vectors)


def distances(vectors: np.ndarray, queries: np.ndarray, metric: str) -> np.ndarray:
    x, q = vectors.astype(float), queries.astype(float)
    if metric == "euclidean":
        return np.linalg.norm(x[None] - q[:, None], axis=2)
    return 1 - (q @ x.T) / np.linalg.norm(q, axis=1)[:, None] / np.linalg.norm(x, axis=1)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_the_nearest_are_those_of_all_distances(tmp_path: Path, metric: store.Metric) -> None:
    index, vectors = filled(tmp_path, metric)
    queries = np.random.default_rng(1).normal(size=(5, 8))
    right = distances(vectors, queries, metric)
    hits = nearest(open_index(index.folder), queries, 7)
    order = np.argsort(right, axis=1)[:, :7]
    assert hits.rows["id"].tolist() == [f"{i // 200}-{i % 200}" for i in order.ravel()]
    np.testing.assert_allclose(hits.distance, np.take_along_axis(right, order, 1).ravel(), atol=2e-6)
    assert hits.rank.tolist() == [*range(1, 8)] * 5
    together = nearest(index, queries, 7, together=True)
    assert together.rows["id"].tolist() == [f"{i // 200}-{i % 200}" for i in np.argsort(right.min(axis=0))[:7]]


def test_vectors_far_from_zero_are_as_near_as_they_are(tmp_path: Path) -> None:
    """As lengths and areas in pixels are."""
    rng = np.random.default_rng(2)
    vectors = (rng.normal(size=(50, 4)) + np.array([3e4, 2e4, 10, 1])).astype(np.float32)
    ids = {"id": np.arange(50).astype(str).astype(object)}
    hits = nearest(create_index(tmp_path / "a.index", 4, metric="euclidean").add(vectors, ids), vectors[:2], 4)
    right = distances(vectors, vectors[:2], "euclidean")
    assert hits.rows["id"].tolist() == np.argsort(right, axis=1)[:, :4].astype(str).ravel().tolist()
    np.testing.assert_allclose(hits.distance, np.sort(right, axis=1)[:, :4].ravel(), rtol=1e-5, atol=1e-6)
    assert (nearest(create_index(tmp_path / "b.index", 4).add(vectors, ids), vectors, 1).distance >= 0).all()


def test_hits_fulfil_conditions_and_differ_from_the_query(tmp_path: Path) -> None:
    index, vectors = filled(tmp_path)
    query = vectors[201:202]
    found = nearest(index, query, 3, where="plate = B and day < 3").rows  # the first addition knows no day
    assert sorted(found["id"]) == ["1-1", "2-1"]
    apart = nearest(index, query, 500, apart={"plate": ["B"]})
    assert set(apart.rows["plate"]) == {"A"}
    assert len(apart) == 300
    with pytest.raises(InputError, match="no column 'organ'"):
        nearest(index, query, where="organ = liver")


def test_patients_are_the_same_though_a_gap_made_their_numbers_floats(tmp_path: Path) -> None:
    index, vectors = filled(tmp_path)
    more = {"id": np.array(["x", "y"], object), "day": np.array([5.0, np.nan])}
    index = index.add(vectors[:2], more)
    apart = nearest(index, vectors[:1], 700, apart={"day": [5.0]})
    assert len(apart) == 602 - 3
    assert not (apart.rows["day"] == 5).any()
    groups = nearest_groups(index, vectors[:1], "day", 700)
    assert len(groups) == 200
    assert sorted(set(groups.rows["day"])) == list(range(200))


def test_what_is_removed_or_replaced_is_not_found(tmp_path: Path) -> None:
    index, vectors = filled(tmp_path)
    index, gone = index.remove("plate = A")
    assert (gone, len(index)) == (300, 300)
    found = nearest(open_index(index.folder), vectors[:1], 600).rows
    assert set(found["plate"]) == {"B"}
    assert len(found["id"]) == 300
    with pytest.raises(InputError, match="1 of 2 samples is in"):
        index.add(vectors[:2], {"id": np.array(["0-1", "new"], object)})
    assert len(open_index(index.folder)) == 300
    index = index.add(vectors[:2], {"id": np.array(["0-1", "new"], object)}, replaces=True)
    assert len(index) == 301
    np.testing.assert_array_equal(index.find(["0-1", "1-1"]), vectors[[0, 201]])
    same = nearest(index, vectors[:1], 1, apart={"id": ["0-1"]})
    assert same.rows["id"].tolist() != ["0-1"]


def test_hits_say_what_was_put_in_and_no_more_is_read(tmp_path: Path) -> None:
    index = create_index(tmp_path / "cells.index", 4)
    vectors = np.eye(4, dtype=np.float32)
    known = {
        "day": np.array([1, 2, 3, 4]),
        "area": np.array([0.5, np.nan, 1.5, 2.5]),
        "ok": np.array([True, False, True, False]),
        "stain": np.array(["H&E", None, "PAS", "H&E"], object),
    }
    index.add(vectors, {"id": np.array(list("abcd"), object), **known})
    index = index.add(vectors[:1] + 0.1, {"id": np.array(["e"], object), "stain": np.array(["PAS"], object)})
    (first, row), (last, _), again = index.places(["b", "e", "b"])
    assert (first.name, row, last.name) == ("000001", 1, "000002")
    assert again == (first, row)
    hits = nearest(open_index(index.folder), vectors[1:2], 1).rows
    assert {name: column[0] for name, column in hits.items() if name != "area"} == {
        "id": "b", "day": 2, "ok": False, "stain": None
    }  # fmt: skip
    assert np.isnan(hits["area"][0])
    reopened = open_index(index.folder)
    assert nearest_groups(reopened, vectors[:1], "stain", 2, apart={"id": ["a"]}).rows["id"].tolist() == ["e", "d"]
    with pytest.raises(InputError, match="no 'f' in"):
        index.find(["a", "f"])
    file = first.files["table"]
    data = bytearray(file.read_bytes())
    at = data.index(b"PAS")
    data[at : at + 3] = b"PES"
    file.write_bytes(data)
    unchanged = open_index(index.folder)
    assert unchanged.find(["a"]).tolist() == [[1, 0, 0, 0]]
    with pytest.raises(InputError, match=r"000001\.rows\.parquet cannot be read"):
        nearest(unchanged, vectors[:1], where="stain = PAS")


def test_an_addition_that_is_cut_short_took_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index, vectors = filled(tmp_path)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Index, "_committed", killed)
        with pytest.raises(KeyboardInterrupt):
            index.add(vectors[:3], {"id": np.array(["a", "b", "c"], object)})
    assert len(open_index(index.folder)) == 600
    again = index.add(vectors[:2], {"id": np.array(["a", "b"], object)})
    assert len(again) == 602
    assert {file.name for file in index.folder.iterdir()} == {
        "index.json",
        *(file.name for segment in again.segments for file in segment.files.values()),
    }


def test_two_that_were_opened_before_both_keep_what_they_add(tmp_path: Path) -> None:
    first, vectors = filled(tmp_path)
    second = open_index(first.folder)
    first.add(vectors[:1], {"id": np.array(["first"], object)})
    second.add(vectors[1:2], {"id": np.array(["second"], object)})
    np.testing.assert_array_equal(open_index(first.folder).find(["first", "second"]), vectors[:2])


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    index, vectors = filled(tmp_path)
    with pytest.raises(InputError, match="have 8 numbers each, these 5"):
        index.add(vectors[:, :5], {"id": np.arange(600)})
    with pytest.raises(InputError, match="called 'x'"):
        index.add(vectors[:2], {"id": np.array(["x", "x"], object)})
    with pytest.raises(InputError, match="8 finite numbers"):
        nearest(index, np.full((1, 8), np.nan))
    with pytest.raises(InputError, match="at least 1"):
        nearest(index, vectors[:1], 0)
    with pytest.raises(InputError, match=r"should end in \.index"):
        create_index(tmp_path / "cells", 8)
    with pytest.raises(InputError, match="is no index"):
        open_index(tmp_path)
    (index.folder / "000002.vectors.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(InputError, match=r"000002\.vectors\.npy is damaged"):
        nearest(open_index(index.folder), vectors[:1])
    (index.folder / "000002.vectors.npy").unlink()
    with pytest.raises(InputError, match=r"lacks 000002\.vectors\.npy"):
        open_index(index.folder)
    (index.folder / "index.json").write_text('{"format": 1}')
    with pytest.raises(InputError, match=r"index\.json is damaged"):
        open_index(index.folder)


def test_groups_are_as_far_as_the_queries_are_from_what_is_nearest_in_them(tmp_path: Path) -> None:
    index, vectors = filled(tmp_path)
    queries = np.random.default_rng(1).normal(size=(6, 8))
    far = distances(vectors, queries, "cosine")
    day = np.r_[np.full(200, -1), np.tile(np.arange(200), 2)]  # the first addition knows no day
    right = np.array([far[:, day == one].min(axis=1).mean() for one in range(200)])
    hits = nearest_groups(index, queries, "day", 5)
    assert hits.rows["day"].tolist() == np.argsort(right)[:5].tolist()
    np.testing.assert_allclose(hits.distance, np.sort(right)[:5], atol=2e-6)
    best = [min(np.flatnonzero(day == one), key=lambda i: far[:, i].min()) for one in np.argsort(right)[:5]]
    assert hits.rows["id"].tolist() == [f"{i // 200}-{i % 200}" for i in best]
    others = nearest_groups(index, queries, "plate", where="day >= 0", apart={"plate": ["A"] * 6})
    assert others.rows["plate"].tolist() == ["B"]
    with pytest.raises(InputError, match="no column 'organ' to take together"):
        nearest_groups(index, queries, "organ")


def test_queries_that_are_one_are_all_apart_from_a_hit(tmp_path: Path) -> None:
    index, vectors = filled(tmp_path)
    found = nearest(index, vectors[:3], 597, together=True, apart={"id": ["0-0", "0-1", "0-2"]})
    assert len(found) == 597
    assert not {"0-0", "0-1", "0-2"} & set(found.rows["id"])
