"""A training step of SimCLR, ResNet-18 on 3 x 96 x 96, batch 64, against lightly's transforms and loss.

Both train the same trunk and head in this process, in interleaved rounds of whole steps from stored 8-bit images:
views, forward and backward pass, optimiser. The peer is what lightly's examples do: each view by its `SimCLRTransform`
from a Pillow image, two passes in fp32 with the default memory layout, its `NTXentLoss`, Adam. Ours is the loop's step:
both views by one batch of tensors and in one pass, channels last, in bfloat16 where the hardware multiplies it
natively. The ratio is that of the medians.

lightly is not among Coverslip's requirements: install it beside (`pip install --no-deps --target lightly lightly`, and
what it asks for) and put that folder on PYTHONPATH. Without it only the share of the augmentation is measured.

    python benchmarks/simclr_step.py
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from coverslip.methods.simclr import Config
from coverslip.methods.simclr.fitting import terms_of, two_views
from coverslip.methods.simclr.inference import build
from coverslip.nn.device import choose_precision
from coverslip.train.memory import keep_freed_memory

SHAPE, BATCH = (3, 96, 96), 64


def ours(pixels: np.ndarray, recipe: str, precision: str) -> tuple[Callable[[], None], Callable[[], object]]:
    """A step as the loop makes it, and its augmentation alone."""
    config = Config.model_validate({"recipe": recipe})
    model = build(config, SHAPE).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=1e-4, fused=True)
    generator = torch.Generator().manual_seed(0)

    def views() -> torch.Tensor:
        x = torch.from_numpy(pixels.astype(np.float32) / 255).contiguous(memory_format=torch.channels_last)
        return two_views(x, config.recipe, generator)

    def step() -> None:
        x = views()  # as in the loop, where the network alone is cast
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            z = model(x)[1]
        optimiser.zero_grad()
        terms_of(z, config)["loss"].backward()
        optimiser.step()

    return step, views


def lightlys(pixels: np.ndarray) -> Callable[[], None]:
    """A step as lightly's examples make it."""
    from lightly.loss import NTXentLoss
    from lightly.transforms import SimCLRTransform
    from PIL import Image

    model = build(Config(), SHAPE)
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-4, weight_decay=1e-4)
    transform, criterion = SimCLRTransform(input_size=SHAPE[1]), NTXentLoss(temperature=0.07)
    images = [Image.fromarray(np.moveaxis(one, 0, -1)) for one in pixels]

    def step() -> None:
        first, second = (torch.stack(views) for views in zip(*(transform(image) for image in images), strict=True))
        loss = criterion(model(first)[1], model(second)[1])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step


def main() -> None:
    """Run the rounds and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--recipe", default="strong", help="lightly's is nearest to 'strong'")
    given = parser.parse_args()

    keep_freed_memory()
    torch.manual_seed(0)
    pixels = np.random.default_rng(0).integers(0, 256, (BATCH, *SHAPE)).astype(np.uint8)
    best = choose_precision("auto", "cpu")
    steps: dict[str, Callable[[], object]] = {}
    steps["coverslip, fp32"], steps["its augmentation"] = ours(pixels, given.recipe, "fp32")
    steps["augmentation, microscopy"] = ours(pixels, "microscopy", "fp32")[1]
    if best != "fp32":
        steps[f"coverslip, {best}"] = ours(pixels, given.recipe, best)[0]
    else:
        print("This processor does not multiply bfloat16: only fp32 is measured.")
    try:
        steps["lightly, fp32"] = lightlys(pixels)
    except ModuleNotFoundError as error:
        print(f"lightly is left out: {error}.")

    times: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(given.rounds + 1):
        for name, step in steps.items():
            started = time.perf_counter()
            step()
            if number:  # the first round warms up
                times[name].append(time.perf_counter() - started)
    medians = {name: float(np.median(found)) for name, found in times.items()}
    print(f"{torch.get_num_threads()} thread(s)\n{'':26}  seconds  images/s")
    for name, seconds in medians.items():
        print(f"{name:26}  {seconds:7.3f}  {BATCH / seconds:8.1f}")
    whole = medians.get(f"coverslip, {best}", medians["coverslip, fp32"])
    for name in ("its augmentation", "augmentation, microscopy"):
        print(f"{name}: {medians[name] / whole:.1%} of the step")
    if "lightly, fp32" in times:
        for name in (n for n in times if n.startswith("coverslip")):
            ratios = np.array(times["lightly, fp32"]) / np.array(times[name])
            low, high = np.quantile(ratios, [0.25, 0.75])
            ratio = medians["lightly, fp32"] / medians[name]
            print(f"{name} against lightly: {ratio:.2f} times the images/s ({low:.2f} to {high:.2f})")
            if high - low > 0.2 * ratio:
                print("The ratio spreads by more than 20 %: this machine is too busy, run it again.")


if __name__ == "__main__":
    main()
