"""Networks as ONNX files, which run without Coverslip and PyTorch."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import MissingExtra
from coverslip.nn.portable import Portable
from coverslip.portable.about import About

OPSET = 18
"""Version of the operators; runtimes since early 2023 have it."""

IR_VERSION = 8
"""Version of the file format, which belongs to these operators. The exporter writes a newer one that it does not need,
and older runtimes refuse."""

RUNTIMES = "ONNX Runtime 1.14 (February 2023) and newer"
"""Which runtimes have both."""

INPUT, OUTPUT = "pixels", "maps"
"""Names of the tensors."""

_TOLERANCE = 1e-4
_NEEDED = ("onnx", "onnxruntime", "onnxscript")


def has_onnx() -> bool:
    """Whether everything is installed that ONNX needs."""
    return all(find_spec(name) for name in _NEEDED)


def write_onnx(portable: Portable, about: About, path: Path) -> float:
    """Write a network as an ONNX file, and compare what both say.

    Parameters
    ----------
    portable : Portable
        The network. The batch stays free, and height and width where they are not fixed, as multiples of
        ``portable.multiple``.
    about : About
        Goes into the file's description.
    path : Path
        The file.

    Returns
    -------
    float
        Largest difference between the outputs of file and network, on two sizes.

    Raises
    ------
    MissingExtra
        If the extra ``onnx`` is not installed.
    """
    if not has_onnx():
        missing = next(name for name in _NEEDED if not find_spec(name))
        raise MissingExtra(f"An ONNX file needs {missing}, which is not installed; pip install 'coverslip[onnx]'.")
    import onnx
    import torch
    from torch.export import Dim

    step = portable.multiple
    # Sizes of two steps and more: the exporter takes 1 for a constant.
    sides = portable.sides or (2 * step, 3 * step)
    x = torch.zeros(2, len(portable.inputs), *sides)
    free = {0: Dim("batch")}
    if portable.sides is None:
        free |= {2: step * Dim("rows"), 3: step * Dim("columns")}
    with torch.no_grad():
        program = torch.onnx.export(
            portable.network,
            (x,),
            input_names=[INPUT],
            output_names=[OUTPUT],
            opset_version=OPSET,
            dynamic_shapes=(free,),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    _forget_sources(model)
    model.ir_version = IR_VERSION
    model.doc_string = about.summary
    onnx.helper.set_model_props(model, _notes(portable, about))
    onnx.save(model, str(path))
    shapes = (
        [(1, *portable.sides), (3, *portable.sides)]
        if portable.sides
        else [(1, step, 4 * step), (3, 5 * step, 2 * step)]
    )
    largest = max(difference(portable, path, shape) for shape in shapes)
    if largest > _TOLERANCE:
        raise RuntimeError(f"The ONNX file says something else than the network (by {largest:g}).")
    return largest


def _forget_sources(model: Any) -> None:
    """Take out which lines of which files the exporter saw: they hold paths of this machine."""
    graph = model.graph
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""


def _notes(portable: Portable, about: About) -> dict[str, str]:
    low, high = portable.percentiles
    scaled = f"per image and channel, the percentiles {low:g} and {high:g} become 0 and 1"
    notes = {
        "name": about.name,
        "licence": about.licence or "",
        "inputs": ", ".join(portable.inputs),
        "outputs": "; ".join(f"{o.name}: {o.description}" for o in portable.outputs),
        "scaling": "" if portable.stored else scaled,
        "multiple": str(portable.multiple),
        "afterwards": portable.afterwards,
        "runtimes": RUNTIMES,
    }
    return {key: value for key, value in notes.items() if value}


def difference(portable: Portable, path: Path, shape: tuple[int, int, int]) -> float:
    """Largest difference between the outputs of an ONNX file and of a network.

    Parameters
    ----------
    portable : Portable
        The network.
    path : Path
        The file.
    shape : tuple of int
        Number, height and width of the images they are given.
    """
    import onnxruntime
    import torch

    count, height, width = shape
    x = (
        np.random.default_rng(0)
        .uniform(*portable.grey, (count, len(portable.inputs), height, width))
        .astype(np.float32)
    )
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (found,) = session.run([OUTPUT], {INPUT: x})
    with torch.no_grad():
        expected = portable.network(torch.from_numpy(x)).numpy()
    return float(np.abs(found - expected).max())
