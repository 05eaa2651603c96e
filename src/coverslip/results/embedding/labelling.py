"""The verb label of embeddings: names of clusters become labels of cells, in a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from coverslip.core import Embedding, InputError, Written, beside, other_models, provenance, renamed
from coverslip.core.words import number_of
from coverslip.io.atomic import free_place, refuse_own
from coverslip.io.h5ad import write_embedding
from coverslip.io.named import Named, write_named
from coverslip.io.paths import PARTS
from coverslip.models.folder import Model
from coverslip.results.embedding.groups import whose
from coverslip.results.embedding.naming import OF_RESULT, UNNAMED, Labelled, Names, label_cells, of_clusters, read_names
from coverslip.results.embedding.options import Label
from coverslip.samples import Sheet, write_sheet
from coverslip.samples.opening.again import as_text, is_empty
from coverslip.samples.sheets.splits import GROUPS

ENDINGS = (".parquet", ".csv", ".h5ad")
_KEPT = ("image", *PARTS, "source_image", "object", "x_px", "y_px", *GROUPS, "split", "treatment", "concentration")
"""Columns that say which cell it is, and in what company: those of the embedding that go into the table too."""


def label(
    named: Model | Embedding, cells: Embedding, names: str | Path, out: Path, force: bool, options: Label, path: Path
) -> Written:
    """Label cells; see `coverslip.verbs.label.label`."""
    free_place(out, ENDINGS, force)
    refuse_own(out, [path, Path(names)])
    given = read_names(names)
    if isinstance(named, Embedding):
        reference = named
        models = other_models(named.provenance, cells.provenance)
        if models:
            raise InputError(
                f"{path} was made with the model {models[1]}, and what was named with {models[0]}: vectors of two "
                "models do not compare; embed the cells with the model of what was named."
            )
    else:
        if given.of == OF_RESULT:
            raise InputError(
                f"{names} names clusters that were found in a result, not those of a model: give that result in place "
                "of the model."
            )
        reference = _of_model(named, cells, path, given.column)
        given = of_clusters(given, reference)
    found = label_cells(reference, cells, given, count=options.look)
    notes = _write(cells, found, given, out, path)
    return Written(out, _said(found), notes=(*notes, *_notes(found)))


def _of_model(model: Model, cells: Embedding, path: Path, column: str) -> Embedding:
    """The cells themselves, if their clusters are those of the model."""
    described = cells.provenance.get("model")
    described = described if isinstance(described, dict) else {}
    if "membership" not in cells.adata.obsm:
        raise InputError(
            f"The clusters of {path} were found in it, not by a model: give the result in which they were named in "
            "place of the model."
        )
    if whose(cells, column) == OF_RESULT:
        raise InputError(
            f"The clusters of {path} (column '{column}') are not those of the model: others were asked for with "
            "--clusters; give the result in which they were named in place of the model, or predict without --clusters."
        )
    folder = described.get("folder")
    if described.get("method") != model.method or (
        folder and model.folder and Path(folder).resolve() != model.folder.resolve()
    ):
        raise InputError(f"{path} was made with another model ({folder}) than {model.folder}; give that one.")
    return cells


def _write(cells: Embedding, found: Labelled, names: Names, out: Path, path: Path) -> tuple[str, ...]:
    """Write labels in the form of the ending, and say which of the columns are called otherwise."""
    rank = np.zeros(len(found.label), np.int32)
    rank[found.look] = np.arange(1, len(found.look) + 1)
    ours = {
        "cluster": found.cluster.astype(object),
        "label": found.label,
        "confidence": found.confidence.astype(np.float32),
        "look": rank,
    }
    obs = {str(name): np.asarray(cells.adata.obs[name]) for name in cells.adata.obs.columns}
    record = provenance(names=names.model_dump(), made_with=cells.provenance.get("model"))
    if out.suffix.lower() == ".h5ad":
        both = beside(obs, {name: ours[name] for name in ("label", "confidence", "look")})
        obsm = {str(name): np.asarray(cells.adata.obsm[name]) for name in cells.adata.obsm if name != "latent"}
        told = {**cells.provenance, "names": names.model_dump()}
        labelled = Embedding.from_arrays(cells.latent, both, obsm=obsm, provenance=told)
        labelled.adata.obs_names = cells.adata.obs_names  # by which single cells are named
        labelled.adata.uns.update({name: kept for name, kept in cells.adata.uns.items() if name != "coverslip"})
        write_embedding(labelled, out)
        return renamed(obs, both)
    kept = {name: obs[name] for name in _KEPT if name in obs}
    if out.suffix.lower() == ".parquet":
        columns = {"id": np.array([str(name) for name in cells.adata.obs_names], dtype=object), **kept, **ours}
        write_named(Named(columns, str(path), record), out)
    else:
        _write_sheet(cells, {**kept, **{name: ours[name] for name in ("label", "confidence", "look")}}, out)
    return ()


def _write_sheet(cells: Embedding, columns: dict[str, np.ndarray], out: Path) -> None:
    """A sample sheet, with images as seen from it."""
    folder = cells.provenance.get("inputs", {}).get("folder")
    if "image" not in columns or folder is None:
        raise InputError(f"The result does not say where its images are, so {out} would be no sheet; write a .parquet.")
    rows = [
        {name: "" if is_empty(value) else as_text(value) for name, value in zip(columns, row, strict=True)}
        for row in zip(*columns.values(), strict=True)
    ]
    write_sheet(Sheet(Path(folder), tuple(columns), rows), out)


def _said(found: Labelled) -> str:
    kinds, counts = np.unique(found.label[found.label != UNNAMED].astype(str), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    named = ", ".join(f"{counts[k]:,} {kinds[k]}" for k in order)
    return f"Labelled {int(counts.sum()):,} of {len(found.label):,} cells: {named}"


def _notes(found: Labelled) -> tuple[str, ...]:
    notes = []
    labelled = found.label != UNNAMED
    unsure = int((labelled & (found.confidence < 0.5)).sum())
    if unsure:
        notes.append(
            f"{number_of(unsure, 'cell has', 'cells have')} a label that fewer than half of their neighbours share."
        )
    if len(found.look):
        notes.append(f"The {len(found.look)} cells worth a look next are numbered in the column 'look'.")
    return tuple(notes)
