"""Models by folder or by the name of one that is shipped."""

from __future__ import annotations

from pathlib import Path

from coverslip import methods
from coverslip.core import ModelError
from coverslip.models import shipped
from coverslip.models.folder import Model, load_model


def load(folder: str | Path) -> Model:
    """Load a model.

    Parameters
    ----------
    folder : str or Path
        What `Model.save` or ``coverslip fit`` wrote, or the name of a model that comes with the package (see
        ``coverslip.shipped.names()``). A model folder of that name in the working directory is taken first.

    Raises
    ------
    ModelError
        If a file is missing, damaged, edited or foreign. Nothing is ever unpickled or executed.
    """
    model = load_model(shipped.find(folder), config_of=lambda method: methods.get(method).Config)
    for name, kind in getattr(model.implementation, "FACTS", {}).items():
        if not isinstance(model.facts.get(name), kind):
            raise ModelError(
                f"{model.folder} has no usable fact '{name}', which the method '{model.method}' needs; restore the "
                "folder from a copy, or fit the model again."
            )
    return model


def loaded(model: Model | str | Path) -> Model:
    """A `model`, loaded if it is named by its folder."""
    return model if isinstance(model, Model) else load(model)
