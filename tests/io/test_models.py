"""A model folder comes back as it was saved, or is refused with the reason; nothing in it is ever run."""

import hashlib
import json
import pickle
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from pydantic import Field

from coverslip.core.config import Config
from coverslip.core.errors import CoverslipError, InputError, ModelError
from coverslip.core.fitted import Fitted
from coverslip.io.tensors import tensors_hash
from coverslip.models.loading import load
from coverslip.read import Model, load_model, read_tensors, write_tensors


class Optimiser(Config):
    rate: float = Field(1e-3, gt=0)


class Settings(Config):
    latent: int = Field(2, ge=1)
    size: tuple[int, int] = (20, 30)
    name: str | None = None
    optimiser: Optimiser = Optimiser()


def config_of(method):
    if method != "toy":
        raise InputError(f"There is no method '{method}'; the methods are: toy.")
    return Settings


def weights(seed=0):
    generator = np.random.default_rng(seed)
    return {
        "layer.weight": generator.normal(size=(3, 4)).astype(np.float32),
        "view": np.arange(12, dtype=np.int64).reshape(3, 4).T,
        "flag": np.array([True, False]),
        "scalar": np.array(3.5),
        "big": np.arange(3, dtype=">f8"),
    }


def model(**options):
    facts = {"shape": (1, 20, 30), "mean": np.float32(0.5), "warnings": ["µ"], "limits": np.array([1, 2])}
    history = [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.1 + 0.2, "validation": 1e-9}]
    config = Settings(latent=7, optimiser=Optimiser(rate=0.02))
    return Model(
        "toy", config, weights(), facts, history, **({"provenance": {"seed": 1, "inputs": {"n": None}}} | options)
    )


@pytest.fixture
def folder(tmp_path):
    return model().save(tmp_path / "model")


def assert_refused(folder):
    with pytest.raises(ModelError) as caught:
        load_model(folder, config_of)
    text = str(caught.value)
    assert str(folder) in text
    assert "\n" not in text
    assert text.endswith(".")
    return text


def test_a_model_comes_back(folder):
    found = load_model(folder, config_of)
    first = model()
    assert isinstance(found, Fitted)
    assert (found.method, found.config) == ("toy", first.config)
    assert found.facts == {"shape": [1, 20, 30], "mean": 0.5, "warnings": ["µ"], "limits": [1, 2]}
    assert found.weights.keys() == first.weights.keys()
    for name, array in first.weights.items():
        assert np.array_equal(found.weights[name], array)
        assert found.weights[name].shape == array.shape
        assert found.weights[name].dtype == array.dtype.newbyteorder("=")
    assert found.history[1] == first.history[1]
    assert found.history[0]["loss"] == 0.5
    assert found.provenance["inputs"] == {"n": None}
    assert found.folder == folder


def test_the_folder_holds_plain_files(folder):
    names = {p.name for p in folder.iterdir()}
    assert names == {"config.json", "weights.safetensors", "history.csv", "card.md", "provenance.json"}
    config = json.loads((folder / "config.json").read_text())
    assert config["settings"] == {"latent": 7, "size": [20, 30], "name": None, "optimiser": {"rate": 0.02}}
    noted = json.loads((folder / "provenance.json").read_text())["weights_sha256"]
    assert noted == tensors_hash(read_tensors(folder / "weights.safetensors")[0])
    assert "loss" in (folder / "card.md").read_text()


def test_equal_weights_give_equal_files_and_the_same_hash(tmp_path):
    def saved(name, **changes):
        folder = replace(model(), **changes).save(tmp_path / name)
        noted = json.loads((folder / "provenance.json").read_text())["weights_sha256"]
        return (folder / "weights.safetensors").read_bytes(), noted

    first = saved("first")
    assert {saved(f"again {i}") for i in range(8)} == {first}
    other, noted = saved("other", history=[], facts={"classes": ["a"]})
    assert (other != first[0], noted) == (True, first[1])  # the notes in the file say of which configuration it is
    assert saved("changed", weights={**weights(), "scalar": np.array(3.25)})[1] != first[1]


def test_a_model_that_noted_the_hash_of_its_file_still_loads(folder):
    noted = json.loads((folder / "provenance.json").read_text())
    found = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    (folder / "provenance.json").write_text(json.dumps({**noted, "weights_sha256": found}))
    assert load_model(folder, config_of).method == "toy"


def test_whoever_may_read_the_configuration_may_read_the_weights(folder):
    modes = {path.name: path.stat().st_mode for path in folder.iterdir()}
    assert set(modes.values()) == {modes["config.json"]}


def test_weights_in_half_precision_come_back_in_full(tmp_path):
    half = {"layer.weight": np.array([[0.1, -2.5]], np.float16)}
    found = load_model(Model("toy", Settings(), half).save(tmp_path / "m"), config_of)
    assert found.weights["layer.weight"].dtype == np.float32
    np.testing.assert_array_equal(found.weights["layer.weight"], half["layer.weight"])


def test_the_card_of_the_method_is_kept(tmp_path):
    model(card="# toy\n\nWhat it does.").save(tmp_path / "m")
    assert (tmp_path / "m" / "card.md").read_text().startswith("# toy\n\nWhat it does.\n\n## This model")
    assert load_model(tmp_path / "m", config_of).card == "# toy\n\nWhat it does."


def test_a_loaded_model_saves_again_to_the_same(folder, tmp_path):
    first = load_model(folder, config_of)
    again = load_model(first.save(tmp_path / "again"), config_of)
    assert (again.config, again.facts, again.history[1]) == (first.config, first.facts, first.history[1])
    assert all(np.array_equal(again.weights[name], array) for name, array in first.weights.items())
    assert (tmp_path / "again" / "card.md").read_text() == (folder / "card.md").read_text()


def test_a_model_replaces_a_model_but_nothing_else(folder, tmp_path):
    model(provenance={"seed": 2}).save(folder)
    assert load_model(folder, config_of).provenance["seed"] == 2
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("precious")
    (tmp_path / "thesis" / "config.json").write_text('{"theme": "dark"}')
    with pytest.raises(InputError, match="holds something that is no Coverslip model"):
        model().save(tmp_path / "thesis")
    with pytest.raises(InputError, match="is a file"):
        model().save(tmp_path / "thesis" / "chapter.txt")
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "precious"


def test_a_model_that_cannot_be_saved_writes_nothing(tmp_path):
    with pytest.raises(InputError, match="no JSON form"):
        model(provenance={"f": print}).save(tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_no_folder(tmp_path):
    assert "does not exist" in assert_refused(tmp_path / "nowhere")
    assert "is no model folder" in assert_refused(tmp_path)
    (tmp_path / "f").touch()
    assert "is a file" in assert_refused(tmp_path / "f")


@pytest.mark.parametrize("name", ["config.json", "weights.safetensors", "provenance.json"])
def test_missing_file(folder, name):
    (folder / name).unlink()
    assert f"lacks {name}" in assert_refused(folder)


@pytest.mark.parametrize("change", [("7", "8"), ("20", "21"), ("0.5", "0.25"), ('"µ"', '"m"')])
def test_a_changed_configuration(folder, change):
    text = (folder / "config.json").read_text(encoding="utf-8")
    (folder / "config.json").write_text(text.replace(*change, 1), encoding="utf-8")
    assert "config.json was changed after the model was saved" in assert_refused(folder)


def test_line_ends_may_change(folder):
    text = (folder / "config.json").read_bytes()
    (folder / "config.json").write_bytes(text.replace(b"\n", b"\r\n"))
    assert load_model(folder, config_of).config.latent == 7


@pytest.mark.parametrize("content", [b"{", b"", b"[1]", b"\xff\xfe", b"{}", b'{"format": "1"}'])
def test_garbage_for_a_configuration(folder, content):
    (folder / "config.json").write_bytes(content)
    assert "config.json" in assert_refused(folder)


def sign(folder, **changes):
    """Change the configuration as someone would who also mends the hashes."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8")) | changes
    (folder / "config.json").write_text(json.dumps(config))
    arrays, notes = read_tensors(folder / "weights.safetensors")
    notes["config_sha256"] = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()
    write_tensors(folder / "weights.safetensors", arrays, notes)
    found = tensors_hash(arrays)
    (folder / "provenance.json").write_text(json.dumps({"weights_sha256": found}))


def test_a_newer_format_an_unknown_method_and_unknown_settings(folder):
    sign(folder, format=2, version="9.0")
    assert "newer Coverslip (9.0" in assert_refused(folder)
    sign(folder, format=1, method="other")
    assert "There is no method 'other'" in assert_refused(folder)
    sign(folder, method="toy", settings={"latent": 2, "colour": "red"})
    assert "There is no setting 'colour'" in assert_refused(folder)
    sign(folder, settings={"latent": 0})
    assert "'latent' cannot be 0" in assert_refused(folder)


@pytest.mark.parametrize("keep", [0, 5, 100, 0.5, 0.99])
def test_truncated_weights(folder, keep):
    path = folder / "weights.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    assert "weights.safetensors is cut short or damaged" in assert_refused(folder)


def test_changed_weights(folder):
    path = folder / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert "weights.safetensors was changed after the model was saved" in assert_refused(folder)


def test_weights_of_another_model(folder, tmp_path):
    other = Model("toy", Settings(latent=3), weights(1)).save(tmp_path / "other")
    shutil.copy(other / "weights.safetensors", folder)
    assert "belongs to another model" in assert_refused(folder)


def test_weights_without_notes(folder):
    write_tensors(folder / "weights.safetensors", weights())
    assert "belongs to another model" in assert_refused(folder)


class Bomb:
    ran = False

    def __reduce__(self):
        return (setattr, (Bomb, "ran", True))


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_a_pickle_is_not_opened(folder, protocol):
    (folder / "weights.safetensors").write_bytes(pickle.dumps(Bomb(), protocol=protocol))
    text = assert_refused(folder)
    assert "is a pickle" in text or protocol < 2
    assert not Bomb.ran


def test_a_zipped_pickle_is_not_opened(folder):
    with zipfile.ZipFile(folder / "weights.safetensors", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Bomb()))
    assert "it could run code and was not opened" in assert_refused(folder)
    assert not Bomb.ran


def test_a_damaged_history(folder):
    (folder / "history.csv").write_bytes(b"a,b\n1\n")
    assert "history.csv" in assert_refused(folder)


def test_a_method_without_epochs_has_no_history(tmp_path):
    Model("toy", Settings(), weights()).save(tmp_path / "m")
    assert load_model(tmp_path / "m", config_of).history == []


def test_tensors_and_notes_come_back(tmp_path):
    arrays = {"empty": np.zeros((0, 3), np.float32), "half": np.ones(2, np.float16), **weights()}
    found, notes = read_tensors(write_tensors(tmp_path / "a.safetensors", arrays, {"a": "µ"}))
    assert notes == {"a": "µ"}
    assert all(np.array_equal(found[name], array) for name, array in arrays.items())
    assert found.keys() == arrays.keys()


def test_missing_tensors(tmp_path):
    with pytest.raises(CoverslipError, match="is missing"):
        read_tensors(tmp_path / "a.safetensors")


@pytest.mark.parametrize("name", ["card.md", "history.csv", "config.json"])
def test_links_to_files_elsewhere_are_not_followed(folder, tmp_path, name):
    private = tmp_path / "private"
    (folder / name).replace(private)
    (folder / name).symlink_to(private)
    assert f"{name} is a link to a file outside" in assert_refused(folder)
    private.replace(folder / "inside")
    (folder / name).unlink()
    (folder / name).symlink_to("inside")
    assert load_model(folder, config_of).method == "toy"


@pytest.mark.parametrize(
    ("entry", "value"), [("inputs", 5), ("versions", []), ("weights_sha256", 1), ("inputs.path", {}), ("kind", [])]
)
def test_provenance_of_odd_types(folder, entry, value):
    file = folder / "provenance.json"
    facts = json.loads(file.read_text())
    outer, _, inner = entry.partition(".")
    facts[outer] = {inner: value} if inner else value
    file.write_text(json.dumps(facts))
    assert f"has no usable entry '{entry}'" in assert_refused(folder)


@pytest.mark.parametrize("facts", [{"input": 5}, {"input": {"channels": 1}}, {"warnings": "µ"}, {"shape": 3}])
def test_facts_of_odd_types(tmp_path, facts):
    Model("toy", Settings(), weights(), facts).save(tmp_path / "model")
    assert "has no usable entry 'facts." in assert_refused(tmp_path / "model")


@pytest.mark.parametrize("fact", [{"margin": "wide"}, {"decoding": []}, {"inputs": None}])
def test_facts_that_a_method_needs(tmp_path, fact):
    found = load("nuclei-fluo")
    replace(found, facts={**found.facts, **fact}).save(tmp_path / "model")
    with pytest.raises(ModelError, match=f"no usable fact '{next(iter(fact))}', which the method 'unet' needs"):
        load(tmp_path / "model")
