"""The loop: epochs, validation, early stopping, checkpoints, exact resume.

The order of samples and all noise follow from the seed, the epoch and the step alone, so that a fit that was
killed at any moment and resumed ends, on a CPU, with the same weights as one that ran through.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from coverslip.core import InputError, Stopped, Training, stop_on_signal, task
from coverslip.core.words import number_of
from coverslip.io.agreement import MARK
from coverslip.nn.device import cores_shared_by
from coverslip.train.batch import Batch, on_device
from coverslip.train.checkpoint import Progress, load_checkpoint, save_checkpoint
from coverslip.train.epochs import steps_of
from coverslip.train.feed import Batches
from coverslip.train.run import Run

if TYPE_CHECKING:
    import torch
    from lightning_fabric import Fabric

Step = Callable[["torch.nn.Module", Batch["torch.Tensor"], "torch.Generator", int], dict[str, "torch.Tensor"]]
"""``step(module, batch, generator, epoch) -> terms``, with ``terms["loss"]`` to be minimised.

The batch is on the device. Each term is a mean over its samples. `module.training` says whether it is for training;
all noise must come from `generator`. Call the network through `module(...)` so that several devices stay in step.
"""

Settled = Callable[[Sequence[Mapping[str, float]]], bool]
"""``settled(history) -> whether to stop``; it looks at nothing else, so that a resumed fit stops at the same epoch."""

_NOTE_SECONDS = 0.5


@dataclass(frozen=True)
class Outcome:
    """What training yields.

    Parameters
    ----------
    weights : dict of str to ndarray
        Parameters and buffers: those of the best epoch with early stopping, else of the last.
    history : list of dict
        One row per epoch: ``epoch``, every term, ``val_`` terms, ``learning_rate``, ``seconds``.
    facts : dict
        Device, precision, epochs run, whether samples came from memory.
    """

    weights: dict[str, np.ndarray]
    history: list[dict[str, float]]
    facts: dict[str, Any] = field(default_factory=dict)


def train(
    module: torch.nn.Module,
    step: Step,
    feed: Batches,
    split: Mapping[str, np.ndarray],
    settings: Training,
    run: Run,
    identity: Mapping[str, Any],
    settled: Settled | None = None,
) -> Outcome:
    """Train a network.

    Parameters
    ----------
    module : torch.nn.Module
        With its start weights; trained in place.
    step : callable
        The loss of one batch, see `Step`.
    feed : Batches
        The samples, as a `Feed`, or patches of fields, as a `PatchFeed`.
    split : mapping
        Row numbers under ``"train"`` and, if there is something to validate on, ``"val"``.
    settings : Training
        Epochs, batch, learning rate and so on.
    run : Run
        Device, precision, checkpoint folder.
    identity : mapping
        What is fitted to what, JSON-able; a checkpoint of something else is not resumed.
    settled : callable, optional
        Asked between epochs, with a row for each that was run, whether to stop.

    Raises
    ------
    InputError
        If the loss stops being a number, or a checkpoint belongs to another fit.
    Stopped
        After Ctrl-C or a request to terminate, once the state is saved.
    """
    import torch

    from coverslip.train.device import make_fabric
    from coverslip.train.memory import keep_freed_memory

    keep_freed_memory()
    identity = {**identity, MARK: run.mark}
    fabric, device, precision = make_fabric(run)
    module = module.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(
        module.parameters(),
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        amsgrad=settings.amsgrad,
        fused=device != "mps" and precision != "fp16",  # a fused optimiser cannot be clipped under loss scaling
    )
    wrapped, wrapped_optimiser = fabric.setup(module, optimiser)
    restored = load_checkpoint(run.folder, identity, module, optimiser) if run.folder and run.resume else None
    progress, best = restored or (Progress(), None)
    loop = _Loop(
        fabric, wrapped, wrapped_optimiser, step, feed, split, settings, run, identity, progress, best, settled
    )
    with cores_shared_by(1):
        loop.run_epochs()
    if best := loop.best:
        module.load_state_dict(best)
    weights = {name: t.detach().cpu().contiguous().numpy().copy() for name, t in module.state_dict().items()}
    facts = {
        "device": device,
        "precision": precision,
        "devices": fabric.world_size,
        "epochs_run": loop.progress.epoch,
        "best_epoch": loop.progress.best_epoch or None,
        "in_memory": feed.in_memory,
        "train": len(split["train"]),
        "val": len(split.get("val", ())),
    }
    return Outcome(weights, loop.progress.history, facts)


class _Loop:
    """The state of one fit while it runs."""

    def __init__(
        self,
        fabric: Fabric,
        module: Any,
        optimiser: Any,
        step: Step,
        feed: Batches,
        split: Mapping[str, np.ndarray],
        settings: Training,
        run: Run,
        identity: Mapping[str, Any],
        progress: Progress,
        best: dict[str, torch.Tensor] | None,
        settled: Settled | None,
    ) -> None:
        self.fabric, self.module, self.optimiser = fabric, module, optimiser
        self.step, self.feed, self.split = step, feed, split
        self.settings, self.run, self.identity = settings, run, identity
        self.progress, self.best, self.settled = progress, best, settled
        self.saved_at = time.monotonic()
        self.stop_asked = threading.Event()
        self.terms: list[str] = []

    def run_epochs(self) -> None:
        """Run the epochs that are left, or stop early."""
        import torch

        settings, progress = self.settings, self.progress
        steps = len(self._plan("train", 0))
        line = task("Fitting", settings.epochs * steps) if self.fabric.is_global_zero else None
        if line is not None:
            line.advance(progress.epoch * steps + progress.step)
        with stop_on_signal(self.stop_asked):
            try:
                while progress.epoch < settings.epochs and not self._exhausted():
                    started = time.monotonic()
                    self._train_epoch(line)
                    row = {"epoch": progress.epoch + 1, **self._means(self._over_devices(progress.sums))}
                    self._check_finite(row)
                    if len(self.split.get("val", ())):
                        row |= {f"val_{name}": value for name, value in self._validate().items()}
                    row["learning_rate"] = self._rate()
                    row["seconds"] = round(time.monotonic() - started, 3)
                    progress.history.append(row)
                    progress.epoch, progress.step, progress.sums = progress.epoch + 1, 0, []
                    if settings.patience and row.get("val_loss", math.inf) < progress.best_loss:
                        progress.best_loss, progress.best_epoch = row["val_loss"], progress.epoch
                        state = self.module.state_dict()
                        self.best = {k: torch.clone(t).detach().cpu() for k, t in state.items()}
                    if self._due():
                        self._save()
                    if self._stopping():
                        self._stop()
                self._save()
            finally:
                if line is not None:
                    line.close()

    def _train_epoch(self, line: Any) -> None:
        progress = self.progress
        plan = self._plan("train", progress.epoch)[progress.step :]
        last = progress.step + len(plan)
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate()
        self.module.train()
        totals = self._totals(progress.sums)
        noted, behind = time.monotonic(), 0
        seeds = [self._seed(0, progress.epoch, progress.step + i) for i in range(len(plan))]
        for batch in self.feed.batches(plan, seeds):
            terms = self._terms_of(batch, phase=0)
            self.optimiser.zero_grad(set_to_none=True)
            self.fabric.backward(terms["loss"])
            if self.settings.gradient_clip:
                self.fabric.clip_gradients(self.module, self.optimiser, max_norm=self.settings.gradient_clip)
            self.optimiser.step()
            totals = self._add(totals, terms, len(batch))
            progress.step += 1
            behind += 1
            # After the last step, stopping and saving wait for the end of the epoch: none has no steps left.
            within = progress.step < last
            stopping = within and self._stopping()
            # Several devices are saved between epochs only: each has its own sums.
            saving = within and self.fabric.world_size == 1 and self._due()
            if stopping or saving or time.monotonic() - noted >= _NOTE_SECONDS:
                # Reading the sums waits for the device, so it is done now and then only.
                progress.sums = [float(t) for t in totals]
                means = self._means(progress.sums)
                self._check_finite({"epoch": progress.epoch + 1, **means})
                if line is not None:
                    line.advance(behind, self._note(means))
                noted, behind = time.monotonic(), 0
            if saving:
                self._save()
            if stopping:
                progress.sums = [t / self.fabric.world_size for t in self._over_devices(progress.sums)]
                self._stop()
        progress.sums = [float(t) for t in totals]
        if line is not None:
            line.advance(behind, self._note(self._means(progress.sums)))

    def _validate(self) -> dict[str, float]:
        import torch

        self.module.eval()
        totals = self._totals([])
        plan = self._plan("val", 0)
        seeds = [self._seed(1, 0, i) for i in range(len(plan))]
        with torch.no_grad():
            for i, batch in enumerate(self.feed.batches(plan, seeds)):
                totals = self._add(totals, self._terms_of(batch, phase=1, index=i), len(batch))
        return self._means(self._over_devices([float(t) for t in totals]))

    def _terms_of(self, batch: Batch[np.ndarray], *, phase: int, index: int | None = None) -> dict[str, torch.Tensor]:
        import torch

        device = self.fabric.device
        # Validation draws the same noise every epoch, so that its losses compare.
        at = (self.progress.epoch, self.progress.step) if index is None else (0, index)
        sequence = self._seed(phase, *at)
        generator = torch.Generator(device=device)
        generator.manual_seed(int(sequence.generate_state(1, np.uint64)[0] >> 1))
        terms = self.step(self.module, on_device(batch, device), generator, self.progress.epoch)
        self.terms = list(terms)
        return terms

    def _seed(self, phase: int, epoch: int, step: int) -> np.random.SeedSequence:
        return np.random.SeedSequence([self.settings.seed, phase, epoch, step, self.fabric.global_rank])

    def _plan(self, part: str, epoch: int) -> list[np.ndarray]:
        """Row numbers of each batch of this process, in order."""
        rows = np.asarray(self.split[part])
        if part == "train":
            rows = np.random.default_rng([self.settings.seed, 2, epoch]).permutation(rows)
        batch, world, rank = self.settings.batch, self.fabric.world_size, self.fabric.global_rank
        batches = [rows[i : i + batch] for i in range(0, len(rows), batch)]
        if part == "train":
            batches = batches[: steps_of(len(rows), batch, world)]
        return [b[rank::world] for b in batches if len(b) >= world or part == "val"]

    def _rate(self) -> float:
        settings, past = self.settings, self.progress.epoch / self.settings.epochs
        if settings.schedule == "constant":
            return settings.learning_rate
        if settings.schedule == "steps":
            return settings.learning_rate * 0.1 ** sum(past >= milestone for milestone in settings.milestones)
        above = 0.5 * (1 + math.cos(math.pi * past))
        return settings.learning_rate * (settings.floor + (1 - settings.floor) * above)

    def _totals(self, sums: list[float]) -> torch.Tensor:
        import torch

        exact = torch.float32 if self.fabric.device.type == "mps" else torch.float64
        return torch.tensor(sums, dtype=exact, device=self.fabric.device)

    def _add(self, totals: torch.Tensor, terms: Mapping[str, torch.Tensor], count: int) -> torch.Tensor:
        import torch

        values = torch.stack([*(t.detach().to(totals.dtype) * count for t in terms.values()), totals.new_tensor(count)])
        return totals + values if len(totals) else values

    def _over_devices(self, sums: list[float]) -> list[float]:
        import torch

        if self.fabric.world_size == 1:
            return sums
        total = self.fabric.all_reduce(torch.tensor(sums, dtype=torch.float64), reduce_op="sum")
        return [float(t) for t in total]

    def _means(self, sums: list[float]) -> dict[str, float]:
        *totals, count = sums
        return {name: total / count for name, total in zip(self.terms, totals, strict=True)}

    def _check_finite(self, row: Mapping[str, float]) -> None:
        if not math.isfinite(row["loss"]):
            raise InputError(
                f"The loss stopped being a number in epoch {int(row['epoch'])}: lower learning_rate (it is "
                f"{self.settings.learning_rate:g}) or set gradient_clip=1."
            )

    def _note(self, means: Mapping[str, float]) -> str:
        note = f"epoch {self.progress.epoch + 1}/{self.settings.epochs}  loss {means['loss']:.4g}"
        if self.progress.history and "val_loss" in self.progress.history[-1]:
            note += f"  val {self.progress.history[-1]['val_loss']:.4g}"
        return note

    def _exhausted(self) -> bool:
        patience, progress = self.settings.patience, self.progress
        if self.settled is not None and self.settled(progress.history):
            return True
        return bool(patience and progress.best_epoch and progress.epoch - progress.best_epoch >= patience)

    def _due(self) -> bool:
        return time.monotonic() - self.saved_at >= self.run.save_every

    def _stopping(self) -> bool:
        """Whether to stop; several devices agree on it, or one would wait for the others for ever."""
        import torch

        asked = self.stop_asked.is_set()
        if self.fabric.world_size == 1:
            return asked
        return bool(self.fabric.all_reduce(torch.tensor(float(asked)), reduce_op="sum"))

    def _stop(self) -> NoReturn:
        self._save()
        done = f"after {self.progress.epoch} of {number_of(self.settings.epochs, 'epoch')}"
        if self.run.folder is None:
            raise Stopped(f"Stopped {done}; nothing was saved, for no folder was given.")
        raise Stopped(f"Stopped {done}; all of it is saved: run the same command with --resume to go on.")

    def _save(self) -> None:
        if self.run.folder is not None and self.fabric.is_global_zero:
            state = self.module.state_dict()
            save_checkpoint(self.run.folder, self.identity, self.progress, state, self.best, self.optimiser)
        self.saved_at = time.monotonic()
