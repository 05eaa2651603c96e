"""The verb export for models."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from coverslip.core import InputError
from coverslip.io.atomic import atomic_path, refuse_existing
from coverslip.models.folder import Model
from coverslip.models.loading import loaded
from coverslip.nn.portable import Portable
from coverslip.portable.about import About, about_model, check_licence
from coverslip.portable.bioimageio_package import write_bioimageio
from coverslip.portable.example import drawn_example, example_from
from coverslip.portable.onnx_file import RUNTIMES, has_onnx, write_onnx


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Parameters
    ----------
    path : Path
        The file.
    notes : tuple of str
        What to know of it, a sentence each.
    """

    path: Path
    notes: tuple[str, ...] = field(default=())


def export_model(
    model: Model | str | Path,
    *,
    onnx: str | Path | None = None,
    bioimageio: str | Path | None = None,
    example: str | Path | None = None,
    name: str | None = None,
    authors: Sequence[str] = (),
    licence: str | None = None,
    force: bool = False,
) -> list[Exported]:
    """Write a model in forms that other programs run.

    Parameters
    ----------
    model : Model, str or Path
        A model, its folder, or the name of one that is shipped.
    onnx : str or Path, optional
        An ONNX file to write (``.onnx``).
    bioimageio : str or Path, optional
        A package of the BioImage Model Zoo to write (``.zip``).
    example : str or Path, optional
        An image that the model works on: a part of it becomes the package's test and picture. Default: a drawn one.
    name, authors, licence : optional
        For the package; default: what the model's card says.
    force : bool
        Replace files that are there.

    Returns
    -------
    list of Exported
        The ONNX file, then the package.

    Raises
    ------
    InputError
        If the model's method has no such form, a name has the wrong ending, something is there already, the licence is
        unknown, or the example does not fit the model.
    MissingExtra
        If the extra ``onnx`` is needed and not installed.
    """
    targets = [(path, ending) for path, ending in ((onnx, ".onnx"), (bioimageio, ".zip")) if path is not None]
    if not targets:
        raise InputError("Say in which form to export the model: onnx (a file) or bioimageio (a package).")
    for path, ending in targets:
        if Path(path).suffix.lower() != ending:
            raise InputError(f"'{path}' should end in {ending}: the result is such a file.")
        refuse_existing(path, force)
    model = loaded(model)
    if not hasattr(model.implementation, "portable"):
        raise InputError(f"Models of the method '{model.method}' run in Coverslip only; export its results instead.")
    portable: Portable = model.implementation.portable(model)
    if bioimageio is not None and portable.task != "segmentation":
        raise InputError(
            "A package of the BioImage Model Zoo is for models that find objects; export this one as ONNX."
        )
    about = about_model(model, name=name, authors=authors, licence=licence)
    pixels = None
    if bioimageio is not None:  # everything that may be refused comes before what takes long
        check_licence(about.licence)
        pixels = _example(model, portable, example)
    written, network = [], None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if onnx is not None or has_onnx():
            network = Path(folder) / "weights.onnx"
            difference = write_onnx(portable, about, network)
            if onnx is not None:
                with atomic_path(onnx) as temporary:
                    shutil.copy(network, temporary)
                note = f"Its outputs are those of the model to within {difference:.0e}."
                written.append(Exported(Path(onnx), (note, f"It opens in {RUNTIMES}.")))
        if bioimageio is not None and pixels is not None:
            with atomic_path(bioimageio) as temporary:
                write_bioimageio(portable, about, pixels, temporary, Path(folder), onnx=network, drawn=example is None)
            written.append(Exported(Path(bioimageio), _notes(about, network is not None, example is None)))
    return written


def _example(model: Model, portable: Portable, image: str | Path | None) -> np.ndarray:
    if image is None:
        return drawn_example(portable)
    fields = model.open(image)
    return example_from(portable, image, fields)


def _notes(about: About, with_onnx: bool, drawn: bool) -> tuple[str, ...]:
    notes = [f"Weights in it: TorchScript{' and ONNX' if with_onnx else ''}."]
    if drawn:
        notes.append("Its test image is drawn; say --example IMAGE for one that shows what the model is for.")
    missing = [option for option, said in (("--author", about.authors), ("--licence", about.licence)) if not said]
    if missing:
        notes.append(f"Before it can be uploaded to bioimage.io it needs {' and '.join(missing)}.")
    return tuple(notes)
