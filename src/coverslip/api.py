"""The verbs that need a method: load, fit, predict. The command line says the same words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coverslip import methods
from coverslip.core.config import Config
from coverslip.core.errors import InputError, about
from coverslip.core.provenance import file_hash, provenance
from coverslip.core.results import Embedding
from coverslip.core.samples import Samples
from coverslip.read.models import Model, load_model

if TYPE_CHECKING:
    from coverslip.train.run import Run


def load(folder: str | Path) -> Model:
    """Load a model folder.

    Parameters
    ----------
    folder : str or Path
        What `Model.save` or ``coverslip fit`` wrote.

    Raises
    ------
    ModelError
        If a file is missing, damaged, edited or foreign. Nothing is ever unpickled or executed.
    """
    return load_model(folder, config_of=lambda method: methods.get(method).Config)


def fit(
    method: str,
    samples: Any,
    config: Config | Mapping[str, Any] | None = None,
    *,
    run: Run | None = None,
    channels: Sequence[str | int] | None = None,
    planes: str | int = "channels",
) -> Model:
    """Fit a method to samples.

    Parameters
    ----------
    method : str
        Name of a method, see ``coverslip.methods.names()``.
    samples : str, Path, Sheet, Samples or ndarray
        A sample sheet, a folder, or an array ``(N, C, H, W)``.
    config : Config or mapping, optional
        Settings of the method.
    run : coverslip.train.Run, optional
        Device, precision, memory, checkpoint folder.
    channels : sequence of str or int, optional
        Which channels to use, by name or number; default all.
    planes : str or int
        What becomes of focal planes, see `coverslip.sample.open_samples`.

    Returns
    -------
    Model
        ``model.save("folder/")`` keeps it.
    """
    from coverslip.sample import open_samples

    module = methods.get(method)
    if not isinstance(config, module.Config):
        config = module.Config.parse(config or {})
    opened = open_samples(samples, channels=channels, planes=planes)
    with about(_path_of(samples)):
        fitted = module.fit(opened, config, run)
    facts = {**fitted.facts, "input": {"channels": None if channels is None else list(channels), "planes": planes}}
    return Model(
        method=fitted.method,
        config=fitted.config,
        weights=fitted.weights,
        facts=facts,
        history=fitted.history,
        provenance=provenance(inputs=describe_inputs(samples, opened), seed=getattr(config, "seed", None)),
        card=module.CARD.markdown(),
    )


def predict(model: Model | str | Path, inputs: Any, *, device: str = "auto", clusters: str | int = "auto") -> Embedding:
    """Apply a model.

    Parameters
    ----------
    model : Model, str or Path
        A model or its folder.
    inputs : str, Path, Sheet, Samples or ndarray
        What to apply it to: one image, a folder, a sheet, an array.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    clusters : int or "auto"
        Number of k-means clusters for the column ``cluster``; ``"auto"`` lets the silhouette choose from 2 to 10,
        0 makes none.

    Returns
    -------
    Embedding
        With provenance.
    """
    from coverslip.sample import open_samples

    if not isinstance(model, Model):
        model = load(model)
    opened = open_samples(inputs, **model.facts.get("input", {}))
    with about(_path_of(inputs)):
        embedding: Embedding = methods.get(model.method).predict(model, opened, device=device)
    _add_clusters(embedding, clusters)
    embedding.adata.uns["coverslip"] = provenance(
        model={
            "method": model.method,
            "folder": str(model.folder) if model.folder else None,
            "settings": model.config.model_dump(mode="json"),
            "input": model.facts.get("input", {}),
        },
        inputs=describe_inputs(inputs, opened),
        seed=getattr(model.config, "seed", None),
    )
    return embedding


def _add_clusters(embedding: Embedding, clusters: str | int) -> None:
    from coverslip.measure import cluster

    latent = embedding.latent
    if clusters in (0, "0") or len(latent) < 4:
        return
    if isinstance(clusters, str) and clusters != "auto" and not clusters.isdecimal():
        raise InputError(f"The number of clusters is a whole number or 'auto', not '{clusters}'.")
    found = cluster(latent, k=clusters if clusters == "auto" else int(clusters), seed=0)
    import pandas as pd

    embedding.adata.obs["cluster"] = pd.Categorical([str(c + 1) for c in found.labels])


def _path_of(inputs: Any) -> str | Path | None:
    return getattr(inputs, "path", None) or (inputs if isinstance(inputs, str | Path) else None)


def describe_inputs(inputs: Any, opened: Samples) -> dict[str, Any]:
    """Where samples come from, for provenance: path, number, shape, and the hash of the sheet."""
    path = _path_of(inputs)
    folder = getattr(getattr(opened, "sheet", None), "folder", None)
    record: dict[str, Any] = {"n": len(opened), "shape": list(opened.shape), "dtype": str(opened.dtype)}
    if path is not None:
        record["path"] = str(Path(path).resolve())
        if Path(path).is_file():
            record["sha256"] = file_hash(path)
    if folder is not None:
        record["folder"] = str(Path(folder).resolve())
    return record
