"""Strategies, representations and anchors of a ranking in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Embedding, InputError, Samples, provenance, track
from coverslip.io.atomic import refuse_existing
from coverslip.io.h5ad import read_embedding
from coverslip.samples.spheroids.prepare import VECTORS

Rows = list[dict[str, Any]]

_SHOWN = ("accuracy", "floor", "n", "c_index", "jonckheere_terpstra_z", "spearman", "quadratic_kappa")

_PIXELS = "raw pixels"

_IMAGE_TO_IMAGE = {"epochs": 500, "patience": 50, "learning_rate": 1e-3, "restarts": 1}
"""Of the network from image to image, where nothing else is set: as the source has it, once for each part."""

_NOTES = (
    "Scores are of samples that the fit had not seen. The accuracy is that of the thesis on spheroids: it takes the "
    "minimum and the maximum of the middle class, so that one outlier changes it, and it rewards separation in any "
    "order; its floor is what it is where every sample outside the middle class is wrong.",
    "The C-index is the share of pairs of different classes in the right order: .5 is chance.",
)


def rank_study(
    vectors: Sequence[str | Path | Embedding],
    anchors: Sequence[str],
    out: str | Path,
    *,
    settings: Mapping[str, Any] | None = None,
    pixels: bool = True,
    images: str | Path | None = None,
    image_to_image: bool = False,
    force: bool = False,
) -> Rows:
    """Rank by every strategy, representation and pair of anchors, and measure each order.

    Parameters
    ----------
    vectors : sequence of str, Path or Embedding
        Representations of the same samples, ``.h5ad``; or a folder of `prepare_spheroids`, whose features are taken, or
        any other sheet, which has raw pixels alone.
    anchors : sequence of str
        The classes in their true order, two or more; each two of them are the ends of a scale in turn, and all of them
        are what it is measured against.
    out : str or Path
        Folder for ``table.csv`` (a row per representation, anchors, scale), ``report.html``, ``provenance.json``.
    settings : mapping, optional
        Of the method ``rank``.
    pixels : bool
        Raw pixels as a further representation, where the images are found.
    images : str or Path, optional
        Their folder, if it has moved.
    image_to_image : bool
        Prediction of the last day's pixels by a convolutional network too, as the source tried; takes minutes.
    force : bool
        Replace what is there.

    Returns
    -------
    list of dict
        ``representation``, ``anchors``, ``scale``, ``accuracy``, ``floor``, ``errors``, ``n`` (these of three classes
        only), ``c_index``, ``low``, ``high``, ``jonckheere_terpstra_z``, ``spearman``, ``quadratic_kappa``, and
        ``auroc a < b`` for each two classes.

    Raises
    ------
    InputError
        If a class does not occur.
    """
    from coverslip.io import write_table
    from coverslip.study.findings import columns
    from coverslip.study.page import write_study_page

    names = [str(name).strip() for name in anchors]
    if len(names) < 2:
        raise InputError("A study of rankings needs the order of two or more classes; write --anchors a,b,c.")
    out = Path(out)
    refuse_existing(out / "table.csv", force)
    representations, notes = _representations(vectors, pixels or image_to_image, images)
    chosen = {name: dict(settings or {}) for name in representations}
    if image_to_image and _PIXELS in representations:
        name = f"{_PIXELS}, image to image"
        representations[name] = representations[_PIXELS]
        fixed = {"predictor": "images", "strategies": "prediction", "shape": representations[name].provenance["shape"]}
        chosen[name] = {**_IMAGE_TO_IMAGE, **chosen[_PIXELS], **fixed}
    if not pixels and len(representations) > 1:
        representations.pop(_PIXELS, None)
    plan = [(name, pair) for name in representations for pair in combinations(names, 2)]
    rows: Rows = []
    for name, pair in track(plan, "Ranking"):
        rows += _of_one(name, representations[name], pair, names, chosen[name])
    out.mkdir(parents=True, exist_ok=True)
    write_table(columns(rows), out / "table.csv")
    inputs = [str(given) for given in vectors if not isinstance(given, Embedding)]
    record = provenance(study="rank", inputs={"vectors": inputs}, anchors=names, settings=dict(settings or {}))
    write_study_page(
        out,
        title="Rankings",
        notes=[f"True order: {' < '.join(names)}.", *_NOTES, *notes],
        facts=[(str(len(representations)), "representations"), (str(len(rows)), "scales")],
        figures={},
        tables={
            f"{name}, from {pair[0]} to {pair[1]}": [
                {"scale": row["scale"], **{key: row.get(key) for key in _SHOWN if row.get(key) is not None}}
                for row in rows
                if row["representation"] == name and row["anchors"] == " to ".join(pair)
            ]
            for name, pair in plan
        },
        provenance=record,
    )
    return rows


def _representations(
    given: Sequence[str | Path | Embedding], pixels: bool, images: str | Path | None
) -> tuple[dict[str, Embedding], list[str]]:
    from coverslip.samples import open_samples, read_sheet
    from coverslip.samples.opening.again import images_of

    found: dict[str, Embedding] = {}
    for i, one in enumerate(given):
        path = None if isinstance(one, Embedding) else Path(one)
        if path is not None and path.suffix != ".h5ad":
            sheet = read_sheet(path)
            path = sheet.folder / VECTORS
            if not path.is_file():
                columns = {name: np.array([row[name] for row in sheet.rows], object) for name in sheet.columns}
                found[_PIXELS] = _pixels(open_samples(sheet), columns)
                continue
        name = f"vectors {i + 1}" if path is None else path.stem
        name = f"{name} ({i + 1})" if name in found else name
        found[name] = one if isinstance(one, Embedding) else read_embedding(path or "")
    if not found:
        raise InputError("Give at least one .h5ad of vectors, or a sheet.")
    notes = []
    if pixels and _PIXELS not in found:
        first = next(iter(found.values()))
        obs = {str(name): np.asarray(first.adata.obs[name]) for name in first.adata.obs.columns}
        opened, complaint = images_of(obs, first.provenance, images)
        if opened is None:
            notes.append(f"Raw pixels are not compared: {complaint}")
        else:
            found[_PIXELS] = _pixels(opened, obs)
    return found, notes


def _pixels(opened: Samples, columns: Mapping[str, np.ndarray]) -> Embedding:
    values = opened.read(np.arange(len(opened))).reshape(len(opened), -1).astype(np.float32)
    return Embedding.from_arrays(values, columns, provenance={"shape": list(opened.shape)})


def _of_one(name: str, vectors: Embedding, pair: tuple[str, str], order: list[str], settings: dict[str, Any]) -> Rows:
    from coverslip.results.ranking.evaluation import evaluate
    from coverslip.results.ranking.options import Evaluate
    from coverslip.verbs.fit import fit
    from coverslip.verbs.predict import predict

    model = fit("rank", vectors, {**settings, "anchors": pair})
    measured = evaluate(predict(model, vectors), None, None, int(settings.get("seed", 0)), Evaluate(order=tuple(order)))
    rows: dict[str, dict[str, Any]] = {}
    for found in measured.rows:
        facts = {"representation": name, "anchors": " to ".join(pair), "scale": found["scale"].removeprefix("ruler: ")}
        row = rows.setdefault(found["scale"], {**facts, "n": found["n"]})
        measure = found["measure"].replace("separation_", "")
        row[measure] = found["value"]
        if measure == "c_index":
            row |= {"low": found["low"], "high": found["high"]}
        if measure == "accuracy":
            row["errors"] = round((1 - found["value"]) * found["n"])
    return list(rows.values())
