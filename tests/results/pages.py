"""One small page of every kind, each as its verb writes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tests.rank.example import plates

import coverslip as cs
from coverslip.core import ClassScores, Detections, Embedding, Image
from coverslip.figures import latent_map
from coverslip.figures.document import write_document
from coverslip.figures.encode import png_uri, webp_uri
from coverslip.figures.overlays import FALSE, MISSED, RIGHT, draw_overlay
from coverslip.read import write_image_tiff
from coverslip.results import slide_store as slide_stores
from coverslip.results.decomposition.page import write_decomposition_page
from coverslip.results.detections.folder import write_value
from coverslip.results.embedding.page import write_page
from coverslip.results.labels.page import Shot, write_label_page
from coverslip.study.page import write_study_page
from coverslip.verbs.search import search_to_file

from .boxes import replay

_CARD = "# unet\n\nFinds *nuclei*.\n\n## Limits\n\n| what | AP |\n|---|---|\n| smears | 0.1 |\n\n- `code`\n"
_TABLES = {"Measured": [{"measure": "ap50", "all together": (0.8, 0.75, 0.85)}, {"measure": "f1", "all together": 0.9}]}
_FACTS = {"seed": 3, "inputs": {"folder": "/images", "sheet": "sheet.csv"}}


def _images(folder: Path, count: int) -> list[str]:
    rng = np.random.default_rng(0)
    for i in range(count):
        write_image_tiff(rng.integers(0, 9000, (12, 12)).astype(np.uint16), folder / f"{i}.tif")
    return [f"{i}.tif" for i in range(count)]


def _cells(count: int = 60) -> Embedding:
    rng = np.random.default_rng(0)
    cluster = np.arange(count) % 3
    latent = rng.normal(size=(count, 3)) + 4 * cluster[:, None]
    columns = {"image": np.array([f"{i}.tif" for i in range(count)], object), "cluster": (cluster + 1).astype(str)}
    return Embedding.from_arrays(latent, {**columns, "area": rng.random(count)}, provenance=dict(_FACTS))


def embedding(path: Path) -> Path:
    """Cells with pictures, clusters to name, a figure, a table."""
    cells = _cells()
    pictures = np.random.default_rng(0).integers(0, 255, (len(cells), 8, 8, 3)).astype(np.uint8)
    figures = {"Map": (latent_map(cells.latent[:, :2]), "What each place is.")}
    return write_page(
        cells, path, thumbnails=pictures, figures=figures, tables=_TABLES, notes="60 cells.", title="Cells"
    )


def labels(path: Path) -> Path:
    """Outlines over images, right and wrong, with the sliders of two maps."""
    drawn = np.zeros((30, 40), np.uint8)
    drawn[5:12, 5:12], drawn[15:25, 20:30], drawn[2:6, 30:36] = 1, 2, 3
    judged = {RIGHT: np.array([1]), FALSE: np.array([2]), MISSED: np.array([3])}
    shots = []
    for i in range(14):
        overlay = draw_overlay(Image.from_array(drawn * 50 + i, "YX"), drawn, judged)
        maps = png_uri(np.stack([drawn * 60, drawn * 80, 0 * drawn], -1))
        shots.append(Shot(f"image {i}.tif", "AP 0.5 · 3 found", i, overlay, maps, {"alpha": 0.4, "threshold": 0.5}))
    columns: dict[str, Any] = {
        "image": ([shot.name for shot in shots], "file"),
        "AP@0.5": (np.linspace(0, 1, 14), "precision"),
    }
    facts = [("0.801", "AP", "0.760 – 0.831"), ("14", "images", "")]
    return write_label_page(
        path, shots, columns, measured=True, facts=facts, tables=_TABLES, card=_CARD, provenance=_FACTS, notes="Look."
    )


def decomposition(path: Path) -> Path:
    """Two images that grow again, object by object."""
    columns = {"image": (["0.tif", "1.tif"], "file"), "explained, %": (np.array([80.0, 90.0]), "share")}
    replays = [replay(0), replay(1, right=np.array([1, 2]))]
    return write_decomposition_page(path, replays, columns, card=_CARD, provenance=_FACTS)


def scores(path: Path) -> Path:
    """Six images of three classes, one called wrongly, three unsure."""
    sure = [[0.8, 0.1, 0.1], [0.6, 0.1, 0.3], [0.2, 0.7, 0.1], [0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.3, 0.1, 0.6]]
    probability = np.array(sure, np.float32)
    obs = {
        "image": np.array(_images(path.parent, 6), object),
        "label": np.array(["G1", "G1", "M", "M", "S", "S"], object),
    }
    facts = {"kind": "scores", "inputs": {"folder": str(path.parent)}}
    found = ClassScores(("G1", "M", "S"), probability, obs, probability / 2, 0.1, True, facts)
    return cs.write_report(found, path)


def ranking(path: Path) -> Path:
    """Treatments in order, with wells, doses and pictures."""
    known = plates(2, wells=4)
    obs = known.adata.obs
    obs["concentration"] = obs.pop("dose")
    obs["treatment"] = obs["label"].astype(str)
    obs["image"] = _images(path.parent, len(known))
    known.adata.uns["coverslip"] = {"kind": "embedding", "inputs": {"folder": str(path.parent)}}
    found = cs.predict(cs.fit("rank", known, {"restarts": 1}), known)
    return cs.write_report(found, path, images=path.parent)


def search(path: Path) -> Path:
    """Each query beside what is most like it."""
    cells = _cells(12)
    _images(path.parent, 12)
    cells.adata.uns["coverslip"] = {"kind": "embedding", "inputs": {"folder": str(path.parent)}}
    index = cs.index(path.parent / "cells.index", [cells])
    search_to_file(index, cells, out=[path], top=2)
    return path


def study(path: Path) -> Path:
    """A figure, a table, what was asked."""
    figure = latent_map(_cells().latent[:, :2])
    return write_study_page(
        path.parent,
        title="Learning curve",
        notes=["How many fields are needed."],
        facts=[("0.8", "AP")],
        figures={"Curve": (figure, "Dots are fits.")},
        tables=_TABLES,
        provenance=_FACTS,
    )


def detections(path: Path) -> Path:
    """Cells and their classes in two sections, beside a truth that differs."""
    names = _images(path.parent, 2)
    boxes = np.array([[1.0, 1, 5, 5], [6, 6, 11, 10]])
    outlines = tuple((np.array([[x, y], [x, below], [right, below], [right, y]]),) for x, y, right, below in boxes)
    classes, codes, score = ("round", "long"), np.array([0, 1]), np.array([0.9, 0.6])
    facts = {"kind": "detections", **_FACTS}
    found = [
        Detections(classes, boxes, codes, score, str(path.parent / name), (12, 12), None, facts, outlines=outlines)
        for name in names
    ]
    return cs.write_report(write_value(found, path.parent / "cells"), path)


def slide_store(path: Path) -> Path:
    """Squares of a slide before and after."""
    squares = [webp_uri(np.random.default_rng(i).integers(0, 255, (24, 24, 3)).astype(np.uint8)) for i in range(2)]
    pair = {"before": squares[0], "after": squares[1], "before_zoom": squares[0], "after_zoom": squares[1]}
    return write_document(
        path,
        Path(slide_stores.__file__).parent / "assets" / "slide_store.html",
        title="Compressed slide",
        notes=["The slide lost little."],
        facts=[("1:80", "of the pixels, all bytes counted")],
        tables=_TABLES,
        card=_CARD,
        provenance=_FACTS,
        pairs=[{"words": f"Row {i}, column 0: PSNR 30", **pair} for i in range(2)],
        side=24,
    )


KINDS: dict[str, Callable[[Path], Path]] = {
    maker.__name__: maker
    for maker in (embedding, labels, decomposition, scores, ranking, detections, slide_store, search, study)
}
