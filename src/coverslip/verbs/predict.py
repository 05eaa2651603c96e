"""The verb predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from coverslip import results
from coverslip.core import InputError, Kind, Options, Samples, Written
from coverslip.io.tags import provenance_of
from coverslip.models.folder import Model
from coverslip.models.loading import loaded
from coverslip.verbs.options import for_prediction
from coverslip.work.asked import Asked


def predict(
    model: Model | str | Path,
    inputs: Any,
    *,
    device: str = "auto",
    channels: Sequence[str | int] | None = None,
    planes: str | int | None = None,
    series: str | int | None = None,
    frames: str | None = None,
    pixel_size: str | float | None = None,
    **options: Any,
) -> Any:
    """Apply a model.

    Parameters
    ----------
    model : Model, str or Path
        A model, its folder, or the name of one that is shipped (see `coverslip.shipped`).
    inputs : str, Path, Sheet, Samples, Fields, ndarray, tensor, Image or list of images
        What to apply it to: one image, a folder, a sheet, an array; or a list of paths, arrays or tensors.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    channels, planes
        As for `coverslip.fit`; default: those of the fit.
    series : str or int, optional
        Of files that hold several images this one, by number or by name; default: all.
    frames : str, optional
        Of movies ``"all"`` frames, or ``"every=5"``.
    pixel_size : str or float, optional
        µm per pixel, such as ``0.325``; default: what the sheet or the files say.
    **options
        Those of the method, such as ``flips``, and those of the kind of result that it gives, such as ``clusters`` of
        an embedding or ``rivals`` of decompositions; ``coverslip methods NAME`` lists them.

    Returns
    -------
    Embedding, LabelMap, Decomposition or list of these two
        With provenance. A model that finds objects gives a LabelMap or a Decomposition for one image and a list for
        several.

    Raises
    ------
    InputError
        If the inputs do not fit the model, or an option is not one of the method's.
    """
    used = loaded(model)
    own, given = for_prediction(used, options, model)
    said = {
        "channels": None if channels is None else list(channels),
        "planes": planes,
        "series": None if series is None else str(series),
        "frames": frames,
        "pixel_size": None if pixel_size is None else str(pixel_size),
    }
    asked = Asked(device=device, input={name: value for name, value in said.items() if value is not None})
    return results.get(used.gives).verb("predict")(used, inputs, asked, own, given)


def predict_to_file(
    model: Model | str | Path,
    inputs: str | Path,
    out: str | Path | None = None,
    *,
    asked: Asked | None = None,
    options: Mapping[str, Any] | None = None,
) -> Written:
    """Apply a model and write the result, whole or not at all.

    Parameters
    ----------
    model, options
        As for `predict`.
    inputs : str or Path
        One image, a folder or a sheet. Of a folder, images that cannot be used are left out, and the notes say why.
        A model that says something of single samples, such as their class, takes labels too: each object is cut out
        as in the fit, and what the model says goes into the table of objects.
    out : str or Path, optional
        Where to: an embedding into a ``.h5ad``; labels into a folder, or those of one image into a ``.labels.tif`` or
        a ``.zarr``; decompositions into a folder. Default: named after the inputs, in the current folder.
    asked : Asked, optional
        Device, memory, what becomes of work that was stopped.

    Returns
    -------
    Written
        Where the result is, and what came of it in words.

    Raises
    ------
    InputError
        Before any work, if the place is taken or an option is not one of the method's.
    Stopped
        After Ctrl-C or a request to terminate, with what was done kept for ``resume``.
    """
    used = loaded(model)
    own, given = for_prediction(used, options or {}, model)
    kind, asked = results.get(used.gives), asked or Asked()
    objects = _kind_with_objects(inputs) if "columns" in kind.verbs else None
    if objects is not None:
        written = _describe_objects(objects, used, Path(inputs), out, asked, own, given)
    else:
        written = kind.verb("write")(used, inputs, out, asked, own, given)
    return replace(written, notes=(*written.notes, *_unheeded(kind, asked), *used.warnings))


def _unheeded(kind: Kind, asked: Asked) -> list[str]:
    """What was asked for and is not looked at, in words."""
    said = [name for name in ("devices", "dask", "max_ram") if getattr(asked, name) != getattr(Asked, name)]
    names = [name for name in said if name not in kind.heeds]
    return [f"Not looked at where a model gives {kind.given}: {', '.join(names)}."] if names else []


def _kind_with_objects(inputs: str | Path) -> Kind | None:
    """The kind of a result whose objects can be described, if `inputs` is one."""
    tag = provenance_of(Path(inputs)).get("kind")
    kind = results.get(tag) if tag in results.names() else None
    return kind if kind is not None and "describe" in kind.verbs else None


def _describe_objects(
    objects: Kind,
    model: Model,
    inputs: Path,
    out: str | Path | None,
    asked: Asked,
    options: Options,
    given: Mapping[str, Any],
) -> Written:
    """Ask a model about each object of labels, cut out as its training samples were."""
    if "size" in model.facts.get("input", {}):
        raise InputError(
            "The model was fitted to images of several sizes, so it does not say how large a crop around an object is "
            "to be: fit one to crops of one size (coverslip samples crop)."
        )
    kind = results.get(model.gives)
    cut = {name: value for name, value in model.facts.get("crops", {}).items() if name in ("neighbours", "fill")}

    values = []

    def described(crops: Samples) -> Mapping[str, Any]:
        values.append(kind.verb("predict")(model, crops, replace(asked, input={}), options, given))
        found: Mapping[str, Any] = kind.verb("columns")(values[-1])
        return found

    record = {"method": model.method, "folder": str(model.folder), "kind": kind.name}
    height, width = model.facts["shape"][1:]
    written: Written = objects.verb("describe")(
        inputs, out, asked.force, described, (height, width), model.how(asked.input), cut, record
    )
    said = f"Described {written.said} as crops of {height} x {width} pixels"
    if values and "counted" in kind.verbs:
        said += f" ({kind.verb('counted')(values)})"
    notes = written.notes
    if "crops" not in model.facts:
        notes += (
            "The model does not say how its training samples were cut (they were not made by coverslip samples crop): "
            "neighbours are kept, and what lies outside the image is background.",
        )
    if out is not None:
        notes += (f"A table of objects has no page: without --out it is said in {inputs} itself, whose page shows it.",)
    return replace(written, said=said, notes=notes, has_page=out is None)
