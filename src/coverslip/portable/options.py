"""Options of exporting a model."""

from __future__ import annotations

from pathlib import Path

from coverslip.core import Options, flag


class Export(Options):
    """Of `coverslip.portable.verb.export_model`."""

    onnx: Path | None = flag(None, "Write a model as an ONNX file (.onnx).")
    bioimageio: Path | None = flag(None, "Write a model as a bioimage.io package (.zip).")
    example: Path | None = flag(None, "Image whose middle tests and illustrates the package.")
    name: str | None = flag(None, "Title of the package; default: as the model's card says.")
    authors: tuple[str, ...] = flag((), "Author of the package; may be repeated.", name="author")
    licence: str | None = flag(None, "Licence of the package, SPDX name: CC-BY-4.0.")
