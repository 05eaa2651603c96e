"""Models as packages of the BioImage Model Zoo (bioimage.io), which deepImageJ, ilastik, napari and others open."""

from __future__ import annotations

import io
import warnings
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.nn.portable import Portable
from coverslip.portable.about import About
from coverslip.portable.cover import write_cover
from coverslip.portable.example import halo, scaled, smallest_side
from coverslip.portable.onnx_file import INPUT, OPSET, OUTPUT
from coverslip.portable.readme import POSTPROCESSING, TORCH, readme

if TYPE_CHECKING:
    from bioimageio.spec.model.v0_5 import ModelDescr, WeightsDescr

_SENTENCES = {
    True: "The example in this package is drawn, not imaged: it tests the calculation, not the quality.",
    False: "The example in this package is a part of a real image.",
}


def write_bioimageio(
    portable: Portable,
    about: About,
    example: np.ndarray,
    path: Path,
    work: Path,
    *,
    onnx: Path | None = None,
    drawn: bool = False,
) -> None:
    """Write a package: description, weights, test tensors, cover and documentation in one zip.

    Parameters
    ----------
    portable : Portable
        The network.
    about : About
        Name, authors, licence (see `check_licence`) and card.
    example : ndarray, shape (C, H, W), float32
        Grey values to test it with; their sides fit the network.
    path : Path
        The zip.
    work : Path
        A folder to build it in.
    onnx : Path, optional
        The same network as an ONNX file, to be added to the TorchScript.
    drawn : bool
        Whether the example is drawn, not imaged.
    """
    import torch
    from bioimageio.spec import save_bioimageio_package

    assert portable.percentiles is not None  # as of all networks that segment
    x = scaled(example, portable.percentiles)[None]
    with torch.no_grad():
        maps = portable.network(torch.from_numpy(x)).numpy()
    np.save(work / "test_input.npy", example[None])
    np.save(work / "test_output.npy", maps)
    write_cover(x[0, 0] / 2, maps[0, 0], work / "cover.png")
    (work / POSTPROCESSING).write_text(portable.program, encoding="utf-8")
    (work / "README.md").write_text(readme(portable, about, _SENTENCES[drawn]), encoding="utf-8")
    weights = _weights(portable, torch.from_numpy(x), work, onnx)
    save_bioimageio_package(_description(portable, about, weights, work), output_path=path)


def _weights(portable: Portable, x: Any, work: Path, onnx: Path | None) -> WeightsDescr:
    import torch
    from bioimageio.spec.model.v0_5 import OnnxWeightsDescr, TorchscriptWeightsDescr, Version, WeightsDescr

    whole = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        # PyTorch would have us use torch.export, which the programs that open these packages cannot read.
        warnings.filterwarnings("ignore", r".*torch\.jit.*", FutureWarning)
        torch.jit.save(torch.jit.trace(portable.network, x), whole)
    _without_traces(whole, work / "weights.pt")
    script = TorchscriptWeightsDescr(source=work / "weights.pt", pytorch_version=Version(TORCH))
    if onnx is None:
        return WeightsDescr(torchscript=script)
    return WeightsDescr(
        torchscript=script, onnx=OnnxWeightsDescr(source=onnx, opset_version=OPSET, parent="torchscript")
    )


def _without_traces(script: io.BytesIO, path: Path) -> None:
    """Write a TorchScript file without its notes for debuggers, which name the folders of this machine."""
    with zipfile.ZipFile(script) as whole, zipfile.ZipFile(path, "w") as kept:
        for name in whole.namelist():
            if not name.endswith(".debug_pkl"):
                kept.writestr(zipfile.ZipInfo(name), whole.read(name))


def _description(portable: Portable, about: About, weights: WeightsDescr, work: Path) -> ModelDescr:
    from bioimageio.spec import ValidationContext
    from bioimageio.spec.dataset.v0_3 import DatasetDescr
    from bioimageio.spec.model.v0_5 import Author, CiteEntry, Config, Doi, FileDescr, ModelDescr

    licence: Any = about.licence
    with ValidationContext(perform_io_checks=True):
        return ModelDescr(
            name=about.name,
            description=about.summary,
            authors=[Author(name=name) for name in about.authors],
            license=licence,
            cite=[CiteEntry(text=text, doi=Doi(doi)) for text, doi in portable.papers],
            tags=["2d", portable.task, "microscopy", "pytorch", "coverslip"],
            documentation=FileDescr(source=work / "README.md"),
            covers=[FileDescr(source=work / "cover.png")],
            attachments=[FileDescr(source=work / POSTPROCESSING)],
            inputs=[_input(portable, work)],
            outputs=[_output(portable, work)],
            training_data=DatasetDescr(name=f"Training images of {about.name}"[:64], description=about.data),
            weights=weights,
            config=Config(coverslip={"version": version("coverslip"), "afterwards": portable.afterwards}),
        )


def _input(portable: Portable, work: Path) -> Any:
    from bioimageio.spec.model.v0_5 import (
        AxisId,
        BatchAxis,
        ChannelAxis,
        FileDescr,
        InputTensorDescr,
        IntervalOrRatioDataDescr,
        ParameterizedSize,
        ScaleRangeDescr,
        ScaleRangeKwargs,
        SpaceInputAxis,
        TensorId,
    )

    assert portable.percentiles is not None
    low, high = portable.percentiles
    size = ParameterizedSize(min=smallest_side(portable), step=portable.multiple)
    spatial = AxisId("y"), AxisId("x")
    return InputTensorDescr(
        id=TensorId(INPUT),
        description="Grey values, any bit depth.",
        axes=[
            BatchAxis(),
            ChannelAxis(channel_names=list(portable.inputs)),
            *(SpaceInputAxis(id=axis, size=size, concatenable=True) for axis in spatial),
        ],
        data=IntervalOrRatioDataDescr(type="float32"),
        preprocessing=[ScaleRangeDescr(kwargs=ScaleRangeKwargs(axes=spatial, min_percentile=low, max_percentile=high))],
        test_tensor=FileDescr(source=work / "test_input.npy"),
    )


def _output(portable: Portable, work: Path) -> Any:
    from bioimageio.spec.model.v0_5 import (
        AxisId,
        BatchAxis,
        ChannelAxis,
        FileDescr,
        IntervalOrRatioDataDescr,
        OutputTensorDescr,
        SizeReference,
        SpaceOutputAxisWithHalo,
        TensorId,
    )

    def like(axis: str) -> SpaceOutputAxisWithHalo:
        same = SizeReference(tensor_id=TensorId(INPUT), axis_id=AxisId(axis))
        return SpaceOutputAxisWithHalo(id=AxisId(axis), size=same, halo=halo(portable))

    ranges = [(None, None) if output.bounds is None else output.bounds for output in portable.outputs]
    return OutputTensorDescr(
        id=TensorId(OUTPUT),
        description="; ".join(output.name for output in portable.outputs),
        axes=[BatchAxis(), ChannelAxis(channel_names=[o.name for o in portable.outputs]), like("y"), like("x")],
        data=[IntervalOrRatioDataDescr(type="float32", range=bounds) for bounds in ranges],
        test_tensor=FileDescr(source=work / "test_output.npy"),
    )
