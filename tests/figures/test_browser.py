"""The page as a reader has it: opened from a file, offline, in a real browser."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coverslip.core.results import Embedding
from coverslip.figures import latent_map
from coverslip.figures.thumbnails import thumbnails
from coverslip.results.embedding.page import write_page

pytestmark = pytest.mark.chromium

NASTY = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "=cmd|'/c calc'!A0",
    "{{7*7}} @x $index $$x^2$$",
    "Zellkern µ 核 'quoted', \"double\"\nnew line",
    "</script><b>bold</b>",
)


def nasty_embedding(count: int) -> Embedding:
    names = np.array([NASTY[i % len(NASTY)] for i in range(count)], dtype=object)
    obs = {
        "image": np.array([f"{name} {i}.tif" for i, name in enumerate(names)], dtype=object),
        "label": names,
        "<b>area</b>": np.r_[-1.5, np.arange(1, count) * 0.1],
        "x,y": np.arange(count) * 10,
    }
    grid = np.stack(np.divmod(np.arange(count), 8)[::-1], axis=1).astype(float)
    return Embedding.from_arrays(grid, obs, provenance={"method": NASTY[0], NASTY[1]: NASTY[5]})


class Reader:
    """A page in a browser, with what it asked for and complained about."""

    def __init__(self, browser: Any, path: Path) -> None:
        self.context = browser.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
        self.context.set_offline(True)
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        self.page.on("console", self._heard)
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("body[data-ready]", timeout=60_000)

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def place(self, row: int) -> tuple[float, float]:
        """Where a cell lies on the screen."""
        x, y = self.page.evaluate(
            """(row) => {
              const view = [...Bokeh.index][0];
              const cells = Bokeh.documents[0].get_model_by_name("cells");
              const i = JSON.parse(document.getElementById("data").textContent).order.indexOf(row);
              const box = view.el.getBoundingClientRect();
              return [box.x + view.frame.x_scale.compute(cells.data.x[i]),
                      box.y + view.frame.y_scale.compute(cells.data.y[i])];
            }""",
            row,
        )
        return x, y

    def colour(self, row: int) -> str:
        """The colour a cell is drawn in."""
        return self.page.evaluate(
            """(row) => {
              const i = JSON.parse(document.getElementById("data").textContent).order.indexOf(row);
              return Bokeh.documents[0].get_model_by_name("cells").data.colour[i];
            }""",
            row,
        )

    def lasso(self, rows: list[int], margin: float = 12) -> None:
        """Draw around the box that some cells span."""
        places = np.array([self.place(row) for row in rows])
        (left, top), (right, bottom) = places.min(axis=0) - margin, places.max(axis=0) + margin
        mouse = self.page.mouse
        mouse.move(left, top)
        mouse.down()
        for x, y in ((right, top), (right, bottom), (left, bottom), (left, top)):
            mouse.move(x, y, steps=4)
        mouse.up()
        self.page.wait_for_function("document.getElementById('export').disabled === false")

    def exported(self) -> list[list[str]]:
        """The rows of the CSV that the button gives."""
        with self.page.expect_download() as download:
            self.page.click("#export")
        content = Path(download.value.path()).read_bytes().decode("utf-8-sig")
        return list(csv.reader(io.StringIO(content, newline="")))


@pytest.fixture(scope="module")
def crops(nuclei: np.ndarray) -> np.ndarray:
    return thumbnails(nuclei)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, crops: np.ndarray) -> Path:
    embedding = nasty_embedding(len(crops))
    xy = embedding.latent
    return write_page(
        embedding,
        tmp_path_factory.mktemp("page") / f"report {NASTY[3]}.html",
        thumbnails=crops,
        maps={"Grid": xy, NASTY[1]: xy[:, ::-1] * [1, -2]},
        figures={NASTY[0]: latent_map(xy, embedding.column("x,y"))},
        tables={NASTY[1]: [{NASTY[3]: NASTY[5], "value": (0.5, 0.4, 0.6)}]},
        title=NASTY[0],
        notes=NASTY[1],
    )


@pytest.fixture
def reader(browser: Any, written: Path) -> Iterator[Reader]:
    reader = Reader(browser, written)
    yield reader
    reader.page.wait_for_timeout(50)  # what it still has to say
    reader.context.close()
    assert reader.complaints == []
    assert [url for url in reader.asked if not url.startswith(("file://", "data:", "blob:"))] == []


def test_pointing_at_a_cell_shows_its_picture_and_facts(reader: Reader, crops: np.ndarray) -> None:
    from PIL import Image

    row = 19
    reader.page.mouse.move(*reader.place(row), steps=3)
    picture = reader.page.locator("#card img")
    picture.wait_for(state="visible")
    assert reader.page.locator("#card").get_attribute("data-row") == str(row)
    assert NASTY[row % len(NASTY)] in reader.page.locator("#card dd").all_text_contents()

    seen = Image.open(io.BytesIO(picture.screenshot())).convert("RGB").resize((32, 32), Image.Resampling.BOX)
    difference = np.abs(crops.astype(int) - np.asarray(seen).astype(int)).mean(axis=(1, 2, 3))
    assert difference.argmin() == row
    assert difference[row] < 12


def test_leaving_the_cell_puts_the_picture_away(reader: Reader) -> None:
    reader.page.mouse.move(*reader.place(0), steps=3)
    reader.page.locator("#card").wait_for(state="visible")
    reader.page.mouse.move(5, 5, steps=3)
    reader.page.locator("#card").wait_for(state="hidden")
    assert reader.page.locator("#card").is_hidden()


def test_a_lasso_lists_and_exports_exactly_the_cells_inside(reader: Reader) -> None:
    inside = [9, 10, 11, 17, 18, 19]
    reader.lasso(inside)
    assert reader.page.locator("#chosen-heading").inner_text() == "6 of 48 cells chosen"
    tiles = reader.page.locator("#gallery .pick")
    assert [int(tile.get_attribute("data-row")) for tile in tiles.all()] == inside
    assert tiles.locator("img").count() == 6

    head, *rows = reader.exported()
    assert head == ["id", "image", "label", "<b>area</b>", "x,y"]
    assert [int(row[0]) for row in rows] == inside
    for number, row in zip(inside, rows, strict=True):
        label = NASTY[number % len(NASTY)]
        assert row[2] == ("'" + label if label.startswith("=") else label)
        assert float(row[3]) == pytest.approx(number * 0.1)
        assert int(row[4]) == number * 10


def test_a_lasso_that_begins_beyond_the_cells_and_goes_over_them_does_not_move_the_map(reader: Reader) -> None:
    before = [reader.place(row) for row in (0, 19, 47)]
    (left, top), over, (right, bottom) = before
    mouse = reader.page.mouse
    mouse.move(left - 25, top - 25)
    mouse.down()
    for x, y in ((left - 25, bottom + 25), over, (over[0] + 1, over[1] + 1), (right + 25, bottom + 25)):
        mouse.move(x, y, steps=4)
    mouse.up()
    reader.page.wait_for_function("document.getElementById('export').disabled === false")
    assert [reader.place(row) for row in (0, 19, 47)] == before


def test_a_box_selects_too(reader: Reader) -> None:
    page = reader.page
    page.get_by_title("Box: drag over cells (shift adds)").click()
    (left, top), (right, bottom) = reader.place(8), reader.place(2)
    page.mouse.move(left - 12, top - 12)
    page.mouse.down()
    page.mouse.move(right + 12, bottom + 12, steps=5)
    page.mouse.up()
    page.wait_for_function("document.getElementById('export').disabled === false")
    assert [int(row[0]) for row in reader.exported()[1:]] == [0, 1, 2, 8, 9, 10]


def test_no_exported_cell_is_run_as_a_formula_and_numbers_stay_numbers(reader: Reader) -> None:
    reader.lasso(list(range(48)))
    _, *rows = reader.exported()
    assert len(rows) == 48
    assert not any(field.startswith(("=", "+", "@")) for row in rows for field in row)
    assert rows[0][3] == "-1.5"


def test_a_class_of_the_legend_chooses_its_cells_and_shift_adds(reader: Reader) -> None:
    chips = reader.page.locator("#legend .chip")
    chips.nth(0).click()
    first = {row[2] for row in reader.exported()[1:]}
    chips.nth(1).click(modifiers=["Shift"])
    both = {row[2] for row in reader.exported()[1:]}
    assert (len(first), len(both)) == (1, 2)
    assert first < both
    reader.page.keyboard.press("Escape")
    assert reader.page.locator("#chosen-heading").inner_text() == "Nothing chosen"


def test_colouring_by_a_number_replaces_the_legend_by_a_scale(reader: Reader) -> None:
    before = [reader.colour(row) for row in range(48)]
    assert reader.page.locator("#legend .chip").count() == len(NASTY)
    reader.page.select_option("#colour", "x,y")
    after = [reader.colour(row) for row in range(48)]
    assert len(set(before)) == len(NASTY)
    assert len(set(after)) > 30
    assert (after[0], after[-1]) == ("#440154", "#fde725")  # the ends of viridis
    assert reader.page.locator("#legend .ramp span").all_text_contents() == ["4.7", "465.3"]


def test_another_map_moves_the_cells_and_keeps_the_selection(reader: Reader) -> None:
    reader.lasso([0, 1, 8, 9])
    before = reader.place(1)
    reader.page.locator("#maps button").nth(1).click()
    assert reader.place(1) != before
    assert [int(row[0]) for row in reader.exported()[1:]] == [0, 1, 8, 9]


def test_the_table_lists_the_chosen_cells(reader: Reader) -> None:
    reader.lasso([40, 41, 42])
    reader.page.click("[data-view=table]")
    cells = reader.page.locator("#table tbody tr").first.locator("td")
    assert cells.nth(1).text_content() == "40"
    assert cells.nth(3).text_content() == NASTY[40 % len(NASTY)]


def test_the_ids_of_the_chosen_cells_can_be_copied(reader: Reader) -> None:
    reader.context.grant_permissions(["clipboard-read", "clipboard-write"])
    reader.lasso([4, 5])
    reader.page.click("#copy")
    reader.page.get_by_text("Copied").wait_for()
    assert reader.page.evaluate("navigator.clipboard.readText()") == "4\n5"


def test_names_that_look_like_code_are_shown_as_text(reader: Reader) -> None:
    page = reader.page
    assert page.locator("h1").text_content() == NASTY[0]
    assert page.locator(".lead").text_content() == NASTY[1]
    assert page.locator("#maps button").nth(1).text_content() == NASTY[1]
    assert set(page.locator("#legend .chip b").all_text_contents()) == set(NASTY)
    assert page.locator("figcaption h2").text_content() == NASTY[0]
    assert page.locator("table.numbers th").first.text_content() == NASTY[3]
    assert page.locator("b", has_text="bold").count() == page.locator(".chip b", has_text="bold").count()
    assert page.locator("img[src=x]").count() == 0


def test_the_page_fits_a_narrow_screen(reader: Reader) -> None:
    reader.page.set_viewport_size({"width": 420, "height": 900})
    reader.page.wait_for_timeout(200)
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= 420


def test_a_large_page_opens_and_draws_every_cell(browser: Any, tmp_path: Path, crops: np.ndarray) -> None:
    count = 20_000
    rng = np.random.default_rng(0)
    labels = np.array(["G1", "S", "M"], dtype=object)[rng.integers(0, 3, count)]
    embedding = Embedding.from_arrays(rng.normal(size=(count, 2)), {"label": labels, "area": rng.random(count)})
    pictures = np.resize(crops[:, ::2, ::2], (count, 16, 16, 3))
    reader = Reader(browser, write_page(embedding, tmp_path / "large.html", thumbnails=pictures))
    drawn = reader.page.evaluate("Bokeh.documents[0].get_model_by_name('cells').data.x.length")
    assert drawn == count
    screenshot = reader.page.locator("#plot").screenshot()
    from PIL import Image

    colours = np.asarray(Image.open(io.BytesIO(screenshot)).convert("RGB"))
    assert (colours.min(axis=-1) < 200).mean() > 0.05
    reader.page.locator("#legend .chip").nth(1).click()
    assert reader.page.locator("#chosen-heading").inner_text() == f"{(labels == 'M').sum():,} of 20,000 cells chosen"
    reader.page.keyboard.press("Escape")

    # A pointer that moves or draws must not draw every cell anew, or nobody can follow it. It is counted from when what
    # was chosen before has been drawn.
    reader.page.evaluate(
        """async () => {
          const view = [...Bokeh.index][0];
          const paint = view._paint_primary.bind(view);
          window.painted = 0;
          view._paint_primary = (context) => { window.painted += 1; paint(context); };
          for (let before = -1; before !== window.painted;) {
            before = window.painted;
            await new Promise((done) => setTimeout(done, 500));
          }
          window.painted = 0;
        }"""
    )
    frame = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    x, y = reader.place(0)
    reader.page.mouse.move(x, y)
    reader.page.evaluate(frame)
    assert reader.page.locator("#card").is_visible()
    reader.page.mouse.down()
    for step in ((60, 0), (60, 60), (0, 60)):
        reader.page.mouse.move(x + step[0], y + step[1], steps=4)
        reader.page.evaluate(frame)
    assert reader.page.evaluate("window.painted") == 0
    assert reader.page.locator("#chosen-heading").inner_text() == "Nothing chosen"
    reader.page.mouse.up()
    reader.page.wait_for_function("document.getElementById('export').disabled === false")
    assert reader.page.evaluate("window.painted") > 0
    # The software renderer that headless browsers use remarks on its own speed.
    assert [text for text in reader.complaints if "GPU stall" not in text] == []
    reader.context.close()


def test_of_those_chosen_the_pictured_ones_are_shown_first(
    browser: Any, tmp_path: Path, crops: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coverslip.results.embedding.page.MOST_PICTURES", 5)
    reader = Reader(browser, write_page(nasty_embedding(len(crops)), tmp_path / "few.html", thumbnails=crops))
    reader.lasso(list(range(48)))
    tiles = reader.page.locator("#gallery .pick")
    assert [int(tile.get_attribute("data-row")) for tile in tiles.all()][:7] == [0, 12, 24, 35, 47, 1, 2]
    assert tiles.locator("img").count() == 5
    assert [int(row[0]) for row in reader.exported()[1:]] == list(range(48))
    reader.context.close()
