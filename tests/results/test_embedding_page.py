"""The page holds everything, shows text as text, and is never half-written. (The browser's view: test_browser.py.)"""

from __future__ import annotations

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coverslip.core.errors import InputError
from coverslip.core.results import Embedding
from coverslip.figures.columns import describe_column
from coverslip.figures.encode import column_json, script_json, webp_pictures
from coverslip.figures.thumbnails import thumbnails
from coverslip.results.embedding import page as page_module
from coverslip.results.embedding.page import write_page


def embedding_of(count: int, **columns: Any) -> Embedding:
    latent = np.random.default_rng(0).normal(size=(count, 4))
    return Embedding.from_arrays(latent, columns or {"area": np.arange(count) / 2})


class Parts(HTMLParser):
    """The elements of a page with their attributes, and the text of each script."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script":
            self.scripts.append(data)

    @property
    def data(self) -> dict[str, Any]:
        return json.loads(self.scripts[0])


def parts_of(path: Path) -> Parts:
    return Parts(path.read_text(encoding="utf-8"))


def test_the_page_refers_to_nothing_outside_itself(tmp_path: Path, nuclei: np.ndarray) -> None:
    parts = parts_of(write_page(embedding_of(len(nuclei)), tmp_path / "r.html", thumbnails=thumbnails(nuclei)))
    links = [value for _, attributes in parts.tags for key, value in attributes.items() if key in ("src", "href")]
    assert links == ["data:,"]
    policy = next(attributes["content"] for tag, attributes in parts.tags if "http-equiv" in attributes)
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy  # so that the default holds: nothing


def test_the_pictures_are_those_of_the_cells(tmp_path: Path, nuclei: np.ndarray) -> None:
    from PIL import Image

    pictures = thumbnails(nuclei)
    data = parts_of(write_page(embedding_of(len(nuclei)), tmp_path / "r.html", thumbnails=pictures)).data
    assert data["pictured"] == list(range(len(nuclei)))
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(data["pictures"][7]))).resize((32, 32)))
    assert np.abs(shown.astype(int) - pictures[7]).mean() < 8
    assert np.abs(shown.astype(int) - pictures[8]).mean() > 16


def test_a_page_of_2000_cells_is_at_most_10_mb(tmp_path: Path, nuclei: np.ndarray) -> None:
    pictures = np.resize(thumbnails(nuclei), (2000, 32, 32, 3))
    path = write_page(embedding_of(2000), tmp_path / "r.html", thumbnails=pictures)
    assert path.stat().st_size <= 10e6


def test_beyond_a_number_pictures_are_sampled_evenly_and_the_page_says_so(
    tmp_path: Path, nuclei: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "MOST_PICTURES", 12)
    path = write_page(embedding_of(len(nuclei)), tmp_path / "r.html", thumbnails=thumbnails(nuclei))
    data = parts_of(path).data
    assert len(data["pictures"]) == len(data["pictured"]) == 12
    assert np.ptp(np.diff(data["pictured"])) <= 1
    assert len(data["ids"]) == 48
    assert "an even sample: 12 of 48" in path.read_text(encoding="utf-8")


def test_large_pictures_are_fewer_so_that_the_page_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "MOST_BYTES", 1_500_000)
    noise = np.random.default_rng(0).integers(0, 256, (400, 64, 64, 3), dtype=np.uint8)  # 7 kB each
    path = write_page(embedding_of(400), tmp_path / "r.html", thumbnails=noise)
    found = parts_of(path).data["pictures"]
    assert 150 < len(found) < 250
    assert sum(map(len, found)) < 1_500_000
    assert f"an even sample: {len(found)} of 400" in path.read_text(encoding="utf-8")


@given(st.text())
def test_no_text_ends_a_script_or_is_changed_by_it(text: str) -> None:
    written = script_json({"label": text})
    assert not re.search("[<>&\u2028\u2029]", written)
    assert json.loads(written) == {"label": text}


def test_numbers_reach_the_page_as_they_are() -> None:
    assert column_json(describe_column("x", np.array([0.1, np.nan, np.inf], dtype=np.float32)))["values"] == [
        0.1,
        None,
        None,
    ]


def test_the_map_is_coloured_by_the_label_first(tmp_path: Path) -> None:
    embedding = embedding_of(30, area=np.arange(30) / 2, label=np.array(["a", "b"] * 15, dtype=object))
    data = parts_of(write_page(embedding, tmp_path / "r.html")).data
    assert (data["first"], data["hover"]) == ("label", ["label", "area"])
    assert [one["name"] for one in data["maps"]] == ["PCA"]
    assert sorted(data["order"]) == list(range(30))


def test_a_umap_of_the_result_is_offered_and_none_is_made(tmp_path: Path) -> None:
    embedding = embedding_of(30)
    embedding.adata.obsm["X_umap"] = np.arange(60.0).reshape(30, 2)
    data = parts_of(write_page(embedding, tmp_path / "r.html")).data
    assert [one["name"] for one in data["maps"]] == ["PCA", "UMAP"]
    assert data["maps"][1]["xy"][1][:3] == [1, 3, 5]


def test_tables_show_intervals_and_figures_their_captions(tmp_path: Path) -> None:
    from coverslip.figures import kl_per_dimension

    path = write_page(
        embedding_of(20),
        tmp_path / "r.html",
        figures={"KL <b>": (kl_per_dimension(np.array([1.0, 2.0])), "per dimension"), "PNG": b"\x89PNG"},
        tables={"Probe": [{"features": "VAE & co", "accuracy": (0.6123, 0.58, 0.6451)}, {"features": "raw", "n": 5}]},
    )
    html = path.read_text(encoding="utf-8")
    assert '<td class="number">0.612 <span class="interval">0.580 – 0.645</span></td>' in html
    assert "VAE &amp; co" in html
    assert "KL &lt;b&gt;" in html
    assert "data:image/png;base64,iVBORw0KGgo" in html
    assert "data:image/png;base64,iVBORw==" in html


def test_provenance_is_listed_with_dotted_names(tmp_path: Path) -> None:
    provenance = {"seed": 3, "inputs": [{"path": "<a>.tif", "sha256": "ff"}], "versions": {"numpy": "2"}}
    embedding = Embedding.from_arrays(np.eye(6), {"a": np.arange(6)}, provenance=provenance)
    html = write_page(embedding, tmp_path / "r.html").read_text(encoding="utf-8")
    rows = re.findall(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td></tr>', html)
    assert rows == [
        ("seed", "3"),
        ("inputs 1.path", "&lt;a&gt;.tif"),
        ("inputs 1.sha256", "ff"),
        ("versions.numpy", "2"),
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"thumbnails": np.zeros((3, 8, 8, 3), np.uint8)}, r"one per sample, not uint8 \(3, 8, 8, 3\)"),
        ({"thumbnails": np.zeros((9, 8, 8, 3))}, "not float64"),
        ({"colour_by": "phase"}, "no column 'phase' in this embedding; it has: area"),
        ({"hover": ["phase"]}, "no column 'phase'"),
        ({"maps": {"t-SNE": np.full((9, 2), np.nan)}}, "The map 't-SNE' must be finite"),
        ({"maps": {}}, "at least one map"),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_is_written(options: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        write_page(embedding_of(9), tmp_path / "r.html", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_page_is_html_and_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the ending \.html"):
        write_page(embedding_of(9), tmp_path / "r.pdf")
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    (tmp_path / "r.html").mkdir()
    with pytest.raises(InputError, match=r"r\.html is a folder"):
        write_page(embedding_of(9), tmp_path / "r.html")


def test_the_rows_of_an_evaluation_are_shown_with_their_intervals(tmp_path: Path) -> None:
    from coverslip.measure.embeddings.evaluate import Evaluation, Row
    from coverslip.measure.intervals import Interval

    found = Evaluation((Row("latent", "ARI", 0.31, 0.28, 0.34, 90), Row("latent", "MIG", 0.2, np.nan, np.nan, 90)))
    tables = {"Evaluation": found.records(), "Probe": [{"accuracy": Interval(0.5, 0.4, 0.6, 90)}]}
    html = write_page(embedding_of(9), tmp_path / "r.html", tables=tables).read_text(encoding="utf-8")
    assert re.findall(r"<th>(.*?)</th>", html) == ["features", "measure", "value", "n", "note", "accuracy"]
    assert re.findall(r'<span class="interval">(.*?)</span>', html) == ["0.280 – 0.340", "0.400 – 0.600"]


def test_an_empty_embedding_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no sample"):
        write_page(Embedding.from_arrays(np.zeros((0, 2)), {}), tmp_path / "r.html")


def test_one_cell_without_columns_is_a_page_too(tmp_path: Path) -> None:
    data = parts_of(write_page(Embedding.from_arrays(np.ones((1, 3)), {}), tmp_path / "r.html")).data
    assert (data["first"], data["columns"], data["maps"][0]["xy"]) == (None, [], [[0], [0]])


def test_large_pictures_are_made_small() -> None:
    from PIL import Image

    (encoded,) = webp_pictures(np.zeros((1, 300, 150, 3), dtype=np.uint8))
    assert Image.open(io.BytesIO(base64.b64decode(encoded))).size == (48, 96)
