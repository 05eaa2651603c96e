"""The verbs that need a method: load, fit, predict. The command line says the same words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip import methods, shipped
from coverslip.core.config import Config
from coverslip.core.decomposition import Decomposition
from coverslip.core.errors import InputError, about
from coverslip.core.fields import Fields
from coverslip.core.image import Image
from coverslip.core.provenance import file_hash, provenance
from coverslip.core.results import Embedding, LabelMap
from coverslip.core.samples import Samples
from coverslip.read.models import Model, load_model

if TYPE_CHECKING:
    from coverslip.train.run import Run


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
    return load_model(shipped.find(folder), config_of=lambda method: methods.get(method).Config)


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
    samples : str, Path, Sheet, Samples, Fields or ndarray
        A sample sheet, a folder, or an array ``(N, C, H, W)``; for a method that finds objects fields with masks.
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
    module = methods.get(method)
    if not isinstance(config, module.Config):
        config = module.Config.parse(config or {})
    opened = open_inputs(module, samples, channels=channels, planes=planes)
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


def predict(
    model: Model | str | Path, inputs: Any, *, device: str = "auto", clusters: str | int = "auto", **options: Any
) -> Any:
    """Apply a model.

    Parameters
    ----------
    model : Model, str or Path
        A model, its folder, or the name of one that is shipped (see `coverslip.shipped`).
    inputs : str, Path, Sheet, Samples, Fields or ndarray
        What to apply it to: one image, a folder, a sheet, an array.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    clusters : int or "auto"
        For an embedding: number of k-means clusters for the column ``cluster``; ``"auto"`` lets the silhouette choose
        from 2 to 10, 0 makes none.
    **options
        For labels and decompositions: what the method's own ``predict`` takes beside these, such as ``flips``,
        ``threshold`` or ``rivals``, further models (or their folders) that compete for every object.

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
    model = model if isinstance(model, Model) else load(model)
    kind = methods.get(model.method).CARD.result
    if kind != "embedding":
        each: Callable[..., Iterator[Any]] = segment if kind == "labels" else decompose
        found = list(each(model, inputs, device=device, **options))
        return found[0] if len(found) == 1 and not _is_several(inputs) else found
    if options:
        raise InputError(f"The method '{model.method}' has no option '{next(iter(options))}'; leave it out.")
    return _embed(model, inputs, device, clusters)


def segment(model: Model | str | Path, inputs: Any, *, device: str = "auto", **options: Any) -> Iterator[LabelMap]:
    """Find the objects of one field after the other; see `predict`.

    Yields
    ------
    LabelMap
        In the order of the inputs, with provenance. Of a model that decomposes, the flat labels.
    """
    model = model if isinstance(model, Model) else load(model)
    module = methods.get(model.method)
    if module.CARD.result == "embedding":
        raise InputError(f"The method '{model.method}' gives no labels but an embedding; use predict.")
    if module.CARD.result == "decomposition":
        for whole in decompose(model, inputs, device=device, **options):
            yield LabelMap(whole.labels, whole.source, whole.pixel_size, whole.provenance)
        return
    refuse_options(model, options)
    opened = open_inputs(module, inputs, **model.facts.get("input", {}))
    record = prediction_record(model, inputs, opened, options)
    found = module.predict(model, opened, device=device, **options)
    for i in range(len(opened)):
        with about(opened.name(i)):
            labels = next(found)
        yield replace(labels, provenance=record)


def decompose(
    model: Model | str | Path,
    inputs: Any,
    *,
    device: str = "auto",
    rivals: Sequence[Model | str | Path] = (),
    **options: Any,
) -> Iterator[Decomposition]:
    """Apply a model that decomposes to one field after the other; see `predict`.

    Parameters
    ----------
    model, inputs, device, **options
        As for `predict`.
    rivals : sequence of Model, str or Path
        Further models of the same method, which compete for every object.

    Yields
    ------
    Decomposition
        In the order of the inputs, with provenance.
    """
    model = model if isinstance(model, Model) else load(model)
    module = methods.get(model.method)
    others = load_rivals(model, rivals)
    refuse_options(model, options)
    opened = open_inputs(module, inputs, **model.facts.get("input", {}))
    record = prediction_record(model, inputs, opened, options, rivals=others)
    found = module.predict(model, opened, device=device, rivals=others, **options)
    for i in range(len(opened)):
        with about(opened.name(i)):
            decomposition = next(found)
        yield replace(decomposition, provenance=record)


def load_rivals(model: Model, rivals: Sequence[Model | str | Path]) -> list[Model]:
    """Load the models that compete with another one.

    Raises
    ------
    InputError
        If one is of another method, or there is no such model.
    """
    loaded = [rival if isinstance(rival, Model) else load(rival) for rival in rivals]
    for given, rival in zip(rivals, loaded, strict=True):
        if rival.method != model.method:
            name = "A rival" if isinstance(given, Model) else f"The rival {given}"
            raise InputError(
                f"{name} is a model of the method '{rival.method}', which cannot compete with one of '{model.method}'; "
                "leave it out."
            )
    return loaded


def refuse_options(model: Model, options: Iterable[str]) -> None:
    """Refuse options that the method of a model does not have.

    Raises
    ------
    InputError
        Naming the first, and those there are.
    """
    known = set(signature(methods.get(model.method).predict).parameters) - {"fitted", "fields", "device", "kept"}
    for name in options:
        if name not in known:
            raise InputError(f"The method '{model.method}' has no option '{name}'; it has {', '.join(sorted(known))}.")


def _embed(model: Model, inputs: Any, device: str, clusters: str | int) -> Embedding:
    module = methods.get(model.method)
    opened = open_inputs(module, inputs, **model.facts.get("input", {}))
    with about(_path_of(inputs)):
        embedding: Embedding = module.predict(model, opened, device=device)
    _add_clusters(embedding, clusters)
    embedding.adata.uns["coverslip"] = prediction_record(model, inputs, opened)
    return embedding


def open_inputs(module: ModuleType, inputs: Any, **options: Any) -> Any:
    """Samples for a method that embeds, fields for one that finds objects."""
    from coverslip.sample import open_fields, open_samples

    return (open_samples if module.CARD.result == "embedding" else open_fields)(inputs, **options)


def _is_several(inputs: Any) -> bool:
    """Whether inputs are a sheet, a folder or fields, also where there is only one image in them."""
    from coverslip.sample.fields import names_one_image

    path = _path_of(inputs)
    if path is not None:
        return not names_one_image(path)
    return not isinstance(inputs, np.ndarray | Image)


def prediction_record(
    model: Model,
    inputs: Any,
    opened: Any,
    options: Mapping[str, Any] | None = None,
    channels: Mapping[str, Any] | None = None,
    rivals: Sequence[Model] = (),
) -> dict[str, Any]:
    """The provenance of a result: the model, what it was applied to, and how.

    Parameters
    ----------
    model, inputs, opened
        The model, what the user gave, and that opened.
    options : mapping, optional
        Options of the method that were given.
    channels : mapping, optional
        ``channels`` and ``planes`` that the inputs were opened with; default: those the model was fitted to.
    rivals : sequence of Model
        Further models that took part.
    """
    record = provenance(
        model={**_describe_model(model), "input": dict(channels or model.facts.get("input", {}))},
        inputs=describe_inputs(inputs, opened),
        seed=getattr(model.config, "seed", None),
    )
    if rivals:
        record["rivals"] = [
            {**_describe_model(rival), "weights_sha256": rival.provenance.get("weights_sha256")} for rival in rivals
        ]
    return {**record, "options": dict(options)} if options else record


def _describe_model(model: Model) -> dict[str, Any]:
    return {
        "method": model.method,
        "folder": str(model.folder) if model.folder else None,
        "settings": model.config.model_dump(mode="json"),
    }


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


def describe_inputs(inputs: Any, opened: Samples | Fields) -> dict[str, Any]:
    """Where samples come from, for provenance: path, number, shape, and the hash of the sheet."""
    path = _path_of(inputs)
    folder = getattr(getattr(opened, "sheet", None), "folder", None)
    shape = list(opened.shape) if isinstance(opened, Samples) else [opened.count, None, None]
    record: dict[str, Any] = {"n": len(opened), "shape": shape, "dtype": str(opened.dtype)}
    if path is not None:
        record["path"] = str(Path(path).resolve())
        if Path(path).is_file():
            record["sha256"] = file_hash(path)
    if folder is not None:
        record["folder"] = str(Path(folder).resolve())
    return record
