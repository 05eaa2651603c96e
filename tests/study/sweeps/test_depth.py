"""Depths: each fitted once at each size, judged on the same images, beside what the rule takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coverslip.cli import main
from coverslip.core.errors import InputError, Stopped
from coverslip.core.samples import ArraySamples
from coverslip.methods import vae
from coverslip.methods.vae.architecture import depth_rule
from coverslip.read import read_table
from coverslip.study import depth_study
from coverslip.study.sweeps.depth import _depths
from coverslip.study.sweeps.depth_page import notes_of
from coverslip.study.sweeps.depth_rule import Line, points_of, refitted

SETTINGS = {"width": 4, "epochs": 1, "batch": 16, "latent": 2}


@pytest.fixture(scope="module")
def samples() -> ArraySamples:
    """Patches of a real stained section, the last of them the first once more."""
    from skimage.data import immunohistochemistry

    field = np.moveaxis(immunohistochemistry(), -1, 0)
    corners = [(y, x) for y in range(0, 480, 64) for x in range(0, 480, 64)][:39]
    corners.append(corners[0])
    return ArraySamples(np.stack([field[:, y : y + 16, x : x + 16] for y, x in corners]))


@pytest.fixture(scope="module")
def study(samples: ArraySamples, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Two sizes, of which one is too small for one of the depths."""
    out = tmp_path_factory.mktemp("depth")
    how: dict[str, Any] = {"sizes": [(8, 8), (16, 16)], "depths": [1, 4], "restarts": 2, "settings": SETTINGS}
    return out, depth_study("vae", samples, out, **how)


@pytest.mark.parametrize(
    ("size", "depths"),
    [(8, [1, 2, 3]), (20, [1, 2, 3, 4]), (40, [1, 2, 3, 4, 5]), (140, [2, 3, 4, 5, 6])],
)
def test_depths_are_those_around_the_rule_that_a_size_allows(size: int, depths: list[int]) -> None:
    assert _depths(vae, vae.Config(), 1, (size, size), None) == depths


def test_every_depth_that_fits_is_fitted_at_every_size(study: tuple[Path, Any]) -> None:
    out, found = study
    wanted = [(8, 1), (16, 1), (16, 4)]
    assert [(point["height"], point["depth"]) for point in found.points] == wanted
    assert {p.name for p in out.glob("fits/*") if p.is_dir()} == {
        f"size={size}x{size},depth={depth},seed={seed}" for size, depth in wanted for seed in (0, 1)
    }
    table = read_table(out / "table.csv")
    assert len(table["seed"]) == 6
    assert (out / "depth.png").stat().st_size > 10_000
    page = (out / "report.html").read_text("utf-8")
    assert "Validation loss by depth" in page
    assert "sample 0 and sample 39 hold the same pixels" in page


def test_points_are_means_of_the_restarts(study: tuple[Path, Any]) -> None:
    out, found = study
    table = read_table(out / "table.csv")
    for point in found.points:
        own = (table["height"].astype(int) == point["height"]) & (table["depth"].astype(int) == point["depth"])
        losses = table["val_loss"][own].astype(float)
        assert (point["value"], point["low"], point["high"]) == pytest.approx(
            (losses.mean(), losses.min(), losses.max())
        )
        assert point["rule"] == (point["depth"] == depth_rule(point["height"], point["width"]))
    assert json.loads((out / "provenance.json").read_text())["seeds"] == [0, 1]


def test_all_fits_hold_out_the_same_images(study: tuple[Path, Any]) -> None:
    out, _ = study
    configs = [json.loads((folder / "config.json").read_text()) for folder in out.glob("fits/*") if folder.is_dir()]
    assert {(c["facts"]["split_by"], c["facts"]["train"], c["facts"]["val"]) for c in configs} == {("split", 34, 6)}


def test_a_second_run_fits_only_what_is_missing(
    samples: ArraySamples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from coverslip.study.sweeps import depth

    fit, fitted = depth.fit_once, []

    def stops_at_the_second(*arguments: Any, **options: Any) -> Any:
        if fitted:
            raise Stopped("Ctrl-C")
        fitted.append(arguments[2].name)
        return fit(*arguments, **options)

    how: dict[str, Any] = {"depths": [1, 2, 9], "restarts": 1, "settings": SETTINGS}
    with monkeypatch.context() as patched:
        patched.setattr(depth, "fit_once", stops_at_the_second)
        with pytest.raises(Stopped):
            depth_study("vae", samples, tmp_path, **how)
    weights = tmp_path / "fits" / "size=16x16,depth=1,seed=0" / "weights.safetensors"
    before = weights.stat().st_mtime_ns
    found = depth_study("vae", samples, tmp_path, **how)
    assert weights.stat().st_mtime_ns == before
    assert [point["depth"] for point in found.points] == [1, 2]  # 16 pixels are not halved nine times
    with pytest.raises(InputError, match=r"was fitted with settings.epochs=1, not 2: "):
        depth_study("vae", samples, tmp_path, **{**how, "settings": {**SETTINGS, "epochs": 2}})


def row(size: int, depth: int, loss: float, active: int = 2, seed: int = 0) -> dict[str, Any]:
    facts = {"height": size, "width": size, "depth": depth, "seed": seed, "val_loss": loss, "active_units": active}
    return {**facts, "collapsed": active == 0}


ROWS = [
    *(row(20, 2, 4.0 + 0.1 * seed, seed=seed) for seed in range(2)),
    *(row(20, 3, 3.6 + 0.1 * seed, seed=seed) for seed in range(2)),
    *(row(20, 4, 3.0, active=0, seed=seed) for seed in range(2)),
    *(row(80, 3, 48.0 + seed, seed=seed) for seed in range(2)),
    *(row(80, 4, 47.0 + 3 * seed, active=2 * seed, seed=seed) for seed in range(2)),
]
RULES = {(20, 20): 2, (80, 80): 3}


def test_a_depth_that_collapsed_is_not_the_best_however_small_its_loss() -> None:
    points = points_of(ROWS, RULES)
    assert [(p["height"], p["depth"]) for p in points if p["best"]] == [(20, 3), (80, 3)]


def test_what_the_rule_loses_is_said_and_whether_restarts_agree() -> None:
    points = points_of(ROWS, RULES)
    small, large, line = notes_of(points, RULES, refitted(points), restarts=2)
    assert "20 x 20 pixels: depth 3 is best, with a validation loss of 3.65." in small
    assert "The rule takes 2, whose loss of 4.05 is 11.0 % worse (every restart is better)." in small
    assert "Collapsed, so that every image got the same vector: depth 4 (in 2 of 2 fits)." in small
    assert "The rule takes it." in large
    assert "depth 4 (in 1 of 2 fits)" in large
    assert "L = round(0.000 · log2(H · W) + 3.00). It takes 3 at 20x20 (the best), 3 at 80x80 (the best)" in line


def test_the_line_goes_through_the_best_depths() -> None:
    best = {20: 2, 80: 3, 320: 4}
    points = points_of([row(size, depth, 1.0) for size, depth in best.items()], {(size, size): 1 for size in best})
    line = refitted(points)
    assert line is not None
    assert (line.slope, line.at((20, 20)), line.at((80, 80)), line.at((320, 320))) == (pytest.approx(0.25), 2, 3, 4)
    assert refitted(points[:1]) is None
    source = Line(0.356, 2 - 0.356 * 8.64)
    assert [source.at((n, n)) for n in (20, 80, 140)] == [depth_rule(n, n) for n in (20, 80, 140)] == [2, 3, 4]


@pytest.mark.parametrize(
    ("method", "options", "words"),
    [
        ("simclr", {}, "'simclr' has no depth rule; study that of vae"),
        ("vae", {"settings": {**SETTINGS, "depth": 3}}, "varies the depth itself"),
        ("vae", {"settings": {**SETTINGS, "preset": "mp4"}}, "the depth is that of this network"),
        ("vae", {"settings": {**SETTINGS, "validation": 0}}, "held-out images"),
        ("vae", {"sizes": [(4, 4)]}, "8 x 8 pixels"),
        ("vae", {"sizes": [(0, 0)]}, "0 x 0 pixels hold nothing"),
        ("vae", {"sizes": [(16, 24)]}, "other proportions than 16 x 24"),
        ("vae", {"depths": [0]}, "at least 1 block deep"),
        ("vae", {"depths": [7]}, "halved 4 times at most"),
        ("vae", {"restarts": 0}, "At least one fit"),
    ],
)
def test_what_cannot_be_is_refused_before_any_fit(
    samples: ArraySamples, tmp_path: Path, method: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        depth_study(method, samples, tmp_path / "study", **{"settings": SETTINGS, **options})
    assert not (tmp_path / "study").exists()


def test_the_command_tells_upsampling(
    samples: ArraySamples, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from coverslip.read import write_image_tiff

    folder = tmp_path / "crops"
    folder.mkdir()
    for i, pixels in enumerate(samples.read(range(12))):
        write_image_tiff(pixels, folder / f"{i}.tif")
    options = ["--sizes", "24", "--depths", "1,2", "--restarts", "1", "--device", "cpu"]
    given = [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={value}")]
    assert main(["study", "depth", "vae", str(folder), *options, *given, "--out", str(tmp_path / "study")]) == 0
    said = capsys.readouterr().out
    assert "24x24: the images have 16x16 pixels, so this is upsampling" in said
    assert "24 x 24 pixels: depth" in said
    assert main(["study", "depth", "vae", str(folder), "--sizes", "24,big", "--out", str(tmp_path / "other")]) == 2
    assert "'big' is no image size" in capsys.readouterr().err
