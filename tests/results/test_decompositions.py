"""Decompositions on disk: what was written is read back, whatever overlaps; what does not fit together is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from coverslip.core.decomposition import COLUMNS, ROUND_COLUMNS, Decomposition
from coverslip.core.errors import InputError
from coverslip.core.image import PixelSize
from coverslip.core.region import Region
from coverslip.measure import object_table
from coverslip.read import (
    LabelFolder,
    open_image,
    read_decomposition,
    read_label_folder,
    read_table,
    write_decomposition_folder,
    write_image_tiff,
    write_label_folder,
    write_table,
)
from coverslip.results.decomposition.folder import holds_decompositions
from coverslip.results.decomposition.prediction import measured
from coverslip.results.decomposition.writer import write_decomposition
from coverslip.samples import read_sheet

from .overlaps import DISCS, decomposition_of_discs

MICROMETRES = PixelSize(0.5, 0.25)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The decompositions of two images of different sizes, the second without an object."""
    found = [
        decomposition_of_discs(source=str(tmp_path / "a.tif"), pixel_size=MICROMETRES),
        decomposition_of_discs([], (9, 11), str(tmp_path / "b.tif")),
    ]
    for name, (_, image) in zip("ab", found, strict=True):
        write_image_tiff(image, tmp_path / f"{name}.tif")
    rows = [{"image": "a.tif", "mask": "a.png", "day": "3"}, {"image": "b.tif", "mask": "", "day": "4"}]
    write_decomposition_folder(found, tmp_path / "result", rows, tmp_path, provenance={"seed": 5})
    return tmp_path / "result"


def assert_same_decomposition(one: Decomposition, other: Decomposition) -> None:
    """Assert that all arrays and the columns that every table has are equal."""
    for table, again, columns in ((one.objects, other.objects, COLUMNS), (one.rounds, other.rounds, ROUND_COLUMNS)):
        for name in columns:
            np.testing.assert_array_equal(table[name], again[name], err_msg=name)
    for arrays, others in ((one.masks, other.masks), (one.pixels, other.pixels)):
        assert len(arrays) == len(others)
        for array, back in zip(arrays, others, strict=True):
            assert array.dtype == back.dtype
            np.testing.assert_array_equal(array, back)
    for name in ("labels", "background", "internal"):
        assert getattr(one, name).dtype == getattr(other, name).dtype
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert (one.source, one.pixel_size) == (other.source, other.pixel_size)


def test_what_was_written_is_read_back(folder: Path, tmp_path: Path) -> None:
    expected, _ = decomposition_of_discs(source=str(tmp_path / "a.tif"), pixel_size=MICROMETRES)
    found = read_decomposition(folder)
    assert_same_decomposition(found, expected)
    assert list(found.objects)[: len(COLUMNS)] == list(COLUMNS)
    assert found.objects["layer"].tolist() == [0, 1, 0, 0]
    assert found.provenance == {"seed": 5}


def test_an_image_without_objects_is_read_back(folder: Path, tmp_path: Path) -> None:
    expected, _ = decomposition_of_discs([], (9, 11), str(tmp_path / "b.tif"))
    found = read_decomposition(read_label_folder(folder), 1)
    assert len(found) == 0
    assert_same_decomposition(found, expected)
    assert found.layers()[0].shape == (1, 9, 11)


def test_a_decomposition_that_was_read_can_be_written(folder: Path, tmp_path: Path) -> None:
    found = read_decomposition(folder)
    image = open_image(tmp_path / "a.tif").read()
    write_decomposition_folder([(found, image)], tmp_path / "again", [{"image": "a.tif"}], tmp_path)
    assert_same_decomposition(read_decomposition(tmp_path / "again"), found)


random_discs = st.lists(st.tuples(st.integers(0, 19), st.integers(0, 23), st.integers(0, 9)), max_size=9)


@given(random_discs)
def test_each_object_lies_in_the_first_layer_that_has_room(discs: list[tuple[int, int, int]]) -> None:
    decomposition, _ = decomposition_of_discs(discs, (20, 24))
    drawn: list[np.ndarray] = []
    for place, mask, layer in zip(decomposition.places(), decomposition.masks, decomposition.layer_of, strict=True):
        room = [not one[place][mask].any() for one in drawn]
        assert layer == (room.index(True) if True in room else len(drawn))
        if layer == len(drawn):
            drawn.append(np.zeros((20, 24), bool))
        drawn[layer][place] |= mask


@given(random_discs, st.integers(0, 19), st.integers(0, 23), st.data())
def test_a_region_is_drawn_as_in_the_whole(
    discs: list[tuple[int, int, int]], y: int, x: int, data: st.DataObject
) -> None:
    decomposition, _ = decomposition_of_discs(discs, (20, 24))
    region = Region(y, x, data.draw(st.integers(1, 20 - y)), data.draw(st.integers(1, 24 - x)))
    part = slice(y, region.stop_y), slice(x, region.stop_x)
    np.testing.assert_array_equal(decomposition.explained(region), decomposition.internal[part])
    for number, (labels, pixels) in enumerate(zip(*decomposition.layers(), strict=True)):
        for found, whole in zip(decomposition.layer(number, region), (labels, pixels), strict=True):
            np.testing.assert_array_equal(found, whole[part])


def test_a_large_image_is_written_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decomposition, image = decomposition_of_discs(size=(600, 700))
    asked: list[Region] = []

    def read(region: Region) -> np.ndarray:
        asked.append(region)
        return image[region.slices]

    write_decomposition(decomposition, image, tmp_path, "whole")
    monkeypatch.setattr("coverslip.io.writing.tiff._PLANE_BYTES", 0)
    write_decomposition(decomposition, read, tmp_path, "parts")
    assert max(region.height for region in asked) <= 512
    for column in ("layers", "generated", "background", "internal", "error"):
        whole, parts = (open_image(tmp_path / f"{name}.{column}.tif").read() for name in ("whole", "parts"))
        np.testing.assert_array_equal(whole, parts)


def test_objects_are_measured_whole_in_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    decomposition, image = decomposition_of_discs()

    def read(region: Region) -> np.ndarray:
        return image[None, region.y : region.stop_y, region.x : region.stop_x]

    whole = measured(decomposition, read, ())
    monkeypatch.setattr("coverslip.results.decomposition.prediction._AT_ONCE", 16)
    parts = measured(decomposition, read, ())
    order, again = (np.argsort(table["label"]) for table in (whole, parts))
    assert whole["label"][order].tolist() == [1, 2, 3, 4]
    assert whole["area_px"][order].tolist() == [mask.sum() for mask in decomposition.masks]
    for name in whole:
        np.testing.assert_allclose(whole[name][order], parts[name][again], rtol=1e-9, err_msg=name)


@settings(max_examples=25)
@given(discs=random_discs)
def test_whatever_overlaps_is_kept(tmp_path_factory: pytest.TempPathFactory, discs: list[tuple[int, int, int]]) -> None:
    folder = tmp_path_factory.mktemp("discs")
    decomposition, image = decomposition_of_discs(discs, (20, 24), "discs")
    write_decomposition_folder([(decomposition, image)], folder / "out", [{"image": "discs.tif"}], folder)
    assert_same_decomposition(read_decomposition(folder / "out"), decomposition)


def test_the_folder_is_a_folder_of_labels_and_a_sheet(folder: Path) -> None:
    kinds = ("labels", "layers", "generated", "background", "internal", "error")
    files = {f"{stem}.{kind}.tif" for stem in "ab" for kind in kinds}
    assert {path.name for path in folder.iterdir()} == {
        "images.csv",
        "objects.parquet",
        "rounds.parquet",
        "sheet.csv",
        "provenance.json",
        *files,
    }
    sheet = read_sheet(folder)
    assert sheet.columns == ("image", "mask", *kinds[1:], "day", "source_mask")
    assert sheet.column("error") == ["a.error.tif", "b.error.tif"]
    assert sheet.column("source_mask") == ["../a.png", ""]
    found = read_label_folder(folder)
    assert holds_decompositions(found)
    np.testing.assert_array_equal(found.labels(0).labels, decomposition_of_discs()[0].labels)
    objects, rounds = read_table(folder / "objects.parquet"), read_table(folder / "rounds.parquet")
    assert objects["image"].tolist() == ["../a.tif"] * len(DISCS)
    assert objects["label"].tolist() == [1, 2, 3, 4]
    assert rounds["image"].tolist() == ["../a.tif"] * 2 + ["../b.tif"] * 2


def test_columns_of_the_sheet_that_are_called_like_files_are_kept(folder: Path, tmp_path: Path) -> None:
    rows = [{"image": "a.tif", "background": "dark", "error": "a.tif"}]
    found = [decomposition_of_discs(source=str(tmp_path / "a.tif"))]
    write_decomposition_folder(found, tmp_path / "deep" / "again", rows, tmp_path)
    row = read_label_folder(tmp_path / "deep" / "again").rows[0]
    assert (row["background"], row["source_background"]) == ("a.background.tif", "dark")
    assert (row["error"], row["source_error"]) == ("a.error.tif", "../../a.tif")


def test_the_pictures_add_up_to_the_image(folder: Path, tmp_path: Path) -> None:
    layers, generated, background, internal, error = (
        open_image(folder / f"a.{kind}.tif") for kind in ("layers", "generated", "background", "internal", "error")
    )
    assert (layers.axes, layers.shape, layers.dtype) == ("ZYX", (2, 40, 48), np.uint8)
    assert (generated.axes, generated.pixel_size, error.channels) == ("ZYX", MICROMETRES, ("error",))
    np.testing.assert_allclose(internal.read(), background.read() + generated.read().sum(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(internal.read() + error.read(), open_image(tmp_path / "a.tif").read())
    assert np.abs(error.read()).max() < 4
    with tifffile.TiffFile(folder / "a.layers.tif") as tif:
        assert tif.series[0].axes == "ZYX"
        assert tif.pages[0].compression == tifffile.COMPRESSION.ADOBE_DEFLATE


def test_crops_with_a_border_become_tight(tmp_path: Path) -> None:
    tight, image = decomposition_of_discs([(20, 20, 4)])
    objects = {**tight.objects, "top_px": tight.objects["top_px"] - 2, "left_px": tight.objects["left_px"] - 1}
    masks, pixels = (tuple(np.pad(array, ((2, 3), (1, 0))) for array in part) for part in (tight.masks, tight.pixels))
    wide = Decomposition(
        tight.source, tight.labels, objects, masks, pixels, tight.background, tight.rounds, None, tight.provenance
    )
    write_decomposition_folder([(wide, image)], tmp_path / "out", [{"image": "field.tif"}], tmp_path)
    assert_same_decomposition(read_decomposition(tmp_path / "out"), tight)


def test_measured_columns_come_along(tmp_path: Path) -> None:
    decomposition, image = decomposition_of_discs()
    tables = [object_table(layer) for layer in decomposition.layers()[0]]
    measured = {name: np.concatenate([table[name] for table in tables[::-1]]) for name in tables[0]}
    objects, rounds = write_decomposition(decomposition, image, tmp_path, "a", measured)
    # The second object measured in its own layer: whole, where the first covers it in the flat labels.
    assert objects["area_px"].tolist() == [mask.sum() for mask in decomposition.masks]
    assert objects["solidity"].min() > 0.9
    assert object_table(decomposition.labels)["solidity"].min() < 0.9
    assert list(objects)[-6:] == ["pass", "round", "gain", "confidence", "generator", "layer"]
    assert rounds["accepted"].tolist() == [4, 0]


def test_what_cannot_be_a_decomposition_is_not_written(tmp_path: Path) -> None:
    decomposition, image = decomposition_of_discs()
    with pytest.raises(InputError, match="give one size"):
        write_decomposition(decomposition, image[1:], tmp_path, "a")
    decomposition.masks[2][:] = False
    with pytest.raises(InputError, match="object 3 has no pixel"):
        write_decomposition(decomposition, image, tmp_path, "a")
    assert not list(tmp_path.iterdir())


def edited_table(file: Path, change: Callable[[dict[str, np.ndarray]], object]) -> None:
    table = read_table(file)
    change(table)
    write_table(table, file)


def edited_layers(file: Path, change: Callable[[np.ndarray], object]) -> None:
    layers = open_image(file).read()
    change(layers)
    write_image_tiff(layers, file, "ZYX")


def other_size(file: Path) -> None:
    write_image_tiff(np.zeros((2, 30, 48), np.float32), file, "ZYX")


def drop_first(table: dict[str, np.ndarray]) -> None:
    table.update({name: column[1:] for name, column in table.items()})


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: (f / "a.layers.tif").unlink(), r"sheet.csv, row 2: there is no file .*a\.layers\.tif"),
        (lambda f: (f / "a.background.tif").unlink(), r"there is no file .*a\.background\.tif; copy the whole folder"),
        (lambda f: (f / "a.labels.tif").unlink(), r"there is no mask .*a\.labels\.tif"),
        (lambda f: (f / "objects.parquet").unlink(), r"objects\.parquet is missing"),
        (lambda f: (f / "rounds.parquet").unlink(), r"rounds\.parquet is missing"),
        (lambda f: other_size(f / "a.generated.tif"), "generated.tif is 2 x 30 x 48 pixels, .* layers are 2 x 40 x 48"),
        (lambda f: other_size(f / "a.background.tif"), "background.tif is 2 x 30 x 48 pixels, .* layers are 40 x 48"),
        (lambda f: write_image_tiff(np.zeros((3, 4), np.uint8), f / "a.labels.tif"), r"labels\.tif is 3 x 4 pixels"),
        (lambda f: other_size(f / "a.layers.tif"), "is no stack of label images"),
        (lambda f: edited_layers(f / "a.layers.tif", lambda a: a.__setitem__(a == 3, 0)), "object 3 of objects.parq"),
        (lambda f: edited_layers(f / "a.layers.tif", lambda a: a.__setitem__((1, 0, 0), 9)), "object 9 of the layers"),
        (lambda f: edited_layers(f / "a.layers.tif", lambda a: a.__setitem__((1, 0, 0), 1)), "in layer 1 and in lay"),
        (lambda f: edited_layers(f / "a.layers.tif", lambda a: a.__setitem__((1, 0, 0), 2)), "begins at row 0, col"),
        (lambda f: edited_table(f / "objects.parquet", drop_first), "object 1 of the layers is not in objects.parquet"),
        (lambda f: edited_table(f / "objects.parquet", lambda t: t.pop("gain")), "has no column 'gain'"),
        (lambda f: edited_table(f / "rounds.parquet", lambda t: t.pop("loss")), "has no column 'loss'"),
        (lambda f: edited_table(f / "objects.parquet", lambda t: t.update(label=np.ones(4))), "lists an object twice"),
    ],
)
def test_damage_is_named(folder: Path, damage: Callable[[Path], object], words: str) -> None:
    damage(folder)
    with pytest.raises(InputError, match=words) as said:
        read_decomposition(folder)
    assert str(said.value).endswith(".")
    assert "\n" not in str(said.value)


def test_labels_alone_are_no_decomposition(tmp_path: Path) -> None:
    from coverslip.core.results import LabelMap

    labels = LabelMap(np.ones((3, 4), np.uint8), "a")
    found: LabelFolder = write_label_folder([(labels, None)], tmp_path / "labels", [{"image": "a.tif"}], tmp_path)
    assert not holds_decompositions(found)
    with pytest.raises(InputError, match="names no layers, so it is no decomposition"):
        read_decomposition(found)


def test_an_image_that_is_not_there(folder: Path) -> None:
    with pytest.raises(InputError, match="holds 2 images, numbered from 0; there is no image 2"):
        read_decomposition(folder, 2)
