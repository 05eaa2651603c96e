"""A page to look at: of an embedding, with its model; of label images, with outlines; of decompositions, replayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from coverslip.core.errors import InputError
from coverslip.core.results import Embedding
from coverslip.read.decompositions import holds_decompositions
from coverslip.read.label_folder import LabelFolder, read_label_folder
from coverslip.read.models import Model


def write_report(
    result: Embedding | LabelFolder | str | Path,
    path: str | Path,
    *,
    model: Model | str | Path | None = None,
    images: Any = None,
    truth: Any = None,
    partial: bool = False,
    group: str | None = None,
    colour: str | None = None,
    umap: bool = False,
    first_epoch: int = 1,
    title: str | None = None,
    notes: str | Sequence[str] = (),
    things: str | None = None,
    figures: Mapping[str, Any] | None = None,
    tables: Mapping[str, Any] | None = None,
    figures_folder: str | Path | None = None,
) -> Path:
    """Make one self-contained, interactive page of a result.

    Parameters
    ----------
    result : Embedding, LabelFolder, str or Path
        What `predict` gave, or its file: an embedding (``.h5ad``), label images (a folder, a ``.labels.tif``, an
        OME-Zarr image with labels), or decompositions (a folder).
    path : str or Path
        The ``.html`` to write.
    model : Model, str or Path, optional
        The model, for its card and loss curves, and of an embedding for reconstructions and traversals; default: where
        provenance says it lies, if it still does.
    images : optional
        The images, as for `predict`, or the folder that they have moved to; default: where the result says.
    truth : optional
        For labels: what to measure against, as for `coverslip.evaluate`; default: the masks of the sheet that was
        predicted on, if it named any.
    partial : bool
        For labels: leave out images of the truth that have no result, instead of refusing.
    group : str, optional
        For labels: the column whose groups are compared; default: the first usual one that has two to eight.
    colour : str, optional
        For an embedding: the column that colours the map at first.
    umap : bool
        For an embedding: add a UMAP; it is kept in the embedding, and never computed twice.
    first_epoch : int
        Loss curves from this epoch on.
    title : str, optional
        Of the page.
    notes : str or sequence of str
        Paragraphs under the title.
    things : str, optional
        What the samples or objects are, in the plural.
    figures, tables : mapping, optional
        Further ones, as for `coverslip.report.page.write_page`; they stand before the others.
    figures_folder : str or Path, optional
        Write every figure there too, as PNG for a paper or a talk.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    InputError
        If the result cannot be read, or does not fit the truth or the images.
    """
    common: dict[str, Any] = {"model": model, "images": images, "first_epoch": first_epoch, "notes": notes}
    common |= {"figures": figures, "tables": tables, "figures_folder": figures_folder}
    if isinstance(result, str | Path) and Path(result).suffix.lower() == ".h5ad":
        from coverslip.read import read_embedding

        result = read_embedding(result)
    if isinstance(result, Embedding):
        from coverslip.reporting.embeddings import write_embedding_report

        if truth is not None or partial:
            raise InputError("An embedding is reported without a truth; coverslip evaluate measures it.")
        return write_embedding_report(
            result, path, colour=colour, umap=umap, title=title or "Cells", things=things or "cells", **common
        )
    if colour is not None or umap:
        raise InputError("Label images have no map to colour; leave out --colour and --umap.")
    found = result if isinstance(result, LabelFolder) else read_label_folder(result)
    common |= {"truth": truth, "partial": partial, "group": group, "things": things or "objects"}
    if holds_decompositions(found):
        from coverslip.reporting.decompositions import write_decompositions_report

        return write_decompositions_report(found, path, title=title or "Decomposition", **common)
    from coverslip.reporting.labels import write_labels_report

    return write_labels_report(found, path, title=title or "Segmentation", **common)
