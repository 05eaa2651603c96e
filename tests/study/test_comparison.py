"""Representations of the same samples, side by side."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import coverslip as cs
from coverslip.core.errors import InputError
from coverslip.core.fields import ArrayFields
from coverslip.core.image import Image
from coverslip.core.samples import ArraySamples
from coverslip.measure import evaluate_kept, evaluate_labels, linear_probe, pca_baseline
from coverslip.read import read_embedding, read_table
from coverslip.results.detections.masks import as_labels
from coverslip.samples import find_nuclei
from coverslip.study import compare

from .conftest import RUN, SETTINGS

TINY = {"width": 4, "epochs": 1, "batch": 16, "vae.latent": 2}


def samples(**columns: Any) -> ArraySamples:
    """Squares of two sizes in noise."""
    rng = np.random.default_rng(0)
    images = rng.normal(100, 10, (48, 1, 16, 16))
    for i in range(48):
        reach = 2 + 3 * (i % 2)
        images[i, 0, 8 - reach : 8 + reach, 8 - reach : 8 + reach] += 60
    label = np.array(["small", "large"])[np.arange(48) % 2]
    return ArraySamples(images.clip(0, 255).astype(np.uint8), {"label": label, **columns})


def test_each_is_measured_on_the_same_samples(tmp_path: Path) -> None:
    plates = np.repeat(["a", "b"], 24)
    given = samples(plate=plates, treatment=np.tile(["drug", "dmso"], 24))
    how = {"settings": TINY, "restarts": 2, "sphere": "treatment = dmso", "sphere_by": "plate"}
    findings = compare(given, ["vae", "pca", "raw"], tmp_path, **how)
    sizes = {row["representation"]: row["values"] for row in findings.table}
    assert sizes == {"vae": 2, "vae, sphered": 2, "pca": 2, "pca, sphered": 2, "raw": 256}
    assert any(note.startswith("pca: Sphered on the 12 controls of each plate (2)") for note in findings.notes)
    rows = {row["representation"]: row for row in findings.table}
    assert rows["raw"]["neighbours, views"][0] > 0.25  # noise is the same, but turned; by chance 0.32
    again = [cs.load(tmp_path / "fits" / name) for name in ("vae", "vae,seed=1")]
    told = evaluate_kept(
        *(cs.predict(again[0], given).latent,), refits=[cs.predict(again[1], given).latent], clusters=2
    )
    assert rows["vae"]["neighbours, refits"][0] == pytest.approx(told.rows[0].value, abs=0.02)
    assert np.isnan(rows["vae, sphered"]["clusters, refits"])
    pixels = given.read(np.arange(48)).reshape(48, -1).astype(np.float32)
    expected = linear_probe(pca_baseline(pixels, pixels, 2), given.obs["label"], groups=None).balanced_accuracy
    assert rows["pca"]["linear probe"][0] == pytest.approx(expected.value, abs=0.05)
    table = read_table(tmp_path / "table.csv")
    wanted = {"linear probe", "k-NN", "ACC", "NMI", "ARI", "stability", "mixing of plate", "s per 1,000"}
    assert wanted <= set(table)
    assert "retrieval mAP of treatment across plate" in table
    assert "What stays in other fits, and with changed images" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert {path.name for path in tmp_path.glob("*.png")} == {"measures.png", "maps.png"}
    assert [len(read_embedding(tmp_path / "embeddings" / f"{name}.h5ad")) for name in ("vae", "pca")] == [48, 48]
    before = (tmp_path / "fits" / "vae" / "weights.safetensors").stat().st_mtime_ns
    compare(given, ["vae", "pca"], tmp_path, settings=TINY)
    with pytest.raises(InputError, match="No sample fulfils 'treatment = water'"):
        compare(given, ["vae"], tmp_path / "other", settings=TINY, sphere="treatment = water")
    assert not (tmp_path / "other").exists()
    assert (tmp_path / "fits" / "vae" / "weights.safetensors").stat().st_mtime_ns == before


def test_other_channels_and_other_images_do_not_pass_for_a_finished_study(tmp_path: Path) -> None:
    given = samples()
    two = np.concatenate([given.read(range(48)), 255 - given.read(range(48))], axis=1)
    first = compare(two, ["vae", "raw"], tmp_path, settings=TINY, channels=[1])
    assert first.table[1]["values"] == 256  # of the one channel
    before = read_embedding(tmp_path / "embeddings" / "vae.h5ad").latent
    assert cs.load(tmp_path / "fits" / "vae").facts["input"]["channels"] == [1]
    with pytest.raises(InputError, match="vae was fitted with channels=1, not 0; other images"):
        compare(two, ["vae"], tmp_path, settings=TINY, channels=[0])
    shutil.rmtree(tmp_path / "fits" / "vae")  # as one is told
    compare(two, ["vae"], tmp_path, settings=TINY, channels=[0])
    assert cs.load(tmp_path / "fits" / "vae").facts["input"]["channels"] == [0]
    again = read_embedding(tmp_path / "embeddings" / "vae.h5ad").latent
    assert not np.array_equal(again, before)


def test_without_classes_nothing_is_said_of_probes(tmp_path: Path) -> None:
    findings = compare(samples(label=np.array([""] * 48)), ["pca"], tmp_path)
    assert findings.notes[-1] == "There are no classes, so what needs them is not measured."
    assert "probe" not in findings.notes[0]
    assert "linear probe" not in findings.table[0]


def test_a_copy_of_a_training_image_among_those_that_are_measured_is_said(tmp_path: Path) -> None:
    pixels = samples().read(range(48))
    pixels[40] = pixels[3]
    given = ArraySamples(pixels, {"split": np.array(["train"] * 30 + ["test"] * 18)})
    assert "sample 3 (train) and sample 40 (test) hold the same pixels" in compare(given, ["pca"], tmp_path).notes[-1]


def test_components_never_see_what_is_measured_on(tmp_path: Path) -> None:
    given = samples(split=np.array(["train"] * 30 + ["test"] * 18))
    findings = compare(given, ["pca"], tmp_path)
    assert findings.notes[1].startswith("Probes are on the test part")
    measures = read_table(tmp_path / "measures.csv")
    assert int(measures["n"][measures["measure"] == "linear probe balanced accuracy"][0]) == 18


@pytest.mark.parametrize(
    ("of", "settings", "words"),
    [
        (["unet", "vae"], {}, "'unet' cannot be compared here"),
        (["vae", "vae"], {}, "named twice"),
        (["vae"], {"vae.bta": 1}, "no setting 'bta'"),
        (["pca"], {"temperature": 1}, "None of pca has a setting 'temperature'"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_any_fit(
    of: list[str], settings: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=words):
        compare(samples(), of, tmp_path / "out", settings=settings)
    assert not (tmp_path / "out").exists()


def test_methods_that_find_objects_are_measured_on_the_same_held_out_fields(
    fields: ArrayFields, tmp_path: Path
) -> None:
    findings = compare(fields, ["unet", "classical"], tmp_path, settings={**SETTINGS, "epochs": 2}, run=RUN)
    assert [(row["method"], row["images"]) for row in findings.table] == [("unet", 3), ("classical", 3)]
    found = [(str(i), fields.labels(i), find_nuclei(Image.from_array(fields.pixels(i)[0]))) for i in (5, 6, 7)]
    assert findings.table[1]["ap50"][0] == pytest.approx(evaluate_labels(found).get("ap50").value)
    page = (tmp_path / "report.html").read_text()
    assert "Outlines" in page
    assert "classical gives no probability" in page


def test_the_page_says_which_held_out_field_is_a_copy_of_a_training_field(fields: ArrayFields, tmp_path: Path) -> None:
    rows = [0, 1, 2, 3, 4, 5, 6, 0]
    given = ArrayFields([fields.pixels(i)[0] for i in rows], [fields.labels(i) for i in rows], fields.obs)
    findings = compare(given, ["unet", "classical"], tmp_path, settings={**SETTINGS, "epochs": 1}, run=RUN)
    said = f"{given.name(0)} (train) and {given.name(7)} (val) hold the same pixels"
    assert findings.notes[-1].startswith(said)
    assert said in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_outlines_of_a_section_model_are_compared_as_labels(fields: ArrayFields, tmp_path: Path) -> None:
    tiny = {"width": 8, "pyramid": 8, "head": 16, "tile": 64, "proposals": 16, "batch": 2, "epochs": 2}
    findings = compare(
        fields, ["section", "classical"], tmp_path, settings={**tiny, "section.target": "regions"}, run=RUN
    )
    assert [(row["method"], row["images"]) for row in findings.table] == [("section", 3), ("classical", 3)]
    model = cs.load(tmp_path / "fits" / "method=section,seed=0" / "model")
    found = [cs.predict(model, ArrayFields([fields.pixels(i)[0]]), device="cpu")[0] for i in (5, 6, 7)]
    truth = [fields.labels(i) for i in (5, 6, 7)]
    drawn = [(str(i), *pair) for i, pair in enumerate(zip(truth, map(as_labels, found), strict=True))]
    assert findings.table[0]["pixel_error"][0] == pytest.approx(1 - evaluate_labels(drawn).get("pixel_f1").value)


def test_boxes_are_not_compared_with_masks(fields: ArrayFields, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--set target=regions"):
        compare(fields, ["section", "classical"], tmp_path, settings={"tile": 64}, run=RUN)
    assert not (tmp_path / "fits").exists()
