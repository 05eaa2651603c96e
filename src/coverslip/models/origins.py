"""The model that a result was made with, found again by what its provenance says, and what it says of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from coverslip.models.folder import Model
from coverslip.models.loading import load, loaded


def model_of(result: Any, model: Model | str | Path | None) -> Model | None:
    """The model of a result.

    Parameters
    ----------
    result : Any
        With ``provenance``.
    model : Model, str or Path, optional
        The model, or its folder; default: where provenance says, if it still lies there.
    """
    if model is not None:
        return loaded(model)
    folder = _recorded(result).get("folder")
    return load(folder) if folder and Path(folder).is_dir() else None


def warnings_about(result: Any) -> list[str]:
    """The warnings of the model of a result, as they were when it was made; for when the model is gone."""
    return list(_recorded(result).get("warnings", ()))


def _recorded(result: Any) -> dict[str, Any]:
    found = result.provenance.get("model")
    return found if isinstance(found, dict) else {}
