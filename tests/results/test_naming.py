"""Clusters are named in the page, and the names become labels of cells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import coverslip as cs
from coverslip.core.errors import InputError
from coverslip.figures import maps
from coverslip.figures.document import Page
from coverslip.figures.maps import pca_map
from coverslip.methods import deep_cluster
from coverslip.models.folder import Model
from coverslip.results.embedding.groups import check_groups, groups_to_name, whose
from coverslip.results.embedding.labelling import label
from coverslip.results.embedding.naming import Names, label_cells, of_clusters, read_names
from coverslip.results.embedding.options import Label, Report
from coverslip.results.embedding.page import write_page
from coverslip.results.embedding.placing import about_placed, placed, placed_rows
from coverslip.results.embedding.report import write_report
from coverslip.results.embedding.trust import treatment_rows


def blobs(seed: int = 0, each: int = 20) -> cs.Embedding:
    """Three clusters in a row; the first two are near each other."""
    rng = np.random.default_rng(seed)
    latent = np.concatenate([rng.normal(centre, 0.6, (each, 3)) for centre in (0, 1.5, 12)])
    columns = {"cluster": np.repeat(["1", "2", "3"], each), "plate": np.tile(["a", "b"], 3 * each // 2)}
    return cs.Embedding.from_arrays(latent, columns)


NAMES = Names(names={"1": "G1", "2": "G1 ", "3": ""}, sizes={"1": 20, "2": 20, "3": 20}, cells={"59": "odd"})


def test_equal_names_merge_and_what_has_none_gets_no_label() -> None:
    cells = blobs()
    found = label_cells(cells, cells, NAMES)
    assert found.label.tolist() == ["G1"] * 40 + [""] * 19 + ["odd"]
    assert found.confidence[:40].tolist() == [1.0] * 40  # of neighbours some are of the other cluster of that name
    assert found.confidence[59] == 1  # named by itself
    assert 0.85 < found.confidence[40:59].mean() < 1  # the odd one is among their neighbours
    apart = label_cells(cells, cells, Names(names={"1": "G1", "2": "S", "3": "M"}))
    assert apart.confidence[40:].tolist() == [1.0] * 20
    assert apart.confidence[:40].min() < 1


def test_names_of_a_models_clusters_are_for_other_cells_too() -> None:
    """A cluster may be empty in these, has another size, and an id means another cell."""
    membership = np.repeat(np.eye(3), 5, axis=0)[:10]
    cells = cs.Embedding.from_arrays(
        np.eye(3)[np.repeat([0, 1], 5)], {"cluster": np.repeat(["1", "2"], 5)}, obsm={"membership": membership}
    )
    about = of_clusters(
        Names(names={"1": "G1", "3": "M"}, sizes={"1": 20, "2": 20, "3": 20}, cells={"7": "odd"}), cells
    )
    assert label_cells(cells, cells, about).label.tolist() == ["G1"] * 5 + [""] * 5
    same = Names(names={"1": "G1"}, sizes={"1": 5, "2": 5}, cells={"7": "odd"})
    assert of_clusters(same, cells) == same
    with pytest.raises(InputError, match="no cluster '4': its clusters are 1, 2, 3"):
        of_clusters(Names(names={"4": "G1"}), cells)


def test_clusters_that_were_asked_for_do_not_pass_for_those_of_the_model(tmp_path: Path) -> None:
    """`predict --clusters N` puts k-means clusters into the column where the model's own had been."""
    told = {"kind": "embedding", "model": {"method": "deep_cluster", "folder": str(tmp_path / "model")}}
    membership = {"membership": np.repeat(np.eye(3), 20, axis=0)}
    model = Model("deep_cluster", deep_cluster.Config(), {}, folder=tmp_path / "model")
    (tmp_path / "names.json").write_text(json.dumps({"names": {"1": "G1", "2": "S", "3": "M"}}))

    def label_with_model(clusters: list[str], names: Path) -> Any:
        cells = cs.Embedding.from_arrays(blobs().latent, {"cluster": clusters}, obsm=membership, provenance=told)
        return label(model, cells, names, tmp_path / "labels.parquet", True, Label(), tmp_path / "cells.h5ad"), cells

    own, others = ["1"] * 20 + ["2"] * 20 + ["3"] * 20, ["2"] * 40 + ["1"] * 20
    written, cells = label_with_model(own, tmp_path / "names.json")
    assert written.said == "Labelled 60 of 60 cells: 20 G1, 20 M, 20 S"
    assert whose(cells, "cluster") == "model"
    with pytest.raises(InputError, match="not those of the model: others were asked for with --clusters"):
        label_with_model(others, tmp_path / "names.json")
    found_there = {"names": {"1": "G1", "2": "S"}, "sizes": {"1": 20, "2": 40}, "of": "result"}
    (tmp_path / "there.json").write_text(json.dumps(found_there))
    with pytest.raises(InputError, match="clusters that were found in a result"):
        label_with_model(own, tmp_path / "there.json")


def test_other_cells_get_the_name_of_their_neighbours() -> None:
    new = blobs(seed=1, each=10)
    found = label_cells(blobs(), new, Names(names={"1": "G1", "2": "S", "3": "M"}))
    expected = np.repeat(["G1", "S", "M"], 10)
    assert (found.label == expected).mean() > 0.8
    assert (found.cluster == np.repeat(["1", "2", "3"], 10)).mean() > 0.8
    assert (found.label[20:] == "M").all()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"names": {"7": "G1"}}, "no cluster '7' in the column 'cluster', which holds 1, 2, 3"),
        ({"names": {"1": "G1"}, "sizes": {"1": 21}}, "had 21 cells when it was named and has 20 now"),
        ({"names": {"1": "G1"}, "cells": {"60": "odd"}}, "no cell '60'"),
        ({"names": {"1": "G1"}, "column": "phase"}, "no column 'phase'"),
    ],
)
def test_names_of_another_result_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        label_cells(blobs(), blobs(), Names(**given))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be read"),
        ('{"clusters": {}}', "holds no names of clusters"),
        ('{"names": ["G1"]}', "holds no names of clusters"),
        ('{"names": {"1": " "}}', "holds no name at all"),
    ],
)
def test_a_file_that_holds_no_names_is_one_sentence(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "names.json").write_text(text)
    with pytest.raises(InputError, match=words):
        read_names(tmp_path / "names.json")
    with pytest.raises(InputError, match=r"absent\.json does not exist; give the JSON that the page exports"):
        read_names(tmp_path / "absent.json")


def test_names_of_something_else_than_an_embedding_are_refused(tmp_path: Path) -> None:
    cells = cs.read.write_embedding(blobs(), tmp_path / "cells.h5ad")
    scores = tmp_path / "classes.csv"
    scores.write_text("image,probability_a,probability_b\n1.tif,0.2,0.8\n")
    (tmp_path / "names.json").write_text('{"names": {"1": "G1"}}')
    with pytest.raises(InputError, match=r"classes\.csv holds scores, and .*cells\.h5ad an embedding: give the result"):
        cs.label(scores, cells, tmp_path / "names.json", tmp_path / "labels.parquet")


def test_the_page_shows_cells_of_each_cluster_that_have_a_picture() -> None:
    cells = blobs()
    pictured = np.arange(0, 60, 2)
    found = groups_to_name(cells, "cluster", pictured)
    assert found is not None
    assert [(one["name"], one["size"]) for one in found["clusters"]] == [("1", 20), ("2", 20), ("3", 20)]
    for one in found["clusters"]:
        rows = [*one["typical"], *one["borderline"], *one["random"]]
        assert set(rows) <= set(pictured.tolist())
        assert set(cells.column("cluster")[rows]) == {one["name"]}
    assert groups_to_name(cells, "phase", pictured) is None
    single = cs.Embedding.from_arrays(cells.latent, {"cluster": np.array(["1"] * 60)})
    assert groups_to_name(single, "cluster", pictured) is None
    with pytest.raises(InputError, match="no column 'phase'"):
        check_groups(cells, "phase")
    with pytest.raises(InputError, match="holds 1 group; 2 to 60 can be named"):
        check_groups(single, "cluster")


def test_groups_that_were_asked_for_and_cannot_be_named_are_refused(tmp_path: Path) -> None:
    cells = cs.Embedding.from_arrays(blobs(each=22).latent, {"number": np.arange(66).astype(str)})
    for name in ("phase", "number"):
        with pytest.raises(InputError, match=f"column '{name}'"):
            cs.write_report(cells, tmp_path / "page.html", clusters=name)
    assert not list(tmp_path.iterdir())


def test_the_report_says_what_can_be_trusted_and_places_new_cells(tmp_path: Path) -> None:
    known, new = blobs(), blobs(seed=3, each=4)
    cs.read.write_embedding(new, tmp_path / "new.h5ad")
    options = Report(place=str(tmp_path / "new.h5ad"))
    write_report(known, Page(tmp_path / "page.html"), None, None, options)
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    for words in ("Trust without labels", "stability of clusters", "mixing of plate", "Samples placed on the map"):
        assert words in html

    both, on_map = placed(known, tmp_path / "new.h5ad")
    assert both.column("placed")[:60].tolist() == ["known"] * 60
    assert set(both.column("placed")[60:]) <= {"new", "new, far from all known"}
    said = both.column("said")[60:]
    assert (said == new.column("cluster")).mean() > 0.7
    nearest = both.column("nearest")[60:].astype(int)
    gaps = np.linalg.norm(new.latent[:, None] - known.latent[None], axis=2)
    np.testing.assert_array_equal(nearest, gaps.argmin(axis=1))
    np.testing.assert_allclose(on_map["PCA"][:60], pca_map(known.latent)[0], atol=1e-5)
    again, _ = placed(known, cs.read.write_embedding(known, tmp_path / "same.h5ad"))
    np.testing.assert_allclose(placed(known, tmp_path / "same.h5ad")[1]["PCA"][60:], on_map["PCA"][:60], atol=1e-4)
    assert len(placed_rows(both)) == 12
    taken = cs.Embedding.from_arrays(known.latent, {**known.obs, "placed": ["here"] * 60, "distance": np.zeros(60)})
    mine = placed_rows(placed(taken, tmp_path / "new.h5ad")[0])
    assert [row["distance"] for row in mine] == [row["distance"] for row in placed_rows(both)]
    assert len(again) == 120


def test_new_cells_come_onto_the_map_that_is_there_and_what_is_like_nothing_is_said(tmp_path: Path) -> None:
    known = blobs(each=40)
    told = {"kind": "embedding"}
    xy = np.random.default_rng(0).normal(size=(120, 2))
    known = cs.Embedding.from_arrays(known.latent, known.obs, obsm={"X_umap": xy}, provenance=told)
    strange = np.concatenate([known.latent[:9] + 0.001, np.full((3, 3), 60.0)])
    path = cs.read.write_embedding(cs.Embedding.from_arrays(strange, {}), tmp_path / "new.h5ad")
    both, on_map = placed(known, path)
    for name, xy_known in (("UMAP", xy), ("PCA", pca_map(known.latent)[0])):
        np.testing.assert_allclose(on_map[name][:120], xy_known, atol=1e-5)  # where they were
        np.testing.assert_allclose(on_map[name][120:129], xy_known[:9], atol=0.05)  # beside the one they are like
    assert both.column("placed")[120:].tolist() == ["new"] * 9 + ["new, far from all known"] * 3
    assert about_placed(both).startswith("3 of 12 new samples lie farther")
    assert "nothing like these was known" in about_placed(both)
    assert [row["distance"] > 10 for row in placed_rows(both)] == [True] * 3 + [False] * 9
    same, _ = placed(known, cs.read.write_embedding(known, tmp_path / "same.h5ad"))
    assert "as many as chance has" in about_placed(same)


def test_the_card_of_a_fit_says_what_can_be_trusted_beside_principal_components(tmp_path: Path) -> None:
    import tifffile

    from coverslip.cli import main

    rows = ["image,plate"]
    pixels = np.random.default_rng(0).normal(100, 10, (48, 16, 16)) + 60 * (np.arange(48) % 2)[:, None, None]
    for i, image in enumerate(pixels.astype(np.uint8)):
        tifffile.imwrite(tmp_path / f"{i}.tif", image)
        rows.append(f"{i}.tif,{'ab'[i % 3 == 0]}")
    (tmp_path / "sheet.csv").write_text("\n".join(rows))
    quick = ["--set", "epochs=30", "--set", "width=8", "--set", "latent=2"]
    assert main(["fit", "vae", str(tmp_path / "sheet.csv"), "--out", str(tmp_path / "model"), *quick]) == 0
    model = cs.load(tmp_path / "model")
    rows = {(row["features"], row["measure"]) for row in model.tables["Trust without labels"]}
    assert {(name, "mixing of plate") for name in ("latent", "PCA 2")} < rows
    assert ("PCA 2", "stability of clusters") in rows
    assert "### Trust without labels" in (tmp_path / "model" / "card.md").read_text(encoding="utf-8")


def test_treatments_that_are_found_again_on_other_plates_stand_first() -> None:
    rng = np.random.default_rng(0)
    treatment = np.tile(["drug", "dmso", "water", ""], 30)
    latent = rng.normal(size=(120, 4)) + 4 * (treatment == "drug")[:, None]
    plate = np.repeat(["a", "b"], 60)
    named, rows = treatment_rows(cs.Embedding.from_arrays(latent, {"treatment": treatment, "plate": plate}))
    assert named == "plate"
    assert [row["samples"] for row in rows] == [30, 30, 30]
    assert (rows[0]["treatment"], rows[0]["mAP"]) == ("drug", pytest.approx(1, abs=0.05))
    assert rows[0]["p"] < 0.01 < rows[1]["p"]
    assert treatment_rows(cs.Embedding.from_arrays(latent, {"treatment": treatment})) == ("", [])
    alone = {"treatment": np.where(plate == "a", "drug", "dmso"), "plate": plate}
    assert treatment_rows(cs.Embedding.from_arrays(latent, alone)) == ("", [])


def test_a_umap_is_kept_in_the_result_for_those_who_come_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"kind": "embedding"}
    path = cs.read.write_embedding(
        cs.Embedding.from_arrays(blobs().latent, blobs().obs, provenance=told), tmp_path / "cells.h5ad"
    )
    layout = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    asked: list[int] = []
    monkeypatch.setattr(maps, "umap_map", lambda latent, seed: asked.append(1) or layout)
    new = cs.read.write_embedding(blobs(seed=3, each=4), tmp_path / "new.h5ad")
    for more in ({}, {"place": str(new)}):
        cs.write_report(path, tmp_path / "page.html", umap=True, trust=False, **more)
    assert asked == [1]
    np.testing.assert_array_equal(cs.read.read_embedding(path).adata.obsm["X_umap"], layout)


def test_cells_of_another_model_are_not_placed(tmp_path: Path) -> None:
    other = cs.Embedding.from_arrays(np.zeros((2, 5)), {})
    with pytest.raises(InputError, match="vectors of 5 values, and the map those of 3"):
        placed(blobs(), cs.read.write_embedding(other, tmp_path / "other.h5ad"))
    models = [{"model": {"folder": f"/models/{name}"}} for name in ("a", "b")]
    known, new = (cs.Embedding.from_arrays(blobs().latent, {}, provenance=facts) for facts in models)
    with pytest.raises(InputError, match="vectors of two models do not compare"):
        placed(known, cs.read.write_embedding(new, tmp_path / "new.h5ad"))


@pytest.mark.chromium
def test_names_typed_into_the_page_are_exported_and_opened_again(browser: Any, tmp_path: Path) -> None:
    cells = blobs()
    pictures = np.random.default_rng(0).integers(0, 255, (60, 8, 8, 3)).astype(np.uint8)
    path = write_page(cells, tmp_path / "page.html", thumbnails=pictures)
    context = browser.new_context(accept_downloads=True)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready]", timeout=60_000)
    assert page.locator("#names-export").is_disabled()
    for i, name in enumerate(["G1", "G1", "<b>M</b>"]):
        page.locator("#clusters input").nth(i).fill(name)
    page.locator("#look input").first.fill("odd")
    assert page.locator("#names-sum").inner_text().split() == ["G1", "39", "<b>M</b>", "20", "odd", "1"]
    page.click("#names-colour")
    assert page.locator("#legend .chip b").all_inner_texts() == ["<b>M</b>", "G1", "odd"]
    with page.expect_download() as download:
        page.click("#names-export")
    download.value.save_as(tmp_path / "names.json")
    found = read_names(tmp_path / "names.json")
    assert found.names == {"1": "G1", "2": "G1", "3": "<b>M</b>"}
    assert found.sizes == {"1": 20, "2": 20, "3": 20}
    labels = label_cells(cells, cells, found).label.tolist()
    assert [labels.count(name) for name in ("G1", "<b>M</b>", "odd")] == [39, 20, 1]

    page.reload()
    page.wait_for_selector("body[data-ready]", timeout=60_000)
    page.set_input_files("#names-open", tmp_path / "names.json")
    page.wait_for_function("document.querySelector('#clusters input').value === 'G1'")
    assert page.locator("#look input").first.input_value() == "odd"
    context.close()
    assert complaints == []


def test_from_names_to_a_probe_by_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from coverslip.cli import main

    monkeypatch.chdir(tmp_path)
    told = {"inputs": {"folder": str(tmp_path / "images")}}
    cells = blobs()
    images = np.array([f"{i}.tif" for i in range(60)], dtype=object)
    cells = cs.Embedding.from_arrays(cells.latent, {"image": images, **cells.obs}, provenance=told)
    cells.adata.obs_names = ids = [f"cell {i}" for i in range(60)]
    cs.read.write_embedding(cells, "cells.h5ad")
    Path("names.json").write_text(json.dumps({"names": {"1": "G1", "2": "S", "3": ""}}))
    assert main(["label", "cells.h5ad", "cells.h5ad", "names.json"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Labelled 40 of 60 cells: 20 G1, 20 S: labels.parquet\n")
    assert "Next: coverslip fit probe labels.parquet" in said
    table = cs.read.read_table("labels.parquet")
    assert {"id", "image", "cluster", "label", "confidence", "look", "plate"} <= set(table)
    assert sorted(set(table["look"])) == list(range(int(table["look"].max()) + 1))

    quick = ["--set", "curve=2", "--set", "draws=1"]
    assert main(["fit", "probe", "labels.parquet", "--out", "probe", *quick]) == 0
    assert main(["predict", "probe", "cells.h5ad", "--out", "classes.parquet"]) == 0
    assert main(["report", "classes.parquet", "--out", "classes.html", "--figures", "figures"]) == 0
    assert Path("figures/learning-curve.png").is_file()
    found = cs.results.opened("classes.parquet")[1].predicted
    assert (found[:40] == np.repeat(["G1", "S"], 20)).mean() > 0.85

    assert main(["label", "cells.h5ad", "cells.h5ad", "names.json", "--out", "sheet.csv"]) == 0
    sheet = cs.samples.read_sheet("sheet.csv")
    assert sheet.column("label") == table["label"].tolist()
    assert Path(sheet.file(3) or "").resolve() == tmp_path / "images" / "3.tif"
    assert main(["label", "cells.h5ad", "cells.h5ad", "names.json", "--out", "named.h5ad"]) == 0
    assert sheet.column("look") == [str(rank) for rank in table["look"]]
    assert cs.read.read_embedding("named.h5ad").adata.obs_names.tolist() == table["id"].tolist() == ids
    named = cs.read.read_embedding("named.h5ad").adata.obs["label"].astype(object)
    assert named.where(named.notna(), "").tolist() == table["label"].tolist()
    capsys.readouterr()
    assert main(["label", "named.h5ad", "named.h5ad", "names.json", "--out", "again.h5ad"]) == 0
    assert "coverslip_label, coverslip_confidence, coverslip_look" in capsys.readouterr().out
    assert main(["label", "cells.h5ad", "cells.h5ad", "names.json"]) == 2
    assert capsys.readouterr().err.startswith("Error: labels.parquet exists already")
    assert main(["label", "cells.h5ad", "sheet.csv", "names.json", "--force"]) == 2
    assert "sheet.csv is a table of images, not a result: embed them" in capsys.readouterr().err
    assert main(["label", "probe", "cells.h5ad", "names.json", "--force"]) == 2
    assert "were found in it, not by a model" in capsys.readouterr().err
