"""`coverslip predict` on files that hold several images: each has results of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

import coverslip as cs
from coverslip.core.fields import ArrayFields
from coverslip.read import read_label_folder, read_labels, read_table

from ..unet.blobs import blob_fields
from .conftest import assert_one_sentence

COUNT = 3


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[np.ndarray]]:
    """The same three fields as positions of one file and as frames of a movie."""
    folder = tmp_path_factory.mktemp("parts")
    fields = [blob_fields(1, (64, 64), seed=40 + i).pixels(0)[0] for i in range(COUNT)]
    with tifffile.TiffWriter(folder / "positions.ome.tif", ome=True) as file:
        for i, field in enumerate(fields):
            file.write(field, metadata={"axes": "YX", "Name": f"Pos{i}"})
    tifffile.imwrite(folder / "movie.tif", np.stack(fields), imagej=True, metadata={"axes": "TYX"})
    return folder, fields


def test_every_position_and_frame_has_its_own_labels_and_rows(
    coverslip: Callable, files: tuple[Path, list[np.ndarray]], tmp_path: Path
) -> None:
    folder, fields = files
    expected = [labels.labels for labels in cs.predict("nuclei-fluo", ArrayFields(fields), device="cpu")]
    for name, part, more in (("positions.ome.tif", "series", []), ("movie.tif", "frame", ["--frames", "all"])):
        out = tmp_path / part
        said = coverslip("predict", "nuclei-fluo", folder / name, "--out", out, "--device", "cpu", *more)
        assert said.code == 0, said.err
        stem = name.split(".")[0]
        assert sorted(path.name for path in out.glob("*.tif")) == [f"{stem}_{part}{i}.labels.tif" for i in range(COUNT)]
        found, table = read_label_folder(out), read_table(out / "objects.parquet")
        for i in range(COUNT):
            assert np.array_equal(found.labels(i).labels, expected[i])
            assert np.array_equal(found.image(i).read(), fields[i])
            assert (table[part] == str(i)).sum() == expected[i].max()
        assert coverslip("predict", "nuclei-fluo", folder / name, "--out", out, *more, "--resume").code == 0


def test_one_position_alone_is_one_image(
    coverslip: Callable, files: tuple[Path, list[np.ndarray]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, fields = files
    monkeypatch.chdir(tmp_path)
    args = ("predict", "nuclei-fluo", folder / "positions.ome.tif", "--device", "cpu")
    assert coverslip(*args, "--series", "Pos1").code == 0
    (expected,) = cs.predict("nuclei-fluo", ArrayFields(fields[1:2]), device="cpu")
    path = tmp_path / "positions.labels.tif"
    assert np.array_equal(read_labels(path).labels, expected.labels)
    assert np.array_equal(read_label_folder(path).image(0).read(), fields[1])
    assert_one_sentence(coverslip(*args, "--series", "Pos9"), "0 (Pos0), 1 (Pos1), 2 (Pos2)")
    assert_one_sentence(coverslip(*args, "--out", tmp_path / "all.labels.tif"), "may hold several images")


def test_what_a_file_holds_is_said(coverslip: Callable, files: tuple[Path, list[np.ndarray]], tmp_path: Path) -> None:
    folder, _ = files
    said = coverslip("samples", "make", folder, "--frames", "every=2", "--out", tmp_path / "sheet.csv")
    assert "positions.ome.tif holds 3 images: 0 (Pos0), 1 (Pos1), 2 (Pos2)." in said.out
    assert "5 rows with the columns image, series, series_name, frame" in said.out
    said = coverslip("predict", "nuclei-fluo", folder / "positions.ome.tif", "--out", tmp_path / "o", "--device", "cpu")
    assert "positions.ome.tif holds 3 images" in said.out + said.err
    assert_one_sentence(coverslip("predict", "nuclei-fluo", folder / "movie.tif"), "--frames all or --frames every=5")
