"""Nuclei of phantoms: fitted without a label, found in files, refined, and refused where there are none to find."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

import coverslip as cs
from coverslip.cli import main
from coverslip.core.errors import InputError
from coverslip.core.fields import ArrayFields
from coverslip.io.labels import read_maps
from coverslip.measure.objects.instances import aggregated_jaccard
from coverslip.measure.objects.overlaps import overlap
from coverslip.methods.he_nuclei.decoding import Decoding
from coverslip.methods.he_nuclei.inference import Segmenter
from coverslip.methods.he_nuclei.recipe import Recipe, seed_labels, seed_maps
from coverslip.methods.he_nuclei.stain import RUIFROK
from coverslip.read import Model, write_image_tiff
from coverslip.train import Run

from .sections import section
from .test_parts import OTHER

SETTINGS = {"epochs": 8, "rounds": 1, "width": 6, "levels": 2, "patch": 64, "steps": 3, "learning_rate": 0.01}


@pytest.fixture(scope="module")
def model() -> Model:
    images = [section(seed=seed, radius=radius)[0] for seed, radius in enumerate((8, 10, 14))]
    return cs.fit("he_nuclei", ArrayFields(images), SETTINGS, run=Run(device="cpu", precision="fp32"))


@pytest.mark.parametrize(("radius", "stains"), [(9, None), (16, None), (10, OTHER)])
def test_nuclei_are_found_whatever_their_size_and_stain(model: Model, radius: float, stains: np.ndarray | None) -> None:
    how = {} if stains is None else {"stains": stains}
    rgb, labels = section((180, 220), radius, seed=7, **how)
    found = cs.predict(model, rgb, device="cpu")
    assert aggregated_jaccard(overlap(labels, found.labels)) > 0.75
    assert found.probability[labels > 0].mean() > 0.6 > 0.3 > found.probability[labels == 0].mean()


def test_the_brown_of_a_section_is_said_and_nuclei_are_found_without_it(
    model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    brown, labels = section((180, 220), 9, seed=7, stains=RUIFROK[[0, 2, 1]])
    found = cs.predict(model, brown, device="cpu", adapt="none")
    assert found.without == "DAB"
    assert aggregated_jaccard(overlap(labels, found.labels)) > 0.75
    image = write_image_tiff(brown, tmp_path / "a.tif")
    folder, out = model.save(tmp_path / "model"), tmp_path / "labels"
    assert main(["predict", str(folder), str(image), "--out", str(out), "--set", "adapt=none"]) == 0
    assert (
        "In 1 of 1 image DAB was taken out of the colours before the model saw them: a.tif." in capsys.readouterr().out
    )


def test_an_adapted_network_is_another_one_and_the_fitted_one_stays(model: Model) -> None:
    before = {name: array.copy() for name, array in model.weights.items()}
    segmenter, fields = Segmenter(model, device="cpu"), ArrayFields([section(seed=3)[0]])
    sight = segmenter.view(fields, 0)
    assert sight.weights is not None
    assert any(not np.array_equal(sight.weights[name], model.weights[name]) for name in before)
    assert all(np.array_equal(before[name], model.weights[name]) for name in before)
    assert Segmenter(model, device="cpu", adapt="none").view(fields, 0).weights is None


def test_blocks_give_what_the_whole_gives(model: Model) -> None:
    rgb, _ = section((300, 420), 9, seed=4)
    fields, segmenter = ArrayFields([rgb]), Segmenter(model, device="cpu", adapt="none", speed="eager")
    sight = segmenter.view(fields, 0)
    (whole,) = segmenter.blocks((300, 420))
    expected = segmenter.objects(fields, 0, whole, sight)
    from coverslip.nn.tiles import paste

    labels, count = np.zeros((300, 420), np.int32), 0
    for block in segmenter.blocks((300, 420), 160):
        found = segmenter.objects(fields, 0, block, sight)
        count += paste(labels[found.block.window.slices], found.labels, count + 1)
    assert aggregated_jaccard(overlap(expected.labels, labels)) > 0.99
    assert labels.max() == expected.labels.max()


def test_a_result_keeps_its_maps_and_is_refined_from_them(model: Model, tmp_path: Path) -> None:
    folder = model.save(tmp_path / "model")
    (tmp_path / "images").mkdir()
    for seed in (5, 6):
        write_image_tiff(section(seed=seed)[0], tmp_path / "images" / f"{seed}.tif")
    out = tmp_path / "labels"
    assert main(["predict", str(folder), str(tmp_path / "images"), "--out", str(out), "--set", "adapt=none"]) == 0
    first = cs.results.opened(out)[1].labels(0).labels
    maps, noted = read_maps(out / "5.labels.tif") or pytest.fail("no maps were kept")
    assert maps.channels == ("haematoxylin", "network", "centre")
    assert maps.shape == (3, 160, 192)
    assert noted["alpha"] == Decoding().alpha

    assert main(["refine", str(out)]) == 0
    np.testing.assert_array_equal(cs.results.opened(out)[1].labels(0).labels, first)
    begun = time.monotonic()
    cs.refine(out, alpha=1.0, threshold=0.7)
    assert time.monotonic() - begun < 20
    colour_alone = cs.results.opened(out)[1].labels(0).labels
    assert 0 < (colour_alone > 0).sum() < (first > 0).sum()
    table = cs.results.opened(out)[1].objects()
    assert table is not None
    assert (table["image"] == table["image"][0]).sum() == colour_alone.max()
    assert main(["refine", str(out), "--min-area", "100000"]) == 0
    assert not cs.results.opened(out)[1].labels(0).labels.any()


def test_what_was_left_out_at_the_border_stays_so_when_refined(model: Model, tmp_path: Path) -> None:
    folder = model.save(tmp_path / "model")
    image = write_image_tiff(section(seed=5)[0][:, 20:-20, 20:-20], tmp_path / "a.tif")
    counts = []
    for dropped in (False, True):
        out = tmp_path / f"{dropped}.labels.tif"
        options = ["--set", "adapt=none", *(["--drop-border"] if dropped else [])]
        assert main(["predict", str(folder), str(image), "--out", str(out), *options]) == 0
        found = [len(cs.results.opened(out)[1].objects()["label"])]
        cs.refine(out, threshold=0.61)
        counts.append([*found, len(cs.results.opened(out)[1].objects()["label"])])
    assert counts[1][0] < counts[0][0]
    assert counts[1][1] < counts[0][1]
    assert not cs.results.opened(out)[1].objects()["touches_border"].any()


def test_what_kept_no_maps_is_not_refined(model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, image = model.save(tmp_path / "model"), write_image_tiff(section()[0], tmp_path / "a.tif")
    out = tmp_path / "a.labels.tif"
    options = ["--set", "maps=false", "--set", "adapt=none"]
    assert main(["predict", str(folder), str(image), "--out", str(out), *options]) == 0
    assert main(["refine", str(out)]) == 2
    assert "no maps were kept of a.labels.tif; predict again" in capsys.readouterr().err


def test_what_is_no_section_is_refused_in_a_sentence(model: Model) -> None:
    rgb, labels = section()
    glowing = np.stack([np.full(labels.shape, 8), np.full(labels.shape, 10), 20 + 180 * (labels > 0)]).astype(np.uint8)
    for pixels, said in (
        (rgb[:1], "found by their colour"),
        (np.concatenate([rgb, rgb[:1]]), "--channels 0,1,2"),
        (glowing, "as fluorescence is"),
    ):
        with pytest.raises(InputError, match=said):
            cs.predict(model, pixels, device="cpu")


def test_a_blank_tile_holds_nothing_and_sixteen_bits_are_as_good_as_eight(model: Model) -> None:
    noise = np.random.default_rng(0).normal(240, 1.5, (3, 120, 120))
    assert not cs.predict(model, noise.astype(np.uint8), device="cpu").labels.any()
    rgb, labels = section(seed=8)
    for pixels in (rgb.astype(np.uint16) * 257, rgb.astype(np.float32) / 255):
        found = cs.predict(model, pixels, device="cpu", adapt="none").labels
        assert aggregated_jaccard(overlap(labels, found)) > 0.75


def test_the_published_method_trains_on_the_image_alone() -> None:
    rgb, labels = section(seed=9)
    recipe = Recipe(side=64, images=12, epochs=1, batch=6, width=4)
    maps = seed_maps(rgb.astype(np.float32) / 255, recipe)
    assert maps.shape == (2, 160, 192)
    assert 0 <= maps.min() <= maps.max() <= 1
    np.testing.assert_array_equal(maps, seed_maps(rgb.astype(np.float32) / 255, recipe))
    found = seed_labels(maps, 0.8)
    assert 2 * ((found > 0) & (labels > 0)).sum() / ((found > 0).sum() + (labels > 0).sum()) > 0.85
