"""The demo: from a real stained field to a page of clustered nuclei, with the package's own verbs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from coverslip.core import Embedding, Image
from coverslip.io import read_labels, write_image_tiff
from coverslip.io.h5ad import write_embedding
from coverslip.models.folder import Model
from coverslip.models.loading import load
from coverslip.samples import crop_sheet, read_sheet
from coverslip.train.run import Run
from coverslip.verbs.fit import fit_to_folder
from coverslip.verbs.predict import predict, predict_to_file
from coverslip.verbs.report import write_report
from coverslip.work.asked import Asked

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
        Folder for everything: the field, its nuclei, the crops, the model, ``cells.h5ad`` and ``report.html``.
        What is there from an earlier run is replaced.
    seed : int
        Decides everything random.

    Returns
    -------
    Path
        The report page.
    """
    out = Path(out)
    picture, labels = _found(out)
    crops = crop_sheet(read_sheet(out / "nuclei"), out / "crops", CROP, border="drop", overwrite=True)
    model = fit_to_folder("vae", crops, out / "model", {**SETTINGS, "seed": seed}, run=Run(), force=True)
    assert model is not None  # only a resumed fit can be finished already
    embedding = predict(load(out / "model"), crops)
    write_embedding(embedding, out / "cells.h5ad")
    return _write_page(embedding, model, picture, labels, out / "report.html")


def _found(out: Path) -> tuple[np.ndarray, np.ndarray]:
    """The field, ``(H, W, 3)``, and its nuclei; both are written into the folder."""
    from skimage.data import immunohistochemistry

    picture, field = immunohistochemistry(), out / "field.tif"
    out.mkdir(parents=True, exist_ok=True)
    image = Image.from_array(np.moveaxis(picture, -1, 0), "CYX", source="immunohistochemistry (scikit-image)")
    write_image_tiff(image, field)
    predict_to_file("he-nuclei", field, out / "nuclei", asked=Asked(force=True))
    return picture, read_labels(out / "nuclei" / "field.labels.tif").labels


def _write_page(embedding: Embedding, model: Model, picture: np.ndarray, labels: np.ndarray, path: Path) -> Path:
    from coverslip.figures import outlines
    from coverslip.measure import silhouette

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
    ids = embedding.column("object").astype(int)
    groups = {
        f"cluster {name}": ids[clusters == name] for name in sorted(set(clusters), key=lambda name: (len(name), name))
    }
    return write_report(
        embedding,
        path,
        model=model,
        colour="cluster",
        title="Nuclei of a stained tissue section",
        things="nuclei",
        notes=(
            "The immunohistochemistry field that scikit-image ships: nuclei in haematoxylin blue, FHL2 in DAB brown. "
            "The nuclei were found by he-nuclei, which never saw an annotation, cropped, and embedded by an adaptable "
            "VAE that saw no label. Hover over a point to see its nucleus; draw around points to list them."
        ),
        figures={
            "Nuclei found": (
                outlines(picture, labels),
                "Outlines of he-nuclei; the brown was taken out before it looked.",
            ),
            "Clusters on the tissue": (
                outlines(picture, labels, title="Nuclei by cluster", groups=groups),
                "Where the nuclei of each cluster lie. Those at the border of the field were not cropped.",
            ),
        },
        tables={"Numbers": numbers},
    )
