"""ONNX files say what the model says, on any number of images of any size that fits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import coverslip as cs
from coverslip.core.errors import InputError, MissingExtra
from coverslip.core.fields import ArrayFields
from coverslip.methods import unet
from coverslip.methods.unet.inference import Segmenter
from coverslip.portable import onnx_file as module
from coverslip.portable.verb import Exported, export_model
from coverslip.read import Model

from .conftest import grey_values, small_model


def run(file: Path, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"pixels": x})
    return np.asarray(found)


@pytest.mark.parametrize("shape", [(1, 4, 4), (1, 64, 96), (3, 20, 8), (2, 128, 128)])
def test_the_file_says_what_the_network_says(model: Model, onnx_file: Path, shape: tuple[int, int, int]) -> None:
    x = grey_values(*shape)
    with torch.no_grad():
        expected = unet.portable(model).network(torch.from_numpy(x)).numpy()
    found = run(onnx_file, x)
    assert found.shape == (shape[0], 2, *shape[1:])
    assert found.std() > 0.05
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_scaled_as_it_says_the_file_gives_the_maps_of_predict(model: Model, onnx_file: Path) -> None:
    pixels = np.random.default_rng(0).integers(100, 4000, (2, 64, 80)).astype(np.uint16)
    expected = Segmenter(model, device="cpu", speed="eager").maps(ArrayFields([pixels]), 0)
    low, high = np.percentile(pixels, model.config.percentiles, axis=(1, 2), keepdims=True)
    found = run(onnx_file, ((pixels - low) / (high - low)).astype(np.float32)[None])
    np.testing.assert_allclose(found[0], expected, atol=1e-4)


def test_it_is_a_valid_file_with_free_sizes_that_explains_itself(onnx_file: Path, written: list[Exported]) -> None:
    file = onnx.load(onnx_file)
    assert (file.ir_version, file.opset_import[0].version) == (8, 18)  # of the same year, so that runtimes have both
    onnx.checker.check_model(file, full_check=True)
    (given,), (gives,) = file.graph.input, file.graph.output
    dimensions = [d.dim_param or d.dim_value for d in given.type.tensor_type.shape.dim]
    assert dimensions == ["batch", 2, "4*rows", "4*columns"]
    assert (given.name, gives.name) == ("pixels", "maps")
    assert file.doc_string == "Discs in noise."
    notes: dict[str, Any] = {entry.key: entry.value for entry in file.metadata_props}
    assert notes["name"] == "cells-drawn"
    assert notes["licence"] == "CC0-1.0"
    assert notes["inputs"] == "DNA, actin"
    assert notes["multiple"] == "4"
    assert "percentiles 1 and 99.8 become 0 and 1" in notes["scaling"]
    assert "above 0.45" in notes["afterwards"]
    assert "fewer than 12 pixels" in notes["afterwards"]
    assert [path.name for path in onnx_file.parent.iterdir() if "onnx" in path.name] == ["cells.onnx"]
    assert written[0].notes[0].startswith("Its outputs are those of the model to within ")


@pytest.mark.parametrize("kind", ["boundary", "offset"])
def test_every_way_of_telling_objects_apart_has_its_activations(kind: str) -> None:
    model = small_model(separation=kind, stem=1)
    portable = unet.portable(model)
    x = torch.from_numpy(grey_values(1, 32, 32))
    scaled = Segmenter(model, device="cpu", speed="eager")._outputs._of((x[0] / 2).clamp(0, 1).numpy())
    with torch.no_grad():
        found = portable.network(x)[0].numpy()
    np.testing.assert_allclose(found, scaled, atol=1e-5)
    assert [output.name for output in portable.outputs] == {
        "boundary": ["foreground", "boundary"],
        "offset": ["foreground", "offset_rows", "offset_columns"],
    }[kind]
    assert portable.afterwards.endswith("Objects of fewer than 12 pixels are left out.")


def test_the_network_itself_is_left_alone(model: Model) -> None:
    before = {name: array.copy() for name, array in model.weights.items()}
    unet.portable(model)
    assert all(np.array_equal(model.weights[name], array) for name, array in before.items())


def test_a_file_of_another_network_would_be_noticed(model: Model, onnx_file: Path) -> None:
    other = {name: array * 1.1 if name == "exit.weight" else array for name, array in model.weights.items()}
    assert module.difference(unet.portable(model), onnx_file, (1, 8, 8)) < 1e-5
    assert module.difference(unet.portable(replace(model, weights=other)), onnx_file, (1, 8, 8)) > 1e-3


def test_a_missing_library_is_named_with_its_extra(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "onnxscript" else object())
    with pytest.raises(MissingExtra) as caught:
        export_model(model, onnx=tmp_path / "cells.onnx")
    assert str(caught.value) == (
        "An ONNX file needs onnxscript, which is not installed; pip install 'coverslip[onnx]'."
    )
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_exported_is_said_at_once(model: Model, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"should end in \.onnx"):
        export_model(model, onnx=tmp_path / "cells.zip")
    (tmp_path / "there.onnx").write_text("precious")
    with pytest.raises(InputError, match="exists already"):
        export_model(model, onnx=tmp_path / "there.onnx")
    with pytest.raises(InputError, match="in which form"):
        export_model(model)
    embedding = Model("vae", cs.methods.vae.Config(), {}, {})
    with pytest.raises(InputError, match="method 'vae' run in Coverslip only"):
        export_model(embedding, onnx=tmp_path / "vae.onnx")
    assert (tmp_path / "there.onnx").read_text() == "precious"
