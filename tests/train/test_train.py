"""The training loop: where batches come from, when it stops, what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from coverslip.core.errors import InputError, Stopped
from coverslip.core.memory import parse_bytes
from coverslip.core.samples import ArraySamples
from coverslip.core.settings import Training
from coverslip.nn.device import choose_device, choose_precision
from coverslip.train.batch import Batch
from coverslip.train.device import make_fabric
from coverslip.train.feed import Feed
from coverslip.train.loop import Outcome, train
from coverslip.train.run import Run

CPU = Run(device="cpu", precision="fp32")
N = 40


@pytest.fixture
def samples() -> ArraySamples:
    return ArraySamples(np.random.default_rng(0).random((N, 1, 4, 4)).astype(np.float32))


class Mean(torch.nn.Module):
    """Learns one number: the mean of what it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.guess = torch.nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.guess.expand(len(x))


def step(module: Any, batch: Batch[torch.Tensor], generator: torch.Generator, epoch: int) -> dict[str, torch.Tensor]:
    x = batch.inputs
    return {"loss": (module(x) - x.mean(dim=(1, 2, 3))).square().mean()}


def run_fit(samples: ArraySamples, settings: Training, run: Run = CPU, module: Any = None, loss: Any = step) -> Outcome:
    split = {"train": np.arange(30), "val": np.arange(30, N)}
    feed = Feed(samples, lambda stored: stored, run)
    return train(module or Mean(), loss, feed, split, settings, run, {"settings": settings.model_dump()})


def test_it_learns_and_keeps_a_history(samples: ArraySamples) -> None:
    outcome = run_fit(samples, Training(epochs=60, batch=8, learning_rate=0.05))
    mean = samples.read(np.arange(30)).mean()
    assert outcome.weights["guess"][0] == pytest.approx(mean, abs=0.02)
    assert [row["epoch"] for row in outcome.history] == list(range(1, 61))
    assert {"loss", "val_loss", "learning_rate", "seconds"} <= outcome.history[0].keys()


def test_the_reported_loss_is_a_mean_over_the_samples(samples: ArraySamples) -> None:
    outcome = run_fit(samples, Training(epochs=1, batch=7, learning_rate=1e-12))
    expected = np.square(samples.read(np.arange(30, N)).mean(axis=(1, 2, 3))).mean()
    assert outcome.history[0]["val_loss"] == pytest.approx(expected, rel=1e-5)


def test_early_stopping_keeps_the_best_weights(samples: ArraySamples) -> None:
    losses = iter([3.0, 1.0, 2.0, 2.5, 9.0, 9.0])

    def scripted(
        module: Any, batch: Batch[torch.Tensor], generator: torch.Generator, epoch: int
    ) -> dict[str, torch.Tensor]:
        # Each training epoch moves the guess; the validation loss is best after the second.
        if module.training:
            return {"loss": -module(batch.inputs).mean()}
        return {"loss": torch.tensor(next(losses)) + 0 * module(batch.inputs).mean()}

    settings = Training(epochs=6, batch=64, patience=2, learning_rate=0.1)
    outcome = run_fit(samples, settings, loss=scripted)
    assert outcome.facts["epochs_run"] == 4
    assert outcome.facts["best_epoch"] == 2
    assert outcome.weights["guess"][0] == pytest.approx(0.2, rel=1e-3)


def test_a_fit_that_has_settled_stops_and_a_resumed_one_agrees(samples: ArraySamples, tmp_path: Path) -> None:
    run = replace(CPU, folder=tmp_path, resume=True)
    feed, split = Feed(samples, lambda stored: stored, run), {"train": np.arange(N)}
    settings = Training(epochs=50, batch=8, learning_rate=0.05)
    for _ in range(2):
        outcome = train(Mean(), step, feed, split, settings, run, {}, lambda history: len(history) == 3)
        assert [row["epoch"] for row in outcome.history] == [1, 2, 3]


def test_the_cosine_schedule_falls(samples: ArraySamples) -> None:
    outcome = run_fit(samples, Training(epochs=4, learning_rate=0.1, schedule="cosine"))
    rates = [row["learning_rate"] for row in outcome.history]
    assert rates == pytest.approx([0.1, 0.0853553, 0.05, 0.0146447], rel=1e-5)


def test_clipping_bounds_the_step(samples: ArraySamples) -> None:
    def steep(
        module: Any, batch: Batch[torch.Tensor], generator: torch.Generator, epoch: int
    ) -> dict[str, torch.Tensor]:
        return {"loss": 1e6 * module(batch.inputs).mean()}

    module = Mean()
    seen = []
    module.guess.register_post_accumulate_grad_hook(lambda p: seen.append(p))
    run_fit(samples, Training(epochs=1, batch=64, gradient_clip=0.5), module=module, loss=steep)
    assert seen
    assert float(module.guess.grad.abs()) == pytest.approx(0.5, rel=1e-4)  # type: ignore[union-attr]


def test_a_loss_that_is_no_number_stops_with_the_remedy(samples: ArraySamples) -> None:
    def broken(
        module: Any, batch: Batch[torch.Tensor], generator: torch.Generator, epoch: int
    ) -> dict[str, torch.Tensor]:
        return {"loss": module(batch.inputs).mean() * float("nan")}

    with pytest.raises(InputError, match="lower learning_rate"):
        run_fit(samples, Training(epochs=2), loss=broken)


def test_a_step_gets_inputs_and_targets_of_the_rows_it_was_asked_for(samples: ArraySamples) -> None:
    """Targets of three forms, from which the network learns a number of each sample that the pixels do not hold."""
    numbers = np.arange(N, dtype=np.int64)

    class Told(Feed):
        def batches(self, rows: Any, seeds: Any = ()) -> Any:
            for batch in super().batches(rows):
                each = [np.full(row % 3, row) for row in batch.rows]  # of different lengths
                targets = {"number": numbers[batch.rows], "each": each, "map": 2 * batch.inputs}
                yield replace(batch, targets=targets)

    seen: list[int] = []

    def told(
        module: Any, batch: Batch[torch.Tensor], generator: torch.Generator, epoch: int
    ) -> dict[str, torch.Tensor]:
        number, each, image = (batch.targets[name] for name in ("number", "each", "map"))
        assert number.dtype == torch.int64
        assert number.tolist() == batch.rows.tolist()
        assert [one.tolist() for one in each] == [[row] * (row % 3) for row in batch.rows]
        assert torch.equal(image, 2 * batch.inputs)
        assert batch.inputs.is_contiguous(memory_format=torch.channels_last)
        seen.extend(number.tolist())
        return {"loss": (module(batch.inputs) - number).square().mean()}

    split = {"train": np.arange(30), "val": np.arange(30, N)}
    settings = Training(epochs=200, batch=30, learning_rate=0.5)
    outcome = train(Mean(), told, Told(samples, lambda stored: stored, CPU), split, settings, CPU, {})
    assert outcome.weights["guess"][0] == pytest.approx(14.5, abs=0.1)
    assert sorted(seen[:30]) == list(range(30))
    assert seen[30:40] == list(range(30, N))


def test_batches_from_disk_equal_batches_from_memory(samples: ArraySamples) -> None:
    reads = []

    class Counting(ArraySamples):
        def read(self, indices: Any) -> np.ndarray:
            reads.append(len(indices))
            return super().read(indices)

    counting = Counting(samples.read(np.arange(N)))
    held, streamed = Feed(samples, lambda a: a, CPU), Feed(counting, lambda a: a, replace(CPU, max_ram=1))
    assert held.in_memory
    assert not streamed.in_memory
    rows = [np.array([3, 1, 2]), np.array([7]), np.arange(10, 20), np.array([39, 0])]
    pairs = list(zip(held.batches(rows), streamed.batches(rows), strict=True))
    assert all(np.array_equal(a.inputs, b.inputs) for a, b in pairs)
    assert [a.rows.tolist() for a, _ in pairs] == [r.tolist() for r in rows]
    assert max(reads) == 10  # never more than a batch


def test_an_error_while_reading_ahead_is_raised(samples: ArraySamples) -> None:
    def fail(stored: np.ndarray) -> np.ndarray:
        raise InputError("row 7 is damaged")

    with pytest.raises(InputError, match="row 7"):
        list(Feed(samples, fail, replace(CPU, max_ram=1)).batches([np.arange(3)]))


def test_resuming_another_fit_is_refused(samples: ArraySamples, tmp_path: Path) -> None:
    run = replace(CPU, folder=tmp_path)
    run_fit(samples, Training(epochs=1), run)
    with pytest.raises(InputError, match=r"begun with settings.epochs=1, not 2: resume it with the same settings"):
        run_fit(samples, Training(epochs=2), replace(run, resume=True))


def test_stopping_without_a_folder_says_that_nothing_was_saved(samples: ArraySamples) -> None:
    import os
    import signal

    def interrupt(
        module: Any, batch: Batch[torch.Tensor], generator: torch.Generator, epoch: int
    ) -> dict[str, torch.Tensor]:
        if module.training:  # once: the second Ctrl-C ends the process
            os.kill(os.getpid(), signal.SIGINT)
        return step(module, batch, generator, epoch)

    with pytest.raises(Stopped, match="nothing was saved"):
        run_fit(samples, Training(epochs=3), loss=interrupt)


@pytest.mark.parametrize(("text", "bytes_"), [("3GB", 3e9), ("512 MiB", 512 * 2**20), ("1e6", 1e6), ("2.5 kb", 2500)])
def test_amounts_of_memory_are_read(text: str, bytes_: float) -> None:
    assert parse_bytes(text) == bytes_


@pytest.mark.parametrize("text", ["", "lots", "3 parsecs", "GB"])
def test_other_amounts_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="write it like 3GB"):
        parse_bytes(text)


def test_a_device_that_is_not_there_is_refused() -> None:
    missing = "cuda" if not torch.cuda.is_available() else "mps"
    with pytest.raises(InputError, match=f"no device '{missing}'"):
        choose_device(missing)
    with pytest.raises(InputError, match="choose auto"):
        Run(device="gpu")


def test_precision_is_what_was_asked_for_or_native() -> None:
    assert choose_precision("fp32", "cpu") == "fp32"
    assert choose_precision("auto", "mps") == "fp32"
    assert choose_precision("auto", "cpu") in ("fp32", "bf16")


def test_half_precision_rounds_what_is_multiplied_and_not_what_is_given() -> None:
    """A box at pixel 301 would lie at 300 in bfloat16."""
    fabric, _, precision = make_fabric(Run(device="cpu", precision="bf16"))
    network = fabric.setup(torch.nn.Linear(1, 1, bias=False))
    seen: list[torch.Tensor] = []
    network.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    network.module.register_forward_hook(lambda _, given, out: seen.extend([given[0], out]))
    network(torch.tensor([[301.0]]))
    assert precision == "bf16"
    assert [float(given) for given in seen[:2]] == [301.0, 301.0]
    assert seen[2].dtype == torch.bfloat16
