"""The verb export: results and models in the forms that other programs open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from coverslip import results
from coverslip.core import InputError
from coverslip.models import shipped
from coverslip.models.folder import Model, is_model_folder
from coverslip.portable.options import Export as ModelExport
from coverslip.portable.verb import Exported, export_model
from coverslip.verbs.options import for_kind


def export(
    result: Any, out: str | Path | None = None, *, images: str | Path | None = None, force: bool = False, **options: Any
) -> list[Exported]:
    """Write a result, or a model, in other forms.

    Parameters
    ----------
    result : Any
        What `coverslip.predict` gave, or its file; or a model, its folder, or the name of one that is shipped.
    out : str or Path, optional
        Where to. For one form: a file, or a folder for a folder of results. For several: a folder that gets one for
        each. Default: beside the result, named after it and the form.
    images : str or Path, optional
        The folder that the images have moved to since.
    force : bool
        Replace what was exported before.
    **options
        For labels ``geojson``, ``rois``, ``zarr``, ``csv``, ``xlsx`` and ``spatialdata`` say which forms, and ``cells``
        names an embedding whose columns join the objects; for a model ``onnx`` and ``bioimageio`` name the files.

    Returns
    -------
    list of Exported
        What was written.

    Raises
    ------
    InputError
        If no form is asked for, something is there already, or an image is missing that is needed.
    """
    of_model = {name: value for name, value in options.items() if name in ModelExport.model_fields}
    of_result = {name: value for name, value in options.items() if name not in of_model}
    if _is_model(result) or of_model:
        if of_result:
            raise InputError(f"Of a model there is no '{next(iter(of_result))}', which is for results; say one kind.")
        return export_model(result, force=force, **ModelExport.parse(of_model).given())
    named = result if isinstance(result, str | Path) else None
    kind, found = results.opened(result)
    own = for_kind(kind, "export", _opened(options), "The result" if named is None else named)
    return [Exported(one.path, one.notes) for one in kind.verb("export")(found, out, images, force, own)]


def _opened(options: dict[str, Any]) -> dict[str, Any]:
    """Options, with a further result that they name opened: kinds do not know each other."""
    cells = options.get("cells")
    return {**options, "cells": results.opened(cells)[1]} if isinstance(cells, str | Path) else options


def _is_model(result: Any) -> bool:
    if not isinstance(result, str | Path):
        return isinstance(result, Model)
    return is_model_folder(result) or (not Path(result).exists() and str(result) in shipped.names())
