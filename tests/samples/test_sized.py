"""Images of several sizes are brought to one where a method can be shown them so, and it is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import coverslip as cs
from coverslip.cli import main
from coverslip.samples import Resizing


def test_proportions_are_kept_and_the_rest_is_the_grey_of_the_border() -> None:
    image = np.full((1, 2, 4, 8), 100, np.uint16)
    image[0, 1] = 7
    image[0, :, 1:3, 2:6] = 900
    found = Resizing((16, 16), "pad").pixels(image)
    assert found.shape == (1, 2, 16, 16)
    assert found.dtype == np.uint16
    assert (found[0, 0, :4] == 100).all()
    assert (found[0, 1, -4:] == 7).all()
    assert found[0, 0, 8, 8] == 900
    stretched = Resizing((16, 16), "stretch").pixels(image)
    assert stretched[0, 0, 7, 8] == 900
    assert stretched[0, 0, 5, 8] == 800  # its middle lies at 0.875 of the way from the border's row to the next
    np.testing.assert_array_equal(Resizing((4, 4), "pad").pixels(image[..., :4]), image[..., :4])


def test_a_folder_of_several_sizes_is_learnt_and_predicted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    for name, level in (("dark", 200), ("light", 800)):
        for i in range(12):
            shape = (int(rng.integers(12, 30)), int(rng.integers(12, 30)))
            folder = tmp_path / "cells" / name
            folder.mkdir(parents=True, exist_ok=True)
            pixels = rng.normal(level, 20, shape)
            pixels[4:8, 4:8] += level  # something lies on it
            cs.read.write_image_tiff(pixels.astype(np.uint16), folder / f"{i}.tif")
    model, out = tmp_path / "model", tmp_path / "out.parquet"
    options = ["--set", "network=linear", "--set", "size=16", "--device", "cpu", "--out", str(model)]
    assert main(["fit", "classify", str(tmp_path / "cells"), *options]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "differ in size: each was brought to 16 x 16 pixels, its proportions kept" in said
    fitted = cs.load(model)
    assert fitted.facts["input"]["size"] == 16
    assert main(["predict", str(model), str(tmp_path / "cells"), "--out", str(out), "--device", "cpu"]) == 0
    scores = cs.results.opened(out)[1]
    assert (scores.predicted == scores.obs["label"]).all()
    assert len(cs.predict(model, tmp_path / "cells" / "dark" / "3.tif", device="cpu")) == 1
    assert "<h2>Confusions</h2>" in cs.write_report(out, tmp_path / "page.html").read_text()
    assert main(["fit", "vae", str(tmp_path / "cells"), "--out", str(tmp_path / "vae")]) == 2
    assert "samples need one size: make crops first" in capsys.readouterr().err
