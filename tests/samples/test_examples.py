"""Sample pictures to try things on: drawn ones are known, others come with installed packages, all with a licence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import coverslip as cs
from coverslip.cli import main
from coverslip.core import InputError, PixelSize
from coverslip.samples.examples import fetching


def test_drawn_nuclei_are_the_same_each_time_and_treated_ones_larger() -> None:
    image, labels = cs.samples.draw_nuclei(1)
    again, _ = cs.samples.draw_nuclei(1)
    np.testing.assert_array_equal(image, again)
    assert (image.dtype, image.shape, labels.shape) == (np.uint16, (512, 512), (512, 512))
    assert image[labels > 0].mean() > 3 * image[labels == 0].mean()
    _, treated = cs.samples.draw_nuclei(1, treated=True)
    sizes = [np.median(np.bincount(one.ravel())[1:]) for one in (labels, treated)]
    assert sizes[1] > 1.4 * sizes[0]


def test_a_set_is_a_folder_with_a_sheet_masks_and_its_licence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "fields"
    assert main(["samples", "fetch", "nuclei", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "Licence: CC0 1.0" in said
    assert f"Next: coverslip predict nuclei-fluo {out} --out found" in said
    sheet = cs.samples.read_sheet(out)
    assert [row["treatment"] for row in sheet.rows] == ["control"] * 3 + ["treated"] * 3
    image = cs.open_image(out / "control-1.tif")
    assert (image.pixel_size, image.channels) == (PixelSize(0.5, 0.5), ("DNA",))
    assert not cs.samples.check_sheet(sheet).problems
    assert "no photograph" in (out / "LICENCE.txt").read_text()
    assert main(["samples", "fetch", "nuclei", "--out", str(out)]) == 2
    assert "--force" in capsys.readouterr().err


def test_a_real_section_is_in_colours(tmp_path: Path) -> None:
    cs.samples.fetch("stained", tmp_path / "s")
    image = cs.open_image(tmp_path / "s" / "colon.tif")
    assert (image.axes, image.shape, image.channels) == ("CYX", (3, 512, 512), ("red", "green", "blue"))


def test_what_cannot_be_had_is_one_sentence_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def offline() -> np.ndarray:
        raise OSError("no route to host")

    monkeypatch.setattr("skimage.data.human_mitosis", offline)
    with pytest.raises(InputError, match="needs the internet and the package pooch"):
        cs.samples.fetch("mitosis", tmp_path / "m")
    with pytest.raises(InputError, match="there are: nuclei, stained"):
        cs.samples.fetch("moon", tmp_path / "m")
    assert not (tmp_path / "m").exists()
    assert main(["samples", "fetch"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed and example.licence in listed for name, example in fetching.EXAMPLES.items())
