"""Rows for each image that a file holds: series, frames of movies, fields of plates, and sets of files as one image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from coverslip.core.errors import InputError
from coverslip.read import write_image_tiff, write_image_zarr, write_labels
from coverslip.results.labels.folder import LabelFolder
from coverslip.results.labels.measuring import labels_to_measure
from coverslip.samples import check_sheet, make_sheet, open_fields, open_samples, read_sheet, write_sheet
from coverslip.samples.sheets.masks import plan_rows
from coverslip.samples.sheets.sheet import holds_one_image

GREY = np.arange(12 * 16, dtype=np.uint16).reshape(12, 16)


@pytest.fixture
def positions(tmp_path: Path) -> Path:
    """A folder with three positions in one file, and a plain image."""
    folder = tmp_path / "images"
    folder.mkdir()
    with tifffile.TiffWriter(folder / "a.ome.tif", ome=True) as file:
        for i in range(3):
            file.write(GREY + 1000 * i, metadata={"axes": "YX", "Name": f"Pos{i}"})
    write_image_tiff(GREY + 9000, folder / "b.tif")
    return folder


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    path = tmp_path / "movies" / "movie.tif"
    path.parent.mkdir()
    stack = np.stack([GREY + 1000 * i for i in range(7)])
    tifffile.imwrite(path, stack, imagej=True, metadata={"axes": "TYX"})
    return path


def corners(path: Path, **which: object) -> list[int]:
    fields = open_fields(path, **which)  # type: ignore[arg-type]
    return [int(fields.pixels(i)[0, 0, 0]) for i in range(len(fields))]


def test_a_folder_has_a_row_for_each_series(positions: Path) -> None:
    sheet = make_sheet(positions)
    assert sheet.columns == ("image", "series", "series_name")
    assert [tuple(row.values()) for row in sheet.rows] == [
        ("a.ome.tif", "0", "Pos0"),
        ("a.ome.tif", "1", "Pos1"),
        ("a.ome.tif", "2", "Pos2"),
        ("b.tif", "", ""),
    ]
    assert sheet.notes == ("a.ome.tif holds 3 images: 0 (Pos0), 1 (Pos1), 2 (Pos2).",)
    written = write_sheet(sheet, positions / "sheet.csv")
    assert corners(positions) == corners(written.path or positions) == [0, 1000, 2000, 9000]
    assert open_samples(positions).read(np.arange(4))[:, 0, 0, 0].tolist() == [0, 1000, 2000, 9000]


def test_every_series_has_a_name_of_its_own(positions: Path) -> None:
    sheet = read_sheet(positions)
    rows = plan_rows(sheet.rows, sheet.folder, positions / "out")
    assert [row["mask"] for row in rows] == [f"a_series{i}.labels.tif" for i in range(3)] + ["b.labels.tif"]
    assert [open_fields(sheet).name(i).split("/")[-1] for i in (1, 3)] == ["a.ome.tif series 1", "b.tif"]


def test_one_series_is_chosen_by_number_or_name(positions: Path) -> None:
    file = positions / "a.ome.tif"
    assert corners(file) == [0, 1000, 2000]
    assert corners(file, series=2) == corners(file, series="Pos2") == [2000]
    assert corners(positions, series="Pos1") == [1000, 9000]  # a file of one image has no choice
    assert not holds_one_image(file)
    assert holds_one_image(file, series="1")
    assert not holds_one_image(positions)
    with pytest.raises(InputError, match=r"b\.tif holds 1 image: 0 \(b\)\. There is no series 2"):
        open_fields(positions / "b.tif", series=2)
    for series in ("Pos7", 7):
        with pytest.raises(InputError, match=r"a\.ome\.tif holds .*0 \(Pos0\), 1 \(Pos1\), 2 \(Pos2\)"):
            read_sheet(positions, series=series)


def test_a_sheet_that_does_not_say_which_is_told(positions: Path) -> None:
    (positions / "sheet.csv").write_text("image,series\na.ome.tif,\na.ome.tif,Pos2\n")
    fields = open_fields(positions)
    assert [int(fields.pixels(i)[0, 0, 0]) for i in range(2)] == [0, 2000]
    (note,) = fields.sheet.notes  # type: ignore[attr-defined]
    assert "a.ome.tif holds 3 images, and the first is taken" in note
    report = check_sheet(positions)
    assert report.ok
    assert [(p.kind, p.row) for p in report.warnings] == [("several images", 2)]


def test_a_thumbnail_is_left_out_with_a_word(tmp_path: Path) -> None:
    large = np.kron(GREY, np.ones((8, 8), np.uint16))
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(GREY, metadata=None)
        file.write(large, metadata=None)
    sheet = read_sheet(tmp_path)
    assert sheet.rows == [{"image": "a.tif"}]
    assert sheet.notes == ("a.tif holds 1 image: 1; 0 is a thumbnail, so it is left out.",)
    assert open_fields(tmp_path).size(0) == large.shape


def test_one_mask_for_several_images_is_refused(positions: Path) -> None:
    (positions.parent / "masks").mkdir()
    write_labels(np.ones(GREY.shape, np.uint8), positions.parent / "masks" / "a.labels.tif")
    (positions / "a.ome.tif").rename(positions / "a.tif")
    with pytest.raises(InputError, match=r"a\.tif holds 3 images, but there is one mask"):
        read_sheet(positions.parent)


def test_a_set_of_files_is_one_image(tmp_path: Path) -> None:
    names = [f"z{i}.ome.tif" for i in range(4)]
    planes = "".join(
        f'<TiffData FirstZ="{i}" PlaneCount="1" IFD="0"><UUID FileName="{name}">urn:uuid:{i}</UUID></TiffData>'
        for i, name in enumerate(names)
    )
    for i, name in enumerate(names):
        xml = (
            f'<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{i}">'
            '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="16" SizeY="12" '
            f'SizeZ="4" SizeC="1" SizeT="1">{planes}</Pixels></Image></OME>'
        )
        tifffile.imwrite(tmp_path / name, GREY + 1000 * i, metadata=None, description=xml)
    sheet = make_sheet(tmp_path)
    assert sheet.column("image") == ["z0.ome.tif"]
    assert sheet.notes == (
        "z0.ome.tif stands for an image of 4 files.",
        "3 files are parts of images that another file stands for: z1.ome.tif, z2.ome.tif, z3.ome.tif.",
    )
    assert open_fields(tmp_path).pixels(0)[:, 0, 0].tolist() == [0, 1000, 2000, 3000]
    assert len(open_fields(tmp_path / "z2.ome.tif")) == 1


def test_a_movie_has_a_row_for_each_frame_asked_for(movie: Path) -> None:
    assert corners(movie, frames="all") == [1000 * i for i in range(7)]
    assert corners(movie.parent, frames="every=3") == [0, 3000, 6000]
    sheet = make_sheet(movie.parent, frames="every=5")
    assert [tuple(row.values()) for row in sheet.rows] == [("movie.tif", "0"), ("movie.tif", "5")]
    rows = plan_rows(sheet.rows, sheet.folder, movie.parent / "out")
    assert [row["mask"] for row in rows] == ["movie_frame0.labels.tif", "movie_frame5.labels.tif"]


def test_a_movie_as_it_is_says_how_to_go_on(movie: Path) -> None:
    for opener in (open_fields, open_samples):
        with pytest.raises(InputError, match=r"a movie of 7 frames .* --frames all or --frames every=5"):
            opener(movie)
    for frames in ("5", "every=0", "every=x", "some"):
        with pytest.raises(InputError, match=f"frames='{frames}' is not known"):
            read_sheet(movie.parent, frames=frames)


def test_images_that_are_no_movies_keep_their_row(positions: Path) -> None:
    assert len(read_sheet(positions, frames="all")) == 4
    assert "frame" not in read_sheet(positions, frames="all").columns


def plate(folder: Path, version: str) -> Path:
    """A plate of two wells with two fields each, one of which was not copied."""
    path = folder / "screen.zarr"
    form = 2 if version == "0.4" else 3

    def said(facts: dict[str, object]) -> dict[str, object]:
        return facts if form == 2 else {"ome": {"version": version, **facts}}

    wells = [{"path": "A/1"}, {"path": "B/03"}, {"path": "C/2"}]
    zarr.open_group(str(path), mode="w", zarr_format=form).attrs.update(said({"plate": {"name": "P7", "wells": wells}}))  # type: ignore[arg-type]
    for n, well in enumerate(("A/1", "B/03")):
        group = zarr.open_group(str(path / well), mode="w", zarr_format=form)  # type: ignore[arg-type]
        group.attrs.update(said({"well": {"images": [{"path": "0"}, {"path": "1"}]}}))
        for field in range(2 - n):
            written = write_image_zarr(GREY + 1000 * n + 100 * field, folder / "field.zarr")
            written.rename(path / well / str(field))
    return path


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_plate_is_a_folder_of_images(tmp_path: Path, version: str) -> None:
    path = plate(tmp_path, version)
    for sheet in (read_sheet(tmp_path), read_sheet(path), make_sheet(path)):
        assert [tuple(row.values()) for row in sheet.rows] == [
            ("screen.zarr/A/1/0", "P7", "A1", "0"),
            ("screen.zarr/A/1/1", "P7", "A1", "1"),
            ("screen.zarr/B/03/0", "P7", "B03", "0"),
        ]
        assert set(sheet.columns) == {"image", "plate", "well", "field"}
        assert sheet.notes == ("screen.zarr is the plate P7 with 3 fields in 2 wells.",)
        assert corners(tmp_path) == corners(path) == [0, 100, 1000]
    rows = plan_rows(sheet.rows, sheet.folder, tmp_path / "out")
    assert [row["mask"] for row in rows] == [f"screen_{place}.labels.tif" for place in ("A_1_0", "A_1_1", "B_03_0")]
    assert corners(path, series="B/03/0") == [1000]


def test_a_well_and_a_field_say_where_they_are(tmp_path: Path) -> None:
    path = plate(tmp_path, "0.4")
    assert [row["field"] for row in read_sheet(path / "A" / "1").rows] == ["0", "1"]
    assert {row["well"] for row in read_sheet(path / "A" / "1").rows} == {"A1"}
    assert corners(path / "A" / "1" / "1") == [100]


def test_labels_of_each_series_are_measured_on_its_own_pixels(positions: Path) -> None:
    folder = positions.parent / "labels"
    folder.mkdir()
    rows = [{"image": "", "mask": f"a_series{i}.labels.tif"} for i in range(3)]
    for row in rows:
        write_labels(np.ones(GREY.shape, np.uint8), folder / row["mask"])
    found = labels_to_measure(LabelFolder(folder, folder, rows), positions / "a.ome.tif")
    assert [int(found.image(i).read()[0, 0]) for i in range(3)] == [0, 1000, 2000]
