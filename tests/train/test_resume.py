"""A fit that is killed at any moment and resumed ends with the same weights, bit for bit."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pytest
from tifffile import imwrite

import coverslip as cs
from coverslip.core.errors import InputError, Stopped
from coverslip.core.samples import ArraySamples
from coverslip.read import read_tensors
from coverslip.samples import open_samples
from coverslip.samples.opening.mark import mark_of
from coverslip.train.loop import _Loop
from coverslip.train.run import Run

from ..processes import PROCESSES

SCRIPT = """
import os
import numpy as np
import torch
from coverslip.core.samples import ArraySamples
from coverslip.verbs.fit import fit_to_folder
from coverslip.train.run import Run

os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
torch.set_num_threads(1)
pixels = np.random.default_rng(0).integers(0, 4000, (96, 2, 16, 16)).astype(np.uint16)
settings = dict(latent=2, width=8, epochs=8, batch=8, patience=50, seed=3, **{"augment.dihedral": True})
run = Run(resume=resume, device="cpu", save_every=0.0)
fit_to_folder("vae", ArraySamples(pixels), out, settings, run=run)
"""


def start(out: Path, *, resume: bool) -> BaseProcess:
    names = {"out": out, "resume": resume, "said": out.with_suffix(".said")}
    process = PROCESSES.Process(target=exec, args=(SCRIPT, names))
    process.start()
    return process


def finish(process: BaseProcess, out: Path) -> str:
    """What a process said until it ended."""
    process.join(120)
    return out.with_suffix(".said").read_text()


def fit_whole(out: Path, *, resume: bool = False) -> dict[str, np.ndarray]:
    """The weights of a fit that must succeed."""
    process = start(out, resume=resume)
    said = finish(process, out)
    assert process.exitcode == 0, said
    return read_tensors(out / "weights.safetensors")[0]


def wait_for_steps(checkpoint: Path, saves: int) -> None:
    """Wait until the checkpoint has been replaced a few times."""
    seen: set[int] = set()
    deadline = time.monotonic() + 120
    while len(seen) < saves and time.monotonic() < deadline:
        if checkpoint.exists():
            seen.add(checkpoint.stat().st_mtime_ns)
        time.sleep(0.001)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    return fit_whole(tmp_path_factory.mktemp("whole") / "model")


@pytest.mark.parametrize("saves", [2, 7, 16])
def test_kill_and_resume_give_the_same_weights(
    saves: int, uninterrupted: dict[str, np.ndarray], tmp_path: Path
) -> None:
    out = tmp_path / "model"
    process = start(out, resume=False)
    wait_for_steps(tmp_path / "model.fitting" / "checkpoint.safetensors", saves)
    process.kill()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL, "the fit ended before it could be killed"
    assert not out.exists()

    weights = fit_whole(out, resume=True)
    assert weights.keys() == uninterrupted.keys()
    assert all(np.array_equal(weights[name], uninterrupted[name]) for name in weights)
    assert not (tmp_path / "model.fitting").exists()


def test_a_request_to_stop_saves_and_says_how_to_go_on(uninterrupted: dict[str, np.ndarray], tmp_path: Path) -> None:
    out = tmp_path / "model"
    process = start(out, resume=False)
    wait_for_steps(tmp_path / "model.fitting" / "checkpoint.safetensors", 3)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGINT)
    assert "run the same command with --resume" in finish(process, out)
    weights = fit_whole(out, resume=True)
    assert all(np.array_equal(weights[name], uninterrupted[name]) for name in weights)


@pytest.mark.parametrize("checks", [1, 2, 3, 4])
def test_a_fit_stopped_after_any_step_goes_on_to_the_same_weights(
    checks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two steps an epoch: also after the last one, from where there is no step to take."""
    pixels = np.random.default_rng(0).integers(0, 4000, (16, 1, 16, 16)).astype(np.uint16)
    settings = {"latent": 2, "width": 4, "epochs": 2, "batch": 8, "validation": 0}

    def weights_of(folder: Path) -> Mapping[str, np.ndarray]:
        run = Run(folder=folder, resume=True, device="cpu", precision="fp32", save_every=0.0)
        return cs.fit("vae", ArraySamples(pixels), settings, run=run).weights

    whole = weights_of(tmp_path / "whole")
    answers = iter([False] * (checks - 1) + [True])
    with monkeypatch.context() as patched:
        patched.setattr(_Loop, "_stopping", lambda loop: next(answers))
        with pytest.raises(Stopped):
            weights_of(tmp_path / "stopped")
    resumed = weights_of(tmp_path / "stopped")
    assert all(np.array_equal(resumed[name], whole[name]) for name in whole)


def test_a_stopped_fit_does_not_go_on_with_other_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many, as large, and called alike: only the pixels differ, or a class."""
    settings = {"latent": 2, "width": 4, "epochs": 2, "batch": 8, "validation": 0}
    run = Run(folder=tmp_path / "stopped", resume=True, device="cpu", precision="fp32", save_every=0.0)
    rng = np.random.default_rng(0)
    first, second = (rng.integers(0, 4000, (16, 1, 16, 16)).astype(np.uint16) for _ in range(2))
    label = np.repeat(["a", "b"], 8)
    with monkeypatch.context() as patched:
        patched.setattr(_Loop, "_stopping", lambda loop: True)
        with pytest.raises(Stopped):
            cs.fit("vae", ArraySamples(first, {"label": label}), settings, run=run)
    with pytest.raises(InputError, match="begun with method=vae, not simclr: resume"):
        cs.fit("simclr", ArraySamples(first, {"label": label}), {"width": 8}, run=run)
    for other in (ArraySamples(second, {"label": label}), ArraySamples(first, {"label": label[::-1]})):
        with pytest.raises(InputError, match="begun with other images, classes or splits"):
            cs.fit("vae", other, settings, run=run)
    assert len(cs.fit("vae", ArraySamples(first, {"label": label}), settings, run=run).history) == 2


def test_what_tells_images_from_others_is_seen_in_files_and_fields(tmp_path: Path) -> None:
    from coverslip.core.fields import ArrayFields

    images = np.random.default_rng(0).integers(0, 4000, (40, 20, 20)).astype(np.uint16)
    changed = images.copy()
    changed[-1, 10, 10] += 1
    assert mark_of(ArrayFields([*images])) == mark_of(ArrayFields([*images.copy()]))
    assert mark_of(ArrayFields([*images])) != mark_of(ArrayFields([*changed]))
    for i, image in enumerate(images):
        imwrite(tmp_path / f"{i}.tif", image)
    before = mark_of(open_samples(tmp_path))
    assert mark_of(open_samples(tmp_path)) == before
    imwrite(tmp_path / "1.tif", images[1], compression="zlib")  # one that is not looked into
    assert mark_of(open_samples(tmp_path)) != before
