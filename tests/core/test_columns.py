"""Columns of the user and ours side by side: none is replaced."""

from __future__ import annotations

from coverslip.core import beside, free_name, own_name, renamed


def test_what_was_there_keeps_its_name() -> None:
    table = beside({"image": 1, "cluster": 2}, {"cluster": 3, "anomaly": 4})
    assert table == {"image": 1, "cluster": 2, "coverslip_cluster": 3, "anomaly": 4}
    (said,) = renamed(["image", "cluster"], table)
    assert said == (
        "The sheet has a column 'cluster' of its own, which is kept; the one found is called coverslip_cluster."
    )
    (said,) = renamed(["a", "b"], beside({"a": 1, "b": 2}, {"a": 3, "b": 4}))
    assert "columns 'a', 'b' of its own, which are kept; those found are called coverslip_a, coverslip_b." in said
    assert renamed(["image"], ["image", "cluster"]) == ()


def test_a_result_of_a_result_keeps_both() -> None:
    columns = {"cluster", "coverslip_cluster"}
    assert free_name("cluster", columns) == "coverslip_coverslip_cluster"
    assert [own_name("cluster", names) for names in ({"cluster"}, columns)] == ["cluster", "coverslip_cluster"]
