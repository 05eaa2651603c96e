"""The layer table of a network: output shapes, mult-adds and parameters, in the order the layers run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True, slots=True)
class Layer:
    """One row of the table.

    Parameters
    ----------
    kind : str
        The layer's class, with its name in the network, such as ``"Linear (mu)"``.
    shape : tuple of int
        Output shape for a batch of one.
    parameters : int
        Trainable parameters of this layer.
    mult_adds : int
        Multiplications that are added up for one image, in convolutions and products of matrices.
    """

    kind: str
    shape: tuple[int, ...]
    parameters: int
    mult_adds: int = 0


def trainable_parameters(module: nn.Module) -> int:
    """Count the trainable parameters."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def layer_table(module: nn.Module, run: Callable[[torch.Tensor], Any], shape: tuple[int, ...]) -> list[Layer]:
    """Run a network once and list its layers in the order they ran.

    Parameters
    ----------
    module : torch.nn.Module
        The network.
    run : callable
        How to run it on an input, usually the module itself.
    shape : tuple of int
        Input shape without the batch axis, such as ``(C, H, W)``.

    Returns
    -------
    list of Layer
        Only layers without children: each parameter stands in exactly one row. What is computed between them, such as
        the products of an attention, is in a last row, where there is some.
    """
    import torch
    from torch import nn
    from torch.utils.flop_counter import FlopCounterMode

    rows: list[Layer] = []
    counter = FlopCounterMode(display=False)
    before: dict[str, int] = {}

    def begin(name: str) -> Callable[[nn.Module, Any], None]:
        def hook(_: nn.Module, __: Any) -> None:
            before[name] = counter.get_total_flops()

        return hook

    def note(name: str) -> Callable[[nn.Module, Any, Any], None]:
        leaf = name.split(".")[-1]

        def hook(layer: nn.Module, _: Any, output: Any) -> None:
            while not isinstance(output, torch.Tensor):  # of a list of maps the last was made here
                output = output[-1 if isinstance(output, list) else 0]
            kind = type(layer).__name__ + ("" if leaf.isdigit() else f" ({leaf})")
            done = (counter.get_total_flops() - before[name]) // 2  # it counts the product and the sum
            rows.append(Layer(kind, tuple(output.shape), trainable_parameters(layer), done))

        return hook

    leaves = [
        (name, m) for name, m in module.named_modules() if not list(m.children()) and not isinstance(m, nn.Identity)
    ]
    hooks = [m.register_forward_pre_hook(begin(name)) for name, m in leaves]
    hooks += [m.register_forward_hook(note(name)) for name, m in leaves]
    mode = module.training
    try:
        module.eval()
        with torch.no_grad(), counter:
            device = next(module.parameters()).device
            run(torch.zeros((1, *shape), device=device))
    finally:
        module.train(mode)
        for handle in hooks:
            handle.remove()
    between = counter.get_total_flops() // 2 - sum(row.mult_adds for row in rows)
    return [*rows, Layer("between the layers", (), 0, between)] if between else rows
