"""Learning curves: nested subsets, equal steps, the same held-out fields, resumed fit by fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import coverslip as cs
from coverslip import measure
from coverslip.core.errors import InputError, Stopped
from coverslip.core.fields import ArrayFields, FieldSubset
from coverslip.core.image import Image
from coverslip.methods import unet
from coverslip.read import read_table
from coverslip.samples import find_nuclei
from coverslip.study import Findings, learning_curve
from coverslip.study.fields.learning import _order, _sizes
from coverslip.train.loop import _Loop
from coverslip.train.patches import PatchFeed

from ..conftest import RUN, SETTINGS, discs, made_fields, picture


def curve(fields: Any, out: Path, **options: Any) -> Findings:
    given = {"sizes": [1, 3], "restarts": 2, "steps": 6, "settings": SETTINGS, "run": RUN, **options}
    return learning_curve("unet", fields, out, **given)


def fits_of(out: Path) -> dict[str, dict[str, Any]]:
    return {file.parent.name: json.loads(file.read_text()) for file in sorted(out.glob("fits/*/fit.json"))}


def finished(out: Path) -> dict[str, int]:
    return {file.parent.name: file.stat().st_mtime_ns for file in out.glob("fits/*/result.json")}


@pytest.fixture(scope="module")
def study(fields: ArrayFields, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Findings]:
    out = tmp_path_factory.mktemp("curve")
    return out, curve(fields, out)


def test_larger_training_sets_hold_the_smaller_ones(study: tuple[Path, Findings]) -> None:
    fits = fits_of(study[0])
    assert set(fits) == {"size=1,seed=0", "size=1,seed=1", "size=3,seed=0", "size=3,seed=1", "classical"}
    for seed in (0, 1):
        one, three = fits[f"size=1,seed={seed}"]["train"], fits[f"size=3,seed={seed}"]["train"]
        assert three[:1] == one
        assert len(set(three)) == 3
        assert set(three) <= {f"array {i}" for i in range(5)}
        assert fits[f"size=3,seed={seed}"]["settings"]["seed"] == seed
    assert fits["size=3,seed=0"]["train"] != fits["size=3,seed=1"]["train"]


def test_all_fits_are_evaluated_on_the_same_held_out_fields(study: tuple[Path, Findings]) -> None:
    assert {tuple(fit["evaluated"]) for fit in fits_of(study[0]).values()} == {("array 5", "array 6", "array 7")}
    table = read_table(study[0] / "images.csv")
    assert set(table["image"]) == {"array 5", "array 6", "array 7"}


def test_all_fits_take_the_same_number_of_steps(study: tuple[Path, Findings]) -> None:
    fits = fits_of(study[0])
    assert fits["size=1,seed=0"]["settings"]["epochs"] == 6  # one batch of one patch
    assert fits["size=3,seed=0"]["settings"]["epochs"] == 6  # a batch of two, and one that is left for later
    table = read_table(study[0] / "table.csv")
    assert set(table["steps"][table["trained_on"] == "all"]) == {6}
    assert len(cs.load(study[0] / "fits" / "size=1,seed=0" / "model").history) == 6


@pytest.mark.parametrize(("count", "batch"), [(1, 2), (2, 2), (3, 2), (5, 4), (7, 3), (3, 1)])
def test_an_epoch_has_as_many_steps_as_it_says(count: int, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    config = unet.Config.parse({**SETTINGS, "batch": batch, "epochs": 2, "validation": 0})
    seen: list[int] = []
    batches = PatchFeed.batches
    monkeypatch.setattr(
        PatchFeed, "batches", lambda feed, rows, seeds: seen.append(len(rows)) or batches(feed, rows, seeds)
    )
    fields = made_fields(count)
    unet.fit(fields, config, RUN)
    assert seen == [unet.steps_per_epoch(fields, config)] * 2


def test_the_tables_agree_with_each_other(study: tuple[Path, Findings]) -> None:
    out, findings = study
    images, table = read_table(out / "images.csv"), read_table(out / "table.csv")
    summary = read_table(out / "summary.csv")
    for measure_name in ("ap50", "pixel_error", "object_error", "pq"):
        of_fit = images[measure_name][(images["size"] == 3) & (images["restart"] == 1)]
        row = (table["size"] == 3) & (table["restart"] == 1) & (table["measure"] == measure_name)
        assert table["value"][row].item() == pytest.approx(of_fit.mean())
        point = (summary["size"] == 3) & (summary["measure"] == measure_name)
        both = images[measure_name][images["size"] == 3]
        assert summary["mean"][point].item() == pytest.approx(both.mean())
    np.testing.assert_allclose(images["object_error"], 1 - images["f1"])
    assert len(findings.points) == len(summary["value"])


def test_a_fit_is_what_its_model_does(fields: ArrayFields, study: tuple[Path, Findings]) -> None:
    out, _ = study
    held_out = FieldSubset(fields, [5, 6, 7])
    found = cs.predict(out / "fits" / "size=3,seed=1" / "model", held_out, device="cpu")
    again = measure.evaluate_labels((i, held_out.labels(i), each) for i, each in enumerate(found))
    images = read_table(out / "fits" / "size=3,seed=1" / "images.csv")
    for name in ("ap50", "pixel_f1", "aji", "auroc"):
        np.testing.assert_allclose(images[name], again.per_image[name])


def test_the_baseline_is_classical_segmentation_of_the_same_fields(
    fields: ArrayFields, study: tuple[Path, Findings]
) -> None:
    scores = []
    for i in (5, 6, 7):
        labels = find_nuclei(Image.from_array(fields.pixels(i)[0]))
        scores.append(measure.evaluate_labels([(i, fields.labels(i), labels)]).get("pixel_f1").value)
    (point,) = [p for p in study[1].points if p["trained_on"] == "classical" and p["measure"] == "pixel_f1"]
    assert point["mean"] == pytest.approx(np.mean(scores))


def test_figure_and_page_show_the_study(study: tuple[Path, Findings]) -> None:
    out, findings = study
    assert (out / "learning-curve.png").read_bytes().startswith(b"\x89PNG")
    page = (out / "report.html").read_text()
    assert findings.notes[0] in page
    assert "about 6 optimiser steps" in page
    noted = json.loads((out / "provenance.json").read_text())
    assert (noted["study"], noted["sizes"], noted["seeds"], noted["steps"]) == ("learning-curve", [1, 3], [0, 1], 6)
    assert noted["settings"]["width"] == 4


def test_a_stopped_study_goes_on_inside_the_fit_that_was_stopped(
    fields: ArrayFields, study: tuple[Path, Findings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = iter([False] * 8 + [True])  # once an epoch: in the second fit, after three of six
    with monkeypatch.context() as patched:
        patched.setattr(_Loop, "_stopping", lambda loop: next(asked))
        with pytest.raises(Stopped, match="the same command goes on from here"):
            curve(fields, tmp_path)
    done = finished(tmp_path)
    assert set(done) == {"size=1,seed=0"}
    (unfinished,) = tmp_path.glob("fits/*/model.fitting/checkpoint.safetensors")
    assert unfinished.parts[-3] == "size=3,seed=0"
    assert not (tmp_path / "table.csv").exists()
    resumed = curve(fields, tmp_path)
    assert finished(tmp_path)["size=1,seed=0"] == done["size=1,seed=0"]
    fresh = study[1]
    assert [point["value"] for point in resumed.points] == [point["value"] for point in fresh.points]


def test_a_finished_study_is_written_anew_without_a_fit(
    fields: ArrayFields, study: tuple[Path, Findings], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, findings = study
    before = finished(out)
    (out / "table.csv").unlink()
    monkeypatch.setattr("coverslip.study.fields.fits.fit_once", lambda *_, **__: pytest.fail("fitted again"))
    assert curve(fields, out).points == findings.points
    assert finished(out) == before
    assert (out / "table.csv").is_file()


def test_other_settings_do_not_pass_for_a_finished_study(fields: ArrayFields, study: tuple[Path, Findings]) -> None:
    with pytest.raises(
        InputError, match=r"size=1,seed=0 was fitted with settings.learning_rate=.*, not 0.01: choose another --out"
    ):
        curve(fields, study[0], settings={**SETTINGS, "learning_rate": 0.01})


def test_models_are_kept_only_where_they_are_wanted(fields: ArrayFields, tmp_path: Path) -> None:
    curve(fields, tmp_path, sizes=[1], restarts=1, steps=1, baseline=False, keep_models=False)
    (fit,) = (tmp_path / "fits").iterdir()
    assert sorted(file.name for file in fit.iterdir()) == ["fit.json", "images.csv", "result.json"]


def test_groups_are_fitted_alone_and_together(grouped: ArrayFields, tmp_path: Path) -> None:
    findings = curve(grouped, tmp_path, sizes=[1, 2], group="group", restarts=1, steps=1)
    fits = fits_of(tmp_path)
    lines = grouped.obs["group"]
    for size in (1, 2):
        pooled = fits[f"pooled={size},seed=0"]
        assert len(pooled["train"]) == 2 * size
        assert len(pooled["evaluated"]) == 3
        for line in ("HeLa", "A549"):
            alone = fits[f"group={line},size={size},seed=0"]
            rows = [int(name.split()[1]) for name in alone["train"]]
            assert len(rows) == size
            assert set(lines[rows]) == {line}
            assert set(alone["train"]) <= set(pooled["train"])
            assert set(alone["evaluated"]) < set(pooled["evaluated"])
    assert not any("MCF7" in name for name in fits)  # nothing of it is held out
    assert findings.notes[-1] == "Left out, for want of fields to train or to evaluate on: MCF7."
    assert {(p["trained_on"], p["group"]) for p in findings.points if p["trained_on"] != "classical"} == {
        (kind, group) for kind in ("own", "pooled") for group in ("HeLa", "A549", "all")
    }


def test_without_a_split_a_share_of_every_group_is_held_out(tmp_path: Path) -> None:
    fields = made_fields(8, group=["HeLa", "A549"] * 4)
    curve(
        fields,
        tmp_path,
        sizes=[1],
        group="group",
        restarts=1,
        steps=1,
        baseline=False,
        keep_models=False,
        settings={**SETTINGS, "validation": 0.25},
    )
    fits = fits_of(tmp_path)
    held_out = {line: fits[f"group={line},size=1,seed=0"]["evaluated"] for line in ("HeLa", "A549")}
    assert [len(names) for names in held_out.values()] == [1, 1]
    assert [int(names[0].split()[1]) % 2 for names in held_out.values()] == [0, 1]


def test_the_first_field_of_a_draw_holds_objects() -> None:
    rows, objects = np.arange(10, 20), dict.fromkeys(range(10, 20), 0) | {13: 2, 17: 1}
    orders = [_order(rows, objects, seed, 0).tolist() for seed in range(20)]
    assert {order[0] for order in orders} == {13, 17}
    assert all(sorted(order) == rows.tolist() for order in orders)
    assert len({tuple(order) for order in orders}) == 20


def test_usual_sizes_are_powers_of_two_and_all() -> None:
    assert [_sizes(None, most) for most in (1, 2, 5, 8)] == [[1], [1, 2], [1, 2, 4, 5], [1, 2, 4, 8]]
    assert _sizes([8, 1, 8], 100) == [1, 8]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sizes": [1, 9]}, "With 5 training fields a fit to 9"),
        ({"sizes": [0, 2]}, "from 1 on"),
        ({"sizes": []}, "from 1 on"),
        ({"steps": 0}, "at least 1 optimiser step"),
        ({"restarts": 0}, "At least one fit"),
        ({"settings": {"patience": 3}}, "leave out patience"),
        ({"settings": {"widht": 3}}, "did you mean 'width'"),
        ({"group": "line"}, "no column 'line' to group the fields by; the columns are: split"),
    ],
)
def test_what_cannot_be_studied_is_refused_before_any_fit(
    fields: ArrayFields, tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        curve(fields, tmp_path / "study", **options)
    assert not (tmp_path / "study").exists()


def test_fields_without_masks_or_objects_or_anything_held_out_are_refused(tmp_path: Path) -> None:
    images = [picture(discs(i), i) for i in range(3)]
    empty = [np.zeros((32, 32), np.int32)] * 3
    with pytest.raises(InputError, match="needs fields with masks"):
        curve(ArrayFields(images), tmp_path)
    with pytest.raises(InputError, match="No field is left to evaluate the fits on"):
        curve(made_fields(3), tmp_path)
    with pytest.raises(InputError, match="None of the 2 training masks holds an object"):
        curve(ArrayFields(images, empty, {"split": ["train", "train", "val"]}), tmp_path, sizes=[1])
    with pytest.raises(InputError, match="array 1 says nothing in the column 'group'"):
        curve(made_fields(4, group=["a", "", "a", "a"]), tmp_path, group="group")


def test_methods_that_find_no_objects_are_refused(fields: ArrayFields, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"methods that find objects .*unet\).*'vae' gives an embedding"):
        learning_curve("vae", fields, tmp_path)
