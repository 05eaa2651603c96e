"""Tiles: fields cut into files that together are the field again, with one block held out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coverslip.core.errors import InputError
from coverslip.core.image import PixelSize
from coverslip.read import open_image, read_labels, write_image_tiff, write_labels
from coverslip.samples import Sheet, open_fields, read_sheet, tile_sheet, write_sheet
from coverslip.samples.cutting.tile_fields import _regions

SIZE = (70, 101)


@pytest.fixture
def sheet(tmp_path: Path) -> Sheet:
    """One field of three focal planes with a mask and a paired image."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 60_000, (3, *SIZE)).astype(np.uint16)
    write_image_tiff(pixels, tmp_path / "light.tif", axes="ZYX", pixel_size=PixelSize(0.5, 0.5))
    write_image_tiff(rng.integers(0, 255, SIZE).astype(np.uint8), tmp_path / "dna.tif", axes="YX")
    labels = np.arange(1, SIZE[0] * SIZE[1] + 1, dtype=np.uint16).reshape(SIZE)
    write_labels(labels, tmp_path / "light.labels.tif")
    row = {"image": "light.tif", "mask": "light.labels.tif", "source": "dna.tif", "group": "A549"}
    return write_sheet(Sheet(tmp_path, tuple(row), [row]), tmp_path / "fields.csv")


def together(tiles: Sheet, column: str, lines: tuple[int, int]) -> np.ndarray:
    """The field that tiles were cut from, put together again."""
    rows = lines[0] * lines[1]
    read = [
        read_labels(tiles.file(i, column) or "").labels
        if column == "mask"
        else open_image(tiles.file(i, column) or "").read()
        for i in range(rows)
    ]
    return np.concatenate([np.concatenate(read[i : i + lines[1]], axis=-1) for i in range(0, rows, lines[1])], axis=-2)


def test_tiles_together_are_the_field(sheet: Sheet, tmp_path: Path) -> None:
    tiles = tile_sheet(sheet, tmp_path / "tiles", (2, 3), val=0)
    assert len(tiles) == 6
    assert "split" not in tiles.columns
    for column in ("image", "source"):
        np.testing.assert_array_equal(
            together(tiles, column, (2, 3)), open_image(sheet.file(0, column) or "").read(), err_msg=column
        )
    np.testing.assert_array_equal(together(tiles, "mask", (2, 3)), read_labels(sheet.file(0, "mask") or "").labels)
    first = open_image(tiles.file(0) or "")
    assert (first.axes, first.dtype, first.pixel_size) == ("ZYX", np.uint16, PixelSize(0.5, 0.5))


def test_every_tile_says_where_it_is_from(sheet: Sheet, tmp_path: Path) -> None:
    tiles = tile_sheet(sheet, tmp_path / "tiles", (2, 2), gap=5)
    assert read_sheet(tmp_path / "tiles").rows == tiles.rows
    row = tiles.rows[3]
    assert (row["image"], row["tile_y_px"], row["tile_x_px"]) == ("light_r1c1.tif", "35", "50")
    assert (row["source_image"], row["source_mask"]) == ("../light.tif", "../light.labels.tif")
    assert row["group"] == "A549"
    noted = json.loads((tmp_path / "tiles" / "provenance.json").read_text())
    assert noted["settings"] == {"grid": [2, 2], "val": 0.25, "gap": 5}


def test_one_block_is_held_out_and_a_gap_lies_before_it(sheet: Sheet, tmp_path: Path) -> None:
    tiles = tile_sheet(sheet, tmp_path / "tiles", (2, 4), val=0.25, gap=6)
    assert tiles.column("split") == ["train", "train", "train", "val"] * 2
    fields = open_fields(tiles)
    assert [fields.size(i)[1] for i in range(4)] == [25, 25, 20, 25]  # 101 / 4, and 6 off the third
    assert fields.count == 3


def test_a_split_of_the_sheet_is_kept(sheet: Sheet, tmp_path: Path) -> None:
    tiles = tile_sheet(sheet.with_column("split", ["test"]), tmp_path / "tiles", (1, 2))
    assert tiles.column("split") == ["test", "test"]
    assert [open_fields(tiles).size(i)[1] for i in range(2)] == [50, 51]


def test_tiles_are_replaced_only_when_asked_and_what_they_are_cut_from_never(sheet: Sheet, tmp_path: Path) -> None:
    tile_sheet(sheet, tmp_path / "tiles", (1, 2))
    assert len(tile_sheet(sheet, tmp_path / "tiles", (2, 2), overwrite=True)) == 4
    tiles = read_sheet(tmp_path / "tiles")
    with pytest.raises(InputError, match=r"tiles holds .*light_r0c0\.tif itself, so it is not replaced"):
        tile_sheet(tiles, tmp_path / "tiles", (1, 2), overwrite=True)
    with pytest.raises(InputError, match="holds other things than tiles"):
        tile_sheet(tiles, tmp_path, (1, 2), overwrite=True)
    assert (tmp_path / "light.tif").exists()


def test_layers_of_a_field_are_not_taken_for_those_of_a_tile(sheet: Sheet, tmp_path: Path) -> None:
    row = tile_sheet(sheet.with_column("layers", ["light.layers.tif"]), tmp_path / "tiles", (1, 2)).rows[0]
    assert "layers" not in row
    assert row["source_layers"] == "../light.layers.tif"


def test_other_paths_of_a_row_are_as_seen_from_the_tiles(sheet: Sheet, tmp_path: Path) -> None:
    row = tile_sheet(sheet.with_column("annotation", ["light.geojson"]), tmp_path / "tiles", (1, 2)).rows[0]
    assert row["annotation"] == "../light.geojson"


@given(
    st.integers(40, 300),
    st.integers(40, 300),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(0, 3),
    st.integers(0, 9),
)
def test_training_tiles_and_held_out_ones_never_share_a_pixel(
    height: int, width: int, rows: int, columns: int, held: int, gap: int
) -> None:
    lines = rows if columns == 1 else columns
    held = min(held, lines - 1)
    seen = np.zeros((height, width), int)
    part_of = np.full((height, width), "", dtype=object)
    for _, _, region, part in _regions((height, width), (rows, columns), held, gap):
        window = np.s_[region.y : region.stop_y, region.x : region.stop_x]
        seen[window] += 1
        part_of[window] = part
    assert seen.max() == 1
    lost = (seen == 0).sum()
    assert lost == (gap * (width if columns == 1 else height) if held else 0)
    if held:
        train, val = np.argwhere(part_of == "train"), np.argwhere(part_of == "val")
        axis = 0 if columns == 1 else 1
        assert val[:, axis].min() - train[:, axis].max() == gap + 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"grid": (1, 1)}, "cuts nothing"),
        ({"grid": (2, 2), "val": 1.0}, "from 0 to below 1"),
        ({"grid": (2, 2), "val": 0.9}, "leaves none to train on"),
        ({"grid": (2, 2), "gap": -1}, "gap of -1"),
        ({"grid": (10, 10)}, "row 2: a field of 70 x 101 pixels makes tiles of 7 x 10"),
    ],
)
def test_grids_that_cannot_be_cut_are_refused(
    sheet: Sheet, tmp_path: Path, options: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        tile_sheet(sheet, tmp_path / "tiles", **{"val": 0.25, **options})  # type: ignore[arg-type]
    assert not (tmp_path / "tiles").exists()


def test_a_mask_of_another_size_names_its_row(sheet: Sheet, tmp_path: Path) -> None:
    write_labels(np.ones((9, 9), np.uint8), sheet.folder / "light.labels.tif")
    with pytest.raises(InputError, match=r"row 2.*9 x 9 pixels"):
        tile_sheet(sheet, tmp_path / "tiles", (2, 2))
