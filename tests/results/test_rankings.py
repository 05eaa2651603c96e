"""A ranking as a folder, measured, and as a page."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.rank.example import plates

import coverslip as cs
from coverslip.cli import main
from coverslip.core import InputError
from coverslip.read import read_ranking, write_embedding, write_image_tiff, write_ranking


@pytest.fixture(scope="module")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, cs.Ranking]:
    """A ranking with images, doses and names that look like HTML."""
    folder = tmp_path_factory.mktemp("ranked")
    found = plates(2, wells=4)
    obs = found.adata.obs
    obs["concentration"] = obs.pop("dose")
    obs["treatment"] = np.where(obs["label"].astype(str) == "drug_screen", "<b>drug", obs["label"].astype(str))
    dose = np.where(obs["treatment"] == "<b>drug", obs["concentration"] + 0.01 * (np.arange(len(obs)) // 2 % 3), 1)
    obs["concentration"] = dose.round(2)
    obs["area"] = np.where(obs["day"] == 10, found.latent[:, 0], 0.0)
    rng = np.random.default_rng(0)
    names = []
    for i in range(len(found)):
        names.append(f"{i}.tif")
        write_image_tiff(rng.integers(0, 9000, (8, 8)).astype(np.uint16), folder / names[-1])
    obs["image"] = names
    found.adata.uns["coverslip"] = {"kind": "embedding", "inputs": {"folder": str(folder)}}
    write_embedding(found, folder / "v.h5ad")
    return folder, cs.predict(cs.fit("rank", found, {"restarts": 1}), found)


def test_a_ranking_is_written_and_read_whole(ranked: tuple[Path, cs.Ranking], tmp_path: Path) -> None:
    _, ranking = ranked
    write_ranking(ranking, tmp_path / "r")
    again = read_ranking(tmp_path / "r")
    assert again.facts["verdict"] == ranking.facts["verdict"]
    np.testing.assert_array_equal(again.column("score"), ranking.column("score"))
    assert again.treatments["treatment"].tolist() == ranking.treatments["treatment"].tolist()
    with open(tmp_path / "r" / "treatments.csv") as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["rank"]) for row in rows] == list(range(1, len(rows) + 1))
    assert cs.results.kind_of(tmp_path / "r").name == "ranking"
    (tmp_path / "r" / "provenance.json").write_text('{"kind": "ranking"}')
    with pytest.raises(InputError, match="no whole ranking"):
        read_ranking(tmp_path / "r")


def test_doses_have_a_curve_with_the_untreated_wells_as_dose_0(ranked: tuple[Path, cs.Ranking]) -> None:
    _, ranking = ranked
    assert ranking.doses["drug"].tolist() == ["<b>drug"]
    assert 0.1 < ranking.doses["ec50"][0] < 2
    assert ranking.doses["p"][0] < 0.01


def test_the_page_shows_the_verdict_and_pictures_and_no_html_of_the_user(
    ranked: tuple[Path, cs.Ranking], tmp_path: Path
) -> None:
    folder, ranking = ranked
    page = cs.write_report(ranking, tmp_path / "r.html", images=folder).read_text()
    assert f"<b>{ranking.facts['verdict']}</b>" in page
    assert "&lt;b&gt;drug" in page
    assert "<b>drug" not in page
    assert page.count("data:image/webp") > 30
    for heading in (
        "Treatments in order",
        "Plate maps",
        "Dose and response",
        "What explains the scale",
        "Nearest controls",
    ):
        assert heading in page


def test_measures_stand_beside_the_floor_and_look_alikes_are_placed(ranked: tuple[Path, cs.Ranking]) -> None:
    _, ranking = ranked
    classes = ranking.column("label").astype(str)
    marked = np.array([""] * len(ranking), object)
    marked[np.flatnonzero(classes == "single_dose")[1:4:2]] = "single_dose"
    ranking = replace(ranking, samples={**ranking.samples, "alike": marked})
    rows = cs.evaluate(ranking, order="untreated,drug_screen,single_dose", alike="alike")
    of = {(row["scale"], row["measure"]): row for row in rows}
    assert of["consensus", "spearman"]["value"] > 0.6
    assert of["consensus", "separation_floor"]["value"] == pytest.approx(0.5)
    assert of["consensus", "placed inside single_dose"]["n"] == 2
    assert ("ruler: centroid, cosine from untreated", "c_index") in of
    with pytest.raises(InputError, match="No sample with a score"):
        cs.evaluate(ranking, order="x,y")


def test_a_truth_says_of_each_image_of_a_plate_what_it_is_of_no_other(
    ranked: tuple[Path, cs.Ranking], tmp_path: Path
) -> None:
    """Plates have the same file names in folders of their own."""
    _, ranking = ranked
    plate, wells = ranking.column("plate"), np.char.add(ranking.column("well").astype(str), "_d")
    names = [f"{p}/{w}{d}.tif" for p, w, d in zip(plate, wells, ranking.column("day"), strict=True)]
    ranking = replace(ranking, samples={**ranking.samples, "image": np.array(names, object)})
    grade = np.where(plate == "P0", np.clip(ranking.column("score"), -1, 2) > 0.5, 0).astype(int)
    (tmp_path / "truth.csv").write_text(
        "\n".join(["image,grade", *(f"{name},{g}" for name, g in zip(names, grade, strict=True)), ""])
    )
    rows = cs.evaluate(ranking, tmp_path / "truth.csv", truth_column="grade")
    own = (plate == "P0") & np.isfinite(ranking.column("score"))
    (area,) = (row for row in rows if (row["scale"], row["measure"]) == ("consensus", "auroc 0 < 1"))
    score, used = ranking.column("score"), np.isfinite(ranking.column("score"))
    high = used & (grade == 1)
    assert own[high].all()
    assert area["value"] == pytest.approx(np.mean(score[high][:, None] > score[used & (grade == 0)]))
    (tmp_path / "part.csv").write_text(f"image,grade\n{names[0]},1\n")
    with pytest.raises(InputError, match="has no row for P0/"):
        cs.evaluate(ranking, tmp_path / "part.csv", truth_column="grade")


def test_a_study_sets_strategies_vectors_and_anchors_side_by_side(
    ranked: tuple[Path, cs.Ranking], tmp_path: Path
) -> None:
    folder, _ = ranked
    out = tmp_path / "study"
    command = ["study", "rank", str(folder / "v.h5ad"), "--anchors", "untreated,single_dose", "--out", str(out)]
    assert main([*command, "--set", "restarts=1", "--set", "strategies=centroid,softmax"]) == 0
    with open(out / "table.csv") as stream:
        rows = {(row["representation"], row["scale"]): row for row in csv.DictReader(stream)}
    assert {name for name, _ in rows} == {"v", "raw pixels"}
    assert {scale for _, scale in rows} >= {"consensus", "centroid", "softmax", "centroid, cosine from untreated"}
    assert float(rows["v", "consensus"]["c_index"]) > 0.95
    assert "Rankings" in (out / "report.html").read_text()


def test_a_study_takes_a_sheet_and_the_network_from_image_to_image(
    ranked: tuple[Path, cs.Ranking], tmp_path: Path
) -> None:
    folder, ranking = ranked
    columns = ("image", "plate", "well", "day", "label")
    lines = [",".join(str(ranking.column(name)[i]) for name in columns) for i in range(len(ranking))]
    (folder / "sheet.csv").write_text("\n".join([",".join(columns), *lines, ""]))
    settings = {"restarts": 1, "epochs": 2, "strategies": "centroid"}
    rows = cs.study.rank_study(
        [folder / "sheet.csv"], ["untreated", "single_dose"], tmp_path / "s", settings=settings, image_to_image=True
    )
    found = {(row["representation"], row["scale"]) for row in rows}
    assert ("raw pixels", "centroid") in found
    assert ("raw pixels, image to image", "prediction, cosine from untreated") in found
    assert ("raw pixels, image to image", "centroid") not in found
