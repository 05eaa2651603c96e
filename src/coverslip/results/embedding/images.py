"""The images that were embedded, found again by what the result says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from coverslip.core import Embedding, InputError, Samples
from coverslip.io.paths import PARTS


def images_of(embedding: Embedding, images: Any) -> tuple[Samples | None, str]:
    """The samples that were embedded, opened again; or None and why not.

    Parameters
    ----------
    embedding : Embedding
        What `coverslip.predict` gave.
    images : optional
        The images, as for `predict`, or the folder that the sheet's paths start from; default: where provenance says.

    Returns
    -------
    samples : Samples or None
        In the order of the embedding.
    complaint : str
        Why there are none; else empty.

    Raises
    ------
    InputError
        If `images` was given and does not have them.
    """
    from coverslip.samples import Sheet, open_samples

    model = embedding.provenance.get("model", {})
    options = model.get("input") or {}
    if images is not None and not isinstance(images, str | Path):
        return open_samples(images, **options), ""
    obs = embedding.adata.obs
    if "image" not in obs:
        return None, "the result does not say where they are (no column 'image')."
    if images is not None and not Path(images).is_dir():
        raise InputError(f"There is no folder {images}; name the one that the sheet's paths start from.")
    folder = images or embedding.provenance.get("inputs", {}).get("folder")
    if folder is None or not len(obs):
        return None, "the result does not say where they are; name their folder (--images)."
    rows = [
        {key: "" if is_empty(value) else as_text(value) for key, value in row.items()}
        for row in obs[[c for c in obs.columns if c in ("image", *PARTS, "source", "axes")]].to_dict("records")
    ]
    try:
        return open_samples(Sheet(Path(folder), tuple(rows[0]), rows), **options), ""
    except InputError as error:
        if images is not None:
            raise
        return None, str(error)


def is_empty(value: Any) -> bool:
    """Whether a cell of a table says nothing: None, NaN or an empty text."""
    return value is None or value != value or value == ""


def as_text(value: Any) -> str:
    """A cell as a sheet has it: whole numbers without a point, also where a gap elsewhere made them floats."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
