"""Images per second of a training step: Mobincep beside torchvision's MobileNetV2 and ResNet-18, in interleaved rounds.

    python benchmarks/classify_step.py [--size 224] [--batch 32] [--rounds 5]

All are trained from scratch with AdamW on random images, channels last; fp32, and bfloat16 where it is asked for.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn
from torchvision.models import mobilenet_v2, resnet18

from coverslip.methods.classify import Config
from coverslip.methods.classify.model import build


def stepper(model: nn.Module, x: torch.Tensor, y: torch.Tensor, bf16: bool) -> Callable[[], None]:
    model = model.to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(model.parameters(), fused=True)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bool(bf16)):
            found = model(x)
            logits = found[1] if isinstance(found, tuple) else found
        optimiser.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(logits.float(), y).backward()
        optimiser.step()

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bf16", action="store_true")
    asked = parser.parse_args()
    torch.manual_seed(0)
    x = torch.rand(asked.batch, 3, asked.size, asked.size).contiguous(memory_format=torch.channels_last)
    y = torch.randint(2, (asked.batch,))
    made: dict[str, Callable[[], nn.Module]] = {
        "mobincep": lambda: build(Config(network="mobincep"), (3, asked.size, asked.size), 2),
        "mobilenet_v2": lambda: mobilenet_v2(num_classes=2),
        "resnet18": lambda: resnet18(num_classes=2),
    }
    steps = {
        f"{name}{' bf16' * bf16}": stepper(make(), x, y, bf16)
        for bf16 in range(1 + asked.bf16)
        for name, make in made.items()
    }
    times: dict[str, list[float]] = {name: [] for name in steps}
    for each in range(asked.rounds + 1):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            if each:  # the first warms up
                times[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    for name, seconds in medians.items():
        spread = (max(times[name]) - min(times[name])) / seconds
        ratio = f"{medians['mobincep'] / seconds:.2f} x mobincep"
        print(f"{name:20} {asked.batch / seconds:7.1f} images/s, spread {spread:.0%}, {ratio}")


if __name__ == "__main__":
    main()
