"""A section model learns boxes and outlines, finds them tile by tile, and goes on after a kill."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch

import coverslip as cs
from coverslip.cli import main
from coverslip.core import Detections, InputError, Marks, Region
from coverslip.methods.section.config import Config
from coverslip.methods.section.feeding import TileFeed
from coverslip.methods.section.inference import Finder, found_in
from coverslip.methods.section.model import build
from coverslip.nn.pieces import outline_of
from coverslip.samples import open_fields
from coverslip.samples.opening.marked import MarkedArrays
from coverslip.train.run import Run
from coverslip.verbs.predict import predict_to_file

TINY: dict[str, Any] = {"width": 8, "pyramid": 8, "head": 16, "tile": 64, "proposals": 16, "batch": 2, "epochs": 1}


def scene(seed: int, side: int = 96) -> tuple[np.ndarray, Marks]:
    """Bright and dim discs on a dark ground."""
    rng = np.random.default_rng(seed)
    image, boxes, names, outlines = rng.normal(20, 2, (1, side, side)), [], [], []
    rows, columns = np.mgrid[:side, :side]
    for y in range(12, side - 12, 24):
        for x in range(12, side - 12, 24):
            radius, bright = rng.integers(5, 9), bool(rng.integers(2))
            mask = (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
            image[0][mask] = 200 if bright else 90
            boxes.append((x - radius, y - radius, x + radius + 1, y + radius + 1))
            names.append("bright" if bright else "dim")
            outlines.append(outline_of(mask))
    return image.clip(0, 255).astype(np.uint8), Marks(np.array(boxes, float), np.array(names, object), tuple(outlines))


def fields(count: int = 4) -> MarkedArrays:
    images, marks = zip(*map(scene, range(count)), strict=True)
    return MarkedArrays(images, marks)


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50", "resnext101_32x8d"])
@pytest.mark.parametrize("channels", [1, 4])
def test_every_backbone_takes_any_channels(backbone: str, channels: int) -> None:
    with torch.device("meta"):
        model = build(Config(backbone=backbone, width=64), channels, 3, (8, 16, 32, 64))
        maps = model.backbone(torch.zeros(1, channels, 64, 96))
    assert [tuple(level.shape[2:]) for level in maps.values()] == [(16, 24), (8, 12), (4, 6), (2, 3), (1, 2)]


def test_losses_are_asked_for_in_validation_without_touching_normalisation() -> None:
    torch.manual_seed(0)
    model = build(Config(width=8, pyramid=8, head=16, proposals=16), 1, 2, (8, 16, 32, 64)).eval()
    target = [{"boxes": torch.tensor([[4.0, 4, 20, 20]]), "labels": torch.tensor([1])}]
    before = model.backbone.body.bn1.running_mean.clone()
    with torch.no_grad():
        losses = model(torch.rand(1, 1, 64, 64), target)
        found = model(torch.rand(1, 1, 64, 64))
    assert set(losses) == {"loss_classifier", "loss_box_reg", "loss_objectness", "loss_rpn_box_reg"}
    assert torch.equal(model.backbone.body.bn1.running_mean, before)
    assert set(found[0]) == {"boxes", "labels", "scores"}


def test_tiles_carry_their_boxes_and_masks_however_they_are_turned() -> None:
    """In every tile the pixels of a mask are the bright ones, and the box lies around it."""
    source, config = fields(2), Config(**{**TINY, "target": "regions", "balance": 1.0})
    marks = {row: source.marks(row) for row in range(2)}
    feed = TileFeed(source, marks, {0: 1.0, 1: 1.0}, ["bright", "dim"], config, Run())
    seeds = [np.random.SeedSequence(n) for n in range(6)]
    agreed = []
    for batch in feed.batches([np.array([0, 1])] * 6, seeds):
        for pixels, target in zip(batch.inputs, batch.targets, strict=True):
            for box, mask in zip(target["boxes"], target["masks"], strict=True):
                rows, columns = np.nonzero(mask)
                around = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
                assert np.abs(np.array(around) - box).max() <= 2
                agreed.append((pixels[0] > 0.15)[mask > 0].mean())
    assert len(agreed) > 30
    assert np.mean(agreed) > 0.9


def test_the_same_seed_gives_the_same_tiles() -> None:
    source, config = fields(1), Config(**TINY)
    feed = TileFeed(source, {0: source.marks(0)}, {0: 1.0}, ["bright", "dim"], config, Run())
    one, two = (next(feed.batches([np.array([0])], [np.random.SeedSequence(3)])) for _ in range(2))
    assert np.array_equal(one.inputs, two.inputs)
    assert np.array_equal(one.targets[0]["boxes"], two.targets[0]["boxes"])


@pytest.fixture(scope="module")
def fitted() -> cs.Model:
    """Cells, fitted long enough to find most of them."""
    settings = {**TINY, "epochs": 100, "batch": 4, "proposals": 64, "learning_rate": 3e-3, "seed": 1}
    return cs.fit("section", fields(16), settings, run=Run(device="cpu"))


def test_it_learns_to_find_and_to_name(fitted: cs.Model) -> None:
    image, marks = scene(50)
    rows = cs.evaluate(cs.predict(fitted, image, device="cpu"), marks)
    value = {row["measure"]: row["value"] for row in rows if row["class"] == "all"}
    assert fitted.history[-1]["loss"] < 0.6 * fitted.history[0]["loss"]
    assert value["detection F1"] > 0.6
    assert 0 < fitted.facts["thresholds"]["4"] < 1


def test_many_tiles_find_what_one_large_tile_finds(fitted: cs.Model) -> None:
    image, _ = scene(51, 224)
    one, many = (cs.predict(fitted, image, device="cpu", tile=side, threshold=0.5) for side in (512, 96))
    assert len(many) == pytest.approx(len(one), rel=0.05)
    assert len(one) > 40


def test_a_turned_image_gives_the_turned_result(fitted: cs.Model) -> None:
    """Four views of an image and of the turned image are the same four: even at odd sizes hardly anything changes."""
    image, _ = scene(52, 97)
    plain, turned = (cs.predict(fitted, array, device="cpu") for array in (image, np.rot90(image, axes=(1, 2)).copy()))
    assert abs(len(plain) - len(turned)) <= 1
    np.testing.assert_allclose(np.median(plain.score), np.median(turned.score), atol=0.1)


def test_regions_are_outlined_and_named() -> None:
    model = cs.fit("section", fields(2), {**TINY, "target": "regions"}, run=Run(device="cpu"))
    found = cs.predict(model, scene(3)[0], device="cpu", threshold=0.1, least_share=0.0)
    assert isinstance(found, Detections)
    assert found.outlines is not None
    assert set(found.columns) == {"share", "pieces", "area_px", "vote_bright", "vote_dim"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"classes": "bright"}, "'dim' is marked, which is none of the classes bright"),
        ({"start": "imagenet"}, "network of width=64"),
        ({"anchors": [3, 4]}, "four sides"),
    ],
)
def test_what_cannot_be_fitted_is_said(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        cs.fit("section", fields(1), {**TINY, **settings})


def test_boxes_are_no_regions() -> None:
    image, marks = scene(0)
    with pytest.raises(InputError, match="marked by boxes, but regions are learned from outlines"):
        cs.fit("section", MarkedArrays([image], [Marks(marks.boxes, marks.names)]), {**TINY, "target": "regions"})


def test_the_testis_lists_are_known_by_name() -> None:
    assert Config(classes="testis", target="regions").listed == ("I-V", "VI-VIII", "IX", "X-XI", "XII")
    assert len(Config(classes="testis").listed) == 9


@pytest.fixture
def section(tmp_path: Path, fitted: cs.Model) -> tuple[Path, Path]:
    """A model folder and an image of several tiles."""
    image, _ = scene(60, 160)
    tifffile.imwrite(tmp_path / "section.tif", image[0], resolution=(20000, 20000), resolutionunit="CENTIMETER")
    return fitted.save(tmp_path / "model"), tmp_path / "section.tif"


def test_killed_work_goes_on_without_repeating_tiles(
    section: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, image = section
    calls: list[Region] = []
    find: Callable[..., Any] = Finder.find

    def counted(self: Finder, source: Any, index: int, tile: Any, view: Any) -> Any:
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append(tile.core)
        return find(self, source, index, tile, view)

    command = ["predict", str(model), str(image), "--out", str(tmp_path / "found"), "--device", "cpu"]
    command += ["--set", "tile=64", "--rotations", "1", "--no-overlay"]
    monkeypatch.setattr(Finder, "find", counted)
    with pytest.raises(KeyboardInterrupt):
        predict_to_file(model, image, tmp_path / "found", options={"tile": 64, "overlay": False, "rotations": 1})
    done = len(list((tmp_path / "found.predicting" / "blocks").rglob("*.npz")))
    assert 1 <= done <= 3
    calls.clear()
    monkeypatch.setattr(Finder, "find", lambda *given: (calls.append(given[3].core), find(*given))[1])
    assert main([*command, "--resume"]) == 0
    assert len(calls) == 9 - done
    whole = cs.results.opened(tmp_path / "found")[1].detections(0)
    straight = found_in(Finder(cs.load(model), device="cpu", tile=64, rotations=1), open_fields(image), 0)
    np.testing.assert_array_equal(whole.boxes, straight.boxes)


def test_cells_are_assigned_to_drawn_regions_and_damage_is_left_out(section: tuple[Path, Path], tmp_path: Path) -> None:
    model, image = section
    ring = [[0, 0], [96, 0], [96, 160], [0, 160], [0, 0]]
    feature = '{"type": "Feature", "properties": {"classification": {"name": "%s"}}, "geometry": %s}'
    shape = '{"type": "Polygon", "coordinates": [%s]}'
    (tmp_path / "left.geojson").write_text('{"features": [' + feature % ("IX", shape % ring) + "]}")
    damaged = [[0, 0], [160, 0], [160, 48], [0, 48], [0, 0]]
    (tmp_path / "damage.geojson").write_text('{"features": [' + feature % ("x", shape % damaged) + "]}")
    command = ["predict", str(model), str(image), "--out", str(tmp_path / "found"), "--device", "cpu", "--no-overlay"]
    assert (
        main([*command, "--regions", str(tmp_path / "left.geojson"), "--exclude", str(tmp_path / "damage.geojson")])
        == 0
    )
    found = cs.results.opened(tmp_path / "found")[1].detections(0)
    assert found.centres[:, 1].min() >= 48
    assert np.array_equal(found.columns["region"] == 1, found.centres[:, 0] < 96)
    table = cs.read.read_table(tmp_path / "found" / "composition.csv")
    inside = (table["region"] == "IX").nonzero()[0]
    assert table["count"][inside].sum() == (found.columns["region"] == 1).sum()
    assert table["area_mm2"][inside[0]] == pytest.approx(96 * (160 - 48) * 0.25e-6, rel=1e-3)
    assert (tmp_path / "found" / "section.geojson").is_file()


def test_tiles_are_as_small_as_the_memory_asks_for(
    section: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[int] = []
    seen: list[int] = []
    tiles: Callable[..., Any] = Finder.tiles
    monkeypatch.setattr(Finder, "tiles", lambda *given: (seen.append(given[0].tile), tiles(*given))[1])
    monkeypatch.setattr("coverslip.work.memory._fixed", lambda: 800 << 20)
    command = ["predict", *map(str, section), "--device", "cpu", "--no-overlay"]
    assert main([*command, "--out", str(tmp_path / "some"), "--set", "tile=1024", "--max-ram", "1.4GB"]) == 0
    assert set(seen) == {512}
    assert main([*command, "--out", str(tmp_path / "none"), "--max-ram", "900MB"]) == 2
    assert "0.9 GB of memory are too little for this model" in capsys.readouterr().err


def test_the_side_of_boxes_around_points_may_be_a_number() -> None:
    assert (Config(point_box=20).point_box, Config(point_box="8um").point_box) == ("20", "8um")  # type: ignore[arg-type]


def test_large_tiles_have_room_for_more_cells() -> None:
    model = build(Config(width=8, pyramid=8, head=16), 1, 2, (8, 16, 32, 64)).eval()
    most = []
    for side in (64, 512):
        with torch.no_grad():
            model(torch.zeros(1, 1, side, side))
        most.append((model.rpn.post_nms_top_n(), model.roi_heads.detections_per_img))
    assert most == [(600, 600), (1024, 1024)]
