"""The demo: from a real stained field to a page of clustered nuclei, with the package's own verbs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from coverslip.core import Embedding, Image, track
from coverslip.io import atomic_folder, write_image_tiff, write_labels
from coverslip.io.h5ad import write_embedding
from coverslip.models.folder import Model
from coverslip.models.loading import load
from coverslip.samples import Sheet, crop_sheet, find_nuclei, write_sheet
from coverslip.train.run import Run
from coverslip.verbs.fit import fit_to_folder
from coverslip.verbs.predict import predict
from coverslip.verbs.report import write_report

CROP = 32
"""Side of a crop, pixels: a nucleus of this field and a little of what lies around it."""

SETTINGS = {"latent": 8, "epochs": 60, "beta": 0.2, "validation": 0.1, "augment.dihedral": True}


def run_demo(out: str | Path, *, seed: int = 0) -> Path:
    """Find, crop, embed and cluster the nuclei of one field, and write a report.

    The field is the immunohistochemistry image that scikit-image ships: colon, haematoxylin (blue nuclei) and DAB
    (brown, anti-FHL2), 512 x 512 pixels, RGB.

    Parameters
    ----------
    out : str or Path
        Folder for everything: the field with its labels, the crops, the model, ``cells.h5ad`` and ``report.html``.
        What is there from an earlier run is replaced.
    seed : int
        Decides everything random.

    Returns
    -------
    Path
        The report page.
    """
    out = Path(out)
    field = _write_field(out / "field")
    crops = crop_sheet(field, out / "crops", CROP, border="drop", overwrite=True)
    model = fit_to_folder("vae", crops, out / "model", {**SETTINGS, "seed": seed}, run=Run(), force=True)
    assert model is not None  # only a resumed fit can be finished already
    embedding = predict(load(out / "model"), crops)
    write_embedding(embedding, out / "cells.h5ad")
    return _write_page(embedding, model, field, out / "report.html")


def _write_field(folder: Path) -> Sheet:
    from skimage.data import immunohistochemistry

    pixels = np.moveaxis(immunohistochemistry(), -1, 0)
    image = Image.from_array(pixels, "CYX", source="immunohistochemistry (scikit-image)")
    with atomic_folder(folder, overwrite=True) as part:
        for _ in track([0], "Finding nuclei"):
            labels = find_nuclei(image)
        write_image_tiff(image, part / "field.tif")
        write_labels(labels, part / "field.labels.tif")
        sheet = Sheet(part, ("image", "mask"), [{"image": "field.tif", "mask": "field.labels.tif"}])
        write_sheet(sheet, part / "sheet.csv")
    from coverslip.samples import read_sheet

    return read_sheet(folder / "sheet.csv")


def _write_page(embedding: Embedding, model: Model, field: Sheet, path: Path) -> Path:
    from coverslip.figures import outlines
    from coverslip.io import open_image, read_labels
    from coverslip.measure import silhouette

    row_image, row_mask = field.file(0), field.file(0, "mask")
    assert row_image is not None
    assert row_mask is not None
    picture = np.moveaxis(open_image(row_image).read(), 0, -1)
    labels = read_labels(row_mask).labels
    last = model.history[-1]
    clusters = embedding.column("cluster").astype(str)
    numbers = [
        {"measure": "nuclei found", "value": int(labels.max())},
        {"measure": "nuclei embedded", "value": len(embedding)},
        {"measure": "latent dimensions in use", "value": model.facts["active_units"]},
        {"measure": "validation loss", "value": float(last["val_loss"])},
        {"measure": "clusters", "value": len(set(clusters))},
        {"measure": "silhouette of the clusters", "value": float(silhouette(embedding.latent, clusters))},
    ]
    return write_report(
        embedding,
        path,
        model=model,
        colour="cluster",
        title="Nuclei of a stained tissue section",
        things="nuclei",
        notes=(
            "The immunohistochemistry field that scikit-image ships: nuclei in haematoxylin blue, FHL2 in DAB brown. "
            "The nuclei were found with a classical segmentation, cropped, and embedded by an adaptable VAE that saw "
            "no label. Hover over a point to see its nucleus; draw around points to list them."
        ),
        figures={"Nuclei found": (outlines(picture, labels), "Outlines of the classical segmentation.")},
        tables={"Numbers": numbers},
    )
