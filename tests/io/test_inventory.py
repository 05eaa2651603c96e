"""Files that hold several images: each is found by number and by name, and what is no image is told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from coverslip.core.errors import InputError
from coverslip.io import inventory
from coverslip.io.images.inventory import Inventory, Series, named_beside, thumbnails
from coverslip.read import open_image

GREY = np.arange(64 * 96, dtype=np.uint16).reshape(64, 96)


@pytest.fixture
def positions(tmp_path: Path) -> Path:
    """Three positions and a macro picture in one OME-TIFF."""
    path = tmp_path / "positions.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as file:
        for i, name in enumerate(["macro image", "Pos0", "Pos1", "Pos 2"]):
            file.write(GREY + 1000 * i, metadata={"axes": "YX", "Name": name})
    return path


def test_each_image_of_an_ome_tiff_is_found_by_number_and_name(positions: Path) -> None:
    held = inventory(positions)
    assert [(one.index, one.name, one.beside) for one in held.series] == [
        (0, "macro image", "macro"),
        (1, "Pos0", ""),
        (2, "Pos1", ""),
        (3, "Pos 2", ""),
    ]
    for series, first in ((None, 1000), (0, 0), ("2", 2000), ("Pos1", 2000), ("Pos 2", 3000)):
        image = open_image(positions, series=series)
        assert int(image.read()[0, 0]) == first
        assert (image.metadata["index"], image.metadata["images"]) == (first // 1000, 3)


def test_a_name_that_is_not_there_lists_those_that_are(positions: Path) -> None:
    with pytest.raises(InputError, match=r"no image called 'Pos9'; it holds 0 \(macro image\), 1 \(Pos0\)"):
        open_image(positions, series="Pos9")
    with pytest.raises(InputError, match="has no image 7: it holds 4"):
        open_image(positions, series="7")
    with pytest.raises(InputError, match="2 images called 'a'; choose one by its number"):
        Inventory((Series(0, "a"), Series(1, "a"))).find("x", "a")


def test_a_file_of_one_image_has_no_other(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", GREY)
    assert open_image(tmp_path / "a.npy", series="0").shape == GREY.shape
    for series in (1, "1", "Pos0"):
        with pytest.raises(InputError, match=r"a\.npy holds"):
            open_image(tmp_path / "a.npy", series=series)


@pytest.mark.parametrize("small_first", [True, False])
@pytest.mark.parametrize("marked", [True, False])
def test_a_thumbnail_is_no_image(tmp_path: Path, small_first: bool, marked: bool) -> None:
    pages = [(GREY[::8, ::8], int(marked)), (GREY, 0)]
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for page, kind in pages if small_first else reversed(pages):
            file.write(page, metadata=None, subfiletype=kind)
    assert np.array_equal(open_image(tmp_path / "a.tif").read(), GREY)
    assert len(inventory(tmp_path / "a.tif").images) == 1


def test_images_of_other_shapes_and_magnifications_are_images() -> None:
    assert thumbnails([(64, 96), (512, 768), (64, 64), (256, 384), (100, 150)]) == [True, False, False, False, True]
    assert thumbnails([(10, 10)]) == [False]
    assert [named_beside(name) for name in ("Label", "macro image", "Thumbnail", "Labelled cells", "")] == (
        ["label", "macro", "thumbnail", "", ""]
    )


def test_the_overview_of_a_leica_slide_is_no_image(tmp_path: Path) -> None:
    def image(ifd: int, side: int) -> str:
        return (
            f'<image name="image_{ifd}"><pixels sizeX="96" sizeY="64"><dimension sizeX="96" sizeY="64" r="0" '
            f'ifd="{ifd}"/></pixels><view sizeX="{side}" sizeY="{side}" offsetX="0" offsetY="0"/></image>'
        )

    xml = (
        '<?xml version="1.0"?><scn xmlns="http://www.leica-microsystems.com/scn/2010/10/01">'
        f'<collection sizeX="500" sizeY="500">{image(0, 500)}{image(1, 90)}{image(2, 80)}</collection></scn>'
    )
    path = tmp_path / "a.scn"
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        for i in range(3):
            file.write(GREY + 1000 * i, metadata=None, description=xml if i == 0 else None)
    assert [one.beside for one in inventory(path).series] == ["macro", "", ""]
    assert int(open_image(path).read()[0, 0]) == 1000


def test_positions_of_micro_manager_lie_along_an_axis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a_MMStack.ome.tif"
    stack = np.arange(3 * 2 * 8 * 9, dtype=np.uint16).reshape(3, 2, 8, 9)
    tifffile.imwrite(path, stack, photometric="minisblack", metadata=None)
    summary = {"StagePositions": [{"Label": f"1-Pos_00{i}"} for i in range(3)]}
    plain = tifffile.TiffFile.series.func

    def series(tif: tifffile.TiffFile) -> list[tifffile.TiffPageSeries]:
        found = plain(tif)
        found[0].kind = "mmstack"
        found[0]._set_dimensions((3, 2, 8, 9), "RCYX", None)
        return found

    from functools import cached_property

    replaced = cached_property(series)
    replaced.__set_name__(tifffile.TiffFile, "series")
    monkeypatch.setattr(tifffile.TiffFile, "series", replaced)
    monkeypatch.setattr(tifffile.TiffFile, "micromanager_metadata", {"Summary": summary})
    assert [one.name for one in inventory(path).series] == ["1-Pos_000", "1-Pos_001", "1-Pos_002"]
    for position, name in enumerate(["1-Pos_000", "1-Pos_001", "1-Pos_002"]):
        image = open_image(path, series=name)
        assert (image.axes, image.shape) == ("CYX", (2, 8, 9))
        assert np.array_equal(image.select(C=1).read(), stack[position, 1])
    with pytest.raises(InputError, match="has no image 3: it holds 3"):
        open_image(path, series=3)
