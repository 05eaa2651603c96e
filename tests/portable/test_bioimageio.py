"""Packages of the BioImage Model Zoo: valid, complete, and equal to the model."""

from __future__ import annotations

import gc
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

import coverslip
import coverslip as cs
from coverslip.core.errors import InputError
from coverslip.methods import unet
from coverslip.methods.unet.decoding import decode
from coverslip.portable import verb
from coverslip.portable.about import about_model
from coverslip.portable.example import scaled
from coverslip.portable.verb import Exported, export_model
from coverslip.read import Model, write_image_tiff
from coverslip.samples.opening.exposure import Exposure

from .conftest import small_model
from .test_onnx import run

# The library that validates packages leaves files to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def unpacked(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(package) as file:
        file.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def description(unpacked: Path) -> Any:
    from bioimageio.spec import load_model_description

    return load_model_description(unpacked / "rdf.yaml", perform_io_checks=True)


def test_the_package_is_valid(package: Path) -> None:
    from bioimageio.spec import load_model_description

    summary = load_model_description(package, perform_io_checks=True).validation_summary
    assert summary.status == "valid-format"
    assert [error for detail in summary.details for error in detail.errors] == []
    gc.collect()  # closes the zip, here where warnings about it are expected


def test_it_holds_what_others_need(unpacked: Path, written: list[Exported]) -> None:
    assert {path.name for path in unpacked.iterdir()} == {
        *("README.md", "cover.png", "postprocessing.py", "rdf.yaml", "test_input.npy", "test_output.npy"),
        *("weights.onnx", "weights.pt"),
    }
    assert written[1].notes == (
        "Weights in it: TorchScript and ONNX.",
        "Its test image is drawn; say --example IMAGE for one that shows what the model is for.",
    )


def test_it_names_no_place_of_the_machine_it_was_made_on(unpacked: Path, onnx_file: Path) -> None:
    package = Path(coverslip.__file__).parent
    places = [str(place).encode() for place in (package, Path(torch.__file__).parent, unpacked.parent, "/home/someone")]
    contents = {path.name: path.read_bytes() for path in (*unpacked.iterdir(), onnx_file)}
    with zipfile.ZipFile(unpacked / "weights.pt") as script:
        contents |= {name: script.read(name) for name in script.namelist()}
    assert len(contents) > 20
    assert {name for name, content in contents.items() for place in places if place in content} == set()


@pytest.mark.parametrize("separation", ["distance", "boundary", "offset"])
def test_the_file_that_makes_objects_is_the_decoding_of_predict(separation: str) -> None:
    portable = unet.portable(small_model(separation=separation))
    rng = np.random.default_rng(0)
    maps = ndimage.gaussian_filter(rng.normal(0, 1, (3, 90, 80)), (0, 3, 3)).astype(np.float32)
    maps = 0.5 + maps / (4 * maps.std())
    alone: dict[str, Any] = {"__name__": "postprocessing"}
    exec(portable.program, alone)
    expected = decode(maps, separation, threshold=0.45, peak=0.25, min_area=12)
    assert expected.max() > 5
    assert "coverslip." not in portable.program
    np.testing.assert_array_equal(alone["objects"](maps), expected)


def test_its_description_says_what_the_card_says(description: Any) -> None:
    assert description.name == "cells-drawn"
    assert description.description == "Discs in noise."
    assert [author.name for author in description.authors] == ["A. Nother", "B. Esides"]
    assert str(description.license) == "CC0-1.0"
    assert description.training_data.description == "Four drawn fields."
    assert str(description.cite[0].doi) == "10.1007/978-3-319-24574-4_28"
    assert description.config.coverslip["afterwards"].startswith("Foreground is where `foreground` is above 0.45.")


def test_its_tensors_are_those_of_the_network(description: Any, model: Model) -> None:
    portable = unet.portable(model)
    (given,), (gives,) = description.inputs, description.outputs
    assert [str(axis.id) for axis in given.axes] == ["batch", "channel", "y", "x"]
    assert given.axes[1].channel_names == ["DNA", "actin"]
    assert gives.axes[1].channel_names == ["foreground", "distance"]
    size, halo = given.axes[2].size, gives.axes[2].halo
    assert size.step == portable.multiple == 4
    assert halo % 4 == 0
    assert portable.reach <= halo < portable.reach + 4
    assert size.min == 2 * halo + 4
    (scale,) = [step.kwargs for step in given.preprocessing if step.id == "scale_range"]
    assert (scale.min_percentile, scale.max_percentile) == (1.0, 99.8)
    assert [str(axis) for axis in scale.axes] == ["y", "x"]


def test_all_its_weights_give_its_test_output(unpacked: Path) -> None:
    x = scaled(np.load(unpacked / "test_input.npy")[0], (1.0, 99.8))[None]
    expected = np.load(unpacked / "test_output.npy")
    assert expected.shape == (1, 2, *x.shape[2:])
    assert expected.std() > 0.05
    with pytest.warns(FutureWarning, match="torch.jit.load"):
        script = torch.jit.load(unpacked / "weights.pt")
    with torch.no_grad():
        np.testing.assert_allclose(script(torch.from_numpy(x)).numpy(), expected, atol=1e-4)
        tall = torch.rand(2, 2, 24, 8)
        np.testing.assert_allclose(script(tall).numpy(), run(unpacked / "weights.onnx", tall.numpy()), atol=1e-4)
    np.testing.assert_allclose(run(unpacked / "weights.onnx", x), expected, atol=1e-4)


def test_its_preprocessing_is_that_of_predict() -> None:
    pixels = np.random.default_rng(0).integers(90, 5000, (2, 40, 50)).astype(np.uint16)
    pixels[1] //= 50
    expected = Exposure.of_pixels(pixels.reshape(2, -1), (1, 99.8)).apply(pixels)
    found = (scaled(pixels, (1, 99.8)) / 2).clip(0, 1)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_its_cover_shows_the_example_and_what_is_found(unpacked: Path) -> None:
    content = (unpacked / "cover.png").read_bytes()
    assert len(content) < 500_000
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.size == (512, 256)
        left, right = np.split(np.asarray(picture).astype(int), 2, axis=1)
    assert np.ptp(left[:, :-5], axis=2).max() == 0  # grey, but where the halves blend
    assert np.ptp(right, axis=2).max() > 50


def test_its_documentation_says_how_to_use_it(unpacked: Path) -> None:
    text = (unpacked / "README.md").read_text()
    assert text.startswith("# cells-drawn\n\nDiscs in noise.\n")
    for words in (
        "height and width multiples of 4",
        "percentiles 1 and 99.8 become 0 and 1",
        "- `distance`: Depth below the border",
        "fewer than 12 pixels",
        "## Validation\n\nAP 0.5 on none.",
        "## Training data\n\nFour drawn fields.",
        "### cells-drawn",
        "The example in this package is drawn",
    ):
        assert words in text


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """As without the extra `onnx`, whose file takes long to write."""
    monkeypatch.setattr(verb, "has_onnx", lambda: False)


@pytest.mark.usefixtures("quick")
def test_a_model_of_ones_own_is_exported_with_an_example_and_without_onnx(tmp_path: Path) -> None:
    from bioimageio.spec import load_model_description

    model = small_model(card=unet.CARD.markdown())
    pixels = np.random.default_rng(1).integers(0, 4000, (2, 140, 200)).astype(np.uint16)
    write_image_tiff(pixels, tmp_path / "image.tif", channels=["DNA", "actin"])
    (written,) = export_model(
        model,
        bioimageio=tmp_path / "own.zip",
        example=tmp_path / "image.tif",
        name="My cells",
        authors=["Me"],
        licence="MIT",
    )
    assert written.notes == ("Weights in it: TorchScript.",)
    with zipfile.ZipFile(written.path) as file:
        file.extractall(tmp_path / "own")
    found = load_model_description(tmp_path / "own" / "rdf.yaml", perform_io_checks=True)
    assert (found.name, [author.name for author in found.authors], str(found.license)) == ("My cells", ["Me"], "MIT")
    assert found.weights.onnx is None
    assert "SHA-256 abab" in found.training_data.description
    (example,) = found.get_input_test_arrays()
    np.testing.assert_array_equal(example[0], pixels[:, :140, 30:170])


@pytest.mark.usefixtures("quick")
def test_what_is_missing_for_the_zoo_is_said(tmp_path: Path) -> None:
    (written,) = export_model(small_model(card=unet.CARD.markdown()), bioimageio=tmp_path / "own.zip")
    assert written.notes[-1] == "Before it can be uploaded to bioimage.io it needs --author and --licence."
    assert [path.name for path in tmp_path.iterdir()] == ["own.zip"]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"licence": "BSD"}, "'BSD' is no licence of the SPDX list"),
        ({"name": "µ"}, "'µ' cannot be the name of a package"),
        ({"authors": ["Me", "A/B"]}, "'A/B' cannot be the name of an author"),
        ({"example": "small.tif"}, r"has 30 x 200 pixels; an example has at least"),
        ({"example": "grey.tif"}, "has the channels DNA, but the model was fitted to DNA, actin"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    model: Model, tmp_path: Path, options: dict[str, Any], sentence: str
) -> None:
    write_image_tiff(np.zeros((2, 30, 200), np.uint8), tmp_path / "small.tif", channels=["DNA", "actin"])
    write_image_tiff(np.zeros((1, 200, 200), np.uint8), tmp_path / "grey.tif", channels=["DNA"])
    if "example" in options:
        options = {"example": tmp_path / options["example"]}
    with pytest.raises(InputError, match=sentence):
        export_model(model, bioimageio=tmp_path / "out.zip", **options)
    assert not (tmp_path / "out.zip").exists()


def test_a_name_comes_from_the_card_or_the_folder(model: Model, tmp_path: Path) -> None:
    assert about_model(model).name == "cells-drawn"
    own = small_model(card=unet.CARD.markdown())
    assert about_model(own).name == "Coverslip unet"

    assert about_model(cs.load(own.save(tmp_path / "hela-2"))).name == "unet hela-2"
    assert about_model(cs.load(own.save(tmp_path / "µ"))).name == "Coverslip unet"
