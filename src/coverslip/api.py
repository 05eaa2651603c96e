"""The verbs: fit, predict, evaluate, report. The command line says the same words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip import methods
from coverslip.core.config import Config
from coverslip.core.errors import InputError
from coverslip.core.provenance import file_hash, provenance
from coverslip.core.results import Embedding
from coverslip.core.samples import Samples
from coverslip.read.models import Model, load_model

if TYPE_CHECKING:
    from coverslip.train.run import Run


def load(folder: str | Path) -> Model:
    """Load a model folder.

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


def describe_inputs(inputs: Any, opened: Samples) -> dict[str, Any]:
    """Where samples come from, for provenance: path, number, shape, and the hash of the sheet."""
    path = getattr(inputs, "path", None) or (inputs if isinstance(inputs, str | Path) else None)
    folder = getattr(getattr(opened, "sheet", None), "folder", None)
    record: dict[str, Any] = {"n": len(opened), "shape": list(opened.shape), "dtype": str(opened.dtype)}
    if path is not None:
        record["path"] = str(Path(path).resolve())
        if Path(path).is_file():
            record["sha256"] = file_hash(path)
    if folder is not None:
        record["folder"] = str(Path(folder).resolve())
    return record


def evaluate(
    embedding: Embedding,
    truth: Any = None,
    *,
    label: str = "label",
    group: str | None = None,
    factors: Sequence[str] = (),
    baseline: bool = True,
    images: Any = None,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Measure an embedding against the truth, with 95 % intervals, beside simple baselines.

    Probes are cross-validated; where a column ``split`` names a test part (or, without one, a validation part), they
    are trained on the training part and everything is scored on that one.

    Parameters
    ----------
    embedding : Embedding
        What `predict` gave.
    truth : str, Path or Sheet, optional
        A sheet with the truth, matched by image (and frame); default: the embedding's own columns.
    label, group : str
        Columns that hold the classes and the groups that are never divided. Without `group`, the first of ``group``,
        ``plate`` and ``source_image`` that has at least five groups counts.
    factors : sequence of str
        Columns with known factors, for MIG and DCI.
    baseline : bool
        Measure PCA of the pixels, of the embedding's size, and the raw pixels alike.
    images : optional
        Where the images are, for the baselines; default: where provenance says.
    seed : int
        Decides folds and resampling.

    Returns
    -------
    list of dict
        ``features``, ``measure``, ``value``, ``low``, ``high``, ``n``, ``note``.

    Raises
    ------
    InputError
        If a column is missing or a row of the embedding has no truth.
    """
    from coverslip.measure import evaluate_embedding, evaluate_factors

    columns = _truth_columns(embedding, truth)

    def column(name: str) -> np.ndarray:
        if name not in columns:
            raise InputError(f"There is no column '{name}' to evaluate with; there are: {', '.join(columns)}.")
        return columns[name]

    labels = column(label) if label in columns or not factors else None
    groups = column(group) if group is not None else _usual_groups(columns)
    split = _train_and_test(columns)
    baselines = _pixel_baselines(embedding, split, images) if baseline else {}
    found: list[Any] = []
    if labels is not None:
        kept = np.arange(len(embedding)) if split is None else np.flatnonzero(split != "")
        chosen = {
            name: None if values is None else values[kept] for name, values in (("groups", groups), ("split", split))
        }
        table = evaluate_embedding(
            embedding.latent[kept],
            labels[kept],
            **chosen,
            baselines={name: values[kept] for name, values in baselines.items()},
            seed=seed,
        )
        found += table.records()
    if factors:
        known = {name: column(name) for name in factors}
        found += evaluate_factors(embedding.latent, known, groups=groups, baselines=baselines, seed=seed).records()
    return found


def _truth_columns(embedding: Embedding, truth: Any) -> dict[str, np.ndarray]:
    from coverslip.sample import Sheet, read_sheet

    obs = embedding.adata.obs
    own = {str(name): np.asarray(obs[name]) for name in obs.columns}
    if truth is None:
        return own
    sheet = truth if isinstance(truth, Sheet) else read_sheet(truth)
    if "image" not in own:
        raise InputError(
            "The result does not say which image each row is (no column 'image'), so no sheet can be matched."
        )
    base = embedding.provenance.get("inputs", {}).get("folder")

    def key(path: Path, frame: Any) -> tuple[str, str]:
        return str(path.resolve()), "" if _empty(frame) else _plain(frame)

    rows = {key(sheet.folder / row["image"], row.get("frame") or None): row for row in sheet.rows}
    frames = own.get("frame", np.full(len(embedding), None))
    matched = []
    for image, frame in zip(own["image"], frames, strict=True):
        row = rows.get(key(Path(base or sheet.folder) / str(image), frame))
        if row is None:
            where = f"{image}, frame {_plain(frame)}" if not _empty(frame) else str(image)
            raise InputError(f"{sheet.name} has no row for {where}; give the sheet that the result was made from.")
        matched.append(row)
    return own | {name: np.array([row[name] for row in matched], dtype=object) for name in sheet.columns}


def _usual_groups(columns: Mapping[str, np.ndarray]) -> np.ndarray | None:
    from coverslip.train.split import usual_groups

    name = usual_groups(columns)
    return columns[name].astype(str) if name else None


def _train_and_test(columns: Mapping[str, np.ndarray]) -> np.ndarray | None:
    from coverslip.sample import given_split

    parts = given_split(columns, len(next(iter(columns.values()))))
    scored = parts and ("test" if len(parts["test"]) else "val")
    if not parts or not len(parts["train"]) or not len(parts[scored]):  # type: ignore[index]
        return None
    words = np.full(len(next(iter(columns.values()))), "", dtype=object)
    words[parts["train"]], words[parts[scored]] = "train", "test"  # type: ignore[index]
    return words


def _pixel_baselines(embedding: Embedding, split: np.ndarray | None, images: Any) -> dict[str, np.ndarray]:
    from coverslip.measure import pca_baseline

    opened, _ = _images_of(embedding, images)
    if opened is None:
        return {}
    pixels = opened.read(np.arange(len(opened))).reshape(len(opened), -1).astype(np.float32)
    size = min(embedding.latent.shape[1], *pixels.shape)
    train = pixels if split is None else pixels[split == "train"]
    return {f"PCA {size}": pca_baseline(train, pixels, size), "raw pixels": pixels}


def report(
    embedding: Embedding,
    path: str | Path,
    *,
    model: Model | str | Path | None = None,
    images: Any = None,
    colour: str | None = None,
    umap: bool = False,
    first_epoch: int = 1,
    title: str = "Cells",
    notes: str | Sequence[str] = (),
    figures: Mapping[str, Any] | None = None,
    tables: Mapping[str, Any] | None = None,
) -> Path:
    """Make one self-contained, interactive page of an embedding.

    Parameters
    ----------
    embedding : Embedding
        What `predict` gave.
    path : str or Path
        The ``.html`` to write.
    model : Model, str or Path, optional
        The model that embedded, for loss curves, reconstructions and traversals; default: where provenance says it
        lies, if it still does.
    images : optional
        The images, as for `predict`, or the folder that the sheet's paths start from; default: where provenance says.
    colour : str, optional
        Column that colours the map at first.
    umap : bool
        Add a UMAP; it is kept in the embedding, and never computed twice.
    first_epoch : int
        Loss curves from this epoch on.
    title, notes, figures, tables
        As for `coverslip.report.write_page`; figures and tables stand before those of the model.
    """
    from coverslip.report import page, thumbnails
    from coverslip.report.maps import ensure_map

    if umap:
        ensure_map(embedding, "umap")
    opened, complaint = _images_of(embedding, images)
    fitted = _model_of(embedding, model)
    notes = [notes] if isinstance(notes, str) else list(notes)
    if complaint:
        notes.append(f"The crops are not shown: {complaint}")
    shown = dict(figures or {})
    if fitted is not None:
        shown |= _model_figures(fitted, opened, first_epoch)
    pictures = None if opened is None else thumbnails.thumbnails(opened, opened.channels)
    return page.write_page(
        embedding,
        path,
        thumbnails=pictures,
        figures=shown,
        tables=tables,
        title=title,
        notes=notes,
        colour_by=colour,
    )


def _images_of(embedding: Embedding, images: Any) -> tuple[Samples | None, str]:
    """The samples that were embedded, opened again; or None and why not."""
    from coverslip.sample import Sheet, open_samples

    model = embedding.provenance.get("model", {})
    options = model.get("input") or {}
    if images is not None and not isinstance(images, str | Path):
        return open_samples(images, **options), ""
    obs = embedding.adata.obs
    if "image" not in obs:
        return None, "the result does not say where they are (no column 'image')."
    folder = images or embedding.provenance.get("inputs", {}).get("folder")
    if folder is None:
        return None, "the result does not say where they are; name their folder (--images)."
    rows = [
        {key: "" if _empty(value) else _plain(value) for key, value in row.items()}
        for row in obs[[c for c in obs.columns if c in ("image", "frame", "source")]].to_dict("records")
    ]
    try:
        return open_samples(Sheet(Path(folder), tuple(rows[0]), rows), **options), ""
    except InputError as error:
        if images is not None:
            raise
        return None, str(error)


def _empty(value: Any) -> bool:
    return value is None or value != value


def _plain(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _model_of(embedding: Embedding, model: Model | str | Path | None) -> Model | None:
    if isinstance(model, Model):
        return model
    if model is not None:
        return load(model)
    folder = embedding.provenance.get("model", {}).get("folder")
    return load(folder) if folder and Path(folder).is_dir() else None


def _model_figures(model: Model, samples: Samples | None, first_epoch: int) -> dict[str, Any]:
    from coverslip.core.samples import Subset
    from coverslip.report import figures
    from coverslip.report.thumbnails import fit_display

    drawn: dict[str, Any] = {}
    if model.history:
        drawn["Losses"] = (
            figures.loss_curves({model.method: model.history}, first_epoch=first_epoch),
            "Every term is a sum over the pixels of one image, averaged over the images.",
        )
    illustrate = getattr(methods.get(model.method), "illustrate", None)
    if illustrate is None or samples is None:
        return drawn
    rows = np.linspace(0, len(samples) - 1, min(len(samples), 2048)).round().astype(int)
    arrays = illustrate(model, Subset(samples, np.unique(rows)))
    rgb = True if not samples.channels and samples.shape[0] == 3 and samples.dtype == np.uint8 else None
    display = fit_display(arrays["inputs"], samples.channels, rgb=rgb)
    drawn["Reconstructions"] = (
        figures.reconstruction_grid(arrays["inputs"], arrays["outputs"], samples.channels, rgb=rgb),
        "Inputs above, reconstructions below; from the best to the worst reconstructed.",
    )
    kl = arrays["kl_per_dimension"]
    names = [f"z{d} · {kl[d]:.2g} nats" for d in arrays["traversal_dimensions"]]
    drawn["Traversals"] = (
        figures.traversals(arrays["traversals"], arrays["traversal_values"], names=names, display=display),
        "One latent dimension varied at a time, the others at 0; the dimensions that say most come first.",
    )
    drawn["Use of the latent dimensions"] = (
        figures.kl_per_dimension(kl, arrays["empirical_kl"]),
        "Nats per dimension; a dimension near 0 says nothing about any sample.",
    )
    return drawn
