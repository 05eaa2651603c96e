"""The page of label images holds everything, shows text as text, and works in a browser, offline."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

from coverslip.core.errors import InputError
from coverslip.core.image import Image
from coverslip.figures.distributions import counts_per_image
from coverslip.figures.encode import png_uri
from coverslip.figures.overlays import FALSE, RIGHT, draw_overlay
from coverslip.figures.tiles import draw_tiles
from coverslip.read import open_image
from coverslip.results.labels.page import Shot, write_label_page

NASTY = '</script><img src=x onerror="alert(1)"> µ {{7*7}}'


def shot(row: int, name: str = "") -> Shot:
    labels = np.zeros((30, 40), np.uint8)
    labels[5:12, 5:12], labels[15:25, 20:30] = 1, 2
    image = Image.from_array(labels * 50 + row, "YX")
    overlay = draw_overlay(image, labels, {RIGHT: np.array([1]), FALSE: np.array([2])})
    return Shot(name or f"image {row}.tif", f"AP 0.{row} of {row}", row, overlay)


def page_of(path: Path, count: int = 14, **options: Any) -> Path:
    columns = {
        "image": ([f"image {i}.tif" for i in range(count)], "file"),
        "found": (np.arange(count)[::-1] * 10, "objects"),
        "AP@0.5": (np.where(np.arange(count) == 3, np.nan, np.arange(count) / 20), "precision"),
    }
    shots = [shot(i) for i in range(count)]
    return write_label_page(path, options.pop("shots", shots), options.pop("columns", columns), **options)


def data_of(path: Path) -> dict[str, Any]:
    (text,) = re.findall(r'id="data">(.*?)</script>', path.read_text(encoding="utf-8"))
    return json.loads(text)


def test_the_page_refers_to_nothing_outside_itself(tmp_path: Path) -> None:
    html = page_of(tmp_path / "r.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in html
    assert re.findall(r'(?:src|href)="(?!data:)[^"]+"', html) == []
    assert "http://" not in html
    assert "https://" not in html


def test_numbers_and_pictures_reach_the_page_as_they_are(tmp_path: Path) -> None:
    data = data_of(page_of(tmp_path / "r.html"))
    assert [column["kind"] for column in data["columns"]] == ["text", "number", "number"]
    assert data["columns"][2]["values"][2:5] == [0.1, None, 0.2]
    assert [one["row"] for one in data["shots"]] == list(range(14))
    assert data["shots"][3]["picture"].startswith("data:image/webp;base64,")
    assert {one["outlines"][:22] for one in data["shots"]} == {"data:image/png;base64,"}


def test_the_page_says_what_its_colours_and_its_order_mean(tmp_path: Path) -> None:
    measured = page_of(tmp_path / "a.html", measured=True, ordered="By AP.").read_text(encoding="utf-8")
    looked_at = page_of(tmp_path / "b.html").read_text(encoding="utf-8")
    assert re.findall(r"</i>(.*?)</li>", measured) == ["right", "false", "missed"]
    assert re.findall(r"</i>(.*?)</li>", looked_at) == ["found", "odd size or shape"]
    assert "By AP." in measured
    assert "most suspicious first" in looked_at


def test_large_images_are_there_in_tiles_of_all_their_pixels() -> None:
    labels = np.zeros((1200, 2100), np.uint16)
    labels[990:1010, 1990:2050] = 7
    image = Image.from_array(labels * 30, "YX")
    tiles = draw_tiles(image, labels, {RIGHT: np.array([7])})
    assert tiles is not None
    assert (tiles.height, tiles.width, tiles.side, tiles.full) == (1200, 2100, 1000, True)
    sizes = [Picture.open(io.BytesIO(base64.b64decode(one.split(",")[1]))).size for one in tiles.pictures]
    assert sizes == [(1000, 1000), (1000, 1000), (100, 1000), (1000, 200), (1000, 200), (100, 200)]
    drawn = [Picture.open(io.BytesIO(base64.b64decode(one.split(",")[1]))).getextrema()[1] for one in tiles.outlines]
    assert [bool(most) for most in drawn] == [False, True, True, False, True, True]  # the object lies in four
    assert draw_tiles(image, labels[:900, :900], {RIGHT: np.array([7])}) is None  # the picture itself has them all
    assert draw_tiles(image, labels, {}, pixels=1e6) is None  # and there is no other resolution


def test_of_images_that_are_too_large_the_finest_stored_resolution_is_shown(tmp_path: Path) -> None:
    labels = np.zeros((1500, 2400), np.uint16)
    labels[400:460, 600:700] = 1
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        tif.write(labels, subifds=1, tile=(256, 256))
        tif.write(labels[::2, ::2], subfiletype=1, tile=(256, 256))
    tiles = draw_tiles(open_image(tmp_path / "a.tif"), labels, {RIGHT: np.array([1])}, pixels=1e6)
    assert tiles is not None
    assert (tiles.height, tiles.width, tiles.full) == (750, 1200, False)


def test_images_without_a_picture_are_said(tmp_path: Path) -> None:
    columns = {"image": ([str(i) for i in range(5)], "")}
    html = page_of(tmp_path / "r.html", shots=[shot(1), shot(1)], columns=columns).read_text(encoding="utf-8")
    assert "Pictures are kept of 1 of 5 images." in html


def test_a_card_is_prose_and_no_markup_of_its_own(tmp_path: Path) -> None:
    card = "# unet\n\n- one <script>alert(1)</script>\n- [two](javascript:alert(2))\n"
    html = page_of(tmp_path / "r.html", card=card).read_text(encoding="utf-8")
    assert "<h1>unet</h1>" in html
    assert "<li>one &lt;script&gt;" in html
    assert "javascript:" not in html.replace("(javascript:alert(2))", "")


def test_facts_tables_and_figures_are_shown(tmp_path: Path) -> None:
    html = page_of(
        tmp_path / "r.html",
        facts=[("0.801", "AP", "0.760 – 0.831"), ("3", "images", "")],
        tables={"Measured": [{"measure": "ap50", "all together": (0.8, 0.75, 0.85)}]},
        figures={"Counts": (counts_per_image(np.array([1, 2])), "a dot")},
        provenance={"seed": 3},
    ).read_text(encoding="utf-8")
    assert '<dd>0.801<span class="interval">0.760 – 0.831</span></dd>' in html
    assert '0.800 <span class="interval">0.750 – 0.850</span>' in html
    assert '<section class="figures charts">' in html
    assert '<th scope="row">seed</th><td>3</td>' in html


def test_what_does_not_fit_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the ending \.html"):
        page_of(tmp_path / "r.pdf")
    assert list(tmp_path.iterdir()) == []


# ---- in a browser ----------------------------------------------------------------------------------------------------


@pytest.fixture
def reader(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """The page in a browser that is offline and dark; what it complains about fails the test."""
    names = [f"image {i}.tif" for i in range(13)] + [NASTY]
    columns = {
        "image": (names, "file"),
        "found": (np.arange(14)[::-1] * 10, "objects"),
        "AP@0.5": (np.where(np.arange(14) == 3, np.nan, np.arange(14) / 20), "precision"),
    }
    shots = [shot(i, names[i]) for i in (13, *range(12))]
    path = page_of(tmp_path / "r.html", shots=shots, columns=columns, title=NASTY, notes=NASTY)
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, color_scheme="dark")
    context.set_offline(True)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready]")
    yield page
    assert complaints == []
    context.close()


def names_shown(page: Any) -> list[str]:
    return page.locator(".shot b").all_text_contents()


@pytest.mark.chromium
def test_text_is_shown_as_text(reader: Any) -> None:
    assert reader.locator("h1").text_content() == NASTY
    assert names_shown(reader)[0] == NASTY
    assert reader.locator("#table td").filter(has_text="onerror").text_content() == NASTY


@pytest.mark.chromium
def test_pictures_come_in_the_order_asked_for_some_at_a_time(reader: Any) -> None:
    assert len(names_shown(reader)) == 12
    assert reader.locator("#more").text_content() == "Show more (1 left)"
    reader.locator("#more").click()
    assert len(names_shown(reader)) == 13
    assert not reader.locator("#more").is_visible()
    reader.locator("#order").select_option("best")
    assert names_shown(reader)[0] == "image 11.tif"
    reader.locator("#order").select_option("name")
    assert names_shown(reader)[1:4] == ["image 0.tif", "image 1.tif", "image 2.tif"]


@pytest.mark.chromium
def test_outlines_can_be_hidden(reader: Any) -> None:
    outlines = reader.locator(".shot .stack img:nth-child(2)").first
    assert outlines.is_visible()
    reader.keyboard.press("o")
    assert not outlines.is_visible()
    reader.locator("#lines").check()
    assert outlines.is_visible()


@pytest.mark.chromium
def test_a_picture_opens_large_and_leads_to_the_next(reader: Any) -> None:
    reader.locator(".shot").nth(1).click()
    assert reader.locator("#viewer-name").text_content() == "image 0.tif"
    assert reader.locator("#viewer-stack img").count() == 2
    reader.keyboard.press("ArrowRight")
    assert reader.locator("#viewer-note").text_content() == "AP 0.1 of 1"
    reader.locator("#previous").click()
    reader.locator("#previous").click()
    reader.locator("#previous").click()
    assert reader.locator("#viewer-name").text_content() == "image 11.tif"
    reader.keyboard.press("Escape")
    assert not reader.locator("#viewer").is_visible()


@pytest.mark.chromium
def test_the_table_sorts_with_what_is_missing_last(reader: Any) -> None:
    def column(i: int) -> list[str]:
        return reader.locator(f"#table tbody td:nth-child({i})").all_text_contents()

    reader.get_by_role("button", name="AP@0.5").click()
    assert column(3)[:2] == ["0.65", "0.6"]
    assert column(3)[-1] == "–"
    reader.get_by_role("button", name="AP@0.5").click()
    assert column(3)[:2] == ["0", "0.05"]
    assert column(3)[-1] == "–"
    assert reader.locator("th[aria-sort=ascending]").text_content() == "AP@0.5"
    reader.get_by_role("button", name="image", exact=True).click()
    assert column(1)[1:4] == ["image 0.tif", "image 1.tif", "image 2.tif"]
    reader.locator("#table tbody tr").nth(3).click()
    assert reader.locator("#viewer-name").text_content() == "image 2.tif"


@pytest.mark.chromium
def test_the_sliders_mix_the_maps_over_the_picture(browser: Any, tmp_path: Path) -> None:
    maps = np.zeros((30, 40, 3), np.uint8)
    maps[5:25, 5:20, 0], maps[5:25, 20:35, 1] = 200, 200  # left by the one map, right by the other
    mixed = replace(shot(0), maps=png_uri(maps), mixing={"alpha": 0.9, "threshold": 0.5})
    path = write_label_page(tmp_path / "r.html", [mixed], {"image": (["a.tif"], "file")}, result="heout")
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.goto(path.as_uri())
    page.click(".shot")
    page.wait_for_function("document.getElementById('command').textContent.includes('0.9')")
    seen = []
    for alpha in ("0.9", "0.1"):
        page.locator("#alpha").fill(alpha)
        assert page.locator("#viewer-stack canvas").evaluate("(one) => getComputedStyle(one).visibility") == "visible"
        drawn = "(one, places) => places.map((at) => one.getContext('2d').getImageData(...at, 1, 1).data[3] > 0)"
        seen.append(page.locator("#viewer-stack canvas").evaluate(drawn, [[10, 15], [30, 15], [20, 29]]))
    assert seen == [[True, False, False], [False, True, False]]
    assert page.locator("#command").inner_text() == "coverslip refine heout --alpha 0.1 --threshold 0.5"
    context.close()


@pytest.mark.chromium
def test_a_picture_is_looked_at_closely_and_moved(reader: Any) -> None:
    reader.locator(".shot").first.click()
    picture = reader.locator("#viewer-stack img").first
    whole = picture.bounding_box()
    for _ in range(3):
        reader.click("#nearer")
    near = picture.bounding_box()
    assert near["width"] == pytest.approx(whole["width"] * 1.6**3, rel=0.02)
    assert near["x"] + near["width"] / 2 == pytest.approx(whole["x"] + whole["width"] / 2, abs=2)
    corner = whole["x"] + 5, whole["y"] + 5
    reader.mouse.move(*corner)
    reader.mouse.down()
    reader.mouse.move(corner[0] + 1100, corner[1] + 800, steps=4)
    reader.mouse.up()
    moved = picture.bounding_box()
    assert near["x"] < moved["x"] <= whole["x"] + 1  # no further than its corner
    assert near["y"] < moved["y"] <= whole["y"] + 1
    reader.mouse.move(*corner)
    reader.mouse.wheel(0, 4000)
    reader.wait_for_function("document.getElementById('viewer-zoom').textContent === '1.0 ×'")
    assert picture.bounding_box()["width"] == pytest.approx(whole["width"], rel=0.02)
    reader.keyboard.press("+")
    assert reader.locator("#viewer-zoom").text_content() == "1.6 ×"
    reader.keyboard.press("ArrowRight")
    assert reader.locator("#viewer-zoom").text_content() == "1.0 ×"
