"""`--resume` of a result that is there whole: it is what was asked for, or another one is named."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from coverslip.core import InputError
from coverslip.models.record import finished
from coverslip.train.run import Run
from coverslip.verbs.fit import fit_to_folder


def model(sha256: str | None) -> Any:
    return SimpleNamespace(provenance={"weights_sha256": sha256})


def test_a_finished_result_is_of_the_same_inputs_and_model(tmp_path: Path) -> None:
    facts = {"inputs": {"path": str(tmp_path / "a")}, "model": {"weights_sha256": "1"}}
    (tmp_path / "provenance.json").write_text(json.dumps(facts))
    assert finished(tmp_path, model("1"), tmp_path / "a").finished_before
    assert finished(tmp_path, model(None), tmp_path / "x" / ".." / "a").finished_before
    with pytest.raises(InputError, match=r"is finished, but of .*a, not of .*b; choose another --out"):
        finished(tmp_path, model("1"), tmp_path / "b")
    with pytest.raises(InputError, match="is finished, but by another model"):
        finished(tmp_path, model("2"), tmp_path / "a")
    (tmp_path / "provenance.json").unlink()  # nothing is known of it
    assert finished(tmp_path, model("2"), tmp_path / "b").finished_before


def test_a_finished_model_is_of_the_same_samples(tmp_path: Path) -> None:
    out = tmp_path / "model"
    out.mkdir()
    (out / "config.json").write_text("{}")
    (out / "provenance.json").write_text(json.dumps({"inputs": {"path": str(tmp_path / "a")}}))
    assert fit_to_folder("vae", tmp_path / "a", out, {}, run=Run(resume=True)) is None
    with pytest.raises(InputError, match="is finished, but of"):
        fit_to_folder("vae", tmp_path / "b", out, {}, run=Run(resume=True))
