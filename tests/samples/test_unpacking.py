"""Images and labels come out of files of arrays as they were put in."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from coverslip.cli import main
from coverslip.core.errors import InputError
from coverslip.io.bundles import read_bundle
from coverslip.samples import open_samples, unpack


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (7, 5, 5), dtype=np.uint8)


LABELS = np.array([1, 2, 10, 1, 1, 2, 3], np.uint8)


def test_rows_of_a_mat_file_are_square_images_with_their_labels_behind(images: np.ndarray, tmp_path: Path) -> None:
    flat = np.concatenate([images.reshape(7, 25), LABELS[:, None]], axis=1)
    savemat(tmp_path / "digits.mat", {"digits": flat})
    sheet = unpack(tmp_path / "digits.mat", tmp_path / "digits")
    samples = open_samples(sheet)
    assert samples.dtype == np.uint8
    np.testing.assert_array_equal(samples.read(np.arange(7))[:, 0], images)
    assert samples.obs["label"].tolist() == ["1", "2", "10", "1", "1", "2", "3"]


def test_a_npz_file_may_hold_colours_and_no_labels(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 4000, (4, 6, 8, 3), dtype=np.uint16)
    np.savez(tmp_path / "cells.npz", pixels=pixels, scale=np.array([2.0]))
    samples = open_samples(unpack(tmp_path / "cells.npz", tmp_path / "cells"))
    np.testing.assert_array_equal(samples.read([0, 1, 2, 3]), pixels.transpose(0, 3, 1, 2))
    assert "label" not in samples.obs


def test_channels_may_come_first_and_labels_may_be_words(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 4000, (4, 2, 6, 8), dtype=np.uint16)
    words = np.array(["G1", "S", "S", "M"])
    np.savez(tmp_path / "cells.npz", number=np.arange(4), cells=pixels, label=words)
    samples = open_samples(unpack(tmp_path / "cells.npz", tmp_path / "cells"))
    np.testing.assert_array_equal(samples.read([0, 1, 2, 3]), pixels)
    assert samples.obs["label"].tolist() == words.tolist()
    np.save(tmp_path / "cells.npy", pixels)
    again = open_samples(unpack(tmp_path / "cells.npy", tmp_path / "again"))
    np.testing.assert_array_equal(again.read([0, 1, 2, 3]), pixels)


@pytest.mark.parametrize("packed", [True, False])
def test_idx_files_have_their_labels_beside_them(images: np.ndarray, tmp_path: Path, *, packed: bool) -> None:
    def write(name: str, array: np.ndarray) -> Path:
        shape = np.array(array.shape, ">u4").tobytes()
        data = bytes([0, 0, 8, array.ndim]) + shape + array.tobytes()
        path = tmp_path / (name + (".gz" if packed else ""))
        path.write_bytes(gzip.compress(data) if packed else data)
        return path

    write("few-labels-idx1-ubyte", LABELS)
    found, labels = read_bundle(write("few-images-idx3-ubyte", images))
    np.testing.assert_array_equal(found, images)
    np.testing.assert_array_equal(labels, LABELS)


def test_what_holds_no_images_is_refused_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "odd.npz", table=np.zeros((5, 7)))
    with pytest.raises(InputError, match=r"odd.npz, array 'table' has the shape \(5, 7\)"):
        read_bundle(tmp_path / "odd.npz")
    np.save(tmp_path / "objects.npy", np.array([{"image": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"objects.npy is damaged, or holds objects of Python"):
        read_bundle(tmp_path / "objects.npy")
    assert main(["fit", "vae", str(tmp_path / "odd.npz"), "--out", str(tmp_path / "out")]) == 2
    assert f"coverslip samples unpack {tmp_path / 'odd.npz'} --out FOLDER" in capsys.readouterr().err
    np.savez(tmp_path / "few.npz", images=np.zeros((9, 8, 8), np.uint8), labels=np.arange(4))
    with pytest.raises(InputError, match=r"few\.npz holds 9 images, but its array 'labels' 4 labels; give one"):
        unpack(tmp_path / "few.npz", tmp_path / "out")
    (tmp_path / "junk.npz").write_bytes(b"nothing of the kind" * 20)
    with pytest.raises(InputError, match=r"junk\.npz is damaged, or holds objects of Python, which are never read"):
        unpack(tmp_path / "junk.npz", tmp_path / "out")
    (tmp_path / "bad.mat").write_bytes(b"nothing of the kind" * 20)
    assert main(["samples", "unpack", str(tmp_path / "bad.mat"), "--out", str(tmp_path / "out")]) == 2
    assert "bad.mat cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
