"""Sphering on controls: they vary alike in every direction afterwards, and treatments are found again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import coverslip as cs
from coverslip.core.errors import InputError
from coverslip.core.provenance import other_models
from coverslip.measure import evaluate_trust, fit_sphering, retrieval
from coverslip.results.embedding.placing import comparable
from coverslip.results.embedding.sphering import UNSPHERED, about_sphering, add_sphering
from coverslip.results.embedding.trust import trust_rows

RNG = np.random.default_rng(0)
MIXED = RNG.normal(size=(4, 4)) * [5, 1, 1, 0.2]


def test_it_is_the_published_transform_where_there_are_many_controls() -> None:
    """ZCA-cor of Kessy et al. (2018), equation 19: P^-1/2 V^-1/2."""
    x = RNG.normal(size=(20_000, 4)) @ MIXED + 3
    found = fit_sphering(x)
    correlation, deviation = np.corrcoef(x.T), x.std(axis=0, ddof=1)
    values, axes = np.linalg.eigh(correlation)
    oracle = np.diag(1 / deviation) @ (axes / np.sqrt(values)) @ axes.T
    np.testing.assert_allclose(found.matrix, oracle, rtol=0.02, atol=0.002)
    assert found.shrinkage < 0.01
    np.testing.assert_allclose(np.cov(found.apply(x).T), np.eye(4), atol=0.03)
    np.testing.assert_allclose(found.apply(x).mean(axis=0), 0, atol=1e-9)


def test_few_controls_are_shrunk_and_dimensions_not_in_use_are_not_blown_up() -> None:
    x = RNG.normal(size=(12, 30))
    found = fit_sphering(x)
    assert found.shrinkage > 0.2
    assert np.isfinite(found.matrix).all()
    assert np.linalg.cond(found.matrix) < 30
    x[:, 0] = 1e-9 * x[:, 1]
    assert np.abs(fit_sphering(x).matrix[0, 0]) < 200
    with pytest.raises(InputError, match="at least 8 controls, and there are 7"):
        fit_sphering(x[:7])
    with pytest.raises(InputError, match="have the same vector"):
        fit_sphering(np.ones((9, 3)))
    with pytest.raises(InputError, match="3 dimensions, but the sphering is of 30"):
        found.apply(np.ones((2, 3)))


def screen() -> cs.Embedding:
    """Three plates, each moved; wells vary most in a direction that no treatment has to do with."""
    rng = np.random.default_rng(1)
    plates = np.repeat(["p1", "p2", "p3"], 60)
    treatment = np.tile(np.repeat(["DMSO", "a", "b"], [40, 10, 10]), 3)
    x = rng.normal(size=(180, 5)) * [12, 1, 1, 1, 1]
    x[treatment == "a", 1] += 3
    x[treatment == "b", 2] += 3
    x += np.repeat(rng.normal(size=(3, 5)) * 8, 60, axis=0)
    told = {"kind": "embedding", "model": {"folder": "/models/m", "weights_sha256": "1"}}
    return cs.Embedding.from_arrays(x, {"plate": plates, "treatment": treatment}, provenance=told)


def test_sphering_by_plate_mixes_plates_and_finds_treatments_and_stays_in_the_result(tmp_path: Path) -> None:
    cells = screen()
    before = cells.latent.copy()
    add_sphering(cells, "treatment = DMSO", "plate")
    np.testing.assert_array_equal(cells.adata.obsm[UNSPHERED], before)
    np.testing.assert_array_equal(cells.adata.X, cells.latent)
    controls = (cells.column("treatment") == "DMSO") & (cells.column("plate") == "p2")
    np.testing.assert_allclose(cells.latent[controls].mean(axis=0), 0, atol=1e-5)
    assert about_sphering(cells) == ["Sphered on the 40 controls of each plate (3): treatment = DMSO."]

    rows = {(row["features"], row["measure"]): row["value"] for row in trust_rows(cells, cells.obs, {}, 0)}
    mixing, found = "mixing of plate", "retrieval mAP of treatment across plate"
    assert rows["latent", mixing] > 0.9 > 0.3 > rows["before sphering", mixing]
    assert rows["latent", found] > rows["before sphering", found] + 0.1

    path = cs.read.write_embedding(cells, tmp_path / "cells.h5ad")
    again, other = cs.read.read_embedding(path), screen()
    assert about_sphering(again) == about_sphering(cells)
    add_sphering(other, str(path), None)
    np.testing.assert_allclose(other.latent, cells.latent, atol=1e-5)
    assert other_models(cells.provenance, other.provenance) is None
    plain = cs.read.write_embedding(screen(), tmp_path / "plain.h5ad")
    with pytest.raises(InputError, match=r"with the model /models/m, and the map with /models/m, sphered"):
        comparable(cells, plain)
    with pytest.raises(InputError, match="was not sphered"):
        add_sphering(screen(), str(plain), None)


def test_controls_that_are_missing_or_too_few_are_said() -> None:
    with pytest.raises(InputError, match="No sample fulfils 'treatment = DMS'"):
        add_sphering(screen(), "treatment = DMS", None)
    with pytest.raises(InputError, match="no column 'drug'"):
        add_sphering(screen(), "drug = a", None)
    cells = screen()
    cells.adata.obs["well"] = np.arange(180) % 6
    with pytest.raises(InputError, match="at least 8 controls, and well '0' has 4, and 5 more"):
        add_sphering(cells, "treatment = a and plate in (p1, p2)", "well")
    few = screen()
    add_sphering(few, "treatment = a and plate = p1", None)
    assert "fewer than 10 controls" not in " ".join(about_sphering(few))
    assert about_sphering(few)[0] == "Sphered on the 10 controls: treatment = a and plate = p1."
    many = cs.Embedding.from_arrays(RNG.normal(size=(20, 16)), {"treatment": np.repeat(["DMSO", "a"], 10)})
    add_sphering(many, "treatment=DMSO", None)
    assert about_sphering(many)[1].startswith("That is fewer than 32 controls (2 for each of 16 dimensions): up to ")


def test_average_precision_is_that_of_copairs() -> None:
    """Values of copairs 0.5.5: positives of one treatment, negatives of others, both on other plates."""
    rng = np.random.default_rng(11)
    plates = np.repeat(["p1", "p2", "p3"], 8)
    treatment = np.array((["dmso"] * 4 + ["a"] * 2 + ["b"] * 2) * 2 + ["dmso"] * 4 + ["a"] * 3 + ["c"])
    x = rng.normal(size=(24, 5))
    x[treatment == "a", 0] += 1.5
    x[treatment == "b", 1] -= 1.5
    found = retrieval(np.round(x, 3), treatment, plates, permutations=200)
    assert found.treatments == ["a", "b", "dmso"]
    assert found.value == pytest.approx([0.442790, 0.387311, 0.490567], abs=2e-6)
    # copairs shuffles pairs, which takes them for independent: 0.31, 0.17, 0.76. Here treatments are, within plates.
    assert found.p[:2] == pytest.approx([0.31, 0.17], abs=0.12)
    assert found.p[2] > 0.76
    table = evaluate_trust(np.round(x, 3), clusters=2, batches=("plate", plates), treatments=treatment)
    assert table.get("retrieval mAP of treatment across plate").value == pytest.approx(
        (7 * 0.442790 + 4 * 0.387311 + 12 * 0.490567) / 23, abs=2e-6
    )
