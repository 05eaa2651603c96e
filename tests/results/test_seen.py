"""What a model does not fit is named, noted beside the result, and refused where that is asked for."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

import coverslip as cs
from coverslip.cli import main
from coverslip.core.errors import InputError
from coverslip.models import shipped
from coverslip.nn.familiar import BRIGHT
from coverslip.read import open_image
from coverslip.results.labels.seen import Seen, note_seen, with_seen, without_seen

from ..unet.blobs import blob_fields


def test_how_an_image_was_seen_is_kept_beside_the_table_of_its_objects() -> None:
    seen = Seen(0.25, True, "DAB", True, ("it is dark", "it is small"))
    table, back = without_seen(with_seen({"label": np.arange(3)}, seen))
    assert back == seen
    assert list(table) == ["label"]
    assert without_seen({"label": np.zeros(0)})[1] == Seen()
    assert without_seen(with_seen({"label": np.zeros(0)}, Seen()))[1] == Seen()


def test_images_are_named_with_the_reason_and_rows_and_tables_say_it() -> None:
    rows = [{"image": "a.tif"}, {"image": "b.tif"}, {"image": "c.tif"}]
    tables = [{"label": np.arange(n)} for n in (2, 0, 1)]
    seen = [Seen(), Seen(doubts=("nothing was found in it",)), Seen(0.5, True, absorbed=True)]
    notes = note_seen(rows, tables, seen, strict=False)
    assert any("1 of 3 images the objects look larger" in note and "Say --diameter" in note for note in notes)
    assert not any("Say --diameter" in note for note in note_seen(rows, tables, seen, strict=False, told=True))
    assert "1 of 3 images is dark on light, and shown to the model inverted: c.tif." in notes
    assert any(
        "1 of 3 images is not like those" in note and "b.tif (nothing was found in it)" in note for note in notes
    )
    assert [row["doubt"] for row in rows] == ["", "nothing was found in it", ""]
    assert [row["zoom"] for row in rows] == ["1", "1", "0.5"]
    assert [row["light"] for row in rows] == ["emitted", "emitted", "absorbed"]
    assert any(note.startswith("Light is absorbed") for note in notes)
    assert tables[2]["doubt"].tolist() == [""]
    with pytest.raises(InputError, match=r"b\.tif"):
        note_seen(rows, tables, seen, strict=True)


def test_pictures_in_transmitted_light_are_told_which_models_are_for_such() -> None:
    rows = [{"image": "a.tif"}]
    (note,) = note_seen(rows, [{"label": np.zeros(0)}], [Seen(doubts=(BRIGHT,))], strict=False)
    named = set(re.findall(r"[a-z]+-[a-z]+", note)) & {"he-nuclei", "cells-phase"}
    assert len(named) == 2
    assert named <= set(shipped.names())


def test_what_the_model_is_least_sure_of_is_proposed_to_be_labelled_next() -> None:
    rows = [{"image": f"{name}.tif"} for name in "abcde"]
    sure = [Seen(expected_iou=iou) for iou in (0.9, 0.5, 0.72, 0.95, 0.0)]
    (note,) = note_seen(rows, [{} for _ in rows], sure, strict=False)
    assert "least sure of e.tif (0.00), b.tif (0.50), c.tif (0.72):" in note
    assert [row["expected_iou"] for row in rows] == ["0.9", "0.5", "0.72", "0.95", "0"]
    assert note_seen(rows[:2], [{}, {}], sure[:2], strict=False) == ()  # two images are labelled both
    assert note_seen(rows, [{} for _ in rows], [sure[0]] * 5, strict=False) == ()


def test_nothing_is_said_of_images_that_fit() -> None:
    rows = [{"image": "a.tif"}]
    assert note_seen(rows, [{"label": np.arange(2)}], [Seen()], strict=True) == ()
    assert rows == [{"image": "a.tif"}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Blobs as those of the fit, and a field of shot noise."""
    folder = tmp_path_factory.mktemp("images")
    tifffile.imwrite(folder / "blobs.tif", blob_fields(1, seed=7).pixels(0)[0])
    tifffile.imwrite(folder / "empty.tif", np.random.default_rng(0).poisson(300, (96, 112)).astype(np.uint16))
    return folder


@pytest.mark.parametrize("model", ["tiny_model", "tiny_kaizen"])
def test_a_folder_says_which_images_are_doubted(
    model: str, folder: Path, tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    fitted = request.getfixturevalue(model)
    assert main(["predict", str(fitted), str(folder), "--out", str(tmp_path / "out"), "--device", "cpu"]) == 0
    assert "empty.tif (" in " ".join(capsys.readouterr().out.split())
    sheet = pd.read_csv(tmp_path / "out" / "sheet.csv", keep_default_na=False)
    assert sheet["doubt"][sheet["image"].str.endswith("empty.tif")].item()
    strict = ["predict", str(fitted), str(folder), "--out", str(tmp_path / "strict"), "--device", "cpu", "--strict"]
    assert main(strict) == 2
    assert "empty.tif" in capsys.readouterr().err
    assert not (tmp_path / "strict").exists()


def test_dark_on_light_is_shown_inverted_and_found_alike(tiny_model: Path, folder: Path) -> None:
    image = open_image(folder / "blobs.tif").read()
    plain, turned = (cs.predict(tiny_model, pixels, device="cpu") for pixels in (image, 65535 - image))
    assert plain.doubts == turned.doubts == ()
    assert not plain.inverted
    assert turned.inverted
    np.testing.assert_array_equal(plain.labels, turned.labels)
