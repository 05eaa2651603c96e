"""The page of decompositions holds everything, shows text as text, and replays in a browser, offline."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coverslip.core.errors import InputError
from coverslip.results.decomposition.page import write_decomposition_page
from coverslip.results.decomposition.replays import Replay

from .boxes import HEIGHT, WIDTH, replay

NASTY = '</script><img src=x onerror="alert(1)"> µ {{7*7}}'


def page_of(path: Path, replays: list[Replay] | None = None, **options: Any) -> Path:
    columns = {
        "image": (["image 0.tif", "image 1.tif", "image 2.tif"], "file"),
        "explained, %": (np.array([80.0, 90.0, np.nan]), "share"),
    }
    replays = [replay(0), replay(1, right=np.array([1, 2]))] if replays is None else replays
    return write_decomposition_page(path, replays, options.pop("columns", columns), **options)


def data_of(path: Path) -> dict[str, Any]:
    (text,) = re.findall(r'id="data">(.*?)</script>', path.read_text(encoding="utf-8"))
    return json.loads(text)


def test_the_page_refers_to_nothing_outside_itself(tmp_path: Path) -> None:
    html = page_of(tmp_path / "r.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in html
    assert re.findall(r'(?:src|href)="(?!data:)[^"]+"', html) == []
    assert set(re.findall(r"https?://[^\"' ]+", html)) == {"http://www.w3.org/2000/svg"}  # a name, not an address


def test_images_that_cannot_be_replayed_are_said(tmp_path: Path) -> None:
    html = page_of(tmp_path / "r.html").read_text(encoding="utf-8")
    assert "2 of 3 images can be replayed." in html
    assert data_of(tmp_path / "r.html")["columns"][1]["values"] == [80, 90, None]


def test_what_does_not_fit_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the ending \.html"):
        page_of(tmp_path / "r.pdf")
    assert list(tmp_path.iterdir()) == []


# ---- in a browser ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    replays = [replay(0, name=NASTY), replay(1, right=np.array([1, 2]))]
    return page_of(tmp_path_factory.mktemp("page") / "r.html", replays, title=NASTY, notes=NASTY)


@pytest.fixture
def reader(browser: Any, written: Path) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1300, "height": 1600})
    context.set_offline(True)
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(written.as_uri())
    page.wait_for_selector("body[data-ready]")
    yield page
    page.wait_for_timeout(50)
    context.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith(("file://", "data:", "blob:"))] == []


def slide(page: Any, count: int) -> None:
    page.locator("#time").evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }", count
    )


def colour(page: Any, view: str, row: int, column: int) -> list[int]:
    """Red, green and blue of a pixel of a picture."""
    return page.locator(view).evaluate(
        "(canvas, [x, y]) => [...canvas.getContext('2d').getImageData(x, y, 1, 1).data].slice(0, 3)", [column, row]
    )


def click(page: Any, view: str, row: float, column: float) -> None:
    box = page.locator(view).bounding_box()
    page.mouse.click(box["x"] + (column + 0.5) / WIDTH * box["width"], box["y"] + (row + 0.5) / HEIGHT * box["height"])


def facts_of(page: Any) -> dict[str, str]:
    names = page.locator("#facts dt").all_text_contents()
    texts = [" · ".join(one.locator("span").all_text_contents()) for one in page.locator("#facts dd").all()]
    return dict(zip(names, texts, strict=True))


@pytest.mark.chromium
def test_text_is_shown_as_text(reader: Any) -> None:
    assert reader.locator("h1").text_content() == NASTY
    assert reader.locator("#name").text_content() == NASTY
    assert reader.locator("#reel b").first.text_content() == NASTY
    assert reader.locator("img[src=x]").count() == 0


@pytest.mark.chromium
def test_the_slider_builds_the_internal_image_and_empties_the_error(reader: Any) -> None:
    inside = 40, 60  # of the third object, found in the second round
    slide(reader, 0)
    ground = colour(reader, "#internal", *inside)
    red, green, blue = colour(reader, "#error", *inside)
    assert red > green > blue  # amber: not explained
    assert reader.locator("#when").text_content() == "Background only · 0 of 3 objects · 0.0 % explained, loss 10"
    slide(reader, 3)
    assert colour(reader, "#internal", *inside)[0] > ground[0] + 50
    assert colour(reader, "#internal", *inside)[0] == pytest.approx(colour(reader, "#picture", *inside)[0], abs=12)
    assert max(colour(reader, "#error", *inside)) < 0.3 * red
    assert reader.locator("#when").text_content() == "Round 2 of 2 · 3 of 3 objects · 80.0 % explained, loss 2"
    slide(reader, 2)
    assert colour(reader, "#internal", *inside) == ground
    assert reader.locator("#when").text_content() == "Round 1 of 2 · 2 of 3 objects · 40.0 % explained, loss 6"
    slide(reader, 1)  # three quarters of the gain of its round
    assert "≈ 30.0 % explained, loss ≈ 7" in reader.locator("#when").text_content()
    assert reader.locator("#time").get_attribute("aria-valuetext") == reader.locator("#when").text_content()


@pytest.mark.chromium
def test_the_dot_of_the_curve_follows_the_slider(reader: Any) -> None:
    dot = reader.locator("#curves .dot").first
    slide(reader, 3)
    right, high = float(dot.get_attribute("cx")), float(dot.get_attribute("cy"))
    slide(reader, 0)
    left, low = float(dot.get_attribute("cx")), float(dot.get_attribute("cy"))
    assert left < 20
    assert right > 340
    assert high < low  # more is explained
    assert reader.locator("#curves .pass").count() == 2  # one border of passes in either curve


@pytest.mark.chromium
@pytest.mark.parametrize("view", ["#picture", "#internal", "#error"])
def test_a_click_on_an_object_shows_what_it_explains(reader: Any, view: str) -> None:
    click(reader, view, 41, 65)
    assert reader.locator("#object-heading").text_content() == "Object 3"
    facts = facts_of(reader)
    assert facts["Place"] == "row 40.5, column 59.5 px · 20.25, 29.75 µm"
    assert facts["Area"] == "200 px · 50 µm²"
    assert facts["Found in"] == "round 2 of 2 · pass 2"
    assert facts["Gain"] == "10,000 grey values · 20.8 % of all there was to explain"
    assert facts["Confidence"] == "0.75"
    assert facts["Generator"] == "1, a rival"
    assert facts["Overlaps"] == "nothing"
    assert "Truth" not in facts
    assert [path.get_attribute("d") for path in reader.locator(".chosen").all()] == [
        "M50 36h20M50 46h20M50 36v10M70 36v10"
    ] * 3
    crops = reader.locator("#crops canvas")
    assert [crop.get_attribute("aria-label") for crop in crops.all()] == [
        f"Object 3: {what}" for what in ("image", "generated", "left over without it", "left over with it")
    ]
    middle = 12, 17  # the crop has a border of seven pixels
    image = colour(reader, "#crops canvas[data-what='image']", *middle)
    generated = colour(reader, "#crops canvas[data-what='generated']", *middle)
    assert image[0] > generated[0] > 50  # the image has the background too
    without = colour(reader, "#crops canvas[data-what='left over without it']", *middle)
    with_it = colour(reader, "#crops canvas[data-what='left over with it']", *middle)
    assert without[0] > 50
    assert max(with_it) < 0.4 * without[0]


@pytest.mark.chromium
def test_clicks_go_through_objects_that_overlap_and_let_go_beside_them(reader: Any) -> None:
    click(reader, "#picture", 18, 21)
    first = reader.locator("#object-heading").text_content()
    assert facts_of(reader)["Overlaps"] == "14.4 % of it · with 2"
    click(reader, "#picture", 18, 21)
    assert {first, reader.locator("#object-heading").text_content()} == {"Object 1", "Object 2"}
    click(reader, "#picture", 5, 70)
    assert reader.locator("#object-heading").text_content() == "No object chosen"
    assert reader.locator("#object").is_hidden()


@pytest.mark.chromium
def test_keys_go_through_the_objects(reader: Any) -> None:
    reader.locator("#views").focus()
    heading = reader.locator("#object-heading")
    for key, number in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("ArrowLeft", 3)):
        reader.keyboard.press(key)
        assert heading.text_content() == f"Object {number}"
    reader.keyboard.press("Escape")
    assert heading.text_content() == "No object chosen"
    assert heading.get_attribute("aria-live") == "polite"


@pytest.mark.chromium
def test_zoomed_pictures_stay_clickable_and_go_to_what_is_chosen(reader: Any) -> None:
    reader.keyboard.press("ArrowLeft")
    for _ in range(2):
        reader.keyboard.press("+")
    frame = reader.locator("#picture").locator("xpath=../..").bounding_box()
    assert reader.locator("#picture").bounding_box()["width"] == pytest.approx(4 * frame["width"], rel=0.01)
    reader.keyboard.press("Escape")
    reader.mouse.click(frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2)
    assert reader.locator("#object-heading").text_content() == "Object 3"
    reader.locator("#out").click()
    reader.locator("#out").click()
    assert reader.locator("#out").is_disabled()


@pytest.mark.chromium
def test_a_region_that_is_not_explained_is_shown_in_the_pictures(reader: Any) -> None:
    region = reader.locator("#regions button")
    assert region.count() == 1
    assert "column 14" in region.text_content() or "column 15" in region.text_content()
    region.click()
    assert region.get_attribute("aria-pressed") == "true"
    path = reader.locator(".chosen").first.get_attribute("d")
    x, y, width, height = map(float, re.fullmatch(r"M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)h-[\d.]+z", path).groups())
    assert y < 40
    assert y + height > 50
    assert x < 8
    assert x + width > 22


@pytest.mark.chromium
def test_playing_ends_with_every_object(reader: Any) -> None:
    reader.locator("#play").click()
    assert reader.locator("#play").text_content() == "❚❚ Pause"
    assert int(reader.locator("#time").input_value()) < 3
    reader.get_by_text("▶ Play").wait_for()
    assert reader.locator("#time").input_value() == "3"


@pytest.mark.chromium
def test_another_image_is_opened_from_the_reel_and_from_the_table(reader: Any) -> None:
    reader.locator("#reel button").nth(1).click()
    reader.wait_for_selector("#views[data-image='1']")
    assert reader.locator("#name").text_content() == "image 1.tif"
    assert reader.locator("#reel [aria-current=true]").count() == 1
    click(reader, "#picture", 41, 65)
    assert facts_of(reader)["Truth"] == "matches no true object"
    reader.keyboard.press("o")
    assert reader.locator("#falsely").is_visible()
    assert reader.locator(".line.false").count() == 3  # one outline in each picture
    reader.locator("#table tbody tr").first.click()
    reader.wait_for_selector("#views[data-image='0']")
    assert reader.locator("#falsely").is_hidden()


@pytest.mark.chromium
def test_the_page_fits_a_narrow_screen(reader: Any) -> None:
    reader.set_viewport_size({"width": 400, "height": 850})
    reader.wait_for_timeout(200)
    assert reader.evaluate("document.documentElement.scrollWidth") <= 400
