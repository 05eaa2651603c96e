"""A slide store is its own index: patches are found by patch, by region and by slide, and drawn on the tissue."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import coverslip as cs
from coverslip.cli import main
from coverslip.core import InputError, Region
from coverslip.io.index.store import Index
from coverslip.read import read_embedding, read_table
from coverslip.results.slide_store.store import open_store
from coverslip.results.slide_store.vectors import embed, vectors
from coverslip.samples.slides.chosen import Patches

from .test_slide_stores import drawn, made, model, slide  # noqa: F401

PATCHES = Patches(128)


@pytest.fixture(scope="module")
def index(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Index:  # noqa: F811
    """Of two slides: the store, and a copy of it under another name."""
    folder = tmp_path_factory.mktemp("index")
    other = shutil.copytree(made, folder / "other.cslip.zarr")
    return cs.index(folder / "slides.index", [made, other], patch=128)


def test_patches_of_a_store_are_tissue_with_a_place_in_micrometres(index: Index, made: Path) -> None:  # noqa: F811
    found, notes = vectors(open_store(made), PATCHES)
    assert not notes
    assert len(index) == 2 * len(found)
    windows = [Region.parse(text) for text in found.column("window_px")]
    assert {(w.y, w.x) for w in windows} >= {(y, x) for y in range(0, 1200, 128) for x in range(0, 1100, 128)}
    assert max(window.stop_x for window in windows) <= 1536  # from there on tiles are glass
    np.testing.assert_allclose(found.column("x_um"), [0.5 * (w.x + 64) for w in windows])
    np.testing.assert_allclose(np.square(found.latent).sum(1), 1 + 0.3**2, rtol=1e-5)


def test_pixels_are_embedded_nearly_as_the_store_of_them_is(made: Path, model: Path, slide: Path) -> None:  # noqa: F811
    store = open_store(made)
    kept, _ = vectors(store, PATCHES)
    fresh, _ = embed(cs.load(model), slide, PATCHES, level=store.facts["level"])
    of_kept, of_fresh = (dict(zip(e.column("window_px"), e.latent, strict=True)) for e in (kept, fresh))
    both = sorted(set(of_kept) & set(of_fresh))
    assert len(both) >= 90
    # What a latent is rounded to depends on those beside it, which at the edge of a patch are other ones.
    alike = [of_fresh[w] @ of_kept[w] / (1 + 0.3**2) for w in both]
    apart = [of_fresh[one] @ of_kept[other] / (1 + 0.3**2) for one, other in pairwise(both)]
    assert min(alike) > 0.998
    assert np.mean(apart) < 0.99


def test_a_region_finds_what_is_like_it_and_never_itself(index: Index, made: Path, tmp_path: Path) -> None:  # noqa: F811
    table, page = tmp_path / "hits.csv", tmp_path / "hits.html"
    asked = [str(index.folder), str(made), "--region", "0,0,60,60", "--where", "slide = slide"]
    assert main(["search", *asked, "--top", "2", "-o", str(table), "-o", str(page)]) == 0
    found = read_table(table)
    assert "pictures are not shown" not in page.read_text()
    assert set(found["query"]) == {0}
    assert len(found["x_um"]) == 2
    every = cs.search(index, made, region="0,0,60,60", where="slide = slide", top=1000).rows
    assert len(every["id"]) == len(index) // 2 - 1
    assert not ((every["x_um"] < 60) & (every["y_um"] < 60)).any()
    for far in ("1000,100,50,50", "9000,9000,50,50"):
        with pytest.raises(InputError, match="There is no tissue in"):
            cs.search(index, made, region=far)


def test_a_patch_is_found_in_the_other_slide(index: Index, made: Path, slide: Path) -> None:  # noqa: F811
    hits = cs.search(index, made, top=1, apart=["slide"])
    assert set(hits.rows["slide"]) == {"other"}
    assert hits.distance.max() < 1e-5
    own, _ = vectors(open_store(made), PATCHES)
    tissue = own.column("x_um") < 500  # beyond, some are nothing but glass, all alike
    assert list(hits.rows["window_px"][tissue]) == list(own.column("window_px")[tissue])
    pixels = cs.open_image(slide).read()[:, 128:256, 256:384]
    one = cs.search(index, pixels, top=1)
    assert one.rows["window_px"].tolist() == ["y128x256h128w128"]


def test_slides_are_found_as_a_whole(index: Index, made: Path) -> None:  # noqa: F811
    hits = cs.search(index, made, by="slide")
    assert hits.rows["slide"].tolist() == ["other"]
    assert hits.distance[0] == pytest.approx(0, abs=1e-5)


def test_what_is_damaged_is_left_out_and_said(made: Path, tmp_path: Path) -> None:  # noqa: F811
    store = Path(shutil.copytree(made, tmp_path / "slide.cslip.zarr"))
    path = store / "0" / "c" / "0" / "0" / "0"
    data = bytearray(path.read_bytes())
    data[80] ^= 1
    path.write_bytes(data)
    notes: list[str] = []
    found = cs.index(tmp_path / "slides.index", store, patch=256, notes=notes)
    whole, _ = vectors(open_store(made), Patches())
    assert len(found) == len(whole) - 4
    assert len(notes) == 4
    assert "y0x256h256w256 is left out: The checksum" in notes[1]


def test_other_patches_and_other_models_are_refused(
    index: Index,
    made: Path,  # noqa: F811
    model: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    with pytest.raises(InputError, match="patches of 128 pixels, and these are of 256"):
        cs.index(index.folder, made, patch=256)
    known = cs.load(model)
    weights = {**known.weights, "steps": known.weights["steps"] * 2}
    other = cs.read.Model("slide_codec", known.config, weights, facts={}).save(tmp_path / "other")
    with pytest.raises(InputError, match="another index"):
        cs.index(index.folder, drawn()[:300, :400].transpose(2, 0, 1).copy(), model=other, patch=128)


def test_an_index_becomes_a_map_and_is_drawn_on_the_tissue(index: Index, tmp_path: Path) -> None:
    out, page, figures = tmp_path / "slides.h5ad", tmp_path / "map.html", tmp_path / "figures"
    assert main(["index", str(index.folder), "--out", str(out), "--where", "slide = slide and y_um < 150"]) == 0
    found = read_embedding(out)
    assert set(found.column("slide").astype(str)) == {"slide"}
    assert found.column("y_um").max() < 150
    assert found.adata.obs_names[1] == "slide_y0x128h128w128"
    assert found.adata.obsm["spatial"].shape == (len(found), 2)
    assert main(["report", str(out), "--out", str(page), "--figures", str(figures)]) == 0
    assert "On the tissue" in page.read_text()
    assert (figures / "on-the-tissue.png").stat().st_size > 10_000
