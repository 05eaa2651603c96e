"""Training throughput of the VAE at its default settings, against a plain fp32 PyTorch loop.

`mp4` on 2 x 140 x 140 pixels, batch 64. The peer is what a plain trainer does: float tensors in memory, fp32, the
default memory layout, Adam, `loss.item()` per step. Both run in this process in interleaved rounds; the ratio is that
of the medians. Memory that glibc would return to the system is kept for both, which only helps the peer.

    python benchmarks/vae_throughput.py
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

from coverslip.core.samples import ArraySamples
from coverslip.methods.vae import Config
from coverslip.methods.vae.architecture import plan
from coverslip.methods.vae.loss import loss_terms
from coverslip.methods.vae.model import VAE
from coverslip.samples import Normaliser
from coverslip.train.batch import Batch
from coverslip.train.feed import Feed
from coverslip.train.loop import train
from coverslip.train.memory import keep_freed_memory
from coverslip.train.run import Run

SHAPE, BATCH, STEPS = (2, 140, 140), 64, 4


class Plain:
    """A plain fp32 training loop over float tensors in memory."""

    def __init__(self, samples: ArraySamples, normaliser: Normaliser) -> None:
        self.x = torch.from_numpy(normaliser.apply(samples.read(np.arange(len(samples)))))
        self.model = VAE(plan(SHAPE, preset="mp4"), latent=2)
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=1e-3)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The same network without its care for the memory layout."""
        model = self.model
        mu, logvar = model.encode(x)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        decoded = model.decoder(model.bridge(z).unflatten(1, model.architecture.bottleneck))
        return model.resize(model.output(decoded)), mu, logvar

    def seconds(self) -> float:
        """One epoch."""
        started = time.perf_counter()
        for rows in torch.randperm(len(self.x)).split(BATCH):
            x = self.x[rows]
            x_hat, mu, logvar = self.forward(x)
            loss = loss_terms(x, x_hat, mu, logvar, beta=1.0)["loss"]
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            loss.item()
        return time.perf_counter() - started


class Ours:
    """The loop that `coverslip fit` runs, with its defaults."""

    def __init__(self, samples: ArraySamples, normaliser: Normaliser, precision: str) -> None:
        self.run = Run(precision=precision)
        self.feed = Feed(samples, normaliser.apply, self.run)
        self.module = VAE(plan(SHAPE, preset="mp4"), latent=2)
        self.rows = {"train": np.arange(len(samples)), "val": np.arange(0)}
        self.settings = Config(preset="mp4", latent=2, batch=BATCH, epochs=1)

    def seconds(self) -> float:
        """One epoch, as its history reports it."""

        def step(
            module: torch.nn.Module, batch: Batch[torch.Tensor], generator: torch.Generator, epoch: int
        ) -> dict[str, torch.Tensor]:
            x = batch.inputs
            x_hat, mu, logvar = module(x, torch.randn((len(x), 2), generator=generator))
            return loss_terms(x, x_hat, mu, logvar, beta=1.0)

        outcome = train(self.module, step, self.feed, self.rows, self.settings, self.run, {})
        return outcome.history[0]["seconds"]


def main() -> None:
    """Run the rounds and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds

    keep_freed_memory()
    torch.manual_seed(0)
    pixels = np.random.default_rng(0).integers(0, 4096, (BATCH * STEPS, *SHAPE)).astype(np.uint16)
    samples = ArraySamples(pixels)
    normaliser = Normaliser.fit(samples)
    runners = {
        "plain fp32 loop": Plain(samples, normaliser),
        "coverslip, defaults": Ours(samples, normaliser, "auto"),
        "coverslip, fp32": Ours(samples, normaliser, "fp32"),
    }
    times: dict[str, list[float]] = {name: [] for name in runners}
    for runner in runners.values():  # warm up: buffers, kernels
        runner.seconds()
    for _ in range(rounds):
        for name, runner in runners.items():
            times[name].append(runner.seconds())

    peer = np.array(times["plain fp32 loop"])
    print(f"{'':22}  images/s   ratio of medians   ratio, spread over rounds")
    for name, found in times.items():
        ratios = peer / np.array(found)
        print(
            f"{name:22}  {BATCH * STEPS / np.median(found):8.1f}   {np.median(peer) / np.median(found):16.2f}"
            f"   {np.quantile(ratios, 0.25):.2f} to {np.quantile(ratios, 0.75):.2f}"
        )
    spread = np.ptp(np.quantile(peer / np.array(times["coverslip, defaults"]), [0.25, 0.75]))
    if spread > 0.2 * np.median(peer) / np.median(times["coverslip, defaults"]):
        print("The ratio spreads by more than 20 %: this machine is too busy, run it again.")


if __name__ == "__main__":
    main()
