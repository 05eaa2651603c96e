"""Results made of label images: folders that are sheets, single files, OME-Zarr."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from coverslip.core.errors import InputError
from coverslip.core.image import PixelSize
from coverslip.core.results import LabelMap
from coverslip.read import (
    LabelFolder,
    read_label_folder,
    read_table,
    write_image_tiff,
    write_image_zarr,
    write_label_file,
    write_label_folder,
    write_labels,
    write_zarr_labels,
)
from coverslip.results import opened
from coverslip.samples import read_sheet
from coverslip.verbs.export import export

FIRST = np.array([[1, 1, 0], [0, 0, 2]], np.uint8)
SECOND = np.array([[0, 5, 5], [0, 0, 0]], np.int32)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two images called a.tif, in folders of their own, one with a mask."""
    folder = tmp_path / "data"
    for place, value in (("one", 10), ("two", 20)):
        write_image_tiff(np.full((2, 3), value, np.uint8), folder / place / "a.tif")
    write_labels(FIRST, folder / "masks" / "a.tif")
    return folder


ROWS = [
    {"image": "one/a.tif", "mask": "masks/a.labels.tif", "group": "A"},
    {"image": "two/a.tif", "mask": "", "group": "B"},
]


def written(images: Path, out: Path, **options: object) -> LabelFolder:
    table = {"label": np.array([1, 2]), "area_um2": np.array([0.5, 0.25])}
    results = [
        (LabelMap(FIRST, "one", PixelSize(0.5, 0.5)), table),
        (LabelMap(SECOND, "two"), {"label": np.array([5])}),
    ]
    return write_label_folder(iter(results), out, ROWS, images, provenance={"seed": 3}, **options)  # type: ignore[arg-type]


def test_a_folder_of_labels_is_a_sheet_with_images_masks_and_every_column(images: Path, tmp_path: Path) -> None:
    written(images, tmp_path / "out" / "labels")
    assert sorted(path.name for path in (tmp_path / "out" / "labels").iterdir()) == [
        "a_row2.labels.tif",
        "a_row3.labels.tif",
        "images.csv",
        "objects.parquet",
        "provenance.json",
        "sheet.csv",
    ]
    sheet = read_sheet(tmp_path / "out" / "labels")
    assert sheet.columns == ("image", "mask", "group", "source_mask")
    assert sheet.column("image") == ["../../data/one/a.tif", "../../data/two/a.tif"]
    assert sheet.column("mask") == ["a_row2.labels.tif", "a_row3.labels.tif"]
    assert sheet.column("group") == ["A", "B"]
    assert sheet.column("source_mask") == ["../../data/masks/a.labels.tif", ""]


def test_what_was_written_is_read_back(images: Path, tmp_path: Path) -> None:
    written(images, tmp_path / "labels")
    found = read_label_folder(tmp_path / "labels")
    assert (len(found), found.provenance) == (2, {"seed": 3})
    np.testing.assert_array_equal(found.labels(0).labels, FIRST)
    np.testing.assert_array_equal(found.labels(1).labels, SECOND)
    assert found.labels(0).pixel_size == PixelSize(0.5, 0.5)
    assert [found.image(i).read().max() for i in range(2)] == [10, 20]
    assert [found.stem(i) for i in range(2)] == ["a_row2", "a_row3"]
    assert (found.file(0, "source_mask"), found.file(1, "source_mask")) == (
        tmp_path / "labels" / "../data/masks/a.labels.tif",
        None,
    )
    objects = found.objects()
    assert objects is not None
    assert objects["image"].tolist() == [*["../data/one/a.tif"] * 2, "../data/two/a.tif"]
    assert objects["label"].tolist() == [1, 2, 5]
    np.testing.assert_array_equal(objects["area_um2"], [0.5, 0.25, np.nan])  # unknown where the pixel size is


def test_images_that_have_moved_are_found_by_their_new_folder(images: Path, tmp_path: Path) -> None:
    found = written(images, tmp_path / "labels")
    (images / "one").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"sheet\.csv, row 2: there is no image .*name the folder it has moved to"):
        found.image(0)
    assert found.image(0, tmp_path / "elsewhere").read().max() == 10
    (tmp_path / "elsewhere").rename(images / "one")
    images.rename(tmp_path / "moved")
    assert [found.image(i, tmp_path / "moved").read().max() for i in range(2)] == [10, 20]


def test_frames_of_one_stack_are_told_apart(tmp_path: Path) -> None:
    stack = np.arange(3, dtype=np.uint8)[:, None, None] * np.ones((3, 2, 3), np.uint8)
    write_image_tiff(stack, tmp_path / "stack.tif", axes="TYX")
    rows = [{"image": "stack.tif", "frame": str(frame)} for frame in (2, 0)]
    table = {"label": np.array([1])}
    results = [(LabelMap(FIRST, "stack"), table), (LabelMap(FIRST, "stack"), table)]
    found = write_label_folder(results, tmp_path / "labels", rows, tmp_path)
    assert [found.image(i).read().max() for i in range(2)] == [2, 0]
    objects = found.objects()
    assert objects is not None
    assert objects["frame"].tolist() == ["2", "0"]
    assert "mask" not in objects


def test_two_label_images_of_one_image_are_told_apart(images: Path, tmp_path: Path) -> None:
    results = [(LabelMap(FIRST, "one"), {"label": np.array([n])}) for n in (1, 2)]
    found = write_label_folder(results, tmp_path / "labels", [{"image": "one/a.tif"}] * 2, images)
    objects = found.objects()
    assert objects is not None
    assert objects["mask"].tolist() == ["a_row2.labels.tif", "a_row3.labels.tif"]
    assert found.key(1) == {"image": "../data/one/a.tif", "mask": "a_row3.labels.tif"}


def test_a_kill_on_the_way_leaves_nothing(images: Path, tmp_path: Path) -> None:
    def results():
        yield LabelMap(FIRST, "one"), None
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_label_folder(results(), tmp_path / "labels", ROWS, images)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_only_labels_are_replaced(images: Path, tmp_path: Path) -> None:
    written(images, tmp_path / "labels")
    with pytest.raises(InputError, match="already holds something"):
        written(images, tmp_path / "labels")
    assert len(written(images, tmp_path / "labels", overwrite=True)) == 2
    with pytest.raises(InputError, match="holds other things than labels"):
        written(images, images, overwrite=True)
    assert (images / "one" / "a.tif").is_file()


def test_one_image_gives_one_file_and_its_table(images: Path, tmp_path: Path) -> None:
    source = images / "one" / "a.tif"
    path = write_label_file(
        LabelMap(FIRST, str(source), provenance={"seed": 4}), tmp_path / "a.tif", {"label": np.array([1, 2])}
    )
    assert path == tmp_path / "a.labels.tif"
    assert read_table(tmp_path / "a.objects.parquet")["image"].tolist() == ["data/one/a.tif"] * 2
    found = read_label_folder(path)
    assert (len(found), found.stem(0), found.provenance) == (1, "a", {"seed": 4})
    np.testing.assert_array_equal(found.labels(0).labels, FIRST)
    assert found.image(0).read().max() == 10
    objects = found.objects()
    assert objects is not None
    assert objects["label"].tolist() == [1, 2]


def test_labels_of_another_program_find_the_image_beside_them(tmp_path: Path) -> None:
    write_image_tiff(np.full((2, 3), 7, np.uint8), tmp_path / "b.ome.tif")
    from PIL import Image

    Image.fromarray(FIRST).save(tmp_path / "b.labels.png")
    (tmp_path / "b.labels.png").rename(tmp_path / "b.png")
    found = read_label_folder(tmp_path / "b.png")
    assert found.image(0).read().max() == 7
    np.testing.assert_array_equal(found.labels(0).labels, FIRST)
    assert found.objects() is None
    (tmp_path / "b.ome.tif").unlink()
    with pytest.raises(InputError, match="names no image"):
        read_label_folder(tmp_path / "b.png").image(0)


def test_labels_inside_an_ome_zarr_image(tmp_path: Path) -> None:
    write_image_zarr(np.full((2, 3), 9, np.uint8), tmp_path / "a.zarr")
    write_zarr_labels(FIRST, tmp_path / "a.zarr", "nuclei")
    found = read_label_folder(tmp_path / "a.zarr")
    assert (len(found), found.stem(0)) == (1, "a")
    np.testing.assert_array_equal(found.labels(0).labels, FIRST)
    assert found.image(0).read().max() == 9


def test_a_sheet_saved_again_by_a_spreadsheet_is_read(images: Path, tmp_path: Path) -> None:
    written(images, tmp_path / "labels")
    sheet = tmp_path / "labels" / "sheet.csv"
    sheet.write_bytes(b"\xef\xbb\xbf" + sheet.read_bytes().replace(b",", b";").replace(b"\n", b"\r\n"))
    assert [row["group"] for row in read_label_folder(tmp_path / "labels").rows] == ["A", "B"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nothing", None, "does not exist; give the folder"),
        ("cells.h5ad", b"x", r"is no label image; give a folder of labels, a \.labels\.tif"),
        ("folder/sheet.csv", b"image,group\na.tif,1\n", "no rows with the columns image and mask"),
        ("folder/sheet.csv", b"image,mask\na.tif,\n", r"row 2: the column 'mask' is empty"),
        ("folder/other.csv", b"image,mask\n", r"no folder of labels: it has no sheet\.csv"),
    ],
)
def test_what_is_no_result_is_said(name: str, content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if content is not None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_label_folder(tmp_path / name.split("/")[0])


def test_damaged_files_of_a_folder_are_named(images: Path, tmp_path: Path) -> None:
    found = written(images, tmp_path / "labels")
    (tmp_path / "labels" / "a_row3.labels.tif").unlink()
    with pytest.raises(InputError, match=r"row 3: there is no mask .*a_row3\.labels\.tif"):
        found.labels(1)
    (tmp_path / "labels" / "provenance.json").write_text(json.dumps([1]))
    with pytest.raises(InputError, match=r"provenance\.json is damaged"):
        read_label_folder(tmp_path / "labels")
    write_image_zarr(FIRST, tmp_path / "a.zarr")
    with pytest.raises(InputError, match="holds an image but no labels"):
        read_label_folder(tmp_path / "a.zarr")


def test_a_result_may_be_the_folder_one_is_in(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(images, tmp_path / "labels")
    monkeypatch.chdir(tmp_path / "labels")
    kind, found = opened(".")
    assert (kind.name, len(found)) == ("labels", 2)
    assert found.objects() is not None
    assert [file.path.name for file in export(".", csv=True)] == ["labels.objects.csv"]
