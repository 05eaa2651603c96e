"""The verb report: a page to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from coverslip import results
from coverslip.core import ModelError, about
from coverslip.figures.document import Page
from coverslip.io.atomic import free_place, refuse_existing
from coverslip.models.folder import Model
from coverslip.models.origins import model_of, warnings_about
from coverslip.verbs.options import for_kind


def write_report(
    result: Any,
    path: str | Path,
    *,
    model: Model | str | Path | None = None,
    images: Any = None,
    first_epoch: int = 1,
    title: str = "",
    notes: str | Sequence[str] = (),
    things: str = "",
    figures: Mapping[str, Any] | None = None,
    tables: Mapping[str, Any] | None = None,
    figures_folder: str | Path | None = None,
    force: bool = True,
    **options: Any,
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
        The model, for its card and loss curves, and of an embedding for what it makes of the images; default: where
        provenance says it lies, if it still does.
    images : optional
        The images, as for `predict`, or the folder that they have moved to; default: where the result says.
    first_epoch : int
        Loss curves from this epoch on.
    title : str
        Of the page.
    notes : str or sequence of str
        Paragraphs under the title.
    things : str
        What the samples or objects are, in the plural.
    figures, tables : mapping, optional
        Further ones, as for `coverslip.figures.document.write_document`; they stand before the others.
    figures_folder : str or Path, optional
        Write every figure there too, as PNG for a paper or a talk.
    force : bool
        Replace what is there.
    **options
        Those of the kind. Of an embedding ``colour`` (the column that colours the map at first) and ``umap`` (add one;
        it is kept in the result, and never computed twice); of labels ``truth`` (what to measure against, as for
        `coverslip.evaluate`), ``partial`` and ``group`` (the column whose groups are compared).

    Returns
    -------
    Path
        The page.

    Raises
    ------
    InputError
        If the result cannot be read, or does not fit the truth or the images.
    """
    page = Page(
        free_place(path, (".html", ".htm"), force),
        title,
        [notes] if isinstance(notes, str) else list(notes),
        things,
        dict(figures or {}),
        dict(tables or {}),
        None if figures_folder is None else Path(figures_folder),
        first_epoch,
        Path(result) if isinstance(result, str | Path) else None,
    )
    if figures_folder is not None:
        refuse_existing(figures_folder, force)
    named = result if isinstance(result, str | Path) else None
    kind, found = results.opened(result)
    own = for_kind(kind, "report", options, "The result" if named is None else named)
    with about(named):
        fitted = _model_or_note(found, model, page.notes)
        page.notes.extend(warnings_about(found) if fitted is None else fitted.warnings)
        written: Path = kind.verb("report")(found, page, fitted, images, own)
    return written


def _model_or_note(result: Any, model: Model | str | Path | None, notes: list[str]) -> Model | None:
    """The model of a result; of one that was changed since, only a note that says so."""
    try:
        return model_of(result, model)
    except ModelError as error:
        if model is not None:
            raise
        notes.append(f"The model is not shown: {error}")  # it was changed or damaged since; the result is still one
        return None
