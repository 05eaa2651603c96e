"""Arguments that cannot be used end with code 2 and one sentence, before any work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import TINY, assert_one_sentence

pytestmark = pytest.mark.data

NOWHERE = "/proc/nowhere"
"""A place where nobody can write, not even root."""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--set", "latnet=3"], "no setting 'latnet'"),
        (["--set", "latent=many"], "cannot be 'many'"),
        (["--set", "latent=-1"], "cannot be -1"),
        (["--set", "latent"], "write it like latent=10"),
        (["--device", "tpu"], "choose auto, cpu, cuda or mps"),
        (["--devices", "0"], "At least one device"),
        (["--precision", "int8"], "choose auto, fp32, bf16 or fp16"),
        (["--max-ram", "lots"], "write it like 3GB"),
        (["--channels", "7"], "no channel '7'"),
        (["--channels", "DAPI"], "no channel 'DAPI'"),
        (["--planes", "best"], "say channels, max, sharpest"),
    ],
)
def test_fit_refuses(coverslip: Callable, crops: Path, out: Path, options: list[str], words: str) -> None:
    assert_one_sentence(coverslip("fit", "vae", crops, "--out", out / "model", *TINY, *options), words)


def test_an_unknown_method_lists_those_there_are(coverslip: Callable, crops: Path, out: Path) -> None:
    assert_one_sentence(coverslip("fit", "vea", crops, "--out", out / "model"), "no method 'vea'", "vae")
    assert_one_sentence(coverslip("methods", "vea"), "no method 'vea'", "vae")


def test_a_device_that_is_not_there_is_refused(coverslip: Callable, crops: Path, model: Path, out: Path) -> None:
    import torch

    device = "mps" if torch.cuda.is_available() else "cuda"
    words = f"no device '{device}' on this machine"
    assert_one_sentence(coverslip("fit", "vae", crops, "--out", out / "model", "--device", device), words)
    assert_one_sentence(coverslip("predict", model, crops, "--out", out / "cells.h5ad", "--device", device), words)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"latent: [1\nb", "cannot be read as YAML or JSON"),
        (b"- 1", "holds no settings"),
        (b"", "holds no settings"),
        (b"\xff\xfe\x00", "cannot be read as YAML or JSON"),
        (b"latnet: 3", "no setting 'latnet'"),
        (None, "no settings file"),
    ],
)
def test_a_broken_settings_file(
    coverslip: Callable, crops: Path, tmp_path: Path, out: Path, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "settings.yaml").write_bytes(content)
    said = coverslip("fit", "vae", crops, "--out", out / "model", "--config", tmp_path / "settings.yaml")
    assert_one_sentence(said, words)


def test_a_place_where_nothing_can_be_written_is_refused_first(
    coverslip: Callable, crops: Path, model: Path, cells: Path
) -> None:
    if not Path("/proc").is_dir():
        pytest.skip("needs a place where nobody can write")
    words = f"{NOWHERE}", "could not be written"
    # No sheet and no result is opened for it: these are not there.
    assert_one_sentence(coverslip("fit", "vae", "absent.csv", "--out", f"{NOWHERE}/model"), *words)
    assert_one_sentence(coverslip("predict", model, "absent.csv", "--out", f"{NOWHERE}/cells.h5ad"), *words)
    assert_one_sentence(coverslip("evaluate", "absent.h5ad", "--out", f"{NOWHERE}/numbers.csv"), *words)
    assert_one_sentence(coverslip("report", "absent.h5ad", "--out", f"{NOWHERE}/report.html"), *words)
    assert_one_sentence(coverslip("samples", "make", crops.parent, "--out", f"{NOWHERE}/sheet.csv"), *words)
    assert_one_sentence(coverslip("samples", "split", crops, "--out", f"{NOWHERE}/sheet.csv"), *words)
    assert_one_sentence(
        coverslip("study", "sweep", "vae", crops, "--over", "beta=1", "--out", f"{NOWHERE}/study"), *words
    )


@pytest.mark.parametrize(
    "command",
    [
        ["fit", "vae", "{crops}", "--out", "{model}"],
        ["predict", "{model}", "{crops}", "--out", "{cells}"],
        ["samples", "split", "{crops}", "--out", "{crops}"],
        ["samples", "make", "{model}", "--out", "{crops}"],
        ["report", "{cells}", "--out", "{page}"],
        ["evaluate", "{cells}", "--out", "{table}"],
    ],
)
def test_what_is_there_is_not_replaced_unasked(
    coverslip: Callable, crops: Path, model: Path, cells: Path, tmp_path: Path, command: list[str]
) -> None:
    places = {"crops": crops, "model": model, "cells": cells, "page": tmp_path / "r.html", "table": tmp_path / "t.csv"}
    for name in ("page", "table"):
        places[name].write_text("precious")
    kept = {path: path.read_bytes() for path in [crops, cells, *model.iterdir(), places["page"], places["table"]]}
    assert_one_sentence(coverslip(*[word.format(**places) for word in command]), "exists already", "--force")
    assert {path: path.read_bytes() for path in kept} == kept


def test_force_replaces_models_but_nothing_else(coverslip: Callable, crops: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("precious")
    said = coverslip("fit", "vae", crops, "--out", tmp_path / "thesis", "--force", *TINY)
    assert_one_sentence(said, "no Coverslip model")
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "precious"


@pytest.mark.parametrize(
    ("over", "words"),
    [
        (["beta"], "write it like latent=2,10,20"),
        (["=1"], "write it like"),
        (["beta="], "empty value"),
        (["beta=1,,2"], "empty value"),
        (["beta=1,2", "beta=3"], "given twice"),
        (["beta=1,1"], "--restarts"),
        (["seed=1,2"], "--restarts"),
        (["bta=1,2"], "no setting 'bta'"),
        (["beta=1,-2"], "cannot be -2"),
        (["latent=2,many"], "cannot be 'many'"),
    ],
)
def test_a_sweep_refuses_bad_values_before_any_fit(
    coverslip: Callable, crops: Path, out: Path, over: list[str], words: str
) -> None:
    options = [word for text in over for word in ("--over", text)]
    assert_one_sentence(coverslip("study", "sweep", "vae", crops, "--out", out / "study", *options), words)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["methods", "vae", "--size", "big"], "write height x width"),
        (["methods", "vae", "--size", "4x4"], "8 x 8"),
        (["methods", "vae", "--size", "40", "--preset", "mp9"], "no preset 'mp9'"),
        (["samples", "crop", "{crops}", "--size", "big", "--out", "crops"], "write height x width"),
        (["samples", "split", "{crops}", "--fractions", "1,2", "--out", "s.csv"], "three numbers"),
        (["predict", "{model}", "{crops}", "--clusters", "many", "--out", "c.h5ad"], "'auto'"),
        (["predict", "{model}", "{crops}", "--out", "cells.csv"], "end in .h5ad"),
        (["report", "{cells}", "--out", "report.pdf"], "end in .html"),
    ],
)
def test_other_commands_refuse(
    coverslip: Callable,
    crops: Path,
    model: Path,
    cells: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert_one_sentence(coverslip(*[word.format(crops=crops, model=model, cells=cells) for word in command]), words)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", [["fit"], ["fry"], ["fit", "vae", "cells.csv"], ["samples", "--big"], ["predict"]])
def test_a_call_that_lacks_something_shows_how_it_is_made(coverslip: Callable, command: list[str]) -> None:
    said = coverslip(*command)
    assert said.code == 2
    assert "Usage: coverslip" in said.err
    assert "Traceback" not in said.err
