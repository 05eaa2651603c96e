"""What the vectors do not notice: how far each transform moves an image."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from coverslip.core import Fitted, Samples
from coverslip.methods.simclr.inference import network
from coverslip.nn.device import choose_device
from coverslip.samples.opening.alike import BATCH, as_fitted
from coverslip.samples.opening.augment import turn
from coverslip.samples.opening.recipes import sharpened


def distances(fitted: Fitted, samples: Samples, *, device: str = "auto") -> list[dict[str, str | float]]:
    """How far transforms move images, as a share of how far apart different images are.

    Parameters
    ----------
    fitted : Fitted
        A fitted SimCLR.
    samples : Samples
        At least 2 images of the shape it was fitted to.
    device : str
        Where to compute.

    Returns
    -------
    list of dict
        For each transform ``transform``, and ``before`` and ``after`` the head the mean cosine distance between an
        image and its transform, divided by that between different images: 0 is not noticed, 1 is like another image.
    """
    device = choose_device(device)
    model = network(fitted, device)
    x = torch.cat([x for _, x in as_fitted(fitted, samples, device, note="Reading")])

    def vectors(images: Tensor) -> list[Tensor]:
        parts = [model(part.contiguous(memory_format=torch.channels_last)) for part in images.split(BATCH)]
        return [F.normalize(torch.cat(both).double(), dim=1) for both in zip(*parts, strict=True)]

    with torch.inference_mode():
        plain = vectors(x)
        apart = [_between(v) for v in plain]
        rows: list[dict[str, str | float]] = []
        for name, transform in _transforms(x, samples.channels):
            moved = [1 - (v * w).sum(1).mean() for v, w in zip(plain, vectors(transform(x)), strict=True)]
            shares = [round(float(m / max(a, 1e-9)), 4) for m, a in zip(moved, apart, strict=True)]
            rows.append({"transform": name, "before": shares[0], "after": shares[1]})
    return rows


def _between(unit: Tensor) -> float:
    """Mean cosine distance between different rows."""
    n = len(unit)
    total = unit.sum(0).square().sum()
    return float(1 - (total - n) / max(1, n * (n - 1)))


def _transforms(x: Tensor, names: tuple[str, ...]) -> Iterator[tuple[str, Callable[[Tensor], Tensor]]]:
    from torchvision.transforms.functional import gaussian_blur, resize

    height, width = x.shape[-2:]
    if height == width:
        yield "turned by 90°", lambda x: turn(x, 1)
    yield "turned by 180°", lambda x: turn(x, 2)
    yield "flipped", lambda x: turn(x, 4)
    h, w = round(height * 0.5**0.5), round(width * 0.5**0.5)
    top, left = (height - h) // 2, (width - w) // 2
    yield "cropped to half the area", lambda x: resize(x[..., top : top + h, left : left + w], [height, width])
    yield "brightness + 20 %", lambda x: x * 1.2
    yield "contrast - 20 %", lambda x: torch.lerp(x.mean((1, 2, 3), keepdim=True), x, 0.8)
    side = min(7, height - 1 + height % 2, width - 1 + width % 2)
    yield "blurred, 1 pixel", lambda x: gaussian_blur(x, [side, side], [1.0, 1.0])
    yield "sharpened, 2 times", lambda x: sharpened(x, 2.0)
    grain = torch.randn(x.shape, generator=torch.Generator().manual_seed(0)).to(x)
    yield "noise of 3 %", lambda x: x + 0.03 * grain
    for i in range(x.shape[1] if x.shape[1] > 1 else 0):
        name = names[i] if len(names) == x.shape[1] else f"channel {i}"
        level = x[:, i].mean()
        keep = torch.arange(x.shape[1], device=x.device)[:, None, None] != i
        yield f"without {name}", lambda x, keep=keep, level=level: torch.where(keep, x, level)  # type: ignore[misc]
