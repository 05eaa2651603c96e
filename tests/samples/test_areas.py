"""Parts of slides: windows of images as samples, and areas in micrometres or as drawn."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from coverslip.core import InputError, PixelSize, Region
from coverslip.io import write_image_tiff
from coverslip.samples import open_samples
from coverslip.samples.opening.fields import open_fields
from coverslip.samples.slides.areas import within

GRID = [Region(y, x, 100, 100) for y in range(0, 400, 100) for x in range(0, 400, 100)]


def test_rows_of_a_sheet_may_be_windows_of_one_image(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (3, 60, 80), dtype=np.uint8)
    write_image_tiff(pixels, tmp_path / "a.tif")
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("image,window_px\na.tif,y0x10h20w30\na.tif,y40x50h20w30\n")
    samples = open_samples(sheet)
    assert samples.shape == (3, 20, 30)
    np.testing.assert_array_equal(samples.read([1, 0]), [pixels[:, 40:, 50:], pixels[:, :20, 10:40]])
    assert open_fields(sheet).name(1).endswith("a.tif window_px y40x50h20w30")
    for text, words in (("10,20,3,4", "cannot be read"), ("y50x10h20w30", "reaches beyond the 60 x 80 pixels")):
        sheet.write_text(f'image,window_px\na.tif,"{text}"\n')
        with pytest.raises(InputError, match=f"row 2: .*{words}"):
            open_samples(sheet)


def test_a_rectangle_is_in_micrometres_and_takes_what_has_its_middle_inside() -> None:
    found = within(GRID, "20,70,60,40", PixelSize(0.5, 0.5))  # x from 40 to 160 px, y from 140 to 220
    assert found == [Region(100, 0, 100, 100), Region(100, 100, 100, 100)]
    assert within(GRID, "51,51,3,3", PixelSize(0.5, 0.5)) == [Region(100, 100, 100, 100)]
    assert within(GRID, "40,140,120,80", None) == found
    with pytest.raises(InputError, match="no tissue in the region"):
        within(GRID, "900,900,9,9", None)
    for text in ("1,2,3", "a,b,c,d", "0,0,0,5"):
        with pytest.raises(InputError, match="x,y,width,height"):
            within(GRID, text, None)


def test_outlines_of_qupath_have_holes(tmp_path: Path) -> None:
    def ring(low: float, high: float) -> list[list[float]]:
        return [[low, low], [high, low], [high, high], [low, high], [low, low]]

    drawn = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring(5, 290), ring(110, 190)]}}
    path = tmp_path / "areas.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [drawn]}))
    found = within(GRID, path, PixelSize(0.5, 0.5))
    assert len(found) == 8
    assert Region(100, 100, 100, 100) not in found
    with pytest.raises(InputError, match="There is no file"):
        within(GRID, tmp_path / "none.geojson", None)
