"""What is packed for a page adds up to the image again, and says of objects and regions what is known of them."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
import pytest

from coverslip.core.decomposition import Decomposition
from coverslip.measure import unexplained_regions
from coverslip.results.decomposition.replays import draw_replay, pack, shown_part

from .boxes import HEIGHT, WIDTH, decomposition, replay


def unpacked(text: str) -> np.ndarray:
    differences = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    return np.cumsum(differences, dtype=np.uint8)


def crops_of(data: dict[str, Any]) -> list[np.ndarray]:
    """The generated crops that a page holds, in units of its pictures, NaN outside the masks."""
    shapes = list(zip(data["objects"]["height"], data["objects"]["width"], strict=True))
    parts = np.split(unpacked(data["crops"]), np.cumsum([h * w for h, w in shapes])[:-1])
    values = [np.where(part, (part - 1.0) * data["crop_step"] + data["crop_low"], np.nan) for part in parts]
    return [value.reshape(shape) for value, shape in zip(values, shapes, strict=True)]


def test_bytes_come_back_as_they_were() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (7, 9), dtype=np.uint8)
    assert (unpacked(pack(picture)).reshape(7, 9) == picture).all()
    assert unpacked(pack(np.zeros(0, np.uint8))).size == 0


def test_the_pictures_of_a_page_add_up_to_the_image() -> None:
    result, error = decomposition()
    data = dict(replay().data)
    scale = 255 / (data["high"] - data["low"])
    image, internal = (unpacked(data[name]).reshape(HEIGHT, WIDTH).astype(float) for name in ("image", "background"))
    for crop, place in zip(crops_of(data), result.places(), strict=True):
        internal[place] += np.nan_to_num(crop)
    shown = (result.internal + error - data["low"]) * scale
    np.testing.assert_allclose(image, np.clip(shown, 0, 255), atol=0.51)
    explained = np.maximum((result.background - data["low"]) * scale, 0)
    explained += (result.internal - result.background) * scale
    # The background is rounded to whole bytes, and so are two crops where objects overlap.
    np.testing.assert_allclose(internal, explained, atol=2)


def test_a_mask_is_where_its_crop_is_not_nothing() -> None:
    result, _ = decomposition()
    for crop, mask in zip(crops_of(dict(replay().data)), result.masks, strict=True):
        assert (np.isfinite(crop) == mask).all()


def test_objects_keep_their_facts_and_their_share_of_what_there_was_to_explain() -> None:
    objects = replay(right=np.array([1, 3])).data["objects"]
    assert objects["number"] == [1, 2, 3]
    assert objects["step"] == [1, 1, 2]
    assert (objects["top"], objects["left"], objects["area"]) == ([8, 16, 36], [10, 18, 50], [167, 168, 200])
    assert objects["right"] == [True, False, True]
    first = 10 * HEIGHT * WIDTH  # a loss of 6 is what 40 % explained leave of it
    assert objects["share"] == pytest.approx([15_000 / first, 5_000 / first, 10_000 / first])
    assert replay().data["rounds"]["first_loss"] == pytest.approx(10)
    assert "right" not in replay().data["objects"]


def test_objects_come_in_the_order_of_their_rounds_whatever_their_numbers() -> None:
    result, error = decomposition()
    result.objects["pass"][:] = [1, 0, 0]
    shown = draw_replay(result, error, unexplained_regions(error), name="a")
    assert shown.data["objects"]["number"] == [2, 3, 1]
    assert [crop.shape for crop in crops_of(dict(shown.data))] == [(12, 14), (10, 20), (12, 14)]


def test_what_was_forgotten_is_listed_with_its_share() -> None:
    _, error = decomposition()
    regions = replay().data["regions"]
    assert len(regions["sum"]) == 1
    assert regions["y_px"] == pytest.approx([44.5], abs=0.5)
    assert regions["sum"] == pytest.approx([10 * 14 * 40], rel=0.03)
    assert regions["share"] == pytest.approx([regions["sum"][0] / np.abs(error).sum()])


def test_of_a_large_image_the_part_with_most_left_is_shown_at_full_resolution() -> None:
    small, _ = decomposition()
    wide = np.zeros((900, 1600), np.float32)
    result = Decomposition(
        "a.tif",
        np.pad(small.labels, [(0, 840), (0, 1520)]),
        {**small.objects, "top_px": small.objects["top_px"] + [0, 0, 800], "y_px": small.objects["y_px"] + [0, 0, 800]},
        small.masks,
        small.pixels,
        wide + 20,
        small.rounds,
    )
    wide[850:870, 700:730] = 50  # near the third object
    wide[100:140, 1500:1540] = 90  # more, but far from any object
    regions = unexplained_regions(wide, smooth=0)
    part = shown_part(result, regions)
    assert (part.height, part.width) == (720, 720)
    assert part.y <= 850
    assert part.stop_y >= 870
    assert part.x <= 50
    assert part.stop_x >= 730 - 30
    data = draw_replay(result, wide, regions, name="a").data
    assert (data["top"], data["left"], data["height"], data["width"]) == (part.y, part.x, 720, 720)
    assert data["whole"] == [900, 1600]
    assert data["regions_outside"] == 1
    assert data["objects_in_all"] == 3
    assert 3 in data["objects"]["number"]


def test_an_image_without_an_object_is_its_background() -> None:
    result, error = decomposition()
    empty = Decomposition(
        "a.tif",
        np.zeros_like(result.labels),
        {name: column[:0] for name, column in result.objects.items()},
        (),
        (),
        result.background,
        {name: column[:0] for name, column in result.rounds.items()},
    )
    data = draw_replay(empty, error, unexplained_regions(error), name="a").data
    assert data["objects"]["number"] == []
    assert data["rounds"]["first_loss"] is None
    assert unpacked(data["crops"]).size == 0
    assert unpacked(data["background"]).size == HEIGHT * WIDTH
