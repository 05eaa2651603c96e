"""Several representations of the same samples, or several ways of finding objects, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from coverslip import methods
from coverslip.core import Embedding, InputError, Samples, Subset, free_memory, provenance, track
from coverslip.core.spread import evenly
from coverslip.figures import save_figure
from coverslip.figures.classes import dots_figure
from coverslip.figures.maps import pca_map
from coverslip.figures.representations import maps_beside
from coverslip.io import write_table
from coverslip.measure import evaluate_embedding, evaluate_kept, evaluate_trust, pca_baseline
from coverslip.measure.embeddings.evaluate import Row
from coverslip.measure.embeddings.kept import REFITS, SAMPLES, VIEWS
from coverslip.measure.embeddings.trust import batch_column
from coverslip.measure.inputs import missing
from coverslip.models.folder import Model
from coverslip.models.record import describe_inputs
from coverslip.results.embedding.sphering import controls_of, sphered_beside
from coverslip.results.embedding.views import embedded_views
from coverslip.samples import open_samples
from coverslip.samples.opening.again import as_words
from coverslip.samples.opening.views import Views
from coverslip.samples.sheets.splits import group_names, train_and_test, usual_groups
from coverslip.study.fields.bench import finds_objects
from coverslip.study.fields.fits import CLASSICAL
from coverslip.study.fields.segmenters import compare_segmenters
from coverslip.study.findings import Findings
from coverslip.study.fits import fit_name, fit_once, seeds_of
from coverslip.study.page import write_study_page
from coverslip.train.run import Run

PCA, RAW = "pca", "raw"
"""What is compared with: principal components of the pixels, as many as the smallest embedding has, and the pixels."""

_SPHERED = ", sphered"
_TRUST = "Trust without labels"
_STAYS = "What stays in other fits, and with changed images"

_MAPPED = 2000
"""Samples that a map is drawn of: principal components of raw pixels take long."""

_COLUMNS = {
    "linear probe balanced accuracy": "linear probe",
    "k-NN probe balanced accuracy": "k-NN",
    "clustering accuracy": "ACC",
    "NMI": "NMI",
    "ARI": "ARI",
    "stability of clusters": "stability",
    "silhouette of clusters": "silhouette",
    f"neighbours kept, {REFITS}": "neighbours, refits",
    f"clusters kept, {REFITS}": "clusters, refits",
    f"neighbours kept, {VIEWS}": "neighbours, views",
    f"clusters kept, {VIEWS}": "clusters, views",
}
_WORDS = {
    "linear probe": "Linear probe and k-NN: balanced accuracy on samples they were not fitted to. ACC, NMI, ARI: "
    "K-means with as many clusters as classes, against the classes.",
    "stability": "Stability: ARI between clusterings of resampled samples.",
    "neighbours, refits": "Refits: what stays of the 15 neighbours (share) and of the clusters (ARI) with fits from "
    "other seeds.",
    "neighbours, views": "Views: what stays of the 15 neighbours (share) and of the clusters (ARI) with images turned, "
    "a little moved and lit.",
    "s per 1,000": "Seconds are those of embedding 1,000 samples here, images read anew.",
}
"""What columns mean, where they are there."""


def compare(
    samples: Any,
    of: Sequence[str],
    out: str | Path,
    *,
    settings: Mapping[str, Any] | None = None,
    label: str = "label",
    group: str | None = None,
    restarts: int = 1,
    sphere: str | None = None,
    sphere_by: str | None = None,
    channels: Sequence[str | int] | None = None,
    planes: str | int = "channels",
    run: Run | None = None,
) -> Findings:
    """Fit several methods to the same samples and measure what each makes of them.

    Methods that find objects are compared with each other, see
    `coverslip.study.fields.segmenters.compare_segmenters`; what follows is of methods that embed samples.

    Parameters
    ----------
    samples : str, Path, Sheet or Samples
        What they are fitted to, without its classes. Where a column ``split`` gives a part to test (or validation),
        methods and components never see it, and it is what is measured on; else probes are cross-validated.
    of : sequence of str
        Methods that embed samples, ``"pca"`` and ``"raw"``; or methods that find objects, and ``"classical"``.
    out : str or Path
        Folder: ``fits/<method>``, ``embeddings/<name>.h5ad`` (of the components, too), ``table.csv``, ``measures.csv``
        (with every interval), ``measures.png``, ``maps.png``, ``report.html``. Fits that are there are not made again.
    settings : mapping, optional
        By method: ``{"vae.epochs": 20}``; what names no method is for all that have it.
    label : str
        Column of classes; without it what needs none is measured.
    group : str, optional
        Column whose groups are never divided; default: the usual ones, such as plate.
    restarts : int
        Fits of each method, with other seeds. Of methods that embed samples the first is measured, and how much of it
        the others have too.
    sphere, sphere_by : str, optional
        As for `coverslip.predict`: each representation but ``raw`` is measured once more, sphered on these controls.
    channels, planes
        As for `coverslip.fit`.
    run : Run, optional
        Device and precision.

    Returns
    -------
    Findings
        A row per representation.

    Raises
    ------
    InputError
        If a name is no method that embeds samples, or a setting is none of any, before anything is fitted.
    """
    out, run = Path(out), run or Run()
    if of and all(name == CLASSICAL or finds_objects(name) for name in of):
        configs = _configs(of, settings or {}, finds_objects, (CLASSICAL,))
        how: dict[str, Any] = {"channels": channels, "planes": planes, "restarts": restarts, "run": run}
        return compare_segmenters(samples, of, out, configs=configs, **how)
    configs = _configs(of, settings or {}, _embeds, (PCA, RAW))
    if sphere is None and sphere_by is not None:
        raise InputError("To sphere by groups say which rows are controls, too: --sphere 'treatment = DMSO'.")
    seeds = {name: seeds_of(type(config), config.model_dump(), restarts) for name, config in configs.items()}
    opened = open_samples(samples, channels=channels, planes=planes)
    columns = opened.obs
    for name in filter(None, (group, None if label == "label" else label)):
        if name not in columns:
            raise InputError(f"There is no column '{name}'; name one of {', '.join(columns)}.")
    split = train_and_test(columns, len(opened))
    if sphere is not None:
        controls_of(columns, len(opened), sphere, sphere_by)  # before anything is fitted
    found, seconds, kept = _representations(opened, configs, of, split, out, run, channels, planes, seeds)
    said: list[str] = []
    if sphere is not None:
        found, said = _and_sphered(found, columns, sphere, sphere_by)
    rows, measures = _measured(found, columns, split, label, group or usual_groups(columns), kept)
    for row in rows:
        row["s per 1,000"] = seconds[row["representation"].removesuffix(_SPHERED)]
    keys = list(dict.fromkeys(key for row in rows for key in row))
    rows = [{key: row.get(key, np.nan) for key in keys} for row in rows]  # what was measured of some alone
    write_table({key: np.array([row[key] for row in measures]) for key in measures[0]}, out / "measures.csv")
    plain = [{key: value[0] if isinstance(value, tuple) else value for key, value in row.items()} for row in rows]
    write_table({key: np.array([row[key] for row in plain]) for key in keys}, out / "table.csv")
    record = provenance(
        study="compare",
        inputs=describe_inputs(samples, opened),
        of=list(of),
        settings={name: config.model_dump(mode="json") for name, config in configs.items()},
        **({"sphere": sphere, "sphere_by": sphere_by} if sphere else {}),
    )
    meant = " ".join(words for column, words in _WORDS.items() if column in keys)
    notes = [meant, *said, *_notes(rows, split is not None, group or usual_groups(columns))]
    figures = _figures(found, rows, columns, label)
    for name, (figure, _) in figures.items():
        save_figure(figure, out / f"{name.lower()}.png")
    write_study_page(
        out,
        title="Representations compared",
        notes=notes,
        facts=[(f"{len(opened):,}", "samples"), (str(len(rows)), "representations")],
        figures=figures,
        tables=_tables(rows),
        provenance=record,
    )
    return Findings(rows, notes, rows)


def _and_sphered(
    found: Mapping[str, np.ndarray], columns: Mapping[str, np.ndarray], controls: str, by: str | None
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Each representation, and the same sphered; and sentences on how."""
    both: dict[str, np.ndarray] = {}
    said: list[str] = []
    for name, values in found.items():
        both[name] = values
        if name != RAW:
            both[f"{name}{_SPHERED}"], how = sphered_beside(values, columns, controls, by)
            said += [f"{name}: {sentence}" for sentence in how]
    return both, said


def _configs(
    of: Sequence[str], settings: Mapping[str, Any], is_able: Callable[[str], bool], plain: Sequence[str]
) -> dict[str, Any]:
    """The settings of each method; `plain` are what is compared with, without any."""
    able = [*(name for name in methods.names() if is_able(name)), *plain]
    wrong = [name for name in of if name not in able]
    if wrong or not of:
        finders = [*(name for name in methods.names() if finds_objects(name)), CLASSICAL]
        raise InputError(
            f"'{wrong[0] if wrong else ''}' cannot be compared here; compare some of {', '.join(able)} (vectors of "
            f"samples), or some of {', '.join(finders)} (objects in fields)."
        )
    if len(set(of)) < len(of):
        raise InputError("A method is named twice; name each once.")
    configs = {}
    used = set()
    for name in of:
        if name in plain:
            continue
        kind = methods.get(name).Config
        own = {key: value for key, value in settings.items() if key.split(".")[0] in kind.model_fields}
        mine = {key.partition(".")[2]: value for key, value in settings.items() if key.partition(".")[0] == name}
        configs[name] = kind.parse({**own, **mine})
        used |= {*own, *(f"{name}.{key}" for key in mine)}
    unknown = set(settings) - used
    if unknown:
        raise InputError(f"None of {', '.join(of)} has a setting '{min(unknown)}'; write it like vae.epochs=20.")
    return configs


def _embeds(name: str) -> bool:
    card = methods.get(name).CARD
    return bool(card.takes == "samples" and card.gives == "embedding")


def _representations(
    opened: Samples,
    configs: Mapping[str, Any],
    of: Sequence[str],
    split: np.ndarray | None,
    out: Path,
    run: Run,
    channels: Sequence[str | int] | None,
    planes: str | int,
    seeds: Mapping[str, range],
) -> tuple[dict[str, np.ndarray], dict[str, float], dict[str, Kept]]:
    """Vectors by name, seconds for 1,000 samples, and vectors by other fits and of changed images."""
    from coverslip.io.h5ad import write_embedding
    from coverslip.verbs.predict import predict

    found: dict[str, np.ndarray] = {}
    seconds: dict[str, float] = {}
    kept: dict[str, Kept] = {}
    how: dict[str, Any] = {"run": run, "channels": channels, "planes": planes}
    for name in track(list(configs), "Representations"):
        model = fit_once(name, opened, out / "fits" / name, configs[name], **how)
        kept[name] = _embedded_again(model, opened, name, out, configs[name], seeds[name], how)
        start = perf_counter()
        embedding = predict(model, opened, device=run.device, clusters=0)
        seconds[name] = 1000 * (perf_counter() - start) / len(opened)
        write_embedding(embedding, out / "embeddings" / f"{name}.h5ad")
        found[name] = embedding.latent
    if PCA in of or RAW in of:
        needed, free = 8 * len(opened) * prod(opened.shape), free_memory()
        if needed > free // 3:
            raise InputError(
                f"The pixels of {len(opened)} samples take {needed / 1e9:.0f} GB of {free / 1e9:.0f} GB free; "
                "leave pca and raw out of --of."
            )
        start = perf_counter()
        pixels = opened.read(np.arange(len(opened))).reshape(len(opened), -1).astype(np.float32)
        reading = 1000 * (perf_counter() - start) / len(opened)
        train = pixels if split is None else pixels[split == "train"]
        size = min([each.shape[1] for each in found.values()] + [64, *train.shape])
        start = perf_counter()
        components = pca_baseline(train, pixels, size)
        seconds[PCA] = reading + 1000 * (perf_counter() - start) / len(opened)
        rows = _some_rows(len(opened))
        changed = Views(Subset(opened, rows)).read(np.arange(len(rows))).reshape(len(rows), -1).astype(np.float32)
        kept[PCA], kept[RAW] = Kept(rows, [], [pca_baseline(train, changed, size)]), Kept(rows, [], [changed])
        if PCA in of:
            facts = provenance(kind="embedding", inputs=describe_inputs(opened, opened))
            of_pixels = Embedding.from_arrays(components, opened.obs, provenance=facts)
            write_embedding(of_pixels, out / "embeddings" / "pca.h5ad")
        seconds[RAW] = reading
        found |= {name: values for name, values in {PCA: components, RAW: pixels}.items() if name in of}
    return {name: found[name] for name in of}, seconds, kept


class Kept(NamedTuple):
    """Vectors of some rows by other fits, and of changed images by the same fit."""

    rows: np.ndarray
    refits: list[np.ndarray]
    views: list[np.ndarray]


def _embedded_again(
    model: Model, opened: Samples, name: str, out: Path, config: Any, seeds: range, how: Mapping[str, Any]
) -> Kept:
    """By fits from the other seeds, and changed images by the model itself."""
    rows = _some_rows(len(opened))
    some, device = Subset(opened, rows), how["run"].device
    refits = []
    for seed in seeds[1:]:
        folder = out / "fits" / f"{name},{fit_name({'seed': seed})}"
        other = fit_once(name, opened, folder, config.model_copy(update={"seed": seed}), **how)
        refits.append(other.implementation.predict(other, some, device=device).latent)
    return Kept(rows, refits, embedded_views(model, some, 1, device=device))


def _some_rows(count: int) -> np.ndarray:
    """Rows that are embedded again: all, or so many drawn."""
    if count <= SAMPLES:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, SAMPLES, replace=False))


def _measured(
    found: Mapping[str, np.ndarray],
    columns: Mapping[str, np.ndarray],
    split: np.ndarray | None,
    label: str,
    group: str | None,
    again: Mapping[str, Kept],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A row per representation, and one per measure of each."""
    n = len(next(iter(found.values())))
    kept = np.arange(n) if split is None else np.flatnonzero(split != "")
    labels = columns[label][kept] if label in columns and not missing(columns[label]).all() else None
    groups = group_names(columns[group])[kept] if group else None
    batch = batch_column(columns)
    rows, measures = [], []
    clusters = None if labels is None else len(np.unique(labels[~missing(labels)]))
    for name, values in track(list(found.items()), "Measuring"):
        x = values[kept]
        of_classes = evaluate_embedding(x, labels, groups=groups, split=None if split is None else split[kept])
        of_trust = evaluate_trust(
            x,
            clusters=clusters,
            batches=None if batch is None else (batch, columns[batch][kept]),
            treatments=columns["treatment"][kept] if "treatment" in columns else None,
        )
        of_kept: tuple[Row, ...] = ()
        if name in again:
            own, refits, views = again[name]
            of_kept = evaluate_kept(values[own], refits=refits, views=views, clusters=clusters).rows
        row: dict[str, Any] = {"representation": name, "values": values.shape[1]}
        for one in (*of_classes.rows, *of_trust.rows, *of_kept):
            measures.append({**one.__dict__, "features": name})
            title = _COLUMNS.get(one.measure) or (one.measure if " of " in one.measure and batch else None)
            if title and one.measure != "silhouette of classes":
                row[title] = (one.value, one.low, one.high)
        rows.append(row)
    return rows, measures


def _figures(
    found: Mapping[str, np.ndarray], rows: Sequence[Mapping[str, Any]], columns: Mapping[str, np.ndarray], label: str
) -> dict[str, tuple[Any, str]]:
    """What was measured, and a map of each representation."""
    shown = evenly(len(next(iter(found.values()))), _MAPPED)
    maps = {
        name: values[shown] if values.shape[1] == 2 else pca_map(values[shown])[0] for name, values in found.items()
    }
    coloured = label if label in columns else batch_column(columns)
    colour = None if coloured is None else np.array([word or None for word in as_words(columns[coloured])[shown]])
    said = "Directions of largest variance of each (of two values, these themselves)"
    said += f", coloured by {coloured}." if coloured else "."
    measured = {row["representation"]: {k: v for k, v in row.items() if isinstance(v, tuple)} for row in rows}
    figures = {"Maps": (maps_beside(maps, colour, coloured or ""), said)}
    if any(measured.values()):
        figures = {"Measures": (dots_figure(measured), "Values with their intervals."), **figures}
    return figures


def _tables(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """What needs no classes, and what stays, in tables of their own: a single one would be too wide for the page."""
    stays = {title for measure, title in _COLUMNS.items() if measure.endswith((REFITS, VIEWS))}
    trust = {key for key in rows[0] if " of " in key or key == _COLUMNS["stability of clusters"]}
    tables = {"Representations": [{key: row[key] for key in row if key not in stays | trust} for row in rows]}
    for heading, apart in ((_TRUST, trust), (_STAYS, stays)):
        of_some = [row for row in rows if any(isinstance(row.get(key), tuple) for key in apart)]
        if of_some:
            keys = ("representation", *(key for key in of_some[0] if key in apart))
            tables[heading] = [{key: row[key] for key in keys} for row in of_some]
    return tables


def _notes(rows: Sequence[Mapping[str, Any]], split: bool, group: str | None) -> list[str]:
    if "linear probe" not in rows[0]:
        return ["There are no classes, so what needs them is not measured."]
    how = "on the test part of the split" if split else "cross-validated"
    how += f", whole groups of '{group}' held out" if group else ""
    best = max(rows, key=lambda row: row["linear probe"][0])
    value, low, high = best["linear probe"]
    read = f"The linear probe reads most from {best['representation']}: {value:.3f} [{low:.3f}, {high:.3f}]."
    return [f"Probes are {how}.", read]
