"""Models that come with the package: how they are found by name, listed, and put there."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import coverslip as cs
from coverslip.cli import main
from coverslip.core.card import card_facts
from coverslip.core.errors import InputError, ModelError
from coverslip.core.fields import ArrayFields
from coverslip.methods.unet.outputs import build
from coverslip.models import shipped
from coverslip.portable.about import check_licence
from coverslip.read import Model, load_model

ROOT = Path(__file__).parents[1]

CARD = """# bright-squares

Bright squares on a dark ground.

**Licence.** CC0-1.0

**Authors.** A. Nother; B. Esides

**Data.** Four squares,
drawn by hand.

**Numbers.** AP 1.00 on two fields of four squares.

## Known failures

Circles.
"""


@pytest.fixture
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ship_model", ROOT / "tools" / "ship_model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def fields() -> ArrayFields:
    """Two fields of four squares."""
    mask = np.kron(np.array([[1, 0, 2], [0, 0, 0], [3, 0, 4]]), np.ones((10, 10), int))
    masks = [mask, np.pad(mask, 7)]
    return ArrayFields([(100 + 2000 * (m > 0)).astype(np.uint16) for m in masks], masks)


@pytest.fixture
def fitted(tmp_path: Path) -> Path:
    """A network that calls the bright pixels foreground; what it learned from lay on some machine."""
    config = cs.methods.unet.Config(width=2, levels=1, stem=1, separation="distance")
    weights = {name: values.numpy().copy() for name, values in build(config, 1).state_dict().items()}
    for convolution in ("down.0.0.weight", "down.0.3.weight"):
        weights[convolution][:] = 0
        weights[convolution][0, 0, 1, 1] = 1
    weights["exit.weight"][:, :, 0, 0] = [[50, 0], [2, 0]]
    weights["exit.bias"][:] = [-12, 0]
    facts = {
        "inputs": 1,
        "margin": 64,
        "decoding": {"threshold": 0.5, "min_area": 0},
        "input": {"channels": None, "planes": "channels"},
    }
    source = {"path": "/home/someone/squares.csv", "folder": "/home/someone", "n": 4, "sha256": "ab"}
    model = Model("unet", config, weights, facts, provenance={"inputs": source, "seed": 7}, card="# unet")
    return model.save(tmp_path / "fitted")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for shipped models."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setattr(shipped, "ROOT", folder)
    return folder


@pytest.fixture
def squares(tool: ModuleType, fitted: Path, fields: ArrayFields, shelf: Path) -> Path:
    """The shipped folder."""
    folder, said = tool.ship(fitted, CARD, fields)
    assert said == "half precision; AP 1.0000 in half, 1.0000 in full"
    return folder


def test_a_shipped_model_is_loaded_by_its_name(squares: Path, fitted: Path, fields: ArrayFields) -> None:
    assert squares == shipped.ROOT / "bright-squares"
    assert shipped.names() == ["bright-squares"]
    model = cs.load("bright-squares")
    assert model.folder == squares
    found = cs.predict("bright-squares", fields, device="cpu")
    expected = cs.predict(fitted, fields, device="cpu")
    for i, (one, other) in enumerate(zip(found, expected, strict=True)):
        np.testing.assert_array_equal(one.labels, other.labels)
        np.testing.assert_array_equal(one.labels > 0, fields.labels(i) > 0)
        assert one.labels.max() == 4


def test_the_command_line_takes_its_name(
    squares: Path, fields: ArrayFields, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cs.read.write_image_tiff(fields.pixels(0), tmp_path / "image.tif")
    found = tmp_path / "image.labels.tif"
    assert main(["predict", "bright-squares", str(tmp_path / "image.tif"), "--out", str(found)]) == 0, (
        capsys.readouterr()
    )
    np.testing.assert_array_equal(cs.read.read_labels(found).labels > 0, fields.labels(0) > 0)
    assert (
        main(["predict", "bright-circles", str(tmp_path / "image.tif"), "--out", str(tmp_path / "x.labels.tif")]) == 2
    )
    assert "the shipped ones are: bright-squares." in capsys.readouterr().err


def test_its_kernels_are_stored_in_half_precision_and_loaded_in_full(squares: Path, fitted: Path) -> None:
    stored, _ = cs.read.read_tensors(squares / "weights.safetensors")
    assert {name: a.dtype for name, a in stored.items() if a.ndim == 4 and a.dtype != np.float16} == {}
    assert stored["exit.bias"].dtype == np.float32
    loaded, first = cs.load("bright-squares").weights, cs.load(fitted).weights
    assert {name: a.dtype for name, a in loaded.items()} == {name: a.dtype for name, a in first.items()}
    assert all(np.allclose(loaded[name], array, rtol=1e-3) for name, array in first.items())
    assert not loaded["exit.weight"].flags.writeable


def test_half_precision_is_not_used_where_it_changes_the_objects(
    tool: ModuleType, fitted: Path, fields: ArrayFields, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    precisions = iter([0.9, 0.8989])
    monkeypatch.setattr(tool, "average_precision", lambda model, fields: next(precisions))
    folder, said = tool.ship(fitted, CARD, fields)
    assert said == "full precision; AP 0.8989 in half, 0.9000 in full"
    stored, _ = cs.read.read_tensors(folder / "weights.safetensors")
    assert stored["exit.weight"].dtype == np.float32


def test_a_kernel_that_half_precision_cannot_hold_stays(tool: ModuleType) -> None:
    small, large = np.ones((2, 2), np.float32), np.array([[1, -7e4]], np.float32)
    kept = tool.in_half({"small": small, "large": large, "bias": small[0], "count": np.array([[3]])})
    assert {name: array.dtype.name for name, array in kept.items()} == {
        "small": "float16",
        "large": "float32",
        "bias": "float32",
        "count": "int64",
    }


def test_provenance_keeps_hashes_but_no_path(squares: Path) -> None:
    record = json.loads((squares / "provenance.json").read_text())
    assert record["inputs"] == {"n": 4, "sha256": "ab"}
    assert record["seed"] == 7
    for file in squares.iterdir():
        assert b"/home" not in file.read_bytes()


def test_a_path_that_is_left_over_is_noticed(tool: ModuleType) -> None:
    assert tool.without_paths({"rate": "4 images/s", "folder": "/home"}) == {"rate": "4 images/s"}
    for path in ("/home/someone/x", "C:\\Users\\x", "see /mnt/x", "~/x"):
        with pytest.raises(InputError, match="holds a path"):
            tool.without_paths({"notes": [path]})


def test_the_card_is_its_own(squares: Path) -> None:
    text = (squares / "card.md").read_text()
    assert text.startswith(CARD.rstrip())
    assert "## This model" in text
    again = cs.load("bright-squares").save(squares.parent.parent / "again")
    assert (again / "card.md").read_text() == text


@pytest.mark.parametrize("left_out", ["**Licence.**", "**Data.**", "**Numbers.**", "**Authors.**"])
def test_a_card_that_says_too_little_is_refused(
    tool: ModuleType, fitted: Path, fields: ArrayFields, shelf: Path, left_out: str
) -> None:
    with pytest.raises(InputError, match=f"no {left_out.strip('*.').lower()};"):
        tool.ship(fitted, CARD.replace(left_out, "And then:"), fields)
    assert list(shelf.iterdir()) == []


def test_a_card_must_say_where_the_model_fails(tool: ModuleType) -> None:
    with pytest.raises(InputError, match="Known failures"):
        tool.checked_card(CARD.replace("## Known failures", "## Use"))
    with pytest.raises(InputError, match="'Public domain' is no licence of the SPDX list"):
        tool.checked_card(CARD.replace("CC0-1.0", "Public domain"))
    with pytest.raises(InputError, match="no name for a model"):
        tool.checked_card(CARD.replace("# bright-squares", "# Bright squares"))


def test_a_model_that_is_too_large_is_refused(
    tool: ModuleType, fitted: Path, fields: ArrayFields, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool, "LARGEST", 100)
    with pytest.raises(InputError, match="at most 10 MB"):
        tool.ship(fitted, CARD, fields)
    assert list(shelf.iterdir()) == []


def test_a_model_folder_here_goes_before_a_shipped_one_but_a_folder_of_images_does_not(
    squares: Path, fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    (here / "bright-squares").mkdir(parents=True)
    monkeypatch.chdir(here)
    assert cs.load("bright-squares").folder == squares
    cs.load(fitted).save("bright-squares")
    assert cs.load("bright-squares").folder == Path("bright-squares")


def test_an_unknown_name_is_answered_with_those_there_are(squares: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        cs.load("bright-circles")
    assert str(caught.value) == (
        "There is no model folder 'bright-circles' here and no shipped model of that name; the shipped ones are: "
        "bright-squares."
    )
    with pytest.raises(ModelError, match=r"missing does not exist; give the folder"):
        cs.load(tmp_path / "missing")


def test_without_shipped_models_a_name_is_a_folder(shelf: Path) -> None:
    assert shipped.names() == []
    with pytest.raises(ModelError, match=r"^bright-squares does not exist; give the folder"):
        cs.load("bright-squares")


def test_they_are_listed_with_size_licence_and_numbers(squares: Path, capsys: pytest.CaptureFixture[str]) -> None:
    size = sum(file.stat().st_size for file in squares.iterdir())
    found = shipped.describe("bright-squares")
    assert (found.summary, found.licence, found.size) == ("Bright squares on a dark ground.", "CC0-1.0", size)
    assert main(["models"]) == 0
    name, *said = capsys.readouterr().out.splitlines()[:3]
    assert name == "bright-squares  (0.0 MB, CC0-1.0)"
    assert [line.strip() for line in said] == [found.summary, "AP 1.00 on two fields of four squares."]
    assert main(["models", "bright-squares"]) == 0
    assert capsys.readouterr().out.startswith(CARD.rstrip())
    assert main(["models", "nuclei"]) == 2
    assert capsys.readouterr().err == (
        "Error: There is no shipped model 'nuclei'; the shipped ones are: bright-squares.\n"
    )
    assert main(["methods"]) == 0
    assert "coverslip models" in capsys.readouterr().out


def test_where_none_is_shipped_the_list_says_what_to_do(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    assert "coverslip fit METHOD" in capsys.readouterr().out
    assert main(["methods"]) == 0
    assert "coverslip models" not in capsys.readouterr().out


@pytest.mark.parametrize("name", shipped.names())
def test_every_shipped_model_says_what_it_is(name: str, tool: ModuleType) -> None:
    folder = shipped.ROOT / name
    text = shipped.card(name)
    assert tool.checked_card(text) == name
    assert shipped.describe(name).size <= tool.LARGEST
    model = load_model(folder, lambda method: cs.methods.get(method).Config)
    assert tool.without_paths(model.provenance)
    assert tool.without_paths(model.facts) == model.facts
    check_licence(card_facts(text)["licence"])


def test_an_image_of_which_no_object_is_left_is_told() -> None:
    y, x = np.mgrid[:96, :96]
    nuclei = sum(np.exp(-((((y - a) ** 2 + (x - b) ** 2) / 90) ** 2)) for a, b in ((25, 30), (60, 65), (70, 20)))
    pixels = (200 + 3000 * nuclei + np.random.default_rng(0).normal(0, 30, nuclei.shape)).astype(np.uint16)
    found = cs.predict("nuclei-fluo", pixels, device="cpu")
    assert (found.labels.max(), found.doubts) == (3, ())
    none = cs.predict("nuclei-fluo", pixels, device="cpu", min_area=5000)
    assert (none.labels.max(), none.doubts) == (0, ("nothing was found in it",))
