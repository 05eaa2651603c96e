"""Measures of detections against tables worked out by hand, and against pycocotools itself."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace

import numpy as np
import pytest

from coverslip.core import Detections, Marks, PixelSize, Region
from coverslip.measure.detections import precision
from coverslip.measure.detections.agreement import pixel_measures, pixel_table, staged, steps_apart
from coverslip.measure.detections.counts import compared, rates
from coverslip.measure.detections.evaluate import evaluate_detections
from coverslip.measure.detections.markers import expression, levels, otsu, positive
from coverslip.measure.detections.places import area_of, areas_of, composition, in_regions, outside, region_table
from coverslip.measure.detections.precision import average_precision

CLASSES = ("A", "B")


def found(rows: list[tuple[float, ...]], **more: object) -> Detections:
    table = np.array(rows, float).reshape(-1, 6)
    return Detections(CLASSES, table[:, :4], table[:, 4].astype(int), table[:, 5], "x.png", (100, 100), **more)  # type: ignore[arg-type]


def marks(rows: list[tuple[float, ...]]) -> Marks:
    table = np.array(rows, float).reshape(-1, 5)
    return Marks(table[:, :4], np.array([CLASSES[int(code)] for code in table[:, 4]], object))


TRUE = marks([(0, 0, 10, 10, 0), (20, 0, 30, 10, 0), (40, 0, 50, 10, 1), (60, 0, 70, 10, 1)])
SEEN = found([(0, 0, 10, 10, 0, 0.9), (20, 0, 30, 10, 1, 0.8), (40, 0, 50, 12, 1, 0.7), (80, 0, 90, 10, 0, 0.6)])


def test_right_spurious_and_missed_are_counted_by_class() -> None:
    one = compared(SEEN, TRUE, CLASSES)
    assert (one.right.tolist(), one.spurious.tolist(), one.missed.tolist()) == ([1, 1], [1, 1], [1, 1])
    assert one.there.tolist() == [3, 1, 1]  # whatever they are called
    assert one.confusion.tolist() == [[1, 1, 0], [0, 1, 1], [1, 0, 0]]
    precision, sensitivity, f1 = rates(one.right, one.spurious, one.missed)
    assert (precision.tolist(), sensitivity.tolist(), f1.tolist()) == ([0.5, 0.5],) * 3


def test_points_are_matched_within_a_radius_nearest_first() -> None:
    points = marks([(5, 5, 5, 5, 0), (14, 5, 14, 5, 0)])
    one = compared(found([(6, 0, 16, 10, 0, 0.9)]), points, CLASSES, radius=7)
    assert one.right.tolist() == [1, 0]
    assert one.missed.tolist() == [1, 0]
    assert compared(found([(6, 0, 16, 10, 0, 0.9)]), points, CLASSES, radius=2).right.tolist() == [0, 0]


def test_average_precision_is_that_of_pycocotools_and_of_hand() -> None:
    precision = average_precision([SEEN], [TRUE], CLASSES, np.array([0]))
    # A: a hit at .9, a miss at .6, half found: 51 of 101 points at 1. B: a miss at .8, a hit at .7: 51 points at 1/2.
    np.testing.assert_allclose(precision.value[:, 0], [51 / 101, 51 / 2 / 101])
    assert precision.value[1, 9] == 0  # 100 of 120 pixels are no .95


def test_many_objects_and_images_agree_with_pycocotools() -> None:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    rng = np.random.default_rng(0)
    images, truths = [], []
    for _ in range(4):
        corner = rng.uniform(0, 80, (30, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(8, 20, (30, 2))], axis=1)
        codes = rng.integers(2, size=30)
        truths.append(Marks(boxes, np.array(CLASSES, object)[codes]))
        moved = boxes[:25] + rng.normal(0, 1.5, (25, 4))
        images.append(found([(*box, code, rng.random()) for box, code in zip(moved, codes, strict=False)]))
    ours = average_precision(images, truths, CLASSES, np.arange(4))
    rows = [
        {"image_id": i + 1, "category_id": int(c) + 1, "bbox": [*b[:2], *(b[2:] - b[:2])], "score": float(s)}
        for i, one in enumerate(images)
        for b, c, s in zip(one.boxes, one.codes, one.score, strict=True)
    ]
    annotations = [
        (i + 1, CLASSES.index(n) + 1, [*b[:2], *(b[2:] - b[:2])])
        for i, t in enumerate(truths)
        for b, n in zip(t.boxes, t.names, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": i + 1} for i in range(4)],
            "categories": [{"id": 1}, {"id": 2}],
            "annotations": [
                {"id": k, "image_id": i, "category_id": c, "bbox": b, "area": b[2] * b[3], "iscrowd": 0}
                for k, (i, c, b) in enumerate(annotations, 1)
            ],
        }
        truth.createIndex()
        reference = COCOeval(truth, truth.loadRes(rows), "bbox")
        reference.evaluate()
        reference.accumulate()
        reference.summarize()
    np.testing.assert_allclose(ours.value.mean(), reference.stats[0], atol=1e-9)
    np.testing.assert_allclose(ours.value[:, 0].mean(), reference.stats[1], atol=1e-9)
    again = ours.resampled[:, :, 0].mean(axis=1)
    assert again.min() < ours.value[:, 0].mean() < again.max()


def test_an_image_of_many_objects_is_matched_in_parts_as_it_is_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    corner, side = rng.uniform(0, 400, (300, 2)), rng.uniform(8, 25, (300, 2))
    boxes = np.concatenate([corner, corner + side], axis=1)
    moved = boxes + rng.normal(0, 1.5, boxes.shape)
    true = marks([(*box, k % 2) for k, box in enumerate(boxes.tolist())])
    seen = found(
        [(*box, k % 2, score) for k, (box, score) in enumerate(zip(moved.tolist(), rng.random(300), strict=True))]
    )
    whole, parts = (
        average_precision([seen], [true], CLASSES, np.zeros(1, int)).value
        for _ in (monkeypatch.setattr(precision, "_AT_ONCE", n) for n in (10_000, 20))
    )
    np.testing.assert_array_equal(whole, parts)
    assert 0.2 < whole[0, 0] < 1


def test_the_table_has_every_measure_with_an_interval() -> None:
    rows, sums = evaluate_detections([SEEN, SEEN], [TRUE, TRUE], CLASSES, np.arange(2))
    value = {(row["class"], row["measure"]): row["value"] for row in rows}
    assert value["all", "detection F1"] == 0.75
    assert value["all", "macro F1"] == 0.5
    np.testing.assert_allclose(value["all", "mean AP50"], 51 * 1.5 / 101 / 2)
    assert {m for c, m in value if c == "A"} == {"AP50", "AP75", "AP", "precision", "sensitivity", "F1"}
    assert sums.confusion.sum() == 10


def square(x: float, y: float, side: float) -> tuple[np.ndarray, ...]:
    return (np.array([[x, y], [x + side, y], [x + side, y + side], [x, y + side]], float),)


REGIONS = found([(0, 0, 40, 40, 0, 0.9), (50, 0, 90, 40, -1, 0.8)], outlines=(square(0, 0, 40), square(50, 0, 40)))


def test_a_class_that_is_nowhere_true_has_no_average_precision_and_warns_of_nothing() -> None:
    only = marks([(0, 0, 10, 10, 0)])
    rows, _ = evaluate_detections([SEEN, SEEN], [only, only], CLASSES, np.arange(2))
    of = {(row["class"], row["measure"]): row for row in rows}
    assert np.isnan([of["B", "AP50"][name] for name in ("value", "low", "high")]).all()
    assert (of["A", "AP50"]["value"], of["all", "mean AP50"]["value"]) == (1, 1)


def test_cells_are_counted_by_the_region_they_lie_in() -> None:
    cells = in_regions(SEEN, REGIONS)
    assert cells.columns["region"].tolist() == [1, 1, 0, 2]
    rows = {(row["region"], row["class"]): row["count"] for row in composition(cells)}
    assert (rows["A", "A"], rows["A", "B"], rows["not staged", "A"], rows["outside", "B"]) == (1, 1, 1, 1)
    assert rows["all", "A"] == 2
    table = region_table(cells)
    assert table["cells_A"].tolist() == [1, 1]
    assert table["class"].tolist() == ["A", "not staged"]
    assert outside(SEEN, [square(0, 0, 15)]).tolist() == [False, True, True, True]


def test_holes_are_no_area() -> None:
    (outer,), (inner,) = square(0, 0, 10), square(2, 2, 4)
    assert area_of((outer, inner)) == 84


def test_areas_that_are_left_out_count_once_and_nothing_counts_beyond_the_image() -> None:
    left_out = (square(20, 0, 20), square(30, 0, 20), square(-10, 90, 20))
    cells = in_regions(replace(SEEN, excluded=left_out, pixel_size=PixelSize(10, 10)), REGIONS)
    assert areas_of([square(0, 0, 40), square(90, 90, 20)], (100, 100)).tolist() == pytest.approx([1600, 100], rel=0.01)
    assert region_table(cells)["area_px"] == pytest.approx([1600 - 400, 1600], rel=0.01)
    rows = {(row["region"], row["class"]): row for row in composition(cells)}
    assert rows["all", "A"]["area_mm2"] == pytest.approx((10_000 - 600 - 100) * 1e-4, rel=0.005)
    assert rows["A", "A"]["per_mm2"] == pytest.approx(1 / 0.12, rel=0.01)


def test_stages_follow_each_other_in_a_circle() -> None:
    assert steps_apart(np.array([0, 0, 4]), np.array([4, 2, 0]), 5).tolist() == [1, 2, 1]
    assert steps_apart(np.array([0, 4]), np.array([4, 0]), 5, circular=False).tolist() == [4, 4]
    truth = Marks(REGIONS.boxes, np.array(["A", "B"], object), REGIONS.outlines)
    one = staged(REGIONS, truth, CLASSES)
    assert (one.true.tolist(), one.found.tolist(), one.missed, one.spurious) == ([0, 1], [0, -1], 0, 0)


def test_pixels_are_measured_as_long_et_al_do() -> None:
    truth = Marks(REGIONS.boxes, np.array(["A", "B"], object), REGIONS.outlines)
    table = pixel_table(REGIONS, truth, CLASSES)
    assert table.tolist() == [[10_000 - 3_200, 0, 0], [0, 1_600, 0], [1_600, 0, 0]]  # not staged is as if outside
    values = pixel_measures(table)
    assert values["pixel accuracy"] == pytest.approx(0.84)
    assert values["mean accuracy"] == pytest.approx(2 / 3)
    assert values["mean IoU"] == pytest.approx((6800 / 8400 + 1 + 0) / 3)
    assert values["frequency-weighted IoU"] == pytest.approx((0.68 * 6800 / 8400) + 0.16)


def test_a_cell_is_positive_by_its_mean_and_by_most_of_its_pixels() -> None:
    even, spot = np.full(100, 11.0), np.r_[np.full(40, 60.0), np.zeros(60)]
    assert positive(even, 10)
    assert not positive(even, 11)
    assert spot.mean() > 10
    assert not positive(spot, 10)  # bright in 40 % of its pixels only
    assert positive(np.r_[np.full(65, 20.0), np.zeros(35)], 10)


def test_the_pixels_of_a_cell_are_those_of_its_ellipse_or_its_box() -> None:
    image = np.zeros((2100, 100))
    image[1990:2010, 20:40] = 7
    cells = found([(20, 1990, 40, 2010, 0, 0.9), (60, 5, 70, 15, 1, 0.9)])
    cells = Detections(CLASSES, cells.boxes, cells.codes, cells.score, "x.png", (2100, 100))

    def read(region: Region) -> np.ndarray:
        assert region.height < 200  # never the whole
        return image[region.slices]

    boxes = dict(levels(cells, read, "box"))
    ellipses = dict(levels(cells, read))
    assert {i: (len(v), v.mean()) for i, v in boxes.items()} == {0: (400, 7), 1: (100, 0)}
    assert len(ellipses[0]) == pytest.approx(np.pi * 100, rel=0.03)
    assert 0 < otsu(np.array([v.mean() for v in boxes.values()])) < 7


def test_expression_is_a_percentage_by_class_and_region() -> None:
    cells = in_regions(SEEN, REGIONS).with_columns(positive_SOX9=np.array([True, False, True, True]))
    rows = {(row["region"], row["class"]): (row["cells"], row["positive"]) for row in expression(cells, "SOX9")}
    assert rows["A", "A"] == (1, 1)
    assert rows["A", "B"] == (1, 0)
    assert rows["all", "A"] == (2, 2)
