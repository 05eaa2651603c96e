"""Slide stores: pixels at any window, glass for nothing, and damage that is named."""

from __future__ import annotations

import json
import re
import shutil
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
import zarr

import coverslip as cs
from coverslip.cli import main
from coverslip.core import CoverslipError, InputError, Region, resident_memory
from coverslip.core.cores import cores
from coverslip.io import open_slide, read_table, write_image_tiff
from coverslip.methods.slide_codec.config import Config
from coverslip.methods.slide_codec.freezing import frozen
from coverslip.methods.slide_codec.model import Codec, begin, middle
from coverslip.napari.reading import reader_of
from coverslip.results.slide_store import encoder
from coverslip.results.slide_store.codec import SlideCodec
from coverslip.results.slide_store.container import Damaged, packed, unpacked
from coverslip.results.slide_store.store import SlideStore, open_store

CONFIG = Config(latent=12, fine=8, coarse=8, prior=8)
HEIGHT, WIDTH = 1300, 2300
GLASS = (241, 238, 242)


def drawn() -> np.ndarray:
    """A slide ``(H, W, 3)``: tissue to the left, glass to the right."""
    from scipy import ndimage

    rng = np.random.default_rng(0)
    coarse = sum(ndimage.gaussian_filter(rng.normal(size=(HEIGHT // 4, 300)), s) * s for s in (1, 4))
    stain = np.exp(-np.clip(coarse + 0.6, 0.2, 3)[..., None] * np.array([0.5, 0.9, 0.4]))
    tissue = np.kron((235 * stain).astype(np.uint8), np.ones((4, 4, 1), np.uint8))
    slide = np.full((HEIGHT, WIDTH, 3), GLASS, np.uint8)
    slide[:, : tissue.shape[1]] = tissue
    return slide


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    net = Codec(CONFIG)
    pixels = torch.from_numpy(drawn()[:512, :512]).permute(2, 0, 1).float() / 255
    begin(net, pixels.unfold(1, 16, 16).unfold(2, 16, 16).permute(1, 2, 0, 3, 4).reshape(-1, 3, 16, 16), middle(CONFIG))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.01 * torch.randn_like(parameter)
    weights = frozen(net, CONFIG, [pixels[None, :, :192, :192]] * 5)
    return cs.read.Model("slide_codec", CONFIG, weights, facts={}).save(tmp_path_factory.mktemp("codec") / "model")


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("slide") / "slide.tif"
    tifffile.imwrite(
        path, drawn(), photometric="rgb", tile=(256, 256), compression="zlib", resolution=(20_000, 20_000),
        resolutionunit="CENTIMETER",
    )  # fmt: skip
    return path


@pytest.fixture(scope="module")
def made(model: Path, slide: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("store") / "slide.cslip.zarr"
    assert main(["predict", str(model), str(slide), "--out", str(out), "--ratio", "60"]) == 0
    return out


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Path:
    """A copy that may be harmed."""
    return Path(shutil.copytree(made, tmp_path / made.name))


@pytest.fixture(scope="module")
def whole(made: Path) -> np.ndarray:
    return open_store(made).slide.read(Region(0, 0, HEIGHT, WIDTH))


def test_a_store_opens_like_its_slide(made: Path, slide: Path) -> None:
    found, original = open_store(made).slide, open_slide(slide)
    assert (found.height, found.width, len(found.levels)) == (HEIGHT, WIDTH, 2)
    assert found.pixel_size == original.pixel_size
    assert cs.results.opened(made)[0].name == "slide_store"
    image = cs.open_image(made, level=1)
    assert image.shape == (3, 325, 575)
    assert image.pixel_size is not None
    assert image.pixel_size.x == pytest.approx(2)


def test_napari_shows_it_at_all_resolutions(made: Path, whole: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coverslip.io.layers._HELD", 0)  # as if it were large
    reader = reader_of(str(made))
    assert reader is not None
    ((levels, settings, kind),) = reader(str(made))
    assert (settings["name"], settings["rgb"], settings["multiscale"], kind) == ("slide", True, True, "image")
    assert [level.shape for level in levels] == [(HEIGHT, WIDTH, 3), (325, 575, 3)]
    assert np.array_equal(np.asarray(levels[0][500:520, 490:530]), whole[500:520, 490:530])
    manifest = resources.files("coverslip.napari").joinpath("napari.yaml").read_text("utf-8")
    assert '"*.cslip.zarr"' in manifest  # else napari's own reader takes the folder


def test_stores_made_before_borders_were_finer_decode_as_they_did(made: Path) -> None:
    facts = open_store(made).codec.to_dict()
    assert facts["configuration"].pop("border") > 0
    assert SlideCodec.from_dict(facts).border == 0


def test_it_is_as_small_as_was_asked_for_and_shows_the_slide(made: Path, whole: np.ndarray) -> None:
    facts = open_store(made).facts
    tissue = HEIGHT * 1200 * 3
    assert tissue / 150 < facts["stream_bytes"] < tissue / 60 * 1.05
    assert np.corrcoef(whole[:, :1200].ravel(), drawn()[:, :1200].ravel())[0, 1] > 0.55


def test_windows_are_parts_of_the_whole_wherever_they_lie(made: Path, whole: np.ndarray) -> None:
    slide = open_store(made).slide
    for y, x, height, width in ((0, 0, 40, 40), (500, 490, 30, 600), (1290, 1000, 10, 300), (1007, 3, 1, 1)):
        window = slide.read(Region(y, x, height, width))
        assert np.array_equal(window, whole[y : y + height, x : x + width])


def test_zarr_reads_pixels_by_itself(made: Path, whole: np.ndarray) -> None:
    array = zarr.open_group(str(made), mode="r")["0"]
    assert np.array_equal(array[1, 600:700:7, 30], whole[600:700:7, 30, 1])
    assert np.array_equal(array.oindex[[0, 2], 5:9, [3, 1]], whole[5:9, [3, 1]][..., [0, 2]].transpose(2, 0, 1))
    assert array[2, HEIGHT - 1, WIDTH - 1] == whole[-1, -1, 2]
    with pytest.raises(InputError, match="coverslip predict"):
        zarr.open_group(str(made), mode="r+")["0"][:] = 0


def test_glass_costs_nothing_and_is_as_white_as_that_of_the_slide(made: Path, whole: np.ndarray) -> None:
    assert (whole[:, 1600:] == GLASS).all()
    facts = open_store(made).facts
    assert facts["glass_tiles"] >= 6
    assert facts["glass_bytes"] <= 0.001 * facts["stream_bytes"] + 4 * facts["glass_tiles"]
    assert packed([b""] * 16) == packed([])
    assert len(packed([])) == 10


def test_a_missing_chunk_is_named_and_the_rest_is_read(store: Path, whole: np.ndarray) -> None:
    (store / "0" / "c" / "0" / "0" / "1").unlink()
    found = open_store(store)
    assert list(found.damage()) == ["the chunk 0/c/0/0/1 is missing"]
    with pytest.raises(InputError, match="c/0/0/1' is missing"):
        found.slide.read(Region(0, 2040, 20, 20))
    assert np.array_equal(found.slide.read(Region(100, 100, 300, 300)), whole[100:400, 100:400])


def test_a_damaged_tile_is_named_and_the_rest_is_read(store: Path, whole: np.ndarray, tmp_path: Path) -> None:
    path = store / "0" / "c" / "0" / "0" / "0"
    data = bytearray(path.read_bytes())
    data[80] ^= 1
    path.write_bytes(data)
    found = open_store(store)
    assert list(found.damage()) == ["level 0: the tile from row 0, column 0 is damaged"]
    with pytest.raises(InputError, match=r"tile 0, 0 .* is damaged.*checksum"):
        found.slide.read(Region(10, 10, 20, 20))
    assert np.array_equal(found.slide.read(Region(1100, 1100, 99, 99)), whole[1100:1199, 1100:1199])
    written = cs.decode(store, tmp_path / "slide.ome.tif")
    assert "rows from 0, columns from 0 are white" in written.notes[0]
    decoded = tifffile.imread(tmp_path / "slide.ome.tif")
    assert (decoded[:512, :512] == 255).all()
    assert np.array_equal(decoded[1100:, 600:], whole[1100:, 600:])


def test_a_chunk_cut_short_loses_only_what_is_gone() -> None:
    streams = [b"abcdefgh" * 3] * 16
    chunk = packed(streams)
    assert unpacked(chunk, 16) == streams
    assert unpacked(chunk[:-30], 16)[:14] == streams[:14]
    assert unpacked(chunk[:-30], 16)[15] != b""
    for harmed in (b"", chunk[:7], b"zip!" + chunk, chunk[:6] + b"\x01" + chunk[7:]):
        with pytest.raises(Damaged):
            unpacked(harmed, 16)


def test_another_model_is_refused(store: Path) -> None:
    for level in "01":
        path = store / level / "zarr.json"
        facts = json.loads(path.read_text())
        facts["codecs"][0]["configuration"]["model"]["sha256"] = "0" * 64
        path.write_text(json.dumps(facts))
    with pytest.raises(CoverslipError, match="another one"):
        open_store(store).slide.read(Region(0, 0, 8, 8))


def test_a_model_that_was_changed_is_refused(store: Path) -> None:
    path = store / "model" / "weights.safetensors"
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    from coverslip.results.slide_store import used

    used._KEPT.clear()
    with pytest.raises(CoverslipError):
        open_store(store).slide.read(Region(0, 0, 8, 8))


def test_it_decodes_to_a_pyramid(made: Path, whole: np.ndarray, tmp_path: Path) -> None:
    out = tmp_path / "slide.ome.tif"
    assert main(["decode", str(made), "--out", str(out)]) == 0
    with tifffile.TiffFile(out) as tif:
        assert [level.shape for level in tif.series[0].levels] == [(HEIGHT, WIDTH, 3), (325, 575, 3)]
        assert np.array_equal(tif.series[0].asarray(), whole)
    assert open_slide(out).pixel_size == open_slide(made).pixel_size


def test_what_is_lost_is_measured_and_shown(
    made: Path, slide: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    folder = tmp_path / "worst"
    command = ["evaluate", str(made), str(slide), "--set", "tiles=2", "--set", "shown=1", "--pictures", str(folder)]
    assert main([*command, "--out", str(tmp_path / "rows.csv")]) == 0
    table = read_table(tmp_path / "rows.csv")
    rows = dict(zip(table["measure"], table["value"], strict=True))
    assert rows["PSNR, worst"] <= rows["PSNR"]
    assert 15 < rows["PSNR"] < 50
    assert rows["ratio, streams"] == pytest.approx(24 / rows["bits per pixel, streams"])

    said = capsys.readouterr().out
    (worst,) = folder.iterdir()
    y, x = (int(part) for part in worst.stem.partition("_y")[2].split("x"))
    assert f"Lost most in slide: row {y:,}, column {x:,}: PSNR {rows['PSNR, worst']:.3g}" in said
    pair = np.asarray(Image.open(worst))
    assert np.array_equal(pair[:, :512], drawn()[y : y + 512, x : x + 512])
    assert np.array_equal(pair[:, 520:], open_store(made).slide.read(Region(y, x, 512, 512)))
    assert main(command) == 2
    assert "worst already holds something" in capsys.readouterr().err

    text = cs.write_report(made, tmp_path / "page.html", tiles=2, shown=1).read_text()
    assert "Before and after" in text
    assert text.count('alt="Decoded"') == 1


def test_objects_found_before_and_after_are_compared(model: Path) -> None:
    from scipy import ndimage

    from coverslip.results.slide_store.comparing import Compared
    from coverslip.results.slide_store.objects import agreement, segmenter

    before = np.full((3, 20, 20, 3), 240, np.uint8)
    before[:2, 2:6, 2:6], before[:2, 10:14, 10:18] = 60, 60
    after = before.copy()
    after[1, 2:6, 2:6] = 240
    found = agreement(
        Compared([], before, after, {}, 0.0), lambda squares: [ndimage.label(each[..., 0] < 100)[0] for each in squares]
    )
    assert found["AJI"].tolist() == [1, 32 / 48, 1]
    np.testing.assert_array_equal(found["objects, after / before"], [1, 0.5, np.nan])
    with pytest.raises(InputError, match="gives a slide store, not objects"):
        segmenter(str(model))


def test_several_slides_become_several_stores_and_a_bad_one_stops_none(
    model: Path, slide: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "slides"
    folder.mkdir()
    for name in ("S21.1", "S21.2"):
        write_image_tiff(drawn()[:300, :400].transpose(2, 0, 1).copy(), folder / f"{name}.tif")
    (folder / "c.tif").write_bytes(b"")
    out = tmp_path / "stores"
    command = ["predict", str(model), str(folder), "--out", str(out), "--set", "level=2"]
    assert main(command) == 0
    assert "c.tif" in capsys.readouterr().out
    assert sorted(path.name for path in out.glob("*.zarr")) == ["S21.1.cslip.zarr", "S21.2.cslip.zarr"]
    assert main([*command, "--resume"]) == 0
    said = capsys.readouterr().out
    assert "already finished" in said
    assert "c.tif is empty" in said
    one = ["predict", str(model), str(folder / "S21.2.tif"), "--set", "level=2", "--resume"]
    assert main([*one, "--out", str(out / "S21.1.cslip.zarr")]) == 2
    assert re.search(
        r"S21.1.cslip.zarr is finished, but was made with .*inputs=\S+S21.1.tif, not ", capsys.readouterr().err
    )
    assert main([*one[:3], "--set", "level=1", "--resume", "--out", str(out / "S21.2.cslip.zarr")]) == 2
    assert "S21.2.cslip.zarr is finished, but was made with level=2, not 1: choose" in capsys.readouterr().err
    shutil.rmtree(out / "S21.1.cslip.zarr" / "0")
    rows = cs.evaluate(out, tiles=1)
    assert {row["slide"] for row in rows} == {"S21.2"}
    assert main(["predict", *command[1:], "--force"]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(out), "--set", "tiles=1"]) == 0
    assert "mean of slides" in capsys.readouterr().out
    text = cs.write_report(out, tmp_path / "page.html", tiles=2).read_text()
    assert "Compressed slides" in text
    assert text.count('alt="Decoded"') == 2
    with pytest.raises(InputError, match="decode one, such as"):
        cs.decode(out, tmp_path / "x.ome.tif")


def test_workers_of_a_cluster_compress_a_slide_each(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    distributed = pytest.importorskip("distributed")
    folder = tmp_path / "slides"
    folder.mkdir()
    for i, name in enumerate(("a", "b")):
        write_image_tiff(drawn()[100 * i :][:300, :400].transpose(2, 0, 1).copy(), folder / f"{name}.tif")
    write_image_tiff(np.zeros((300, 400), np.uint16), folder / "grey.tif")
    command = ["predict", str(model), str(folder), "--set", "level=2", "--out"]
    assert main([*command, str(tmp_path / "here")]) == 0
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as own:
        assert main([*command, str(tmp_path / "there"), "--dask", own.scheduler_address]) == 0
    said = capsys.readouterr().out
    assert said.count("grey.tif is left out") + said.count("grey.tif") >= 2
    for name in ("a", "b"):
        chunk = Path(f"{name}.cslip.zarr", "0", "c", "0", "0", "0")
        assert (tmp_path / "there" / chunk).read_bytes() == (tmp_path / "here" / chunk).read_bytes()
    assert not (tmp_path / "there" / "grey.cslip.zarr").exists()


def test_as_many_chunks_at_once_as_there_is_memory_for() -> None:
    fixed = max(encoder._FIXED, resident_memory())
    assert encoder.at_once(fixed + encoder._PER_CHUNK + (100 << 20)) == 1
    assert encoder.at_once(None) == encoder.at_once(1 << 50) == cores()
    with pytest.raises(InputError, match=r"too little to compress a slide; give it at least \d\.\d GB"):
        encoder.at_once(1 << 29)
    file = encoder.scratch(8000, 8000, Path(), 2 << 30)
    assert isinstance(file, np.memmap)


def test_in_python_a_store_lives_as_long_as_its_value(model: Path) -> None:
    found = cs.predict(model, drawn()[:300, :400].transpose(2, 0, 1).copy(), level=4)
    assert isinstance(found, SlideStore)
    assert found.slide.read(Region(0, 0, 300, 400)).shape == (300, 400, 3)
    path = found.path
    del found
    assert not path.exists()


def test_what_is_no_slide_is_refused(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.svs").write_bytes(b"")
    np.save(tmp_path / "grey.npy", np.zeros((64, 64), np.uint8))
    for name in ("empty.svs", "grey.npy"):
        assert main(["predict", str(model), str(tmp_path / name), "--out", str(tmp_path / "x.cslip.zarr")]) == 2
        assert name in capsys.readouterr().err
    assert not (tmp_path / "x.cslip.zarr").exists()
